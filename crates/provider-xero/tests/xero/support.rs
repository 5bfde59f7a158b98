//! Documents, books and replies that the tests share.

use chrono::{DateTime, NaiveDate, Utc};
use model::document::{
    Allocation, Body, Client, ClientSnapshot, CreditNote, Document, Invoice, Lifecycle, Line,
    LineTax, Payment, Totals,
};
use model::{AccountId, DocumentKind, EffectId, Environment, Failure, SourceId, SyncSettings};
use provider_kit::{
    BooksFacts, Current, CurrentState, Currents, Effect, External, Link, LinkState, Links, Marker,
    Member, PastCall, PastMember, Plan, Provider as _, References, Reply, Request, Step, View,
};
use provider_xero::{CREDIT_NOTE, CUSTOMER, INVOICE, Xero};
use serde_json::{Value, json};

pub const TENANT: &str = "45e4708e-d862-4111-ab3a-dd8cd03913e1";

/// The `number`th id of Xero.
pub fn guid(number: u32) -> String {
    format!("{number:08x}-d862-4111-ab3a-dd8cd03913e1")
}

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
    let parsed: Body = serde_json::from_value(json!({"kind": "CLIENT", "data": {
        "name": name, "company": "Acme Ltd", "email": "ap@acme.example", "phone": "+44 20 7946 0000",
        "taxNumber": "GB123456789", "notes": "Pays late.",
        "address": {
            "line1": "1 High Street", "city": "London", "postalCode": "N1 1AA", "country": "United Kingdom",
        },
    }}))
    .unwrap();
    match parsed {
        Body::Client(client) => client,
        other => panic!("{other:?}"),
    }
}

pub fn snapshot() -> ClientSnapshot {
    ClientSnapshot {
        id: id("c1"),
        version: 1,
        client: client("Acme"),
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
        client: snapshot(),
        issued_on: day("2026-03-01"),
        due_on: Some(day("2026-03-31")),
        currency: "GBP".parse().unwrap(),
        exchange_rate: None,
        tax_inclusive: false,
        lines,
        discount: None,
        totals: sums,
        terms: None,
        notes: None,
        reference: Some("PO 7".to_owned()),
    }
}

pub fn plain_invoice() -> Invoice {
    invoice(
        vec![line("2", "50.00", "100.00")],
        totals("100", "0", "100"),
    )
}

pub fn credit_note(allocations: &[(&str, &str)]) -> CreditNote {
    CreditNote {
        number: "CN-7".to_owned(),
        client: snapshot(),
        issued_on: day("2026-03-10"),
        currency: "GBP".parse().unwrap(),
        exchange_rate: None,
        tax_inclusive: false,
        lines: vec![line("1", "100.00", "100.00")],
        totals: totals("100", "0", "100"),
        allocations: allocated(allocations),
        reason: Some("Returned".to_owned()),
    }
}

pub fn payment(amount: &str, allocations: &[(&str, &str)]) -> Payment {
    Payment {
        client: snapshot(),
        amount: amount.parse().unwrap(),
        currency: "GBP".parse().unwrap(),
        exchange_rate: None,
        received_on: day("2026-03-20"),
        allocations: allocated(allocations),
        method: Some("Transfer".to_owned()),
        reference: None,
        notes: None,
    }
}

fn allocated(allocations: &[(&str, &str)]) -> Vec<Allocation> {
    allocations
        .iter()
        .map(|(invoice, amount)| Allocation {
            invoice_id: id(invoice),
            amount: amount.parse().unwrap(),
        })
        .collect()
}

pub fn books() -> BooksFacts {
    BooksFacts {
        external_id: TENANT.to_owned(),
        environment: Environment::Sandbox,
        country: Some("GB".to_owned()),
        home_currency: Some("GBP".parse().unwrap()),
        extra: json!({}),
    }
}

pub fn settings() -> SyncSettings {
    SyncSettings {
        invoice_account_id: Some("200".to_owned()),
        bank_account_id: Some("090".to_owned()),
        ..SyncSettings::default()
    }
}

pub fn link(external_id: &str, fingerprint: &str, state: LinkState) -> Link {
    Link {
        effect_id: marker(1).effect,
        external_id: external_id.to_owned(),
        revision: REVISION.to_owned(),
        fingerprint: fingerprint.to_owned(),
        state,
    }
}

/// The time of change of everything that was not changed since.
pub const REVISION: &str = "1772366400000";

pub fn external(id: &str) -> External {
    External {
        id: id.to_owned(),
        revision: REVISION.to_owned(),
    }
}

/// A document, its books and what is known of them.
#[derive(Clone)]
pub struct Case {
    pub document: Document,
    pub settings: SyncSettings,
    pub books: BooksFacts,
    pub links: Links,
    pub currents: Currents,
    pub references: References,
}

