//! Customers, items and the other lists: names, lengths, revisions.

use serde_json::{Value, json};

use crate::harness::{Twin, invoice};

#[tokio::test]
async fn a_customer_comes_back_with_what_the_service_adds() {
    let twin = Twin::usual().await;
    let reply = twin
        .post(
            "customer?minorversion=75",
            json!({"DisplayName": " Amy ", "Notes": "T:1", "BillAddr": {"Line1": "1 Road"}}),
        )
        .await;
    assert_eq!(reply.status, 200);
    assert!(reply.intuit_tid.starts_with("1-"));
    let customer = &reply.json["Customer"];
    assert_eq!(customer["DisplayName"], "Amy");
    assert_eq!(customer["FullyQualifiedName"], "Amy");
    assert_eq!(customer["SyncToken"], "0");
    assert_eq!(customer["Notes"], "T:1");
    assert_eq!(customer["Balance"], json!(0));
    assert_eq!(customer["CurrencyRef"]["name"], "United States Dollar");
    assert_eq!(customer["PreferredDeliveryMethod"], "Print");
    assert_eq!(customer["BillAddr"]["Lat"], "INVALID");
    assert_eq!(customer["domain"], "QBO");
    assert_eq!(customer["sparse"], json!(false));
    let read = twin.get("customer/1").await;
    assert_eq!(read.json["Customer"], *customer);
}

#[tokio::test]
async fn a_display_name_is_built_from_its_parts() {
    let twin = Twin::usual().await;
    let parts = json!({"GivenName": "Ada", "FamilyName": "Byron"});
    let reply = twin.post("customer", parts).await;
    assert_eq!(reply.json["Customer"]["DisplayName"], "Ada Byron");
    let nameless = twin.post("customer", json!({"Notes": "x"})).await;
    assert_eq!(nameless.code(), "6080");
}

#[tokio::test]
async fn names_are_unique_over_customers_vendors_and_employees() {
    let twin = Twin::usual().await;
    twin.customer("Acme").await;
    let vendor =
        json!({"entity": "Vendor", "action": "create", "changes": {"DisplayName": "Zeta"}});
    assert_eq!(twin.human(vendor).await.status, 200);
    for taken in ["ACME", "zeta"] {
        let reply = twin.post("customer", json!({"DisplayName": taken})).await;
        assert_eq!((reply.status, reply.code()), (400, "6240"));
        assert!(reply.detail().contains("customer, vendor or employee"));
    }
}

#[tokio::test]
async fn deactivating_frees_the_name() {
    let twin = Twin::usual().await;
    twin.customer("Acme").await;
    let off = json!({"Id": "1", "SyncToken": "0", "sparse": true, "Active": false});
    let reply = twin.post("customer", off).await;
    assert_eq!(reply.json["Customer"]["DisplayName"], "Acme (deleted)");
    assert_eq!(
        reply.json["Customer"]["FullyQualifiedName"],
        "Acme (deleted)"
    );
    assert_eq!(twin.customer("Acme").await["Id"], "2");
    let on = json!({"Id": "1", "SyncToken": "1", "sparse": true, "Active": true});
    let reply = twin.post("customer", on).await;
    assert_eq!(reply.json["Customer"]["DisplayName"], "Acme (deleted)");
}

#[tokio::test]
async fn an_inactive_customer_cannot_be_invoiced() {
    let twin = Twin::usual().await;
    twin.customer("Acme").await;
    let work = json!({"entity": "Customer", "id": "1", "action": "deactivate"});
    twin.human(work).await;
    let refused = twin
        .post("invoice", crate::harness::invoice("1", json!(1)))
        .await;
    assert_eq!(refused.code(), "610");
    let missing = twin
        .post("invoice", crate::harness::invoice("583", json!(1)))
        .await;
    assert_eq!(missing.code(), "2500");
    assert!(missing.detail().contains("Names element id 583 not found"));
}

