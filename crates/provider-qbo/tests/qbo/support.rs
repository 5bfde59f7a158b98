//! Documents, books and replies that the tests share.

use chrono::{DateTime, NaiveDate, Utc};
use model::document::{
    Address, Body, Client, ClientSnapshot, Document, Invoice, Lifecycle, Line, LineTax, Totals,
};
use model::{AccountId, DocumentKind, EffectId, Environment, Failure, SourceId, SyncSettings};
use provider_kit::{
    BooksFacts, Current, CurrentState, Currents, Effect, External, Link, LinkState, Links, Marker,
    Member, PastCall, PastMember, Plan, Provider as _, References, Reply, Request, Step, View,
};
use provider_qbo::{CUSTOMER, INVOICE, Qbo};
use serde_json::{Value, json};

pub const REALM: &str = "9130350000000001";

pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub fn id(text: &str) -> SourceId {
    text.parse().unwrap()
}

pub fn marker(number: u128) -> Marker {
    Marker {
        installation: "test".to_owned(),
        effect: EffectId::from_uuid(uuid::Uuid::from_u128(number)),
        generation: 1,
    }
}

pub fn client(name: &str) -> Client {
    Client {
        name: name.to_owned(),
        company: Some("Acme Ltd".to_owned()),
        email: Some("ap@acme.example".to_owned()),
        phone: Some("+44 20 7946 0000".to_owned()),
        address: Some(Address {
            line1: Some("1 High Street".to_owned()),
            city: Some("London".to_owned()),
            postal_code: Some("N1 1AA".to_owned()),
            country: Some("United Kingdom".to_owned()),
            ..Address::default()
        }),
        currency: None,
        tax_number: None,
        notes: Some("Pays late.".to_owned()),
        is_active: true,
    }
}

pub fn line(quantity: &str, price: &str, amount: &str) -> Line {
    Line {
        description: "Consulting".to_owned(),
        quantity: quantity.parse().unwrap(),
        unit_price: price.parse().unwrap(),
        discount: None,
        amount: amount.parse().unwrap(),
        tax: None,
        product_code: None,
        category: None,
    }
}

pub fn taxed(line: Line, rate: &str, percent: &str, tax: &str) -> Line {
    Line {
        tax: Some(LineTax {
            rate_id: id(rate),
            percent: percent.parse().unwrap(),
            amount: tax.parse().unwrap(),
        }),
        ..line
    }
}

pub fn totals(net: &str, tax: &str, gross: &str) -> Totals {
    Totals {
        net: net.parse().unwrap(),
        tax: tax.parse().unwrap(),
        gross: gross.parse().unwrap(),
    }
}

pub fn invoice(lines: Vec<Line>, sums: Totals) -> Invoice {
    Invoice {
        number: "INV-1001".to_owned(),
        client: ClientSnapshot {
            id: id("c1"),
            version: 1,
            client: client("Acme"),
        },
        issued_on: day("2026-03-01"),
        due_on: Some(day("2026-03-31")),
        currency: "USD".parse().unwrap(),
        exchange_rate: None,
        tax_inclusive: false,
        lines,
        discount: None,
        totals: sums,
        terms: None,
        notes: None,
        reference: None,
    }
}

pub fn plain_invoice() -> Invoice {
    invoice(
        vec![line("2", "50.00", "100.00")],
        totals("100", "0", "100"),
    )
}

/// A document, its books and what is known of them.
#[derive(Clone)]
pub struct Case {
    pub document: Document,
    pub settings: SyncSettings,
    pub books: BooksFacts,
    pub links: Links,
    pub current: Option<CurrentState>,
}

impl Case {
    fn of(body: Body, source: &str) -> Self {
        Self {
            document: Document {
                account: AccountId(1),
                id: id(source),
                version: 1,
                lifecycle: Lifecycle::Live,
                body,
            },
            settings: SyncSettings {
                default_item_id: Some("1".to_owned()),
                ..SyncSettings::default()
            },
            books: BooksFacts {
                external_id: REALM.to_owned(),
                environment: Environment::Sandbox,
                country: Some("US".to_owned()),
                home_currency: Some("USD".parse().unwrap()),
                extra: json!({"taxMode": "AST"}),
            },
            links: Links::default(),
            current: None,
        }
    }

    pub fn client(client: Client) -> Self {
        Self::of(Body::Client(client), "c1")
    }

