//! Rules for products and services.

use serde_json::{Value, json};

use super::company::Company;
use super::fault::QboFault;
use super::kind::Kind;
use super::party::is_suffixed;
use super::record::reference;
use super::writing::Draft;

/// Checks an item and fills in what the service adds.
pub fn complete(company: &Company, draft: &mut Draft<'_>) -> Result<(), QboFault> {
    let name = draft.data.get("Name").and_then(Value::as_str);
    let name = name.map(str::trim).unwrap_or_default().to_owned();
    if name.is_empty() {
        return Err(QboFault::missing("Name"));
    }
    if name.contains([':', '\t', '\n', '\r']) {
        let detail = "Name contains characters that are not supported";
        return Err(QboFault::validation("2040", "Invalid String", detail).on("Name"));
    }
    let sort = draft.data.entry("Type").or_insert_with(|| json!("Service"));
    let is_category = sort == "Category";
    if !is_category {
        check_income_account(company, draft)?;
    }
    for member in ["ExpenseAccountRef", "AssetAccountRef"] {
        if let Some(id) = reference(draft.sent, member) {
            company.referenced(Kind::Account, id)?;
        }
    }
    let parent = match reference(&draft.data, "ParentRef") {
        Some(id) => Some(company.referenced(Kind::Item, id)?),
        None => None,
    };
    let qualified = |name: &str| match parent {
        Some(parent) => format!("{}:{name}", parent.text("FullyQualifiedName")),
        None => name.to_owned(),
    };
    let mut name = name;
    let is_active = draft.data.get("Active") != Some(&Value::Bool(false));
    if !is_active && !is_suffixed(&name) {
        let original = name;
        name = format!("{original} (deleted)");
        let mut count = 0_u32;
        while company.item_name_taken(&qualified(&name), draft.id) {
            count += 1;
            name = format!("{original} (deleted {count})");
        }
    }
    let full = qualified(&name);
    if company.item_name_taken(&full, draft.id) {
        return Err(QboFault::duplicate_name("product or service"));
    }
    draft.data.insert("Name".to_owned(), json!(name));
    draft
        .data
        .insert("FullyQualifiedName".to_owned(), json!(full));
    draft.data.entry("Active").or_insert(json!(true));
    if !is_category {
        let defaults = [
            ("Taxable", json!(false)),
            ("UnitPrice", json!(0)),
            ("PurchaseCost", json!(0)),
            ("TrackQtyOnHand", json!(false)),
            ("DeferredRevenue", json!(false)),
        ];
        for (member, value) in defaults {
            draft.data.entry(member).or_insert(value);
        }
    }
    Ok(())
}

fn check_income_account(company: &Company, draft: &Draft<'_>) -> Result<(), QboFault> {
    let id = reference(&draft.data, "IncomeAccountRef")
        .ok_or_else(|| QboFault::missing("IncomeAccountRef"))?;
    let account = company.referenced(Kind::Account, id)?;
    if matches!(account.text("AccountType"), "Income" | "Other Income") {
        return Ok(());
    }
    Err(QboFault::validation(
        "6430",
        "Invalid account type",
        format!("Invalid account type used: {}", account.text("AccountType")),
    )
    .on("IncomeAccountRef"))
}
