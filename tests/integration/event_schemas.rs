//! The contract for events: schemas, examples, the page that explains them and the parser say the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::{Registry, Validator};
use model::event::{self, BadEvent, Code, EventType};
use serde::Deserialize;
use serde_json::Value;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn schemas() -> PathBuf {
    repository().join("crates/model/schemas")
}

fn json_files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "json"))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// The schemas of all types, each compiled with the shared definitions.
struct Schemas {
    by_type: BTreeMap<String, Validator>,
    any: Validator,
}

impl Schemas {
    fn load() -> Self {
        let files: BTreeMap<String, Value> = json_files(&schemas())
            .into_iter()
            .map(|(name, bytes)| (name, serde_json::from_slice(&bytes).unwrap()))
            .collect();
        let mut registry = Registry::new();
        for schema in files.values() {
            registry = registry
                .add(schema["$id"].as_str().unwrap(), schema)
                .unwrap();
        }
        let registry = registry.prepare().unwrap();
        let compiled = |name: &str| {
            jsonschema::draft202012::options()
                .with_registry(&registry)
                .should_validate_formats(true)
                .build(&files[name])
                .unwrap_or_else(|error| panic!("{name}: {error}"))
        };
        let by_type = EventType::ALL
            .iter()
            .map(|event_type| {
                let file = format!("{}.json", event_type.routing_key());
                (event_type.name().to_owned(), compiled(&file))
            })
            .collect();
        Self {
            by_type,
            any: compiled("event.json"),
        }
    }

    /// The schema of the message's type, or the one for any type where it names none that is known.
    fn of(&self, message: &Value) -> &Validator {
        message["type"]
            .as_str()
            .and_then(|name| self.by_type.get(name))
            .unwrap_or(&self.any)
    }

    fn complaints(&self, message: &Value) -> Vec<String> {
        self.of(message)
            .iter_errors(message)
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .collect()
    }
}

/// One refused example, as the manifest describes it.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Refused {
    file: String,
    class: String,
    code: String,
    path: String,
    schema: String,
}

fn manifest() -> Vec<Refused> {
    serde_json::from_slice(&fs::read(schemas().join("invalid/manifest.json")).unwrap()).unwrap()
}

/// What a schema cannot say: sums, fields compared with each other, decimals by currency, raw JSON.
const BEYOND_SCHEMAS: &[Code] = &[
    Code::BelowMinorUnit,
    Code::ControlCharacter,
    Code::DiscountOutOfRange,
    Code::DueBeforeIssue,
    Code::DuplicateEntry,
    Code::DuplicateKey,
    Code::GrossMismatch,
    Code::LineAmountMismatch,
    Code::LinesSumMismatch,
    Code::OverAllocated,
    Code::SubjectMismatch,
    Code::TaxSumMismatch,
    Code::TooDeep,
];

#[test]
fn every_valid_example_passes_its_schema_and_the_parser() {
    let schemas_of = Schemas::load();
    let examples = json_files(&schemas().join("examples"));
    assert!(examples.len() >= 20, "{} examples", examples.len());
    for (name, bytes) in &examples {
        let message: Value = serde_json::from_slice(bytes).unwrap();
        assert_eq!(
            schemas_of.complaints(&message),
            Vec::<String>::new(),
            "{name}"
        );
        assert!(schemas_of.any.is_valid(&message), "{name}");
        let event = event::parse(bytes).unwrap_or_else(|bad| panic!("{name}: {bad}"));
        assert_eq!(event.event_type.name(), message["type"], "{name}");
    }
}

#[test]
fn every_type_of_event_has_a_valid_example() {
    let shown: BTreeSet<_> = json_files(&schemas().join("examples"))
        .iter()
        .map(|(_, bytes)| event::parse(bytes).unwrap().event_type)
        .collect();
    assert_eq!(shown, EventType::ALL.iter().copied().collect());
}

