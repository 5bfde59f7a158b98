//! Refusals of whole requests, in the four dialects of the service.
//!
//! Problem objects for 401 and 403, `ApiException` objects for 400, plain text for 404, 429 and
//! 503; the identity server's `{"error": …}` is in `identity`. The body of a 429 is not
//! established: this sandbox sends none.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::answer::Answer;
use super::limits::Exceeded;

/// Number, type and message of `ApiException`s.
type Exception = (u16, &'static str);

const POST_DATA_INVALID: Exception = (14, "PostDataInvalidException");
const QUERY_PARSE: Exception = (16, "QueryParseException");
const NO_DATA: Exception = (17, "NoDataProcessedException");
const NOT_IMPLEMENTED: Exception = (20, "ApiMethodNotImplementedException");

/// A validation failure of elements.
pub fn validation(elements: &[Value]) -> Answer {
    Answer::refused(
        400,
        &json!({
            "ErrorNumber": 10,
            "Type": "ValidationException",
            "Message": "A validation exception occurred",
            "Elements": elements,
        }),
    )
}

fn exception(status: u16, (number, sort): Exception, message: &str) -> Answer {
    let body = json!({"ErrorNumber": number, "Type": sort, "Message": message});
    Answer::refused(status, &body)
}

/// A body that cannot be read.
pub fn post_data_invalid(message: &str) -> Answer {
    exception(400, POST_DATA_INVALID, message)
}

/// A filter or order that cannot be read.
pub fn query_parse(message: &str) -> Answer {
    exception(400, QUERY_PARSE, message)
}

/// A body without elements.
pub fn no_data() -> Answer {
    exception(
        400,
        NO_DATA,
        "No data has been processed for this endpoint.",
    )
}

/// A method that a resource does not have.
pub fn not_implemented() -> Answer {
    let message = "The Api Method called is not implemented";
    exception(501, NOT_IMPLEMENTED, message)
}

/// A key that was used for something else.
pub fn key_conflict(key: &str) -> Answer {
    let message = format!("The idempotency key '{key}' is used with a different request");
    post_data_invalid(&message)
}

/// A key that is too long.
pub fn key_too_long() -> Answer {
    post_data_invalid("The idempotency key must not be more than 128 characters long")
}

/// More records than one read may return.
pub fn too_many_records() -> Answer {
    query_parse("The request would return more than 100000 records; use paging or a filter")
}

fn problem(status: u16, title: &str, detail: &str, instance: &str) -> Answer {
    Answer::refused(
        status,
        &json!({
            "Type": null, "Title": title, "Status": status, "Detail": detail,
            "Instance": instance, "Extensions": {},
        }),
    )
}

/// An access token past its time.
pub fn token_expired(expired_at: DateTime<Utc>, instance: &str) -> Answer {
    let at = expired_at.format("%m/%d/%Y %H:%M:%S");
    let detail = format!("TokenExpired: token expired at {at}");
    problem(401, "Unauthorized", &detail, instance)
}

/// An access token that is none.
pub fn unauthenticated(instance: &str) -> Answer {
    problem(401, "Unauthorized", "AuthenticationUnsuccessful", instance)
}

/// A token without the scope; refreshing it does not help.
pub fn insufficient_scope(instance: &str) -> Answer {
    let challenge = "Bearer error=\"insufficient_scope\"";
    problem(401, "Unauthorized", "AuthorizationUnsuccessful", instance)
        .with("WWW-Authenticate", challenge)
}

/// A tenant that is missing, unknown, disconnected or suspended.
pub fn forbidden(instance: &str) -> Answer {
    problem(403, "Forbidden", "AuthenticationUnsuccessful", instance)
}

/// A path or object that does not exist.
pub fn not_found() -> Answer {
    Answer::words(404, "The resource you're looking for cannot be found")
}

/// A limit that was reached.
pub fn limited(exceeded: Exceeded) -> Answer {
    let answer = Answer::words(429, "").with("X-Rate-Limit-Problem", exceeded.limit.name());
    match exceeded.retry_after {
        Some(seconds) => answer.with("Retry-After", seconds.to_string()),
        None => answer,
    }
}

/// The whole service is down.
pub fn maintenance() -> Answer {
    Answer::words(503, "The Xero API is currently offline for maintenance")
}

/// The whole service is out of breath.
pub fn unavailable() -> Answer {
    Answer::words(503, "The Xero API is temporarily unavailable")
}

/// One organisation is down.
pub fn organisation_offline() -> Answer {
    Answer::words(503, "The Organisation is offline")
}

/// Not JSON.
pub fn unsupported_media() -> Answer {
    Answer::words(415, "Unsupported media type")
}

/// The service would answer in XML, which no client of this sandbox wants.
pub fn not_acceptable() -> Answer {
    Answer::words(406, "Send Accept: application/json, or the answer is XML")
}

/// A body past the hard limit.
pub fn too_large() -> Answer {
    Answer::words(413, "Request entity too large")
}