    /// An invoice whose customer is linked as `58`.
    pub fn invoice(invoice: Invoice) -> Self {
        let mut case = Self::of(Body::Invoice(invoice), "i1");
        case.link_customer(LinkState::Active);
        case
    }

    pub fn other(body: Body) -> Self {
        Self::of(body, "x1")
    }

    pub fn link_customer(&mut self, state: LinkState) {
        let link = link("58", "0", "", state);
        self.links
            .insert(DocumentKind::Client, id("c1"), Effect::main(CUSTOMER), link);
    }

    /// Links the document itself.
    pub fn linked(mut self, external: &str, fingerprint: &str, state: LinkState) -> Self {
        let kind = self.document.kind();
        let source = self.document.id.clone();
        let link = link(external, "0", fingerprint, state);
        self.links.insert(kind, source, self.effect(), link);
        self
    }

    pub fn seeing(mut self, object: &Value) -> Self {
        let current = read_one(&self.effect(), object);
        self.current = Some(CurrentState::There(current));
        self
    }

    pub fn seeing_nothing(mut self) -> Self {
        self.current = Some(CurrentState::NotThere);
        self
    }

    pub fn ending(mut self, lifecycle: Lifecycle) -> Self {
        self.document.lifecycle = lifecycle;
        self
    }

    pub fn in_country(mut self, country: &str, tax_mode: &Value) -> Self {
        self.books.country = Some(country.to_owned());
        self.books.extra = json!({"taxMode": tax_mode});
        self
    }

    pub fn effect(&self) -> Effect {
        Effect::main(match self.document.kind() {
            DocumentKind::Client => CUSTOMER,
            _ => INVOICE,
        })
    }

    /// What was read of the document's own object, under the id of its link.
    fn currents(&self) -> Currents {
        let mut currents = Currents::default();
        let effect = self.effect();
        let own = self
            .links
            .get(self.document.kind(), &self.document.id, &effect);
        if let (Some(link), Some(state)) = (own, &self.current) {
            currents.insert(effect.kind, link.external_id.clone(), state.clone());
        }
        currents
    }

    pub fn plan(&self) -> Plan {
        Qbo.plan(&View {
            document: &self.document,
            settings: &self.settings,
            books: &self.books,
            links: &self.links,
            currents: &self.currents(),
            references: &References::default(),
        })
    }

    pub fn step(&self) -> Step {
        match self.plan() {
            Plan::Steps(mut steps) if steps.len() == 1 => steps.remove(0),
            other => panic!("expected one step, got {other:?}"),
        }
    }

    pub fn refusal(&self) -> Failure {
        match self.plan() {
            Plan::Refused(failure) => failure,
            other => panic!("expected a refusal, got {other:?}"),
        }
    }
}

pub fn link(external: &str, revision: &str, fingerprint: &str, state: LinkState) -> Link {
    Link {
        effect_id: EffectId::from_uuid(uuid::Uuid::from_u128(7)),
        external_id: external.to_owned(),
        revision: revision.to_owned(),
        fingerprint: fingerprint.to_owned(),
        state,
    }
}

pub fn books() -> BooksFacts {
    Case::client(client("Acme")).books
}

/// Encodes steps as one call; member `n` carries `marker(n + 1)`.
pub fn encode(steps: &[Step], key: &str) -> Result<Request, Failure> {
    let markers: Vec<Marker> = (1..=steps.len()).map(|n| marker(n as u128)).collect();
    let members: Vec<Member<'_>> = steps
        .iter()
        .zip(&markers)
        .enumerate()
        .map(|(ordinal, (step, marker))| Member {
            ordinal,
            kind: kind_of(step),
            step,
            marker,
        })
        .collect();
    Qbo.encode(&members, key, &books())
}

pub fn kind_of(step: &Step) -> DocumentKind {
    if step.effect.kind == CUSTOMER {
        DocumentKind::Client
    } else {
        DocumentKind::Invoice
    }
}

/// The call of `encode`, as it is remembered.
pub fn past(steps: &[Step]) -> PastCall {
    PastCall {
        key: "k1".to_owned(),
        members: steps
            .iter()
            .enumerate()
            .map(|(ordinal, step)| PastMember {
                ordinal,
                kind: kind_of(step),
                step: step.clone(),
                marker: marker(ordinal as u128 + 1),
            })
            .collect(),
        opened_at: instant("2026-03-01T12:00:00Z"),
        books_external_id: REALM.to_owned(),
    }
}

pub fn reply(status: u16, body: impl Into<Vec<u8>>) -> Reply {
    Reply {
        status,
        headers: vec![("intuit_tid".to_owned(), "1-abc-def".to_owned())],
        body: body.into(),
    }
}

