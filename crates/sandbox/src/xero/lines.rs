//! The lines of documents: what they refer to, their amounts and their tax.
//!
//! The price is rounded to two places (four with `unitdp=4`), the line to cents, the tax of each
//! line to cents; totals are sums of rounded figures.

use rust_decimal::Decimal;
use serde_json::Value;

use super::complaints::Complaints;
use super::document::{AmountTypes, Document, Line, Tracking};
use super::kind::Kind;
use super::ledger::{Account, Item};
use super::number;
use super::organisation::Organisation;
use super::work::{Members, amount, text, word};

/// Longest description.
const DESCRIPTION_MAX: usize = 4000;
/// Most digits and signs of a quantity.
const QUANTITY_CHARS_MAX: usize = 13;
/// Most tracking choices on a line.
const TRACKING_MAX: usize = 2;

/// What a document demands of its lines.
#[derive(Debug, Clone, Copy)]
pub struct Demands {
    /// Kind of the document.
    pub kind: Kind,
    /// Whether it is sold or received.
    pub is_receivable: bool,
    /// How line amounts relate to tax.
    pub amount_types: AmountTypes,
    /// Whether the document enters the books.
    pub is_approved: bool,
    /// Whether lines go to the control account, as those of overpayments do.
    pub is_control: bool,
    /// Decimal places of prices.
    pub unit_places: u32,
}

/// Reads the lines of a request over those that stand: an id changes a line, no id adds one, a
/// standing line that is left out is gone.
pub fn read(
    organisation: &mut Organisation,
    bodies: &[Value],
    standing: &[Line],
    demands: Demands,
    complaints: &mut Complaints,
) -> Vec<Line> {
    let mut lines = Vec::new();
    for body in bodies.iter().filter_map(Value::as_object) {
        let base = match word(body, "LineItemID") {
            None => Line {
                id: organisation.new_id(),
                ..Line::default()
            },
            Some(id) => {
                let Some(line) = standing.iter().find(|line| line.id == id) else {
                    complaints.add(format!(
                        "The line item {id} does not exist on this document"
                    ));
                    continue;
                };
                line.clone()
            }
        };
        lines.push(line(organisation, body, base, demands, complaints));
    }
    lines
}

fn line(
    organisation: &Organisation,
    body: &Members,
    mut line: Line,
    demands: Demands,
    complaints: &mut Complaints,
) -> Line {
    if let Some(description) = text(body, "Description") {
        description.clone_into(&mut line.description);
    }
    if line.description.chars().count() > DESCRIPTION_MAX {
        complaints.add("Description must not be more than 4000 characters long.");
    }
    let item = refer_to_item(organisation, body, &mut line, complaints);
    prices(body, &mut line, item, demands, complaints);
    if line.quantity.is_none() {
        if demands.is_approved && line.description.is_empty() {
            complaints.add("A line item must have a description");
        }
        return line;
    }
    let account = refer_to_account(organisation, body, &mut line, item, demands, complaints);
    tax(
        organisation,
        body,
        &mut line,
        item,
        account,
        demands,
        complaints,
    );
    if let Some(choices) = body.get("Tracking").and_then(Value::as_array) {
        line.tracking = tracking(organisation, choices, complaints);
    }
    line
}

fn refer_to_item<'a>(
    organisation: &'a Organisation,
    body: &Members,
    line: &mut Line,
    complaints: &mut Complaints,
) -> Option<&'a Item> {
    if let Some(code) = text(body, "ItemCode") {
        code.clone_into(&mut line.item_code);
    }
    if line.item_code.is_empty() {
        return None;
    }
    let item = organisation.item_by_code(&line.item_code);
    if item.is_none() {
        complaints.add(format!("Item code '{}' is not valid", line.item_code));
    }
    item
}