#[tokio::test]
async fn bad_customers_are_refused_with_their_codes() {
    let twin = Twin::usual().await;
    let long = "x".repeat(501);
    let cases = [
        (json!({"Name": "Acme"}), "2010"),
        (json!({"Customer": {"DisplayName": "Acme"}}), "2010"),
        (json!({"DisplayName": long}), "2050"),
        (json!({"DisplayName": "a:b"}), "2040"),
        (
            json!({"DisplayName": "a", "PrimaryEmailAddr": {"Address": "nobody"}}),
            "2210",
        ),
        (
            json!({"DisplayName": "a", "PreferredDeliveryMethod": "Pigeon"}),
            "2170",
        ),
        (
            json!({"DisplayName": "a", "SalesTermRef": {"value": "99"}}),
            "2500",
        ),
        (
            json!({"DisplayName": "a", "CurrencyRef": {"value": "EUR"}}),
            "6000",
        ),
    ];
    for (body, code) in cases {
        let reply = twin.post("customer", body.clone()).await;
        assert_eq!((reply.status, reply.code()), (400, code), "{body}");
    }
    let reply = twin
        .post(
            "customer",
            json!({"DisplayName": "x", "Notes": "n".repeat(1025)}),
        )
        .await;
    assert_eq!(
        reply.detail(),
        "Min:0 Max:1,024 supported. Supplied length:1,025"
    );
    assert_eq!(reply.json["Fault"]["Error"][0]["element"], "Notes");
    assert!(twin.ids("select * from Customer").await.is_empty());
}

#[tokio::test]
async fn a_stale_revision_is_refused_and_a_change_without_effect_keeps_it() {
    let twin = Twin::usual().await;
    let made = twin.customer("Acme").await;
    let same = json!({"Id": "1", "SyncToken": "0", "sparse": true, "DisplayName": "Acme"});
    let reply = twin.post("customer", same).await;
    assert_eq!(reply.json["Customer"]["SyncToken"], "0");
    assert_eq!(reply.json["Customer"]["MetaData"], made["MetaData"]);
    let rename = json!({"Id": "1", "SyncToken": "0", "sparse": true, "DisplayName": "Acme Ltd"});
    let reply = twin.post("customer", rename.clone()).await;
    assert_eq!(reply.json["Customer"]["SyncToken"], "1");
    let stale = twin.post("customer", rename).await;
    assert_eq!((stale.status, stale.code()), (400, "5010"));
    let tokenless = json!({"Id": "1", "sparse": true, "Notes": "x"});
    assert_eq!(twin.post("customer", tokenless).await.code(), "2020");
}

#[tokio::test]
async fn a_full_update_clears_what_it_leaves_out_and_a_sparse_one_keeps_it() {
    let twin = Twin::usual().await;
    let body = json!({
        "DisplayName": "Acme", "Notes": "keep", "BillAddr": {"Line1": "1 Road"},
    });
    let made = twin.post("customer", body).await.json["Customer"].clone();
    let sparse = json!({"Id": "1", "SyncToken": "0", "sparse": true, "CompanyName": "A"});
    let reply = twin.post("customer", sparse).await;
    assert_eq!(reply.json["Customer"]["Notes"], "keep");
    assert_eq!(reply.json["Customer"]["BillAddr"], made["BillAddr"]);
    let full = json!({"Id": "1", "SyncToken": "1", "DisplayName": "Acme"});
    let reply = twin.post("customer", full).await;
    assert_eq!(reply.json["Customer"]["Notes"], Value::Null);
    assert_eq!(reply.json["Customer"]["CompanyName"], Value::Null);
}

#[tokio::test]
async fn blanks_clear_members_of_every_shape() {
    let twin = Twin::usual().await;
    let body = json!({
        "DisplayName": "Acme", "Notes": "n", "OpenBalanceDate": "", "BillAddr": {"City": ""},
        "PreferredDeliveryMethod": "", "PrimaryEmailAddr": {"Address": ""}, "AcctNum": "7",
    });
    let made = twin.post("customer", body).await.json["Customer"].clone();
    assert_eq!(made["PreferredDeliveryMethod"], "Print");
    assert_eq!(made["BillAddr"], Value::Null);
    assert_eq!(made["AcctNum"], Value::Null);
    let clear = json!({"Id": "1", "SyncToken": "0", "sparse": true, "Notes": ""});
    let cleared = twin.post("customer", clear).await.json["Customer"].clone();
    assert_eq!(cleared["Notes"], Value::Null);
    assert_eq!(cleared["SyncToken"], "1");
}

