//! The fault table, row by row: every code of the fact sheet, its kind, owner and reach.

use model::FailureKind::{
    Conflict, Defect, OutcomeUnknown, Rejected, Throttled, Unauthorized, Unreachable, Unsupported,
};
use model::Owner::{Bookkeeper, Customer, Operator, System};
use model::Scope::{Books, Call, Element};

use super::fault::Fault;
use super::table::{Playbook, TABLE};
use super::*;

/// Code, wording as captured or documented, and what it must mean.
#[rustfmt::skip]
const EXPECTED: &[(&str, &str, FailureKind, &str, Owner, Scope)] = &[
    ("100", "general", Unauthorized, "100", Customer, Books),
    ("110", "OAuth error", Unauthorized, "110", Customer, Books),
    ("120", "-11014-You do not have access to use QuickBooks Online", Unauthorized, "120", Customer, Books),
    ("130", "wrong cluster", Unreachable, "130", System, Books),
    ("140", "company locked out", Throttled, "140", System, Books),
    ("150", "under maintenance", Throttled, "150", System, Books),
    ("500", "Unsupported Operation", Unsupported, "500", Operator, Element),
    ("600", "duplicate request id", OutcomeUnknown, "600", System, Element),
    ("610", "Object Not Found | Something you're trying to use has been made inactive.", Conflict, "610", Bookkeeper, Element),
    ("610", "Object Not Found | Another user has deleted this transaction.", Conflict, "DELETED_IN_BOOKS", Bookkeeper, Element),
    ("620", "Transaction cannot be linked", Conflict, "INVOICE_NOT_OPEN", Bookkeeper, Element),
    ("630", "same unique properties", Conflict, "630", Bookkeeper, Element),
    ("700", "bad parent", Rejected, "700", Bookkeeper, Element),
    ("800", "has dependants", Conflict, "800", Bookkeeper, Element),
    ("900", "own parent", Rejected, "900", Bookkeeper, Element),
    ("1000", "operation failed", Rejected, "1000", Bookkeeper, Element),
    ("1010", "create failed", Rejected, "1010", Bookkeeper, Element),
    ("1020", "update failed", Rejected, "1020", Bookkeeper, Element),
    ("1040", "batch too big", Defect, "1040", Operator, Call),
    ("1050", "invalid content type", Defect, "1050", Operator, Call),
    ("2000", "general", Rejected, "2000", Bookkeeper, Element),
    ("2010", "Request has invalid or unsupported property", Defect, "2010", Operator, Element),
    ("2020", "Required param missing", Defect, "2020", Operator, Element),
    ("2030", "Invalid ID", Rejected, "2030", Bookkeeper, Element),
    ("2040", "Invalid String", Rejected, "2040", Bookkeeper, Element),
    ("2050", "Min:0 Max:1,000 supported. Supplied length:1,016 | Customer Memo", Rejected, "2050", Bookkeeper, Element),
    ("2080", "illegal number format", Defect, "2080", Operator, Element),
    ("2090", "invalid number", Defect, "2090", Operator, Element),
    ("2170", "Invalid Enumeration", Defect, "2170", Operator, Element),
    ("2210", "Invalid Email Address format", Rejected, "2210", Bookkeeper, Element),
    ("2500", "Invalid Reference Id | Names element id 583 not found", Conflict, "CUSTOMER_GONE", Bookkeeper, Element),
    ("2500", "Invalid Reference Id | Accounts element id 5 is invalid", Conflict, "2500", Bookkeeper, Element),
    ("2500", "Invalid Reference Id | Item 9 is set up as a category", Conflict, "2500", Bookkeeper, Element),
    ("2500", "Invalid Reference Id | Items element id 9 not found", Conflict, "2500", Bookkeeper, Element),
    ("2500", "Invalid Reference Id | TaxCode id 9 not found", Conflict, "2500", Bookkeeper, Element),
    ("2500", "Invalid Reference Id", Conflict, "2500", Bookkeeper, Element),
    ("3001", "ThrottleExceeded", Throttled, "3001", System, Books),
    ("3100", "ApplicationAuthorizationFailed", Unauthorized, "3100", Customer, Books),
    ("3200", "ApplicationAuthenticationFailed", Unauthorized, "3200", Customer, Books),
    ("4000", "Error parsing query", Defect, "4000", Operator, Call),
    ("4001", "Invalid query", Defect, "4001", Operator, Call),
    ("5000", "deprecated field", Defect, "5000", Operator, Element),
    ("5010", "Stale Object Error", Conflict, "STALE_REVISION", System, Element),
    ("5020", "Permission Denied Error", Unsupported, "5020", Customer, Element),
    ("5030", "feature not supported", Unsupported, "5030", Customer, Element),
    ("6000", "The currency of the transaction is invalid for customer / vendor / account.", Conflict, "CUSTOMER_CURRENCY", Bookkeeper, Element),
    ("6000", "Make sure all your transactions have a GST rate before you save: tax", Rejected, "6000", Bookkeeper, Element),
    ("6000", "You cannot delete a transaction that is linked to another one", Conflict, "800", Bookkeeper, Element),
    ("6000", "A business validation error has occurred", Rejected, "6000", Bookkeeper, Element),
    ("6010", "AccountType missing", Rejected, "6010", Bookkeeper, Element),
    ("6070", "Amount is not equal to UnitPrice * Qty", Defect, "6070", Operator, Element),
    ("6080", "no name given", Rejected, "NAME_MISSING", Bookkeeper, Element),
    ("6090", "discount without amount", Defect, "6090", Operator, Element),
    ("6100", "must be TAX or NON", Rejected, "6100", Bookkeeper, Element),
    ("6140", "DocNumber=18696 is assigned to TxnType=Invoice with TxnId=6575", OutcomeUnknown, "6140", System, Element),
    ("6140", "Duplicate Document Number Error", Conflict, "6140", Bookkeeper, Element),
    ("6190", "Invalid Company Status", Conflict, "6190", Customer, Books),
    ("6210", "account period closed", Conflict, "6210", Bookkeeper, Element),
    ("6210", "Duplicate Document Number Error", Conflict, "6140", Bookkeeper, Element),
    ("6210", "Duplicate DocumentNumber", Conflict, "6140", Bookkeeper, Element),
    ("6240", "Duplicate Name Exists Error", Conflict, "6240", Bookkeeper, Element),
    ("6250", "invalid customer", Conflict, "6250", Bookkeeper, Element),
    ("6430", "invalid account type", Conflict, "6430", Bookkeeper, Element),
    ("6540", "Deposited Transaction cannot be changed", Conflict, "6540", Bookkeeper, Element),
    ("6560", "customer missing", Defect, "6560", Operator, Element),
    ("10000", "System Failure Error: Could not find resource for relative : /x", Defect, "10000", Operator, Call),
    ("10000", "System Failure Error: other", OutcomeUnknown, "10000", System, Element),
];

