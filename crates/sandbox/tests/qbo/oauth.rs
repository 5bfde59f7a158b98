//! Tokens: refreshing, rotating, revoking, exchanging codes, and the gateway's refusals.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{REALM, Reply, Twin, read};

const DAY_MS: i64 = 86_400_000;
/// `app:secret`.
const BASIC: &str = "Basic YXBwOnNlY3JldA==";

async fn token(twin: &Twin, basic: &str, form: &str) -> Reply {
    let request = twin
        .http()
        .post(twin.url("/oauth2/v1/tokens/bearer"))
        .header("authorization", basic)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-include-refresh-token-hard-expires-in", "true")
        .body(form.to_owned());
    read(request.send().await.unwrap()).await.unwrap()
}

async fn refresh(twin: &Twin, refresh: &str) -> Reply {
    let form = format!("grant_type=refresh_token&refresh_token={refresh}");
    token(twin, BASIC, &form).await
}

fn text<'a>(reply: &'a Reply, name: &str) -> &'a str {
    reply.json[name].as_str().unwrap()
}

#[tokio::test]
async fn a_refresh_token_changes_once_a_day() {
    let mut twin = Twin::usual().await;
    let first = refresh(&twin, &twin.refresh).await;
    assert_eq!(first.status, 200, "{}", first.text);
    assert_eq!(text(&first, "refresh_token"), twin.refresh);
    assert_eq!(first.json["expires_in"], json!(3600));
    assert_eq!(first.json["x_refresh_token_expires_in"], json!(8_726_400));
    assert_eq!(
        first.json["x_refresh_token_hard_expires_in"]
            .to_string()
            .len(),
        9
    );
    twin.advance(DAY_MS).await;
    let later = refresh(&twin, &twin.refresh).await;
    assert_ne!(text(&later, "refresh_token"), twin.refresh);
    let old = refresh(&twin, &twin.refresh).await;
    assert_eq!((old.status, text(&old, "error")), (400, "invalid_grant"));
    text(&later, "access_token").clone_into(&mut twin.token);
    assert_eq!(twin.get("preferences").await.status, 200);
    let next = refresh(&twin, text(&later, "refresh_token")).await;
    assert_eq!(next.status, 200);
}

#[tokio::test]
async fn rotation_may_come_with_every_refresh_and_reuse_may_end_the_consent() {
    let mut twin = Twin::usual().await;
    twin.settings(json!({"tokens": {"rotation": "always", "reuseDetection": true}}))
        .await;
    let first = refresh(&twin, &twin.refresh).await;
    assert_ne!(text(&first, "refresh_token"), twin.refresh);
    text(&first, "access_token").clone_into(&mut twin.token);
    assert_eq!(twin.get("preferences").await.status, 200);
    assert_eq!(refresh(&twin, &twin.refresh).await.status, 400);
    let newest = refresh(&twin, text(&first, "refresh_token")).await;
    assert_eq!(text(&newest, "error"), "invalid_grant");
    assert_eq!(twin.get("preferences").await.status, 401);
}

#[tokio::test]
async fn access_ends_after_an_hour_and_consent_after_five_years() {
    let twin = Twin::usual().await;
    twin.advance(3_600_000).await;
    let expired = twin.get("preferences").await;
    assert_eq!((expired.status, expired.code()), (401, "3200"));
    let fault = &expired.json["fault"];
    assert_eq!(fault["type"], "AUTHENTICATION");
    assert_eq!(expired.json["warnings"], Value::Null);
    assert!(expired.json["time"].is_number());
    let mut current = twin.refresh.clone();
    let mut status = 200;
    for _ in 0..19 {
        twin.advance(99 * DAY_MS).await;
        let reply = refresh(&twin, &current).await;
        status = reply.status;
        if status == 200 {
            text(&reply, "refresh_token").clone_into(&mut current);
        }
    }
    assert_eq!(status, 400);
}

