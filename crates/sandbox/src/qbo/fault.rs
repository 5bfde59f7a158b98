//! The faults of the service: codes and texts, and the two shapes they come in.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// Why the service refuses a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QboFault {
    /// HTTP status when it is the answer to a whole request.
    pub status: u16,
    /// `ValidationFault`, `SystemFault`, …
    pub kind: &'static str,
    /// Fault code.
    pub code: String,
    /// Short text.
    pub message: String,
    /// Text with the particulars.
    pub detail: String,
    /// Field at fault.
    pub element: String,
}

impl QboFault {
    /// A validation fault with status 400.
    pub fn validation(code: &str, message: &str, detail: impl Into<String>) -> Self {
        Self {
            status: 400,
            kind: "ValidationFault",
            code: code.to_owned(),
            message: message.to_owned(),
            detail: detail.into(),
            element: String::new(),
        }
    }

    /// The same fault naming a field.
    pub fn on(mut self, element: impl Into<String>) -> Self {
        self.element = element.into();
        self
    }

    /// 500: the operation is not offered.
    pub fn unsupported_operation(what: &str) -> Self {
        Self::validation(
            "500",
            "Unsupported Operation",
            format!("Operation {what} is not supported."),
        )
    }

    /// 610: the object is gone or was never there.
    pub fn not_found() -> Self {
        Self::validation(
            "610",
            "Object Not Found",
            "Object Not Found : Something you're trying to use has been made inactive. \
             Check the fields with accounts, customers, items, vendors or employees.",
        )
    }

    /// 610 in the words used for a deleted transaction.
    pub fn deleted() -> Self {
        Self::validation(
            "610",
            "Object Not Found",
            "Object Not Found : Another user has deleted this transaction.",
        )
    }

    /// 620: a transaction cannot be linked to another.
    pub fn not_linkable(why: &str) -> Self {
        Self::validation(
            "620",
            "Transaction can not be linked",
            format!("Transaction can not be linked : {why}"),
        )
    }

    /// 6540: a payment on a deposit.
    pub fn deposited() -> Self {
        Self::validation(
            "6540",
            "Deposited Transaction cannot be changed",
            "Deposited Transaction cannot be changed : If you need to make changes to this \
             transaction, remove it from the deposit first.",
        )
    }

    /// 2010: a property the service does not know.
    pub fn unknown_property(name: &str) -> Self {
        Self::validation(
            "2010",
            "Request has invalid or unsupported property",
            format!("Property Name:{name} is unsupported or invalid"),
        )
        .on(name)
    }

    /// 2020: a required value is missing.
    pub fn missing(name: &str) -> Self {
        Self::validation(
            "2020",
            "Required param missing, need to supply the required value for the API",
            format!("Required parameter {name} is missing in the request"),
        )
        .on(name)
    }

    /// 2050: a text is too long.
    pub fn length(element: &str, most: usize, supplied: usize) -> Self {
        Self::validation(
            "2050",
            "String length is either shorter or longer than supported by specification",
            format!(
                "Min:0 Max:{} supported. Supplied length:{}",
                grouped(most),
                grouped(supplied)
            ),
        )
        .on(element)
    }

    /// 2090: not a number, or one with too many digits.
    pub fn number(element: &str) -> Self {
        Self::validation(
            "2090",
            "Invalid Number",
            format!("{element} is not a supported number"),
        )
        .on(element)
    }

    /// 2170: a value that is not one of the allowed ones.
    pub fn enumeration(element: &str, value: &str) -> Self {
        Self::validation(
            "2170",
            "Invalid Enumeration",
            format!("Invalid Enumeration : {value}"),
        )
        .on(element)
    }

    /// 2500: a reference to something missing or of the wrong sort.
    pub fn reference(detail: impl Into<String>) -> Self {
        Self::validation("2500", "Invalid Reference Id", detail).on("Reference Id")
    }

    /// 4000: the query is not in the language.
    pub fn query_syntax(detail: &str) -> Self {
        Self::validation(
            "4000",
            "Error parsing query",
            format!("QueryParserError: {detail}"),
        )
    }

    /// 4001: the query asks for something that cannot be asked.
    pub fn query_meaning(detail: impl std::fmt::Display) -> Self {
        Self::validation(
            "4001",
            "Invalid query",
            format!("QueryValidationError: {detail}"),
        )
    }

    /// 5010: the revision given is not the current one.
    pub fn stale() -> Self {
        Self::validation(
            "5010",
            "Stale Object Error",
            "Stale Object Error : You and another user were working on this at the same time. \
             The other user finished before you did, so your work was not saved.",
        )
    }