fn fault(code: &str, wording: &str) -> Fault {
    Fault {
        kind: "ValidationFault".to_owned(),
        code: code.to_owned(),
        message: wording.to_owned(),
        ..Fault::default()
    }
}

#[test]
fn every_code_means_what_the_fact_sheet_says() {
    for (code, wording, kind, ours, owner, scope) in EXPECTED {
        let failure = of_fault(&fault(code, wording));
        assert_eq!(failure.kind, *kind, "{code} {wording}");
        assert_eq!(failure.code, *ours, "{code} {wording}");
        assert_eq!(failure.owner, *owner, "{code} {wording}");
        assert_eq!(failure.scope, *scope, "{code} {wording}");
        assert_eq!(failure.detail.as_deref(), Some(*wording), "{code}");
    }
}

#[test]
fn every_row_of_the_table_is_reached_by_an_expectation() {
    for row in TABLE {
        let is_reached = EXPECTED.iter().any(|(code, wording, ..)| {
            table::row(code, wording).is_some_and(|found| std::ptr::eq(found, row))
        });
        assert!(
            is_reached,
            "{} {:?} is not tested or cannot be reached",
            row.code, row.wording
        );
    }
}

#[test]
fn every_sentence_is_whole_and_says_what_follows() {
    for row in TABLE {
        let text = row.sentence;
        assert!(
            text.ends_with('.') && text.len() > 60,
            "{}: {text}",
            row.code
        );
        assert!(
            !text.contains("  ") && !text.contains(row.code),
            "{}: {text}",
            row.code
        );
        let follows = [
            "nobody needs to act",
            "by itself",
            "must",
            "send it again",
            "then sent again",
            "Decide",
            "ask Tieout",
            "report it",
        ];
        assert!(
            follows.iter().any(|words| text.contains(words)),
            "{}: {text}",
            row.code
        );
    }
}

/// Code, wording, and the playbook that begins by itself. All others are a person's.
#[rustfmt::skip]
const HEALED: &[(&str, &str, &str)] = &[
    ("100", "", "RENEW_CONSENT"),
    ("110", "", "RENEW_CONSENT"),
    ("130", "", "TRY_AGAIN"),
    ("140", "", "WAIT"),
    ("150", "", "WAIT"),
    ("600", "", "LOOK_UP"),
    ("2500", "names element id 583 not found", "ASK_ONCE"),
    ("2500", "accounts element id 5 is invalid", "IMPORT_ACCOUNTS"),
    ("2500", "taxcode id 9 not found", "IMPORT_TAX_CODES"),
    ("3001", "", "WAIT"),
    ("3100", "", "RENEW_CONSENT"),
    ("3200", "", "RENEW_CONSENT"),
    ("5010", "", "READ_AGAIN"),
    ("6000", "tax", "IMPORT_TAX_CODES"),
    ("6100", "", "IMPORT_COMPANY"),
    ("6140", "is assigned to txntype=invoice with txnid=6575", "ADOPT_BY_NUMBER"),
    ("6210", "account period closed", "IMPORT_COMPANY"),
    ("6430", "", "IMPORT_ACCOUNTS"),
    ("10000", "other", "LOOK_UP"),
];

#[test]
fn what_heals_by_itself_names_its_playbook_and_does_what_the_playbook_says() {
    for row in TABLE {
        let named = HEALED.iter().find(|(code, wording, _)| {
            table::row(code, wording).is_some_and(|found| std::ptr::eq(found, row))
        });
        let (name, failure) = (
            row.playbook.words().map(|playbook| playbook.name),
            row.failure(),
        );
        assert_eq!(
            name,
            named.map(|(_, _, name)| *name),
            "{} {}",
            row.code,
            row.wording
        );
        let asks = match row.playbook {
            Playbook::ImportAgain(what) => Some(what),
            _ => None,
        };
        assert_eq!(failure.asks_import, asks, "{}", row.code);
        let looks_up = matches!(row.playbook, Playbook::LookUp | Playbook::AdoptByNumber);
        assert_eq!(looks_up, failure.kind == OutcomeUnknown, "{}", row.code);
        if row.playbook == Playbook::ReadAgain {
            assert_eq!(failure.code, STALE_REVISION);
        }
    }
}

#[test]
fn long_waits_are_longer_than_a_minute() {
    for code in ["140", "150"] {
        let wait = of_fault(&fault(code, "")).retry_after.unwrap();
        assert!(wait >= Duration::from_mins(5));
    }
}