/// Where the authorize page leads.
async fn authorize(twin: &Twin, query: &str) -> (u16, String) {
    let path = format!("/connect/oauth2?client_id=app&redirect_uri=http://here.test/back&{query}");
    let reply = twin.http().get(twin.url(&path)).send().await.unwrap();
    let location = reply.headers().get("location");
    let location = location.map_or(String::new(), |at| at.to_str().unwrap().to_owned());
    (reply.status().as_u16(), location)
}

const ASK: &str = "response_type=code&scope=com.intuit.quickbooks.accounting&state=a%20b";

#[tokio::test]
async fn the_authorize_page_answers_as_the_person_chooses() {
    let mut twin = Twin::usual().await;
    let (status, location) = authorize(&twin, ASK).await;
    assert_eq!(status, 302);
    let (start, rest) = location.split_once("?code=").unwrap();
    let (code, rest) = rest.split_once('&').unwrap();
    assert_eq!(start, "http://here.test/back");
    assert_eq!(rest, format!("state=a%20b&realmId={REALM}"));
    let form = format!(
        "grant_type=authorization_code&code={code}&redirect_uri=http%3A%2F%2Fhere.test%2Fback"
    );
    let pair = token(&twin, BASIC, &form).await;
    text(&pair, "access_token").clone_into(&mut twin.token);
    assert_eq!(twin.get("preferences").await.status, 200);
    twin.settings(json!({"consent": {"denies": true}})).await;
    let (_, location) = authorize(&twin, ASK).await;
    assert_eq!(
        location,
        "http://here.test/back?error=access_denied&state=a%20b"
    );
    let scope = ASK.replace("accounting", "payroll");
    let (_, location) = authorize(&twin, &scope).await;
    assert!(location.contains("error=invalid_scope"), "{location}");
    let body =
        json!({"clientId": "app", "clientSecret": "secret", "redirectUris": ["http://x.test"]});
    twin.control(Method::POST, "/clients", body).await;
    assert_eq!(authorize(&twin, ASK).await, (400, String::new()));
}

#[tokio::test]
async fn a_code_lives_ten_minutes() {
    let twin = Twin::usual().await;
    let consent = json!({"clientId": "app", "clientSecret": "secret", "realms": [REALM]});
    let code = twin.control(Method::POST, "/codes", consent).await.json["code"].clone();
    twin.advance(600_000).await;
    let form = format!(
        "grant_type=authorization_code&code={}",
        code.as_str().unwrap()
    );
    assert_eq!(token(&twin, BASIC, &form).await.status, 400);
}

#[tokio::test]
async fn an_unused_refresh_token_expires() {
    let twin = Twin::usual().await;
    twin.advance(102 * DAY_MS).await;
    assert_eq!(refresh(&twin, &twin.refresh).await.status, 400);
}

#[tokio::test]
async fn the_token_endpoint_insists_on_form_and_basic() {
    let twin = Twin::usual().await;
    let form = format!("grant_type=refresh_token&refresh_token={}", twin.refresh);
    let stranger = token(&twin, "Basic YXBwOndyb25n", &form).await;
    assert_eq!(
        (stranger.status, text(&stranger, "error")),
        (401, "invalid_client")
    );
    let request = twin
        .http()
        .post(twin.url("/oauth2/v1/tokens/bearer"))
        .header("authorization", BASIC)
        .header("content-type", "application/json")
        .body(json!({"grant_type": "refresh_token"}).to_string());
    let json = read(request.send().await.unwrap()).await.unwrap();
    assert_eq!(
        (json.status, text(&json, "error")),
        (400, "invalid_request")
    );
    let odd = token(&twin, BASIC, "grant_type=password").await;
    assert_eq!(text(&odd, "error"), "unsupported_grant_type");
    let entries = twin.journal().await;
    assert!(!entries[0].to_string().contains(&twin.refresh));
    assert_eq!(entries[0]["operation"], "token");
}

