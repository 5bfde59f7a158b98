//! The tidy test: what a reviewer would say again and again about files, said by the machine.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

/// A longer file is named in the output, as a nudge.
const SOFT_LINES: usize = 400;

/// A longer file fails: it has more than one reason to change.
const HARD_LINES: usize = 600;

/// Names that say where something was dropped, not what it is for.
const BANNED_NAMES: [&str; 8] = [
    "utils", "util", "helpers", "helper", "common", "misc", "manager", "managers",
];

fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// Tracked and new files, without ignored ones, by their path below the root.
fn files() -> BTreeMap<String, PathBuf> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root())
        .output()
        .expect("git lists the files of the work tree");
    assert!(output.status.success(), "git ls-files failed");
    String::from_utf8(output.stdout)
        .expect("paths are UTF-8")
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(|name| (name.to_owned(), root().join(name)))
        // A file deleted in the work tree is still in the index until the commit.
        .filter(|(_, path)| path.is_file())
        .collect()
}

fn rust_files() -> Vec<(String, String)> {
    files()
        .into_iter()
        .filter(|(_, path)| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|(name, path)| {
            let text = fs::read_to_string(path).expect("a Rust file is UTF-8");
            (name, text)
        })
        .collect()
}

fn assert_none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

#[test]
fn no_file_is_longer_than_one_reason_to_change() {
    let mut too_long = Vec::new();
    for (name, text) in rust_files() {
        let lines = text.lines().count();
        if lines > HARD_LINES {
            too_long.push(format!("{name}: {lines} lines"));
        } else if lines > SOFT_LINES {
            println!("{name} has {lines} lines, more than {SOFT_LINES}: could it be two files?");
        }
    }
    assert_none(&too_long, "files over the hard cap of 600 lines");
}

#[test]
fn every_file_begins_by_saying_what_it_is_for() {
    let silent: Vec<String> = rust_files()
        .into_iter()
        .filter(|(_, text)| {
            let first = text.lines().next().unwrap_or_default();
            first
                .strip_prefix("//! ")
                .is_none_or(|said| said.trim().len() < 10)
        })
        .map(|(name, _)| name)
        .collect();
    assert_none(&silent, "files without a `//!` line at their head");
}

#[test]
fn no_module_has_a_name_that_says_nothing() {
    let vague: Vec<String> = files()
        .into_keys()
        .filter(|name| {
            name.split('/').any(|part| {
                let stem = part.split_once('.').map_or(part, |(stem, _)| stem);
                BANNED_NAMES.contains(&stem)
            })
        })
        .collect();
    assert_none(&vague, "vague names");
}

#[test]
fn nothing_is_left_to_do_and_no_test_is_switched_off() {
    // Put together here, so that this file does not find itself.
    let marks = ["todo", "unimplemented"].map(|word| format!("{word}!("));
    let ignored = format!("#[{}", "ignore");
    let left: Vec<String> = rust_files()
        .iter()
        .flat_map(|(name, text)| numbered(name, text))
        .filter(|(_, line)| marks.iter().any(|mark| line.contains(mark)) || line.contains(&ignored))
        .map(|(place, line)| format!("{place}: {}", line.trim()))
        .collect();
    assert_none(&left, "stubs and ignored tests");
}

#[test]
fn no_path_of_one_machine_is_committed() {
    let homes = ["home", "root", "work", "Users"].map(|folder| format!("/{folder}/"));
    let mut found = Vec::new();
    for (name, path) in files() {
        if name == "Cargo.lock" {
            continue;
        }
        // Binary files hold no paths a person wrote.
        let Ok(text) = fs::read_to_string(path) else {
            continue;
        };
        for (place, line) in numbered(&name, &text) {
            if homes.iter().any(|home| mentions(line, home)) {
                found.push(format!("{place}: {}", line.trim()));
            }
        }
    }
    assert_none(&found, "paths of somebody's machine");
}

/// Whether `line` has an absolute path below `home`, and not a longer path or an address with that part.
fn mentions(line: &str, home: &str) -> bool {
    line.match_indices(home).any(|(at, _)| {
        line[..at]
            .chars()
            .next_back()
            .is_none_or(|before| !before.is_alphanumeric() && !"._-/}*".contains(before))
    })
}

fn numbered<'a>(name: &'a str, text: &'a str) -> impl Iterator<Item = (String, &'a str)> {
    text.lines()
        .enumerate()
        .map(move |(index, line)| (format!("{name}:{}", index + 1), line))
}

