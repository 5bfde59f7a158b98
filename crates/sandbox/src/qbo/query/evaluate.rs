//! Runs a query over what its reader can see.

use std::cmp::Ordering;

use chrono::{DateTime, NaiveDate, NaiveDateTime, SubsecRound as _, TimeZone as _, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::parse::{Comparison, Condition, parse};
use super::properties::{Sort, find};
use crate::qbo::company::Company;
use crate::qbo::fault::QboFault;
use crate::qbo::kind::Kind;
use crate::qbo::number;
use crate::qbo::record::Record;
use crate::qbo::render::render;

/// Objects returned when the query does not say.
const RESULTS_DEFAULT: i64 = 100;
/// Objects returned at most.
const RESULTS_MAX: i64 = 1000;

/// The `QueryResponse` member for a statement, seeing only what was committed by `until`.
pub fn run(company: &Company, statement: &str, until: DateTime<Utc>) -> Result<Value, QboFault> {
    let query = parse(statement)?;
    let kind = Kind::named(&query.entity).ok_or_else(|| {
        QboFault::query_meaning(format!("Entity {} is not supported", query.entity))
    })?;
    let start = query.start.unwrap_or(1);
    let most = query.most.unwrap_or(RESULTS_DEFAULT);
    for value in [start, most] {
        if value < 1 {
            let detail = format!("value {value} is too small. Min allowed value is 1");
            return Err(QboFault::query_meaning(detail));
        }
    }
    if most > RESULTS_MAX {
        let detail = format!("value {most} is too large. Max allowed value is {RESULTS_MAX}");
        return Err(QboFault::query_meaning(detail));
    }
    let tests = tests(company, kind, &query.conditions)?;
    let mut found: Vec<&Record> = company
        .shelf(kind)
        .into_iter()
        .flat_map(|shelf| shelf.all_seen(until))
        .filter(|record| tests.iter().all(|test| test.holds(company, kind, record)))
        .collect();
    if query.is_count {
        return Ok(json!({"totalCount": found.len()}));
    }
    let order = order(kind, &query.order)?;
    found.sort_by(|a, b| compare_records(company, kind, &order, a, b));
    let total = found.len();
    let skipped = usize::try_from(start - 1).unwrap_or(usize::MAX);
    let taken = usize::try_from(most).unwrap_or(usize::MAX);
    let page: Vec<Value> = found
        .into_iter()
        .skip(skipped)
        .take(taken)
        .map(|record| render(company, kind, record))
        .collect();
    if page.is_empty() {
        return Ok(json!({}));
    }
    let mut response = json!({"startPosition": start, "maxResults": page.len()});
    if kind == Kind::Invoice {
        response["totalCount"] = json!(total);
    }
    response[kind.name()] = Value::Array(page);
    Ok(response)
}

/// A condition made ready: its property known, its values read.
struct Test {
    property: &'static str,
    sort: Sort,
    comparison: Comparison,
    values: Vec<Scalar>,
}

/// A comparable value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Scalar {
    /// Sorts first, and equals a blank.
    Nothing,
    Text(String),
    Number(Decimal),
    Day(NaiveDate),
    Instant(DateTime<Utc>),
    Flag(bool),
}

fn tests(company: &Company, kind: Kind, conditions: &[Condition]) -> Result<Vec<Test>, QboFault> {
    let mut tests = Vec::new();
    for condition in conditions {
        let (property, sort) = queryable(kind, &condition.property)?;
        let is_exact = matches!(condition.comparison, Comparison::Equal | Comparison::In);
        if matches!(sort, Sort::Id | Sort::Flag) && !is_exact {
            let detail = format!("Operator is not supported for property {property}");
            return Err(QboFault::query_meaning(detail));
        }
        if condition.comparison == Comparison::Like && !matches!(sort, Sort::Text | Sort::Email) {
            let detail = format!("LIKE is not supported for property {property}");
            return Err(QboFault::query_meaning(detail));
        }
        let values = condition.values.iter();
        let values = values.map(|value| scalar(company, property, sort, value));
        tests.push(Test {
            property,
            sort,
            comparison: condition.comparison,
            values: values.collect::<Result<_, _>>()?,
        });
    }
    let names_active = tests.iter().any(|test| test.property == "Active");
    if kind.is_name_list() && !names_active {
        tests.push(Test {
            property: "Active",
            sort: Sort::Flag,
            comparison: Comparison::Equal,
            values: vec![Scalar::Flag(true)],
        });
    }
    Ok(tests)
}

fn queryable(kind: Kind, written: &str) -> Result<(&'static str, Sort), QboFault> {
    find(kind, written)
        .ok_or_else(|| QboFault::query_meaning(format!("property '{written}' is not queryable")))
}

