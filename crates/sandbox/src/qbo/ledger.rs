//! Double entry: what every document posts to which account, and proof that it balances.
//!
//! Each currency is a book of its own: a document's postings add up to nothing in the currency it
//! is written in. What receivables owe is known twice, from postings here and from the open
//! amounts of documents in `Company`; the two have no arithmetic in common and must agree.
//! Absent: revaluation into the home currency, cost of goods.
//!
//! ```text
//! Invoice        A/R  +total      income -line amounts, tax payable -tax, discounts +discount
//! CreditMemo     the same, the other way round
//! RefundReceipt  the same as a credit memo, against the account the money leaves
//! Payment        money +total     A/R -total         (an application moves no money)
//! Deposit        bank  +total     where the payments were held -total
//! ```

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::company::Company;
use super::kind::Kind;
use super::number;
use super::record::{Members, Record, reference};

/// Accounts receivable of every company.
pub const RECEIVABLE: &str = "84";
/// Sales tax payable of every company.
const TAX_PAYABLE: &str = "89";
/// Where payments wait for the bank unless they say otherwise.
pub const UNDEPOSITED: &str = "4";
/// The income account of lines whose item names none.
const INCOME: &str = "1";

/// An amount on an account; positive is a debit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    currency: String,
    account: String,
    /// The customer, on receivables.
    customer: Option<String>,
    amount: Decimal,
}

/// What changed on the accounts with one journal entry.
#[derive(Debug)]
struct Position {
    sequence: u64,
    changes: BTreeMap<(String, String), Decimal>,
    /// Customers whose receivable is not the sum of their open documents.
    astray: Vec<String>,
    owed: Decimal,
}

/// The accounts of a company.
#[derive(Debug, Default)]
pub struct Ledger {
    /// By currency and account.
    balances: BTreeMap<(String, String), Decimal>,
    receivable: BTreeMap<String, Decimal>,
    pending: BTreeMap<(String, String), Decimal>,
    concerned: BTreeSet<String>,
    positions: Vec<Position>,
}

impl Ledger {
    /// Books a document, or takes it back with a sign of minus one.
    pub fn post(&mut self, kind: Kind, record: &Record, home: &str, sign: Decimal) {
        for posting in postings(kind, record, home) {
            let amount = posting.amount * sign;
            let key = (posting.currency, posting.account);
            *self.balances.entry(key.clone()).or_default() += amount;
            *self.pending.entry(key).or_default() += amount;
            if let Some(customer) = posting.customer {
                *self.receivable.entry(customer.clone()).or_default() += amount;
                self.concerned.insert(customer);
            }
        }
    }

    /// What an account holds in a currency; positive is a debit.
    pub fn balance(&self, currency: &str, account: &str) -> Decimal {
        let key = (currency.to_owned(), account.to_owned());
        self.balances.get(&key).copied().unwrap_or_default()
    }

    /// Ends a journal position: what was posted since the last one belongs to it.
    pub fn close(&mut self, sequence: u64, owed_by: &BTreeMap<String, Decimal>, owed: Decimal) {
        let mut changes = std::mem::take(&mut self.pending);
        changes.retain(|_, amount| !amount.is_zero());
        let concerned = std::mem::take(&mut self.concerned);
        let astray = concerned.into_iter().filter(|customer| {
            let booked = self.receivable.get(customer).copied().unwrap_or_default();
            booked != owed_by.get(customer).copied().unwrap_or_default()
        });
        self.positions.push(Position {
            sequence,
            changes,
            astray: astray.collect(),
            owed,
        });
    }

    /// The trial balance as it is now.
    pub fn trial_balance(&self, company: &Company) -> Value {
        Value::Array(sheets(&self.balances, company))
    }

    /// The trial balance after every journal position greater than `since`.
    pub fn positions(&self, company: &Company, since: u64, limit: usize) -> Vec<Value> {
        let mut running: BTreeMap<(String, String), Decimal> = BTreeMap::new();
        let mut shown = Vec::new();
        for position in &self.positions {
            for (key, amount) in &position.changes {
                *running.entry(key.clone()).or_default() += *amount;
            }
            if position.sequence <= since {
                continue;
            }
            if shown.len() == limit {
                break;
            }
            let receivable: Decimal = running
                .iter()
                .filter(|((_, account), _)| account == RECEIVABLE)
                .map(|(_, amount)| *amount)
                .sum();
            let sheets = sheets(&running, company);
            let is_even = sheets
                .iter()
                .all(|sheet| sheet["debits"] == sheet["credits"]);
            let is_tied = position.astray.is_empty() && receivable == position.owed;
            shown.push(json!({
                "sequence": position.sequence,
                "isBalanced": is_even && is_tied,
                "receivable": number::plain(receivable),
                "owedByDocuments": number::plain(position.owed),
                "customersAstray": position.astray,
                "trialBalance": sheets,
            }));
        }
        shown
    }
}

