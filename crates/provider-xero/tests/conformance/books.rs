//! Xero's side of the suite: its envelopes, and what it adds to an object by itself.

use model::document::Body;
use model::{Document, DocumentKind, Environment, Operation, SyncSettings};
use provider_kit::conformance::Fixture;
use provider_kit::{
    BooksFacts, Effect, External, Marker, PastCall, PastMember, Provider, Reply, Request,
};
use provider_xero::{CREDIT_NOTE, CUSTOMER, INVOICE, PAYMENT, Xero};
use serde_json::{Value, json};

/// An organisation that keeps its books in US dollars.
pub struct Books;

impl Fixture for Books {
    fn provider(&self) -> &dyn Provider {
        &Xero
    }

    fn settings(&self) -> SyncSettings {
        SyncSettings {
            invoice_account_id: Some("200".to_owned()),
            bank_account_id: Some("090".to_owned()),
            ..SyncSettings::default()
        }
    }

    fn books(&self) -> BooksFacts {
        BooksFacts {
            external_id: "45e4708e-d862-4111-ab3a-dd8cd03913e1".to_owned(),
            environment: Environment::Sandbox,
            country: Some("US".to_owned()),
            home_currency: Some("USD".parse().unwrap()),
            extra: json!({}),
        }
    }

    fn effect(&self, kind: DocumentKind) -> Effect {
        Effect::main(match kind {
            DocumentKind::Client => CUSTOMER,
            DocumentKind::Invoice => INVOICE,
            DocumentKind::Payment => PAYMENT,
            DocumentKind::CreditNote => CREDIT_NOTE,
            other => other.as_str(),
        })
    }

    fn effect_of(&self, document: &Document) -> Effect {
        let mut effect = self.effect(document.kind());
        if let Body::Payment(payment) = &document.body {
            effect.part = payment.allocations[0].invoice_id.to_string();
        }
        effect
    }

    fn external(&self, number: usize) -> External {
        External {
            id: format!("a{number:07x}-d862-4111-ab3a-dd8cd03913e1"),
            revision: "1772366400000".to_owned(),
        }
    }

    fn revised(&self, external: &External) -> External {
        let revision: u64 = external.revision.parse().unwrap();
        External {
            id: external.id.clone(),
            revision: (revision + 1_500).to_string(),
        }
    }

    fn mark(&self, marker: &Marker) -> String {
        provider_xero::mark(marker)
    }

    fn longest_key(&self) -> usize {
        128
    }

    fn key_of(&self, request: &Request) -> Option<String> {
        let mut keys = request
            .headers
            .iter()
            .filter(|(name, _)| name == "idempotency-key");
        let key = keys.next().map(|(_, value)| value.clone());
        assert!(keys.next().is_none(), "two keys");
        key
    }

    fn elements(&self, request: &Request, count: usize) -> Vec<Value> {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let lists = ["Contacts", "Invoices", "CreditNotes", "Payments"];
        let Some(list) = lists.iter().find_map(|name| body.get(name)) else {
            return vec![body];
        };
        let list = list.as_array().unwrap();
        assert_eq!(list.len(), count);
        list.clone()
    }

    fn object(&self, member: &PastMember, element: &Value, before: Option<&Value>) -> Value {
        let mut object = before.cloned().unwrap_or_else(|| json!({}));
        for (name, value) in element.as_object().unwrap() {
            object[name] = value.clone();
        }
        if matches!(member.step.operation, Operation::Void | Operation::Delete) {
            return object;
        }
        match member.step.effect.kind.as_str() {
            CUSTOMER => contact(object),
            PAYMENT => payment(object),
            _ => bill(object),
        }
    }

    fn placed(&self, mut object: Value, at: &External) -> Value {
        let name = id_of(&object);
        object[name] = json!(at.id);
        object["UpdatedDateUTC"] = json!(format!("/Date({}+0000)/", at.revision));
        object
    }

    fn noted(&self, mut object: Value, text: &str) -> Value {
        let name = match id_of(&object) {
            "ContactID" => "ContactNumber",
            "InvoiceID" => "Url",
            _ => "Reference",
        };
        object[name] = json!(text);
        object
    }

    fn answer(&self, call: &PastCall, objects: &[(usize, Value)]) -> Reply {
        let list: Vec<&Value> = objects.iter().map(|(_, object)| object).collect();
        answered(&call.members[0].step.effect, &json!(list))
    }

    fn refusal(&self, code: &str, words: &str) -> Reply {
        let element = json!({"ValidationErrors": [{"Message": words}]});
        let body = json!({
            "ErrorNumber": 10,
            "Type": code,
            "Message": "A validation exception occurred",
            "Elements": [element],
        });
        Reply {
            status: 400,
            ..reply(&body)
        }
    }

