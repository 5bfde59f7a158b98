//! An invoice in the books: created, brought up to date as a whole, or voided.
//!
//! A deleted invoice is voided, which keeps its number and its trace. An update sends the complete invoice,
//! since members left out of a full update are cleared. A missing due date is sent as the date of issue, or
//! QuickBooks would invent one from the company's terms. ProjectLedger's notes, reference and terms go to the
//! message the customer sees; the private note belongs to the books and carries our marker.

use model::document::Invoice;
use model::{DocumentKind, Failure, FailureKind, Lifecycle, Operation, Owner};
use provider_kit::{
    CurrentState, Effect, External, Link, LinkState, Need, Plan, Prediction, Step, View,
};
use serde_json::json;

use super::owned::Owned;
use super::{lines, prediction, tax, text, update};
use crate::wire::{self, Exact, Ref};
use crate::{CUSTOMER, INVOICE, failures};

/// What an invoice needs in these books.
pub(super) fn plan(view: &View<'_>, invoice: &Invoice) -> Result<Plan, Failure> {
    if !view.settings.sync_invoices {
        return Ok(Plan::Skip("invoices are switched off for this integration"));
    }
    let document = view.document;
    let link = view
        .links
        .get(DocumentKind::Invoice, &document.id, &Effect::main(INVOICE));
    match (document.lifecycle, link) {
        (Lifecycle::Live, None) => plan_create(view, invoice),
        (Lifecycle::Live, Some(link)) => plan_update(view, invoice, link),
        (Lifecycle::Voided | Lifecycle::Deleted, None) => Ok(Plan::Skip(super::NEVER_SENT)),
        (Lifecycle::Voided | Lifecycle::Deleted, Some(link)) => plan_void(view, invoice, link),
    }
}

fn plan_create(view: &View<'_>, invoice: &Invoice) -> Result<Plan, Failure> {
    if view
        .settings
        .start_on
        .is_some_and(|start| invoice.issued_on < start)
    {
        return Ok(Plan::Skip("dated before the start date"));
    }
    let mut draft = draft(view, invoice)?;
    let Some(customer) = customer_id(view, invoice)? else {
        return Ok(Plan::Needs(vec![customer_need(invoice)]));
    };
    draft.content.customer_ref = Some(Ref::to(&customer));
    draft.content.private_note = private_note(invoice);
    Ok(Plan::Steps(vec![draft.step(
        invoice,
        Operation::Create,
        None,
    )?]))
}

fn plan_update(view: &View<'_>, invoice: &Invoice, link: &Link) -> Result<Plan, Failure> {
    match link.state {
        LinkState::Active | LinkState::Inactive => {}
        LinkState::Gone => return Err(failures::deleted_in_books("invoice")),
        LinkState::Ended => return Err(failures::voided_in_books()),
    }
    let mut draft = draft(view, invoice)?;
    let Some(customer) = customer_id(view, invoice)? else {
        return Ok(Plan::Needs(vec![customer_need(invoice)]));
    };
    draft.content.customer_ref = Some(Ref::to(&customer));
    let wanted = Owned::of_invoice(&draft.content, invoice.currency.as_str());
    if link.state == LinkState::Active && link.fingerprint == wanted.fingerprint() {
        return Ok(Plan::Steps(Vec::new()));
    }
    let current = match view.currents.get(INVOICE, &link.external_id) {
        None => return Ok(Plan::Needs(vec![own_need(link)])),
        Some(CurrentState::NotThere) => return Err(failures::deleted_in_books("invoice")),
        Some(CurrentState::There(current)) => current,
    };
    let seen = seen(&current.body)?;
    if seen.is_voided() {
        return Err(failures::voided_in_books());
    }
    let there = Owned::of_invoice(&seen, invoice.currency.as_str());
    if !update::is_needed(link, current, &wanted, &there, "invoice")? {
        return Ok(Plan::Steps(Vec::new()));
    }
    draft.content.private_note =
        update::kept_note(seen.private_note.as_deref()).or_else(|| private_note(invoice));
    let target = update::target(link, current);
    Ok(Plan::Steps(vec![draft.step(
        invoice,
        Operation::Update,
        Some(target),
    )?]))
}

