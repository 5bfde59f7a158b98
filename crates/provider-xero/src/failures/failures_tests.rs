//! Every row of the fact sheet's error table: by status, and by the sentence with which an element is refused.

use std::time::Duration;

use model::FailureKind::{
    Conflict, Defect, OutcomeUnknown, Rejected, Throttled, Unauthorized, Unreachable, Unsupported,
};
use model::Owner::{Bookkeeper, Customer, Operator, System};
use model::Scope::{Books, Call, Element};
use serde_json::json;

use super::table::TABLE;
use super::*;

/// A sentence as captured or documented, and what it must mean.
#[rustfmt::skip]
const SENTENCES: &[(&str, FailureKind, &str, Owner, Option<ImportKind>)] = &[
    ("Invoice # must be unique.", OutcomeUnknown, "EXISTS_ALREADY", System, None),
    ("Credit Note number must be unique.", OutcomeUnknown, "EXISTS_ALREADY", System, None),
    ("Order number must be unique", Defect, "UNEXPECTED_ORDER", Operator, None),
    ("Price List Item with Code 'X' already exists", Conflict, "ITEM_EXISTS", Bookkeeper, None),
    ("Please enter a unique Name.", OutcomeUnknown, "EXISTS_ALREADY", System, None),
    ("The contact name Jane Doe is already assigned to another contact. The contact name must be unique across all active contacts.", OutcomeUnknown, "EXISTS_ALREADY", System, None),
    ("The contact number 7 is already assigned to another contact. The contact number must be unique across all contacts.", OutcomeUnknown, "EXISTS_ALREADY", System, None),
    ("Another contact has this contact number. Please enter a different contact number.", OutcomeUnknown, "EXISTS_ALREADY", System, None),
    ("The contact with the specified contact details has been archived. The contact must be un-archived before creating new invoices or credit notes.", Conflict, "CUSTOMER_ARCHIVED", Bookkeeper, None),
    ("The Contact must contain at least 1 of the following elements to identify the contact: Name, ContactID, ContactNumber", Defect, "CONTACT_MISSING", Operator, None),
    ("A Contact must be specified for this type of transaction", Defect, "CONTACT_MISSING", Operator, None),
    ("Email address must be valid.", Rejected, "EMAIL_INVALID", Bookkeeper, None),
    ("Account code '200' is not a valid code for this document.", Rejected, "ACCOUNT_UNUSABLE", Bookkeeper, Some(ImportKind::Accounts)),
    ("Account code '200' has been archived, or has been deleted. Each line item must reference a valid account.", Rejected, "ACCOUNT_UNUSABLE", Bookkeeper, Some(ImportKind::Accounts)),
    ("Account must be valid.", Rejected, "ACCOUNT_UNUSABLE", Bookkeeper, Some(ImportKind::Accounts)),
    ("Account could not be found", Rejected, "ACCOUNT_UNUSABLE", Bookkeeper, Some(ImportKind::Accounts)),
    ("The TaxType code 'OUTPUT2' cannot be used with account code '610'.", Rejected, "TAX_NOT_FOR_ACCOUNT", Bookkeeper, Some(ImportKind::TaxCodes)),
    ("The TaxType code TAX009 does not exist or cannot be used for this type of transaction", Rejected, "TAX_UNUSABLE", Bookkeeper, Some(ImportKind::TaxCodes)),
    ("Tax rate must be valid.", Rejected, "TAX_UNUSABLE", Bookkeeper, Some(ImportKind::TaxCodes)),
    ("Organisation is not subscribed to currency NZD", Rejected, "CURRENCY_NOT_USED", Bookkeeper, Some(ImportKind::Company)),
    ("Users Organisation is not subscribed to currency NZD", Rejected, "CURRENCY_NOT_USED", Bookkeeper, Some(ImportKind::Company)),
    ("The document date cannot be before the period lock date, currently set at 31/01/2026", Conflict, "PERIOD_LOCKED", Bookkeeper, Some(ImportKind::Company)),
    ("The document date cannot be before the end of year lock date, currently set at 31/12/2025", Conflict, "PERIOD_LOCKED", Bookkeeper, Some(ImportKind::Company)),
    ("Invoice not of valid status for modification", Conflict, "STALE_REVISION", System, None),
    ("Invoice not of valid status for modification This document cannot be edited as it has a payment or credit note allocated to it.", Conflict, "STALE_REVISION", System, None),
    ("This document cannot be edited as it has a payment or credit note allocated to it.", Conflict, "STALE_REVISION", System, None),
    ("The status VOIDED cannot be applied to the invoice because it has payments or credit notes allocated to it.", Conflict, "STALE_REVISION", System, None),
    ("Invoice not of valid status for creation", Defect, "STATUS_AT_CREATION", Operator, None),
    ("One or more line items must be specified", Defect, "LINES_MISSING", Operator, None),
    ("Payment amount exceeds the amount outstanding on this document", Conflict, "INVOICE_NOT_OPEN", Bookkeeper, None),
    ("Payments can only be made against Authorised documents", Conflict, "INVOICE_NOT_OPEN", Bookkeeper, None),
    ("Account type is invalid for making a payment to/from", Rejected, "BANK_ACCOUNT_UNUSABLE", Bookkeeper, Some(ImportKind::Accounts)),
    ("Payments within a batch cannot be deleted.", Conflict, "PAYMENT_IN_BATCH", Bookkeeper, None),
    ("The invoice you are trying to allocate to has already been paid off", Conflict, "INVOICE_NOT_OPEN", Bookkeeper, None),
    ("Credit Note cannot be allocated as amount is greater than amount outstanding", Conflict, "INVOICE_NOT_OPEN", Bookkeeper, None),
    ("Overpayment cannot be allocated as amount is greater than amount outstanding", Conflict, "INVOICE_NOT_OPEN", Bookkeeper, None),
    ("Credit Note cannot be allocated to an incorrect invoice type", Defect, "ALLOCATION_KIND", Operator, None),
    ("An existing Credit Note with the specified CreditNoteID could not be found", Conflict, "STALE_REVISION", System, None),
    ("Item code 'ABC' is not valid", Rejected, "ITEM_UNKNOWN", Bookkeeper, None),
    ("Only AUTHORISED and BILLED purchase orders may have SentToContact updated.", Defect, "UNEXPECTED_ORDER", Operator, None),
    ("The line total 12.00 does not match the expected line total 12.01", Defect, "LINE_TOTAL", Operator, None),
    ("You have reached the limit of invoices you can approve", Unsupported, "PLAN_LIMIT", Customer, None),
    ("The key is used with a different request", OutcomeUnknown, "KEY_REUSED", System, None),
    ("Your query would return more than 100k records", Defect, "READ_TOO_WIDE", Operator, None),
    ("More than 100,000 records would be returned", Defect, "READ_TOO_WIDE", Operator, None),
    ("Xero has never said this before.", Rejected, "REFUSED", Bookkeeper, None),
];

