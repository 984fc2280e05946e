//! A listener's TLS.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};

use super::client_certificate;
use super::grammar::TlsSettings;
use super::inputs::Inputs;
use crate::source::credentials::{certificates, private_key};

/// The one protocol that is spoken over it.
const HTTP: &[u8] = b"http/1.1";

/// How a listener speaks it.
///
/// # Errors
///
/// The file and what is wrong with it.
pub(super) fn server(tls: &TlsSettings, inputs: &Inputs) -> Result<Arc<ServerConfig>, String> {
    let provider = Arc::new(CryptoProvider {
        cipher_suites: tls.suites.clone(),
        kx_groups: tls.groups.clone(),
        ..ring::default_provider()
    });
    let chain = certificates(&tls.cert_file, inputs.file(&tls.cert_file))?;
    let key = private_key(&tls.key_file, inputs.file(&tls.key_file))?;
    // There is one: else that would have been an error.
    let verifier = client_certificate::verifier(tls, inputs, chain[0].clone(), &provider)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&tls.versions)
        .map_err(|error| format!("tls_server_config: {error}"))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|error| {
            let (cert, key) = (tls.cert_file.display(), tls.key_file.display());
            format!("{key}: it is not the key of {cert}, or not one of RSA, ECDSA or Ed25519: {error}")
        })?;
    config.alpn_protocols = vec![HTTP.to_vec()];
    config.ignore_client_order = tls.prefers_own_order;
    Ok(Arc::new(config))
}
