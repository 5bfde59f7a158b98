//! The same books seen from three sides: what `ProjectLedger` published, what Tieout believes, what the company holds.
//!
//! Beside documents they compare what is set against invoices (`PAYMENT_APPLIED`, `CREDIT_NOTE_APPLIED`: each pair
//! of a document and an invoice counts once) and what clients owe (`RECEIVABLE`: clients that owe something or are
//! owed it). The sum of receivables does not show who owes, so each client is compared as well.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::company::{Balance, Company, Published};
use crate::failure::{Context, Result};
use crate::report::Books;
use crate::services::postgres;
use crate::stage::Stage;

/// The rows of what is set against invoices, and of what clients owe.
const APPLIED: &str = "_APPLIED";
const RECEIVABLE: &str = "RECEIVABLE";

/// Three sides of one company's books.
pub(crate) struct Sides {
    pub(crate) source: Books,
    pub(crate) tieout: Books,
    pub(crate) books: Books,
    /// What totals do not show, in sentences; none when all is well.
    pub(crate) disagreements: Vec<String>,
}

impl Sides {
    /// Looks at all three.
    pub(crate) fn of(
        company: Company,
        stage: &Stage,
        published: &Published,
        export: &Value,
    ) -> Result<Self> {
        let account = company.number();
        let ask = |statement: String| -> Result<Value> {
            let answer = postgres::run_sql(stage.database_url(), &["-c", &statement])?;
            Ok(serde_json::from_str(&answer)?)
        };
        let customers: BTreeMap<String, String> =
            serde_json::from_value(ask(customers_of(account))?)
                .context(|| "the links of clients are malformed".to_owned())?;
        let mut disagreements = balances_astray(&published.balances, &customers, export);
        disagreements.extend(uneven_sheets(export));
        let realm = company.realm();
        for each in &mut disagreements {
            *each = format!("company {realm}: {each}");
        }
        Ok(Self {
            source: Books::from_json(sent(published))?,
            tieout: Books::from_json(ask(our_totals(account))?)?,
            books: Books::from_json(held(export))?,
            disagreements,
        })
    }
}

/// What `ProjectLedger` published.
fn sent(published: &Published) -> Value {
    let documents = published.totals.as_array().into_iter().flatten();
    let mut lines: Vec<Value> = documents.cloned().collect();
    for line in published.applied.as_array().into_iter().flatten() {
        let mut line = line.clone();
        let kind = line["kind"].as_str().unwrap_or_default();
        line["kind"] = json!(format!("{kind}{APPLIED}"));
        lines.push(line);
    }
    let balances = published.balances.iter();
    lines.extend(receivables(
        balances.map(|each| (each.currency.as_str(), each.owed)),
    ));
    Value::Array(lines)
}

/// What we believe stands in the books: live documents whose objects we linked, what these set against invoices
/// whose links we hold as well, and what clients owe after them.
fn our_totals(account: u32) -> String {
    format!(
        "with done as (\
           select item.id as item, item.kind, coalesce(document.currency, '') as currency, link.gross, \
             document.body -> 'body' -> 'data' as data \
           from item \
           join effect on effect.item_id = item.id and effect.part = '' \
           join link on link.effect_id = effect.id and link.state = 'ACTIVE' \
           join document on document.account_id = item.account_id and document.kind = item.kind \
             and document.source_id = item.source_id and document.version = item.version \
           where item.state = 'done' and document.lifecycle = 'LIVE' and item.account_id = {account}\
         ), line as (\
           select kind, currency, count(*) as count, coalesce(sum(gross), 0) as sum from done group by 1, 2 \
           union all \
           select kind || '{APPLIED}', currency, count(*), sum((allocation ->> 'amount')::numeric) \
           from done, jsonb_array_elements(data -> 'allocations') allocation \
           where kind = 'PAYMENT' or kind = 'CREDIT_NOTE' and exists (\
             select from effect join link on link.effect_id = effect.id and link.state = 'ACTIVE' \
             where effect.item_id = done.item and effect.part = allocation ->> 'invoiceId') \
           group by 1, 2 \
           union all \
           select '{RECEIVABLE}', currency, count(*), sum(owed) from (\
             select currency, data -> 'client' ->> 'id', \
               sum(case when kind = 'INVOICE' then gross else -gross end) as owed \
             from done where kind in ('INVOICE', 'PAYMENT', 'CREDIT_NOTE') group by 1, 2) client \
           where owed <> 0 group by 2\
         ) \
         select coalesce(json_agg(json_build_object(\
           'kind', kind, 'currency', currency, 'count', count, 'sum', sum::text)), '[]') from line"
    )
}

/// Clients with the customers they are in the books.
fn customers_of(account: u32) -> String {
    format!(
        "select coalesce(json_object_agg(item.source_id, link.external_id), '{{}}') from item \
         join effect on effect.item_id = item.id and effect.part = '' \
         join link on link.effect_id = effect.id \
         where item.kind = 'CLIENT' and item.account_id = {account}"
    )
}