    fn found(&self, _request: &Request, effect: &Effect, objects: &[Value]) -> Reply {
        answered(effect, &json!(objects))
    }

    fn full_page(&self, effect: &Effect) -> Option<Reply> {
        if !matches!(effect.kind.as_str(), INVOICE | CREDIT_NOTE) {
            return None;
        }
        let name = if effect.kind == INVOICE {
            "InvoiceID"
        } else {
            "CreditNoteID"
        };
        let strangers: Vec<Value> = (1..=1_000)
            .map(|number| json!({name: self.external(5_000 + number).id}))
            .collect();
        Some(answered(effect, &json!(strangers)))
    }
}

/// The member that holds the id of an object, told by what else is in it.
fn id_of(object: &Value) -> &'static str {
    match object.get("Type").and_then(Value::as_str) {
        Some("ACCREC") => "InvoiceID",
        Some(_) => "CreditNoteID",
        None if object.get("Amount").is_some() => "PaymentID",
        None => "ContactID",
    }
}

fn answered(effect: &Effect, list: &Value) -> Reply {
    let plural = match effect.kind.as_str() {
        CUSTOMER => "Contacts",
        INVOICE => "Invoices",
        PAYMENT => "Payments",
        _ => "CreditNotes",
    };
    reply(&json!({
        "Id": "6f6e9b0f-9d0d-4d4b-8c4d-35a6a6e1ec1b",
        "Status": "OK",
        "ProviderName": "Tieout",
        "DateTimeUTC": "/Date(1772366401234)/",
        plural: list,
    }))
}

fn reply(body: &Value) -> Reply {
    Reply {
        status: 200,
        headers: vec![("xero-correlation-id".to_owned(), "1-abc-def".to_owned())],
        body: body.to_string().into_bytes(),
    }
}

/// Both kinds of address and all kinds of telephone are always there.
fn contact(mut object: Value) -> Value {
    let named = |list: &Value, name: &str, kind: &str| {
        let all = list.as_array().cloned().unwrap_or_default();
        all.iter().any(|one| one[name] == json!(kind))
    };
    for (list, name, kinds) in [
        ("Addresses", "AddressType", &["STREET", "POBOX"][..]),
        ("Phones", "PhoneType", &["DDI", "DEFAULT", "FAX", "MOBILE"]),
    ] {
        for kind in kinds {
            if !named(&object[list], name, kind) {
                let mut all = object[list].as_array().cloned().unwrap_or_default();
                all.push(json!({name: kind}));
                object[list] = json!(all);
            }
        }
    }
    if object.get("ContactStatus").is_none() {
        object["ContactStatus"] = json!("ACTIVE");
    }
    object["HasValidationErrors"] = json!(false);
    object["IsCustomer"] = json!(true);
    object
}

fn payment(mut object: Value) -> Value {
    object["Date"] = json!(milliseconds(&object["Date"]));
    object["PaymentType"] = json!("ACCRECPAYMENT");
    object["Status"] = json!("AUTHORISED");
    object["IsReconciled"] = json!(false);
    object["Account"]["AccountID"] = json!("b9e0d1f0-d862-4111-ab3a-dd8cd03913e1");
    object["Invoice"]["InvoiceNumber"] = json!("S-0");
    object
}

fn bill(mut object: Value) -> Value {
    for name in ["Date", "DueDate"] {
        if object.get(name).is_some() {
            let day = object[name].clone();
            object[format!("{name}String")] = json!(format!("{}T00:00:00", day.as_str().unwrap()));
            object[name] = json!(milliseconds(&day));
        }
    }
    object["Contact"]["Name"] = json!("Sample");
    object["CurrencyRate"] = json!(1);
    let total: Value = serde_json::from_str("120.25").unwrap();
    object["SubTotal"] = total.clone();
    object["TotalTax"] = json!(0);
    object["Total"] = total.clone();
    object["AmountDue"] = total;
    object["AmountPaid"] = json!(0);
    object["AmountCredited"] = json!(0);
    object["HasErrors"] = json!(false);
    for (at, line) in object["LineItems"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .enumerate()
    {
        line["LineItemID"] = json!(format!("b{at:07x}-d862-4111-ab3a-dd8cd03913e1"));
        line["TaxType"] = json!("NONE");
        line["TaxAmount"] = json!(0);
        line["Tracking"] = json!([]);
    }
    object
}

/// A day as Xero writes it; days of March 2026 are all that the suite has. What was read before stays.
fn milliseconds(day: &Value) -> String {
    let text = day.as_str().unwrap();
    match text.strip_prefix("2026-03-") {
        Some(number) => {
            let days: i64 = number.parse().unwrap();
            format!(
                "/Date({}+0000)/",
                1_772_323_200_000 + (days - 1) * 86_400_000
            )
        }
        None => text.to_owned(),
    }
}