/// The table of seeded bugs, as far as this test reads it.
#[derive(Deserialize)]
struct SeededBugs {
    #[serde(default)]
    bug: Vec<SeededBug>,
}

#[derive(Deserialize)]
struct SeededBug {
    name: String,
    test: String,
    #[serde(flatten)]
    only_edit: Option<SeededEdit>,
    #[serde(default)]
    edit: Vec<SeededEdit>,
}

#[derive(Deserialize)]
struct SeededEdit {
    file: String,
    find: String,
    replace: String,
}

#[test]
fn every_seeded_bug_can_be_planted_and_names_a_test_that_exists() {
    let table = fs::read_to_string(root().join("tests/seeded/bugs.toml"))
        .expect("the table of seeded bugs is there");
    let table: SeededBugs =
        toml::from_str(&table).expect("the table of seeded bugs is well-formed");
    let tests = rust_files();
    let mut wrong = Vec::new();
    let mut names = Vec::new();
    for bug in &table.bug {
        if names.contains(&&bug.name) {
            wrong.push(format!("{}: the name is taken", bug.name));
        }
        names.push(&bug.name);
        let edits: Vec<_> = bug.only_edit.iter().chain(&bug.edit).collect();
        if edits.is_empty() {
            wrong.push(format!("{}: has no edit", bug.name));
        }
        wrong.extend(
            edits
                .into_iter()
                .filter_map(|edit| misfit(edit).map(|why| format!("{}: {why}", bug.name))),
        );
        if !exists(&bug.test, &tests) {
            wrong.push(format!("{}: there is no test {}", bug.name, bug.test));
        }
    }
    assert_none(&wrong, "seeded bugs that do not fit the code");
}

/// Why an edit cannot be made, if so.
fn misfit(edit: &SeededEdit) -> Option<String> {
    let Ok(text) = fs::read_to_string(root().join(&edit.file)) else {
        return Some(format!("there is no file {}", edit.file));
    };
    let count = text.matches(&edit.find).count();
    if count != 1 {
        return Some(format!("its text occurs {count} times in {}", edit.file));
    }
    (edit.find == edit.replace).then(|| "it changes nothing".to_owned())
}

/// Whether `module::function` stands in a file of the integration tests whose path fits the module.
fn exists(test: &str, files: &[(String, String)]) -> bool {
    let Some((module, function)) = test.rsplit_once("::") else {
        return false;
    };
    let first = module.split("::").next().unwrap_or(module);
    let declaration = format!("fn {function}(");
    let folder = format!("tests/integration/{first}/");
    let file = format!("tests/integration/{first}.rs");
    files
        .iter()
        .filter(|(name, _)| *name == file || name.starts_with(&folder))
        .any(|(_, text)| text.contains(&declaration))
}

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    let rules = fs::read_to_string(root().join("deploy/prometheus/rules.yml"))
        .expect("the alert rules are there");
    let values = |key: &str| -> BTreeSet<String> {
        rules
            .lines()
            .filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix(key))
            .map(|value| value.trim().to_owned())
            .collect()
    };
    let alerts = values("alert:");
    let page = |alert: &String| format!("deploy/runbooks/{alert}.md");
    let expected: BTreeSet<String> = alerts.iter().map(page).collect();
    assert_eq!(values("runbook:"), expected, "each alert names its page");
    let pages: BTreeSet<String> = files()
        .into_keys()
        .filter(|name| name.starts_with("deploy/runbooks/"))
        .collect();
    assert_eq!(pages, expected, "a page without an alert is deleted");
}

#[test]
fn the_private_broker_has_the_policies_of_production() {
    let policies = |file: &str| {
        let text = fs::read_to_string(root().join(file)).expect("the definitions are there");
        let definitions: serde_json::Value =
            serde_json::from_str(&text).expect("the definitions are JSON");
        definitions["policies"].clone()
    };
    let production = policies("deploy/rabbitmq/definitions.json");
    assert!(production.as_array().is_some_and(|all| !all.is_empty()));
    assert_eq!(policies("deploy/rabbitmq/local.json"), production);
}

#[test]
fn a_path_of_a_machine_is_told_from_a_part_of_a_longer_one() {
    let home = format!("/{}/", "home");
    assert!(mentions(&format!("cd {home}me"), &home));
    assert!(mentions(&format!("\"{home}me\""), &home));
    assert!(!mentions(&format!("https://example.test{home}"), &home));
    assert!(!mentions(&format!("target{home}me"), &home));
}
