//! Tests of the admin listener over real TCP.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Admin, Shown, routes, start};
use crate::clock::SystemClock;
use crate::health::Health;
use crate::metric;
use crate::patience::PatientListener;

/// Far longer than an answer takes, short enough for a failing test.
const LIMIT: Duration = Duration::from_secs(10);
const ANYWHERE: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

async fn running() -> (Admin, Health) {
    let health = Health::new(Arc::new(SystemClock));
    let metrics = metric::install("test").unwrap();
    let admin = start(ANYWHERE.into(), health.clone(), metrics)
        .await
        .unwrap();
    (admin, health)
}

/// Sends the text and reads until the other side closes.
async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    tokio::time::timeout(LIMIT, read).await.unwrap().unwrap();
    String::from_utf8(answer).unwrap()
}

async fn request(admin: &Admin, method: &str, path: &str) -> (String, String) {
    let head = format!("{method} {path} HTTP/1.1\r\nhost: admin\r\n\r\n");
    let answer = exchange(admin.address(), &head).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("connection: close"), "{head}");
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

#[tokio::test]
async fn live_is_answered_whatever_is_broken() {
    let (admin, health) = running().await;
    health.component("broker").not_ready("gone");
    let answer = request(&admin, "GET", "/health/live").await;
    assert_eq!(answer, ("HTTP/1.1 200 OK".to_owned(), "live\n".to_owned()));
}

#[tokio::test]
async fn ready_follows_the_components() {
    let (admin, health) = running().await;
    let broker = health.component("broker");

    let (status, body) = request(&admin, "GET", "/health/ready").await;
    assert_eq!(status, "HTTP/1.1 503 Service Unavailable");
    let report: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(report["components"][0]["name"], "broker");
    assert_eq!(report["components"][0]["reason"], "starting");

    broker.ready();
    let (status, body) = request(&admin, "GET", "/health/ready").await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    let report: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(report["state"], "READY");
}

#[tokio::test]
async fn metrics_are_shown_as_prometheus_text() {
    let (admin, _) = running().await;
    let (status, body) = request(&admin, "GET", "/metrics").await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert!(
        body.contains("tieout_build_info{service=\"test\""),
        "{body}"
    );
}

#[tokio::test]
async fn nothing_else_is_served() {
    let (admin, _) = running().await;
    assert_eq!(
        request(&admin, "GET", "/").await.0,
        "HTTP/1.1 404 Not Found"
    );
    assert_eq!(
        request(&admin, "GET", "/health").await.0,
        "HTTP/1.1 404 Not Found"
    );
    let refused = "HTTP/1.1 405 Method Not Allowed";
    assert_eq!(request(&admin, "POST", "/metrics").await.0, refused);
    assert_eq!(request(&admin, "DELETE", "/health/ready").await.0, refused);
}

#[tokio::test]
async fn nonsense_is_refused_and_the_listener_lives_on() {
    let (admin, _) = running().await;
    let answer = exchange(admin.address(), "\u{1}\u{2} nonsense\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert_eq!(
        request(&admin, "GET", "/health/live").await.0,
        "HTTP/1.1 200 OK"
    );
}

#[tokio::test]
async fn an_address_in_use_is_a_told_error() {
    let (admin, health) = running().await;
    let metrics = metric::install("test").unwrap();

    let error = start(admin.address(), health, metrics).await.unwrap_err();

    let told = crate::chain(&error);
    let expected = format!("admin listener cannot be opened on {}: ", admin.address());
    assert!(told.starts_with(&expected), "{told}");
}

#[tokio::test]
async fn a_silent_connection_ends_and_gives_its_place_to_the_next() {
    let listener = TcpListener::bind(ANYWHERE).await.unwrap();
    let address = listener.local_addr().unwrap();
    let shown = Shown {
        health: Health::new(Arc::new(SystemClock)),
        metrics: metric::install("test").unwrap(),
    };
    let patient = PatientListener::new(listener, 1, Duration::from_millis(50));
    let server = tokio::spawn(async move { axum::serve(patient, routes(shown)).await });

    // The only place is taken by somebody who never finishes the request.
    let silent = exchange(address, "GET /health/live HTTP/1.1\r\nhost:").await;
    assert_eq!(silent, "");

    let answer = exchange(address, "GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    server.abort();
}
