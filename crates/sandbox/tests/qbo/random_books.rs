//! Books under a random month of work: they balance after every write, and the amounts that
//! documents show are those that the payments' lines add up to.

use std::collections::HashMap;
use std::str::FromStr as _;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::harness::{Twin, assert_books_balance, invoice};

/// Writes in one month.
const STEPS: usize = 250;

/// A month of one seed.
struct Month {
    twin: Twin,
    chance: StdRng,
    /// Writes that were carried out, by what they were.
    done: HashMap<&'static str, usize>,
}

impl Month {
    async fn of(seed: u64, profile: Value) -> Self {
        let twin = Twin::start_seeded(profile, seed).await;
        for name in ["Acme", "Beta", "Gamma"] {
            twin.customer(name).await;
        }
        Self {
            twin,
            chance: StdRng::seed_from_u64(seed),
            done: HashMap::new(),
        }
    }

    fn cents(&mut self, most: u32) -> Value {
        let cents = self.chance.random_range(1..=most);
        serde_json::from_str(&format!("{}.{:02}", cents / 100, cents % 100)).unwrap()
    }

    fn customer(&mut self) -> String {
        self.chance.random_range(1..=3_u8).to_string()
    }

    /// Any live document of a kind: its id and revision.
    async fn any(&mut self, kind: &str) -> Option<Value> {
        let found = self
            .twin
            .query(&format!("select * from {kind} maxresults 1000"))
            .await;
        let rows = found.json["QueryResponse"][kind].as_array()?.clone();
        let at = self.chance.random_range(0..rows.len());
        Some(rows[at].clone())
    }

    async fn write(&mut self, what: &'static str, path: &str, body: Value) {
        let reply = self.twin.post(path, body).await;
        // A random month asks for the impossible too; a refusal must leave the books alone.
        assert!([200, 400].contains(&reply.status), "{}", reply.text);
        if reply.status == 200 {
            *self.done.entry(what).or_default() += 1;
        }
    }

    async fn bill(&mut self) {
        let (customer, amount) = (self.customer(), self.cents(50_000));
        self.write("invoice", "invoice", invoice(&customer, amount))
            .await;
    }

    async fn credit(&mut self) {
        let (customer, amount) = (self.customer(), self.cents(20_000));
        self.write("credit", "creditmemo", invoice(&customer, amount))
            .await;
    }

    async fn pay(&mut self) {
        let mut lines = Vec::new();
        let mut customer = self.customer();
        for _ in 0..self.chance.random_range(0..3_u8) {
            if let Some(due) = self.any("Invoice").await {
                due["CustomerRef"]["value"]
                    .as_str()
                    .unwrap()
                    .clone_into(&mut customer);
                let link = json!([{"TxnId": due["Id"], "TxnType": "Invoice"}]);
                lines.push(json!({"Amount": self.cents(30_000), "LinkedTxn": link}));
            }
        }
        let total = self.cents(60_000);
        let body = json!({"CustomerRef": {"value": customer}, "TotalAmt": total, "Line": lines});
        self.write("payment", "payment", body).await;
    }

    async fn apply_credit(&mut self) {
        let (Some(memo), Some(due)) = (self.any("CreditMemo").await, self.any("Invoice").await)
        else {
            return;
        };
        let smaller = [&memo["RemainingCredit"], &due["Balance"]]
            .map(|amount| Decimal::from_str(&amount.to_string()).unwrap());
        let amount =
            serde_json::from_str::<Value>(&smaller[0].min(smaller[1]).to_string()).unwrap();
        let link = |document: &Value, kind: &str| json!({"Amount": amount, "LinkedTxn": [{"TxnId": document["Id"], "TxnType": kind}]});
        let body = json!({
            "CustomerRef": memo["CustomerRef"], "TotalAmt": 0,
            "Line": [link(&due, "Invoice"), link(&memo, "CreditMemo")],
        });
        self.write("application", "payment", body).await;
    }

    async fn shrink(&mut self) {
        let kind = if self.chance.random_bool(0.5) {
            "Invoice"
        } else {
            "CreditMemo"
        };
        let Some(document) = self.any(kind).await else {
            return;
        };
        let mut body = invoice("1", self.cents(20_000));
        body["CustomerRef"] = document["CustomerRef"].clone();
        body["Id"] = document["Id"].clone();
        body["SyncToken"] = document["SyncToken"].clone();
        body["sparse"] = json!(true);
        self.write("change", &kind.to_lowercase(), body).await;
    }