#[tokio::test]
async fn a_code_works_once_and_for_its_redirect_only() {
    let mut twin = Twin::usual().await;
    let consent = json!({
        "clientId": "app", "clientSecret": "secret", "realms": [REALM],
        "redirectUri": "https://tieout.example/callback",
    });
    let code = twin.control(Method::POST, "/codes", consent).await;
    let code = text(&code, "code");
    let form = |uri: &str| format!("grant_type=authorization_code&code={code}&redirect_uri={uri}");
    let elsewhere = token(&twin, BASIC, &form("https%3A%2F%2Fevil.example")).await;
    assert_eq!(text(&elsewhere, "error"), "invalid_grant");
    let right = form("https%3A%2F%2Ftieout.example%2Fcallback");
    let pair = token(&twin, BASIC, &right).await;
    assert_eq!(pair.status, 200, "{}", pair.text);
    text(&pair, "access_token").clone_into(&mut twin.token);
    assert_eq!(twin.get("preferences").await.status, 200);
    assert_eq!(token(&twin, BASIC, &right).await.status, 400);
    assert_eq!(twin.get("preferences").await.status, 401);
}

#[tokio::test]
async fn revoking_and_disconnecting_end_a_consent() {
    let mut twin = Twin::usual().await;
    let revoke = |token: String| {
        twin.http()
            .post(twin.url("/v2/oauth2/tokens/revoke"))
            .header("authorization", BASIC)
            .header("content-type", "application/json")
            .body(json!({"token": token}).to_string())
            .send()
    };
    assert_eq!(revoke("nothing".to_owned()).await.unwrap().status(), 400);
    let done = revoke(twin.refresh.clone()).await.unwrap();
    assert_eq!(done.status(), 200);
    assert_eq!(done.text().await.unwrap(), "");
    assert_eq!(twin.get("preferences").await.status, 401);
    twin.connect().await;
    assert_eq!(twin.get("preferences").await.status, 200);
    let path = format!("/disconnect/{REALM}");
    twin.control(Method::POST, &path, json!({})).await;
    assert_eq!(twin.get("preferences").await.status, 401);
    assert_eq!(refresh(&twin, &twin.refresh).await.status, 400);
}

#[tokio::test]
async fn the_gateway_tells_strangers_from_neighbours_in_three_shapes() {
    let mut twin = Twin::usual().await;
    let other = json!({"realm": "77"});
    twin.control(Method::POST, "/companies", other).await;
    let neighbour = twin
        .http()
        .get(twin.url("/v3/company/77/preferences"))
        .header("authorization", format!("Bearer {}", twin.token));
    let refused = read(neighbour.send().await.unwrap()).await.unwrap();
    assert_eq!((refused.status, refused.code()), (403, "3100"));
    twin.token = "made up".to_owned();
    let gateway = twin.get("preferences").await;
    assert_eq!((gateway.status, gateway.code()), (401, "3200"));
    twin.settings(json!({"gatewayShape": "fault"})).await;
    let fault = twin.get("preferences").await;
    assert_eq!(fault.json["Fault"]["Error"][0]["code"], "3200");
    twin.settings(json!({"gatewayShape": "xml"})).await;
    let xml = twin.get("preferences").await;
    assert_eq!(xml.content_type, "application/xml");
    assert!(xml.text.contains("<Error code=\"3200\">"));
}

#[tokio::test]
async fn a_lost_token_reply_loses_the_rotated_token() {
    let twin = Twin::usual().await;
    twin.settings(json!({"tokens": {"rotation": "always"}}))
        .await;
    let rule = json!({"match": {"operation": "token"}, "action": "commitThenDrop", "times": 1});
    twin.fault(rule).await;
    let form = format!("grant_type=refresh_token&refresh_token={}", twin.refresh);
    let request = twin
        .http()
        .post(twin.url("/oauth2/v1/tokens/bearer"))
        .header("authorization", BASIC)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    assert!(request.send().await.is_err());
    assert_eq!(refresh(&twin, &twin.refresh).await.status, 400);
}
