//! Writing what lines refer to: accounts, tax rates, items, tracking categories.

use rust_decimal::Decimal;
use serde_json::Value;

use super::complaints::{Complaints, Verdict};
use super::kind::Kind;
use super::ledger::{Account, Category, CategoryOption, Component, Item, Price, TaxRate, class_of};
use super::organisation::Organisation;
use super::work::{Manner, Members, Work, Written, amount, flag, object, text, word};

/// Longest code and name of an account, of an item.
const ACCOUNT_LENGTHS: (usize, usize) = (10, 150);
const ITEM_LENGTHS: (usize, usize) = (30, 50);
/// Most active tracking categories.
const CATEGORIES_MAX: usize = 2;

const NOT_UNIQUE: &str = "Please enter a unique Name.";

/// Creates an account or changes one.
pub fn account(
    organisation: &mut Organisation,
    body: &Members,
    path_id: Option<&str>,
    work: &Work,
) -> Verdict<Written> {
    let standing = path_id
        .and_then(|id| organisation.accounts.get(id))
        .cloned();
    if path_id.is_some() && standing.is_none() {
        return Err(Complaints::one("Account could not be found"));
    }
    let is_new = standing.is_none();
    let mut account = standing.unwrap_or_else(|| Account {
        id: organisation.new_id(),
        code: String::new(),
        name: String::new(),
        sort: String::new(),
        status: "ACTIVE".to_owned(),
        tax_type: "NONE".to_owned(),
        system: String::new(),
        enable_payments: false,
        currency: String::new(),
        bank_account_number: String::new(),
        description: String::new(),
    });
    for (name, slot) in [
        ("Code", &mut account.code),
        ("Name", &mut account.name),
        ("Type", &mut account.sort),
        ("Status", &mut account.status),
        ("TaxType", &mut account.tax_type),
        ("BankAccountNumber", &mut account.bank_account_number),
        ("Description", &mut account.description),
    ] {
        if let Some(value) = text(body, name) {
            value.clone_into(slot);
        }
    }
    if let Some(flag) = flag(body, "EnablePaymentsToAccount") {
        account.enable_payments = flag;
    }
    if account.sort == "BANK" && account.currency.is_empty() {
        let base = organisation.profile.base();
        word(body, "CurrencyCode")
            .unwrap_or(base)
            .clone_into(&mut account.currency);
    }
    check_account(organisation, &account)?;
    let id = account.id.clone();
    let action = if account.status == "DELETED" {
        "deleted"
    } else if is_new {
        "created"
    } else {
        "updated"
    };
    let revision = organisation.accounts.put(&id, work.now, account);
    Ok(Written::new(Kind::Account, &id, action, revision))
}

fn check_account(organisation: &Organisation, account: &Account) -> Verdict<()> {
    let mut complaints = Complaints::default();
    if class_of(&account.sort).is_none() {
        complaints.add("The account type is not valid");
    }
    if account.code.is_empty() && account.sort != "BANK" {
        complaints.add("An account code must be specified");
    }
    let (code_max, name_max) = ACCOUNT_LENGTHS;
    if account.code.chars().count() > code_max || account.name.chars().count() > name_max {
        complaints.add("The account code or name is too long");
    }
    let others = || {
        organisation
            .accounts
            .all()
            .filter(|other| other.id != account.id)
    };
    if account.name.is_empty() || others().any(|other| other.name == account.name) {
        complaints.add(NOT_UNIQUE);
    }
    let has_code = !account.code.is_empty();
    if has_code && others().any(|other| other.code == account.code && other.status != "DELETED") {
        complaints.add("Please enter a unique Code.");
    }
    if !matches!(account.status.as_str(), "ACTIVE" | "ARCHIVED" | "DELETED") {
        complaints.add("The account status is not valid");
    }
    if !account.system.is_empty() && account.status != "ACTIVE" {
        complaints.add("System accounts cannot be archived or deleted");
    }
    complaints.settle()
}

