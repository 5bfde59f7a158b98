//! Replies that break, lie, never end or are too large: all unclear, all in time.

use std::time::Duration;

use runtime::{Clock as _, SystemClock};

use crate::server::{
    Act, LABELS, PATIENCE, Server, assert_not_sent, assert_unclear, client, reply, say, send,
    send_within, write,
};

#[tokio::test]
async fn a_reply_that_breaks_is_unclear_and_the_request_is_not_sent_again() {
    let bytes = |text: &str| text.as_bytes().to_vec();
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"half\":";
    let chunk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n";
    let cases = [
        ("closed without a word", Act::SayAndClose(Vec::new())),
        ("reset without a word", Act::SayAndReset(Vec::new())),
        (
            "closed in the headers",
            Act::SayAndClose(bytes("HTTP/1.1 200 OK\r\nContent-")),
        ),
        ("closed in the body", Act::SayAndClose(bytes(half))),
        ("reset in the body", Act::SayAndReset(bytes(half))),
        ("chunks cut between two", Act::SayAndClose(bytes(chunk))),
        (
            "chunks cut in one",
            Act::SayAndClose(bytes(&format!("{chunk}9\r\n12"))),
        ),
        (
            "chunk of no size",
            Act::SayAndClose(bytes(&format!("{chunk}zz\r\n"))),
        ),
        ("not HTTP", say("220 mail.example ESMTP\r\n")),
        (
            "two lengths",
            say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
        ),
        (
            "length of no number",
            say("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}"),
        ),
        (
            "absurd length",
            say("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{}"),
        ),
    ];
    for (case, act) in cases {
        let server = Server::start(vec![act]).await;
        assert_unclear(&send(&client(), &server.base_url()).await, case);
        assert_eq!(server.requests().len(), 1, "{case}");
    }
}

#[tokio::test]
async fn a_body_cut_at_the_length_it_announced_is_given_to_the_provider_to_judge() {
    let server = Server::start(vec![reply("200 OK", "{\"half\":")]).await;
    let reply = send(&client(), &server.base_url()).await.unwrap();
    assert_eq!(reply.body, b"{\"half\":");
}

#[tokio::test]
async fn a_reply_that_never_ends_is_unclear_at_the_deadline() {
    let bytes = |text: &str| text.as_bytes().to_vec();
    let pause = Duration::from_millis(20);
    let open = bytes("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n");
    let cases = [
        ("silence", Act::SayAndHang(Vec::new())),
        (
            "headers hang",
            Act::SayAndHang(bytes("HTTP/1.1 200 OK\r\nA: b\r\n")),
        ),
        (
            "headers drip",
            Act::SayAndDrip(bytes("HTTP/1.1 200 OK\r\nA: "), bytes("b"), pause),
        ),
        ("body hangs", Act::SayAndHang(open.clone())),
        ("body drips", Act::SayAndDrip(open, bytes("x"), pause)),
        (
            "only 100 Continue",
            Act::SayAndHang(bytes("HTTP/1.1 100 Continue\r\n\r\n")),
        ),
    ];
    for (case, act) in cases {
        let server = Server::start(vec![act]).await;
        let started = SystemClock.monotonic();
        let deadline = Duration::from_millis(300);
        let result = send_within(&client(), &server.base_url(), deadline).await;
        let took = started.elapsed();
        assert_unclear(&result, case);
        assert!(
            took >= deadline && took < deadline + PATIENCE / 4,
            "{case}: {took:?}"
        );
        assert_eq!(server.requests().len(), 1, "{case}");
    }
}

#[tokio::test]
async fn headers_without_end_are_cut_off_long_before_the_deadline() {
    let head = b"HTTP/1.1 200 OK\r\n".to_vec();
    let many = b"X-Filler: 0123456789\r\n".repeat(50);
    let server = Server::start(vec![Act::SayAndDrip(head, many, Duration::from_millis(1))]).await;
    let started = SystemClock.monotonic();
    assert_unclear(
        &send(&client(), &server.base_url()).await,
        "endless headers",
    );
    assert!(started.elapsed() < PATIENCE / 2);
}

#[tokio::test]
async fn a_body_up_to_the_limit_is_read_and_one_byte_more_is_not() {
    let chunked = |body: &str| {
        say(format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
            body.len()
        ))
    };
    for (length, fits) in [(1000, true), (1001, false), (5_000_000, false)] {
        let body = "x".repeat(length);
        for act in [reply("200 OK", &body), chunked(&body)] {
            let server = Server::start(vec![act]).await;
            let result = send(&client(), &server.base_url()).await;
            if fits {
                assert_eq!(result.unwrap().body, body.as_bytes());
            } else {
                assert_unclear(&result, "too large");
            }
        }
    }
}

#[tokio::test]
async fn a_call_without_time_left_does_not_start() {
    let server = Server::start(vec![reply("200 OK", "{}")]).await;
    let result = client()
        .send(
            &server.base_url(),
            &write(),
            None,
            Duration::ZERO,
            10,
            LABELS,
        )
        .await;
    assert_not_sent(&result, "no time");
    assert_eq!(server.connections(), 0);
}
