//! What the service answers, before anything goes wrong on the way.

use serde_json::Value;

use crate::web::journal::{Execution, Touched};

/// Content type of everything that is JSON.
pub const JSON: &str = "application/json; charset=utf-8";
/// Content type of what is meant for people.
pub const PLAIN: &str = "text/plain; charset=utf-8";

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Content type; empty for an answer without a body.
    pub content_type: &'static str,
    /// Body.
    pub body: String,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// What became of the request.
    pub execution: Execution,
    /// Objects created or changed.
    pub touched: Vec<Touched>,
}

impl Answer {
    /// A success.
    pub fn success(body: &Value, touched: Vec<Touched>) -> Self {
        Self {
            touched,
            ..Self::json(200, body, Execution::Executed)
        }
    }

    /// JSON of any kind.
    pub fn json(status: u16, body: &Value, execution: Execution) -> Self {
        Self::text(status, JSON, body.to_string(), execution)
    }

    /// A refusal in JSON.
    pub fn refused(status: u16, body: &Value) -> Self {
        Self::json(status, body, Execution::Refused)
    }

    /// A refusal in words.
    pub fn words(status: u16, words: &str) -> Self {
        Self::text(status, PLAIN, words.to_owned(), Execution::Refused)
    }

    /// A body of any type.
    pub fn text(
        status: u16,
        content_type: &'static str,
        body: String,
        execution: Execution,
    ) -> Self {
        Self {
            status,
            content_type,
            body,
            headers: Vec::new(),
            execution,
            touched: Vec::new(),
        }
    }

    /// A success without a body.
    pub fn empty(status: u16) -> Self {
        Self::text(status, "", String::new(), Execution::Executed)
    }

    /// The same with a further header.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}