#[test]
fn every_sentence_means_what_the_fact_sheet_says() {
    for (sentence, kind, code, owner, asks) in SENTENCES {
        for form in [
            (*sentence).to_owned(),
            sentence.trim_end_matches('.').to_uppercase(),
        ] {
            let failure = of_messages(std::slice::from_ref(&form)).unwrap();
            let meant = (failure.kind, failure.code.as_str(), failure.owner);
            assert_eq!(meant, (*kind, *code, *owner), "{form}");
            assert_eq!(failure.asks_import, *asks, "{form}");
            assert_eq!(failure.scope, Element, "{form}");
            assert_eq!(failure.detail.as_deref(), Some(form.as_str()));
        }
    }
}

#[test]
fn every_row_of_the_table_is_met_by_a_sentence() {
    for row in TABLE {
        let is_met = SENTENCES.iter().any(|(sentence, ..)| {
            table::row(&sentence.to_lowercase()).is_some_and(|found| std::ptr::eq(found, row))
        });
        assert!(is_met, "{row:?}");
    }
}

#[test]
fn every_sentence_for_people_says_what_to_do_and_quotes_nothing() {
    for row in TABLE {
        let message = row.failure().message;
        assert!(
            message.ends_with('.') && message.chars().count() <= 600,
            "{message}"
        );
        assert!(
            !message.contains('\n') && !message.contains("  "),
            "{message}"
        );
    }
    let quoted = of_messages(&["Jane Doe owes 7".to_owned()]).unwrap();
    assert!(!quoted.message.contains("Jane"));
}

#[test]
fn of_several_errors_the_one_that_decides_counts() {
    let both = |one: &str, other: &str| {
        let failure = of_messages(&[one.to_owned(), other.to_owned()]).unwrap();
        failure.code
    };
    let name = "The contact name X is already assigned to another contact.";
    assert_eq!(both("Email address must be valid.", name), "EXISTS_ALREADY");
    assert_eq!(
        both("Something new", "Account must be valid."),
        "ACCOUNT_UNUSABLE"
    );
    let late = "The document date cannot be before the period lock date, currently set at x";
    assert_eq!(both("Account must be valid.", late), "PERIOD_LOCKED");
    assert_eq!(of_messages(&[]), None);
}

