//! Objects as the API shows them.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::contact_record::Contact;
use super::dates;
use super::document::{Allocation, Document, Line, Settled, Status};
use super::kind::Kind;
use super::number::{self, money};
use super::organisation::Organisation;
use super::shelf::Revision;

/// How much of a document is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Everything.
    Full,
    /// A list that is not paged: its lines are left out and an empty list stands for them.
    List,
    /// `summaryOnly`: no lines, payments or credits.
    Summary,
}

/// How objects are shown.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// How much.
    pub depth: Depth,
    /// Decimal places of prices.
    pub unit_places: u32,
}

impl View {
    /// Everything, as single reads and writes show it.
    pub fn full(unit_places: u32) -> Self {
        Self {
            depth: Depth::Full,
            unit_places,
        }
    }
}

/// A document.
pub fn document(organisation: &Organisation, revision: &Revision<Document>, view: View) -> Value {
    let document = &revision.value;
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| {
        shown.insert(name.to_owned(), value);
    };
    put("Type", json!(document.sort));
    put(document.kind.id_member(), json!(document.id));
    put("Reference", json!(document.reference));
    put("Contact", contact_of(organisation, &document.contact_id));
    put("DateString", json!(dates::day_string(document.date)));
    put("Date", json!(dates::day(document.date)));
    put("Status", json!(document.status.name()));
    put("LineAmountTypes", json!(document.amount_types.name()));
    put("SubTotal", money(document.sub_total));
    put("TotalTax", money(document.total_tax));
    put("Total", money(document.total));
    put("CurrencyCode", json!(document.currency));
    put(
        "CurrencyRate",
        number::fixed(document.rate, number::RATE_PLACES),
    );
    put("UpdatedDateUTC", json!(dates::instant(revision.at)));
    // The ISO sibling stands on all but bank transactions.
    if document.kind != Kind::BankTransaction {
        let at = dates::instant_string(revision.at);
        put("UpdatedDateUTCString", json!(at));
    }
    put("HasAttachments", json!(false));
    if let Some(day) = document.settled_on() {
        put("FullyPaidOnDate", json!(dates::day(day)));
    }
    match view.depth {
        Depth::Full => {
            let lines = document.lines.iter();
            let lines: Vec<Value> = lines.map(|it| line(it, view.unit_places)).collect();
            put("LineItems", Value::Array(lines));
        }
        Depth::List => put("LineItems", json!([])),
        Depth::Summary => {}
    }
    match document.kind {
        Kind::Invoice => invoice(document, view, &mut shown),
        Kind::BankTransaction => bank_transaction(organisation, document, &mut shown),
        _ => credit(document, view, &mut shown),
    }
    Value::Object(shown)
}

fn invoice(document: &Document, view: View, shown: &mut Map<String, Value>) {
    let mut put = |name: &str, value: Value| {
        shown.insert(name.to_owned(), value);
    };
    let is_final = document.status.is_final();
    let unless_final = |amount: Decimal| if is_final { Decimal::ZERO } else { amount };
    put("InvoiceNumber", json!(document.number));
    put("AmountDue", money(document.outstanding()));
    put("AmountPaid", money(unless_final(document.paid())));
    put("AmountCredited", money(unless_final(document.applied())));
    put("IsDiscounted", json!(!document.total_discount.is_zero()));
    put("HasErrors", json!(false));
    put("SentToContact", json!(document.is_sent));
    if !document.total_discount.is_zero() {
        put("TotalDiscount", money(document.total_discount));
    }
    if let Some(day) = document.due_date {
        put("DueDate", json!(dates::day(day)));
        put("DueDateString", json!(dates::day_string(day)));
    }
    if let Some(day) = document.expected_on {
        put("ExpectedPaymentDate", json!(dates::day(day)));
    }
    for (name, value) in [
        ("Url", &document.url),
        ("BrandingThemeID", &document.branding_theme_id),
    ] {
        if !value.is_empty() {
            put(name, json!(value));
        }
    }
    if view.depth == Depth::Summary {
        return;
    }
    put("Payments", payments(document));
    for kind in [Kind::CreditNote, Kind::Prepayment, Kind::Overpayment] {
        let of_kind = document
            .allocations
            .iter()
            .filter(|it| it.credit_kind == kind);
        let applied: Vec<Value> = of_kind.map(applied).collect();
        put(kind.plural(), Value::Array(applied));
    }
}