#[tokio::test]
async fn an_item_needs_a_free_name_and_an_income_account() {
    let twin = Twin::usual().await;
    let item = |name: &str, account: &str| json!({"Name": name, "Type": "Service", "IncomeAccountRef": {"value": account}});
    let made = twin.post("item", item("Design", "79")).await;
    let made = &made.json["Item"];
    assert_eq!(made["IncomeAccountRef"]["name"], "Sales of Product Income");
    assert_eq!(made["UnitPrice"], json!(0));
    assert_eq!(made["Id"], "2");
    assert_eq!(twin.post("item", item("design", "79")).await.code(), "6240");
    assert_eq!(
        twin.post("item", item("Hosting", "84")).await.code(),
        "6430"
    );
    assert_eq!(
        twin.post("item", item("Hosting", "999")).await.code(),
        "2500"
    );
    let reply = twin.post("item", json!({"Name": "Hosting"})).await;
    assert_eq!(reply.code(), "2020");
    let echo = json!({"Id": "2", "SyncToken": "0", "sparse": true, "Name": "Design"});
    let reply = twin.post("item", echo).await;
    assert_eq!(reply.json["Item"], *made);
}

#[tokio::test]
async fn the_company_describes_itself() {
    let twin = Twin::start(json!({"country": "GB", "homeCurrency": "GBP"})).await;
    let info = twin.get("companyinfo/9130347").await;
    assert_eq!(info.json["CompanyInfo"]["Country"], "GB");
    assert_eq!(info.json["CompanyInfo"]["Id"], "1");
    let preferences = twin.get("preferences").await.json["Preferences"].clone();
    assert_eq!(preferences["CurrencyPrefs"]["HomeCurrency"]["value"], "GBP");
    assert_eq!(preferences["TaxPrefs"]["UsingSalesTax"], json!(true));
    twin.profile(json!({"customTxnNumbers": true, "bookCloseDate": "2020-12-31"}))
        .await;
    let preferences = twin.get("preferences").await.json["Preferences"].clone();
    assert_eq!(
        preferences["SalesFormsPrefs"]["CustomTxnNumbers"],
        json!(true)
    );
    assert_eq!(
        preferences["AccountingInfoPrefs"]["BookCloseDate"],
        "2020-12-31"
    );
    let account = twin.get("account/84").await;
    assert_eq!(
        account.json["Account"]["AccountType"],
        "Accounts Receivable"
    );
    let rate = twin.get("taxrate/3").await;
    assert_eq!(rate.json["TaxRate"]["RateValue"], json!(20));
    assert_eq!(twin.get("taxcode/NON").await.code(), "610");
    let written = twin.post("taxcode", json!({"Name": "New"})).await;
    assert_eq!(written.code(), "500");
}

