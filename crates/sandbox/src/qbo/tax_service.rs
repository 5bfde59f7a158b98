//! `POST /taxservice/taxcode`: the only way to make a tax code, with its rates.
//!
//! Its replies have no envelope. In the United States agencies and codes are the service's own,
//! so it is refused there under automated tax.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::company::Company;
use super::fault::QboFault;
use super::kind::Kind;
use super::number;
use super::profile::TaxMode;
use super::record::{Members, Record, Shelf};
use super::writing::{Draft, touched};
use crate::web::journal::Touched;

/// Since when a rate holds.
const FIRST_DAY: &str = "2010-01-01T00:00:00-08:00";
/// Longest name of a code or rate.
const NAME_MAX: usize = 100;

/// Makes a tax code; returns the bare reply and what it created.
pub fn create(
    company: &mut Company,
    body: &Value,
    now: DateTime<Utc>,
) -> Result<(Value, Vec<Touched>), QboFault> {
    if matches!(company.profile.tax(), TaxMode::Off | TaxMode::UsAutomated) {
        return Err(QboFault::unsupported_operation("taxservice"));
    }
    let name = name_of(body, "TaxCode")?;
    if is_taken(company, Kind::TaxCode, &name) {
        return Err(QboFault::duplicate_name("tax code"));
    }
    let wanted = body.get("TaxRateDetails").and_then(Value::as_array);
    let wanted = wanted.filter(|wanted| !wanted.is_empty());
    let wanted = wanted.ok_or_else(|| QboFault::missing("TaxRateDetails"))?;
    // Everything is checked before anything is stored.
    let mut plans = Vec::new();
    for detail in wanted {
        let plan = Plan::read(company, detail)?;
        if plans.iter().any(|known: &Plan| known.is_same(&plan)) {
            return Err(QboFault::business("The same tax rate is given twice."));
        }
        plans.push(plan);
    }
    let mut created = Vec::new();
    let mut lists = [Vec::new(), Vec::new()];
    let mut shown = Vec::new();
    for plan in plans {
        let id = if let Some(id) = &plan.id {
            id.clone()
        } else {
            let (id, touched) = put(company, Kind::TaxRate, plan.rate(), now);
            created.push(touched);
            id
        };
        let list = &mut lists[usize::from(!plan.is_sales)];
        list.push(json!({
            "TaxRateRef": {"value": id}, "TaxTypeApplicable": "TaxOnAmount",
            "TaxOrder": list.len(),
        }));
        shown.push(json!({
            "TaxRateName": plan.name, "TaxRateId": id, "RateValue": number::json(plan.percent),
            "TaxAgencyId": plan.agency,
            "TaxApplicableOn": if plan.is_sales { "Sales" } else { "Purchase" },
        }));
    }
    let [sales, purchases] = lists;
    let code = json!({
        "Name": name, "Description": name, "Active": true, "Hidden": false,
        "Taxable": true, "TaxGroup": true, "TaxCodeConfigType": "USER_DEFINED",
        "SalesTaxRateList": {"TaxRateDetail": sales},
        "PurchaseTaxRateList": {"TaxRateDetail": purchases},
    });
    let (id, touched) = put(company, Kind::TaxCode, code, now);
    created.insert(0, touched);
    let reply = json!({"TaxCode": name, "TaxCodeId": id, "TaxRateDetails": shown});
    Ok((reply, created))
}

/// Checks what a person changed on a code or rate; new ones come from the service only. A changed
/// percentage holds for everything computed from now on, whatever its date.
pub fn complete(draft: &mut Draft<'_>) -> Result<(), QboFault> {
    if draft.id.is_none() {
        return Err(QboFault::unsupported_operation("save"));
    }
    if let Some(percent) = draft.sent.get("RateValue") {
        check_percent(number::parse(percent))?;
        draft.data.insert(
            "EffectiveTaxRate".to_owned(),
            json!([{"RateValue": percent, "EffectiveDate": FIRST_DAY}]),
        );
    }
    Ok(())
}

