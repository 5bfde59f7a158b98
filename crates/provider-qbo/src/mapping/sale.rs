//! What invoices and credit notes have in common: one shape in ProjectLedger, one in QuickBooks.

use chrono::NaiveDate;
use model::document::{ClientSnapshot, CreditNote, Discount, Invoice, Line, Totals};
use model::money::Rate;
use model::{Currency, Failure, FailureKind, Operation};
use provider_kit::{Effect, External, Prediction, Step, View};

use super::owned::Owned;
use super::{Planned, Stop, currency, lines, party, prediction, tax, text};
use crate::books::Preferences;
use crate::entity::Entity;
use crate::failures;
use crate::wire::{self, Ref};

/// An invoice or a credit note, as planning looks at it.
pub(super) struct Sale<'d> {
    pub(super) entity: Entity,
    pub(super) number: &'d str,
    pub(super) client: &'d ClientSnapshot,
    pub(super) issued_on: NaiveDate,
    /// None on credit notes, which are not due.
    pub(super) due_on: Option<NaiveDate>,
    pub(super) currency: Currency,
    pub(super) exchange_rate: Option<Rate>,
    pub(super) tax_inclusive: bool,
    pub(super) lines: &'d [Line],
    pub(super) discount: Option<Discount>,
    pub(super) totals: Totals,
    /// What the customer reads on it.
    pub(super) memo: String,
}

impl<'d> Sale<'d> {
    /// An invoice. A missing due date is sent as the date of issue, or QuickBooks would invent one from the
    /// company's terms.
    pub(super) fn of_invoice(invoice: &'d Invoice) -> Self {
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
        Self {
            entity: Entity::Invoice,
            number: &invoice.number,
            client: &invoice.client,
            issued_on: invoice.issued_on,
            due_on: Some(invoice.due_on.unwrap_or(invoice.issued_on)),
            currency: invoice.currency,
            exchange_rate: invoice.exchange_rate,
            tax_inclusive: invoice.tax_inclusive,
            lines: &invoice.lines,
            discount: invoice.discount,
            totals: invoice.totals,
            memo: all.join("\n"),
        }
    }

    /// A credit note; its amounts are positive in ProjectLedger and in QuickBooks.
    pub(super) fn of_credit_note(note: &'d CreditNote) -> Self {
        Self {
            entity: Entity::CreditMemo,
            number: &note.number,
            client: &note.client,
            issued_on: note.issued_on,
            due_on: None,
            currency: note.currency,
            exchange_rate: note.exchange_rate,
            tax_inclusive: note.tax_inclusive,
            lines: &note.lines,
            discount: None,
            totals: note.totals,
            memo: text::lines(note.reason.as_deref().unwrap_or_default()),
        }
    }

    /// The document's discount, when it takes anything off.
    pub(super) fn discount(&self) -> Option<Discount> {
        self.discount.filter(|discount| match discount {
            Discount::Percent(rate) => !rate.get().is_zero(),
            Discount::Amount(amount) => !amount.get().is_zero(),
        })
    }

    /// The full number, where the one in the books had to be shortened.
    pub(super) fn private_note(&self) -> Option<String> {
        let number = text::one_line(self.number);
        let (_, is_short) = text::short_number(&number);
        is_short.then(|| format!("ProjectLedger {} {number}", self.entity.word()))
    }

    /// The normal form of what the books hold of it.
    pub(super) fn owned(&self, content: &wire::Sale) -> Owned {
        Owned::of_sale(self.entity, content, self.currency.as_str())
    }
}

/// A document in QuickBooks' words, without private note, and what it will come to.
pub(super) struct Draft {
    pub(super) content: wire::Sale,
    pub(super) prediction: Prediction,
}

impl Draft {
    /// The step that brings it about.
    pub(super) fn step(
        self,
        sale: &Sale<'_>,
        effect: Effect,
        operation: Operation,
        target: Option<External>,
    ) -> Result<Step, Failure> {
        Ok(Step {
            effect,
            operation,
            target,
            fingerprint: sale.owned(&self.content).fingerprint(),
            body: super::body(&self.content)?,
            prediction: self.prediction,
        })
    }
}

/// Everything that these books can be asked to hold of this document; or why they cannot, or what is missing first.
pub(super) fn draft(view: &View<'_>, sale: &Sale<'_>) -> Planned<Draft> {
    let said = currency::say(view, sale.client, sale.currency, sale.exchange_rate)?;
    if sale
        .lines
        .iter()
        .any(|line| currency::is_finer_than_cents(line.amount))
    {
        return Err(amount_too_fine().into());
    }
    let treatment = tax::treat(view, sale)?;
    let number = text::one_line(sale.number);
    if number.is_empty() {
        return Err(number_missing().into());
    }
    let has_discount = sale.discount().is_some();
    if has_discount && Preferences::of(view.books).allow_discount == Some(false) {
        return Err(discount_off().into());
    }
    let (items, mut needs) = lines::items(view, sale)?;
    let customer = match party::customer_of(view, sale.client)? {
        Ok(customer) => customer,
        Err(need) => {
            needs.insert(0, need);
            String::new()
        }
    };
    if !needs.is_empty() {
        return Err(Stop::Needs(needs));
    }
    let memo = text::cut(&sale.memo, text::MEMO);
    let content = wire::Sale {
        doc_number: Some(text::short_number(&number).0),
        txn_date: Some(sale.issued_on.to_string()),
        due_date: sale.due_on.map(|day| day.to_string()),
        customer_ref: Some(Ref::to(&customer)),
        currency_ref: said.reference,
        exchange_rate: said.rate,
        global_tax_calculation: treatment.calculation.map(str::to_owned),
        apply_tax_after_discount: (has_discount && treatment.is_american).then_some(true),
        customer_memo: (!memo.is_empty()).then(|| Ref::to(memo)),
        txn_tax_detail: treatment
            .document_code
            .as_deref()
            .map(|code| wire::TaxDetail {
                txn_tax_code_ref: Some(Ref::to(code)),
                total_tax: None,
            }),
        line: Some(lines::build(view, sale, &items, &treatment)?),
        ..wire::Sale::default()
    };
    Ok(Draft {
        content,
        prediction: prediction::of(sale, &treatment),
    })
}

fn amount_too_fine() -> Failure {
    Failure::new(
        FailureKind::Rejected,
        "AMOUNT_TOO_FINE",
        "A line of this document has more than two decimal places in its amount, and QuickBooks would round it. \
         Correct the line in ProjectLedger; it is then sent again.",
    )
}

fn number_missing() -> Failure {
    Failure::new(
        FailureKind::Rejected,
        "NUMBER_MISSING",
        "This document has no number. Give it one in ProjectLedger; it is then sent again.",
    )
}

fn discount_off() -> Failure {
    failures::unsupported(
        "DISCOUNT_OFF",
        "This invoice has a discount, and discounts are switched off in QuickBooks. Switch them on there (Account \
         and settings, Sales) and refresh the connection, or take the discount off line by line in ProjectLedger; \
         then send it again.",
    )
}
