//! Reads JSON more strictly than `serde_json` alone: no duplicate keys, a bound on depth, the place of any NUL.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::Limits;
use super::fault::{Code, Fault};

/// A JSON value. Numbers keep their text: money is never a number, and ids must not lose digits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Node {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Node>),
    Object(BTreeMap<String, Node>),
}

impl Node {
    /// The value's type in words.
    pub(super) const fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

/// A decoded message.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) root: Node,
    nul_at: Option<String>,
}

impl Message {
    /// Refuses NUL anywhere, unknown fields included: a text with NUL can be stored nowhere downstream.
    pub(super) fn refuse_nul(&self) -> Result<(), Fault> {
        self.nul_at.as_ref().map_or(Ok(()), |path| {
            Err(Fault::new(
                Code::ControlCharacter,
                path,
                "the text contains the character NUL; remove it",
            ))
        })
    }
}

/// Decodes bytes within the limits.
pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Message, Fault> {
    if bytes.len() > limits.bytes {
        return Err(Fault::new(
            Code::TooLarge,
            "$",
            format!(
                "the message has {} bytes and may have {}; send fewer lines or shorter texts",
                bytes.len(),
                limits.bytes
            ),
        ));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let advice = format!("byte {at} is not UTF-8; encode the message as UTF-8");
        Fault::new(Code::NotUtf8, "$", advice)
    })?;
    let mut scan = Scan {
        path: Vec::new(),
        deepest: limits.depth,
        nul_at: None,
        fault: None,
    };
    let mut source = serde_json::Deserializer::from_str(text);
    let root = (Seed { scan: &mut scan })
        .deserialize(&mut source)
        .and_then(|root| source.end().map(|()| root));
    match (root, scan.fault) {
        (Ok(root), None) => Ok(Message {
            root,
            nul_at: scan.nul_at,
        }),
        (_, Some(fault)) => Err(fault),
        (Err(error), None) => Err(Fault::new(
            Code::NotJson,
            "$",
            format!("{error}; send one JSON object"),
        )),
    }
}

/// Where the scan is, and what it has found.
struct Scan {
    path: Vec<Step>,
    deepest: usize,
    nul_at: Option<String>,
    fault: Option<Fault>,
}

enum Step {
    Key(String),
    Index(usize),
}

impl Scan {
    fn shown_path(&self) -> String {
        let mut shown = "$".to_owned();
        for step in &self.path {
            match step {
                Step::Key(key) => shown = super::reader::join(&shown, key),
                Step::Index(index) => shown = format!("{shown}[{index}]"),
            }
        }
        shown
    }

    fn note_nul(&mut self, text: &str) {
        if self.nul_at.is_none() && text.contains('\0') {
            self.nul_at = Some(self.shown_path());
        }
    }

    fn fail<E: serde::de::Error>(&mut self, code: Code, advice: &str) -> E {
        self.fault = Some(Fault::new(code, self.shown_path(), advice));
        E::custom(advice)
    }

    fn check_depth<E: serde::de::Error>(&mut self) -> Result<(), E> {
        if self.path.len() < self.deepest {
            return Ok(());
        }
        let advice = format!(
            "objects and lists may be {} deep; flatten the message",
            self.deepest
        );
        // The path itself would be as long as the attacker likes.
        self.path.truncate(8);
        Err(self.fail(Code::TooDeep, &advice))
    }
}

struct Seed<'s> {
    scan: &'s mut Scan,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Node, D::Error> {
        source.deserialize_any(self)
    }
}

/// The key under which `serde_json` presents a number's exact text.
const NUMBER: &str = "$serde_json::private::Number";

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Number(value.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        self.scan.note_nul(text);
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        self.scan.check_depth()?;
        let mut list = Vec::new();
        loop {
            self.scan.path.push(Step::Index(list.len()));
            let item = items.next_element_seed(Seed { scan: self.scan })?;
            self.scan.path.pop();
            match item {
                Some(item) => list.push(item),
                None => return Ok(Node::List(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut object = BTreeMap::new();
        while let Some(key) = entries.next_key::<String>()? {
            if key == NUMBER && object.is_empty() {
                // A sender's own key of this name reads as a number, or is refused as none.
                return entries.next_value::<String>().map(Node::Number);
            }
            self.scan.check_depth()?;
            let shown: String = key.chars().take(100).collect();
            self.scan.path.push(Step::Key(shown));
            self.scan.note_nul(&key);
            if object.contains_key(&key) {
                let advice = "the key stands twice in one object; send it once";
                return Err(self.scan.fail(Code::DuplicateKey, advice));
            }
            let value = entries.next_value_seed(Seed { scan: self.scan })?;
            self.scan.path.pop();
            object.insert(key, value);
        }
        Ok(Node::Object(object))
    }
}
