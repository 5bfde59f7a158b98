//! The authorize page, tokens, rotation, revocation, connections, scopes, 401 and 403.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{APP, Reply, TENANT, Twin, id, read};

const OTHER: &str = "9a9a9a9a-1111-4111-8111-9a9a9a9a9a9a";

async fn form(twin: &Twin, path: &str, basic: bool, fields: &[(&str, &str)]) -> Reply {
    let body: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let mut request = twin
        .http()
        .post(twin.url(path))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.join("&"));
    if basic {
        request = request.header("authorization", "Basic YXBwOnNlY3JldA==");
    }
    read(request.send().await.unwrap()).await.unwrap()
}

async fn refresh(twin: &Twin, token: &str) -> Reply {
    let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
    form(twin, "/connect/token", true, &fields).await
}

async fn connections(twin: &Twin, query: &str) -> Reply {
    let request = twin
        .http()
        .get(twin.url(&format!("/connections{query}")))
        .header("authorization", format!("Bearer {}", twin.token));
    read(request.send().await.unwrap()).await.unwrap()
}

fn claims(token: &str) -> Value {
    let middle = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(middle).unwrap()).unwrap()
}

#[tokio::test]
async fn a_person_consents_without_a_browser() {
    let twin = Twin::usual().await;
    let uri = "http://localhost:5000/callback";
    let app = json!({"clientId": "web", "clientSecret": "s", "redirectUris": [uri]});
    twin.control(Method::POST, "/apps", app).await;
    let page = async |extra: &str| {
        let path = format!(
            "/identity/connect/authorize?client_id=web&redirect_uri={uri}&state=a%26b{extra}"
        );
        read(twin.http().get(twin.url(&path)).send().await.unwrap())
            .await
            .unwrap()
    };
    let scope = "&response_type=code&scope=openid%20offline_access%20accounting.settings.read";
    let back = page(scope).await;
    assert_eq!(back.status, 302);
    let location = back.header("location");
    let (code, state) = location
        .split_once("code=")
        .unwrap()
        .1
        .split_once('&')
        .unwrap();
    assert_eq!(state, "state=a%26b");
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", uri),
        ("client_id", "web"),
        ("client_secret", "s"),
    ];
    let pair = form(&twin, "/connect/token", false, &fields).await;
    assert_eq!(pair.status, 200, "{}", pair.text);
    assert_eq!(pair.json["expires_in"], json!(1800));
    assert_eq!(pair.json["token_type"], "Bearer");
    let access = claims(pair.json["access_token"].as_str().unwrap());
    assert!(access["authentication_event_id"].is_string());
    let identity = claims(pair.json["id_token"].as_str().unwrap());
    assert_eq!(identity["aud"], "web");
    // A code works once.
    let again = form(&twin, "/connect/token", false, &fields).await;
    assert_eq!(
        (again.status, again.text.as_str()),
        (400, r#"{"error":"invalid_grant"}"#)
    );
    let broad = page("&response_type=code&scope=accounting.transactions").await;
    assert!(broad.header("location").contains("error=invalid_scope"));
    twin.settings(json!({"person": {"denies": true}})).await;
    let denied = page(scope).await;
    assert!(denied.header("location").contains("error=access_denied"));
    for wrong in [
        "http://127.0.0.1/callback",
        "https://elsewhere.example/callback",
    ] {
        let path = format!("/identity/connect/authorize?client_id=web&redirect_uri={wrong}{scope}");
        let refused = twin.http().get(twin.url(&path)).send().await.unwrap();
        assert_eq!(refused.status(), 400);
    }
}

#[tokio::test]
async fn pkce_proves_an_application_without_a_secret() {
    let twin = Twin::usual().await;
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let consent = json!({
        "clientId": "spa", "tenants": [TENANT],
        "codeChallenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    });
    for (verifier, status) in [(verifier, 200), ("x".repeat(43).as_str(), 400), ("", 400)] {
        let code = twin.control(Method::POST, "/codes", consent.clone()).await;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code.json["code"].as_str().unwrap()),
            ("client_id", "spa"),
            ("code_verifier", verifier),
        ];
        let reply = form(&twin, "/connect/token", false, &fields).await;
        assert_eq!(reply.status, status);
    }
    let code = twin.control(Method::POST, "/codes", consent).await;
    twin.advance(300_000).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.json["code"].as_str().unwrap()),
        ("client_id", "spa"),
        ("code_verifier", verifier),
    ];
    let late = form(&twin, "/connect/token", false, &fields).await;
    assert_eq!(late.json["error"], "invalid_grant");
}