/// One sheet a currency: accounts with their debit or credit, and the two sums.
fn sheets(balances: &BTreeMap<(String, String), Decimal>, company: &Company) -> Vec<Value> {
    let mut by_currency: BTreeMap<&str, Vec<(&str, Decimal)>> = BTreeMap::new();
    for ((currency, account), amount) in balances {
        if !amount.is_zero() {
            let rows = by_currency.entry(currency).or_default();
            rows.push((account, *amount));
        }
    }
    let sheet = |(currency, rows): (&str, Vec<(&str, Decimal)>)| {
        let side = |wanted: bool| -> Decimal {
            let amounts = rows.iter().map(|(_, amount)| *amount);
            let amounts = amounts.filter(|amount| amount.is_sign_positive() == wanted);
            amounts.map(|amount| amount.abs()).sum()
        };
        let accounts: Vec<Value> = rows
            .iter()
            .map(|(account, amount)| {
                let record = company.latest(Kind::Account, account);
                let name = record.map_or("", |record| record.text("FullyQualifiedName"));
                let column = if amount.is_sign_positive() {
                    "debit"
                } else {
                    "credit"
                };
                json!({"account": account, "name": name, column: number::plain(amount.abs())})
            })
            .collect();
        json!({
            "currency": currency,
            "debits": number::plain(side(true)),
            "credits": number::plain(side(false)),
            "accounts": accounts,
        })
    };
    by_currency.into_iter().map(sheet).collect()
}

/// What a document posts.
fn postings(kind: Kind, record: &Record, home: &str) -> Vec<Posting> {
    let data = &record.data;
    let currency = record.reference("CurrencyRef").unwrap_or(home);
    let mut rows = match kind {
        Kind::Invoice => sales(data, RECEIVABLE, Decimal::ONE),
        Kind::CreditMemo => sales(data, RECEIVABLE, Decimal::NEGATIVE_ONE),
        Kind::RefundReceipt => {
            let money = reference(data, "DepositToAccountRef").unwrap_or(UNDEPOSITED);
            sales(data, money, Decimal::NEGATIVE_ONE)
        }
        Kind::Payment => {
            let money = reference(data, "DepositToAccountRef").unwrap_or(UNDEPOSITED);
            let total = amount(data, "TotalAmt");
            vec![(money.to_owned(), total), (RECEIVABLE.to_owned(), -total)]
        }
        Kind::Deposit => {
            let bank = reference(data, "DepositToAccountRef").unwrap_or(UNDEPOSITED);
            let total = amount(data, "TotalAmt");
            vec![(bank.to_owned(), total), (UNDEPOSITED.to_owned(), -total)]
        }
        _ => Vec::new(),
    };
    rows.retain(|(_, amount)| !amount.is_zero());
    let customer = record.reference("CustomerRef").map(str::to_owned);
    let posting = |(account, amount): (String, Decimal)| Posting {
        currency: currency.to_owned(),
        customer: customer.clone().filter(|_| account == RECEIVABLE),
        account,
        amount,
    };
    rows.into_iter().map(posting).collect()
}

/// The postings of a sales form against `counter`, an invoice's way round times `sign`.
fn sales(data: &Members, counter: &str, sign: Decimal) -> Vec<(String, Decimal)> {
    let mut rows = vec![(counter.to_owned(), amount(data, "TotalAmt") * sign)];
    let lines = data.get("Line").and_then(Value::as_array);
    for line in lines.into_iter().flatten().filter_map(Value::as_object) {
        let of_line = amount(line, "Amount") * sign;
        match line.get("DetailType").and_then(Value::as_str) {
            Some("SalesItemLineDetail") => {
                let detail = line.get("SalesItemLineDetail").and_then(Value::as_object);
                let account = detail.and_then(|detail| reference(detail, "ItemAccountRef"));
                rows.push((account.unwrap_or(INCOME).to_owned(), -of_line));
            }
            Some("DiscountLineDetail") => {
                let detail = line.get("DiscountLineDetail").and_then(Value::as_object);
                let account = detail.and_then(|detail| reference(detail, "DiscountAccountRef"));
                rows.push((account.unwrap_or(INCOME).to_owned(), of_line));
            }
            _ => {}
        }
    }
    let tax = data.get("TxnTaxDetail").and_then(Value::as_object);
    let tax = tax.map(|detail| amount(detail, "TotalTax"));
    rows.push((TAX_PAYABLE.to_owned(), -tax.unwrap_or_default() * sign));
    rows
}

fn amount(data: &Members, member: &str) -> Decimal {
    data.get(member).and_then(number::parse).unwrap_or_default()
}
