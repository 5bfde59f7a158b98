//! TLS for outgoing calls: 1.2 or newer, `ring`, the machine's roots and those configured.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore};

use super::HttpSetupError;

/// The crypto provider is named here, so that nothing depends on which one the process has installed.
pub(super) fn configuration(extra_roots: &[u8]) -> Result<ClientConfig, HttpSetupError> {
    let crypto = Arc::new(rustls::crypto::ring::default_provider());
    let mut configuration = ClientConfig::builder_with_provider(crypto)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(HttpSetupError::Tls)?
        .with_root_certificates(roots(extra_roots)?)
        .with_no_client_auth();
    configuration.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(configuration)
}

/// Single certificates of the machine that cannot be read are skipped, as every TLS client does.
fn roots(extra: &[u8]) -> Result<RootCertStore, HttpSetupError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for certificate in CertificateDer::pem_slice_iter(extra) {
        let certificate =
            certificate.map_err(|error| HttpSetupError::ExtraRoots(error.to_string()))?;
        let added = roots.add(certificate);
        added.map_err(|error| HttpSetupError::ExtraRoots(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(HttpSetupError::NoRoots);
    }
    Ok(roots)
}
