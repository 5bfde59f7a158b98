//! Accounts and tax codes of the books: how a provider imports them, and how its plans look them up.

use std::collections::BTreeMap;

use model::SourceId;
use model::reference::{AccountRef, TaxCodeRef};

use crate::provider::{BooksFacts, Request};

/// What was imported from these books. Empty where nothing was imported yet, which proves nothing.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct References {
    accounts: BTreeMap<String, AccountRef>,
    tax_codes: BTreeMap<String, TaxCodeRef>,
}

impl References {
    /// From what is stored; of two with one id the later counts.
    pub fn new(
        accounts: impl IntoIterator<Item = AccountRef>,
        tax_codes: impl IntoIterator<Item = TaxCodeRef>,
    ) -> Self {
        Self {
            accounts: accounts
                .into_iter()
                .map(|account| (account.external_id.clone(), account))
                .collect(),
            tax_codes: tax_codes
                .into_iter()
                .map(|code| (code.external_id.clone(), code))
                .collect(),
        }
    }

    /// The account with this id of the provider.
    pub fn account(&self, external_id: &str) -> Option<&AccountRef> {
        self.accounts.get(external_id)
    }

    /// All accounts, by id.
    pub fn accounts(&self) -> impl Iterator<Item = &AccountRef> {
        self.accounts.values()
    }

    /// The tax code with this id of the provider.
    pub fn tax_code(&self, external_id: &str) -> Option<&TaxCodeRef> {
        self.tax_codes.get(external_id)
    }

    /// The tax code that a person mapped to this tax rate of `ProjectLedger`.
    pub fn tax_code_of(&self, rate: &SourceId) -> Option<&TaxCodeRef> {
        self.tax_codes
            .values()
            .find(|code| code.local_id.as_ref() == Some(rate))
    }

    /// All tax codes, by id.
    pub fn tax_codes(&self) -> impl Iterator<Item = &TaxCodeRef> {
        self.tax_codes.values()
    }
}

/// Where an import stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Imported {
    /// Further pages are needed; their replies are added to the ones given.
    More(Vec<Request>),
    /// All of it.
    Done(Import),
}

/// A whole import; each part that is there replaces what was known, and what is missing from it is no longer
/// in the books.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Import {
    /// Facts about the company.
    pub facts: Option<BooksFacts>,
    /// The chart of accounts.
    pub accounts: Option<Vec<AccountRef>>,
    /// Tax codes; `local_id` is a person's and not looked at.
    pub tax_codes: Option<Vec<TaxCodeRef>>,
}
