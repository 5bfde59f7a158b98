//! What the service answers, before anything goes wrong on the way.

use serde_json::Value;

use super::fault::QboFault;
use crate::web::journal::{Execution, Touched};

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Content type.
    pub content_type: &'static str,
    /// Where a redirect leads.
    pub location: Option<String>,
    /// Body.
    pub body: String,
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
            ..Self::plain(
                200,
                "application/json",
                body.to_string(),
                Execution::Executed,
            )
        }
    }

    /// A fault of the service.
    pub fn fault(fault: &QboFault, time: &str) -> Self {
        let body = fault.body(time).to_string();
        Self::plain(fault.status, "application/json", body, Execution::Refused)
    }

    /// Anything that changes no object.
    pub fn plain(
        status: u16,
        content_type: &'static str,
        body: String,
        execution: Execution,
    ) -> Self {
        Self {
            status,
            content_type,
            location: None,
            body,
            execution,
            touched: Vec::new(),
        }
    }
}
