//! What goes out and what comes back when nothing is wrong, and what is never done.

use provider_kit::http::{HttpClient, HttpOptions};
use provider_kit::{Cost, Method, Request};
use runtime::Secret;

use crate::server::{
    Act, CANARY, LABELS, PATIENCE, Server, assert_not_sent, assert_unclear, client, reply, say,
    send, write,
};

#[tokio::test]
async fn a_request_goes_out_exactly_as_committed() {
    let server = Server::start(vec![reply("200 OK", "{}")]).await;
    let request = Request {
        method: Method::Post,
        path: "/v3/company/1/query%20x".to_owned(),
        query: vec![
            (
                "query".to_owned(),
                "select * from A where B = 'O''Neill+\"&é'".to_owned(),
            ),
            ("minorversion".to_owned(), "75".to_owned()),
        ],
        headers: vec![("Accept".to_owned(), "application/json".to_owned())],
        body: b"{\"a\":1.10}".to_vec(),
        cost: Cost::default(),
    };
    let sent = client()
        .send(
            &server.base_url(),
            &request,
            Some("token"),
            PATIENCE,
            10,
            LABELS,
        )
        .await;
    assert_eq!(sent.unwrap().status, 200);
    let seen = server.requests().remove(0);
    let (head, body) = seen.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "{\"a\":1.10}");
    assert_eq!(
        head.lines().next().unwrap(),
        "POST /v3/company/1/query%20x?query=select%20%2A%20from%20A%20where%20B%20%3D%20%27O%27%27\
         Neill%2B%22%26%C3%A9%27&minorversion=75 HTTP/1.1"
    );
    let head = head.to_lowercase();
    for line in [
        "authorization: bearer token",
        "accept: application/json",
        "content-length: 10",
    ] {
        assert_eq!(head.matches(line).count(), 1, "{line} in {head}");
    }
    for name in ["accept-encoding", "referer", "cookie", "expect"] {
        assert!(!head.contains(&format!("\n{name}:")), "{name} in {head}");
    }
}

#[tokio::test]
async fn a_write_without_body_says_so_and_a_read_has_none() {
    let server = Server::start(vec![reply("200 OK", "")]).await;
    for (method, said) in [(Method::Post, 1), (Method::Get, 0)] {
        let request = Request {
            method,
            body: Vec::new(),
            ..write()
        };
        let sent = client()
            .send(&server.base_url(), &request, None, PATIENCE, 10, LABELS)
            .await;
        assert_eq!(sent.unwrap().body, b"");
        let head = server.requests().pop().unwrap().to_lowercase();
        assert_eq!(head.matches("content-length: 0").count(), said, "{head}");
        assert!(!head.contains("authorization"), "{head}");
    }
}

#[tokio::test]
async fn a_reply_has_lower_case_headers_and_no_cookies() {
    let server = Server::start(vec![say(
        "HTTP/1.1 200 OK\r\nIntuit_TID: 1-a\r\nSet-Cookie: session=secret\r\nContent-Length: 2\r\n\r\n{}",
    )])
    .await;
    let reply = send(&client(), &server.base_url()).await.unwrap();
    assert_eq!(reply.header("intuit_tid"), Some("1-a"));
    assert_eq!(reply.header("set-cookie"), None);
}