/// Voiding wants the invoice as we last saw it: a person's change is not wiped out unseen. A person who
/// agrees voids it in QuickBooks, and the next look finds it done.
fn plan_void(view: &View<'_>, invoice: &Invoice, link: &Link) -> Result<Plan, Failure> {
    let voided = Owned::voided_invoice();
    let is_over = matches!(link.state, LinkState::Ended | LinkState::Gone);
    if is_over || link.fingerprint == voided.fingerprint() {
        return Ok(Plan::Steps(Vec::new()));
    }
    let current = match view.currents.get(INVOICE, &link.external_id) {
        None => return Ok(Plan::Needs(vec![own_need(link)])),
        // Deleted by a person: there is nothing left that could count.
        Some(CurrentState::NotThere) => return Ok(Plan::Steps(Vec::new())),
        Some(CurrentState::There(current)) => current,
    };
    let there = Owned::of_invoice(&seen(&current.body)?, invoice.currency.as_str());
    if there == voided {
        return Ok(Plan::Steps(Vec::new()));
    }
    let is_as_seen =
        there.fingerprint() == link.fingerprint || current.landed.fingerprint == link.fingerprint;
    if !is_as_seen {
        return Err(failures::edited_before_void());
    }
    Ok(Plan::Steps(vec![Step {
        effect: Effect::main(INVOICE),
        operation: Operation::Void,
        target: Some(update::target(link, current)),
        body: json!({}),
        prediction: prediction::nothing(invoice.currency),
        fingerprint: voided.fingerprint(),
    }]))
}

/// An invoice without its customer and its private note.
struct Draft {
    content: wire::Invoice,
    prediction: Prediction,
}

impl Draft {
    fn step(
        self,
        invoice: &Invoice,
        operation: Operation,
        target: Option<External>,
    ) -> Result<Step, Failure> {
        let owned = Owned::of_invoice(&self.content, invoice.currency.as_str());
        Ok(Step {
            effect: Effect::main(INVOICE),
            operation,
            target,
            body: super::body(&self.content)?,
            prediction: self.prediction,
            fingerprint: owned.fingerprint(),
        })
    }
}

/// Everything that these books can be asked to hold of this invoice, or why they cannot.
fn draft(view: &View<'_>, invoice: &Invoice) -> Result<Draft, Failure> {
    check_amounts(invoice)?;
    let treatment = tax::treat(view, invoice)?;
    let number = text::one_line(&invoice.number);
    if number.is_empty() {
        return Err(Failure::new(
            FailureKind::Rejected,
            "NUMBER_MISSING",
            "This invoice has no number. Give it one in ProjectLedger; it is then sent again.",
        ));
    }
    let foreign =
        (super::home_currency(view) != Some(invoice.currency)).then_some(invoice.currency);
    let rate = foreign
        .and(invoice.exchange_rate)
        .map(|rate| Exact::new(rate.get()));
    let has_discount = lines::discount(invoice).is_some();
    let content = wire::Invoice {
        doc_number: Some(text::doc_number(&number).0),
        txn_date: Some(invoice.issued_on.to_string()),
        due_date: Some(invoice.due_on.unwrap_or(invoice.issued_on).to_string()),
        currency_ref: foreign.map(|currency| Ref::to(currency.as_str())),
        exchange_rate: rate,
        global_tax_calculation: treatment.calculation.map(str::to_owned),
        apply_tax_after_discount: (has_discount && treatment.is_american).then_some(true),
        customer_memo: memo(invoice),
        txn_tax_detail: treatment
            .document_code
            .as_deref()
            .map(|code| wire::TaxDetail {
                txn_tax_code_ref: Some(Ref::to(code)),
                total_tax: None,
            }),
        line: Some(lines::build(view, invoice, &treatment)?),
        ..wire::Invoice::default()
    };
    Ok(Draft {
        content,
        prediction: prediction::of(invoice, &treatment),
    })
}

