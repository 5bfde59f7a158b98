//! Puts an answer on the wire, whole, cut or not at all.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;

use super::answer::Answer;
use super::mangle::Delivery;
use crate::web::connection::Line;

/// Pause between the two halves of a reply that is cut, so that the first one is written.
const CUT_PAUSE: Duration = Duration::from_millis(5);

/// Delivers, with headers that stand on every answer.
pub async fn deliver(
    delivery: Delivery,
    line: &Line,
    headers: Vec<(&'static str, String)>,
) -> Response {
    match delivery {
        Delivery::Send(mut answer) => {
            answer.headers.extend(headers);
            let body = Body::from(answer.body.clone());
            respond(&answer, body, answer.body.len())
        }
        Delivery::Half(mut answer) => {
            answer.headers.extend(headers);
            let full = answer.body.len();
            let half = Bytes::from(answer.body.as_bytes()[..full / 2].to_vec());
            let body = Body::from_stream(cut_short(half, line.clone()));
            respond(&answer, body, full)
        }
        Delivery::Cut { hang_ms, .. } => {
            tokio::time::sleep(Duration::from_millis(hang_ms)).await;
            line.cut();
            // Never written: the connection is gone.
            StatusCode::NO_CONTENT.into_response()
        }
    }
}

/// Bytes that arrive, then a connection that breaks.
fn cut_short(
    half: Bytes,
    line: Line,
) -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>> {
    stream::unfold((Some(half), line), |(half, line)| async move {
        if let Some(half) = half {
            return Some((Ok(half), (None, line)));
        }
        tokio::time::sleep(CUT_PAUSE).await;
        line.cut();
        let broken = std::io::Error::from(std::io::ErrorKind::ConnectionAborted);
        Some((Err(broken), (None, line)))
    })
}

/// An answer under the length that is announced.
pub fn respond(answer: &Answer, body: Body, length: usize) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if !answer.content_type.is_empty() {
        let content_type = HeaderValue::from_static(answer.content_type);
        headers.insert(header::CONTENT_TYPE, content_type);
    }
    if status != StatusCode::NO_CONTENT {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    for (name, value) in &answer.headers {
        let name = HeaderName::try_from(*name);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
    response
}
