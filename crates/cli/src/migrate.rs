//! `tieout migrate`: the schema up to date, and the installation named once.

use model::RunId;
use model::digest::sha256_hex;
use serde_json::json;
use store::Store;

use crate::context::Context;
use crate::failed::Failed;
use crate::output::{say, say_json};

/// Letters of a fresh name: 26^8 names, so that two installations on one company do not meet.
const NAME_LENGTH: usize = 8;

pub(crate) async fn run(context: &Context) -> Result<(), Failed> {
    let url = context.database_url()?;
    Store::migrate(url.expose()).await?;
    let store = context.store()?;
    // The store keeps the first name: markers in the books carry it for good.
    store.install(&fresh_name()).await?;
    let is_same = store.is_same_database().await?;
    store.close().await;
    if !is_same {
        return Err(Failed::NotPossible(
            "the schema is up to date, but this database is a restored copy or in recovery mode: \
             nothing is sent until it has been recovered"
                .to_owned(),
        ));
    }
    if context.is_json {
        return say_json(&json!({"schema": "UP_TO_DATE"}));
    }
    say("the database is up to date and the installation has its name")
}

/// A random name of lower-case letters, from the random part of a fresh id.
fn fresh_name() -> String {
    let digest = sha256_hex([RunId::fresh().uuid().as_bytes()]);
    let pairs = digest.as_bytes().chunks_exact(4).take(NAME_LENGTH);
    pairs
        .map(|digits| {
            let number = digits.iter().fold(0_u32, |sum, digit| {
                sum * 16 + char::from(*digit).to_digit(16).unwrap_or(0)
            });
            char::from(b'a' + u8::try_from(number % 26).unwrap_or(0))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_name_has_the_stored_shape_and_is_another_each_time() {
        let names: std::collections::BTreeSet<_> = (0..100).map(|_| fresh_name()).collect();
        assert_eq!(names.len(), 100);
        for name in names {
            assert_eq!(name.len(), NAME_LENGTH);
            assert!(name.bytes().all(|b| b.is_ascii_lowercase()), "{name}");
        }
    }
}
