//! The file of a listener's TLS, passwords and headers, in the grammar that exporters of Prometheus share: exporter-toolkit's
//! web-config, with the fields that promtool 2.42 knows.
//!
//! `grammar` is what may stand in it, `names` the tables of its words, `inputs` reads it and the files that it names, [`Web`] is what
//! holds now, `tls` speaks it, `passwords` asks for them, `watch` reads again what has changed, [`own`] is how commands of this
//! program ask one that runs.

mod client_certificate;
mod grammar;
mod inputs;
mod names;
pub mod own;
mod passwords;
mod tls;
mod watch;

use std::path::Path;
use std::sync::Arc;

use hyper::header::{HeaderName, HeaderValue};
use parking_lot::RwLock;
use rustls::ServerConfig;

use grammar::Settings;
use inputs::Inputs;
pub use passwords::{Passwords, Users, Verdict, Worker};
pub use watch::Watch;

/// What is asked of everybody who connects, and goes with every answer.
#[derive(Debug, Default)]
pub struct Terms {
    /// How TLS is spoken, where it is.
    pub tls: Option<Arc<ServerConfig>>,
    /// Who may see more than health, where not everybody may.
    pub users: Users,
    /// On every answer, in place of those that would be there.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl Terms {
    fn of(settings: &Settings, inputs: &Inputs) -> Result<Self, String> {
        let tls = settings.tls.as_ref().map(|tls| tls::server(tls, inputs)).transpose()?;
        Ok(Self { tls, users: settings.users.clone(), headers: settings.headers.clone() })
    }
}

/// What a web configuration says now. Without one: plain HTTP, without passwords.
#[derive(Debug)]
pub struct Web {
    terms: RwLock<Arc<Terms>>,
    /// Who is asked whether a password is right.
    pub passwords: Passwords,
}

/// What takes two threads that a web configuration needs.
#[derive(Debug)]
pub struct Work {
    /// Reads it again.
    pub watch: Watch,
    /// Looks at passwords.
    pub worker: Worker,
}

impl Web {
    /// Plain HTTP, without passwords.
    pub fn plain() -> Arc<Self> {
        Arc::new(Self { terms: RwLock::default(), passwords: Passwords::new().0 })
    }

    /// What a file says, and the work that goes with it. It blocks.
    ///
    /// # Errors
    ///
    /// What cannot be read or is wrong, with the file, the field, what was found and what is right.
    pub fn open(path: &Path) -> Result<(Arc<Self>, Work), String> {
        let (inputs, settings) = Inputs::read(path)?;
        let terms = Terms::of(&settings, &inputs)?;
        settings.say_notes(path);
        let (passwords, worker) = Passwords::new();
        let web = Arc::new(Self { terms: RwLock::new(Arc::new(terms)), passwords });
        let watch = Watch::new(path, Arc::downgrade(&web), inputs);
        Ok((web, Work { watch, worker }))
    }

    /// What holds for who comes now.
    pub fn terms(&self) -> Arc<Terms> {
        Arc::clone(&self.terms.read())
    }
}

/// What a file means, for people, and what of it cannot be done. It blocks.
///
/// # Errors
///
/// As [`Web::open`].
pub fn look(path: &Path) -> Result<(String, Vec<String>), String> {
    let (inputs, settings) = Inputs::read(path)?;
    Terms::of(&settings, &inputs)?;
    Ok((settings.summary(), settings.notes))
}

#[cfg(test)]
pub(crate) mod tests {
    //! A web configuration for the tests of this program.

    use std::sync::Arc;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::Web;

    fn pem(label: &str, der: &[u8]) -> String {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
    }

    /// With TLS, and more.
    pub(crate) fn with_tls(more: &str) -> Arc<Web> {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).expect("written");
            path
        };
        write("a.pem", &pem("CERTIFICATE", include_bytes!("../tests/fixtures/tls/certificate.der")));
        write("a.key", &pem("PRIVATE KEY", include_bytes!("../tests/fixtures/tls/key.der")));
        let text = format!("tls_server_config: {{cert_file: a.pem, key_file: a.key}}\n{more}");
        Web::open(&write("web.yml", &text)).expect("it is right").0
    }
}