#[tokio::test]
async fn refresh_tokens_rotate_and_the_old_one_has_a_grace() {
    let twin = Twin::usual().await;
    let first = refresh(&twin, &twin.refresh).await;
    assert_eq!(first.status, 200);
    let next = id(&first.json, "refresh_token");
    assert_ne!(next, twin.refresh);
    twin.advance(29 * 60_000).await;
    assert_eq!(
        refresh(&twin, &twin.refresh).await.status,
        200,
        "within the grace"
    );
    twin.advance(61_000).await;
    let late = refresh(&twin, &twin.refresh).await;
    assert_eq!(late.text, r#"{"error":"invalid_grant"}"#);
    assert_eq!(refresh(&twin, &next).await.status, 200);
    let unused = refresh(&twin, &next).await;
    let unused = id(&unused.json, "refresh_token");
    twin.advance(60 * 86_400_000).await;
    assert_eq!(refresh(&twin, &unused).await.json["error"], "invalid_grant");
}

#[tokio::test]
async fn token_requests_fail_in_their_own_words() {
    let twin = Twin::usual().await;
    let token = twin.refresh.clone();
    let grant = ("grant_type", "refresh_token");
    for (fields, word) in [
        (vec![grant, ("refresh_token", "x")], "invalid_grant"),
        (vec![("grant_type", "password")], "unsupported_grant_type"),
        (vec![("refresh_token", token.as_str())], "invalid_request"),
        (
            vec![
                ("grant_type", "client_credentials"),
                ("scope", "accounting.contacts"),
            ],
            "unauthorized_client",
        ),
    ] {
        let reply = form(&twin, "/connect/token", true, &fields).await;
        assert_eq!((reply.status, &reply.json["error"]), (400, &json!(word)));
    }
    let secret = [
        grant,
        ("refresh_token", &token),
        ("client_id", "app"),
        ("client_secret", "x"),
    ];
    let reply = form(&twin, "/connect/token", false, &secret).await;
    assert_eq!(reply.json["error"], "invalid_client");
    let nobody = [grant, ("refresh_token", &token)];
    let reply = form(&twin, "/connect/token", false, &nobody).await;
    assert_eq!(reply.json["error"], "invalid_request");
    let entries = twin.journal().await;
    assert!(entries.iter().all(|entry| entry["body"] == "(withheld)"));
}

#[tokio::test]
async fn a_custom_connection_mints_its_tokens() {
    let mut twin = Twin::usual().await;
    let app = json!({"clientId": "own", "clientSecret": "s", "customTenant": TENANT});
    twin.control(Method::POST, "/apps", app).await;
    let mint = async |scope: &str| {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", "own"),
            ("client_secret", "s"),
            ("scope", scope),
        ];
        form(&twin, "/connect/token", false, &fields).await
    };
    let broad = mint("accounting.transactions").await;
    assert_eq!(broad.json["error"], "invalid_scope");
    let minted = mint("accounting.settings.read").await;
    assert_eq!(minted.json["refresh_token"], Value::Null);
    twin.token = id(&minted.json, "access_token");
    assert_eq!(twin.get("Organisation").await.status, 200);
}

