//! Files with secrets, certificates and keys: read each time, so that a new one holds without a restart; shown and
//! logged nowhere.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;
use rustls::{ClientConfig, RootCertStore};

use crate::source::credentials::{certificates, contents, private_key};

/// Where they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Files {
    /// Whose certificates are taken; without one, those that the system vouches for.
    pub(super) ca: Option<PathBuf>,
    /// Certificate and key of this program.
    pub(super) client: Option<(PathBuf, PathBuf)>,
    /// The name of a user, and the file of the password.
    pub(super) user: Option<(String, PathBuf)>,
    /// The file of a bearer token.
    pub(super) token: Option<PathBuf>,
    /// The file of a URL that is a secret.
    pub(super) url: Option<PathBuf>,
}

/// What they say.
pub(super) struct Secrets {
    pub(super) authorization: Option<HeaderValue>,
    pub(super) url: Option<String>,
    /// How TLS is spoken, where it is asked for.
    pub(super) tls: Option<Arc<ClientConfig>>,
}

/// They are shown nowhere.
impl std::fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secrets")
    }
}

impl Files {
    /// Reads all of them. It blocks.
    pub(super) fn read(&self, with_tls: bool) -> Result<Secrets, String> {
        let url = self.url.as_deref().map(word).transpose()?;
        let with_tls = with_tls || url.as_ref().is_some_and(|url| url.starts_with("https:"));
        Ok(Secrets {
            authorization: self.authorization()?,
            tls: if with_tls { Some(Arc::new(self.tls()?)) } else { None },
            url,
        })
    }

    fn authorization(&self) -> Result<Option<HeaderValue>, String> {
        let (text, path) = match (&self.token, &self.user) {
            (Some(path), _) => (format!("Bearer {}", word(path)?), path),
            (None, Some((user, path))) => {
                (format!("Basic {}", STANDARD.encode(format!("{user}:{}", word(path)?))), path)
            }
            (None, None) => return Ok(None),
        };
        let mut value = HeaderValue::from_str(&text)
            .map_err(|_| format!("{}: no such secret can be sent", path.display()))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    fn tls(&self) -> Result<ClientConfig, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(self.roots()?);
        let Some((certificate, key)) = &self.client else { return Ok(builder.with_no_client_auth()) };
        let chain = certificates(certificate, &contents(certificate)?)?;
        let private = private_key(key, &contents(key)?)?;
        builder
            .with_client_auth_cert(chain, private)
            .map_err(|_| format!("{}: it is not the key of the certificate", key.display()))
    }

    fn roots(&self) -> Result<RootCertStore, String> {
        let mut roots = RootCertStore::empty();
        let (found, whose) = match &self.ca {
            Some(path) => (certificates(path, &contents(path)?)?, path.display().to_string()),
            None => (rustls_native_certs::load_native_certs().certs, "this system".to_owned()),
        };
        let (taken, _) = roots.add_parsable_certificates(found);
        if taken == 0 {
            return Err(format!("{whose} has no certificates of authorities; ca_file names some"));
        }
        Ok(roots)
    }
}

/// One line, without its end.
fn word(path: &Path) -> Result<String, String> {
    let text =
        String::from_utf8(contents(path)?).map_err(|_| format!("{}: it is no text", path.display()))?;
    let word = text.trim();
    if word.is_empty() {
        return Err(format!("{}: it is empty", path.display()));
    }
    Ok(word.to_owned())
}