#[test]
fn messages_are_found_wherever_they_sit() {
    let element = json!({
        "InvoiceID": "x",
        "Contact": {"ValidationErrors": [{"Message": "one"}]},
        "LineItems": [{"ValidationErrors": [{"Description": "two"}]}],
        "ValidationErrors": [{"Message": "three"}, {"Odd": 1}, "four"],
        "Warnings": [{"Message": "not this"}],
    });
    let mut found = messages(&element);
    found.sort();
    assert_eq!(found, ["one", "three", "two"]);
}

fn reply(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Reply {
        status,
        headers: headers.iter().map(own).collect(),
        body: body.as_bytes().to_vec(),
    }
}

fn meaning(reply: &Reply, writing: bool) -> Failure {
    let body: Option<Value> = serde_json::from_slice(&reply.body).ok();
    of_reply(reply, body.as_ref(), writing)
}

/// Status, headers, body, and what it must mean for a write.
type Row<'a> = (
    u16,
    &'a [(&'a str, &'a str)],
    &'a str,
    FailureKind,
    &'a str,
    Owner,
    Scope,
    Option<u64>,
);

#[rustfmt::skip]
const STATUSES: &[Row<'_>] = &[
    (400, &[], r#"{"ErrorNumber":14,"Type":"PostDataInvalidException","Message":"x"}"#, Defect, "HTTP_400", Operator, Call, None),
    (400, &[], r#"{"ErrorNumber":16,"Type":"QueryParseException","Message":"Expression expected"}"#, Defect, "HTTP_400", Operator, Call, None),
    (400, &[], r#"{"ErrorNumber":17,"Type":"NoDataProcessedException","Message":"x"}"#, Defect, "HTTP_400", Operator, Call, None),
    (400, &[], r#"{"ErrorNumber":10,"Message":"Idempotency key is used with a different request"}"#, OutcomeUnknown, "KEY_REUSED", System, Call, None),
    (400, &[], r#"{"Message":"more than 100k records"}"#, Defect, "READ_TOO_WIDE", Operator, Call, None),
    (400, &[], "<html>", Rejected, "HTTP_400", Operator, Call, None),
    (401, &[], r#"{"Type":null,"Title":"Unauthorized","Status":401,"Detail":"TokenExpired: token expired at 01/01/2026 00:00:00","Instance":"x"}"#, Unauthorized, "TOKEN_EXPIRED", Customer, Books, None),
    (401, &[], r#"{"title":"Unauthorized","status":401,"detail":"AuthenticationUnsuccessful"}"#, Unauthorized, "TOKEN_REFUSED", Customer, Books, None),
    (401, &[], "", Unauthorized, "TOKEN_REFUSED", Customer, Books, None),
    (401, &[], r#"{"Detail":"AuthorizationUnsuccessful"}"#, Unsupported, "SCOPE_MISSING", Customer, Books, None),
    (401, &[("www-authenticate", "insufficient_scope")], "", Unsupported, "SCOPE_MISSING", Customer, Books, None),
    (401, &[("www-authenticate", "error=insufficent_scope")], "", Unsupported, "SCOPE_MISSING", Customer, Books, None),
    (403, &[], r#"{"Type":null,"Title":"Forbidden","Status":403,"Detail":"AuthenticationUnsuccessful","Instance":"x","Extensions":{}}"#, Conflict, "ORGANISATION_DISCONNECTED", Customer, Books, None),
    (403, &[], r#"{"type":null,"title":"Forbidden","detail":"AuthenticationUnsuccessful"}"#, Conflict, "ORGANISATION_DISCONNECTED", Customer, Books, None),
    (403, &[], "", Conflict, "PERMISSION_MISSING", Customer, Books, None),
    (404, &[], "The resource you're looking for cannot be found", Conflict, "HTTP_404", Operator, Call, None),
    (409, &[], "", Rejected, "HTTP_409", Operator, Call, None),
    (412, &[], "", Defect, "HTTP_412", Operator, Call, None),
    (413, &[], "", Defect, "HTTP_413", Operator, Call, None),
    (415, &[], "", Defect, "HTTP_415", Operator, Call, None),
    (429, &[("x-rate-limit-problem", "minute"), ("retry-after", "22")], "", Throttled, "LIMIT_MINUTE", System, Books, Some(22)),
    (429, &[("x-rate-limit-problem", "Day"), ("retry-after", "40000")], "", Throttled, "LIMIT_DAY", System, Books, Some(40_000)),
    (429, &[("x-rate-limit-problem", "day"), ("retry-after", "900000")], "", Throttled, "LIMIT_DAY", System, Books, Some(86_400)),
    (429, &[("x-rate-limit-problem", "app-minute"), ("retry-after", "3")], "", Throttled, "LIMIT_APP_MINUTE", System, Books, Some(3)),
    (429, &[("x-rate-limit-problem", "appminute")], "", Throttled, "LIMIT_APP_MINUTE", System, Books, None),
    (429, &[("x-rate-limit-problem", "concurrent")], "", Unreachable, "LIMIT_CONCURRENT", System, Call, None),
    (429, &[], "", Throttled, "LIMIT_MINUTE", System, Books, None),
    (429, &[("retry-after", "soon")], "", Throttled, "LIMIT_MINUTE", System, Books, None),
    (500, &[], "oops", OutcomeUnknown, "HTTP_500", System, Call, None),
    (501, &[], r#"{"ErrorNumber":20,"Type":"ApiMethodNotImplementedException"}"#, Defect, "HTTP_501", Operator, Call, None),
    (501, &[], "", OutcomeUnknown, "HTTP_501", System, Call, None),
    (502, &[], "", OutcomeUnknown, "HTTP_502", System, Call, None),
    (503, &[], "The Xero API is currently offline for maintenance", OutcomeUnknown, "XERO_OFFLINE", System, Books, Some(300)),
    (503, &[], "The Xero API is temporarily unavailable", OutcomeUnknown, "XERO_OFFLINE", System, Books, Some(300)),
    (503, &[("retry-after", "30")], "The Organisation is offline", OutcomeUnknown, "ORGANISATION_OFFLINE", System, Books, Some(30)),
    (503, &[], "oauth_problem=rate%20limit%20exceeded", OutcomeUnknown, "HTTP_503", System, Call, None),
    (504, &[], "", OutcomeUnknown, "HTTP_504", System, Call, None),
    (200, &[], "{", OutcomeUnknown, "BAD_REPLY", System, Call, None),
    (302, &[], "", OutcomeUnknown, "BAD_REPLY", System, Call, None),
];

#[test]
fn every_status_means_what_the_fact_sheet_says() {
    for (status, headers, body, kind, code, owner, scope, wait) in STATUSES {
        let failure = meaning(&reply(*status, headers, body), true);
        let meant = (
            failure.kind,
            failure.code.as_str(),
            failure.owner,
            failure.scope,
        );
        assert_eq!(
            meant,
            (*kind, *code, *owner, *scope),
            "{status} {headers:?} {body}"
        );
        assert_eq!(
            failure.retry_after,
            wait.map(Duration::from_secs),
            "{status} {headers:?}"
        );
    }
}

#[test]
fn a_read_that_went_wrong_is_read_again_and_never_looked_up() {
    for (status, headers, body, kind, ..) in STATUSES {
        let failure = meaning(&reply(*status, headers, body), false);
        match kind {
            OutcomeUnknown => assert_eq!(failure.kind, Unreachable, "{status} {body}"),
            same => assert_eq!(failure.kind, *same, "{status} {body}"),
        }
    }
}

#[test]
fn a_body_without_an_end_is_kept_in_part() {
    let failure = meaning(&reply(500, &[], &"\0é".repeat(50_000)), true);
    let detail = failure.detail.unwrap();
    assert!(detail.chars().count() <= 2_000 && !detail.contains('\0'));
}

#[test]
fn what_begins_by_itself_is_what_the_failure_does() {
    for (sentence, kind, code, _, asks) in SENTENCES {
        let playbook = playbook(code);
        if *kind == OutcomeUnknown {
            assert!(
                playbook.is_some(),
                "{sentence} is looked up and names no playbook"
            );
        }
        if let Some(what) = asks {
            let name = format!("IMPORT_{}", what.as_str());
            assert_eq!(
                playbook.map(|own| own.name),
                Some(name.as_str()),
                "{sentence}"
            );
        }
        if matches!(kind, Defect) || *code == "REFUSED" {
            assert_eq!(playbook, None, "{sentence} is a person's");
        }
    }
    for (_, _, _, kind, code, ..) in STATUSES {
        if matches!(kind, Throttled | Unauthorized | Unreachable) {
            assert!(playbook(code).is_some(), "{code} heals by itself");
        }
    }
}
