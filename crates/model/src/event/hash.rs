//! A document's fingerprint: tells whether two bodies under one id and version are the same.

use serde_json::Value;

use crate::digest::sha256_hex;
use crate::document::Document;

/// SHA-256, in hexadecimal, over the document as JSON with sorted keys and without blanks.
///
/// Fields that are absent, null or ignored make no difference, and neither do zeros at the end of a
/// decimal: `10.5` and `10.50` are the same amount.
pub fn canonical_hash(document: &Document) -> String {
    let value = serde_json::to_value(document).expect("a document is always JSON");
    let mut text = String::new();
    write_sorted(&value, &mut text);
    sha256_hex([text])
}

fn write_sorted(value: &Value, out: &mut String) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            out.push_str(&value.to_string());
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_sorted(item, out);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_unstable_by_key(|(key, _)| *key);
            out.push('{');
            for (index, (key, item)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                write_sorted(item, out);
            }
            out.push('}');
        }
    }
}