/// Quantity, price, discount and amount.
fn prices(
    body: &Members,
    line: &mut Line,
    item: Option<&Item>,
    demands: Demands,
    complaints: &mut Complaints,
) {
    let price_of = |item: &Item| {
        if demands.is_receivable {
            item.sales.unit
        } else {
            item.purchase.unit
        }
    };
    let sent_amount = amount(body, "LineAmount");
    let quantity = amount(body, "Quantity").or(line.quantity);
    let price = amount(body, "UnitAmount").or(line.unit_amount);
    let price = price.or_else(|| item.and_then(price_of));
    discount(body, line, demands, complaints);
    if body
        .get("Quantity")
        .is_some_and(|it| it.to_string().trim_matches('"').len() > QUANTITY_CHARS_MAX)
    {
        complaints.add("The quantity has too many digits");
    }
    if price.is_none() && sent_amount.is_none() {
        line.quantity = quantity.filter(|_| item.is_some());
        line.unit_amount = line.quantity.map(|_| Decimal::ZERO);
        line.amount = Decimal::ZERO;
        return;
    }
    let quantity = quantity.unwrap_or(Decimal::ONE);
    let rounded = match (price, sent_amount) {
        (Some(price), _) => number::rounded(price, demands.unit_places),
        (None, Some(sent)) => number::price(sent, quantity, demands.unit_places),
        (None, None) => Some(Decimal::ZERO),
    };
    let Some(rounded) = rounded else {
        complaints.add("The unit amount is not valid");
        return;
    };
    if rounded.is_zero() && price.is_some_and(|price| !price.is_zero()) {
        // A price too small for its places comes back under these names (fact sheet 4.2).
        complaints.add("Account must be valid.");
        complaints.add("Tax rate must be valid.");
    }
    line.quantity = Some(quantity);
    line.unit_amount = Some(rounded);
    let rate = line.discount_rate.unwrap_or_default();
    let computed = number::line_amount(quantity, rounded, rate)
        .map(|amount| amount - line.discount_amount.unwrap_or_default());
    let Some(computed) = computed else {
        complaints.add("The line amount is too large");
        return;
    };
    line.amount = computed;
    match sent_amount {
        Some(sent) if price.is_none() => {
            line.amount = number::rounded(sent, number::CENTS).unwrap_or(sent);
        }
        Some(sent) if sent != computed => complaints.add(format!(
            "The line total {} does not match the expected line total {}",
            number::plain(sent),
            number::plain(computed)
        )),
        _ => {}
    }
}

fn discount(body: &Members, line: &mut Line, demands: Demands, complaints: &mut Complaints) {
    let rate = amount(body, "DiscountRate");
    let fixed = amount(body, "DiscountAmount");
    if rate.is_none() && fixed.is_none() {
        return;
    }
    line.discount_rate = rate.filter(|rate| !rate.is_zero());
    line.discount_amount = fixed.filter(|fixed| !fixed.is_zero());
    if line.discount_rate.is_some() && line.discount_amount.is_some() {
        complaints.add("Only one of DiscountRate and DiscountAmount may be specified");
    }
    let has_discount = line.discount_rate.is_some() || line.discount_amount.is_some();
    if has_discount && !(demands.kind == Kind::Invoice && demands.is_receivable) {
        complaints.add("Discounts can only be given on sales invoices and quotes");
    }
    let hundred = Decimal::ONE_HUNDRED;
    if line
        .discount_rate
        .is_some_and(|rate| rate < Decimal::ZERO || rate > hundred)
    {
        complaints.add("The discount rate must be between 0 and 100");
    }
}

fn refer_to_account<'a>(
    organisation: &'a Organisation,
    body: &Members,
    line: &mut Line,
    item: Option<&Item>,
    demands: Demands,
    complaints: &mut Complaints,
) -> Option<&'a Account> {
    let by_id = word(body, "AccountID").and_then(|id| organisation.accounts.get(id));
    if let Some(account) = by_id {
        line.account_code.clone_from(&account.code);
    } else if let Some(code) = text(body, "AccountCode") {
        code.clone_into(&mut line.account_code);
    }
    if let Some(item) = item.filter(|_| line.account_code.is_empty()) {
        let side = if demands.is_receivable {
            &item.sales
        } else {
            &item.purchase
        };
        line.account_code.clone_from(&side.account_code);
    }
    if line.account_code.is_empty() && by_id.is_none() {
        if demands.is_approved {
            complaints.add("Account must be valid.");
        }
        return None;
    }
    let code = line.account_code.clone();
    let account = by_id.or_else(|| organisation.account_by_code(&code));
    let Some(account) = account else {
        complaints.add(format!(
            "Account code '{code}' is not a valid code for this document."
        ));
        return None;
    };
    if account.status != "ACTIVE" {
        complaints.add(format!(
            "Account code '{code}' has been archived, or has been deleted. Each line item must \
             reference a valid account."
        ));
    }
    let is_control = matches!(account.system.as_str(), "DEBTORS" | "CREDITORS");
    let fits = if demands.is_control {
        is_control
    } else {
        account.takes_lines()
    };
    if !fits {
        complaints.add(format!(
            "Account code '{code}' is not a valid code for this document."
        ));
    }
    line.account_id.clone_from(&account.id);
    Some(account)
}

