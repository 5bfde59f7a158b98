//! Sales tax of a document under each regime.
//!
//! Rates are applied to the document's sum per code and rounded per rate, half away from zero.
//! Under inclusive tax the net amounts of the lines are found so that they and the tax add up to
//! the gross amounts exactly.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::company::Company;
use super::fault::QboFault;
use super::kind::Kind;
use super::lines::Lines;
use super::number;
use super::profile::TaxMode;
use super::record::reference;
use super::writing::Draft;

/// The tax of a document.
#[derive(Debug)]
pub struct Tax {
    /// Sum of all tax.
    pub total: Decimal,
    /// The `TxnTaxDetail` member.
    pub detail: Value,
}

/// One rate applied to one sum.
#[derive(Debug, Clone)]
struct RateLine {
    rate_id: String,
    percent: Decimal,
    base: Decimal,
    amount: Decimal,
}

/// Computes the tax; under inclusive tax it also turns the lines' gross amounts into net ones.
pub fn settle(company: &Company, draft: &Draft<'_>, lines: &mut Lines) -> Result<Tax, QboFault> {
    match company.profile.tax() {
        TaxMode::Off => Ok(none()),
        TaxMode::UsManual => manual(company, draft, lines),
        TaxMode::UsAutomated => automated(company, draft, lines),
        TaxMode::PerLine => per_line(company, draft, lines),
    }
}

fn none() -> Tax {
    Tax {
        total: Decimal::ZERO,
        detail: json!({"TotalTax": 0}),
    }
}

/// One code for the document, applied to the lines marked TAX.
fn manual(company: &Company, draft: &Draft<'_>, lines: &Lines) -> Result<Tax, QboFault> {
    let Some(code) = txn_tax_code(draft) else {
        return Ok(none());
    };
    let rates = rates(company, &code)?;
    let base = us_base(draft, lines)?;
    let mut rows = rate_lines(&rates, base)?;
    let total_sent = tax_sent(draft).and_then(|detail| number::parse(detail.get("TotalTax")?));
    match total_sent {
        Some(total) if company.profile.keeps_tax_sent() => {
            force_total(&mut rows, cents(total)?);
        }
        _ => {}
    }
    Ok(detailed(Some(&code), &rows))
}

/// The service's own computation: a rate where it finds an address, nothing where it does not.
fn automated(company: &Company, draft: &Draft<'_>, lines: &Lines) -> Result<Tax, QboFault> {
    let total_sent = tax_sent(draft).and_then(|detail| number::parse(detail.get("TotalTax")?));
    let has_address = ["ShipAddr", "BillAddr"].iter().any(|member| {
        let address = draft.data.get(*member);
        let part = |name: &str| address.and_then(|address| address.get(name)?.as_str());
        part("CountrySubDivisionCode").is_some() || part("PostalCode").is_some()
    });
    let base = us_base(draft, lines)?;
    let percent = if has_address {
        company.profile.automated_tax_percent
    } else {
        Decimal::ZERO
    };
    let rate = ("3".to_owned(), percent);
    let mut rows = rate_lines(&[rate], base)?;
    match total_sent {
        Some(total) if company.profile.keeps_tax_sent() => {
            force_total(&mut rows, cents(total)?);
        }
        _ if !has_address => return Ok(none()),
        _ => {}
    }
    Ok(detailed(Some("2"), &rows))
}

