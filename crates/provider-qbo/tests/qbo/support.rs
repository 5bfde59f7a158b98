//! Documents, books and replies that the tests share.

use chrono::{DateTime, NaiveDate, Utc};
use model::document::{
    Address, Allocation, Body, Client, ClientSnapshot, CreditNote, Document, Invoice, Lifecycle,
    Line, LineTax, Payment, Product, Totals,
};
use model::{AccountId, DocumentKind, EffectId, Environment, Failure, SourceId, SyncSettings};
use provider_kit::{
    BooksFacts, Current, CurrentState, Currents, Effect, External, Link, LinkState, Links, Marker,
    Member, PastCall, PastMember, Plan, Provider as _, References, Reply, Request, Step, View,
};
use provider_qbo::{APPLICATION, CREDIT_NOTE, CUSTOMER, INVOICE, ITEM, PAYMENT, Qbo};
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

pub fn allocation(invoice: &str, amount: &str) -> Allocation {
    Allocation {
        invoice_id: id(invoice),
        amount: amount.parse().unwrap(),
    }
}

/// A payment of so much, set against invoices.
pub fn payment(amount: &str, allocations: &[(&str, &str)]) -> Payment {
    Payment {
        client: plain_invoice().client,
        amount: amount.parse().unwrap(),
        currency: "USD".parse().unwrap(),
        exchange_rate: None,
        received_on: day("2026-03-10"),
        allocations: allocations
            .iter()
            .map(|(invoice, amount)| allocation(invoice, amount))
            .collect(),
        method: None,
        reference: Some("Transfer 4711".to_owned()),
        notes: None,
    }
}

/// A credit note over 100, set against invoices.
pub fn credit_note(allocations: &[(&str, &str)]) -> CreditNote {
    let of = plain_invoice();
    CreditNote {
        number: "CN-7".to_owned(),
        client: of.client,
        issued_on: day("2026-03-05"),
        currency: of.currency,
        exchange_rate: None,
        tax_inclusive: false,
        lines: of.lines,
        totals: of.totals,
        allocations: allocations
            .iter()
            .map(|(invoice, amount)| allocation(invoice, amount))
            .collect(),
        reason: Some("Returned goods".to_owned()),
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
            currents: Currents::default(),
            references: References::default(),
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

    /// A payment of invoice `i1`, which is linked as `130`, by customer `58`.
    pub fn payment(payment: Payment) -> Self {
        let mut case = Self::of(Body::Payment(payment), "p1");
        case.link_customer(LinkState::Active);
        case.link_invoice("i1", "130", LinkState::Active);
        case
    }

    /// A credit note for customer `58`; invoice `i1` is linked as `130`.
    pub fn credit_note(note: CreditNote) -> Self {
        let mut case = Self::of(Body::CreditNote(note), "n1");
        case.link_customer(LinkState::Active);
        case.link_invoice("i1", "130", LinkState::Active);
        case
    }

    pub fn product(code: &str) -> Self {
        let mut case = Self::of(Body::Product(Product::of_code(code)), "x");
        case.document.id = Product::id_of(code);
        case.settings.create_items = true;
        case.settings.invoice_account_id = Some("79".to_owned());
        case
    }

    pub fn link_invoice(&mut self, source: &str, external: &str, state: LinkState) {
        self.links.insert(
            DocumentKind::Invoice,
            id(source),
            Effect::main(INVOICE),
            link(external, "0", "seen", state),
        );
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

    /// The document's own object was just read.
    pub fn seeing(self, object: &Value) -> Self {
        let effect = self.effect();
        self.reading(&effect, object)
    }

    /// An object of any effect was just read.
    pub fn reading(mut self, effect: &Effect, object: &Value) -> Self {
        let current = read_one(effect, object);
        let id = current.landed.external_id.clone();
        self.currents
            .insert(&*effect.kind, id, CurrentState::There(current));
        self
    }

    pub fn seeing_nothing(mut self) -> Self {
        let effect = self.effect();
        let link = self
            .links
            .get(self.document.kind(), &self.document.id, &effect)
            .unwrap();
        let id = link.external_id.clone();
        self.currents
            .insert(effect.kind, id, CurrentState::NotThere);
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
            DocumentKind::Product => ITEM,
            DocumentKind::Payment => PAYMENT,
            DocumentKind::CreditNote => CREDIT_NOTE,
            _ => INVOICE,
        })
    }

    pub fn plan(&self) -> Plan {
        Qbo.plan(&View {
            document: &self.document,
            settings: &self.settings,
            books: &self.books,
            links: &self.links,
            currents: &self.currents,
            references: &self.references,
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
    match step.effect.kind.as_str() {
        CUSTOMER => DocumentKind::Client,
        ITEM => DocumentKind::Product,
        PAYMENT => DocumentKind::Payment,
        CREDIT_NOTE | APPLICATION => DocumentKind::CreditNote,
        _ => DocumentKind::Invoice,
    }
}

/// The entity of an effect, as envelopes name it.
pub fn entity_of(effect: &Effect) -> &'static str {
    match effect.kind.as_str() {
        CUSTOMER => "Customer",
        ITEM => "Item",
        PAYMENT | APPLICATION => "Payment",
        CREDIT_NOTE => "CreditMemo",
        _ => "Invoice",
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
    let note = ["Notes", "Sku", "PrivateNote"]
        .into_iter()
        .find(|name| element.get(*name).is_some())
        .unwrap_or("PrivateNote");
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
    if object.get("Name").is_some() {
        object["Active"] = json!(object.get("Active") != Some(&json!(false)));
        object["FullyQualifiedName"] = object["Name"].clone();
        return object;
    }
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
    if object.get("TotalAmt").is_some() {
        object["UnappliedAmt"] = json!(0);
        object["LinkedTxn"] = json!([]);
        return object;
    }
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
    let reply = query_reply(entity_of(effect), std::slice::from_ref(object));
    Qbo.parse_read(effect, &reply).unwrap().remove(0)
}

/// The replies to the look-up of creations of documents: the window, and the documents by number.
pub fn looked_up(entity: &str, objects: &[Value]) -> Vec<Reply> {
    vec![query_reply(entity, objects), query_reply(entity, &[])]
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