    /// 6000: the general business rule fault.
    pub fn business(detail: &str) -> Self {
        Self::validation(
            "6000",
            "A business validation error has occurred while processing your request",
            format!("Business Validation Error: {detail}"),
        )
    }

    /// 6190: the subscription is over.
    pub fn suspended() -> Self {
        Self::validation(
            "6190",
            "Invalid Company Status",
            "Subscription period has ended or canceled or there was a billing problem",
        )
    }

    /// 6210: the books are closed up to a later day.
    pub fn closed_books() -> Self {
        Self::validation(
            "6210",
            "Account Period Closed, Cannot Update Through Services",
            "The account period has closed and the account books cannot be updated through the \
             QBO Services API. Please use the QBO website to make these changes.",
        )
    }

    /// 6240: the name is taken.
    pub fn duplicate_name(users: &str) -> Self {
        Self::validation(
            "6240",
            "Duplicate Name Exists Error",
            format!(
                "The name supplied already exists. : Another {users} is already using this \
                 name. Please use a different name."
            ),
        )
    }

    /// 10000: the service itself failed.
    pub fn system(detail: &str) -> Self {
        Self {
            status: 500,
            kind: "SystemFault",
            ..Self::validation(
                "10000",
                "An application error has occurred while processing your request",
                format!("System Failure Error: {detail}"),
            )
        }
    }

    /// The `Fault` member as it stands in replies and in batch elements.
    pub fn member(&self) -> Value {
        json!({
            "Error": [{
                "Message": self.message,
                "Detail": self.detail,
                "code": self.code,
                "element": self.element,
            }],
            "type": self.kind,
        })
    }

    /// The whole reply body.
    pub fn body(&self, time: &str) -> Value {
        json!({"Fault": self.member(), "time": time})
    }
}

/// A refusal by the gateway in front of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GatewayFault {
    /// 401, code 3200: no token, a wrong one or an expired one.
    Authentication,
    /// 403, code 3100: a good token for another company.
    Authorization,
    /// 429, code 3001: too many requests.
    Throttle,
}

/// The shapes in which a gateway fault is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum GatewayShape {
    /// Lower-case members among many nulls.
    #[default]
    Gateway,
    /// The shape of the service's own faults.
    Fault,
    /// XML, whatever was asked for.
    Xml,
}

impl GatewayFault {
    /// HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Self::Authentication => 401,
            Self::Authorization => 403,
            Self::Throttle => 429,
        }
    }

    /// Content type and body in the given shape.
    pub fn reply(self, shape: GatewayShape, now: DateTime<Utc>) -> (&'static str, String) {
        let (kind, code, message, detail) = self.words();
        match shape {
            GatewayShape::Gateway => (
                "application/json",
                json!({
                    "warnings": null, "intuitObject": null,
                    "fault": {
                        "error": [{
                            "message": message, "detail": detail, "code": code, "element": null,
                        }],
                        "type": kind,
                    },
                    "report": null, "queryResponse": null, "batchItemResponse": [],
                    "attachableResponse": [], "syncErrorResponse": null, "requestId": null,
                    "time": now.timestamp_millis(), "status": null, "cdcresponse": [],
                })
                .to_string(),
            ),
            GatewayShape::Fault => (
                "application/json",
                json!({
                    "Fault": {
                        "Error": [{"Message": message, "Detail": detail, "code": code}],
                        "type": kind,
                    },
                    "time": now.to_rfc3339(),
                })
                .to_string(),
            ),
            GatewayShape::Xml => (
                "application/xml",
                format!(
                    "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\
                     <IntuitResponse time=\"{}\" xmlns=\"http://schema.intuit.com/finance/v3\">\
                     <Fault type=\"{kind}\"><Error code=\"{code}\"><Message>{message}</Message>\
                     <Detail>{detail}</Detail></Error></Fault></IntuitResponse>",
                    now.to_rfc3339()
                ),
            ),
        }
    }

    fn words(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::Authentication => (
                "AUTHENTICATION",
                "3200",
                "message=AuthenticationFailed; errorCode=003200; statusCode=401",
                "Token expired or invalid",
            ),
            Self::Authorization => (
                "SERVICE",
                "3100",
                "message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403",
                "The application is not authorized for this company",
            ),
            Self::Throttle => (
                "SERVICE",
                "3001",
                "message=ThrottleExceeded; errorCode=003001; statusCode=429",
                "The request limit was reached.  Try again later",
            ),
        }
    }
}

/// Digits in groups of three, as the service prints lengths.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
