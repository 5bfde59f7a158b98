//! QuickBooks Online's side of the suite: its envelopes, and what it adds to an object by itself.

use model::{DocumentKind, Environment, Operation, SyncSettings};
use provider_kit::conformance::Fixture;
use provider_kit::{BooksFacts, Effect, External, PastCall, PastMember, Provider, Reply, Request};
use provider_qbo::{APPLICATION, CREDIT_NOTE, CUSTOMER, INVOICE, ITEM, PAYMENT, Qbo};
use serde_json::{Value, json};

/// An American company without sales tax codes of its own.
pub struct Books;

impl Fixture for Books {
    fn provider(&self) -> &dyn Provider {
        &Qbo
    }

    fn settings(&self) -> SyncSettings {
        SyncSettings {
            default_item_id: Some("1".to_owned()),
            create_items: true,
            invoice_account_id: Some("79".to_owned()),
            ..SyncSettings::default()
        }
    }

    fn books(&self) -> BooksFacts {
        BooksFacts {
            external_id: "9130350000000001".to_owned(),
            environment: Environment::Sandbox,
            country: Some("US".to_owned()),
            home_currency: Some("USD".parse().unwrap()),
            extra: json!({"taxMode": "MANUAL_US"}),
        }
    }

    fn effect(&self, kind: DocumentKind) -> Effect {
        Effect::main(match kind {
            DocumentKind::Client => CUSTOMER,
            DocumentKind::Product => ITEM,
            DocumentKind::Invoice => INVOICE,
            DocumentKind::Payment => PAYMENT,
            DocumentKind::CreditNote => CREDIT_NOTE,
            other => other.as_str(),
        })
    }

    fn external(&self, number: usize) -> External {
        External {
            id: (40_000 + number).to_string(),
            revision: "0".to_owned(),
        }
    }

    fn revised(&self, external: &External) -> External {
        let revision: u64 = external.revision.parse().unwrap();
        External {
            id: external.id.clone(),
            revision: (revision + 1).to_string(),
        }
    }

    fn longest_key(&self) -> usize {
        36
    }

    fn key_of(&self, request: &Request) -> Option<String> {
        let mut keys = request.query.iter().filter(|(name, _)| name == "requestid");
        let key = keys.next().map(|(_, value)| value.clone());
        assert!(keys.next().is_none(), "two request ids");
        key
    }

    fn elements(&self, request: &Request, count: usize) -> Vec<Value> {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        if count == 1 {
            return vec![body];
        }
        let items = body["BatchItemRequest"].as_array().unwrap();
        let element = |place: usize| {
            let id = json!(format!("m{place}"));
            let item = items.iter().find(|item| item["bId"] == id).unwrap();
            let entity = ENTITIES.iter().find_map(|name| item.get(name));
            entity.unwrap().clone()
        };
        assert_eq!(items.len(), count);
        (0..count).map(element).collect()
    }

    fn object(&self, member: &PastMember, element: &Value, before: Option<&Value>) -> Value {
        match (member.step.operation, member.kind) {
            (Operation::Void, _) => voided(before.unwrap().clone()),
            (Operation::Delete, _) => json!({"domain": "QBO", "status": "Deleted"}),
            (_, DocumentKind::Client) => named(element, before, "DisplayName"),
            (_, DocumentKind::Product) => named(element, before, "Name"),
            (_, DocumentKind::Payment) => payment(element),
            _ => sale(element),
        }
    }

    fn placed(&self, mut object: Value, at: &External) -> Value {
        object["Id"] = json!(at.id);
        object["SyncToken"] = json!(at.revision);
        object
    }

    fn noted(&self, mut object: Value, text: &str) -> Value {
        let note = if object.get("Line").is_some() {
            "PrivateNote"
        } else if object.get("Name").is_some() {
            "Sku"
        } else {
            "Notes"
        };
        object[note] = json!(text);
        object
    }

    fn answer(&self, call: &PastCall, objects: &[(usize, Value)]) -> Reply {
        let name = entity(&call.members[0].step.effect);
        if call.members.len() == 1 {
            return reply(&json!({name: objects[0].1, "time": TIME}));
        }
        let items: Vec<Value> = objects
            .iter()
            .map(|(ordinal, object)| json!({"bId": format!("m{ordinal}"), name: object}))
            .collect();
        reply(&json!({"BatchItemResponse": items, "time": TIME}))
    }

