//! Accounts and tax codes as imported from the books: what documents may refer to.

use model::money::Rate;
use model::reference::{AccountRef, TaxCodeRef, TaxComponent};
use model::{AccountId, IntegrationId};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::claim::source_of;
use crate::lease::Held;
use crate::{Store, StoreError};

/// What is stored of one integration's books.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Stored {
    /// The chart of accounts.
    pub accounts: Vec<AccountRef>,
    /// Tax codes, with the rates that people mapped to them.
    pub tax_codes: Vec<TaxCodeRef>,
}

impl Store {
    /// Accounts and tax codes of an integration; read once per acquisition and after an import.
    pub async fn references(&self, held: &Held) -> Result<Stored, StoreError> {
        self.stored(held.account, held.integration).await
    }

    pub(crate) async fn stored(
        &self,
        account: AccountId,
        integration: IntegrationId,
    ) -> Result<Stored, StoreError> {
        let mut tx = self.begin_for(account).await?;
        let accounts = sqlx::query_as!(
            AccountRef,
            r#"select external_id, name, account_type, account_number as number, is_active, can_post
               from accounting_account where integration_id = $1 order by external_id"#,
            integration.0
        )
        .fetch_all(&mut *tx)
        .await?;
        let codes = sqlx::query!(
            r#"select external_id, name, rate, components, is_active, is_sales_tax, local_tax_code_id
               from accounting_tax_code where integration_id = $1 order by external_id"#,
            integration.0
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        let tax_codes = codes
            .into_iter()
            .map(|row| {
                Ok(TaxCodeRef {
                    percent: row.rate.map(rate_of).transpose()?,
                    rates: components_of(row.components)?,
                    local_id: row
                        .local_tax_code_id
                        .as_deref()
                        .map(source_of)
                        .transpose()?,
                    external_id: row.external_id,
                    name: row.name,
                    is_active: row.is_active,
                    is_sales_tax: row.is_sales_tax,
                })
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(Stored {
            accounts,
            tax_codes,
        })
    }
}

fn rate_of(stored: Decimal) -> Result<Rate, StoreError> {
    Rate::new(stored).map_err(|e| StoreError::Damaged(format!("a rate: {e}")))
}

fn components_of(stored: Value) -> Result<Vec<TaxComponent>, StoreError> {
    serde_json::from_value(stored).map_err(|e| StoreError::Damaged(format!("components: {e}")))
}
