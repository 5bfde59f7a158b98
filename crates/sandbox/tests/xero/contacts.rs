//! Contacts: numbers, names, archive, merging.

use serde_json::{Value, json};

use crate::harness::{Twin, id, invoice};

const ARCHIVED: &str = "The contact with the specified contact details has been archived. The \
                        contact must be un-archived before creating new invoices or credit notes.";

#[tokio::test]
async fn put_creates_and_refuses_what_is_taken() {
    let twin = Twin::usual().await;
    let body = json!({"Name": "Acme", "ContactNumber": "c-1"});
    let made = twin.put("Contacts", body).await.only("Contacts");
    assert_eq!(made["ContactStatus"], "ACTIVE");
    assert_eq!(made["HasValidationErrors"], json!(false));
    let types: Vec<&Value> = made["Addresses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|address| &address["AddressType"])
        .collect();
    assert_eq!(types, ["POBOX", "STREET"]);
    let same_name = twin.put("Contacts", json!({"Name": "ACME"})).await;
    assert_eq!(
        same_name.messages(),
        [
            "The contact name ACME is already assigned to another contact. The contact name must be \
          unique across all active contacts."
        ]
    );
    let body = json!({"Name": "Other", "ContactNumber": "c-1"});
    let same_number = twin.put("Contacts", body).await;
    assert!(same_number.messages()[0].starts_with("The contact number c-1 is already assigned"));
    let element = &same_number.json["Elements"][0];
    assert_eq!(element["ContactID"], "00000000-0000-0000-0000-000000000000");
    assert_eq!(element["HasValidationErrors"], json!(true));
    let own_id = twin.put("Contacts", json!({"ContactID": made["ContactID"]}));
    assert_eq!(own_id.await.status, 400);
    assert_eq!(twin.total("Contact", "GBP").await[0], json!(1));
}

#[tokio::test]
async fn post_updates_by_id_then_number_then_name() {
    let twin = Twin::usual().await;
    let body = json!({"Name": "Acme", "ContactNumber": "c-1", "EmailAddress": "a@b.example"});
    let made = twin.post("Contacts", body).await.only("Contacts");
    let by_number = json!({"ContactNumber": "c-1", "Name": "Acme Ltd"});
    let by_number = twin.post("Contacts", by_number).await.only("Contacts");
    assert_eq!(by_number["ContactID"], made["ContactID"]);
    assert_eq!(
        by_number["EmailAddress"], "a@b.example",
        "omitted members stay"
    );
    let by_name = json!({"Name": "acme ltd", "AccountNumber": "9"});
    let by_name = twin.post("Contacts", by_name).await.only("Contacts");
    assert_eq!(by_name["ContactID"], made["ContactID"]);
    let path = format!("Contacts/{}", id(&made, "ContactID"));
    let by_path = twin.post(&path, json!({"FirstName": "Ann"})).await;
    assert_eq!(by_path.only("Contacts")["FirstName"], "Ann");
    let unknown = json!({"ContactID": "11111111-1111-4111-8111-111111111111", "Name": "X"});
    assert_eq!(twin.post("Contacts", unknown).await.status, 400);
    assert_eq!(twin.total("Contact", "GBP").await[0], json!(1));
}

#[tokio::test]
async fn members_are_checked() {
    let twin = Twin::usual().await;
    for (body, message) in [
        (
            json!({}),
            "The Contact must contain at least 1 of the following elements to identify the \
             contact: Name, ContactID, ContactNumber",
        ),
        (
            json!({"Name": "A", "EmailAddress": "müller@b.example"}),
            "Email address must be valid.",
        ),
        (
            json!({"Name": "A", "EmailAddress": "nobody"}),
            "Email address must be valid.",
        ),
        (
            json!({"Name": "x".repeat(256)}),
            "Name must not be more than 255 characters long.",
        ),
        (
            json!({"Name": " A"}),
            "The contact name contains characters that are not allowed",
        ),
    ] {
        assert_eq!(twin.put("Contacts", body).await.messages(), [message]);
    }
    let person = json!({"FirstName": "P"});
    let six = json!({"Name": "A", "ContactPersons": vec![person; 6]});
    assert_eq!(twin.put("Contacts", six).await.status, 400);
}

#[tokio::test]
async fn the_archive_hides_a_contact_and_frees_its_name() {
    let twin = Twin::usual().await;
    let body = json!({"Name": "Acme", "ContactNumber": "c-1"});
    let made = twin.put("Contacts", body).await.only("Contacts");
    let contact = id(&made, "ContactID");
    let archive = json!({"ContactID": contact, "ContactStatus": "ARCHIVED"});
    let archived = twin.post("Contacts", archive).await.only("Contacts");
    assert_eq!(archived["ContactStatus"], "ARCHIVED");
    assert_eq!(
        twin.get("Contacts?page=1").await.json["Contacts"],
        json!([])
    );
    let all = twin.get("Contacts?includeArchived=True").await;
    assert_eq!(all.only("Contacts")["ContactID"], made["ContactID"]);
    let by_number = twin.get("Contacts/c-1").await.only("Contacts");
    assert_eq!(by_number["ContactStatus"], "ARCHIVED");
    let refused = twin.put("Invoices", invoice(&contact, "I-1", json!(5)));
    assert_eq!(refused.await.messages(), [ARCHIVED]);
    // The number stays taken, the name is free.
    let number = json!({"Name": "New", "ContactNumber": "c-1"});
    assert_eq!(twin.put("Contacts", number).await.status, 400);
    assert_eq!(
        twin.put("Contacts", json!({"Name": "Acme"})).await.status,
        200
    );
    let restore = json!({"ContactID": contact, "ContactStatus": "ACTIVE"});
    assert_eq!(twin.post("Contacts", restore).await.status, 400);
    let restore = json!({"ContactID": contact, "ContactStatus": "ACTIVE", "Name": "Acme 1"});
    assert_eq!(twin.post("Contacts", restore).await.status, 200);
    twin.invoice(&contact, "I-1", json!(5)).await;
}

#[tokio::test]
async fn a_merged_contact_points_to_the_other_and_gives_it_its_documents() {
    let twin = Twin::usual().await;
    let from = json!({"Name": "Acme", "ContactNumber": "c-1"});
    let from = id(
        &twin.put("Contacts", from).await.only("Contacts"),
        "ContactID",
    );
    let into = twin.contact("Acme Group").await;
    twin.invoice(&from, "I-1", json!(5)).await;
    let merge = json!({"entity": "Contact", "id": from, "action": "merge", "into": into});
    assert_eq!(twin.human(merge).await.status, 200);
    let merged = twin.get("Contacts/c-1").await.only("Contacts");
    assert_eq!(merged["ContactStatus"], "ARCHIVED");
    assert_eq!(merged["MergedToContactID"], json!(into));
    let moved = twin.get("Invoices/I-1").await.only("Invoices");
    assert_eq!(moved["Contact"]["ContactID"], json!(into));
    let refused = twin.put("Invoices", invoice(&from, "I-2", json!(5))).await;
    assert_eq!(refused.messages(), [ARCHIVED]);
}

#[tokio::test]
async fn an_invoice_changes_a_contact_that_it_describes() {
    let twin = Twin::usual().await;
    let person = json!({"FirstName": "P", "EmailAddress": "p@b.example"});
    let body = json!({"Name": "Acme", "ContactPersons": [person]});
    let made = twin.put("Contacts", body).await.only("Contacts");
    let contact = id(&made, "ContactID");
    // The id alone leaves the record as it is.
    twin.invoice(&contact, "I-1", json!(5)).await;
    let same = twin.get(&format!("Contacts/{contact}")).await;
    let same = same.only("Contacts");
    assert_eq!(same["ContactPersons"], json!([person]));
    assert_eq!(same["UpdatedDateUTC"], made["UpdatedDateUTC"]);
    assert_eq!(same["IsCustomer"], json!(true));
    let mut described = invoice(&contact, "I-2", json!(5));
    described["Contact"]["Name"] = json!("Renamed");
    assert_eq!(twin.put("Invoices", described).await.status, 200);
    let changed = twin.get(&format!("Contacts/{contact}")).await;
    let changed = changed.only("Contacts");
    assert_eq!(changed["Name"], "Renamed");
    assert_eq!(
        changed["ContactPersons"],
        json!([]),
        "persons not repeated are gone"
    );
}

#[tokio::test]
async fn a_bare_name_on_an_invoice_finds_or_makes_a_contact() {
    let twin = Twin::usual().await;
    let contact = twin.contact("Acme").await;
    let mut body = invoice(&contact, "I-1", json!(5));
    body["Contact"] = json!({"Name": "acme"});
    let found = twin.put("Invoices", body.clone()).await.only("Invoices");
    assert_eq!(found["Contact"]["ContactID"], json!(contact));
    body["Contact"] = json!({"Name": "New Ltd"});
    body["InvoiceNumber"] = json!("I-2");
    twin.put("Invoices", body.clone()).await.only("Invoices");
    assert_eq!(twin.total("Contact", "GBP").await[0], json!(2));
    // An invoice that fails leaves no contact behind.
    body["Contact"] = json!({"Name": "Third"});
    assert_eq!(twin.put("Invoices", body).await.status, 400);
    assert_eq!(twin.total("Contact", "GBP").await[0], json!(2));
}
