//! Token refresh: every answer an authorisation server gives, and every way it does not.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use provider_kit::http::{BaseUrl, HttpClient};
use provider_kit::oauth::{RefreshError, TokenEndpoint, Tokens, refresh};
use runtime::Secret;
use tokio::net::TcpListener;

use crate::server::{Act, CANARY, PATIENCE, Server, client, reply, say};

fn endpoint(url: BaseUrl) -> TokenEndpoint {
    TokenEndpoint {
        provider: "TEST",
        url,
        client_id: "client id".to_owned(),
        client_secret: Secret::new(format!("secret:{CANARY}")),
    }
}

fn tokens_of(server: &Server) -> TokenEndpoint {
    let url = format!("{}/oauth2/v1/tokens/bearer", server.base);
    endpoint(BaseUrl::parse(&url).unwrap())
}

async fn refresh_at(server: &Server) -> Result<Tokens, RefreshError> {
    let result = attempt(&client(), &tokens_of(server), PATIENCE).await;
    assert_eq!(server.requests().len(), 1, "asked once");
    result
}

/// Nothing that is shown may hold the canary.
async fn attempt(
    client: &HttpClient,
    endpoint: &TokenEndpoint,
    deadline: Duration,
) -> Result<Tokens, RefreshError> {
    let sent = Secret::new(CANARY);
    let renewing = Box::pin(refresh(client, endpoint, &sent, deadline));
    let result = on_any_thread(renewing).await;
    let shown = format!("{endpoint:?} {result:?}");
    assert!(!shown.contains(CANARY), "{shown}");
    result
}

/// A worker refreshes in a spawned task.
async fn on_any_thread<T>(renewing: impl Future<Output = T> + Send) -> T {
    renewing.await
}

#[tokio::test]
async fn a_new_pair_comes_back_with_its_lifetimes() {
    let cases = [
        r#"{"token_type":"bearer","access_token":"A","refresh_token":"R","expires_in":3600,"x_refresh_token_expires_in":8640000}"#,
        r#"{"token_type":"Bearer","access_token":"A","refresh_token":"R","expires_in":"3600","x_refresh_token_expires_in":" 8640000 "}"#,
        r#"{"access_token":"A","refresh_token":"R","expires_in":3600,"x_refresh_token_expires_in":8640000,"id_token":{"x":1},"scope":["a"]}"#,
    ];
    for body in cases {
        let server = Server::start(vec![reply("200 OK", body)]).await;
        let tokens = refresh_at(&server).await.unwrap();
        assert_eq!(tokens.access_token.expose(), "A", "{body}");
        assert_eq!(tokens.refresh_token.expose(), "R", "{body}");
        assert_eq!(tokens.expires_in, Duration::from_hours(1), "{body}");
        assert_eq!(
            tokens.refresh_expires_in,
            Some(Duration::from_hours(2400)),
            "{body}"
        );
    }
}