impl Case {
    pub fn new(id_text: &str, body: Body) -> Self {
        let mut links = Links::default();
        let customer = link(&guid(1), "seen", LinkState::Active);
        if !matches!(body, Body::Client(_)) {
            links.insert(
                DocumentKind::Client,
                id("c1"),
                Effect::main(CUSTOMER),
                customer,
            );
        }
        for (place, name) in ["i1", "i2", "i3"].iter().enumerate() {
            let number = 11 + u32::try_from(place).unwrap();
            let known = link(&guid(number), "seen", LinkState::Active);
            links.insert(
                DocumentKind::Invoice,
                id(name),
                Effect::main(INVOICE),
                known,
            );
        }
        Self {
            document: Document {
                account: AccountId(1),
                id: id(id_text),
                version: 1,
                lifecycle: Lifecycle::Live,
                body,
            },
            settings: settings(),
            books: books(),
            links,
            currents: Currents::default(),
            references: References::default(),
        }
    }

    pub fn client(client: Client) -> Self {
        Self::new("c1", Body::Client(client))
    }

    pub fn invoice(invoice: Invoice) -> Self {
        Self::new("inv", Body::Invoice(invoice))
    }

    pub fn credit_note(note: CreditNote) -> Self {
        Self::new("cn", Body::CreditNote(note))
    }

    pub fn payment(payment: Payment) -> Self {
        Self::new("pay", Body::Payment(payment))
    }

    pub fn ending(mut self, lifecycle: Lifecycle) -> Self {
        self.document.lifecycle = lifecycle;
        self
    }

    /// The main effect of the document's kind.
    pub fn effect(&self) -> Effect {
        Effect::main(match self.document.kind() {
            DocumentKind::Client => CUSTOMER,
            DocumentKind::Invoice => INVOICE,
            _ => CREDIT_NOTE,
        })
    }

    pub fn linked(self, external: &str, fingerprint: &str, state: LinkState) -> Self {
        let effect = self.effect();
        self.with_link(effect, link(external, fingerprint, state))
    }

    pub fn with_link(mut self, effect: Effect, link: Link) -> Self {
        let document = &self.document;
        self.links
            .insert(document.kind(), document.id.clone(), effect, link);
        self
    }

    /// What a read of an object would say.
    pub fn seeing(mut self, effect: &Effect, object: &Value) -> Self {
        let current = current(effect, object);
        self.currents.insert(
            effect.kind.clone(),
            current.landed.external_id.clone(),
            CurrentState::There(current),
        );
        self
    }

    pub fn missing(mut self, effect: &Effect, external: &str) -> Self {
        self.currents
            .insert(effect.kind.clone(), external, CurrentState::NotThere);
        self
    }

    pub fn plan(&self) -> Plan {
        Xero.plan(&View {
            document: &self.document,
            settings: &self.settings,
            books: &self.books,
            links: &self.links,
            currents: &self.currents,
            references: &self.references,
        })
    }

    pub fn steps(&self) -> Vec<Step> {
        match self.plan() {
            Plan::Steps(steps) => steps,
            other => panic!("expected steps, got {other:?}"),
        }
    }

    pub fn step(&self) -> Step {
        let mut steps = self.steps();
        assert_eq!(steps.len(), 1, "{steps:?}");
        steps.remove(0)
    }

    pub fn refusal(&self) -> Failure {
        match self.plan() {
            Plan::Refused(failure) => failure,
            other => panic!("expected a refusal, got {other:?}"),
        }
    }
}

/// An object as a read shows it.
pub fn current(effect: &Effect, object: &Value) -> Current {
    let plural = plural(effect);
    let reply = ok(&json!({ plural: [object] }));
    let mut found = Xero.parse_read(effect, &reply).unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0)
}

pub fn plural(effect: &Effect) -> &'static str {
    match effect.kind.as_str() {
        "customer" => "Contacts",
        "invoice" => "Invoices",
        "payment" => "Payments",
        "overpayment" => "BankTransactions",
        _ => "CreditNotes",
    }
}

/// What a step leaves in the books, under an id, with what Xero adds.
pub fn standing(step: &Step, id_member: &str, id: &str) -> Value {
    let mut object = step.body.clone();
    object[id_member] = json!(id);
    object["UpdatedDateUTC"] = json!(format!("/Date({REVISION}+0000)/"));
    object
}

pub fn ok(body: &Value) -> Reply {
    reply(200, body)
}

pub fn reply(status: u16, body: &Value) -> Reply {
    Reply {
        status,
        headers: vec![("xero-correlation-id".to_owned(), "c-1".to_owned())],
        body: body.to_string().into_bytes(),
    }
}

pub fn encode(steps: &[Step], key: &str) -> Result<Request, Failure> {
    let markers: Vec<Marker> = (1..).take(steps.len()).map(marker).collect();
    let members: Vec<Member<'_>> = steps
        .iter()
        .zip(&markers)
        .enumerate()
        .map(|(ordinal, (step, marker))| Member {
            ordinal,
            kind: DocumentKind::Invoice,
            step,
            marker,
        })
        .collect();
    Xero.encode(&members, key, &books())
}

pub fn past(steps: &[Step]) -> PastCall {
    PastCall {
        key: "k".to_owned(),
        members: steps
            .iter()
            .enumerate()
            .map(|(ordinal, step)| PastMember {
                ordinal,
                kind: DocumentKind::Invoice,
                step: step.clone(),
                marker: marker(ordinal as u128 + 1),
            })
            .collect(),
        opened_at: instant("2026-03-01T12:00:00Z"),
        books_external_id: TENANT.to_owned(),
    }
}
