//! Objects as the API shows them: with id, revision, timestamps and looked-up names.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::company::Company;
use super::kind::Kind;
use super::links;
use super::number;
use super::record::{Members, Record};
use super::seed;

/// The object as it stands in replies.
pub fn render(company: &Company, kind: Kind, record: &Record) -> Value {
    let mut shown = match kind {
        Kind::Preferences => seed::preferences(company),
        _ => record.data.clone(),
    };
    if kind == Kind::Customer {
        let balance = number::json(company.balance(&record.id));
        shown.insert("Balance".to_owned(), balance.clone());
        shown.insert("BalanceWithJobs".to_owned(), balance);
    }
    if kind == Kind::Account {
        let balance = number::json(account_balance(company, record));
        shown.insert("CurrentBalance".to_owned(), balance.clone());
        shown.insert("CurrentBalanceWithSubAccounts".to_owned(), balance);
    }
    if kind == Kind::Payment {
        describe_lines(company, &mut shown);
    }
    name_references(company, kind, &mut shown);
    shown.insert("Id".to_owned(), json!(record.id));
    shown.insert("sparse".to_owned(), json!(false));
    // The pseudo codes TAX and NON have neither domain nor revision.
    if kind != Kind::TaxCode || shown.get("TaxGroup") == Some(&Value::Bool(true)) {
        shown.insert("domain".to_owned(), json!("QBO"));
        shown.insert("SyncToken".to_owned(), json!(record.token.to_string()));
    }
    shown.insert(
        "MetaData".to_owned(),
        json!({
            "CreateTime": company.stamp(record.created_at),
            "LastUpdatedTime": company.stamp(record.updated_at),
        }),
    );
    Value::Object(shown)
}

/// What an account holds in the home currency; income and expense hold nothing.
fn account_balance(company: &Company, record: &Record) -> Decimal {
    let home = company.profile.home_currency.as_str();
    let debit = company.ledger.balance(home, &record.id);
    match record.text("Classification") {
        "Asset" => debit,
        "Liability" | "Equity" => -debit,
        _ => Decimal::ZERO,
    }
}

/// Adds to each line of a payment what the service tells about the document it settles.
fn describe_lines(company: &Company, payment: &mut Members) {
    let Some(Value::Array(rows)) = payment.get_mut("Line") else {
        return;
    };
    let links = links::of(&Members::from_iter([(
        "Line".to_owned(),
        Value::Array(rows.clone()),
    )]));
    for (row, link) in rows.iter_mut().zip(links) {
        let (kind, id) = &link.target;
        let Some(document) = company.latest(*kind, id) else {
            continue;
        };
        let open = document.data.get("Balance").and_then(number::parse);
        let before = open.unwrap_or_default() + link.amount;
        let pairs = [
            ("txnId", id.clone()),
            ("txnOpenBalance", format!("{before:.2}")),
            ("txnReferenceNumber", document.text("DocNumber").to_owned()),
        ];
        let any = pairs.map(|(name, value)| {
            json!({
                "name": "{http://schema.intuit.com/finance/v3}NameValue",
                "declaredType": "com.intuit.schema.finance.v3.NameValue",
                "scope": "javax.xml.bind.JAXBElement$GlobalScope",
                "value": {"Name": name, "Value": value},
                "nil": false, "globalScope": true, "typeSubstituted": false,
            })
        });
        row["LineEx"] = json!({"any": any});
    }
}

/// Puts the present name beside every reference, however deep.
fn name_references(company: &Company, kind: Kind, members: &mut Members) {
    for (name, value) in members.iter_mut() {
        match value {
            Value::Object(inner) if name.ends_with("Ref") => {
                let id = inner.get("value").and_then(Value::as_str);
                let found = id.and_then(|id| display_name(company, kind, name, id));
                if let Some(found) = found {
                    inner.insert("name".to_owned(), json!(found));
                }
            }
            Value::Object(inner) => name_references(company, kind, inner),
            Value::Array(rows) => {
                for row in rows.iter_mut().filter_map(Value::as_object_mut) {
                    name_references(company, kind, row);
                }
            }
            _ => {}
        }
    }
}

fn display_name(company: &Company, kind: Kind, member: &str, id: &str) -> Option<String> {
    let target = match member {
        "CurrencyRef" => return Some(currency_name(id).to_owned()),
        "CustomerRef" => Kind::Customer,
        "ParentRef" => kind,
        "ItemRef" => Kind::Item,
        "SalesTermRef" => Kind::Term,
        "AgencyRef" => Kind::TaxAgency,
        "TaxRateRef" if kind == Kind::TaxCode => Kind::TaxRate,
        _ if member.ends_with("AccountRef") => Kind::Account,
        _ => return None,
    };
    let record = company.latest(target, id)?;
    let full = record.text("FullyQualifiedName");
    let name = if target == Kind::Item || full.is_empty() {
        record.text(target.name_member())
    } else {
        full
    };
    Some(name.to_owned())
}

fn currency_name(code: &str) -> &str {
    match code {
        "USD" => "United States Dollar",
        "EUR" => "Euro",
        "GBP" => "British Pound Sterling",
        "CAD" => "Canadian Dollar",
        "AUD" => "Australian Dollar",
        "JPY" => "Japanese Yen",
        other => other,
    }
}
