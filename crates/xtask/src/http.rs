//! The least HTTP that talks to our own processes on the loopback address: one request a connection.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::failure::{Context, Failure, Result};

/// Our own processes answer control requests within milliseconds.
const LIMIT: Duration = Duration::from_secs(10);

/// An answer: its status and its whole body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// Sends a request without a body.
pub(crate) fn get(address: SocketAddr, path: &str) -> Result<Answer> {
    exchange(
        address,
        &format!("GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n"),
    )
}

/// Sends JSON and reads JSON; any status but success is a failure.
pub(crate) fn post_json(address: SocketAddr, path: &str, body: &Value) -> Result<Value> {
    let body = body.to_string();
    let answer = exchange(
        address,
        &format!(
            "POST {path} HTTP/1.0\r\nhost: {address}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        ),
    )?;
    json_of(&answer).context(|| format!("POST {path}"))
}

/// Reads JSON; any status but success is a failure.
pub(crate) fn get_json(address: SocketAddr, path: &str) -> Result<Value> {
    json_of(&get(address, path)?).context(|| format!("GET {path}"))
}

fn json_of(answer: &Answer) -> Result<Value> {
    if !(200..300).contains(&answer.status) {
        return Err(Failure::new(format!(
            "status {}: {}",
            answer.status, answer.body
        )));
    }
    if answer.body.trim().is_empty() {
        return Ok(Value::Null);
    }
    Ok(serde_json::from_str(&answer.body)?)
}

/// Version 1.0 makes the server close after the answer and keeps it from sending chunks.
fn exchange(address: SocketAddr, request: &str) -> Result<Answer> {
    let subject = || format!("cannot talk to {address}");
    let mut stream = TcpStream::connect_timeout(&address, LIMIT).context(subject)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    stream.write_all(request.as_bytes()).context(subject)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).context(subject)?;
    parse(&answer)
}

fn parse(answer: &str) -> Result<Answer> {
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .context(|| "the answer has no end of its head".to_owned())?;
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .context(|| "the answer has no status".to_owned())?;
    Ok(Answer {
        status,
        body: body.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_its_status_and_its_body() {
        let answer =
            parse("HTTP/1.1 503 Service Unavailable\r\nx: y\r\n\r\n{\"a\":1}\r\n").unwrap();
        assert_eq!(answer.status, 503);
        assert_eq!(answer.body, "{\"a\":1}\r\n");
    }

    #[test]
    fn a_truncated_answer_is_a_failure() {
        assert!(parse("HTTP/1.1 200").is_err());
        assert!(parse("\r\n\r\n").is_err());
    }

    #[test]
    fn a_refusal_carries_the_servers_words() {
        let refused = Answer {
            status: 409,
            body: "there already".to_owned(),
        };
        let failure = json_of(&refused).unwrap_err();
        assert_eq!(failure.to_string(), "status 409: there already");
    }
}
