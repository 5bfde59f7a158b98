//! How a credit and its invoices stand in the books right now, which decides how much may still be set against what.

use std::collections::{BTreeMap, BTreeSet};

use model::{DocumentKind, SourceId};
use provider_kit::{CurrentState, Effect, External, Link, LinkState, Need, View};
use rust_decimal::Decimal;

use super::{Basis, effect, link_of_invoice, refusals};
use crate::mapping::{Planned, Stop, update};
use crate::wire;
use crate::wire::payment::{TO_CREDIT_MEMO, TO_INVOICE, TO_PAYMENT};
use crate::{APPLICATION, CREDIT_NOTE, INVOICE, failures};

/// The invoices that something is still to be set against, or what must come first.
pub(super) fn invoices<'w, 'v>(
    view: &View<'v>,
    open: &[(&'w SourceId, Decimal)],
) -> Planned<Vec<(&'w SourceId, Decimal, &'v Link)>> {
    let mut found = Vec::new();
    let mut needs = Vec::new();
    for (invoice, amount) in open {
        let removed = view
            .links
            .get(
                DocumentKind::CreditNote,
                &view.document.id,
                &effect(invoice.as_str()),
            )
            .is_some_and(|link| link.state == LinkState::Gone);
        if removed {
            return Err(refusals::removed_in_books().into());
        }
        match link_of_invoice(view, invoice).map(|link| (link, link.state)) {
            Some((link, LinkState::Active | LinkState::Inactive)) => {
                found.push((*invoice, *amount, link));
            }
            Some((_, LinkState::Gone)) => return Err(failures::invoice_gone("credit note").into()),
            Some((_, LinkState::Ended)) => return Err(failures::invoice_void("credit note").into()),
            None if view.settings.sync_invoices => needs.push(Need::Document {
                kind: DocumentKind::Invoice,
                id: (*invoice).clone(),
            }),
            None => return Err(refusals::invoices_not_sent().into()),
        }
    }
    if needs.is_empty() {
        Ok(found)
    } else {
        Err(Stop::Needs(needs))
    }
}

/// All reads that the decision rests on, asked for at once.
pub(super) fn read_first(
    view: &View<'_>,
    basis: &Basis<'_>,
    ours: &BTreeMap<&str, &Link>,
    dropped: &[(&str, &Link)],
    invoices: &[(&SourceId, Decimal, &Link)],
) -> Planned<()> {
    let mut needs = Vec::new();
    let mut want = |effect: Effect, link: &Link| {
        if view.currents.get(&effect.kind, &link.external_id).is_none() {
            needs.push(update::need(&effect, link));
        }
    };
    for (part, link) in dropped {
        want(effect(part), link);
    }
    if !invoices.is_empty() {
        want(Effect::main(CREDIT_NOTE), basis.link);
    }
    for (invoice, _, link) in invoices {
        want(Effect::main(INVOICE), link);
        if let Some(own) = ours.get(invoice.as_str()) {
            want(effect(invoice.as_str()), own);
        }
    }
    if needs.is_empty() {
        Ok(())
    } else {
        Err(Stop::Needs(needs))
    }
}

/// What of a credit note is linked, wanted, and linked though it is not wanted any more.
pub(super) struct Known<'a> {
    pub(super) ours: &'a BTreeMap<&'a str, &'a Link>,
    pub(super) wanted: &'a BTreeMap<&'a SourceId, Decimal>,
    pub(super) dropped: &'a [(&'a str, &'a Link)],
}

/// The credit memo as it was just read.
pub(super) struct Credit {
    /// What can still be used, with what is freed before.
    pub(super) left: Decimal,
    /// What is applied by somebody else, wherever.
    foreign: Decimal,
}

impl Credit {
    /// From the read memo and from what is known of our own applications.
    pub(super) fn read(
        view: &View<'_>,
        basis: &Basis<'_>,
        known: &Known<'_>,
        open: &[(&SourceId, Decimal, &Link)],
    ) -> Planned<Self> {
        let current = view.currents.get(CREDIT_NOTE, &basis.link.external_id);
        let Some(CurrentState::There(current)) = current else {
            return Err(failures::deleted_in_books("credit note").into());
        };
        let memo =
            wire::Sale::read(&current.body).ok_or_else(|| failures::unreadable("credit note"))?;
        if memo.is_voided() {
            return Err(failures::voided_in_books("credit note").into());
        }
        let total = memo.total_amt.map_or(Decimal::ZERO, |n| n.0);
        let left = memo.remaining_credit.or(memo.balance);
        let left = left.map_or(Decimal::ZERO, |n| n.0);
        // What is not open is as wanted; what was read says itself.
        let mut own = Decimal::ZERO;
        let mut freed = Decimal::ZERO;
        for (part, link) in known.ours {
            let is_dropped = known.dropped.iter().any(|(one, _)| one == part);
            let is_open = open.iter().any(|(one, ..)| one.as_str() == *part);
            let amount = if is_dropped || is_open {
                there(view, link).map_or(Decimal::ZERO, |payment| {
                    payment.amount_for(TO_CREDIT_MEMO, &basis.link.external_id)
                })
            } else {
                let as_wanted = known
                    .wanted
                    .iter()
                    .find(|(invoice, _)| invoice.as_str() == *part);
                as_wanted.map_or(Decimal::ZERO, |(_, amount)| *amount)
            };
            own = own
                .checked_add(amount)
                .ok_or_else(refusals::allocated_too_much)?;
            if is_dropped {
                freed = freed
                    .checked_add(amount)
                    .ok_or_else(refusals::allocated_too_much)?;
            }
        }
        let sums = (|| {
            let used = total.checked_sub(left)?;
            let foreign = used.checked_sub(own)?.max(Decimal::ZERO);
            let grown = basis.wanted_total.checked_sub(total)?;
            Some((foreign, left.checked_add(freed)?.checked_add(grown)?))
        })();
        let (foreign, left) = sums.ok_or_else(refusals::allocated_too_much)?;
        Ok(Self { left, foreign })
    }

    /// What payments that are not ours set of this credit against this invoice. They are read only when the credit
    /// memo says that somebody else used it.
    pub(super) fn applied_by_others(
        &self,
        view: &View<'_>,
        basis: &Basis<'_>,
        ours: &BTreeMap<&str, &Link>,
        invoice_link: &Link,
    ) -> Planned<Decimal> {
        if self.foreign.is_zero() {
            return Ok(Decimal::ZERO);
        }
        let own: BTreeSet<&str> = ours
            .values()
            .map(|link| link.external_id.as_str())
            .collect();
        let invoice = invoice(view, invoice_link)?;
        let linked = invoice.linked_txn.as_deref().unwrap_or_default();
        let payments: BTreeSet<&str> = linked
            .iter()
            .filter(|link| link.txn_type.as_deref() == Some(TO_PAYMENT))
            .filter_map(|link| link.txn_id.as_deref())
            .filter(|id| !own.contains(id))
            .collect();
        let unread: Vec<Need> = payments
            .iter()
            .filter(|id| view.currents.get(APPLICATION, id).is_none())
            .map(|id| Need::Current {
                effect: Effect::main(APPLICATION),
                external: External {
                    id: (*id).to_owned(),
                    revision: String::new(),
                },
            })
            .collect();
        if !unread.is_empty() {
            return Err(Stop::Needs(unread));
        }
        let mut sum = Decimal::ZERO;
        for id in payments {
            let Some(CurrentState::There(current)) = view.currents.get(APPLICATION, id) else {
                continue;
            };
            let payment = wire::Payment::read(&current.body)
                .ok_or_else(|| failures::unreadable("payment"))?;
            let used = payment.amount_for(TO_CREDIT_MEMO, &basis.link.external_id);
            let paid = payment.amount_for(TO_INVOICE, &invoice_link.external_id);
            sum = sum
                .checked_add(used.min(paid))
                .ok_or_else(refusals::allocated_too_much)?;
        }
        Ok(sum)
    }
}

fn there(view: &View<'_>, link: &Link) -> Option<wire::Payment> {
    match view.currents.get(APPLICATION, &link.external_id)? {
        CurrentState::There(current) => wire::Payment::read(&current.body),
        CurrentState::NotThere => None,
    }
}

fn invoice(view: &View<'_>, link: &Link) -> Planned<wire::Sale> {
    let Some(CurrentState::There(current)) = view.currents.get(INVOICE, &link.external_id) else {
        return Err(failures::invoice_gone("credit note").into());
    };
    let invoice = wire::Sale::read(&current.body).ok_or_else(|| failures::unreadable("invoice"))?;
    if invoice.is_voided() {
        return Err(failures::invoice_void("credit note").into());
    }
    Ok(invoice)
}

/// Refuses to set more against an invoice than is open: QuickBooks would refuse it too, in worse words.
pub(super) fn check_open(view: &View<'_>, link: &Link, growth: Decimal) -> Planned<()> {
    let open = invoice(view, link)?.balance;
    if open.map_or(Decimal::ZERO, |n| n.0) < growth {
        return Err(failures::invoice_already_paid("credit note").into());
    }
    Ok(())
}
