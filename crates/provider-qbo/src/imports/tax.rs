//! Tax codes with the rates behind them: what each adds to a sale, today.

use std::collections::HashMap;

use chrono::NaiveDate;
use model::money::Rate;
use model::reference::{TaxBase, TaxCodeRef, TaxComponent};
use rust_decimal::Decimal;
use serde_json::Value;

use super::{flag, number, text};

/// All codes, with the pseudo codes of American books, which have no rates.
pub(super) fn codes(codes: &[Value], rates: &[Value], today: Option<NaiveDate>) -> Vec<TaxCodeRef> {
    let by_id: HashMap<String, &Value> = rates
        .iter()
        .filter_map(|rate| Some((text(rate, "/Id")?, rate)))
        .collect();
    codes
        .iter()
        .filter_map(|code| self::code(code, &by_id, today))
        .collect()
}

fn code(
    object: &Value,
    rates: &HashMap<String, &Value>,
    today: Option<NaiveDate>,
) -> Option<TaxCodeRef> {
    let external_id = text(object, "/Id")?;
    let details = object
        .pointer("/SalesTaxRateList/TaxRateDetail")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let mut ordered: Vec<&Value> = details.iter().collect();
    ordered.sort_by_key(|detail| number(detail, "TaxOrder").unwrap_or_default());
    // One rate that is not known leaves the whole code without a percentage.
    let parts: Option<Vec<TaxComponent>> = ordered
        .iter()
        .map(|detail| component(detail, rates, today))
        .collect();
    let is_pseudo = flag(object, "/TaxGroup") == Some(false) && details.is_empty();
    let percent = match &parts {
        Some(parts) if !parts.is_empty() => combined(parts),
        // `NON` is no tax at all; `TAX` is whatever the document's code says.
        Some(_) if is_pseudo && external_id == "NON" => Some(Decimal::ZERO),
        _ => None,
    };
    Some(TaxCodeRef {
        name: text(object, "/Name").unwrap_or_else(|| external_id.clone()),
        percent: percent.and_then(|percent| Rate::new(percent).ok()),
        rates: parts.unwrap_or_default(),
        is_active: flag(object, "/Active").unwrap_or(true) && flag(object, "/Hidden") != Some(true),
        // The pseudo codes stand on lines by themselves and are never chosen.
        is_sales_tax: !details.is_empty(),
        external_id,
        local_id: None,
    })
}

fn component(
    detail: &Value,
    rates: &HashMap<String, &Value>,
    today: Option<NaiveDate>,
) -> Option<TaxComponent> {
    let id = text(detail, "/TaxRateRef/value")?;
    let rate = rates.get(&id)?;
    let base = match text(detail, "/TaxTypeApplicable").as_deref() {
        Some("TaxOnAmountPlusTax") => TaxBase::NetAndEarlierTax,
        Some("TaxOnTax") => TaxBase::EarlierTax,
        _ => TaxBase::Net,
    };
    Some(TaxComponent {
        name: text(rate, "/Name").unwrap_or_else(|| id.clone()),
        percent: Rate::new(percent_on(rate, today)?).ok()?,
        external_id: Some(id),
        base,
    })
}

/// The percentage of a rate on a day: of its history the row that covers the day, else its present value.
fn percent_on(rate: &Value, today: Option<NaiveDate>) -> Option<Decimal> {
    let history = rate.get("EffectiveTaxRate").and_then(Value::as_array);
    let day = |row: &Value, name: &str| -> Option<NaiveDate> {
        text(row, &format!("/{name}"))?.get(..10)?.parse().ok()
    };
    let covers = |row: &&Value| {
        today.is_some_and(|today| {
            day(row, "EffectiveDate").is_none_or(|from| from <= today)
                && day(row, "EndDate").is_none_or(|until| today <= until)
        })
    };
    let in_force = history
        .into_iter()
        .flatten()
        .filter(covers)
        .max_by_key(|row| day(row, "EffectiveDate"));
    in_force
        .and_then(|row| number(row, "RateValue"))
        .or_else(|| number(rate, "RateValue"))
}

/// What all rates add to a net sum of a hundred, to six places.
fn combined(parts: &[TaxComponent]) -> Option<Decimal> {
    let mut earlier = Decimal::ZERO;
    for part in parts {
        let base = match part.base {
            TaxBase::Net => Decimal::ONE_HUNDRED,
            TaxBase::NetAndEarlierTax => Decimal::ONE_HUNDRED.checked_add(earlier)?,
            TaxBase::EarlierTax => earlier,
        };
        let tax = base
            .checked_mul(part.percent.get())?
            .checked_div(Decimal::ONE_HUNDRED)?;
        earlier = earlier.checked_add(tax)?;
    }
    Some(model::Rounding::HalfUp.apply(earlier, 6).normalize())
}
