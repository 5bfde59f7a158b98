//! Which tax type each line gets, and whether amounts are with or without tax.
//!
//! A line's rate is mapped by a person (the setting, or the imported tax rate's own mapping), else by its
//! percentage where just one active sales rate of the organisation has it, else it gets the default. A type whose
//! rate is known to be another than the line's is refused before anything is sent: it would book the wrong tax.
//! A document without any tax is sent as such, so that no account's default tax sneaks in.

use model::document::Line;
use model::reference::TaxCodeRef;
use model::{Failure, FailureKind, ImportKind};
use provider_kit::View;
use rust_decimal::Decimal;

use crate::wire;

/// The tax type that stands for no tax wherever Xero is sold.
const NONE: &str = "NONE";

/// A document's tax in Xero's words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Treatment {
    /// `LineAmountTypes`.
    pub(super) amounts: &'static str,
    /// One per line of the document.
    pub(super) lines: Vec<Taxed>,
}

/// A line's tax.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Taxed {
    /// None where the document is without tax.
    pub(super) code: Option<String>,
    pub(super) percent: Decimal,
}

/// Finds the treatment, or why this tax cannot be said in these books.
pub(super) fn treat(
    view: &View<'_>,
    lines: &[Line],
    is_inclusive: bool,
) -> Result<Treatment, Failure> {
    let default = view
        .settings
        .default_tax_code
        .as_deref()
        .filter(|code| !code.is_empty());
    if default.is_none() && lines.iter().all(|line| line.tax.is_none()) {
        let untaxed = Taxed {
            code: None,
            percent: Decimal::ZERO,
        };
        return Ok(Treatment {
            amounts: wire::NO_TAX,
            lines: vec![untaxed; lines.len()],
        });
    }
    Ok(Treatment {
        amounts: if is_inclusive {
            wire::INCLUSIVE
        } else {
            wire::EXCLUSIVE
        },
        lines: lines
            .iter()
            .map(|line| taxed(view, line, default))
            .collect::<Result<_, _>>()?,
    })
}

fn taxed(view: &View<'_>, line: &Line, default: Option<&str>) -> Result<Taxed, Failure> {
    let Some(tax) = &line.tax else {
        return Ok(Taxed {
            code: Some(untaxed_code(view, default).to_owned()),
            percent: Decimal::ZERO,
        });
    };
    let percent = tax.percent.get();
    let code = view
        .settings
        .tax_codes
        .get(tax.rate_id.as_str())
        .map(String::as_str)
        .filter(|code| !code.is_empty())
        .or_else(|| {
            let mapped = view.references.tax_code_of(&tax.rate_id)?;
            Some(mapped.external_id.as_str())
        })
        .or_else(|| only_of_percent(view, percent))
        .or(default)
        .ok_or_else(not_mapped)?;
    if known_percent(view, code).is_some_and(|known| known != percent) {
        return Err(rate_differs());
    }
    Ok(Taxed {
        code: Some(code.to_owned()),
        percent,
    })
}

/// The one active sales rate of this percentage; none where there are several.
fn only_of_percent<'v>(view: &View<'v>, percent: Decimal) -> Option<&'v str> {
    let mut fitting = view
        .references
        .tax_codes()
        .filter(|code| is_usable(code) && percent_of(code) == Some(percent));
    let only = fitting.next()?;
    fitting
        .next()
        .is_none()
        .then_some(only.external_id.as_str())
}

/// What a line without tax is sent under, among lines that have some.
fn untaxed_code<'v>(view: &View<'v>, default: Option<&'v str>) -> &'v str {
    default
        .filter(|code| known_percent(view, code).is_none_or(|percent| percent.is_zero()))
        .or_else(|| only_of_percent(view, Decimal::ZERO))
        .unwrap_or(NONE)
}

fn is_usable(code: &TaxCodeRef) -> bool {
    code.is_active && code.is_sales_tax
}

fn percent_of(code: &TaxCodeRef) -> Option<Decimal> {
    code.percent.map(model::money::Rate::get)
}

fn known_percent(view: &View<'_>, code: &str) -> Option<Decimal> {
    view.references.tax_code(code).and_then(percent_of)
}

fn not_mapped() -> Failure {
    Failure::new(
        FailureKind::Rejected,
        "TAX_NOT_MAPPED",
        "A tax rate on this document has no tax rate in Xero. Choose one for it, or a default tax rate, in the \
         integration's settings, then send it again.",
    )
    .asking_import(ImportKind::TaxCodes)
}

fn rate_differs() -> Failure {
    Failure::new(
        FailureKind::Rejected,
        "TAX_RATE_DIFFERS",
        "A tax rate on this document is mapped to one in Xero that has another percentage, which would book the \
         wrong tax. Choose the right tax rate in the integration's settings, then send it again.",
    )
    .asking_import(ImportKind::TaxCodes)
}
