//! Accounts, tax rates, items, tracking categories: what the lines of documents refer to.

use rust_decimal::Decimal;

use super::number;

/// An account.
#[derive(Debug, Clone)]
pub struct Account {
    /// Id.
    pub id: String,
    /// Code; bank accounts may have none.
    pub code: String,
    /// Name.
    pub name: String,
    /// Type, such as `REVENUE`.
    pub sort: String,
    /// `ACTIVE`, `ARCHIVED` or `DELETED`.
    pub status: String,
    /// Tax type of lines that name none.
    pub tax_type: String,
    /// `DEBTORS` and the like, or empty.
    pub system: String,
    /// Whether payments may be made to it.
    pub enable_payments: bool,
    /// Currency of a bank account.
    pub currency: String,
    /// Number of a bank account.
    pub bank_account_number: String,
    /// What a person wrote about it.
    pub description: String,
}

impl Account {
    /// The class its type belongs to.
    pub fn class(&self) -> &'static str {
        class_of(&self.sort).unwrap_or("ASSET")
    }

    /// Whether payments may be made to it.
    pub fn takes_payments(&self) -> bool {
        self.sort == "BANK" || self.enable_payments
    }

    /// Whether lines of documents may be booked to it.
    pub fn takes_lines(&self) -> bool {
        let is_control = matches!(self.system.as_str(), "DEBTORS" | "CREDITORS");
        self.sort != "BANK" && !is_control
    }
}

/// The class of an account type, if there is such a type.
pub fn class_of(sort: &str) -> Option<&'static str> {
    Some(match sort {
        "BANK" | "CURRENT" | "FIXED" | "INVENTORY" | "NONCURRENT" | "PREPAYMENT" => "ASSET",
        "EQUITY" => "EQUITY",
        "DEPRECIATN" | "DIRECTCOSTS" | "EXPENSE" | "OVERHEADS" => "EXPENSE",
        "CURRLIAB" | "LIABILITY" | "TERMLIAB" | "PAYG" => "LIABILITY",
        "OTHERINCOME" | "REVENUE" | "SALES" => "REVENUE",
        _ => return None,
    })
}

/// One part of a tax rate.
#[derive(Debug, Clone)]
pub struct Component {
    /// Name.
    pub name: String,
    /// Per cent.
    pub rate: Decimal,
    /// Whether it is charged on the other components too.
    pub is_compound: bool,
    /// Whether it cannot be reclaimed.
    pub is_non_recoverable: bool,
}

/// A tax rate.
#[derive(Debug, Clone)]
pub struct TaxRate {
    /// Its key.
    pub tax_type: String,
    /// Its name, which people change.
    pub name: String,
    /// `ACTIVE`, `DELETED` or `ARCHIVED`.
    pub status: String,
    /// `OUTPUT`, `INPUT` and the like; empty when unset.
    pub report_tax_type: String,
    /// Its parts.
    pub components: Vec<Component>,
    /// Whether it may be used on revenue accounts.
    pub on_revenue: bool,
    /// Whether it may be used on expense, asset, liability and equity accounts.
    pub on_others: bool,
}

impl TaxRate {
    /// Per cent of the net amount, at four places.
    pub fn effective(&self) -> Decimal {
        let simple: Decimal = self
            .components
            .iter()
            .filter(|component| !component.is_compound)
            .map(|component| component.rate)
            .sum();
        let compound = self.components.iter().find(|part| part.is_compound);
        let Some(compound) = compound else {
            return number::rounded(simple, 4).unwrap_or(simple);
        };
        // A compound part is charged on the net amount and the other parts together.
        let base = Decimal::ONE_HUNDRED + simple;
        let whole = simple + base * compound.rate / Decimal::ONE_HUNDRED;
        number::rounded(whole, 4).unwrap_or(whole)
    }

    /// Whether it may be used with an account.
    pub fn fits(&self, account: &Account) -> bool {
        if account.class() == "REVENUE" {
            self.on_revenue
        } else {
            self.on_others
        }
    }
}

/// An entry of the price list.
#[derive(Debug, Clone)]
pub struct Item {
    /// Id.
    pub id: String,
    /// Code.
    pub code: String,
    /// Name.
    pub name: String,
    /// Description on sales.
    pub description: String,
    /// What it is sold at.
    pub sales: Price,
    /// What it is bought at.
    pub purchase: Price,
}

/// One side of an item.
#[derive(Debug, Clone, Default)]
pub struct Price {
    /// Price.
    pub unit: Option<Decimal>,
    /// Account of lines that name none.
    pub account_code: String,
    /// Tax type of lines that name none.
    pub tax_type: String,
}

/// A tracking category.
#[derive(Debug, Clone)]
pub struct Category {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// `ACTIVE`, `ARCHIVED` or `DELETED`.
    pub status: String,
    /// Its options.
    pub options: Vec<CategoryOption>,
}

/// An option of a tracking category.
#[derive(Debug, Clone)]
pub struct CategoryOption {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// `ACTIVE`, `ARCHIVED` or `DELETED`.
    pub status: String,
}