fn check_percent(percent: Option<Decimal>) -> Result<Decimal, QboFault> {
    let allowed = Decimal::ZERO..=Decimal::ONE_HUNDRED;
    let percent = percent.filter(|percent| allowed.contains(percent));
    percent.ok_or_else(|| QboFault::number("RateValue"))
}

/// A rate that the code is to have: a known one or a new one.
struct Plan {
    id: Option<String>,
    name: String,
    percent: Decimal,
    agency: String,
    is_sales: bool,
}

impl Plan {
    fn read(company: &Company, detail: &Value) -> Result<Self, QboFault> {
        let is_sales = match detail.get("TaxApplicableOn").and_then(Value::as_str) {
            None | Some("Sales") => true,
            Some("Purchase") => false,
            Some(other) => return Err(QboFault::enumeration("TaxApplicableOn", other)),
        };
        if let Some(id) = id_of(detail, "TaxRateId") {
            let rate = company.referenced(Kind::TaxRate, &id)?;
            let percent = rate.data.get("RateValue").and_then(number::parse);
            return Ok(Self {
                name: rate.text("Name").to_owned(),
                percent: percent.unwrap_or_default(),
                agency: rate.reference("AgencyRef").unwrap_or_default().to_owned(),
                id: Some(id),
                is_sales,
            });
        }
        let name = name_of(detail, "TaxRateName")?;
        if is_taken(company, Kind::TaxRate, &name) {
            return Err(QboFault::duplicate_name("tax rate"));
        }
        let percent = detail.get("RateValue");
        let percent = percent.ok_or_else(|| QboFault::missing("RateValue"))?;
        let percent = check_percent(number::parse(percent))?;
        let agency =
            id_of(detail, "TaxAgencyId").ok_or_else(|| QboFault::missing("TaxAgencyId"))?;
        company.referenced(Kind::TaxAgency, &agency)?;
        Ok(Self {
            id: None,
            name,
            percent,
            agency,
            is_sales,
        })
    }

    fn is_same(&self, other: &Self) -> bool {
        self.is_sales == other.is_sales && self.name.eq_ignore_ascii_case(&other.name)
    }

    fn rate(&self) -> Value {
        json!({
            "Name": self.name, "Description": self.name, "Active": true,
            "SpecialTaxType": "NONE", "RateValue": number::json(self.percent),
            "DisplayType": "ReadOnly", "AgencyRef": {"value": self.agency},
            "EffectiveTaxRate": [{
                "RateValue": number::json(self.percent),
                "EffectiveDate": FIRST_DAY,
            }],
        })
    }
}

fn name_of(body: &Value, member: &str) -> Result<String, QboFault> {
    let name = body.get(member).and_then(Value::as_str).map(str::trim);
    let name = name.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| QboFault::missing(member))?;
    let length = name.chars().count();
    if length > NAME_MAX {
        return Err(QboFault::length(member, NAME_MAX, length));
    }
    Ok(name.to_owned())
}

fn id_of(body: &Value, member: &str) -> Option<String> {
    match body.get(member)? {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

fn is_taken(company: &Company, kind: Kind, name: &str) -> bool {
    let shelf = company.shelf(kind);
    let mut all = shelf.into_iter().flat_map(Shelf::all_live);
    all.any(|record| record.text("Name").eq_ignore_ascii_case(name))
}

fn put(company: &mut Company, kind: Kind, data: Value, now: DateTime<Utc>) -> (String, Touched) {
    let data = match data {
        Value::Object(members) => members,
        _ => Members::new(),
    };
    let record = Record {
        id: company.next_id(kind),
        token: 0,
        created_at: now,
        updated_at: now,
        is_deleted: false,
        data,
    };
    let created = touched(kind, &record, "created");
    let id = record.id.clone();
    company.put(kind, record);
    (id, created)
}
