//! The lines of a sales document: checked, numbered, with the subtotal line the service adds.

use std::collections::HashSet;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::company::Company;
use super::fault::QboFault;
use super::kind::Kind;
use super::number;
use super::profile::TaxMode;
use super::record::{Members, reference};
use super::writing::Draft;

/// The lines of a document.
#[derive(Debug)]
pub struct Lines {
    /// Sales and description lines, in order.
    pub body: Vec<BodyLine>,
    /// The amount of the discount line.
    pub discount: Decimal,
    discount_row: Option<Members>,
}

/// A sales line, or a line that is only text.
#[derive(Debug)]
pub struct BodyLine {
    /// Amount before tax; under inclusive tax this starts as the gross amount.
    pub amount: Decimal,
    /// Tax code id; none on lines that are only text.
    pub tax_code: Option<String>,
    /// Amount with tax, where the document's amounts include it.
    pub gross: Option<Decimal>,
    row: Members,
}

impl Lines {
    /// The sum of the sales lines.
    pub fn subtotal(&self) -> Decimal {
        self.body.iter().map(|line| line.amount).sum()
    }

    /// The lines as they are stored and shown.
    pub fn rows(self, keeps_code: bool) -> Vec<Value> {
        let subtotal = self.subtotal();
        let mut rows: Vec<Value> = Vec::new();
        for (index, line) in self.body.into_iter().enumerate() {
            let mut row = line.row;
            row.insert("LineNum".to_owned(), json!(index + 1));
            if let Some(Value::Object(detail)) = row.get_mut("SalesItemLineDetail") {
                match &line.tax_code {
                    Some(code) if keeps_code => {
                        detail.insert("TaxCodeRef".to_owned(), json!({"value": code}));
                    }
                    _ => {
                        detail.remove("TaxCodeRef");
                    }
                }
                match line.gross {
                    Some(gross) => {
                        let gross = number::json(gross);
                        detail.insert("TaxInclusiveAmt".to_owned(), gross);
                    }
                    None => {
                        detail.remove("TaxInclusiveAmt");
                    }
                }
                row.insert("Amount".to_owned(), number::json(line.amount));
            }
            rows.push(Value::Object(row));
        }
        rows.push(json!({
            "Amount": number::json(subtotal),
            "DetailType": "SubTotalLineDetail",
            "SubTotalLineDetail": {},
        }));
        rows.extend(self.discount_row.map(Value::Object));
        rows
    }
}

/// Checks the lines of a draft.
pub fn settle(company: &Company, draft: &Draft<'_>) -> Result<Lines, QboFault> {
    let sent = match draft.data.get("Line") {
        Some(Value::Array(rows)) if !rows.is_empty() => rows,
        _ => return Err(QboFault::missing("Line")),
    };
    let known = line_ids(draft.before);
    let mut body = Vec::new();
    let mut discount = None;
    for row in sent.iter().filter_map(Value::as_object) {
        let detail_type = row.get("DetailType").and_then(Value::as_str);
        let line = match detail_type.ok_or_else(|| QboFault::missing("Line.DetailType"))? {
            "SalesItemLineDetail" => sales_line(company, draft, row)?,
            "DescriptionOnly" => text_line(row),
            "DiscountLineDetail" if discount.is_none() => {
                discount = Some(row);
                continue;
            }
            "DiscountLineDetail" => {
                return Err(QboFault::business("Only one discount line is allowed."));
            }
            // Added anew below, whatever was sent.
            "SubTotalLineDetail" => continue,
            other => return Err(QboFault::unsupported_operation(other)),
        };
        body.push(line);
    }
    drop_unknown_ids(&mut body, &known);
    if body.is_empty() {
        return Err(QboFault::missing("Line"));
    }
    number_lines(&mut body, &known);
    let mut lines = Lines {
        body,
        discount: Decimal::ZERO,
        discount_row: None,
    };
    if let Some(row) = discount {
        let (amount, row) = discount_line(company, row, lines.subtotal())?;
        lines.discount = amount;
        lines.discount_row = Some(row);
    }
    Ok(lines)
}

fn line_ids(before: Option<&Members>) -> HashSet<String> {
    let rows = before.and_then(|before| before.get("Line")?.as_array());
    let ids = rows.into_iter().flatten();
    ids.filter_map(|row| row.get("Id")?.as_str().map(str::to_owned))
        .collect()
}

/// A line keeps an id only if the document already had a line of that id.
fn drop_unknown_ids(body: &mut [BodyLine], known: &HashSet<String>) {
    let mut used = HashSet::new();
    for line in body {
        let id = line
            .row
            .get("Id")
            .and_then(Value::as_str)
            .map(str::to_owned);
        if !id.is_some_and(|id| known.contains(&id) && used.insert(id)) {
            line.row.remove("Id");
        }
    }
}

fn number_lines(body: &mut [BodyLine], known: &HashSet<String>) {
    let numbers = known.iter().filter_map(|id| id.parse::<u64>().ok());
    let mut last = numbers.max().unwrap_or(0);
    for line in body {
        if !line.row.contains_key("Id") {
            last += 1;
            line.row.insert("Id".to_owned(), json!(last.to_string()));
        }
    }
}

