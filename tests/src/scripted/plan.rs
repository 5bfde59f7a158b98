//! What the made-up books need of a document: plain objects, but for credit notes, which have an application for
//! each invoice, and invoices, which may need products.

use model::document::{CreditNote, Invoice, Product};
use model::{
    Body, DocumentKind, Failure, FailureKind, Lifecycle, Operation, Reference, ReferenceState,
    SourceId,
};
use provider_kit::{
    CurrentState, Effect, External, Link, LinkState, Need, Plan, Prediction, Step, View,
};
use serde_json::{Value, json};

use super::{APPLICATION, fingerprint};

/// Plans one document version.
pub(super) fn plan(view: &View<'_>) -> Plan {
    let main = main(view);
    match (&view.document.body, main) {
        // Their object stands; what is set against invoices comes after it.
        (Body::CreditNote(note), Plan::Steps(steps)) => with_applications(view, note, steps),
        (_, plan) => plan,
    }
}

/// The document's own object.
fn main(view: &View<'_>) -> Plan {
    let kind = view.document.kind();
    let effect = Effect::main(kind.as_str());
    let body = body(view);
    let step = |operation, target| Step {
        effect: effect.clone(),
        operation,
        target,
        fingerprint: fingerprint(&body),
        body: body.clone(),
        prediction: Prediction::NoTotals,
    };
    let Some(link) = view.links.get(kind, &view.document.id, &effect) else {
        if view.document.lifecycle != Lifecycle::Live {
            return Plan::Skip("never sent");
        }
        return match needs(view) {
            Ok(needs) if needs.is_empty() => Plan::Steps(vec![step(Operation::Create, None)]),
            Ok(needs) => Plan::Needs(needs),
            Err(failure) => Plan::Refused(failure),
        };
    };
    let is_live = view.document.lifecycle == Lifecycle::Live;
    let is_settled = matches!(view.document.body, Body::CreditNote(_))
        && is_live
        && link.state == LinkState::Active
        && link.fingerprint == fingerprint(&body);
    if is_settled {
        return Plan::Steps(Vec::new());
    }
    match view.currents.get(&effect.kind, &link.external_id) {
        None => Plan::Needs(vec![Need::Current {
            effect,
            external: seen(link),
        }]),
        Some(CurrentState::NotThere) => Plan::Refused(Failure::new(
            FailureKind::Conflict,
            "DELETED_IN_BOOKS",
            "This document was deleted in the books.",
        )),
        Some(CurrentState::There(now)) => {
            let target = Some(External {
                id: link.external_id.clone(),
                revision: now.landed.revision.clone(),
            });
            let is_as_wanted = if is_live {
                now.landed.fingerprint == fingerprint(&body)
            } else {
                now.state == LinkState::Ended
            };
            match (is_as_wanted, is_live) {
                (true, _) => Plan::Steps(Vec::new()),
                (false, true) => Plan::Steps(vec![step(Operation::Update, target)]),
                (false, false) => Plan::Steps(vec![step(Operation::Void, target)]),
            }
        }
    }
}

/// Every version of a document says something else, but for a credit note: there only its applications change.
fn body(view: &View<'_>) -> Value {
    match &view.document.body {
        Body::CreditNote(note) => json!({"id": view.document.id, "number": note.number}),
        _ => json!({"id": view.document.id, "version": view.document.version}),
    }
}

/// What must be in the books before this document, or why it cannot go.
fn needs(view: &View<'_>) -> Result<Vec<Need>, Failure> {
    let (client, mut others) = match &view.document.body {
        Body::Invoice(invoice) => (Some(&invoice.client.id), products(view, invoice)),
        Body::Payment(payment) => {
            let invoices = payment
                .allocations
                .iter()
                .map(|a| (DocumentKind::Invoice, a.invoice_id.clone()));
            (Some(&payment.client.id), invoices.collect())
        }
        Body::CreditNote(note) => (Some(&note.client.id), Vec::new()),
        Body::Client(_)
        | Body::TaxRate(_)
        | Body::Refund(_)
        | Body::WriteOff(_)
        | Body::Product(_) => (None, Vec::new()),
    };
    others.extend(client.map(|id| (DocumentKind::Client, id.clone())));
    let mut needs = Vec::new();
    for (kind, id) in others {
        match view.links.get(kind, &id, &Effect::main(kind.as_str())) {
            Some(link) => usable(kind, link)?,
            None => needs.push(Need::Document { kind, id }),
        }
    }
    Ok(needs)
}