#[tokio::test]
async fn accounts_terms_and_payment_methods_are_made_and_renamed() {
    let twin = Twin::usual().await;
    assert_eq!(
        twin.post("account", json!({"Name": "New"})).await.code(),
        "6010"
    );
    let account = json!({"Name": "Fees", "AccountType": "Income"});
    let made = twin.post("account", account.clone()).await.json["Account"].clone();
    assert_eq!(made["Classification"], "Revenue");
    assert_eq!(made["AccountSubType"], "SalesOfProductIncome");
    assert_eq!(made["Id"], "90");
    assert_eq!(twin.post("account", account).await.code(), "6240");
    let below = json!({"Name": "Late", "AccountType": "Income", "ParentRef": {"value": "90"}});
    let below = twin.post("account", below).await.json["Account"].clone();
    assert_eq!(below["FullyQualifiedName"], "Fees:Late");
    let quoted = json!({"Name": "a\"b", "AccountType": "Income"});
    assert_eq!(twin.post("account", quoted).await.code(), "2040");
    let term = json!({"Name": "Net 45", "DueDays": 45});
    let term = twin.post("term", term).await.json["Term"].clone();
    assert_eq!(term["Type"], "STANDARD");
    let method = json!({"Name": "Voucher"});
    let method = twin.post("paymentmethod", method).await.json["PaymentMethod"].clone();
    assert_eq!(method["Type"], "NON_CREDIT_CARD");
    let off = json!({"Id": method["Id"], "SyncToken": "0", "sparse": true, "Active": false});
    let off = twin.post("paymentmethod", off).await.json["PaymentMethod"].clone();
    assert_eq!(off["Name"], "Voucher (deleted)");
    let found = twin.ids("select * from PaymentMethod orderby Id").await;
    assert_eq!(found, ["1", "2", "3"]);
}

#[tokio::test]
async fn the_tax_service_makes_codes_with_their_rates() {
    let twin = Twin::start(json!({"country": "GB", "homeCurrency": "GBP"})).await;
    let rate = |name: &str| {
        json!({"TaxRateName": name, "RateValue": 12.5, "TaxAgencyId": "1",
               "TaxApplicableOn": "Sales"})
    };
    let body = json!({"TaxCode": "Reduced", "TaxRateDetails": [rate("R1")]});
    let made = twin.post("taxservice/taxcode", body.clone()).await;
    assert_eq!(made.status, 200, "{}", made.text);
    assert_eq!(made.json["TaxCode"], "Reduced");
    let id = made.json["TaxCodeId"].as_str().unwrap();
    let code = twin.get(&format!("taxcode/{id}")).await.json["TaxCode"].clone();
    let listed = &code["SalesTaxRateList"]["TaxRateDetail"][0]["TaxRateRef"];
    assert_eq!(listed["name"], "R1");
    let path = format!("taxrate/{}", listed["value"].as_str().unwrap());
    let rate_value = twin.get(&path).await.json["TaxRate"]["RateValue"].clone();
    assert_eq!(rate_value.to_string(), "12.5");
    assert_eq!(twin.post("taxservice/taxcode", body).await.code(), "6240");
    let taken = json!({"TaxCode": "Other", "TaxRateDetails": [rate("R1")]});
    assert_eq!(twin.post("taxservice/taxcode", taken).await.code(), "6240");
    let twice = json!({"TaxCode": "Other", "TaxRateDetails": [rate("R2"), rate("R2")]});
    assert_eq!(twin.post("taxservice/taxcode", twice).await.code(), "6000");
    twin.customer("Acme").await;
    let mut invoice = invoice("1", json!(100));
    invoice["Line"][0]["SalesItemLineDetail"]["TaxCodeRef"] = json!({"value": id});
    let taxed = twin.post("invoice", invoice).await;
    assert_eq!(taxed.json["Invoice"]["TotalAmt"].to_string(), "112.5");
}

#[tokio::test]
async fn wrong_paths_and_bodies_are_refused() {
    let twin = Twin::usual().await;
    let wrong = twin.get("companyinfos/1").await;
    assert_eq!((wrong.status, wrong.code()), (404, "10000"));
    let request = twin
        .http()
        .post(twin.url("/v3/company/9130347/customer"))
        .header("authorization", format!("Bearer {}", twin.token));
    let text = request
        .try_clone()
        .unwrap()
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(crate::harness::read(text).await.unwrap().code(), "1050");
    let json = request.header("content-type", "application/json");
    let broken = json.try_clone().unwrap().body("{\"Displ").send().await;
    assert_eq!(
        crate::harness::read(broken.unwrap()).await.unwrap().code(),
        "2010"
    );
    let bytes = json
        .body(b"{\"DisplayName\":\"\xff\"}".to_vec())
        .send()
        .await;
    assert_eq!(
        crate::harness::read(bytes.unwrap()).await.unwrap().code(),
        "500"
    );
}
