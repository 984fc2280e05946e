//! The words of a web configuration, and what each is to rustls. Words that Go knows and rustls has no use for are known, too: who
//! writes them is told, and the rest holds.

use rustls::crypto::SupportedKxGroup;
use rustls::crypto::ring::{ALL_CIPHER_SUITES, kx_group};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion, version};

/// Suites of TLS 1.2 that Go speaks and rustls does not: without forward secrecy, or with CBC.
const OLD_SUITES: &[&str] = &[
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
];

/// Versions, the newest first.
pub(super) const VERSIONS: [(&str, Option<&SupportedProtocolVersion>); 4] =
    [("TLS13", Some(&version::TLS13)), ("TLS12", Some(&version::TLS12)), ("TLS11", None), ("TLS10", None)];

/// What is asked of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientAuth {
    /// No certificate.
    None,
    /// One, if they have it, whoever vouches for it.
    Request,
    /// One, whoever vouches for it.
    Require,
    /// One of an authority, if they have it.
    VerifyIfGiven,
    /// One of an authority.
    RequireAndVerify,
}

pub(super) const CLIENT_AUTH: [(&str, ClientAuth); 6] = [
    ("NoClientCert", ClientAuth::None),
    ("RequestClientCert", ClientAuth::Request),
    ("RequireAnyClientCert", ClientAuth::Require),
    ("VerifyClientCertIfGiven", ClientAuth::VerifyIfGiven),
    ("RequireAndVerifyClientCert", ClientAuth::RequireAndVerify),
    // An old word for it.
    ("RequireClientCert", ClientAuth::Require),
];

impl ClientAuth {
    /// Whether an authority has to vouch for a certificate.
    pub(super) fn verifies(self) -> bool {
        matches!(self, Self::VerifyIfGiven | Self::RequireAndVerify)
    }

    /// Whether nobody gets in without a certificate.
    pub(super) fn is_mandatory(self) -> bool {
        matches!(self, Self::Require | Self::RequireAndVerify)
    }
}

/// Curves for the exchange of keys.
pub(super) static CURVES: [(&str, Option<&dyn SupportedKxGroup>); 4] = [
    ("CurveP256", Some(kx_group::SECP256R1)),
    ("CurveP384", Some(kx_group::SECP384R1)),
    ("CurveP521", None),
    ("X25519", Some(kx_group::X25519)),
];

/// Headers that may be set, with the values that they may have; without any, each.
pub(super) const HEADERS: [(&str, &[&str]); 5] = [
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
    ("Content-Security-Policy", &[]),
];

/// A suite that has a name.
pub(super) enum Suite {
    Spoken(SupportedCipherSuite),
    /// Go speaks it.
    Old,
}

/// A suite by its name, if there is one.
pub(super) fn suite(name: &str) -> Option<Suite> {
    let known = ALL_CIPHER_SUITES.iter().find(|suite| suite_name(**suite) == name);
    match known {
        Some(suite) => Some(Suite::Spoken(*suite)),
        None => OLD_SUITES.contains(&name).then_some(Suite::Old),
    }
}

/// A suite's name as Go has it.
fn suite_name(suite: SupportedCipherSuite) -> String {
    format!("{:?}", suite.suite()).replacen("TLS13_", "TLS_", 1)
}

/// All suites that are spoken.
pub(super) fn suite_names() -> Vec<String> {
    ALL_CIPHER_SUITES.iter().map(|suite| suite_name(*suite)).collect()
}