pub fn json_reply(body: &Value) -> Reply {
    reply(200, body.to_string())
}

/// The element of a member as it was sent, by its place in the call.
pub fn sent(steps: &[Step], place: usize) -> Value {
    let request = encode(&steps[place..=place], "k1").unwrap();
    let mut element: Value = serde_json::from_slice(&request.body).unwrap();
    let note = if element.get("Notes").is_some() {
        "Notes"
    } else {
        "PrivateNote"
    };
    // `encode` gave a lone member the first marker.
    if let Some(text) = element[note].as_str() {
        let own = text.replace(
            &marker(1).to_string(),
            &marker(place as u128 + 1).to_string(),
        );
        element[note] = json!(own);
    }
    element
}

/// An object as QuickBooks returns it: what was sent and all that it adds by itself.
pub fn returned(element: &Value, id: &str, revision: &str, total: &str, tax: &str) -> Value {
    let number = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    let mut object = element.clone();
    object["Id"] = json!(id);
    object["SyncToken"] = json!(revision);
    object["domain"] = json!("QBO");
    object["sparse"] = json!(false);
    object["MetaData"] = json!({"CreateTime": "2026-03-01T04:00:00-08:00"});
    if object.get("Line").is_none() {
        object["Active"] = json!(object.get("Active") != Some(&json!(false)));
        object["Balance"] = json!(0);
        object["PrintOnCheckName"] = object["DisplayName"].clone();
        return object;
    }
    if object.get("CurrencyRef").is_none() {
        object["CurrencyRef"] = json!({"value": "USD", "name": "United States Dollar"});
    }
    object["CustomerRef"]["name"] = json!("Acme");
    object["TotalAmt"] = number(total);
    object["Balance"] = number(total);
    object["TxnTaxDetail"] = json!({"TotalTax": number(tax)});
    object["LinkedTxn"] = json!([]);
    let mut lines = Vec::new();
    let mut discount = None;
    for (at, line) in element["Line"].as_array().unwrap().iter().enumerate() {
        let mut line = line.clone();
        if line["DetailType"] == "DiscountLineDetail" {
            line["DiscountLineDetail"]["DiscountAccountRef"] = json!({"value": "86"});
            if line.get("Amount").is_none() {
                line["Amount"] = json!(1);
            }
            discount = Some(line);
            continue;
        }
        line["Id"] = json!((at + 1).to_string());
        line["LineNum"] = json!(at + 1);
        line["SalesItemLineDetail"]["ItemRef"]["name"] = json!("Services");
        line["SalesItemLineDetail"]["ItemAccountRef"] = json!({"value": "1"});
        if line["SalesItemLineDetail"].get("TaxCodeRef").is_none() {
            line["SalesItemLineDetail"]["TaxCodeRef"] = json!({"value": "NON"});
        }
        lines.push(line);
    }
    lines.push(json!({
        "Amount": 1, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {},
    }));
    lines.extend(discount);
    object["Line"] = json!(lines);
    object
}

pub fn query_reply(entity: &str, objects: &[Value]) -> Reply {
    let answer = if objects.is_empty() {
        json!({})
    } else {
        json!({entity: objects, "startPosition": 1, "maxResults": objects.len()})
    };
    json_reply(&json!({"QueryResponse": answer, "time": "2026-03-01T04:00:00.000-08:00"}))
}

/// One object through the provider's own reading.
pub fn read_one(effect: &Effect, object: &Value) -> Current {
    let entity = if effect.kind == CUSTOMER {
        "Customer"
    } else {
        "Invoice"
    };
    let reply = query_reply(entity, std::slice::from_ref(object));
    Qbo.parse_read(effect, &reply).unwrap().remove(0)
}

pub fn voided(mut object: Value, revision: &str) -> Value {
    object["SyncToken"] = json!(revision);
    object["TotalAmt"] = json!(0);
    object["Balance"] = json!(0);
    let note = object["PrivateNote"].as_str().unwrap_or_default();
    object["PrivateNote"] = json!(format!("Voided - {note}"));
    object["TxnTaxDetail"] = json!({"TotalTax": 0});
    for line in object["Line"].as_array_mut().unwrap() {
        line["Amount"] = json!(0);
    }
    object
}

pub fn target(id: &str, revision: &str) -> External {
    External {
        id: id.to_owned(),
        revision: revision.to_owned(),
    }
}
