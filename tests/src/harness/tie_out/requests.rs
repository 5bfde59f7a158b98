//! The proof that every request has a call: what the journal saw was committed before, with the same bytes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::{Connected, Stage};

impl Stage {
    /// Every write and read that reached the company has a call that was committed before it (I10).
    pub async fn assert_each_request_has_its_call(&self, connected: &Connected) {
        let mut sent: BTreeMap<Sent, u64> = BTreeMap::new();
        for entry in self.sandbox.journal().await {
            let is_ours = entry["realm"] == json!(connected.realm) && entry["method"] != "HUMAN";
            if is_ours {
                *sent.entry(Sent::of_journal(&entry)).or_default() += 1;
            }
        }
        let mut committed: BTreeMap<Sent, u64> = BTreeMap::new();
        for line in self.calls(connected).lines() {
            let call: Value = serde_json::from_str(line).expect("a row is JSON");
            let sends = call["sends"].as_u64().unwrap_or_default();
            *committed.entry(Sent::of_call(&call)).or_default() += sends;
        }
        for (request, count) in sent {
            let known = committed.get(&request).copied().unwrap_or_default();
            assert!(
                count <= known,
                "sent {count} times and committed {known} times: {request:?}"
            );
        }
    }

    fn calls(&self, connected: &Connected) -> String {
        self.database.sql(&format!(
            "select json_build_object('request', request, 'body', encode(body, 'hex'), 'sends', sends) \
             from call where books_id = '{}'",
            connected.books.uuid()
        ))
    }
}

/// A request as both sides know it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Sent {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    body: String,
}

impl Sent {
    fn of_journal(entry: &Value) -> Self {
        let text = |member: &str| entry[member].as_str().unwrap_or_default().to_owned();
        let address = format!("http://sandbox{}?{}", text("path"), text("query"));
        let address = reqwest::Url::parse(&address).expect("the journal has whole paths");
        let mut query: Vec<(String, String)> = address.query_pairs().into_owned().collect();
        query.sort();
        Self {
            method: text("method"),
            path: text("path"),
            query,
            body: text("body"),
        }
    }

    fn of_call(call: &Value) -> Self {
        let mut request = call["request"].clone();
        // The body has a column of its own.
        request["body"] = json!([]);
        let request: provider_kit::Request =
            serde_json::from_value(request).expect("a call holds its request");
        let mut query = request.query;
        query.sort();
        let body = unhex(call["body"].as_str().unwrap_or_default());
        Self {
            method: format!("{:?}", request.method).to_uppercase(),
            path: request.path,
            query,
            body: String::from_utf8(body).expect("bodies are texts"),
        }
    }
}

fn unhex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| {
            let pair = std::str::from_utf8(pair).unwrap_or_default();
            u8::from_str_radix(pair, 16).expect("the database encodes in hexadecimal")
        })
        .collect()
}