fn tax(
    organisation: &Organisation,
    body: &Members,
    line: &mut Line,
    item: Option<&Item>,
    account: Option<&Account>,
    demands: Demands,
    complaints: &mut Complaints,
) {
    if let Some(tax_type) = text(body, "TaxType") {
        tax_type.clone_into(&mut line.tax_type);
    }
    if line.tax_type.is_empty() {
        let of_item = item.map(|item| {
            if demands.is_receivable {
                item.sales.tax_type.clone()
            } else {
                item.purchase.tax_type.clone()
            }
        });
        let of_account = || account.map(|account| account.tax_type.clone());
        let found = of_item.filter(|tax| !tax.is_empty()).or_else(of_account);
        line.tax_type = found.unwrap_or_default();
    }
    if demands.amount_types == AmountTypes::NoTax {
        "NONE".clone_into(&mut line.tax_type);
        line.tax_amount = Decimal::ZERO;
        return;
    }
    if line.tax_type.is_empty() {
        // Without an account the complaint is about that.
        if demands.is_approved && account.is_some() {
            complaints.add("Tax rate must be valid.");
        }
        line.tax_amount = Decimal::ZERO;
        return;
    }
    let rate = organisation.tax_rates.get(&line.tax_type);
    let Some(rate) = rate.filter(|rate| rate.status == "ACTIVE") else {
        complaints.add(format!(
            "The TaxType code {} does not exist or cannot be used for this type of transaction",
            line.tax_type
        ));
        return;
    };
    if let Some(account) = account.filter(|account| !rate.fits(account)) {
        complaints.add(format!(
            "The TaxType code '{}' cannot be used with account code '{}'.",
            line.tax_type, account.code
        ));
    }
    let percent = rate.effective();
    let computed = match demands.amount_types {
        AmountTypes::Exclusive => number::tax_on(line.amount, percent),
        AmountTypes::Inclusive => number::tax_inside(line.amount, percent),
        AmountTypes::NoTax => Some(Decimal::ZERO),
    };
    // A tax amount that is sent stands; how far it may stray is not established.
    let sent = amount(body, "TaxAmount").and_then(|sent| number::rounded(sent, number::CENTS));
    match sent.or(computed) {
        Some(tax) => line.tax_amount = tax,
        None => complaints.add("The tax amount is too large"),
    }
}

fn tracking(
    organisation: &Organisation,
    choices: &[Value],
    complaints: &mut Complaints,
) -> Vec<Tracking> {
    if choices.len() > TRACKING_MAX {
        complaints.add("A line item can have at most two tracking categories");
    }
    let mut found = Vec::new();
    for choice in choices.iter().filter_map(Value::as_object) {
        let category = organisation.categories.all().find(|known| {
            let by_id = word(choice, "TrackingCategoryID").map(|id| id == known.id);
            by_id.unwrap_or_else(|| word(choice, "Name") == Some(&known.name))
        });
        let option = category.and_then(|category| {
            category.options.iter().find(|known| {
                let by_id = word(choice, "TrackingOptionID").map(|id| id == known.id);
                by_id.unwrap_or_else(|| word(choice, "Option") == Some(&known.name))
            })
        });
        match (category, option) {
            (Some(category), Some(option)) if category.status == "ACTIVE" => {
                found.push(Tracking {
                    category_id: category.id.clone(),
                    name: category.name.clone(),
                    option_id: option.id.clone(),
                    option: option.name.clone(),
                });
            }
            _ => complaints.add("The tracking category or option does not exist"),
        }
    }
    found
}

/// Sums the lines into the document's totals.
pub fn total(document: &mut Document) {
    let amounts: Decimal = document.lines.iter().map(|line| line.amount).sum();
    let tax: Decimal = document.lines.iter().map(|line| line.tax_amount).sum();
    document.total_tax = tax;
    document.sub_total = match document.amount_types {
        AmountTypes::Inclusive => amounts - tax,
        AmountTypes::Exclusive | AmountTypes::NoTax => amounts,
    };
    document.total = document.sub_total + tax;
    document.total_discount = document.lines.iter().filter_map(given).sum();
}

/// The discount a line gives.
fn given(line: &Line) -> Option<Decimal> {
    if line.discount_amount.is_some() {
        return line.discount_amount;
    }
    line.discount_rate?;
    let full = number::line_amount(line.quantity?, line.unit_amount?, Decimal::ZERO)?;
    Some(full - line.amount)
}
