//! How these books treat sales tax, and which tax code each line gets.
//!
//! American books know two line codes, `TAX` and `NON`; with automated sales tax QuickBooks computes the
//! rest, with manual tax one code stands for the whole document. Books elsewhere need the id of a tax code on
//! every line. American tax cannot be inside the amounts. Checked 2026-11-23 against
//! <https://developer.intuit.com/app/developer/qbo/docs/workflows/manage-sales-tax-for-non-us-locales>.
//!
//! The code of a rate is, in this order: what the integration's settings say, what a person mapped, the default
//! where it has the rate's percentage, the only active sales code with that percentage, the default where its
//! percentage is not known. A code that is known to charge another percentage is never used.

use std::collections::BTreeMap;

use model::document::Line;
use model::money::Rate;
use model::reference::{TaxCodeRef, TaxComponent};
use model::{Failure, FailureKind, SourceId};
use provider_kit::View;
use rust_decimal::Decimal;

use super::sale::Sale;
use crate::books::{self, Preferences, TaxMode};
use crate::failures;

/// The pseudo code of a taxable line in American books.
pub(super) const TAXABLE: &str = "TAX";
/// The pseudo code of a line without tax in American books.
const NOT_TAXABLE: &str = "NON";

/// What a document's tax looks like in these books.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Treatment {
    pub(super) mode: TaxMode,
    /// One per line of the document.
    pub(super) codes: Vec<Option<String>>,
    /// For the whole document, under American manual tax.
    pub(super) document_code: Option<String>,
    /// How amounts and tax relate; never sent to American books.
    pub(super) calculation: Option<&'static str>,
    pub(super) is_american: bool,
    /// Line amounts include tax.
    pub(super) is_inclusive: bool,
    /// The rates of the codes that are known.
    pub(super) parts: BTreeMap<String, Vec<TaxComponent>>,
}

/// Finds the treatment, or why these books cannot take this tax.
pub(super) fn treat(view: &View<'_>, sale: &Sale<'_>) -> Result<Treatment, Failure> {
    let mode = mode(view);
    let has_tax = !sale.totals.tax.get().is_zero() || sale.lines.iter().any(is_taxed);
    let is_american = matches!(mode, TaxMode::Automated | TaxMode::Manual)
        || (mode == TaxMode::Off && books::is_american(view.books));
    if is_american && sale.tax_inclusive && has_tax {
        return Err(inclusive_in_america());
    }
    let plain = |codes, document_code| Treatment {
        mode,
        codes,
        document_code,
        calculation: None,
        is_american,
        is_inclusive: false,
        parts: BTreeMap::new(),
    };
    let mut treatment = match mode {
        TaxMode::Off if has_tax => return Err(tax_is_off()),
        TaxMode::Off => plain(vec![None; sale.lines.len()], None),
        TaxMode::Automated => plain(pseudo_codes(sale), None),
        TaxMode::Manual => plain(pseudo_codes(sale), document_code(view, sale)?),
        TaxMode::PerLine => Treatment {
            codes: sale
                .lines
                .iter()
                .map(|line| line_code(view, line).map(Some))
                .collect::<Result<_, _>>()?,
            calculation: Some(if sale.tax_inclusive {
                "TaxInclusive"
            } else {
                "TaxExcluded"
            }),
            is_inclusive: sale.tax_inclusive,
            ..plain(Vec::new(), None)
        },
    };
    let named = treatment.codes.iter().chain([&treatment.document_code]);
    treatment.parts = named
        .flatten()
        .filter_map(|code| known(view, code))
        .filter(|code| !code.rates.is_empty())
        .map(|code| (code.external_id.clone(), code.rates.clone()))
        .collect();
    Ok(treatment)
}

/// The regime, from the country and the preferences read when the books were connected.
fn mode(view: &View<'_>) -> TaxMode {
    let is_american = books::is_american(view.books);
    match Preferences::of(view.books).tax_mode {
        Some(known @ (TaxMode::Off | TaxMode::Manual)) => known,
        _ if is_american => TaxMode::Automated,
        _ => TaxMode::PerLine,
    }
}

fn is_taxed(line: &Line) -> bool {
    line.tax
        .as_ref()
        .is_some_and(|tax| !tax.amount.get().is_zero() || !tax.percent.get().is_zero())
}

fn pseudo_codes(sale: &Sale<'_>) -> Vec<Option<String>> {
    let code = |line| {
        if is_taxed(line) { TAXABLE } else { NOT_TAXABLE }
    };
    sale.lines
        .iter()
        .map(|line| Some(code(line).to_owned()))
        .collect()
}