#[tokio::test]
async fn the_request_is_a_form_with_the_client_in_the_basic_header() {
    let server = Server::start(vec![reply("200 OK", r#"{"access_token":"A"}"#)]).await;
    refresh_at(&server).await.unwrap();
    let seen = server.requests().remove(0);
    let (head, body) = seen.split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with("POST /oauth2/v1/tokens/bearer HTTP/1.1\r\n"),
        "{head}"
    );
    assert_eq!(
        body,
        format!("grant_type=refresh_token&refresh_token={CANARY}")
    );
    let credentials = BASE64_STANDARD.encode(format!("client+id:secret%3A{CANARY}"));
    for line in [
        format!("authorization: Basic {credentials}"),
        "content-type: application/x-www-form-urlencoded".to_owned(),
        "accept: application/json".to_owned(),
    ] {
        assert!(head.contains(&line), "{line} not in {head}");
    }
}

#[tokio::test]
async fn a_new_pair_is_kept_whatever_else_is_odd_about_the_reply() {
    let sparse = r#"{"access_token":"A","refresh_token":"R"}"#;
    let cases = [
        reply(
            "200 OK",
            r#"{"access_token":"A","refresh_token":"R","expires_in":-1}"#,
        ),
        reply(
            "200 OK",
            r#"{"access_token":"A","refresh_token":"R","expires_in":null,"token_type":null}"#,
        ),
        reply(
            "200 OK",
            r#"{"access_token":"A","refresh_token":"R","expires_in":"soon","token_type":7}"#,
        ),
        reply("201 Created", sparse),
        say(format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{sparse}",
            sparse.len()
        )),
    ];
    for act in cases {
        let server = Server::start(vec![act]).await;
        let tokens = refresh_at(&server).await.unwrap();
        assert_eq!(tokens.refresh_token.expose(), "R");
        assert_eq!(tokens.expires_in, Duration::from_mins(5));
        assert_eq!(tokens.refresh_expires_in, None);
    }
}

#[tokio::test]
async fn without_a_new_refresh_token_the_old_one_stays() {
    for body in [
        r#"{"access_token":"A"}"#,
        r#"{"access_token":"A","refresh_token":null}"#,
        r#"{"access_token":"A","refresh_token":""}"#,
    ] {
        let server = Server::start(vec![reply("200 OK", body)]).await;
        let tokens = refresh_at(&server).await.unwrap();
        assert_eq!(tokens.refresh_token.expose(), CANARY, "{body}");
    }
}

#[tokio::test]
async fn an_absurd_lifetime_is_cut() {
    let body = format!(r#"{{"access_token":"A","expires_in":{}}}"#, u64::MAX);
    let server = Server::start(vec![reply("200 OK", &body)]).await;
    let tokens = refresh_at(&server).await.unwrap();
    assert_eq!(tokens.expires_in, Duration::from_hours(10 * 365 * 24));
}

#[tokio::test]
async fn a_refusal_is_read_from_its_word_alone() {
    let client = RefreshError::ClientRejected;
    let cases = [
        (
            "400 Bad",
            r#"{"error":"invalid_grant","error_description":"Token invalid"}"#,
            RefreshError::Rejected,
        ),
        (
            "400 Bad",
            r#"{"error_description":"invalid_client","error":"invalid_grant"}"#,
            RefreshError::Rejected,
        ),
        (
            "400 Bad",
            r#"{"error":"invalid_grant","error_description":{"not":"text"}}"#,
            RefreshError::Rejected,
        ),
        (
            "401 No",
            r#"{"error":"invalid_grant"}"#,
            RefreshError::Rejected,
        ),
        (
            "401 No",
            r#"{"error":"invalid_client"}"#,
            client("invalid_client"),
        ),
        (
            "400 Bad",
            r#"{"error":"unauthorized_client","error_description":"invalid_grant"}"#,
            client("unauthorized_client"),
        ),
        (
            "400 Bad",
            r#"{"error":"invalid_request"}"#,
            client("invalid_request"),
        ),
        (
            "400 Bad",
            r#"{"error":"invalid_scope"}"#,
            client("invalid_scope"),
        ),
        (
            "400 Bad",
            r#"{"error":"unsupported_grant_type"}"#,
            client("unsupported_grant_type"),
        ),
    ];
    for (status, body, expected) in cases {
        let server = Server::start(vec![reply(status, body)]).await;
        assert_eq!(
            refresh_at(&server).await.unwrap_err(),
            expected,
            "{status} {body}"
        );
    }
}

#[tokio::test]
async fn throttling_says_how_long() {
    for (header, seconds) in [("Retry-After: 30\r\n", Some(30)), ("", None)] {
        let server = Server::start(vec![say(format!(
            "HTTP/1.1 429 Slow\r\n{header}Content-Length: 0\r\n\r\n"
        ))])
        .await;
        let retry_after = seconds.map(Duration::from_secs);
        let error = refresh_at(&server).await.unwrap_err();
        assert_eq!(error, RefreshError::Throttled { retry_after });
    }
}

#[tokio::test]
async fn whatever_is_neither_yes_nor_no_is_unclear() {
    let bytes = |text: &str| text.as_bytes().to_vec();
    let cases = [
        reply("500 Oops", r#"{"error":"invalid_grant"}"#),
        reply("502 Gateway", "<html>"),
        reply("503 Busy", ""),
        reply("504 Late", ""),
        reply("302 Found", ""),
        reply("400 Bad", ""),
        reply("400 Bad", "<html>invalid_grant</html>"),
        reply("400 Bad", r#"{"error":"invalid_grantx"}"#),
        reply("400 Bad", r#"{"error":null}"#),
        reply("403 Forbidden", "Access denied"),
        reply("200 OK", ""),
        reply("200 OK", "<html>Sign in</html>"),
        reply("200 OK", r#"{"error":"invalid_grant"}"#),
        reply("200 OK", r#"{"refresh_token":"R"}"#),
        reply("200 OK", r#"{"access_token":"","refresh_token":"R"}"#),
        reply("200 OK", r#"{"access_token":"a b","refresh_token":"R"}"#),
        reply("200 OK", r#"{"access_token":"A","refresh_token":"R\n"}"#),
        reply(
            "200 OK",
            &format!(r#"{{"access_token":"{}"}}"#, "A".repeat(70_000)),
        ),
        Act::SayAndClose(Vec::new()),
        Act::SayAndReset(bytes(
            "HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{\"access_token\":\"A\"",
        )),
    ];
    for act in cases {
        let server = Server::start(vec![act]).await;
        let error = refresh_at(&server).await.unwrap_err();
        assert!(matches!(error, RefreshError::Unclear(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_reply_that_quotes_the_token_is_not_quoted_on() {
    let body = format!(r#"{{"error":"odd_{CANARY}","refresh_token":"{CANARY}"}}"#);
    for status in ["400 Bad", "200 OK"] {
        let server = Server::start(vec![reply(status, &body)]).await;
        let error = refresh_at(&server).await.unwrap_err();
        assert!(matches!(error, RefreshError::Unclear(_)), "{error:?}");
    }
}

#[tokio::test]
async fn silence_is_unclear_at_the_deadline_and_an_absent_server_was_not_reached() {
    let server = Server::start(vec![Act::SayAndHang(Vec::new())]).await;
    let deadline = Duration::from_millis(200);
    let error = attempt(&client(), &tokens_of(&server), deadline).await;
    assert!(matches!(error, Err(RefreshError::Unclear(_))), "{error:?}");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let absent = endpoint(BaseUrl::parse(&format!("http://{address}/token")).unwrap());
    let error = attempt(&client(), &absent, PATIENCE).await;
    assert!(
        matches!(error, Err(RefreshError::Unreachable(_))),
        "{error:?}"
    );
}
