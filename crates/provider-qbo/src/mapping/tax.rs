//! How these books treat sales tax, and which tax code each line gets.
//!
//! American books know two line codes, `TAX` and `NON`; with automated sales tax QuickBooks computes the
//! rest, with manual tax one code stands for the whole document. Books elsewhere need the id of a tax code on
//! every line. American tax cannot be inside the amounts. Checked 2026-11-23 against
//! <https://developer.intuit.com/app/developer/qbo/docs/workflows/manage-sales-tax-for-non-us-locales>.

use model::document::{Invoice, Line};
use model::{Failure, FailureKind};
use provider_kit::{BooksFacts, View};

use crate::failures;

/// The pseudo code of a taxable line in American books.
pub(super) const TAXABLE: &str = "TAX";
/// The pseudo code of a line without tax in American books.
const NOT_TAXABLE: &str = "NON";

/// What the books do about sales tax.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Regime {
    /// Sales tax is switched off.
    Off,
    /// American, computed by QuickBooks.
    Automated,
    /// American, one code for the document.
    Manual,
    /// A tax code on each line.
    PerLine,
}

/// What an invoice's tax looks like in these books.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Treatment {
    pub(super) regime: Regime,
    /// One per line of the document.
    pub(super) codes: Vec<Option<String>>,
    /// For the whole document, under American manual tax.
    pub(super) document_code: Option<String>,
    /// How amounts and tax relate; never sent to American books.
    pub(super) calculation: Option<&'static str>,
    pub(super) is_american: bool,
    /// Line amounts include tax.
    pub(super) is_inclusive: bool,
}

/// Finds the treatment, or why these books cannot take this tax.
pub(super) fn treat(view: &View<'_>, invoice: &Invoice) -> Result<Treatment, Failure> {
    let regime = regime(view.books);
    let has_tax = !invoice.totals.tax.get().is_zero() || invoice.lines.iter().any(is_taxed);
    let is_american = matches!(regime, Regime::Automated | Regime::Manual)
        || (regime == Regime::Off && is_american(view.books));
    if is_american && invoice.tax_inclusive && has_tax {
        return Err(inclusive_in_america());
    }
    let plain = |codes, document_code| Treatment {
        regime,
        codes,
        document_code,
        calculation: None,
        is_american,
        is_inclusive: false,
    };
    let default = view.settings.default_tax_code.as_deref();
    let default = default.filter(|code| !code.is_empty());
    match regime {
        Regime::Off if has_tax => Err(tax_is_off()),
        Regime::Off => Ok(plain(vec![None; invoice.lines.len()], None)),
        Regime::Automated => Ok(plain(pseudo_codes(invoice), None)),
        Regime::Manual if !has_tax => Ok(plain(pseudo_codes(invoice), None)),
        Regime::Manual => match default {
            Some(code) => Ok(plain(pseudo_codes(invoice), Some(code.to_owned()))),
            None => Err(not_mapped()),
        },
        Regime::PerLine => Ok(Treatment {
            regime,
            codes: invoice
                .lines
                .iter()
                .map(|line| line_code(view, line, default).map(Some))
                .collect::<Result<_, _>>()?,
            document_code: None,
            calculation: Some(if invoice.tax_inclusive {
                "TaxInclusive"
            } else {
                "TaxExcluded"
            }),
            is_american,
            is_inclusive: invoice.tax_inclusive,
        }),
    }
}

/// The regime, from the country and the preference read when the books were connected.
fn regime(books: &BooksFacts) -> Regime {
    match books.extra.get("taxMode").and_then(|mode| mode.as_str()) {
        Some("OFF") => Regime::Off,
        Some("MANUAL_US") => Regime::Manual,
        _ if is_american(books) => Regime::Automated,
        _ => Regime::PerLine,
    }
}

fn is_american(books: &BooksFacts) -> bool {
    books
        .country
        .as_deref()
        .is_none_or(|country| country == "US")
}

fn is_taxed(line: &Line) -> bool {
    line.tax
        .as_ref()
        .is_some_and(|tax| !tax.amount.get().is_zero() || !tax.percent.get().is_zero())
}

fn pseudo_codes(invoice: &Invoice) -> Vec<Option<String>> {
    let code = |line| {
        if is_taxed(line) { TAXABLE } else { NOT_TAXABLE }
    };
    invoice
        .lines
        .iter()
        .map(|line| Some(code(line).to_owned()))
        .collect()
}

/// The mapped code of the line's rate, else the default.
fn line_code(view: &View<'_>, line: &Line, default: Option<&str>) -> Result<String, Failure> {
    line.tax
        .as_ref()
        .and_then(|tax| view.settings.tax_codes.get(tax.rate_id.as_str()))
        .map(String::as_str)
        .filter(|code| !code.is_empty())
        .or(default)
        .map(str::to_owned)
        .ok_or_else(not_mapped)
}

fn not_mapped() -> Failure {
    Failure::new(
        FailureKind::Rejected,
        "TAX_NOT_MAPPED",
        "A tax rate on this invoice has no tax code of QuickBooks. Choose a tax code for the rate, or a \
         default tax code, in the integration's settings, then send it again.",
    )
}

fn tax_is_off() -> Failure {
    Failure::new(
        FailureKind::Rejected,
        "TAX_OFF",
        "This invoice has sales tax, and sales tax is switched off in QuickBooks, which would drop it. Switch \
         sales tax on in QuickBooks (Taxes, Sales tax) and refresh the connection, or correct the invoice in \
         ProjectLedger; then send it again.",
    )
}

fn inclusive_in_america() -> Failure {
    failures::unsupported(
        "TAX_INCLUSIVE_US",
        "The amounts of this invoice include tax, and QuickBooks in the United States only adds tax on top. \
         Issue the invoice with amounts before tax in ProjectLedger.",
    )
}
