//! Which certificates of clients are taken.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};

use super::grammar::TlsSettings;
use super::inputs::Inputs;
use super::names::ClientAuth;
use crate::source::credentials::certificates;

/// Asks for a certificate. That of the listener itself is always taken: who has its key is this program, and its commands ask so.
#[derive(Debug)]
struct Asking {
    mandatory: bool,
    own: CertificateDer<'static>,
    algorithms: WebPkiSupportedAlgorithms,
    /// Who has to vouch for others; without one nobody has.
    authorities: Option<Arc<dyn ClientCertVerifier>>,
}

/// What a web configuration asks for.
///
/// # Errors
///
/// The file of the authorities, where there are none in it.
pub(super) fn verifier(
    tls: &TlsSettings,
    inputs: &Inputs,
    own: CertificateDer<'static>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, String> {
    if tls.client_auth == ClientAuth::None {
        return Ok(WebPkiClientVerifier::no_client_auth());
    }
    let authorities = match &tls.client_ca_file {
        Some(path) if tls.client_auth.verifies() => {
            let mut roots = RootCertStore::empty();
            let found = certificates(path, inputs.file(path))?;
            if roots.add_parsable_certificates(found).0 == 0 {
                return Err(format!("{}: no certificate of an authority is in it", path.display()));
            }
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
            Some(verifier.map_err(|error| format!("{}: {error}", path.display()))?)
        }
        _ => None,
    };
    let algorithms = provider.signature_verification_algorithms;
    Ok(Arc::new(Asking { mandatory: tls.client_auth.is_mandatory(), own, algorithms, authorities }))
}

impl ClientCertVerifier for Asking {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.authorities.as_ref().map_or(&[], |authorities| authorities.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match &self.authorities {
            Some(authorities) if *certificate != self.own => {
                authorities.verify_client_cert(certificate, between, now)
            }
            _ => Ok(ClientCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
