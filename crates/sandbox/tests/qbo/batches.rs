//! The batch resource.

use serde_json::{Value, json};

use crate::harness::{Twin, invoice};

fn by_id<'a>(reply: &'a Value, b_id: &str) -> &'a Value {
    let elements = reply["BatchItemResponse"].as_array().unwrap();
    elements
        .iter()
        .find(|element| element["bId"] == b_id)
        .unwrap()
}

#[tokio::test]
async fn every_element_stands_alone() {
    let twin = Twin::usual().await;
    twin.customer("Acme").await;
    for _ in 0..3 {
        twin.invoice("1", json!(10)).await;
    }
    let reply = twin
        .post(
            "batch?minorversion=75",
            json!({"BatchItemRequest": [
                {"bId": "new", "operation": "create", "Invoice": invoice("1", json!(7))},
                {"bId": "dup", "operation": "create", "Customer": {"DisplayName": "acme"}},
                {"bId": "upd", "operation": "update",
                 "Invoice": {"Id": "1", "SyncToken": "0", "sparse": true, "PrivateNote": "n"}},
                {"bId": "void", "operation": "update", "optionsData": "void",
                 "Invoice": {"Id": "2", "SyncToken": "0"}},
                {"bId": "del", "operation": "delete", "Invoice": {"Id": "3", "SyncToken": "0"}},
                {"bId": "ask", "Query": "select * from Customer"},
                {"bId": "odd", "operation": "void", "Invoice": {"Id": "1", "SyncToken": "1"}},
                {"bId": "bad", "operation": "create", "Invoices": {}},
            ]}),
        )
        .await;
    assert_eq!(reply.status, 200);
    let reply = &reply.json;
    assert_eq!(by_id(reply, "new")["Invoice"]["TotalAmt"], json!(7));
    assert_eq!(by_id(reply, "dup")["Fault"]["Error"][0]["code"], "6240");
    assert_eq!(by_id(reply, "dup")["Fault"]["type"], "ValidationFault");
    assert_eq!(by_id(reply, "upd")["Invoice"]["PrivateNote"], "n");
    assert_eq!(by_id(reply, "void")["Invoice"]["Balance"], json!(0));
    assert_eq!(by_id(reply, "del")["Invoice"]["status"], "Deleted");
    let found = &by_id(reply, "ask")["QueryResponse"]["Customer"];
    assert_eq!(found[0]["DisplayName"], "Acme");
    assert_eq!(by_id(reply, "odd")["Fault"]["Error"][0]["code"], "500");
    assert_eq!(by_id(reply, "bad")["Fault"]["Error"][0]["code"], "2010");
    let entry = twin.journal().await.pop().unwrap();
    assert_eq!(entry["objects"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn a_batch_has_at_most_thirty_elements() {
    let twin = Twin::usual().await;
    let of = |count: usize| {
        let element = |n: usize| json!({"bId": n.to_string(), "Query": "select * from Item"});
        let elements: Vec<Value> = (0..count).map(element).collect();
        json!({"BatchItemRequest": elements})
    };
    assert_eq!(twin.post("batch", of(30)).await.status, 200);
    let refused = twin.post("batch", of(31)).await;
    assert_eq!((refused.status, refused.code()), (400, "1040"));
    assert_eq!(
        twin.post("batch", json!({"items": []})).await.code(),
        "2020"
    );
}

#[tokio::test]
async fn batch_replies_lose_reorder_and_swap_elements_on_demand() {
    let twin = Twin::usual().await;
    let send = || {
        json!({"BatchItemRequest": [
            {"bId": "a", "Query": "select * from Item"},
            {"bId": "b", "Query": "select * from Term"},
            {"bId": "c", "Query": "select * from Account"},
        ]})
    };
    let rule =
        |action: Value| json!({"match": {"operation": "batch"}, "action": action, "times": 1});
    let order = |reply: &Value| -> Vec<String> {
        let elements = reply["BatchItemResponse"].as_array().unwrap();
        let ids = elements
            .iter()
            .map(|element| element["bId"].as_str().unwrap());
        ids.map(str::to_owned).collect()
    };
    for (action, expected) in [
        (json!({"dropItem": {"index": 1}}), vec!["a", "c"]),
        (json!({"dropItem": {}}), vec!["a", "b"]),
        (json!("reorder"), vec!["c", "b", "a"]),
        (json!("swap"), vec!["c", "b", "a"]),
    ] {
        twin.fault(rule(action.clone())).await;
        let reply = twin.post("batch", send()).await;
        assert_eq!(order(&reply.json), expected, "{action}");
        let first = &reply.json["BatchItemResponse"][0]["QueryResponse"];
        let is_item_first = first["Item"].is_array();
        assert_eq!(is_item_first, action != "reorder", "{action}");
    }
}