    fn refusal(&self, code: &str, words: &str) -> Reply {
        let error = json!({"Message": words, "Detail": words, "code": code, "element": ""});
        let fault = json!({"Error": [error], "type": "ValidationFault"});
        Reply {
            status: 400,
            ..reply(&json!({"Fault": fault, "time": TIME}))
        }
    }

    fn found(&self, _request: &Request, effect: &Effect, objects: &[Value]) -> Reply {
        let answer = if objects.is_empty() {
            json!({})
        } else {
            json!({entity(effect): objects, "startPosition": 1, "maxResults": objects.len()})
        };
        reply(&json!({"QueryResponse": answer, "time": TIME}))
    }

    fn full_page(&self, effect: &Effect) -> Option<Reply> {
        let strangers: Vec<Value> = (1..=1_000)
            .map(|id: u32| json!({"Id": id.to_string()}))
            .collect();
        let answer = json!({entity(effect): strangers, "maxResults": strangers.len()});
        Some(reply(&json!({"QueryResponse": answer})))
    }
}

const TIME: &str = "2026-03-01T04:00:00.000-08:00";

const ENTITIES: [&str; 5] = ["Customer", "Item", "Invoice", "CreditMemo", "Payment"];

fn entity(effect: &Effect) -> &'static str {
    match effect.kind.as_str() {
        CUSTOMER => "Customer",
        ITEM => "Item",
        CREDIT_NOTE => "CreditMemo",
        PAYMENT | APPLICATION => "Payment",
        _ => "Invoice",
    }
}

fn reply(body: &Value) -> Reply {
    Reply {
        status: 200,
        headers: vec![("intuit_tid".to_owned(), "1-abc-def".to_owned())],
        body: body.to_string().into_bytes(),
    }
}

/// A sparse update keeps what it does not name.
fn named(element: &Value, before: Option<&Value>, name_member: &str) -> Value {
    let mut object = before.cloned().unwrap_or_else(|| json!({"Active": true}));
    for (name, value) in element.as_object().unwrap() {
        object[name] = value.clone();
    }
    object["domain"] = json!("QBO");
    object["sparse"] = json!(false);
    object["FullyQualifiedName"] = object[name_member].clone();
    if object["Active"] == json!(false) {
        let name = object[name_member].as_str().unwrap();
        object[name_member] = json!(format!("{name} (deleted)"));
    }
    object
}

fn payment(element: &Value) -> Value {
    let mut object = element.clone();
    object["domain"] = json!("QBO");
    object["sparse"] = json!(false);
    object["CurrencyRef"] = json!({"value": "USD", "name": "United States Dollar"});
    object["UnappliedAmt"] = json!(0);
    object["DepositToAccountRef"] = json!({"value": "4"});
    object["ProcessPayment"] = json!(false);
    object["LinkedTxn"] = json!([]);
    object
}

fn sale(element: &Value) -> Value {
    let mut object = element.clone();
    object["domain"] = json!("QBO");
    object["sparse"] = json!(false);
    object["CurrencyRef"] = json!({"value": "USD", "name": "United States Dollar"});
    object["CustomerRef"]["name"] = json!("Sample");
    let total: Value = serde_json::from_str("120.25").unwrap();
    object["TotalAmt"] = total.clone();
    object["Balance"] = total.clone();
    object["TxnTaxDetail"] = json!({"TotalTax": 0});
    let lines = object["Line"].as_array_mut().unwrap();
    for (at, line) in lines.iter_mut().enumerate() {
        line["Id"] = json!((at + 1).to_string());
        line["LineNum"] = json!(at + 1);
        line["SalesItemLineDetail"]["ItemRef"]["name"] = json!("Services");
    }
    lines.push(json!({
        "Amount": total, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {},
    }));
    object
}

fn voided(mut object: Value) -> Value {
    let note = object["PrivateNote"].as_str().unwrap().to_owned();
    object["PrivateNote"] = json!(format!("Voided - {note}"));
    object["TotalAmt"] = json!(0);
    if object.get("UnappliedAmt").is_some() {
        object["Line"] = json!([]);
        return object;
    }
    object["Balance"] = json!(0);
    for line in object["Line"].as_array_mut().unwrap() {
        line["Amount"] = json!(0);
    }
    object
}