fn order(
    kind: Kind,
    written: &[(String, bool)],
) -> Result<Vec<(&'static str, Sort, bool)>, QboFault> {
    if written.is_empty() {
        // Never by id: people by name, documents by what was touched last.
        return Ok(if kind.is_transaction() {
            vec![("MetaData.LastUpdatedTime", Sort::Instant, false)]
        } else {
            vec![(kind.name_member(), Sort::Text, true)]
        });
    }
    let sorts = written.iter().map(|(property, ascends)| {
        queryable(kind, property).map(|(property, sort)| (property, sort, *ascends))
    });
    sorts.collect()
}

fn compare_records(
    company: &Company,
    kind: Kind,
    order: &[(&'static str, Sort, bool)],
    a: &Record,
    b: &Record,
) -> Ordering {
    for (property, sort, ascends) in order {
        let ordering = if *sort == Sort::Id {
            numeric(&a.id).cmp(&numeric(&b.id))
        } else {
            let a = value_of(company, kind, a, property, *sort);
            a.cmp(&value_of(company, kind, b, property, *sort))
        };
        let ordering = if *ascends {
            ordering
        } else {
            ordering.reverse()
        };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
    // Without this, equal rows would come in another order on every call.
    numeric(&b.id).cmp(&numeric(&a.id))
}

fn numeric(id: &str) -> (u64, &str) {
    (id.parse().unwrap_or(u64::MAX), id)
}

impl Test {
    fn holds(&self, company: &Company, kind: Kind, record: &Record) -> bool {
        let actual = value_of(company, kind, record, self.property, self.sort);
        let is_known = actual != Scalar::Nothing;
        let first = self.values.first().unwrap_or(&Scalar::Nothing);
        match self.comparison {
            Comparison::Equal => actual == *first,
            Comparison::In => self.values.contains(&actual),
            Comparison::Less => is_known && actual < *first,
            Comparison::Greater => is_known && actual > *first,
            Comparison::AtMost => is_known && actual <= *first,
            Comparison::AtLeast => is_known && actual >= *first,
            Comparison::Like => match (&actual, first) {
                (Scalar::Text(text), Scalar::Text(pattern)) => is_like(text, pattern),
                _ => false,
            },
        }
    }
}

/// The comparable value of a record's property.
fn value_of(company: &Company, kind: Kind, record: &Record, property: &str, sort: Sort) -> Scalar {
    let text = |text: &str| match text.trim() {
        "" => Scalar::Nothing,
        text => Scalar::Text(text.to_lowercase()),
    };
    let member = record.data.get(property);
    match sort {
        Sort::Id => text(&record.id),
        Sort::Instant if property == "MetaData.CreateTime" => {
            Scalar::Instant(record.created_at.trunc_subsecs(0))
        }
        Sort::Instant => Scalar::Instant(record.updated_at.trunc_subsecs(0)),
        Sort::Number if kind == Kind::Customer && property == "Balance" => {
            Scalar::Number(company.balance(&record.id))
        }
        Sort::Number => member
            .and_then(number::parse)
            .map_or(Scalar::Nothing, Scalar::Number),
        Sort::Reference => text(record.reference(property).unwrap_or_default()),
        Sort::Email => {
            let address = member.and_then(|member| member.get("Address")?.as_str());
            text(address.unwrap_or_default())
        }
        Sort::Flag => Scalar::Flag(member.and_then(Value::as_bool).unwrap_or(false)),
        Sort::Day => member
            .and_then(|member| member.as_str()?.parse().ok())
            .map_or(Scalar::Nothing, Scalar::Day),
        Sort::Text => text(member.and_then(Value::as_str).unwrap_or_default()),
    }
}

/// A value of the query, read as its property compares.
fn scalar(company: &Company, property: &str, sort: Sort, value: &str) -> Result<Scalar, QboFault> {
    let wrong = || QboFault::query_meaning(format!("Invalid value {value} for {property}"));
    if value.trim().is_empty() {
        return Ok(Scalar::Nothing);
    }
    match sort {
        Sort::Id | Sort::Text | Sort::Reference | Sort::Email => {
            Ok(Scalar::Text(value.trim().to_lowercase()))
        }
        Sort::Number => number::parse(&json!(value))
            .map(Scalar::Number)
            .ok_or_else(wrong),
        Sort::Flag => value.parse().map(Scalar::Flag).map_err(|_| wrong()),
        Sort::Day => {
            let day = value.get(..10).unwrap_or(value);
            day.parse().map(Scalar::Day).map_err(|_| wrong())
        }
        Sort::Instant => instant(company, value)
            .map(Scalar::Instant)
            .ok_or_else(wrong),
    }
}

/// An instant; without an offset it is on the company's clock.
pub fn instant(company: &Company, text: &str) -> Option<DateTime<Utc>> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.with_timezone(&Utc));
    }
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok();
    let local = local.or_else(|| {
        let day: NaiveDate = text.parse().ok()?;
        day.and_hms_opt(0, 0, 0)
    })?;
    let at = company.offset().from_local_datetime(&local).single()?;
    Some(at.with_timezone(&Utc))
}

/// Whether a text matches a pattern in which `%` stands for anything.
fn is_like(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('%');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}