/// Creates a tax rate, or changes the one of the tax type.
pub fn tax_rate(
    organisation: &mut Organisation,
    body: &Members,
    manner: Manner,
    work: &Work,
) -> Verdict<Written> {
    let named = word(body, "TaxType").filter(|_| manner == Manner::CreateOrUpdate);
    let standing = named
        .and_then(|key| organisation.tax_rates.get(key))
        .cloned();
    let is_new = standing.is_none();
    let mut complaints = Complaints::default();
    let mut rate = standing.unwrap_or_else(|| TaxRate {
        tax_type: next_tax_type(organisation),
        name: String::new(),
        status: "ACTIVE".to_owned(),
        report_tax_type: String::new(),
        components: Vec::new(),
        on_revenue: true,
        on_others: true,
    });
    for (name, slot) in [
        ("Name", &mut rate.name),
        ("Status", &mut rate.status),
        ("ReportTaxType", &mut rate.report_tax_type),
    ] {
        if let Some(value) = text(body, name) {
            value.clone_into(slot);
        }
    }
    if let Some(Value::Array(parts)) = body.get("TaxComponents") {
        let parts = parts.iter().filter_map(Value::as_object);
        rate.components = parts.map(component).collect();
    }
    let others = || {
        organisation
            .tax_rates
            .all()
            .filter(|it| it.tax_type != rate.tax_type)
    };
    if rate.name.is_empty() || others().any(|other| other.name == rate.name) {
        complaints.add(NOT_UNIQUE);
    }
    if rate.components.is_empty() {
        complaints.add("At least one tax component must be specified");
    }
    let is_compound = |part: &&Component| part.is_compound;
    if rate.components.iter().filter(is_compound).count() > 1 {
        complaints.add("A tax rate can have only one compound component");
    }
    let (zero, hundred) = (Decimal::ZERO, Decimal::ONE_HUNDRED);
    if rate
        .components
        .iter()
        .any(|part| part.rate < zero || part.rate > hundred)
    {
        complaints.add("Tax rate must be valid.");
    }
    complaints.settle()?;
    let key = rate.tax_type.clone();
    let action = if is_new { "created" } else { "updated" };
    let revision = organisation.tax_rates.put(&key, work.now, rate);
    Ok(Written::new(Kind::TaxRate, &key, action, revision))
}

fn next_tax_type(organisation: &Organisation) -> String {
    let mut number = 1;
    loop {
        let key = format!("TAX{number:03}");
        if organisation.tax_rates.get(&key).is_none() {
            return key;
        }
        number += 1;
    }
}

fn component(body: &Members) -> Component {
    Component {
        name: text(body, "Name").unwrap_or_default().to_owned(),
        // A part without a rate is refused by the range check.
        rate: amount(body, "Rate").unwrap_or(Decimal::NEGATIVE_ONE),
        is_compound: flag(body, "IsCompound").unwrap_or(false),
        is_non_recoverable: flag(body, "IsNonRecoverable").unwrap_or(false),
    }
}

/// Creates an item, or changes the one of the id or code.
pub fn item(
    organisation: &mut Organisation,
    body: &Members,
    manner: Manner,
    path_id: Option<&str>,
    work: &Work,
) -> Verdict<Written> {
    let code = word(body, "Code").unwrap_or_default().to_owned();
    let id = path_id.or_else(|| word(body, "ItemID"));
    let standing = match id {
        Some(id) => Some(
            organisation
                .items
                .get(id)
                .or(organisation.item_by_code(id))
                .cloned(),
        ),
        None if manner == Manner::CreateOrUpdate => {
            organisation.item_by_code(&code).cloned().map(Some)
        }
        None => None,
    };
    if standing.as_ref().is_some_and(Option::is_none) {
        return Err(Complaints::one("The item could not be found"));
    }
    let standing = standing.flatten();
    let is_new = standing.is_none();
    let mut item = standing.unwrap_or_else(|| Item {
        id: organisation.new_id(),
        code: String::new(),
        name: String::new(),
        description: String::new(),
        sales: Price::default(),
        purchase: Price::default(),
    });
    for (name, slot) in [
        ("Code", &mut item.code),
        ("Name", &mut item.name),
        ("Description", &mut item.description),
    ] {
        if let Some(value) = text(body, name) {
            value.clone_into(slot);
        }
    }
    for (name, side) in [
        ("SalesDetails", &mut item.sales),
        ("PurchaseDetails", &mut item.purchase),
    ] {
        if let Some(details) = object(body, name) {
            price(details, side);
        }
    }
    check_item(organisation, &item)?;
    let id = item.id.clone();
    let action = if is_new { "created" } else { "updated" };
    let revision = organisation.items.put(&id, work.now, item);
    Ok(Written::new(Kind::Item, &id, action, revision))
}

