//! `tieout totals`: counts and sums per kind and currency, as `ProjectLedger` sent them and as the books took them.

use model::AccountId;
use serde_json::{Value, json};
use store::admin::TieoutRow;

use crate::context::Context;
use crate::failed::Failed;
use crate::output::{say, say_json};
use crate::plain::line;
use crate::table::table;

pub(crate) async fn run(context: &Context, account: AccountId) -> Result<(), Failed> {
    let store = context.store()?;
    let rows = store.tieout(account).await?;
    store.close().await;
    let lines: Vec<Line> = rows.iter().map(Line::of).collect::<Result<_, _>>()?;
    if context.is_json {
        let kinds: Vec<Value> = lines.iter().map(Line::to_json).collect();
        return say_json(&json!({"accountId": account, "kinds": kinds}));
    }
    if lines.is_empty() {
        return say(format!("account {account} has sent no documents yet"));
    }
    let rows: Vec<[String; 8]> = lines.into_iter().map(Line::into_cells).collect();
    say(table(
        [
            "KIND",
            "CURRENCY",
            "SENT",
            "SUM",
            "IN BOOKS",
            "SUM",
            "DIFFERENCE",
            "SUM",
        ],
        &rows,
    ))
}

/// A row with its sums written out and its difference worked out.
struct Line {
    kind: &'static str,
    currency: String,
    counts: [i64; 3],
    sums: [String; 3],
}

impl Line {
    fn of(row: &TieoutRow) -> Result<Self, Failed> {
        let places = row
            .currency
            .parse()
            .map_or(0, |currency: model::Currency| currency.minor_units());
        let written = |sum: rust_decimal::Decimal| {
            let mut sum = sum.normalize();
            if sum.scale() < places {
                sum.rescale(places);
            }
            sum.to_string()
        };
        let difference = row
            .source_sum
            .checked_sub(row.linked_sum)
            .ok_or_else(|| Failed::NotPossible("a sum is too large to subtract".to_owned()))?;
        Ok(Self {
            kind: row.kind.as_str(),
            currency: row.currency.clone(),
            counts: [
                row.source_count,
                row.linked_count,
                row.source_count - row.linked_count,
            ],
            sums: [
                written(row.source_sum),
                written(row.linked_sum),
                written(difference),
            ],
        })
    }

    fn to_json(&self) -> Value {
        let side = |at: usize| json!({"count": self.counts[at], "sum": self.sums[at]});
        json!({
            "kind": self.kind, "currency": self.currency,
            "source": side(0), "books": side(1), "difference": side(2),
        })
    }

    fn into_cells(self) -> [String; 8] {
        let [sent, linked, difference] = self.counts.map(|count| count.to_string());
        let [sent_sum, linked_sum, difference_sum] = self.sums;
        [
            self.kind.to_owned(),
            line(&self.currency),
            sent,
            sent_sum,
            linked,
            linked_sum,
            difference,
            difference_sum,
        ]
    }
}

#[cfg(test)]
mod tests {
    use model::DocumentKind;

    use super::*;

    #[test]
    fn sums_are_written_to_the_smallest_unit_and_never_cut() {
        let row = |currency: &str, source: &str, linked: &str| TieoutRow {
            kind: DocumentKind::Invoice,
            currency: currency.to_owned(),
            source_count: 3,
            source_sum: source.parse().unwrap(),
            linked_count: 2,
            linked_sum: linked.parse().unwrap(),
        };
        let cases = [
            (
                row("USD", "10.5000", "10.4950"),
                ["10.50", "10.495", "0.005"],
            ),
            (row("JPY", "1000.0000", "0"), ["1000", "0", "1000"]),
            (row("KWD", "1.5", "2"), ["1.500", "2.000", "-0.500"]),
            (row("", "0", "0"), ["0", "0", "0"]),
        ];
        for (row, sums) in cases {
            let line = Line::of(&row).unwrap();
            assert_eq!(line.sums, sums);
            assert_eq!(line.counts, [3, 2, 1]);
        }
    }
}
