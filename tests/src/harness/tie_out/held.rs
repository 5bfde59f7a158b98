//! What Tieout holds: items with their effects and the links of these.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::super::{Connected, Stage};
use super::decimal;

/// An item.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// Its state.
    pub state: String,
    /// The version in the books.
    pub version: u64,
    /// Its effects, those of the newest generation of each part.
    pub effects: Vec<HeldEffect>,
}

/// An effect with its link; the link's members are empty where it has none.
#[derive(Clone, Debug)]
pub struct HeldEffect {
    /// Its id.
    pub id: String,
    /// The part of the document; empty for the main effect.
    pub part: String,
    /// The object's id in the books.
    pub external_id: String,
    /// What became of the object.
    pub link_state: String,
    /// What it amounts to, as the provider stated it.
    pub gross: Option<Decimal>,
}

impl Held {
    /// The main effect.
    pub fn main(&self) -> Option<&HeldEffect> {
        self.effects.iter().find(|effect| effect.part.is_empty())
    }
}

impl Stage {
    pub(super) fn held(&self, connected: &Connected) -> BTreeMap<(String, String), Held> {
        let rows = self.database.sql(&format!(
            "select json_build_array(i.kind, i.source_id, i.state, i.version::text, e.id::text, e.part, \
               l.external_id, l.state, l.gross::text) \
             from item i \
             left join effect e on e.item_id = i.id and not exists (select from effect n where n.item_id = i.id \
               and n.kind = e.kind and n.part = e.part and n.generation > e.generation) \
             left join link l on l.effect_id = e.id \
             where i.books_id = '{}'",
            connected.books.uuid()
        ));
        let mut held: BTreeMap<(String, String), Held> = BTreeMap::new();
        for row in rows.lines() {
            let row: Vec<Option<String>> = serde_json::from_str(row).expect("a row is JSON");
            let text = |at: usize| row[at].clone().unwrap_or_default();
            let item = held.entry((text(0), text(1))).or_insert_with(|| Held {
                state: text(2),
                version: text(3).parse().unwrap_or_default(),
                effects: Vec::new(),
            });
            if row[4].is_some() {
                item.effects.push(HeldEffect {
                    id: text(4),
                    part: text(5),
                    external_id: text(6),
                    link_state: text(7),
                    gross: row[8].as_deref().map(decimal),
                });
            }
        }
        held
    }
}
