//! A payment: money received, or, with a total of nothing, the link between a credit memo and an invoice.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Exact, Ref, is_void_note, is_zero};

/// `TxnType` of an invoice in a link.
pub(crate) const TO_INVOICE: &str = "Invoice";
/// `TxnType` of a credit memo in a link.
pub(crate) const TO_CREDIT_MEMO: &str = "CreditMemo";
/// `TxnType` of a payment in a link.
pub(crate) const TO_PAYMENT: &str = "Payment";

/// A payment.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Payment {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) txn_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) customer_ref: Option<Ref>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) currency_ref: Option<Ref>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exchange_rate: Option<Exact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) total_amt: Option<Exact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unapplied_amt: Option<Exact>,
    #[serde(rename = "PaymentRefNum", skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<String>,
    #[serde(rename = "PaymentMethodRef", skip_serializing_if = "Option::is_none")]
    pub(crate) method_ref: Option<Ref>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deposit_to_account_ref: Option<Ref>,
    #[serde(rename = "ARAccountRef", skip_serializing_if = "Option::is_none")]
    pub(crate) ar_account_ref: Option<Ref>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) private_note: Option<String>,
    /// What it pays; an empty list unlinks everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<Vec<PaymentLine>>,
}

/// So much of a payment for one document.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct PaymentLine {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) amount: Option<Exact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) linked_txn: Option<Vec<LinkedTxn>>,
}

/// A link to another document.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct LinkedTxn {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) txn_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) txn_type: Option<String>,
}

impl PaymentLine {
    /// So much for one document.
    pub(crate) fn to(kind: &str, id: &str, amount: Exact) -> Self {
        Self {
            amount: Some(amount),
            linked_txn: Some(vec![LinkedTxn {
                txn_id: Some(id.to_owned()),
                txn_type: Some(kind.to_owned()),
            }]),
        }
    }

    /// Changes the document that it is for; none is still to come.
    pub(crate) fn aim(&mut self, id: Option<&str>) {
        for link in self.linked_txn.iter_mut().flatten() {
            link.txn_id = id.map(str::to_owned);
        }
    }

    /// The document that it is for; QuickBooks writes one link on each line.
    pub(crate) fn target(&self) -> Option<(&str, &str)> {
        let link = self.linked_txn.as_ref()?.first()?;
        Some((link.txn_type.as_deref()?, link.txn_id.as_deref()?))
    }
}

impl Payment {
    /// Reads one; none when a member has an impossible type.
    pub(crate) fn read(object: &Value) -> Option<Self> {
        Self::deserialize(object).ok()
    }

    /// Whether it was voided. A total of nothing alone does not say so: the links of credits have it too.
    pub(crate) fn is_voided(&self) -> bool {
        is_void_note(self.private_note.as_deref())
            && is_zero(self.total_amt)
            && (self.unapplied_amt.is_none() || is_zero(self.unapplied_amt))
    }

    /// All lines.
    pub(crate) fn lines(&self) -> &[PaymentLine] {
        self.line.as_deref().unwrap_or_default()
    }

    /// How much of it is for one document.
    pub(crate) fn amount_for(&self, kind: &str, id: &str) -> rust_decimal::Decimal {
        self.lines()
            .iter()
            .filter(|line| line.target() == Some((kind, id)))
            .filter_map(|line| line.amount)
            .fold(rust_decimal::Decimal::ZERO, |sum, amount| {
                sum.checked_add(amount.0).unwrap_or(sum)
            })
    }
}