fn credit(document: &Document, view: View, shown: &mut Map<String, Value>) {
    let mut put = |name: &str, value: Value| {
        shown.insert(name.to_owned(), value);
    };
    if document.kind == Kind::CreditNote {
        put("CreditNoteNumber", json!(document.number));
        put("HasErrors", json!(false));
        put("SentToContact", json!(document.is_sent));
        if !document.branding_theme_id.is_empty() {
            put("BrandingThemeID", json!(document.branding_theme_id));
        }
    }
    put("RemainingCredit", money(document.outstanding()));
    let allocations = document.allocations.iter();
    put("Allocations", allocations.map(allocation).collect());
    if view.depth == Depth::Full {
        put("Payments", payments(document));
    }
}

fn bank_transaction(
    organisation: &Organisation,
    document: &Document,
    shown: &mut Map<String, Value>,
) {
    let account = organisation.accounts.get(&document.bank_account_id);
    if let Some(account) = account {
        let bank = json!({
            "AccountID": account.id, "Code": account.code, "Name": account.name,
        });
        shown.insert("BankAccount".to_owned(), bank);
    }
    shown.insert("IsReconciled".to_owned(), json!(false));
    if !document.url.is_empty() {
        shown.insert("Url".to_owned(), json!(document.url));
    }
    let member = match document.sort.as_str() {
        "RECEIVE-OVERPAYMENT" | "SPEND-OVERPAYMENT" => "OverpaymentID",
        "RECEIVE-PREPAYMENT" | "SPEND-PREPAYMENT" => "PrepaymentID",
        _ => return,
    };
    shown.insert(member.to_owned(), json!(document.companion_id));
}

fn contact_of(organisation: &Organisation, id: &str) -> Value {
    let Some(contact) = organisation.contacts.get(id) else {
        return json!({});
    };
    let mut shown = json!({
        "ContactID": contact.id,
        "Name": contact.name,
        "Addresses": [],
        "Phones": [],
        "ContactGroups": [],
        "ContactPersons": [],
        "HasValidationErrors": false,
    });
    if !contact.number.is_empty() {
        shown["ContactNumber"] = json!(contact.number);
    }
    shown
}

fn line(line: &Line, unit_places: u32) -> Value {
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| {
        shown.insert(name.to_owned(), value);
    };
    put("LineItemID", json!(line.id));
    put("Description", json!(line.description));
    put("LineAmount", money(line.amount));
    put("TaxAmount", money(line.tax_amount));
    if let Some(price) = line.unit_amount {
        put("UnitAmount", number::fixed(price, unit_places));
    }
    if let Some(quantity) = line.quantity {
        put("Quantity", number::quantity(quantity));
    }
    if let Some(rate) = line.discount_rate {
        put("DiscountRate", money(rate));
    }
    if let Some(amount) = line.discount_amount {
        put("DiscountAmount", money(amount));
    }
    for (name, value) in [
        ("ItemCode", &line.item_code),
        ("AccountCode", &line.account_code),
        ("AccountID", &line.account_id),
        ("TaxType", &line.tax_type),
    ] {
        if !value.is_empty() {
            put(name, json!(value));
        }
    }
    let choices = line.tracking.iter().map(|choice| {
        json!({
            "TrackingCategoryID": choice.category_id,
            "TrackingOptionID": choice.option_id,
            "Name": choice.name,
            "Option": choice.option,
        })
    });
    put("Tracking", choices.collect());
    Value::Object(shown)
}