/// The one code of an American document: that of all its taxed lines.
fn document_code(view: &View<'_>, sale: &Sale<'_>) -> Result<Option<String>, Failure> {
    let mut codes: Vec<String> = sale
        .lines
        .iter()
        .filter(|line| is_taxed(line))
        .map(|line| line_code(view, line))
        .collect::<Result<_, _>>()?;
    codes.sort();
    codes.dedup();
    match codes.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some(only.clone())),
        _ => Err(failures::unsupported(
            "TAX_SEVERAL_RATES",
            "The lines of this document are taxed at several rates, and QuickBooks in the United States takes one \
             tax code for a whole document. Issue one document for each rate in ProjectLedger, or choose a combined \
             tax code for these rates in the integration's settings.",
        )),
    }
}

fn line_code(view: &View<'_>, line: &Line) -> Result<String, Failure> {
    let rate = line.tax.as_ref().map(|tax| &tax.rate_id);
    let percent = line
        .tax
        .as_ref()
        .map_or(Decimal::ZERO, |tax| tax.percent.get());
    match choose(view, rate, percent) {
        Choice::Mapped(code) | Choice::Alike(code) | Choice::Default(code) => Ok(code),
        Choice::Differs(charged) => Err(rate_differs(percent, charged)),
        Choice::None => Err(not_mapped()),
    }
}

/// Which code of the books stands for a rate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Choice {
    /// The one that a person named for this rate.
    Mapped(String),
    /// One that charges the same percentage.
    Alike(String),
    /// The default, whose percentage is not known.
    Default(String),
    /// The one that a person named charges another percentage.
    Differs(Decimal),
    /// None.
    None,
}

/// Chooses the code for a rate of ProjectLedger, or for a line without tax.
pub(super) fn choose(view: &View<'_>, rate: Option<&SourceId>, percent: Decimal) -> Choice {
    let settings = view.settings;
    let by_settings = rate
        .and_then(|rate| settings.tax_codes.get(rate.as_str()))
        .map(|code| code.trim().to_owned())
        .filter(|code| !code.is_empty());
    let mapped = by_settings.or_else(|| {
        let code = rate.and_then(|rate| view.references.tax_code_of(rate));
        code.map(|code| code.external_id.clone())
    });
    let charged = |code: &str| known(view, code)?.percent.map(Rate::get);
    if let Some(code) = mapped {
        return match charged(&code) {
            Some(other) if other != percent => Choice::Differs(other),
            _ => Choice::Mapped(code),
        };
    }
    let default = settings.default_tax_code.as_deref().map(str::trim);
    let default = default.filter(|code| !code.is_empty());
    if let Some(code) = default.filter(|code| charged(code) == Some(percent)) {
        return Choice::Alike(code.to_owned());
    }
    let mut alike = view
        .references
        .tax_codes()
        .filter(|code| settings.sync_tax_codes && code.is_active && code.is_sales_tax)
        .filter(|code| code.percent.is_some_and(|rate| rate.get() == percent));
    if let (Some(only), None) = (alike.next(), alike.next()) {
        return Choice::Alike(only.external_id.clone());
    }
    match default {
        Some(code) if charged(code).is_none() => Choice::Default(code.to_owned()),
        Some(code) => charged(code).map_or(Choice::None, Choice::Differs),
        None => Choice::None,
    }
}

/// What was imported of a code.
fn known<'v>(view: &View<'v>, code: &str) -> Option<&'v TaxCodeRef> {
    if !view.settings.sync_tax_codes {
        return None;
    }
    view.references.tax_code(code)
}

fn not_mapped() -> Failure {
    Failure::new(
        FailureKind::Rejected,
        "TAX_NOT_MAPPED",
        "A tax rate on this document has no tax code of QuickBooks. Choose a tax code for the rate, or a \
         default tax code, in the integration's settings, then send it again.",
    )
}

fn rate_differs(wanted: Decimal, charged: Decimal) -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "TAX_RATE_DIFFERS",
        format!(
            "A line of this document is taxed at {} %, and the tax code chosen for it in the integration's settings \
             charges {} % in QuickBooks. Choose the right code for the rate, or correct the rate in ProjectLedger; \
             then send it again.",
            wanted.normalize(),
            charged.normalize()
        ),
    )
}

fn tax_is_off() -> Failure {
    Failure::new(
        FailureKind::Rejected,
        "TAX_OFF",
        "This document has sales tax, and sales tax is switched off in QuickBooks, which would drop it. Switch \
         sales tax on in QuickBooks (Taxes, Sales tax) and refresh the connection, or correct the document in \
         ProjectLedger; then send it again.",
    )
    .asking_import(model::ImportKind::Company)
}

fn inclusive_in_america() -> Failure {
    failures::unsupported(
        "TAX_INCLUSIVE_US",
        "The amounts of this document include tax, and QuickBooks in the United States only adds tax on top. \
         Issue the document with amounts before tax in ProjectLedger.",
    )
}