/// QuickBooks keeps two decimal places; a currency with more, or an amount with more, cannot be said in it.
fn check_amounts(invoice: &Invoice) -> Result<(), Failure> {
    let currency = invoice.currency;
    if currency.minor_units() > 2 {
        return Err(Failure::new(
            FailureKind::Unsupported,
            "CURRENCY_TOO_FINE",
            format!(
                "QuickBooks Online keeps two decimal places, and {currency} has {}. This invoice cannot be \
                 kept there to the last unit; enter it by hand or bill in another currency.",
                currency.minor_units()
            ),
        ));
    }
    let is_finer = |amount: model::Amount| amount.get().normalize().scale() > 2;
    if invoice.lines.iter().any(|line| is_finer(line.amount)) {
        return Err(Failure::new(
            FailureKind::Rejected,
            "AMOUNT_TOO_FINE",
            "A line of this invoice has more than two decimal places in its amount, and QuickBooks would \
             round it. Correct the line in ProjectLedger; it is then sent again.",
        ));
    }
    Ok(())
}

/// The customer's id, none while it has no link.
fn customer_id(view: &View<'_>, invoice: &Invoice) -> Result<Option<String>, Failure> {
    let effect = Effect::main(CUSTOMER);
    let Some(link) = view
        .links
        .get(DocumentKind::Client, &invoice.client.id, &effect)
    else {
        return Ok(None);
    };
    match link.state {
        LinkState::Active => Ok(Some(link.external_id.clone())),
        LinkState::Inactive | LinkState::Ended => Err(Failure::new(
            FailureKind::Conflict,
            "CUSTOMER_INACTIVE",
            "The customer of this invoice is inactive in QuickBooks, and QuickBooks takes no changes for \
             inactive customers. Make the customer active there, or move the invoice to another client in \
             ProjectLedger.",
        )
        .owned_by(Owner::Bookkeeper)),
        LinkState::Gone => Err(Failure::new(
            FailureKind::Conflict,
            "CUSTOMER_GONE",
            "The customer of this invoice was deleted or merged in QuickBooks. Choose which customer stands \
             for this client, or let Tieout create it again.",
        )
        .owned_by(Owner::Bookkeeper)),
    }
}

fn customer_need(invoice: &Invoice) -> Need {
    Need::Document {
        kind: DocumentKind::Client,
        id: invoice.client.id.clone(),
    }
}

fn own_need(link: &Link) -> Need {
    Need::Current {
        effect: Effect::main(INVOICE),
        external: External {
            id: link.external_id.clone(),
            revision: link.revision.clone(),
        },
    }
}

fn seen(body: &serde_json::Value) -> Result<wire::Invoice, Failure> {
    wire::Invoice::read(body).ok_or_else(|| failures::unreadable("invoice"))
}

/// The full number, where the one in the books had to be shortened.
fn private_note(invoice: &Invoice) -> Option<String> {
    let number = text::one_line(&invoice.number);
    let (_, is_short) = text::doc_number(&number);
    is_short.then(|| format!("ProjectLedger invoice {number}"))
}

/// What the customer reads on the invoice: reference, terms, notes.
fn memo(invoice: &Invoice) -> Option<Ref> {
    let labelled = |label: &str, part: &Option<String>| {
        let tidy = text::one_line(part.as_deref().unwrap_or_default());
        (!tidy.is_empty()).then(|| format!("{label}: {tidy}"))
    };
    let notes = text::lines(invoice.notes.as_deref().unwrap_or_default());
    let parts = [
        labelled("Reference", &invoice.reference),
        labelled("Terms", &invoice.terms),
        (!notes.is_empty()).then_some(notes),
    ];
    let all: Vec<String> = parts.into_iter().flatten().collect();
    let whole = all.join("\n");
    let cut = text::cut(&whole, text::MEMO);
    (!cut.is_empty()).then(|| Ref::to(cut))
}