#[tokio::test]
async fn connections_are_listed_by_visit_and_deleted_one_by_one() {
    let mut twin = Twin::usual().await;
    let second = json!({"tenantId": OTHER, "name": "Second"});
    twin.control(Method::POST, "/organisations", second).await;
    let first = connections(&twin, "").await.json[0].clone();
    assert_eq!(first["tenantId"], TENANT);
    assert_eq!(first["tenantType"], "ORGANISATION");
    let created = id(&first, "createdDateUtc");
    assert_eq!(created.split_once('.').unwrap().1.len(), 7);
    let pair = twin.connect(json!({"tenants": [OTHER]})).await;
    assert_eq!(
        connections(&twin, "").await.json.as_array().unwrap().len(),
        2
    );
    let visit = format!("?authEventId={}", id(&pair, "authEventId"));
    let added = connections(&twin, &visit).await.json;
    assert_eq!(added.as_array().unwrap().len(), 1);
    assert_eq!(added[0]["tenantId"], OTHER);
    let delete = async |connection: &str| {
        let request = twin
            .http()
            .delete(twin.url(&format!("/connections/{connection}")))
            .header("authorization", format!("Bearer {}", twin.token));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(
        delete(OTHER).await,
        403,
        "a tenant id is not a connection id"
    );
    assert_eq!(delete(&id(&added[0], "id")).await, 204);
    assert_eq!(delete(&id(&added[0], "id")).await, 404);
    assert_eq!(
        twin.get("Organisation").await.status,
        200,
        "the other one stands"
    );
    assert_eq!(delete(&id(&first, "id")).await, 204);
    let none = connections(&twin, "").await;
    assert_eq!((none.status, none.json), (200, json!([])));
    assert_eq!(twin.get("Organisation").await.status, 403);
}

#[tokio::test]
async fn revocation_ends_all_of_a_person_and_nothing_of_others() {
    let mut twin = Twin::usual().await;
    let (mine, token) = (twin.refresh.clone(), twin.token.clone());
    let user = "11111111-2222-4333-8444-555555555555";
    twin.connect(json!({"userId": user})).await;
    let revoked = form(&twin, "/connect/revocation", true, &[("token", &mine)]).await;
    assert_eq!((revoked.status, revoked.text.as_str()), (200, ""));
    assert_eq!(refresh(&twin, &mine).await.json["error"], "invalid_grant");
    assert_eq!(twin.get("Organisation").await.status, 200);
    twin.token = token;
    let refused = twin.get("Organisation").await;
    assert_eq!(refused.json["Detail"], "AuthenticationUnsuccessful");
    assert_eq!(refused.status, 401);
}

#[tokio::test]
async fn three_kinds_of_401_and_one_of_403() {
    let mut twin = Twin::usual().await;
    twin.advance(1_800_000).await;
    let expired = twin.get("Organisation").await;
    assert_eq!(
        (expired.status, &expired.json["Title"]),
        (401, &json!("Unauthorized"))
    );
    assert!(id(&expired.json, "Detail").starts_with("TokenExpired: token expired at "));
    twin.connect(json!({"scopes": "accounting.settings.read accounting.invoices.read"}))
        .await;
    // Scopes add up over consents, so another person is needed to have few.
    let user = "11111111-2222-4333-8444-555555555555";
    twin.connect(json!({"userId": user, "scopes": "accounting.invoices.read"}))
        .await;
    let unscoped = twin.get("Organisation").await;
    assert_eq!(unscoped.json["Detail"], "AuthorizationUnsuccessful");
    assert!(
        unscoped
            .header("www-authenticate")
            .contains("insufficient_scope")
    );
    assert_eq!(twin.get("Invoices").await.status, 200);
    let write = twin.put("Invoices", json!({"Type": "ACCREC"})).await;
    assert_eq!(write.status, 401);
    twin.token = "nonsense".to_owned();
    let unknown = twin.get("Organisation").await;
    assert_eq!(unknown.json["Detail"], "AuthenticationUnsuccessful");
    assert_eq!(unknown.status, 401);
    twin.connect(json!({})).await;
    twin.profile(json!({"suspended": true})).await;
    let forbidden = twin.get("Organisation").await;
    let instance = &forbidden.json["Instance"];
    let problem = json!({
        "Type": null, "Title": "Forbidden", "Status": 403,
        "Detail": "AuthenticationUnsuccessful", "Instance": instance, "Extensions": {},
    });
    assert_eq!((forbidden.status, &forbidden.json), (403, &problem));
    twin.profile(json!({"suspended": false})).await;
    let path = format!("/disconnect/{TENANT}");
    twin.control(Method::POST, &path, json!({})).await;
    assert_eq!(twin.get("Organisation").await.status, 403);
    assert_eq!(APP.0, "app");
}
