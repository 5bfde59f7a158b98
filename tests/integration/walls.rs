//! The walls test: which crate may know which, over what cargo resolves and what the sources name.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// Every allowed edge between our crates. A new edge is a decision record, not a line here in passing.
const EDGES: &[(&str, &[&str])] = &[
    // Floor 1: words and process furniture, on their own feet.
    ("model", &[]),
    ("runtime", &[]),
    // Floor 2: the three doors to the outside.
    ("store", &["model"]),
    ("broker", &["model", "runtime"]),
    ("provider-kit", &["model", "runtime"]),
    // Floor 3: intake and the one loop.
    ("producer", &["model", "runtime", "store", "broker"]),
    (
        "worker",
        &["model", "runtime", "store", "broker", "provider-kit"],
    ),
    // Floor 4: a provider's library knows model and kit; its binary adds the worker (checked below).
    (
        "provider-qbo",
        &["model", "provider-kit", "worker", "runtime"],
    ),
    (
        "provider-xero",
        &["model", "provider-kit", "worker", "runtime"],
    ),
    // Floor 5: the one list of providers.
    (
        "catalog",
        &["model", "provider-kit", "provider-qbo", "provider-xero"],
    ),
    // Floor 6: what people and timers start.
    (
        "scheduler",
        &["model", "runtime", "store", "broker", "producer", "catalog"],
    ),
    (
        "cli",
        &["model", "runtime", "store", "broker", "producer", "catalog"],
    ),
    // Beside the floors.
    ("sandbox", &[]),
    ("xtask", &[]),
];

/// Crates that one of ours alone may name.
const OWNED: &[(&str, &str)] = &[("sqlx", "store"), ("lapin", "broker")];

/// What turns words into doing: the model has none of it.
const DOORS: [&str; 6] = ["tokio", "sqlx", "reqwest", "lapin", "axum", "hyper"];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .expect("cargo describes the workspace")
}

fn ours(metadata: &Metadata) -> BTreeSet<&str> {
    metadata
        .packages
        .iter()
        .map(|package| package.name.as_str())
        .collect()
}

/// What `package` names for its own use, tests aside.
fn named_by(package: &Package) -> BTreeSet<&str> {
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind != DependencyKind::Development)
        .map(|dependency| dependency.name.as_str())
        .collect()
}

fn allowed(name: &str) -> Option<&'static [&'static str]> {
    EDGES
        .iter()
        .find(|(package, _)| *package == name)
        .map(|(_, edges)| *edges)
}

fn assert_none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

#[test]
fn every_edge_between_our_crates_is_in_the_table() {
    let metadata = metadata();
    let ours = ours(&metadata);
    let mut wrong = Vec::new();
    // The integration tests see everything: that is what they are for.
    for package in metadata
        .packages
        .iter()
        .filter(|package| *package.name != "tests")
    {
        let Some(edges) = allowed(&package.name) else {
            wrong.push(format!("{} has no floor", package.name));
            continue;
        };
        for name in named_by(package).intersection(&ours) {
            if !edges.contains(name) {
                wrong.push(format!("{} -> {name}", package.name));
            }
        }
    }
    assert_none(&wrong, "edges that are no decision");
}

#[test]
fn the_table_names_only_crates_that_exist() {
    let metadata = metadata();
    let ours = ours(&metadata);
    let gone: Vec<String> = EDGES
        .iter()
        .flat_map(|(name, edges)| edges.iter().chain([name]))
        .filter(|name| !ours.contains(*name))
        .map(|name| (*name).to_owned())
        .collect();
    assert_none(&gone, "crates in the table that are gone");
}

#[test]
fn one_crate_alone_names_each_door() {
    let metadata = metadata();
    let mut wrong = Vec::new();
    for (door, owner) in OWNED {
        for package in metadata
            .packages
            .iter()
            .filter(|package| *package.name != *owner)
        {
            // The integration tests, too, go through the doors and not around them.
            if package
                .dependencies
                .iter()
                .any(|dependency| dependency.name == *door)
            {
                wrong.push(format!("{} names {door}, which is {owner}'s", package.name));
            }
        }
    }
    assert_none(&wrong, "doors with two owners");
}

#[test]
fn the_model_does_nothing() {
    let metadata = metadata();
    let model = package(&metadata, "model");
    let doors: Vec<String> = named_by(model)
        .into_iter()
        .filter(|name| DOORS.contains(name))
        .map(str::to_owned)
        .collect();
    assert_none(&doors, "what the model must not name");
}

#[test]
fn only_the_binary_of_a_provider_names_the_worker() {
    let metadata = metadata();
    let mut wrong = Vec::new();
    for package in metadata
        .packages
        .iter()
        .filter(|package| package.name.starts_with("provider-") && *package.name != "provider-kit")
    {
        let source = package.manifest_path.with_file_name("src");
        for file in rust_files(source.as_std_path()) {
            if file == source.join("main.rs").as_std_path() {
                continue;
            }
            let text = fs::read_to_string(&file).expect("a source file is UTF-8");
            // Process furniture and the loop belong to the binary; the library is model and kit only.
            for name in ["worker", "runtime", "store", "broker"] {
                if text.lines().any(|line| uses(line, name)) {
                    wrong.push(format!("{} uses {name}", file.display()));
                }
            }
        }
    }
    assert_none(
        &wrong,
        "libraries of providers that know more than model and kit",
    );
}

/// Whether a line of code names the crate `name`; comments may talk about it.
fn uses(line: &str, name: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let path = format!("{name}::");
    code.match_indices(&path).any(|(at, _)| {
        code[..at]
            .chars()
            .next_back()
            .is_none_or(|before| !before.is_alphanumeric() && before != '_' && before != ':')
    })
}

fn package<'a>(metadata: &'a Metadata, name: &str) -> &'a Package {
    metadata
        .packages
        .iter()
        .find(|package| *package.name == name)
        .unwrap_or_else(|| panic!("there is no crate {name}"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a crate has sources") {
        let path = entry.expect("a folder can be listed").path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn a_crate_is_told_from_a_module_of_the_same_name() {
    assert!(uses("use worker::Loop;", "worker"));
    assert!(uses("    worker::run(provider).await", "worker"));
    assert!(!uses("use crate::worker::Loop;", "worker"));
    assert!(!uses("// worker::run is not called here", "worker"));
    assert!(!uses("let my_worker::x = 1;", "worker"));
}