    async fn undo(&mut self) {
        let kinds = ["Invoice", "CreditMemo", "Payment"];
        let kind = kinds[self.chance.random_range(0..3_usize)];
        let Some(document) = self.any(kind).await else {
            return;
        };
        let operation = if self.chance.random_bool(0.5) {
            "void"
        } else {
            "delete"
        };
        let body = json!({"Id": document["Id"], "SyncToken": document["SyncToken"]});
        let path = format!("{}?operation={operation}", kind.to_lowercase());
        self.write("undoing", &path, body).await;
    }

    /// A person deletes what is linked, moves money, deposits.
    async fn interfere(&mut self) {
        let kinds = ["Invoice", "CreditMemo", "Payment"];
        let kind = kinds[self.chance.random_range(0..3_usize)];
        let action = ["delete", "apply", "deposit"][self.chance.random_range(0..3_usize)];
        if let Some(document) = self.any(kind).await {
            let work = json!({"entity": kind, "id": document["Id"], "action": action});
            if self.twin.human(work).await.status == 200 {
                *self.done.entry("people").or_default() += 1;
            }
        }
    }

    async fn step(&mut self) {
        match self.chance.random_range(0..20_u8) {
            0..=5 => self.bill().await,
            6..=7 => self.credit().await,
            8..=12 => self.pay().await,
            13..=14 => self.apply_credit().await,
            15..=16 => self.shrink().await,
            17 => self.undo().await,
            _ => self.interfere().await,
        }
    }
}

fn amount(entity: &Value, member: &str) -> Decimal {
    Decimal::from_str(&entity[member].to_string()).unwrap()
}

/// Checks every document of the export against the applications in it.
fn assert_documents_add_up(books: &Value) {
    let mut applied: HashMap<(String, String), Decimal> = HashMap::new();
    let mut used: HashMap<String, Decimal> = HashMap::new();
    for row in books["applications"].as_array().unwrap() {
        let text = |member: &str| row[member].as_str().unwrap().to_owned();
        let part: Decimal = text("amount").parse().unwrap();
        *applied.entry((text("document"), text("id"))).or_default() += part;
        let sign = if text("document") == "Invoice" {
            part
        } else {
            -part
        };
        *used.entry(text("payment")).or_default() += sign;
    }
    let rows = |kind: &str| books["objects"][kind].as_array().unwrap().clone();
    for (kind, open) in [("Invoice", "Balance"), ("CreditMemo", "RemainingCredit")] {
        for row in rows(kind) {
            let entity = &row["entity"];
            let key = (kind.to_owned(), row["id"].as_str().unwrap().to_owned());
            let applied = applied.remove(&key).unwrap_or_default();
            assert_eq!(
                amount(entity, open),
                amount(entity, "TotalAmt") - applied,
                "{entity}"
            );
            assert!(amount(entity, open) >= Decimal::ZERO, "{entity}");
        }
    }
    assert!(applied.is_empty(), "applied to nothing: {applied:?}");
    for row in rows("Payment") {
        let entity = &row["entity"];
        let used = used.remove(row["id"].as_str().unwrap()).unwrap_or_default();
        assert_eq!(
            amount(entity, "UnappliedAmt"),
            amount(entity, "TotalAmt") - used,
            "{entity}"
        );
        assert!(amount(entity, "UnappliedAmt") >= Decimal::ZERO, "{entity}");
    }
}

#[tokio::test]
async fn a_random_month_leaves_books_that_balance() {
    let profiles = [
        json!({}),
        json!({"autoApplyCredit": true, "autoApplyPayments": true}),
    ];
    for (seed, profile) in (1..).zip(profiles) {
        let mut month = Month::of(seed, profile).await;
        for _ in 0..STEPS {
            month.step().await;
        }
        let merge = json!({"entity": "Customer", "id": "3", "action": "merge", "into": "1"});
        assert_eq!(month.twin.human(merge).await.status, 200);
        // A month in which something never succeeded would prove nothing about it.
        for what in [
            "invoice", "credit", "payment", "change", "undoing", "people",
        ] {
            assert!(
                month.done.contains_key(what),
                "seed {seed}: no {what}: {:?}",
                month.done
            );
        }
        assert_documents_add_up(&month.twin.books().await);
        assert_books_balance(&month.twin).await;
    }
}
