//! Tests of base URLs.

use super::*;

#[test]
fn https_anywhere_and_http_only_here() {
    for (text, shown) in [
        (
            "https://quickbooks.api.intuit.com",
            "https://quickbooks.api.intuit.com",
        ),
        (
            " https://api.xero.com/api.xro/2.0/ ",
            "https://api.xero.com/api.xro/2.0",
        ),
        ("HTTPS://Example.COM:443/", "https://example.com"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://[::1]:8080/qbo", "http://[::1]:8080/qbo"),
    ] {
        assert_eq!(BaseUrl::parse(text).unwrap().to_string(), shown);
        assert_eq!(text.parse::<BaseUrl>().unwrap().to_string(), shown);
    }
}

#[test]
fn addresses_that_are_not_safe_are_refused_for_their_reason() {
    for (text, reason) in [
        ("", BaseUrlError::NotAUrl),
        ("quickbooks.api.intuit.com", BaseUrlError::NotAUrl),
        ("https://", BaseUrlError::NotAUrl),
        ("/v3", BaseUrlError::NotAUrl),
        ("http://quickbooks.api.intuit.com", BaseUrlError::NotHttps),
        ("http://localhost.example.com", BaseUrlError::NotHttps),
        ("http://localhost.", BaseUrlError::NotHttps),
        ("http://sandbox:8080", BaseUrlError::NotHttps),
        ("http://10.0.0.1", BaseUrlError::NotHttps),
        ("http://0.0.0.0", BaseUrlError::NotHttps),
        ("http://[::ffff:10.0.0.1]", BaseUrlError::NotHttps),
        ("http://127.0.0.1.example.com", BaseUrlError::NotHttps),
        ("http://127.0.0.1@example.com", BaseUrlError::NotHttps),
        ("ftp://localhost", BaseUrlError::NotHttps),
        ("file:///etc/passwd", BaseUrlError::NotHttps),
        ("localhost:8080", BaseUrlError::NotHttps),
        ("https://user@example.com", BaseUrlError::Credentials),
        ("https://:word@example.com", BaseUrlError::Credentials),
        ("https://example.com?x=1", BaseUrlError::QueryOrFragment),
        ("https://example.com#x", BaseUrlError::QueryOrFragment),
    ] {
        assert_eq!(BaseUrl::parse(text).unwrap_err(), reason, "{text}");
    }
}

#[test]
fn paths_are_added_below_the_base() {
    for (base, path, whole) in [
        ("https://a.example", "/v3/x", "https://a.example/v3/x"),
        ("https://a.example/", "/", "https://a.example/"),
        (
            "https://a.example/api/2.0",
            "/Invoices",
            "https://a.example/api/2.0/Invoices",
        ),
        (
            "https://a.example/api/",
            "/a%20b%2F",
            "https://a.example/api/a%20b%2F",
        ),
        (
            "https://a.example",
            "//b.example/x",
            "https://a.example//b.example/x",
        ),
    ] {
        let base = BaseUrl::parse(base).unwrap();
        assert_eq!(base.at(path, &[]).unwrap().as_str(), whole);
    }
}

#[test]
fn a_query_is_encoded_so_that_every_server_reads_the_same() {
    let base = BaseUrl::parse("https://a.example").unwrap();
    let query = [
        (
            "q".to_owned(),
            "a b+c&d=e%2B'\"<>#?/~-._é\u{1f4b6}\n".to_owned(),
        ),
        ("empty".to_owned(), String::new()),
    ];
    assert_eq!(
        base.at("/x", &query).unwrap().as_str(),
        "https://a.example/x?q=a%20b%2Bc%26d%3De%252B%27%22%3C%3E%23%3F%2F~-._%C3%A9%F0%9F%92%B6%0A&empty="
    );
}
