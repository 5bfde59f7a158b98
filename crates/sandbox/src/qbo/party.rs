//! Rules for customers, and for the vendors and employees that share their names.

use serde_json::{Value, json};

use super::company::Company;
use super::fault::QboFault;
use super::kind::Kind;
use super::record::reference;
use super::writing::Draft;

/// Members in which the service refuses colons, tabs and line breaks.
const NAME_PARTS: [&str; 7] = [
    "DisplayName",
    "Title",
    "GivenName",
    "MiddleName",
    "FamilyName",
    "Suffix",
    "PrintOnCheckName",
];

/// Levels of customers below one another.
const LEVELS_MAX: u64 = 5;

/// Checks a customer and fills in what the service adds.
pub fn complete(company: &Company, draft: &mut Draft<'_>) -> Result<(), QboFault> {
    tidy_names(draft)?;
    let name = display_name(draft)?;
    check_email(draft)?;
    for (member, kind) in [
        ("SalesTermRef", Kind::Term),
        ("DefaultTaxCodeRef", Kind::TaxCode),
    ] {
        if let Some(id) = reference(draft.sent, member) {
            company.referenced(kind, id)?;
        }
    }
    settle_currency(company, draft)?;
    let is_active = draft.data.get("Active") != Some(&Value::Bool(false));
    let own = draft.id.map(|id| (draft.kind, id));
    let name = if is_active || is_suffixed(&name) {
        name
    } else {
        free_suffixed_name(company, &name, own)
    };
    if company.party_name_taken(&name, own) {
        return Err(QboFault::duplicate_name("customer, vendor or employee"));
    }
    settle_place(company, draft, &name)?;
    draft.data.insert("DisplayName".to_owned(), json!(name));
    let defaults = [
        ("Active", json!(true)),
        ("Taxable", json!(true)),
        ("Job", json!(false)),
        ("BillWithParent", json!(false)),
        ("IsProject", json!(false)),
        ("PreferredDeliveryMethod", json!("Print")),
        ("PrintOnCheckName", json!(name)),
    ];
    for (member, value) in defaults {
        draft.data.entry(member).or_insert(value);
    }
    Ok(())
}

/// The name an inactive object bears, so that its old one is free again.
pub fn is_suffixed(name: &str) -> bool {
    name.ends_with(')') && name.contains(" (deleted")
}

fn free_suffixed_name(company: &Company, name: &str, own: Option<(Kind, &str)>) -> String {
    let mut candidate = format!("{name} (deleted)");
    let mut count = 0_u32;
    while company.party_name_taken(&candidate, own) {
        count += 1;
        candidate = format!("{name} (deleted {count})");
    }
    candidate
}

fn tidy_names(draft: &mut Draft<'_>) -> Result<(), QboFault> {
    for member in NAME_PARTS {
        let Some(Value::String(text)) = draft.data.get(member) else {
            continue;
        };
        let text = text.trim().to_owned();
        if text.contains([':', '\t', '\n', '\r']) {
            return Err(QboFault::validation(
                "2040",
                "Invalid String",
                format!("{member} contains characters that are not supported"),
            )
            .on(member));
        }
        draft.data.insert(member.to_owned(), Value::String(text));
    }
    Ok(())
}

fn display_name(draft: &Draft<'_>) -> Result<String, QboFault> {
    let part = |member: &str| {
        let text = draft.data.get(member).and_then(Value::as_str);
        text.filter(|text| !text.is_empty())
    };
    if let Some(name) = part("DisplayName") {
        return Ok(name.to_owned());
    }
    let parts: Vec<&str> = NAME_PARTS[1..6]
        .iter()
        .filter_map(|name| part(name))
        .collect();
    if parts.is_empty() {
        return Err(QboFault::validation(
            "6080",
            "Name is required",
            "At least one of DisplayName, Title, GivenName, MiddleName, FamilyName or Suffix is \
             required.",
        )
        .on("DisplayName"));
    }
    Ok(parts.join(" "))
}

fn check_email(draft: &Draft<'_>) -> Result<(), QboFault> {
    match draft.sent.get("PrimaryEmailAddr") {
        Some(email) => email_is_sound(email, "PrimaryEmailAddr"),
        None => Ok(()),
    }
}

/// Checks an email member: its address needs an `@` and a point.
pub fn email_is_sound(email: &Value, element: &str) -> Result<(), QboFault> {
    let address = email.get("Address").and_then(Value::as_str).unwrap_or("");
    if address.is_empty() || (address.contains('@') && address.contains('.')) {
        return Ok(());
    }
    let detail = "Email Address does not conform to the syntax rules of RFC 822.";
    Err(QboFault::validation("2210", "Invalid Email Address format", detail).on(element))
}

fn settle_currency(company: &Company, draft: &mut Draft<'_>) -> Result<(), QboFault> {
    let home = company.profile.home_currency.clone();
    let fixed = draft
        .before
        .and_then(|before| reference(before, "CurrencyRef"));
    let wanted = reference(&draft.data, "CurrencyRef")
        .unwrap_or(&home)
        .to_owned();
    if !company.profile.multicurrency && wanted != home {
        return Err(QboFault::business(
            "Multicurrency is not enabled for this company.",
        ));
    }
    if fixed.is_some_and(|fixed| fixed != wanted) {
        return Err(QboFault::business(
            "The currency of a customer cannot be changed.",
        ));
    }
    let currency = json!({"value": wanted});
    draft.data.insert("CurrencyRef".to_owned(), currency);
    Ok(())
}

fn settle_place(company: &Company, draft: &mut Draft<'_>, name: &str) -> Result<(), QboFault> {
    let mut full = name.to_owned();
    draft.data.remove("Level");
    if let Some(parent) = reference(&draft.data, "ParentRef") {
        if draft.id == Some(parent) {
            let detail = "An object cannot be its own parent";
            return Err(QboFault::validation("900", "Own parent", detail));
        }
        let parent = company.referenced(draft.kind, parent)?;
        let above = parent
            .data
            .get("Level")
            .and_then(Value::as_u64)
            .unwrap_or(0);
        if above + 1 >= LEVELS_MAX {
            return Err(QboFault::validation("700", "Bad parent", "Too many levels"));
        }
        full = format!("{}:{name}", parent.text("FullyQualifiedName"));
        draft.data.insert("Level".to_owned(), json!(above + 1));
    }
    draft
        .data
        .insert("FullyQualifiedName".to_owned(), json!(full));
    Ok(())
}