#[tokio::test]
async fn a_redirect_is_a_reply_and_the_bearer_goes_nowhere_else() {
    let other = Server::start(vec![reply("200 OK", "{}")]).await;
    for status in [
        "301 Moved",
        "302 Found",
        "303 See Other",
        "307 Temporary",
        "308 Permanent",
    ] {
        let server = Server::start(vec![say(format!(
            "HTTP/1.1 {status}\r\nLocation: {}/elsewhere\r\nContent-Length: 0\r\n\r\n",
            other.base
        ))])
        .await;
        let reply = send(&client(), &server.base_url()).await.unwrap();
        assert_eq!(reply.status.to_string(), status.split(' ').next().unwrap());
        assert_eq!(server.requests().len(), 1);
    }
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn every_status_is_a_reply_and_none_is_repeated() {
    for status in [
        400, 401, 403, 404, 408, 409, 425, 429, 500, 502, 503, 504, 599,
    ] {
        let server = Server::start(vec![reply(&format!("{status} Word"), "<html>no</html>")]).await;
        let reply = send(&client(), &server.base_url()).await.unwrap();
        assert_eq!(
            (reply.status, reply.body.as_slice()),
            (status, &b"<html>no</html>"[..])
        );
        assert_eq!(server.requests().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_connection_is_used_again_but_a_request_is_not() {
    let server = Server::start(vec![
        reply("200 OK", "{}"),
        Act::SayAndClose(Vec::new()),
        reply("200 OK", "{}"),
    ])
    .await;
    let client = client();
    assert_eq!(send(&client, &server.base_url()).await.unwrap().status, 200);
    let second = send(&client, &server.base_url()).await;
    assert_unclear(&second, "closed after the request was read");
    assert_eq!((server.connections(), server.requests().len()), (1, 2));
    assert_eq!(send(&client, &server.base_url()).await.unwrap().status, 200);
    assert_eq!((server.connections(), server.requests().len()), (2, 3));
}

#[tokio::test]
async fn a_coding_that_was_not_asked_for_is_not_undone() {
    let gzip = "\u{1f}not really gzip";
    let server = Server::start(vec![say(format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n{gzip}",
        gzip.len()
    ))])
    .await;
    let reply = send(&client(), &server.base_url()).await.unwrap();
    assert_eq!(reply.body, gzip.as_bytes());
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
}

#[tokio::test]
async fn a_request_that_is_not_ours_to_send_is_refused_before_it_leaves() {
    let server = Server::start(vec![reply("200 OK", "{}")]).await;
    let header = |name: &str, value: &str| Request {
        headers: vec![(name.to_owned(), value.to_owned())],
        ..write()
    };
    let path = |path: &str| Request {
        path: path.to_owned(),
        ..write()
    };
    let refused = [
        header("Authorization", "Bearer mine"),
        header("Host", "elsewhere.example"),
        header("Content-Length", "3"),
        header("Cookie", "a=b"),
        header("Accept-Encoding", "gzip"),
        header("not a name", "x"),
        header("X-Split", "a\r\nB: c"),
        path("v3/company"),
        path("/v3/../admin"),
        path("/v3/%2e%2e/admin"),
        path("/v3\\admin"),
        path("/v3/a b"),
        path("/v3/é"),
        path("/v3?x=1"),
        path("/v3#x"),
        path("@elsewhere.example/"),
    ];
    for request in refused {
        let result = client()
            .send(
                &server.base_url(),
                &request,
                Some(CANARY),
                PATIENCE,
                10,
                LABELS,
            )
            .await;
        assert_not_sent(
            &result,
            &format!("{:?} {:?}", request.path, request.headers),
        );
    }
    for token in ["a\r\nb", "a\0"] {
        let result = client()
            .send(
                &server.base_url(),
                &write(),
                Some(token),
                PATIENCE,
                10,
                LABELS,
            )
            .await;
        assert_not_sent(&result, token);
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_configured_proxy_carries_https_and_only_https() {
    let proxy = Server::start(vec![say("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")]).await;
    let target = Server::start(vec![reply("200 OK", "{}")]).await;
    let options = HttpOptions {
        proxy: Some(Secret::new(proxy.base.clone())),
        ..HttpOptions::default()
    };
    let client = HttpClient::new(&options).unwrap();
    assert_eq!(send(&client, &target.base_url()).await.unwrap().status, 200);
    assert_eq!(proxy.connections(), 0);
    let far = "https://provider.example".parse().unwrap();
    assert_not_sent(&send(&client, &far).await, "proxy refuses the tunnel");
    let asked = proxy.requests().remove(0);
    assert!(
        asked.starts_with("CONNECT provider.example:443 HTTP/1.1"),
        "{asked}"
    );
    assert!(!asked.contains(CANARY), "{asked}");
}