fn products(view: &View<'_>, invoice: &Invoice) -> Vec<(DocumentKind, SourceId)> {
    invoice
        .lines
        .iter()
        .filter_map(|line| line.product_code.as_deref())
        .filter(|code| view.settings.create_items && !view.settings.item_ids.contains_key(*code))
        .map(|code| (DocumentKind::Product, Product::id_of(code)))
        .collect()
}

fn usable(kind: DocumentKind, link: &Link) -> Result<(), Failure> {
    let state = match link.state {
        LinkState::Active => return Ok(()),
        LinkState::Inactive | LinkState::Ended => ReferenceState::Inactive,
        LinkState::Gone => ReferenceState::Gone,
    };
    Err(unusable(kind.as_str(), &link.external_id, state))
}

/// The books take no documents for this object.
pub(super) fn unusable(effect_kind: &str, external_id: &str, state: ReferenceState) -> Failure {
    Failure::new(
        FailureKind::Rejected,
        "NOT_USABLE",
        "The made-up books take no documents for this object.",
    )
    .with_reference(Reference {
        effect_kind: effect_kind.to_owned(),
        external_id: external_id.to_owned(),
        state,
    })
}

/// The note's own steps, then what is no longer set against an invoice, then what is to be.
fn with_applications(view: &View<'_>, note: &CreditNote, mut steps: Vec<Step>) -> Plan {
    let id = &view.document.id;
    let is_live = view.document.lifecycle == Lifecycle::Live;
    let part_of = |effect: &Effect| effect.part.clone();
    let wanted: Vec<String> = note
        .allocations
        .iter()
        .filter(|_| is_live)
        .map(|a| a.invoice_id.to_string())
        .collect();
    for (effect, link) in view.links.of(DocumentKind::CreditNote, id) {
        let is_over = effect.kind == APPLICATION && link.state == LinkState::Active;
        if is_over && !wanted.contains(&part_of(effect)) {
            steps.push(Step {
                effect: effect.clone(),
                operation: Operation::Delete,
                target: Some(seen(link)),
                fingerprint: fingerprint(&json!({})),
                body: json!({}),
                prediction: Prediction::NoTotals,
            });
        }
    }
    let mut needs = Vec::new();
    for allocation in note.allocations.iter().filter(|_| is_live) {
        let effect = Effect {
            kind: APPLICATION.to_owned(),
            part: allocation.invoice_id.to_string(),
        };
        let known = view.links.get(DocumentKind::CreditNote, id, &effect);
        if known.is_some_and(|link| link.state == LinkState::Active) {
            continue;
        }
        let invoice = Effect::main(DocumentKind::Invoice.as_str());
        let link = view
            .links
            .get(DocumentKind::Invoice, &allocation.invoice_id, &invoice);
        let Some(link) = link else {
            needs.push(Need::Document {
                kind: DocumentKind::Invoice,
                id: allocation.invoice_id.clone(),
            });
            continue;
        };
        if view
            .currents
            .get(&invoice.kind, &link.external_id)
            .is_none()
        {
            needs.push(Need::Current {
                effect: invoice,
                external: seen(link),
            });
            continue;
        }
        let body = json!({"note": id, "invoice": link.external_id, "amount": allocation.amount});
        steps.push(Step {
            effect,
            operation: Operation::Create,
            target: None,
            fingerprint: fingerprint(&body),
            body,
            prediction: Prediction::NoTotals,
        });
    }
    if needs.is_empty() {
        Plan::Steps(steps)
    } else {
        Plan::Needs(needs)
    }
}

fn seen(link: &Link) -> External {
    External {
        id: link.external_id.clone(),
        revision: link.revision.clone(),
    }
}
