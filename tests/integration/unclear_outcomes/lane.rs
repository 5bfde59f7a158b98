//! One lane: its invoices are created, updated and voided, and checked after each.

use std::collections::{BTreeMap, BTreeSet};

use provider_kit::Marker;
use rust_decimal::Decimal;
use serde_json::Value;
use tests::harness::Sandbox;

use super::cells::{Freeze, Lane, PHASES, Phase};
use super::events;
use super::fleet::{Fleet, Pair};

/// What a lane came to.
#[derive(Debug)]
pub(super) struct Seen {
    /// The lane's number.
    pub(super) lane: usize,
    /// What stood wrong, cell by cell; nothing in a good run.
    pub(super) wrongs: Vec<String>,
    /// Documents whose outcome a look-up found.
    pub(super) adopted: u64,
    /// Calls sent again.
    pub(super) resent: u64,
    /// Cells in which a second worker had taken over.
    pub(super) takeovers: u64,
    /// Cells checked.
    pub(super) cells: u64,
}

/// Goes through the three cells of a lane.
pub(super) async fn walk(fleet: &Fleet, sandbox: &Sandbox, lane: &Lane) -> Seen {
    let pair = fleet.connect(sandbox, lane).await;
    let mut seen = Seen {
        lane: lane.number,
        wrongs: Vec::new(),
        adopted: 0,
        resent: 0,
        takeovers: 0,
        cells: 0,
    };
    let mut sequence = 0;
    for phase in PHASES {
        if let Some(rule) = lane.rule(phase) {
            sandbox.fault(rule).await;
        }
        if let Some(gate) = &pair.gate {
            gate.arm();
        }
        let standing = bring_about(fleet, &pair, lane, phase, &mut sequence).await;
        let books = sandbox.books(&lane.realm()).await;
        let mut wrongs = check(lane, phase, &standing, &books);
        if let Some(gate) = &pair.gate
            && gate.held_count() < u32::try_from(seen.cells).unwrap() + 1
        {
            wrongs.push("no answer was kept back".to_owned());
        }
        let names = wrongs.into_iter().map(|wrong| {
            format!(
                "{lane:?} {phase:?}: {wrong}\n    {standing}\n    {}",
                books["objects"]["Invoice"]
            )
        });
        seen.wrongs.extend(names);
        seen.cells += 1;
        seen.adopted = standing["adopted"].as_u64().unwrap();
        seen.resent = standing["resent"].as_u64().unwrap();
        seen.takeovers = pair.takeovers();
        if lane.freeze == Freeze::PastLease && seen.takeovers < seen.cells {
            seen.wrongs
                .push(format!("{lane:?} {phase:?}: no second worker took over"));
        }
    }
    fleet.dismiss(&pair);
    seen
}

async fn bring_about(
    fleet: &Fleet,
    pair: &Pair,
    lane: &Lane,
    phase: Phase,
    sequence: &mut u64,
) -> Value {
    let events = (0..lane.invoices).map(|number| {
        *sequence += 1;
        let id = id(number);
        let what = (phase.event(), id.as_str(), phase.version());
        events::invoice(pair.account, *sequence, what, quantity(phase))
    });
    let events: Vec<Value> = events.collect();
    fleet.submit(pair, &events).await;
    fleet.settled(pair).await
}

fn id(number: usize) -> String {
    format!("in-{number}")
}

const fn quantity(phase: Phase) -> u64 {
    match phase {
        Phase::Create => 3,
        Phase::Update | Phase::Void => 5,
    }
}

/// Everything that is wrong: nothing, if each document is in the books once, as it should be, and known as that.
fn check(lane: &Lane, phase: Phase, standing: &Value, books: &Value) -> Vec<String> {
    let mut wrongs = Vec::new();
    for (name, wanted) in [("openAttempts", 0), ("unread", 0), ("deadLetters", 0)] {
        if standing[name] != wanted {
            wrongs.push(format!("{name} is {}", standing[name]));
        }
    }
    for name in ["findings", "openCalls"] {
        if standing[name]
            .as_array()
            .is_none_or(|found| !found.is_empty())
        {
            wrongs.push(format!("{name}: {}", standing[name]));
        }
    }
    let objects: Vec<&Value> = books["objects"]["Invoice"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    if objects.len() != lane.invoices {
        wrongs.push(format!("{} invoices for {}", objects.len(), lane.invoices));
    }
    if books["objects"]["Customer"].as_array().map(Vec::len) != Some(1) {
        wrongs.push("not one customer".to_owned());
    }
    let markers: BTreeSet<&str> = objects
        .iter()
        .filter_map(|o| o["marker"].as_str())
        .collect();
    if markers.len() != objects.len() {
        wrongs.push("two objects of one marker".to_owned());
    }
    let by_id: BTreeMap<&str, &Value> = objects
        .iter()
        .map(|o| (o["id"].as_str().unwrap_or_default(), *o))
        .collect();
    for item in standing["items"].as_array().into_iter().flatten() {
        if item["kind"] == "INVOICE" {
            wrongs.extend(check_item(phase, item, &by_id));
        } else if item["state"] != "done" {
            wrongs.push(format!("the client is {}", item["state"]));
        }
    }
    wrongs
}

fn check_item(phase: Phase, item: &Value, objects: &BTreeMap<&str, &Value>) -> Vec<String> {
    let id = &item["id"];
    if item["state"] != "done" || item["version"] != phase.version() {
        return vec![format!(
            "{id} is {} at version {}",
            item["state"], item["version"]
        )];
    }
    let external = item["external"].as_str().unwrap_or_default();
    let Some(object) = objects.get(external) else {
        return vec![format!(
            "{id} is linked to {external:?}, which is not there"
        )];
    };
    let mut wrongs = Vec::new();
    let marker = object["marker"].as_str().and_then(Marker::find);
    if marker
        .map(|marker| marker.effect.uuid().to_string())
        .as_deref()
        != item["effect"].as_str()
    {
        wrongs.push(format!(
            "{id} is linked to another document's object {external}"
        ));
    }
    let decimal = |value: &Value| value.as_str().and_then(|text| text.parse::<Decimal>().ok());
    let is_void = phase == Phase::Void;
    let wanted = if is_void {
        Decimal::ZERO
    } else {
        Decimal::new(1_001 * i64::try_from(quantity(phase)).unwrap(), 2)
    };
    if decimal(&object["amount"]) != Some(wanted) || object["isVoid"] != is_void {
        wrongs.push(format!("{id} is {object} in the books, not {wanted}"));
    }
    if !is_void && decimal(&item["gross"]) != Some(wanted) {
        wrongs.push(format!(
            "{id} is linked with {}, not {wanted}",
            item["gross"]
        ));
    }
    wrongs
}
