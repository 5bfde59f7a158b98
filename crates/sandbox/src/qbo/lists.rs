//! Rules for accounts, terms and payment methods.

use serde_json::{Value, json};

use super::company::Company;
use super::fault::QboFault;
use super::kind::Kind;
use super::party::is_suffixed;
use super::record::{Record, Shelf, reference};
use super::writing::Draft;

/// Account types with their classification and the subtype of accounts that name none.
const ACCOUNT_TYPES: [(&str, &str, &str); 15] = [
    ("Bank", "Asset", "CashOnHand"),
    ("Accounts Receivable", "Asset", "AccountsReceivable"),
    ("Other Current Asset", "Asset", "OtherCurrentAssets"),
    ("Fixed Asset", "Asset", "OtherFixedAssets"),
    ("Other Asset", "Asset", "OtherLongTermAssets"),
    ("Accounts Payable", "Liability", "AccountsPayable"),
    ("Credit Card", "Liability", "CreditCard"),
    (
        "Other Current Liability",
        "Liability",
        "OtherCurrentLiabilities",
    ),
    (
        "Long Term Liability",
        "Liability",
        "OtherLongTermLiabilities",
    ),
    ("Equity", "Equity", "OpeningBalanceEquity"),
    ("Income", "Revenue", "SalesOfProductIncome"),
    ("Other Income", "Revenue", "OtherMiscellaneousIncome"),
    ("Cost of Goods Sold", "Expense", "SuppliesMaterialsCogs"),
    ("Expense", "Expense", "OtherMiscellaneousServiceCost"),
    ("Other Expense", "Expense", "OtherMiscellaneousExpense"),
];

/// Checks an object of one of these lists and fills in what the service adds.
pub fn complete(company: &Company, draft: &mut Draft<'_>) -> Result<(), QboFault> {
    let name = draft.data.get("Name").and_then(Value::as_str);
    let name = name.map(str::trim).unwrap_or_default().to_owned();
    if name.is_empty() {
        return Err(QboFault::missing("Name"));
    }
    if draft.kind == Kind::Account {
        if name.contains(['"', ':']) {
            let detail = "Name contains characters that are not supported";
            return Err(QboFault::validation("2040", "Invalid String", detail).on("Name"));
        }
        settle_account(draft)?;
    }
    let is_active = draft.data.get("Active") != Some(&Value::Bool(false));
    let name = if is_active || is_suffixed(&name) {
        name
    } else {
        format!("{name} (deleted)")
    };
    let parent = match reference(&draft.data, "ParentRef") {
        Some(id) => Some(company.referenced(draft.kind, id)?),
        None => None,
    };
    let full = qualified(parent, &name);
    if is_taken(company, draft, &full) {
        return Err(QboFault::duplicate_name("object of this list"));
    }
    if draft.kind == Kind::Account {
        let is_below = json!(parent.is_some());
        draft.data.insert("SubAccount".to_owned(), is_below);
        draft
            .data
            .insert("FullyQualifiedName".to_owned(), json!(full));
    }
    if draft.kind == Kind::Term {
        let is_by_days = draft.data.contains_key("DueDays");
        if !is_by_days && !draft.data.contains_key("DayOfMonthDue") {
            return Err(QboFault::missing("DueDays"));
        }
        let sort = if is_by_days {
            "STANDARD"
        } else {
            "DATE_DRIVEN"
        };
        draft.data.insert("Type".to_owned(), json!(sort));
    }
    if draft.kind == Kind::PaymentMethod {
        let usual = json!("NON_CREDIT_CARD");
        draft.data.entry("Type").or_insert(usual);
    }
    draft.data.insert("Name".to_owned(), json!(name));
    draft.data.entry("Active").or_insert(json!(true));
    Ok(())
}

fn settle_account(draft: &mut Draft<'_>) -> Result<(), QboFault> {
    let by_subtype = |subtype: &str| ACCOUNT_TYPES.iter().find(|(_, _, usual)| *usual == subtype);
    let subtype = draft.data.get("AccountSubType").and_then(Value::as_str);
    let sort = draft.data.get("AccountType").and_then(Value::as_str);
    let known = match (sort, subtype) {
        (Some(sort), _) => ACCOUNT_TYPES.iter().find(|(known, _, _)| *known == sort),
        (None, Some(subtype)) => by_subtype(subtype),
        (None, None) => None,
    };
    let (sort, classification, usual) = *known.ok_or_else(|| {
        let detail = "AccountType or AccountSubType is required";
        QboFault::validation("6010", "Account Type or Sub Type is missing", detail)
            .on("AccountType")
    })?;
    let settled = [("AccountType", sort), ("Classification", classification)];
    for (member, value) in settled {
        draft.data.insert(member.to_owned(), json!(value));
    }
    draft.data.entry("AccountSubType").or_insert(json!(usual));
    Ok(())
}

fn qualified(parent: Option<&Record>, name: &str) -> String {
    match parent {
        Some(parent) => format!("{}:{name}", parent.text("FullyQualifiedName")),
        None => name.to_owned(),
    }
}

fn is_taken(company: &Company, draft: &Draft<'_>, full: &str) -> bool {
    let member = match draft.kind {
        Kind::Account => "FullyQualifiedName",
        _ => "Name",
    };
    let shelf = company.shelf(draft.kind);
    let mut others = shelf.into_iter().flat_map(Shelf::all_live);
    others.any(|record| {
        Some(record.id.as_str()) != draft.id && record.text(member).eq_ignore_ascii_case(full)
    })
}