/// The sandbox's export in our words: what is voided stays in the books with nothing in it, a payment of nothing
/// only sets a credit note against something, and who is not a client has no side to be compared with.
fn held(export: &Value) -> Value {
    let mut sums = Sums::default();
    for (name, kind) in [
        ("Customer", "CLIENT"),
        ("Invoice", "INVOICE"),
        ("Payment", "PAYMENT"),
        ("CreditMemo", "CREDIT_NOTE"),
    ] {
        for object in objects(export, name) {
            let amount = decimal(&object["amount"]);
            let counts = object["isVoid"] != true && (kind != "PAYMENT" || !amount.is_zero());
            let currency = object["currency"].as_str().unwrap_or_default();
            match kind {
                "CLIENT" => sums.add(kind, "", Decimal::ZERO),
                _ if counts => sums.add(kind, currency, amount),
                _ => {}
            }
        }
    }
    let mut lines = sums.into_lines();
    lines.extend(applied(export));
    let customers = objects(export, "Customer");
    lines.extend(receivables(customers.map(|customer| {
        let currency = customer["currency"].as_str().unwrap_or_default();
        (currency, decimal(&customer["entity"]["Balance"]))
    })));
    Value::Array(lines)
}

/// The lines of a payment.
#[derive(Default)]
struct Settled<'e> {
    credits: Vec<Decimal>,
    invoices: Vec<(&'e str, Decimal)>,
}

/// Pairs each invoice line of a payment with the credit lines beside it, and the rest with the payment's money.
fn applied(export: &Value) -> Vec<Value> {
    let mut by_payment: BTreeMap<&str, Settled<'_>> = BTreeMap::new();
    for row in export["applications"].as_array().into_iter().flatten() {
        let text = |member: &str| row[member].as_str().unwrap_or_default();
        let settled = by_payment.entry(text("payment")).or_default();
        let amount = decimal(&row["amount"]);
        match text("document") {
            "CreditMemo" => settled.credits.push(amount),
            _ => settled.invoices.push((text("currency"), amount)),
        }
    }
    let mut sums = Sums::default();
    for mut settled in by_payment.into_values() {
        for (currency, mut left) in settled.invoices {
            for credit in &mut settled.credits {
                let part = left.min(*credit);
                *credit -= part;
                left -= part;
                if !part.is_zero() {
                    sums.add("CREDIT_NOTE_APPLIED", currency, part);
                }
            }
            if !left.is_zero() {
                sums.add("PAYMENT_APPLIED", currency, left);
            }
        }
    }
    sums.into_lines()
}

fn receivables<'b>(balances: impl Iterator<Item = (&'b str, Decimal)>) -> Vec<Value> {
    let mut sums = Sums::default();
    for (currency, balance) in balances.filter(|(_, balance)| !balance.is_zero()) {
        sums.add(RECEIVABLE, currency, balance);
    }
    sums.into_lines()
}

/// Clients whose balance in the books is another than in `ProjectLedger`.
fn balances_astray(
    balances: &[Balance],
    customers: &BTreeMap<String, String>,
    export: &Value,
) -> Vec<String> {
    let in_books: BTreeMap<&str, Decimal> = objects(export, "Customer")
        .map(|customer| {
            let id = customer["id"].as_str().unwrap_or_default();
            (id, decimal(&customer["entity"]["Balance"]))
        })
        .collect();
    let astray = balances.iter().filter_map(|client| {
        let customer = customers.get(&client.client);
        let there = customer.and_then(|id| in_books.get(id.as_str()));
        let there = there.copied().unwrap_or_default();
        (there != client.owed).then(|| {
            format!(
                "client {} owes {} {}, and {there} in the books",
                client.client, client.owed, client.currency
            )
        })
    });
    astray.collect()
}

/// Currencies whose trial balance does not balance.
fn uneven_sheets(export: &Value) -> Vec<String> {
    let sheets = export["trialBalance"].as_array().into_iter().flatten();
    let uneven = sheets.filter(|sheet| decimal(&sheet["debits"]) != decimal(&sheet["credits"]));
    uneven
        .map(|sheet| {
            format!(
                "debits of {} {} and credits of {}",
                sheet["debits"], sheet["currency"], sheet["credits"]
            )
        })
        .collect()
}

fn objects<'e>(export: &'e Value, name: &str) -> impl Iterator<Item = &'e Value> {
    export["objects"][name].as_array().into_iter().flatten()
}

/// An amount as a text or as a number; nothing where there is none.
fn decimal(value: &Value) -> Decimal {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    text.parse().unwrap_or_default()
}

/// Counts and sums by kind and currency.
#[derive(Default)]
struct Sums(BTreeMap<(String, String), (u64, Decimal)>);

impl Sums {
    fn add(&mut self, kind: &str, currency: &str, amount: Decimal) {
        let total = self
            .0
            .entry((kind.to_owned(), currency.to_owned()))
            .or_default();
        total.0 += 1;
        total.1 += amount;
    }

    fn into_lines(self) -> Vec<Value> {
        let lines = self.0.into_iter().map(|((kind, currency), (count, sum))| {
            json!({"kind": kind, "currency": currency, "count": count, "sum": sum.to_string()})
        });
        lines.collect()
    }
}

#[cfg(test)]
#[path = "sides_tests.rs"]
mod tests;
