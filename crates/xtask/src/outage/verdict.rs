//! The proof at the end: three sides that agree to the cent, nothing stuck, nothing twice.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Scene;
use crate::company;
use crate::failure::Result;
use crate::report::{Books, Report};
use crate::services::postgres;
use crate::sides::Sides;
use crate::terminal::{announce, say};

/// Items that did not come to a good end, by state.
const BAD_ITEMS: &str = "select coalesce(json_object_agg(state, count), '{}') from (\
    select state, count(*) from item where state not in ('done', 'skipped') group by 1) bad";

/// What every object of ours carries in the books, up to a closing bracket.
const MARKER: &str = "[tieout ";

/// Everything that is wrong, in sentences; the tie-out of all companies is shown.
pub(super) fn problems(scene: &mut Scene) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let (mut source, mut tieout, mut books) =
        (Books::default(), Books::default(), Books::default());
    for load in &scene.loads {
        let company = load.company;
        let export = company.export(&scene.stage)?;
        let sides = Sides::of(company, &scene.stage, &load.published()?, &export)?;
        let report = Report::new(&sides.source, &sides.tieout, &sides.books, 0);
        if !report.ties() {
            let realm = company.realm();
            problems.push(format!(
                "company {realm} does not tie out:\n{}",
                report.to_table()
            ));
        }
        problems.extend(sides.disagreements);
        problems.extend(marker_problems(&company.realm(), &export));
        source = source.and(&sides.source);
        tieout = tieout.and(&sides.tieout);
        books = books.and(&sides.books);
    }
    let dead_letters = company::open_dead_letters(&scene.stage)?;
    scene.stage.fleet.measure();
    let report = Report::new(&source, &tieout, &books, dead_letters)
        .with_cost(scene.watch.elapsed(), scene.stage.fleet.uses());
    announce("tie-out");
    say(report.to_table());
    if dead_letters > 0 {
        problems.push(format!("{dead_letters} dead letters are open"));
    }
    let bad = postgres::run_sql(scene.stage.database_url(), &["-c", BAD_ITEMS])?;
    if bad != "{}" {
        problems.push(format!("items did not come to a good end: {bad}"));
    }
    let progress = scene.progress()?;
    if !progress.is_settled() {
        problems.push(format!("work is left: {progress:?}"));
    }
    Ok(problems)
}

/// Each customer and invoice carries a marker, and none is there twice.
fn marker_problems(realm: &str, export: &Value) -> Vec<String> {
    let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut problems = Vec::new();
    for kind in ["Customer", "Invoice"] {
        for object in export["objects"][kind].as_array().into_iter().flatten() {
            let name = format!("{kind} {}", object["id"].as_str().unwrap_or_default());
            match marker_in(object["marker"].as_str().unwrap_or_default()) {
                Some(marker) => seen.entry(marker.to_owned()).or_default().push(name),
                None => problems.push(format!("{name} in company {realm} has no marker")),
            }
        }
    }
    let doubled = seen.iter().filter(|(_, names)| names.len() > 1);
    problems.extend(doubled.map(|(marker, names)| {
        format!(
            "{} in company {realm} have the same marker {marker}",
            names.join(", ")
        )
    }));
    problems
}

fn marker_in(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(MARKER)?;
    Some(rest.split_once(']')?.0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn two_objects_of_one_marker_are_a_problem_and_so_is_one_without() {
        let object = |id: &str, marker: &str| json!({"id": id, "marker": marker});
        let good = json!({"objects": {
            "Customer": [object("1", "Regular.\n[tieout i/a/1]")],
            "Invoice": [object("2", "[tieout i/b/1] thanks"), object("3", "[tieout i/c/1]")],
        }});
        assert!(marker_problems("9", &good).is_empty());
        let bad = json!({"objects": {
            "Customer": [object("1", "")],
            "Invoice": [object("2", "[tieout i/b/1]"), object("3", "x [tieout i/b/1]")],
        }});
        let problems = marker_problems("9", &bad);
        assert_eq!(
            problems,
            [
                "Customer 1 in company 9 has no marker",
                "Invoice 2, Invoice 3 in company 9 have the same marker i/b/1",
            ]
        );
    }
}