fn price(body: &Members, side: &mut Price) {
    side.unit = amount(body, "UnitPrice").or(side.unit);
    for (name, slot) in [
        ("AccountCode", &mut side.account_code),
        ("TaxType", &mut side.tax_type),
    ] {
        if let Some(value) = text(body, name) {
            value.clone_into(slot);
        }
    }
}

fn check_item(organisation: &Organisation, item: &Item) -> Verdict<()> {
    let mut complaints = Complaints::default();
    let (code_max, name_max) = ITEM_LENGTHS;
    if item.code.is_empty() || item.code.chars().count() > code_max {
        complaints.add("An item code of at most 30 characters must be specified");
    }
    if item.name.chars().count() > name_max {
        complaints.add("The item name must not be more than 50 characters long.");
    }
    let owner = organisation.item_by_code(&item.code);
    if owner.is_some_and(|owner| owner.id != item.id) {
        complaints.add(format!(
            "Price List Item with Code '{}' already exists",
            item.code
        ));
    }
    for side in [&item.sales, &item.purchase] {
        let code = &side.account_code;
        if !code.is_empty() && organisation.account_by_code(code).is_none() {
            complaints.add(format!(
                "Account code '{code}' is not a valid code for this document."
            ));
        }
    }
    complaints.settle()
}

/// Creates a tracking category, changes one, or gives one an option.
pub fn category(
    organisation: &mut Organisation,
    body: &Members,
    path_id: Option<&str>,
    is_option: bool,
    work: &Work,
) -> Verdict<Written> {
    let standing = path_id
        .and_then(|id| organisation.categories.get(id))
        .cloned();
    if path_id.is_some() && standing.is_none() {
        return Err(Complaints::one("The tracking category could not be found"));
    }
    let name = word(body, "Name").unwrap_or_default().to_owned();
    let is_new = standing.is_none();
    let id = standing
        .as_ref()
        .map_or_else(|| organisation.new_id(), |it| it.id.clone());
    let option_id = organisation.new_id();
    let mut category = standing.unwrap_or(Category {
        id: id.clone(),
        name: String::new(),
        status: "ACTIVE".to_owned(),
        options: Vec::new(),
    });
    let mut complaints = Complaints::default();
    if is_option {
        if name.is_empty() || category.options.iter().any(|option| option.name == name) {
            complaints.add(NOT_UNIQUE);
        }
        category.options.push(CategoryOption {
            id: option_id,
            name,
            status: "ACTIVE".to_owned(),
        });
    } else {
        if !name.is_empty() {
            category.name = name;
        }
        if let Some(status) = word(body, "Status") {
            status.clone_into(&mut category.status);
        }
        check_category(organisation, &category, &mut complaints);
    }
    complaints.settle()?;
    let action = if is_new { "created" } else { "updated" };
    let revision = organisation.categories.put(&id, work.now, category);
    Ok(Written::new(Kind::TrackingCategory, &id, action, revision))
}

fn check_category(organisation: &Organisation, category: &Category, complaints: &mut Complaints) {
    let others = || {
        organisation
            .categories
            .all()
            .filter(|other| other.id != category.id)
    };
    if category.name.is_empty() || others().any(|other| other.name == category.name) {
        complaints.add(NOT_UNIQUE);
    }
    let active = others().filter(|other| other.status == "ACTIVE").count();
    if category.status == "ACTIVE" && active >= CATEGORIES_MAX {
        complaints.add("An organisation can have only two active tracking categories");
    }
}
