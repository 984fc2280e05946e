//! How commands of this program ask one that runs, where that has a web configuration.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use super::grammar::TlsSettings;
use super::inputs::Inputs;
use crate::source::credentials::{certificates, private_key};

/// How a running exporter is asked.
#[derive(Clone, Debug)]
pub enum Way {
    /// As it is.
    Plain,
    /// By TLS.
    Tls(Arc<ClientConfig>),
}

/// How to ask an exporter to which secrets are shown: over TLS it has to have the certificate that the file names. Where it asks for
/// a certificate it is shown its own. It blocks.
///
/// # Errors
///
/// What is wrong with the configuration.
pub fn trusted(web_config: Option<&Path>) -> Result<Way, String> {
    let Some(path) = web_config else { return Ok(Way::Plain) };
    let (inputs, settings) = Inputs::read(path)?;
    let Some(tls) = settings.tls else { return Ok(Way::Plain) };
    let chain = certificates(&tls.cert_file, inputs.file(&tls.cert_file))?;
    Ok(Way::Tls(client(chain.first().cloned(), Some((&tls, &inputs)))?))
}

/// The ways in which to ask whether an exporter is healthy, the likeliest first. Nothing is shown to it, so whoever answers is taken at
/// his word; while the file is broken, the exporter may go on with an earlier one, with TLS or without. It blocks.
pub fn any(web_config: Option<&Path>) -> Vec<Way> {
    let Some(path) = web_config else { return vec![Way::Plain] };
    let read = Inputs::read(path).ok();
    let asked = read.as_ref().map(|(inputs, settings)| (settings.tls.as_ref(), inputs));
    let tls = match asked {
        Some((None, _)) => None,
        Some((Some(tls), inputs)) => client(None, Some((tls, inputs))).or_else(|_| client(None, None)).ok(),
        None => client(None, None).ok(),
    };
    let plain = if matches!(asked, Some((Some(_), _))) { None } else { Some(Way::Plain) };
    tls.map(Way::Tls).into_iter().chain(plain).collect()
}

/// A client for who has this certificate, or any; it shows that of the listener.
fn client(
    expected: Option<CertificateDer<'static>>,
    own: Option<(&TlsSettings, &Inputs)>,
) -> Result<Arc<ClientConfig>, String> {
    let provider = ring::default_provider();
    let algorithms = provider.signature_verification_algorithms;
    let builder = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(This { expected, algorithms }));
    let asked = own.filter(|(tls, _)| tls.client_auth.is_mandatory());
    let Some((tls, inputs)) = asked else { return Ok(Arc::new(builder.with_no_client_auth())) };
    let chain = certificates(&tls.cert_file, inputs.file(&tls.cert_file))?;
    let key = private_key(&tls.key_file, inputs.file(&tls.key_file))?;
    let client = builder.with_client_auth_cert(chain, key);
    client
        .map(Arc::new)
        .map_err(|_| format!("{}: it is not the key of the certificate", tls.key_file.display()))
}

/// Takes one certificate, or any, of who has its key.
#[derive(Debug)]
struct This {
    expected: Option<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for This {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.expected {
            Some(expected) if expected != certificate => Err(CertificateError::UnknownIssuer.into()),
            _ => Ok(ServerCertVerified::assertion()),
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
