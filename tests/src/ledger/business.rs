//! What kind of business keeps a ledger: where it is, what it charges, in which currencies.

use model::money::Currency;
use rust_decimal::Decimal;

use super::words::Region;

/// A business.
#[derive(Clone, Debug)]
pub struct Business {
    /// The currency it keeps its books in.
    pub currency: Currency,
    /// The rates it charges; a line has one of them. None: it charges no tax.
    pub taxes: Vec<Tax>,
    /// Some lines carry no tax at all.
    pub has_untaxed_lines: bool,
    /// One document in three states its amounts with the tax in them.
    pub states_gross: bool,
    /// Another currency, in which one client in four is billed.
    pub abroad: Option<Abroad>,
    /// Where its clients live.
    pub region: Region,
}

/// A tax rate: id in `ProjectLedger`, per cent.
#[derive(Clone, Debug)]
pub struct Tax {
    /// The rate's id.
    pub rate_id: String,
    /// Per cent.
    pub percent: Decimal,
}

/// A currency beside the business's own.
#[derive(Clone, Debug)]
pub struct Abroad {
    /// The currency.
    pub currency: Currency,
    /// About so many units of the own currency for one of it; it moves by up to 2 % within the month.
    pub rate: Decimal,
}

impl Default for Business {
    /// An American company that charges no sales tax, with clients all over the world.
    fn default() -> Self {
        Self {
            currency: currency("USD"),
            taxes: Vec::new(),
            has_untaxed_lines: true,
            states_gross: false,
            abroad: None,
            region: Region::World,
        }
    }
}

impl Business {
    /// An American company whose sales tax, 8 % wherever its clients live, goes on some lines.
    pub fn american() -> Self {
        Self {
            taxes: vec![Tax::of("tr_sales", 8)],
            region: Region::America,
            ..Self::default()
        }
    }

    /// A British company: three rates of VAT, some documents with the tax in their amounts, clients in the
    /// euro area.
    pub fn british() -> Self {
        Self {
            currency: currency("GBP"),
            taxes: vec![
                Tax::of("tr_standard", 20),
                Tax::of("tr_reduced", 5),
                Tax::of("tr_zero", 0),
            ],
            has_untaxed_lines: false,
            states_gross: true,
            abroad: Some(Abroad {
                currency: currency("EUR"),
                rate: Decimal::new(86, 2),
            }),
            region: Region::Europe,
        }
    }
}

impl Tax {
    fn of(rate_id: &str, percent: i64) -> Self {
        Self {
            rate_id: rate_id.to_owned(),
            percent: Decimal::from(percent),
        }
    }
}

fn currency(code: &str) -> Currency {
    code.parse().expect("a currency in use")
}
