//! Every kind of request against Xero's own `OpenAPI` file, where that file is at hand.
//!
//! The file is reference data that this project does not carry; without it the test says that it was skipped. The
//! check is stricter than the file, which takes unknown members: a member that it does not name is an error here.
//! Where the file differs from the service itself, the difference is a line of `DEVIATIONS`.

use std::path::PathBuf;

use provider_kit::Request;
use serde_json::{Map, Value};
use yaml_rust2::{Yaml, YamlLoader};

use super::encoding;

/// The file, beside the folder of the project.
const FILE: &str = "../shared/contracts/xero/xero_accounting.yaml";

/// What the file says otherwise than Xero's pages and recorded traffic (checked 2026-11-23): the place, and why.
const DEVIATIONS: &[(&str, &str)] = &[
    (
        "header if-modified-since",
        "the file wants a zone; the service takes UTC without one",
    ),
    (
        "header accept",
        "not in the file; without it the service answers XML",
    ),
    (
        "header content-type",
        "the file says it by the media type of the body",
    ),
];

#[test]
fn every_request_keeps_to_the_official_contract() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(FILE);
    let Ok(text) = std::fs::read_to_string(&root) else {
        eprintln!("skipped: Xero's OpenAPI file is not at hand");
        return;
    };
    let contract = Contract::read(&text);
    let mut faults = Vec::new();
    for (name, request) in encoding::requests() {
        for fault in contract.faults(&request) {
            if !DEVIATIONS.iter().any(|(place, _)| *place == fault) {
                faults.push(format!("{name}: {fault}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    // A check that takes everything would be none.
    for (change, fault) in wrong_requests() {
        let told = contract.faults(&change);
        assert!(
            told.iter().any(|own| own.contains(fault)),
            "{fault}: {told:?}"
        );
    }
}

/// Requests with one fault each, and what must be said of it.
fn wrong_requests() -> Vec<(Request, &'static str)> {
    let named = |wanted: &str| {
        let mut all = encoding::requests().into_iter();
        all.find(|(name, _)| *name == wanted).unwrap().1
    };
    let with = |request: &Request, from: &str, to: &str| {
        let body = String::from_utf8(request.body.clone()).unwrap();
        assert!(body.contains(from), "{from}");
        Request {
            body: body.replace(from, to).into_bytes(),
            ..request.clone()
        }
    };
    let invoice = named("invoice_create");
    let mut path = invoice.clone();
    path.path.push('s');
    let mut query = invoice.clone();
    query.query[0].1 = "perhaps".to_owned();
    let mut unknown = invoice.clone();
    unknown
        .query
        .push(("unitDecimals".to_owned(), "4".to_owned()));
    let mut tenant = invoice.clone();
    tenant.headers.retain(|(name, _)| name != "xero-tenant-id");
    vec![
        (path, "no such path"),
        (query, "query summarizeErrors"),
        (unknown, "query unitDecimals"),
        (tenant, "header xero-tenant-id is missing"),
        (with(&invoice, "ACCREC", "BANANA"), "is none of"),
        (
            with(&invoice, "\"Quantity\":2", "\"Quantity\":\"2\""),
            "is not a number",
        ),
        (
            with(&invoice, "\"DueDate\"", "\"DueDay\""),
            "DueDay is not named",
        ),
        (with(&invoice, "00000001-d862", "1-d862"), "is no uuid"),
        (
            with(
                &named("contact_create"),
                "\"City\":\"London\"",
                "\"City\":7",
            ),
            "is not a string",
        ),
        (
            with(&named("allocation_create"), "\"Date\"", "\"DateString\""),
            "Date is missing",
        ),
    ]
}

/// The file as one value.
struct Contract(Value);

impl Contract {
    fn read(text: &str) -> Self {
        let documents = YamlLoader::load_from_str(text).unwrap();
        Self(json(&documents[0]))
    }

    /// The value a reference stands for.
    fn followed<'a>(&'a self, mut schema: &'a Value) -> &'a Value {
        while let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let pointer = reference.strip_prefix('#').unwrap();
            schema = self.0.pointer(pointer).unwrap();
        }
        schema
    }

    /// Everything that the file does not allow in a request.
    fn faults(&self, request: &Request) -> Vec<String> {
        let path = request.path.strip_prefix("/api.xro/2.0").unwrap();
        let paths = self.0["paths"].as_object().unwrap();
        let Some((_, item)) = paths.iter().find(|(template, _)| fits(template, path)) else {
            return vec![format!("no such path: {path}")];
        };
        let method = request.method.as_str().to_lowercase();
        let Some(operation) = item.get(&method) else {
            return vec![format!("{path} has no {method}")];
        };
        let listed = |place: &Value| place.get("parameters").and_then(Value::as_array).cloned();
        let parameters: Vec<Value> = listed(operation)
            .into_iter()
            .chain(listed(item))
            .flatten()
            .map(|one| self.followed(&one).clone())
            .collect();
        let mut faults = self.parameter_faults(request, &parameters);
        let body = operation.pointer("/requestBody/content/application~1json/schema");
        match body.or_else(|| {
            let declared = self.followed(operation.get("requestBody")?);
            declared.pointer("/content/application~1json/schema")
        }) {
            Some(schema) => {
                let value: Value = serde_json::from_slice(&request.body).unwrap();
                self.check(schema, &value, "body", &mut faults);
            }
            None if request.body.is_empty() => {}
            None => faults.push("a body where none is wanted".to_owned()),
        }
        faults
    }

    fn parameter_faults(&self, request: &Request, parameters: &[Value]) -> Vec<String> {
        let mut faults = Vec::new();
        let known = |name: &str, place: &str| {
            parameters.iter().find(|one| {
                one["in"] == place && one["name"].as_str().unwrap().eq_ignore_ascii_case(name)
            })
        };
        for (name, value) in &request.query {
            let fits = known(name, "query").is_some_and(|one| self.says(&one["schema"], value));
            if !fits {
                faults.push(format!("query {name}"));
            }
        }
        for (name, value) in &request.headers {
            let fits = known(name, "header").is_some_and(|one| self.says(&one["schema"], value));
            if !fits {
                faults.push(format!("header {name}"));
            }
        }
        for one in parameters.iter().filter(|one| one["required"] == true) {
            let name = one["name"].as_str().unwrap();
            let mut sent = request.query.iter().chain(&request.headers);
            let is_there =
                one["in"] == "path" || sent.any(|(own, _)| own.eq_ignore_ascii_case(name));
            if !is_there {
                faults.push(format!("{} {name} is missing", one["in"].as_str().unwrap()));
            }
        }
        faults
    }

    /// Whether a text is a value of a parameter.
    fn says(&self, schema: &Value, text: &str) -> bool {
        let schema = self.followed(schema);
        match schema["type"].as_str() {
            Some("boolean") => matches!(text, "true" | "false"),
            Some("integer") => text.parse::<i64>().is_ok(),
            Some("array") => text
                .split(',')
                .all(|part| self.says(&schema["items"], part)),
            _ if schema["format"] == "date-time" => text.ends_with('Z'),
            _ if schema["format"] == "uuid" => is_uuid(text),
            _ => !text.is_empty(),
        }
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
        let schema = self.followed(schema);
        if let Some(choices) = schema["enum"].as_array()
            && !choices.contains(value)
        {
            faults.push(format!("{at} is none of its values: {value}"));
        }
        match schema["type"].as_str() {
            Some("string") => match value.as_str() {
                None => faults.push(format!("{at} is not a string")),
                Some(text) => {
                    let most = schema["maxLength"].as_u64().unwrap_or(u64::MAX);
                    if text.chars().count() as u64 > most {
                        faults.push(format!("{at} is too long"));
                    }
                    if schema["format"] == "uuid" && !is_uuid(text) {
                        faults.push(format!("{at} is no uuid"));
                    }
                }
            },
            Some("number" | "integer") if !value.is_number() => {
                faults.push(format!("{at} is not a number"));
            }
            Some("boolean") if !value.is_boolean() => faults.push(format!("{at} is not a flag")),
            Some("array") => match value.as_array() {
                None => faults.push(format!("{at} is not a list")),
                Some(items) => {
                    for item in items {
                        self.check(&schema["items"], item, at, faults);
                    }
                }
            },
            _ => {}
        }
        if let Some(properties) = schema["properties"].as_object() {
            self.check_members(schema, properties, value, at, faults);
        }
    }

    fn check_members(
        &self,
        schema: &Value,
        properties: &Map<String, Value>,
        value: &Value,
        at: &str,
        faults: &mut Vec<String>,
    ) {
        let Some(members) = value.as_object() else {
            faults.push(format!("{at} is not an object"));
            return;
        };
        for (name, inner) in members {
            match properties.get(name) {
                Some(schema) => self.check(schema, inner, &format!("{at}.{name}"), faults),
                None => faults.push(format!("{at}: {name} is not named")),
            }
        }
        for name in schema["required"].as_array().into_iter().flatten() {
            let name = name.as_str().unwrap();
            // What is inside a reference to another object is not sent again.
            if !members.contains_key(name) {
                faults.push(format!("{at}: {name} is missing"));
            }
        }
    }
}

fn is_uuid(text: &str) -> bool {
    uuid::Uuid::try_parse(text).is_ok()
}

/// Whether a path is one of a template.
fn fits(template: &str, path: &str) -> bool {
    let parts = |text: &str| text.split('/').map(str::to_owned).collect::<Vec<_>>();
    let (wanted, own) = (parts(template), parts(path));
    wanted.len() == own.len()
        && wanted
            .iter()
            .zip(&own)
            .all(|(wanted, own)| wanted.starts_with('{') && is_uuid(own) || wanted == own)
}

fn json(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Real(text) => text.parse().map_or(Value::Null, Value::Number),
        Yaml::Integer(number) => (*number).into(),
        Yaml::String(text) => text.as_str().into(),
        Yaml::Boolean(flag) => (*flag).into(),
        Yaml::Array(items) => items.iter().map(json).collect(),
        Yaml::Hash(members) => members
            .iter()
            .filter_map(|(name, value)| Some((name.as_str()?.to_owned(), json(value))))
            .collect::<Map<_, _>>()
            .into(),
        Yaml::Alias(_) | Yaml::Null | Yaml::BadValue => Value::Null,
    }
}