fn payments(document: &Document) -> Value {
    // A document out of the books shows none, though it cannot have had any.
    if document.status == Status::Voided {
        return json!([]);
    }
    document.payments.iter().map(settled).collect()
}

fn settled(part: &Settled) -> Value {
    json!({
        "PaymentID": part.payment_id,
        "Date": dates::day(part.date),
        "Amount": money(part.amount),
        "Reference": part.reference,
        "CurrencyRate": number::fixed(part.rate, number::RATE_PLACES),
        "HasAccount": false,
        "HasValidationErrors": false,
    })
}

/// A credit as it stands on an invoice.
fn applied(part: &Allocation) -> Value {
    let kind = part.credit_kind;
    let mut shown = json!({
        kind.id_member(): part.credit_id,
        "ID": part.credit_id,
        "AppliedAmount": money(part.amount),
        "Total": money(part.amount),
        "DateString": dates::day_string(part.date),
        "Date": dates::day(part.date),
        "LineItems": [],
    });
    if kind == Kind::CreditNote {
        shown["CreditNoteNumber"] = json!(part.credit_number);
        shown["HasErrors"] = json!(false);
    }
    shown
}

/// An allocation as it stands on its credit.
pub fn allocation(part: &Allocation) -> Value {
    json!({
        "AllocationID": part.id,
        "Amount": money(part.amount),
        "Date": dates::day(part.date),
        "Invoice": {
            "InvoiceID": part.invoice_id,
            "InvoiceNumber": part.invoice_number,
            "HasErrors": false,
            "IsDiscounted": false,
            "LineItems": [],
        },
        "IsDeleted": false,
    })
}

/// A contact.
pub fn contact(revision: &Revision<Contact>, view: View) -> Value {
    let contact = &revision.value;
    let mut shown = Map::new();
    let is_summary = view.depth == Depth::Summary;
    let left_out = ["Addresses", "Phones", "ContactPersons"];
    for (name, value) in &contact.details {
        if !is_summary || !left_out.contains(&name.as_str()) {
            shown.insert(name.clone(), value.clone());
        }
    }
    let mut put = |name: &str, value: Value| {
        shown.insert(name.to_owned(), value);
    };
    put("ContactID", json!(contact.id));
    put("ContactStatus", json!(contact.status.name()));
    put("Name", json!(contact.name));
    put("UpdatedDateUTC", json!(dates::instant(revision.at)));
    put("HasAttachments", json!(false));
    put("HasValidationErrors", json!(false));
    if !contact.number.is_empty() {
        put("ContactNumber", json!(contact.number));
    }
    if let Some(into) = contact
        .merged_to
        .as_ref()
        .filter(|_| view.depth == Depth::Full)
    {
        put("MergedToContactID", json!(into));
    }
    if !is_summary {
        put("IsCustomer", json!(contact.is_customer));
        put("IsSupplier", json!(contact.is_supplier));
        put("ContactGroups", json!([]));
        let types = ["POBOX", "STREET"];
        put(
            "Addresses",
            typed(contact, "Addresses", "AddressType", &types),
        );
        let types = ["DDI", "DEFAULT", "FAX", "MOBILE"];
        put("Phones", typed(contact, "Phones", "PhoneType", &types));
        let persons = contact.details.get("ContactPersons");
        put("ContactPersons", persons.cloned().unwrap_or(json!([])));
    }
    Value::Object(shown)
}

/// A list in which every type stands, whether or not it was filled.
fn typed(contact: &Contact, member: &str, key: &str, types: &[&str]) -> Value {
    let kept = contact.details.get(member).and_then(Value::as_array);
    let kept = kept.map_or(&[][..], Vec::as_slice);
    let of_type = |wanted: &&str| {
        let found = kept.iter().find(|it| it[key].as_str() == Some(*wanted));
        found.cloned().unwrap_or_else(|| json!({key: wanted}))
    };
    types.iter().map(of_type).collect()
}