#[test]
fn every_refused_example_is_refused_as_the_manifest_says() {
    let schemas_of = Schemas::load();
    for refused in manifest() {
        let name = &refused.file;
        let bytes = fs::read(schemas().join("invalid").join(name)).unwrap();
        let bad = event::parse(&bytes).expect_err(name);
        let class = match &bad {
            BadEvent::Undecodable(_) => "undecodable",
            BadEvent::Invalid { .. } => "invalid",
        };
        let fault = bad.fault();
        assert_eq!(
            (class, fault.code.as_str(), fault.path.as_str()),
            (&*refused.class, &*refused.code, &*refused.path),
            "{name}: {bad}"
        );
        let by_schema = match serde_json::from_slice(&bytes) {
            Err(_) => "not JSON",
            Ok(message) if schemas_of.of(&message).is_valid(&message) => "accepts",
            Ok(_) => "refuses",
        };
        assert_eq!(by_schema, refused.schema, "{name}");
        if by_schema == "accepts" {
            assert!(
                BEYOND_SCHEMAS.contains(&fault.code),
                "{name}: a schema can say this"
            );
        }
    }
}

#[test]
fn the_manifest_lists_each_refused_example_once() {
    let mut listed: Vec<_> = manifest().into_iter().map(|refused| refused.file).collect();
    let there: Vec<_> = json_files(&schemas().join("invalid"))
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| name != "manifest.json")
        .collect();
    listed.sort();
    assert_eq!(listed, there);
    assert!(there.len() >= 25, "{} examples", there.len());
}

#[test]
fn every_code_but_those_of_sheer_size_has_a_refused_example() {
    // These need a megabyte, a thousand lines or bytes that no editor keeps: the parser's own tests have them.
    let elsewhere = [
        Code::TooLarge,
        Code::NotUtf8,
        Code::TooManyLines,
        Code::TooManyAllocations,
    ];
    let shown: BTreeSet<_> = manifest().into_iter().map(|refused| refused.code).collect();
    for code in Code::ALL.iter().filter(|code| !elsewhere.contains(code)) {
        assert!(shown.contains(code.as_str()), "{code}");
    }
}

#[test]
fn the_page_explains_each_type_with_an_example_that_is_taken() {
    let page = fs::read_to_string(repository().join("docs/events.md")).unwrap();
    let schemas_of = Schemas::load();
    let mut shown = Vec::new();
    for block in page.split("\n```json\n").skip(1) {
        let (example, _) = block.split_once("\n```").expect("the block is closed");
        let event =
            event::parse(example.as_bytes()).unwrap_or_else(|bad| panic!("{bad}\n{example}"));
        let message: Value = serde_json::from_str(example).unwrap();
        assert_eq!(
            schemas_of.complaints(&message),
            Vec::<String>::new(),
            "{example}"
        );
        shown.push(event.event_type);
    }
    assert_eq!(shown, EventType::ALL, "one example per type, in this order");
}

#[test]
fn the_page_lists_every_code_and_every_routing_key() {
    let page = fs::read_to_string(repository().join("docs/events.md")).unwrap();
    for code in Code::ALL {
        assert!(page.contains(&format!("`{code}`")), "{code}");
    }
    for event_type in EventType::ALL {
        let key = event_type.routing_key();
        assert!(page.contains(&format!("`{key}`")), "{key}");
    }
}

#[test]
fn the_schemas_and_the_parser_know_the_same_currencies() {
    let definitions: Value =
        serde_json::from_slice(&fs::read(schemas().join("defs.json")).unwrap()).unwrap();
    let listed: BTreeSet<_> = definitions["$defs"]["currency"]["enum"]
        .as_array()
        .unwrap()
        .iter()
        .map(|code| code.as_str().unwrap().to_owned())
        .collect();
    let letters = || 'A'..='Z';
    let known: BTreeSet<_> = letters()
        .flat_map(|a| letters().flat_map(move |b| letters().map(move |c| format!("{a}{b}{c}"))))
        .filter(|code| code.parse::<model::Currency>().is_ok())
        .collect();
    assert_eq!(listed, known);
}