fn text_line(row: &Members) -> BodyLine {
    let mut row = row.clone();
    row.remove("Amount");
    row.insert("DescriptionLineDetail".to_owned(), json!({}));
    BodyLine {
        amount: Decimal::ZERO,
        tax_code: None,
        gross: None,
        row,
    }
}

fn sales_line(company: &Company, draft: &Draft<'_>, row: &Members) -> Result<BodyLine, QboFault> {
    let mut row = row.clone();
    let mut detail = match row.get("SalesItemLineDetail") {
        Some(Value::Object(detail)) => detail.clone(),
        _ => Members::new(),
    };
    let number_of = |members: &Members, name: &str| members.get(name).and_then(number::parse);
    let supplied = number_of(&row, "Amount").ok_or_else(|| QboFault::missing("Line.Amount"))?;
    let gross_sent = number_of(&detail, "TaxInclusiveAmt");
    let parts = (number_of(&detail, "UnitPrice"), number_of(&detail, "Qty"));
    if let (Some(price), Some(quantity), None) = (parts.0, parts.1, gross_sent) {
        let expected = number::product(price, quantity);
        if expected != Some(supplied) {
            return Err(wrong_product(supplied));
        }
    }
    let amount = number::cents(supplied).ok_or_else(|| QboFault::number("Amount"))?;
    let is_inclusive = draft.data.get("GlobalTaxCalculation") == Some(&json!("TaxInclusive"));
    let gross = if is_inclusive {
        let gross = number::cents(gross_sent.unwrap_or(amount));
        Some(gross.ok_or_else(|| QboFault::number("TaxInclusiveAmt"))?)
    } else {
        None
    };
    let item = reference(&detail, "ItemRef").unwrap_or(&company.profile.default_item);
    let item = company.referenced(Kind::Item, item)?;
    if item.text("Type") == "Category" {
        let detail = format!("Item {} is set up as a category", item.id);
        return Err(QboFault::reference(detail));
    }
    let tax_code = tax_code(company, &detail)?;
    detail.insert("ItemRef".to_owned(), json!({"value": item.id}));
    if let Some(account) = item.reference("IncomeAccountRef") {
        let account = json!({"value": account});
        detail.insert("ItemAccountRef".to_owned(), account);
    }
    row.insert("SalesItemLineDetail".to_owned(), Value::Object(detail));
    Ok(BodyLine {
        amount: gross.unwrap_or(amount),
        tax_code: Some(tax_code),
        gross,
        row,
    })
}

fn wrong_product(supplied: Decimal) -> QboFault {
    let supplied = number::plain(supplied);
    QboFault::validation(
        "6070",
        "Amount calculation incorrect in the request",
        format!(
            "Amount calculation incorrect in the request : Amount is not equal to UnitPrice * \
             Qty. Supplied value:{supplied}"
        ),
    )
}

/// The tax code of a line under the company's regime.
fn tax_code(company: &Company, detail: &Members) -> Result<String, QboFault> {
    let sent = reference(detail, "TaxCodeRef");
    if company.profile.is_us() {
        let code = sent.unwrap_or("NON");
        if code == "TAX" || code == "NON" {
            return Ok(code.to_owned());
        }
        return Err(QboFault::validation(
            "6100",
            "Invalid tax code",
            format!("The tax code of a line must be TAX or NON. Supplied value:{code}"),
        )
        .on("TaxCodeRef"));
    }
    match sent {
        Some(code) if company.profile.tax() == TaxMode::PerLine => {
            Ok(company.referenced(Kind::TaxCode, code)?.id.clone())
        }
        None if company.profile.tax() == TaxMode::PerLine => Err(QboFault::business(
            "Make sure all your transactions have a tax rate before you save.",
        )),
        _ => Ok(String::new()),
    }
}

fn discount_line(
    company: &Company,
    row: &Members,
    subtotal: Decimal,
) -> Result<(Decimal, Members), QboFault> {
    if !company.profile.allow_discount {
        return Err(QboFault::business(
            "Discounts are not enabled for this company.",
        ));
    }
    let mut detail = match row.get("DiscountLineDetail") {
        Some(Value::Object(detail)) => detail.clone(),
        _ => Members::new(),
    };
    let percent = detail.get("DiscountPercent").and_then(number::parse);
    let is_percent = detail.get("PercentBased") == Some(&json!(true));
    let supplied = row.get("Amount").and_then(number::parse);
    let amount = match (percent, supplied) {
        (Some(percent), _) if is_percent => number::percentage(subtotal, percent),
        (_, Some(amount)) => number::cents(amount),
        _ => {
            let detail = "A discount line needs an Amount or a DiscountPercent";
            return Err(QboFault::validation("6090", "Invalid discount", detail));
        }
    };
    let amount = amount.ok_or_else(|| QboFault::number("Amount"))?;
    let account = reference(&detail, "DiscountAccountRef")
        .unwrap_or("86")
        .to_owned();
    company.referenced(Kind::Account, &account)?;
    let account = json!({"value": account});
    detail.insert("DiscountAccountRef".to_owned(), account);
    detail.insert("PercentBased".to_owned(), json!(is_percent));
    let mut row = row.clone();
    row.remove("Id");
    row.remove("LineNum");
    row.insert("Amount".to_owned(), number::json(amount));
    row.insert("DiscountLineDetail".to_owned(), Value::Object(detail));
    Ok((amount, row))
}
