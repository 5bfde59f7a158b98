//! Below HTTP: names, connections and certificates. What fails here was provably not sent.

use std::sync::Arc;
use std::time::Duration;

use provider_kit::http::{BaseUrl, HttpClient, HttpOptions, HttpSetupError};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::server::{
    Act, Server, assert_not_sent, assert_unclear, client, client_that_trusts, reply, send,
};

#[tokio::test]
async fn a_refused_connection_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    for base in [format!("http://{address}"), format!("https://{address}")] {
        let base = BaseUrl::parse(&base).unwrap();
        assert_not_sent(&send(&client(), &base).await, "refused");
    }
}

#[tokio::test]
async fn a_name_that_does_not_resolve_was_not_sent() {
    let base = BaseUrl::parse("https://no-such-host.invalid").unwrap();
    assert_not_sent(&send(&client(), &base).await, "no such name");
}

#[tokio::test]
async fn a_handshake_that_fails_was_not_sent() {
    let alert = b"\x15\x03\x01\x00\x02\x02\x46".to_vec();
    let mut tls_1_1 = b"\x16\x03\x02\x00\x2a\x02\x00\x00\x26\x03\x02".to_vec();
    tls_1_1.extend([7; 32]);
    tls_1_1.extend(b"\x00\xc0\x13\x00");
    let cases = [
        ("closes at once", Vec::new(), false),
        (
            "speaks HTTP",
            b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
            false,
        ),
        ("alerts", alert, false),
        ("offers TLS 1.1", tls_1_1, true),
        ("is silent past the connect limit", Vec::new(), true),
    ];
    for (case, words, stays) in cases {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            socket.write_all(&words).await.unwrap();
            if stays {
                std::future::pending::<()>().await;
            }
        });
        let base = BaseUrl::parse(&format!("https://{address}")).unwrap();
        assert_not_sent(&send(&client(), &base).await, case);
        server.abort();
    }
}

#[tokio::test]
async fn a_good_certificate_is_accepted() {
    let authority = Authority::new();
    let server = authority.serve(server_certificate("localhost")).await;
    let client = client_that_trusts(authority.pem.as_bytes());
    assert_eq!(send(&client, &server.base_url()).await.unwrap().status, 200);
}

#[tokio::test]
async fn no_request_goes_out_on_a_bad_certificate() {
    let authority = Authority::new();
    let roots = authority.pem.as_bytes();
    let mut expired = server_certificate("localhost");
    expired.not_after = date_time_ymd(2020, 1, 1);
    let mut early = server_certificate("localhost");
    early.not_before = date_time_ymd(4000, 1, 1);
    early.not_after = date_time_ymd(4001, 1, 1);
    let cases = [
        ("expired", expired, roots),
        ("not yet valid", early, roots),
        (
            "another host's",
            server_certificate("elsewhere.example"),
            roots,
        ),
        (
            "of an unknown authority",
            server_certificate("localhost"),
            &[],
        ),
    ];
    for (case, certificate, roots) in cases {
        let server = authority.serve(certificate).await;
        let result = send(&client_that_trusts(roots), &server.base_url()).await;
        assert_not_sent(&result, case);
        assert_eq!(
            (server.connections(), server.requests().len()),
            (1, 0),
            "{case}"
        );
    }
}

#[tokio::test]
async fn a_body_without_length_that_ends_without_goodbye_is_unclear() {
    let authority = Authority::new();
    let act = Act::SayAndReset(b"HTTP/1.1 200 OK\r\n\r\n{\"half\":".to_vec());
    let server = authority
        .serve_act(server_certificate("localhost"), act)
        .await;
    let client = client_that_trusts(authority.pem.as_bytes());
    assert_unclear(
        &send(&client, &server.base_url()).await,
        "cut by a middleman",
    );
}

#[test]
fn options_that_cannot_work_are_refused_when_the_client_is_built() {
    let roots = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let options = HttpOptions {
        extra_roots: roots.to_vec(),
        ..HttpOptions::default()
    };
    let refused = HttpClient::new(&options).unwrap_err();
    assert!(
        matches!(refused, HttpSetupError::ExtraRoots(_)),
        "{refused:?}"
    );
    let options = HttpOptions {
        proxy: Some(runtime::Secret::new("http://user:word@[nonsense")),
        ..HttpOptions::default()
    };
    let refused = HttpClient::new(&options).unwrap_err();
    assert!(matches!(refused, HttpSetupError::Proxy), "{refused:?}");
    assert!(!format!("{refused:?} {refused}").contains("word"));
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    async fn serve(&self, params: CertificateParams) -> Server {
        self.serve_act(params, reply("200 OK", "{}")).await
    }

    async fn serve_act(&self, params: CertificateParams, act: Act) -> Server {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let crypto = Arc::new(rustls::crypto::ring::default_provider());
        let configuration = ServerConfig::builder_with_provider(crypto)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        Server::start_tls(vec![act], TlsAcceptor::from(Arc::new(configuration))).await
    }
}

fn server_certificate(host: &str) -> CertificateParams {
    CertificateParams::new(vec![host.to_owned()]).unwrap()
}

#[test]
fn connecting_and_stalling_are_bounded_well_below_a_call() {
    use provider_kit::http::{CONNECT_LIMIT, STALL_LIMIT};
    assert!(CONNECT_LIMIT + STALL_LIMIT <= Duration::from_secs(15));
}