/// A code on every line.
fn per_line(company: &Company, draft: &Draft<'_>, lines: &mut Lines) -> Result<Tax, QboFault> {
    let calculation = draft
        .data
        .get("GlobalTaxCalculation")
        .and_then(Value::as_str);
    if calculation == Some("NotApplicable") {
        return Ok(none());
    }
    let mut codes: Vec<String> = Vec::new();
    for code in lines.body.iter().filter_map(|line| line.tax_code.clone()) {
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    let subtotal = lines.subtotal();
    let mut discount_left = lines.discount;
    let mut rows: Vec<RateLine> = Vec::new();
    for (index, code) in codes.iter().enumerate() {
        let rates = rates(company, code)?;
        let marked = |line: &&super::lines::BodyLine| line.tax_code.as_ref() == Some(code);
        let sum: Decimal = lines
            .body
            .iter()
            .filter(marked)
            .map(|line| line.amount)
            .sum();
        let discount = if index + 1 == codes.len() {
            discount_left
        } else {
            number::share(lines.discount, sum, subtotal).ok_or_else(too_big)?
        };
        discount_left -= discount;
        if calculation == Some("TaxInclusive") {
            let net = net_of_lines(lines, code, &rates)?;
            let tax = sum - net;
            rows.extend(split(&rates, net, tax)?);
        } else {
            rows.extend(rate_lines(&rates, sum - discount)?);
        }
    }
    let mut rows = merged(rows);
    if company.profile.keeps_tax_sent() {
        override_rates(&mut rows, draft)?;
    }
    Ok(detailed(None, &rows))
}

/// Turns the gross amounts of a code's lines into net ones and returns their sum.
fn net_of_lines(
    lines: &mut Lines,
    code: &str,
    rates: &[(String, Decimal)],
) -> Result<Decimal, QboFault> {
    let percent: Decimal = rates.iter().map(|(_, percent)| *percent).sum();
    let gross_sum: Decimal = lines
        .body
        .iter()
        .filter(|line| line.tax_code.as_deref() == Some(code))
        .map(|line| line.amount)
        .sum();
    let tax = number::tax_inside(gross_sum, percent).ok_or_else(too_big)?;
    let mut net_left = gross_sum - tax;
    let net_sum = net_left;
    let mut marked: Vec<_> = lines
        .body
        .iter_mut()
        .filter(|line| line.tax_code.as_deref() == Some(code))
        .collect();
    let count = marked.len();
    for (index, line) in marked.iter_mut().enumerate() {
        let tax = number::tax_inside(line.amount, percent).ok_or_else(too_big)?;
        // The last line takes up what rounding left over.
        let net = if index + 1 == count {
            net_left
        } else {
            line.amount - tax
        };
        net_left -= net;
        line.amount = net;
    }
    Ok(net_sum)
}

/// Shares an amount of tax among the rates of a code in proportion.
fn split(
    rates: &[(String, Decimal)],
    base: Decimal,
    tax: Decimal,
) -> Result<Vec<RateLine>, QboFault> {
    let percent_sum: Decimal = rates.iter().map(|(_, percent)| *percent).sum();
    let mut left = tax;
    let mut rows = Vec::new();
    for (index, (rate_id, percent)) in rates.iter().enumerate() {
        let amount = if index + 1 == rates.len() {
            left
        } else {
            number::share(tax, *percent, percent_sum).ok_or_else(too_big)?
        };
        left -= amount;
        rows.push(RateLine {
            rate_id: rate_id.clone(),
            percent: *percent,
            base,
            amount,
        });
    }
    Ok(rows)
}

/// Joins rows of the same rate that came from different codes.
fn merged(rows: Vec<RateLine>) -> Vec<RateLine> {
    let mut joined: Vec<RateLine> = Vec::new();
    for row in rows {
        match joined.iter_mut().find(|known| known.rate_id == row.rate_id) {
            Some(known) => {
                known.base += row.base;
                known.amount += row.amount;
            }
            None => joined.push(row),
        }
    }
    joined
}

/// The tax base in the United States: lines marked TAX, less their share of a discount that
/// comes before tax.
fn us_base(draft: &Draft<'_>, lines: &Lines) -> Result<Decimal, QboFault> {
    let taxable: Decimal = lines
        .body
        .iter()
        .filter(|line| line.tax_code.as_deref() == Some("TAX"))
        .map(|line| line.amount)
        .sum();
    if draft.data.get("ApplyTaxAfterDiscount") != Some(&json!(true)) {
        return Ok(taxable);
    }
    let share = number::share(lines.discount, taxable, lines.subtotal()).ok_or_else(too_big)?;
    Ok(taxable - share)
}

fn txn_tax_code(draft: &Draft<'_>) -> Option<String> {
    let detail = draft.data.get("TxnTaxDetail")?.as_object()?;
    reference(detail, "TxnTaxCodeRef").map(str::to_owned)
}

/// The tax detail of this very request, as opposed to one kept from before.
fn tax_sent<'a>(draft: &'a Draft<'_>) -> Option<&'a Value> {
    draft.sent.get("TxnTaxDetail")
}

/// Ids and percentages of the rates a code combines.
fn rates(company: &Company, code: &str) -> Result<Vec<(String, Decimal)>, QboFault> {
    let code = company.referenced(Kind::TaxCode, code)?;
    let list = code.data.get("SalesTaxRateList");
    let details = list.and_then(|list| list.get("TaxRateDetail")?.as_array());
    let mut rates = Vec::new();
    for detail in details.into_iter().flatten().filter_map(Value::as_object) {
        let id = reference(detail, "TaxRateRef").unwrap_or_default();
        let rate = company.referenced(Kind::TaxRate, id)?;
        let percent = rate.data.get("RateValue").and_then(number::parse);
        rates.push((id.to_owned(), percent.unwrap_or_default()));
    }
    Ok(rates)
}

fn rate_lines(rates: &[(String, Decimal)], base: Decimal) -> Result<Vec<RateLine>, QboFault> {
    let row = |(rate_id, percent): &(String, Decimal)| {
        let amount = number::percentage(base, *percent).ok_or_else(too_big)?;
        Ok(RateLine {
            rate_id: rate_id.clone(),
            percent: *percent,
            base,
            amount,
        })
    };
    rates.iter().map(row).collect()
}

/// Lets the first rate take up the difference to a total that was sent.
fn force_total(rows: &mut [RateLine], total: Decimal) {
    let computed: Decimal = rows.iter().map(|row| row.amount).sum();
    if let Some(first) = rows.first_mut() {
        first.amount += total - computed;
    }
}

/// Replaces the amounts of the rates that were sent.
fn override_rates(rows: &mut [RateLine], draft: &Draft<'_>) -> Result<(), QboFault> {
    let sent = tax_sent(draft).and_then(|detail| detail.get("TaxLine")?.as_array());
    for line in sent.into_iter().flatten() {
        let detail = line.get("TaxLineDetail").and_then(Value::as_object);
        let rate = detail.and_then(|detail| reference(detail, "TaxRateRef"));
        let amount = line.get("Amount").and_then(number::parse);
        if let (Some(rate), Some(amount)) = (rate, amount)
            && let Some(row) = rows.iter_mut().find(|row| row.rate_id == rate)
        {
            row.amount = cents(amount)?;
        }
    }
    Ok(())
}

fn detailed(code: Option<&str>, rows: &[RateLine]) -> Tax {
    let total: Decimal = rows.iter().map(|row| row.amount).sum();
    let lines: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "Amount": number::json(row.amount),
                "DetailType": "TaxLineDetail",
                "TaxLineDetail": {
                    "TaxRateRef": {"value": row.rate_id},
                    "PercentBased": true,
                    "TaxPercent": number::json(row.percent),
                    "NetAmountTaxable": number::json(row.base),
                },
            })
        })
        .collect();
    let mut detail = json!({"TotalTax": number::json(total), "TaxLine": lines});
    if let Some(code) = code {
        detail["TxnTaxCodeRef"] = json!({"value": code});
    }
    Tax { total, detail }
}

fn cents(value: Decimal) -> Result<Decimal, QboFault> {
    number::cents(value).ok_or_else(too_big)
}

fn too_big() -> QboFault {
    QboFault::number("TotalTax")
}
