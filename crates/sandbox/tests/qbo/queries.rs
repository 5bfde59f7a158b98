//! The query language.

use serde_json::{Value, json};

use crate::harness::{Twin, invoice};

async fn company_of_three() -> Twin {
    let twin = Twin::usual().await;
    for name in ["Zoe", "Adam's Shop", "Mia"] {
        twin.customer(name).await;
    }
    twin
}

#[tokio::test]
async fn conditions_compare_as_their_property_does() {
    let twin = company_of_three().await;
    twin.invoice("2", json!(100)).await;
    let cases: [(&str, &[&str]); 10] = [
        ("select * from Customer where DisplayName = 'ZOE'", &["1"]),
        (
            r"select * from Customer where DisplayName = 'Adam\'s Shop'",
            &["2"],
        ),
        (
            "SELECT * FROM customer WHERE displayname LIKE '%m%' ORDERBY Id",
            &["2", "3"],
        ),
        (
            "select * from Customer where Id in ('3', '1') orderby Id desc",
            &["3", "1"],
        ),
        ("select * from Customer where Balance > '99.99'", &["2"]),
        (
            "select * from Customer where Balance < '1' and DisplayName like 'M%'",
            &["3"],
        ),
        (
            "select * from Customer where MetaData.LastUpdatedTime > '2020-01-01T00:00:00-08:00' orderby Id",
            &["1", "2", "3"],
        ),
        (
            "select * from Customer where MetaData.CreateTime < '2020-01-01'",
            &[],
        ),
        (
            "select * from Customer where CompanyName = ' ' orderby DisplayName",
            &["2", "3", "1"],
        ),
        (
            "select * from Invoice where CustomerRef = '2' and DocNumber = '1001'",
            &["1"],
        ),
    ];
    for (statement, ids) in cases {
        assert_eq!(twin.ids(statement).await, ids, "{statement}");
    }
}

#[tokio::test]
async fn names_come_in_alphabetical_order_and_inactive_ones_only_when_asked_for() {
    let twin = company_of_three().await;
    assert_eq!(twin.ids("select * from Customer").await, ["2", "3", "1"]);
    let work = json!({"entity": "Customer", "id": "3", "action": "deactivate"});
    twin.human(work).await;
    assert_eq!(twin.ids("select * from Customer").await, ["2", "1"]);
    let all = "select * from Customer where Active in (true, false)";
    assert_eq!(twin.ids(all).await.len(), 3);
    let inactive = "select * from Customer where Active = false";
    assert_eq!(twin.ids(inactive).await, ["3"]);
}

#[tokio::test]
async fn pages_are_counted_from_one() {
    let twin = company_of_three().await;
    let page = "select * from Customer orderby Id startposition 2 maxresults 1";
    let reply = twin.query(page).await;
    let response = &reply.json["QueryResponse"];
    assert_eq!(response["startPosition"], json!(2));
    assert_eq!(response["maxResults"], json!(1));
    assert_eq!(response["Customer"][0]["Id"], "2");
    let swapped = "select * from Customer orderby Id maxresults 1 startposition 3";
    assert_eq!(twin.ids(swapped).await, ["3"]);
    let beyond = twin.query("select * from Customer startposition 4").await;
    assert_eq!(beyond.json["QueryResponse"], json!({}));
    let count = twin.query("select count(*) from Customer").await;
    assert_eq!(count.json["QueryResponse"], json!({"totalCount": 3}));
}

#[tokio::test]
async fn a_page_has_a_hundred_rows_unless_more_are_asked_for() {
    let twin = Twin::usual().await;
    for batch in 0..4 {
        let items: Vec<Value> = (0..30)
            .map(|n| json!({"bId": n.to_string(), "operation": "create", "Customer": {"DisplayName": format!("c{batch}-{n}")}}))
            .collect();
        twin.post("batch", json!({"BatchItemRequest": items})).await;
    }
    assert_eq!(twin.ids("select * from Customer").await.len(), 100);
    let all = "select * from Customer maxresults 1000";
    assert_eq!(twin.ids(all).await.len(), 120);
}

#[tokio::test]
async fn wrong_queries_are_told_apart() {
    let twin = Twin::usual().await;
    let cases = [
        ("select from Customer", "4000"),
        ("select * from Customer where DisplayName = \"x\"", "4000"),
        (
            "select * from Customer where DisplayName = 'x' or Id = '1'",
            "4000",
        ),
        ("select * from Customer where DisplayName = 'it''s'", "4000"),
        ("select * from Customer where Balance > 5", "4000"),
        ("select * from Customer where DisplayName = 'x", "4000"),
        ("", "4000"),
        ("select * from Customer startposition 0", "4001"),
        ("select * from Customer maxresults 1001", "4001"),
        ("select * from Invoice where DepartmentRef = '1'", "4001"),
        ("select * from Invoice where PrivateNote = 'x'", "4001"),
        ("select * from Customer where Id > '1'", "4001"),
        ("select * from Unicorn", "4001"),
        ("select * from Invoice where TxnDate = 'soon'", "4001"),
    ];
    for (statement, code) in cases {
        let reply = twin.query(statement).await;
        assert_eq!((reply.status, reply.code()), (400, code), "{statement}");
    }
    let zero = twin.query("select * from Customer startposition 0").await;
    let text = "QueryValidationError: value 0 is too small. Min allowed value is 1";
    assert_eq!(zero.detail(), text);
}

#[tokio::test]
async fn a_query_comes_by_get_as_well() {
    let twin = company_of_three().await;
    let reply = twin
        .get("query?query=select%20*%20from%20Customer%20where%20Id+%3D+%272%27&minorversion=75")
        .await;
    assert_eq!(reply.json["QueryResponse"]["Customer"][0]["Id"], "2");
}

#[tokio::test]
async fn queries_lag_behind_and_reads_do_not_unless_told_to() {
    let twin = Twin::usual().await;
    twin.settings(json!({"lookupLagMs": 60_000})).await;
    twin.customer("Acme").await;
    assert!(twin.ids("select * from Customer").await.is_empty());
    assert_eq!(twin.get("customer/1").await.status, 200);
    twin.settings(json!({"lagGets": true})).await;
    assert_eq!(twin.get("customer/1").await.code(), "610");
    // What a write refers to is never stale.
    let made = twin.post("invoice", invoice("1", json!(5))).await;
    assert_eq!(made.status, 200);
    twin.advance(60_001).await;
    assert_eq!(twin.ids("select * from Customer").await, ["1"]);
    let rename = json!({"Id": "1", "SyncToken": "0", "sparse": true, "DisplayName": "New"});
    twin.post("customer", rename).await;
    // The earlier revision is what is seen meanwhile.
    assert_eq!(
        twin.ids("select * from Customer where DisplayName = 'Acme'")
            .await,
        ["1"]
    );
    assert!(
        twin.ids("select * from Customer where DisplayName = 'New'")
            .await
            .is_empty()
    );
}
