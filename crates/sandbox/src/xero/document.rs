//! Documents with lines: invoices, credit notes, prepayments, overpayments, bank transactions.
//!
//! ```text
//! DRAFT <-> SUBMITTED -> AUTHORISED <-> PAID      (by payments and allocations alone)
//!   |           |            |
//! DELETED    DELETED      VOIDED                  (DELETED for bank transactions)
//! ```

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::kind::Kind;

/// Where a document stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Not yet in the books.
    Draft,
    /// Waiting for approval.
    Submitted,
    /// In the books and open.
    Authorised,
    /// In the books and settled.
    Paid,
    /// Taken out of the books after approval.
    Voided,
    /// Thrown away before approval.
    Deleted,
}

impl Status {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Submitted => "SUBMITTED",
            Self::Authorised => "AUTHORISED",
            Self::Paid => "PAID",
            Self::Voided => "VOIDED",
            Self::Deleted => "DELETED",
        }
    }

    /// The status of that name.
    pub fn named(name: &str) -> Option<Self> {
        let all = [
            Self::Draft,
            Self::Submitted,
            Self::Authorised,
            Self::Paid,
            Self::Voided,
            Self::Deleted,
        ];
        all.into_iter().find(|status| status.name() == name)
    }

    /// Whether the document counts in the books.
    pub fn is_booked(self) -> bool {
        matches!(self, Self::Authorised | Self::Paid)
    }

    /// Whether nothing can happen to it any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Voided | Self::Deleted)
    }
}

/// How line amounts relate to tax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AmountTypes {
    /// Tax comes on top.
    Exclusive,
    /// Tax is inside.
    Inclusive,
    /// There is none.
    NoTax,
}

impl AmountTypes {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exclusive => "Exclusive",
            Self::Inclusive => "Inclusive",
            Self::NoTax => "NoTax",
        }
    }

    /// The one of that name, whatever its case.
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Exclusive, Self::Inclusive, Self::NoTax];
        all.into_iter()
            .find(|types| types.name().eq_ignore_ascii_case(name))
    }
}

/// A choice in a tracking category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracking {
    /// Category.
    pub category_id: String,
    /// Its name.
    pub name: String,
    /// Option.
    pub option_id: String,
    /// Its name.
    pub option: String,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    /// Id.
    pub id: String,
    /// Description.
    pub description: String,
    /// Quantity; none on a line that is only text.
    pub quantity: Option<Decimal>,
    /// Price.
    pub unit_amount: Option<Decimal>,
    /// Item.
    pub item_code: String,
    /// Account.
    pub account_code: String,
    /// Its id.
    pub account_id: String,
    /// Tax type.
    pub tax_type: String,
    /// Tax, in cents.
    pub tax_amount: Decimal,
    /// Amount, in cents, gross or net as the document says.
    pub amount: Decimal,
    /// Discount in per cent.
    pub discount_rate: Option<Decimal>,
    /// Discount as an amount.
    pub discount_amount: Option<Decimal>,
    /// Tracking.
    pub tracking: Vec<Tracking>,
}

/// A payment of a document, or a refund of a credit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The payment.
    pub payment_id: String,
    /// Its day.
    pub date: NaiveDate,
    /// Its amount in the document's currency.
    pub amount: Decimal,
    /// Its reference.
    pub reference: String,
    /// Its rate.
    pub rate: Decimal,
}

/// A credit applied to an invoice; it stands on both documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocation {
    /// Id.
    pub id: String,
    /// Kind of the credit.
    pub credit_kind: Kind,
    /// The credit.
    pub credit_id: String,
    /// Its number.
    pub credit_number: String,
    /// The invoice.
    pub invoice_id: String,
    /// Its number.
    pub invoice_number: String,
    /// The later of both documents' days.
    pub date: NaiveDate,
    /// Amount.
    pub amount: Decimal,
}

/// A document.
#[derive(Debug, Clone)]
pub struct Document {
    /// Id.
    pub id: String,
    /// Kind.
    pub kind: Kind,
    /// `ACCREC`, `ACCRECCREDIT`, `RECEIVE` and the like.
    pub sort: String,
    /// Number; empty where there is none.
    pub number: String,
    /// Reference.
    pub reference: String,
    /// Contact.
    pub contact_id: String,
    /// Day.
    pub date: NaiveDate,
    /// Day by which it is to be paid.
    pub due_date: Option<NaiveDate>,
    /// How line amounts relate to tax.
    pub amount_types: AmountTypes,
    /// Currency.
    pub currency: String,
    /// Units of it for one unit of the base currency.
    pub rate: Decimal,
    /// Where it stands.
    pub status: Status,
    /// Lines.
    pub lines: Vec<Line>,
    /// Net total.
    pub sub_total: Decimal,
    /// Tax total.
    pub total_tax: Decimal,
    /// Gross total.
    pub total: Decimal,
    /// Discounts given on lines.
    pub total_discount: Decimal,
    /// Address shown as "Go to" the application.
    pub url: String,
    /// Layout.
    pub branding_theme_id: String,
    /// Whether it was sent.
    pub is_sent: bool,
    /// When payment is expected.
    pub expected_on: Option<NaiveDate>,
    /// Bank account of a bank transaction.
    pub bank_account_id: String,
    /// The credit that a bank transaction brought, or the transaction a credit came with.
    pub companion_id: String,
    /// Payments; refunds of a credit.
    pub payments: Vec<Settled>,
    /// Credits applied to this invoice, or this credit's applications.
    pub allocations: Vec<Allocation>,
    /// The application that made it.
    pub made_by: String,
}

impl Document {
    /// Whether money is owed to the organisation.
    pub fn is_receivable(&self) -> bool {
        matches!(
            self.sort.as_str(),
            "ACCREC" | "ACCRECCREDIT" | "RECEIVE" | "RECEIVE-OVERPAYMENT" | "RECEIVE-PREPAYMENT"
        )
    }

    /// Payments so far.
    pub fn paid(&self) -> Decimal {
        self.payments.iter().map(|payment| payment.amount).sum()
    }

    /// Credits applied so far.
    pub fn applied(&self) -> Decimal {
        self.allocations.iter().map(|part| part.amount).sum()
    }

    /// What is left to be paid, applied or refunded; nothing once it is out of the books.
    pub fn outstanding(&self) -> Decimal {
        if self.status.is_final() {
            return Decimal::ZERO;
        }
        self.total - self.paid() - self.applied()
    }

    /// Whether payments or credits keep it from being edited or voided.
    pub fn is_touched(&self) -> bool {
        !self.payments.is_empty() || !self.allocations.is_empty()
    }

    /// Follows payments and allocations between open and settled.
    pub fn settle(&mut self) {
        if !self.status.is_booked() || self.kind == Kind::BankTransaction {
            return;
        }
        let is_settled = self.is_touched() && self.outstanding().is_zero();
        self.status = if is_settled {
            Status::Paid
        } else {
            Status::Authorised
        };
    }

    /// The day on which it was settled.
    pub fn settled_on(&self) -> Option<NaiveDate> {
        let paid = self.payments.iter().map(|payment| payment.date);
        let applied = self.allocations.iter().map(|part| part.date);
        paid.chain(applied)
            .max()
            .filter(|_| self.status == Status::Paid)
    }
}
