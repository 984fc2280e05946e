//! What may stand in a web configuration. Pure: text in, settings or the first problem out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use bcrypt::HashParts;
use hyper::header::{HeaderName, HeaderValue};
use rustls::crypto::SupportedKxGroup;
use rustls::crypto::ring::{ALL_CIPHER_SUITES, ALL_KX_GROUPS};
use rustls::version::TLS13;
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};
use serde::Deserialize;

use super::names::{self, CLIENT_AUTH, CURVES, ClientAuth, HEADERS, Suite, VERSIONS};
use super::passwords::Users;
use crate::text::escape::escaped;

/// Dearer hashes take longer than a scrape, cheaper ones are none.
const COSTS: std::ops::RangeInclusive<u32> = 4..=14;
/// How much of a value is repeated in an error.
const SHOWN: usize = 120;

/// The file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    tls_server_config: Option<TlsServer>,
    http_server_config: Option<HttpServer>,
    basic_auth_users: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TlsServer {
    cert_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
    client_auth_type: Option<String>,
    client_ca_file: Option<PathBuf>,
    min_version: Option<String>,
    max_version: Option<String>,
    cipher_suites: Option<Vec<String>>,
    curve_preferences: Option<Vec<String>>,
    prefer_server_cipher_suites: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct HttpServer {
    http2: Option<bool>,
    headers: Option<BTreeMap<String, String>>,
}

/// What a web configuration says.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) tls: Option<TlsSettings>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) users: Users,
    /// What is asked for and cannot be, and is not needed for the rest.
    pub(super) notes: Vec<String>,
}

/// How TLS is to be spoken.
#[derive(Clone, Debug)]
pub(super) struct TlsSettings {
    pub(super) cert_file: PathBuf,
    pub(super) key_file: PathBuf,
    pub(super) client_auth: ClientAuth,
    pub(super) client_ca_file: Option<PathBuf>,
    pub(super) versions: Vec<&'static SupportedProtocolVersion>,
    pub(super) suites: Vec<SupportedCipherSuite>,
    pub(super) groups: Vec<&'static dyn SupportedKxGroup>,
    pub(super) prefers_own_order: bool,
}

/// Why a file is not taken: the field, what was found, what is right.
type Problem = String;

impl Settings {
    /// Reads such a file; paths in it begin at its directory.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    pub(super) fn parse(text: &str, directory: &Path) -> Result<Self, Problem> {
        let file: Option<File> = if has_content(text) {
            serde_saphyr::from_str(text).map_err(|error| in_one_line(&error.without_snippet().to_string()))?
        } else {
            None
        };
        let File { tls_server_config, http_server_config, basic_auth_users } = file.unwrap_or_default();
        let mut notes = Vec::new();
        let tls = tls_server_config.filter(TlsServer::says_something);
        let tls = tls.map(|tls| tls.settings(directory, &mut notes)).transpose()?;
        let http = http_server_config.unwrap_or_default();
        if http.http2 == Some(true) {
            notes.push("http_server_config.http2: HTTP/1.1 is all that is spoken".to_owned());
        }
        let headers = headers(http.headers.unwrap_or_default())?;
        let users = users(basic_auth_users.unwrap_or_default())?;
        if tls.is_none() && !users.is_empty() {
            notes.push(
                "basic_auth_users without tls_server_config: passwords can be read on their way".to_owned(),
            );
        }
        Ok(Self { tls, headers, users, notes })
    }

    /// In one line.
    pub(super) fn summary(&self) -> String {
        let tls = match &self.tls {
            None => "no TLS".to_owned(),
            Some(tls) => {
                let mode = CLIENT_AUTH.iter().find(|(_, mode)| *mode == tls.client_auth);
                format!("TLS with {}, {}", tls.cert_file.display(), mode.map_or("", |(name, _)| name))
            }
        };
        match self.users.len() {
            0 => format!("{tls}, no passwords"),
            1 => format!("{tls}, 1 user with a password"),
            users => format!("{tls}, {users} users with passwords"),
        }
    }

    /// Logs what cannot be done.
    pub(super) fn say_notes(&self, path: &Path) {
        for note in &self.notes {
            tracing::warn!(file = %path.display(), "{note}");
        }
    }
}

impl TlsServer {
    fn says_something(&self) -> bool {
        let Self { cert_file, key_file, client_auth_type, client_ca_file, .. } = self;
        let Self { min_version, max_version, cipher_suites, curve_preferences, .. } = self;
        [cert_file, key_file, client_ca_file].into_iter().any(Option::is_some)
            || [client_auth_type, min_version, max_version].into_iter().any(Option::is_some)
            || [cipher_suites, curve_preferences].into_iter().any(Option::is_some)
    }

    fn settings(self, directory: &Path, notes: &mut Vec<String>) -> Result<TlsSettings, Problem> {
        let missing =
            |field: &str| format!("tls_server_config.{field}: missing; expected the path of a file in PEM");
        let whole = |path: PathBuf| directory.join(path);
        let client_auth = client_auth(self.client_auth_type.as_deref())?;
        if self.client_ca_file.is_some() && client_auth == ClientAuth::None {
            return Err(
                "tls_server_config.client_ca_file: there, and nobody is asked for a certificate; expected \
                        a client_auth_type such as RequireAndVerifyClientCert"
                    .to_owned(),
            );
        }
        if self.client_ca_file.is_none() && client_auth.verifies() {
            return Err(
                "tls_server_config.client_ca_file: missing; expected the file of the authorities that \
                        vouch for clients"
                    .to_owned(),
            );
        }
        let versions = versions(self.min_version.as_deref(), self.max_version.as_deref(), notes)?;
        Ok(TlsSettings {
            cert_file: self.cert_file.map(whole).ok_or_else(|| missing("cert_file"))?,
            key_file: self.key_file.map(whole).ok_or_else(|| missing("key_file"))?,
            client_auth,
            client_ca_file: self.client_ca_file.map(whole),
            suites: suites(self.cipher_suites.as_deref(), &versions, notes)?,
            versions,
            groups: groups(self.curve_preferences.as_deref(), notes)?,
            prefers_own_order: self.prefer_server_cipher_suites.unwrap_or(true),
        })
    }
}

fn client_auth(text: Option<&str>) -> Result<ClientAuth, Problem> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(ClientAuth::None) };
    let found = CLIENT_AUTH.iter().find(|(name, _)| *name == text).map(|(_, mode)| *mode);
    let names = CLIENT_AUTH.iter().map(|(name, _)| *name);
    found.ok_or_else(|| unknown("tls_server_config.client_auth_type", text, names))
}

/// From the oldest to the newest that may be spoken, as far as rustls speaks them.
fn versions(
    least: Option<&str>,
    most: Option<&str>,
    notes: &mut Vec<String>,
) -> Result<Vec<&'static SupportedProtocolVersion>, Problem> {
    let place = |field: &str, text: Option<&str>, default| match text {
        None => Ok(default),
        Some(text) => VERSIONS.iter().position(|(name, _)| *name == text).ok_or_else(|| {
            let names = VERSIONS.iter().map(|(name, _)| *name);
            unknown(&format!("tls_server_config.{field}"), text, names)
        }),
    };
    let (newest, oldest) = (place("max_version", most, 0)?, place("min_version", least, 1)?);
    let named = VERSIONS.iter().enumerate().filter(|(at, _)| (newest..=oldest).contains(at));
    let spoken: Vec<_> = named.filter_map(|(_, (_, version))| *version).collect();
    if spoken.is_empty() {
        return Err(format!(
            "tls_server_config: found max_version {} and min_version {}: nothing is left that is spoken; \
             expected TLS12 or TLS13 between them",
            VERSIONS[newest].0, VERSIONS[oldest].0
        ));
    }
    if VERSIONS[oldest].1.is_none() {
        let name = VERSIONS[oldest].0;
        notes.push(format!("tls_server_config.min_version: {name} is not spoken; the oldest is TLS12"));
    }
    Ok(spoken)
}

/// Those of TLS 1.2 that are named; those of TLS 1.3 are not chosen.
fn suites(
    named: Option<&[String]>,
    versions: &[&'static SupportedProtocolVersion],
    notes: &mut Vec<String>,
) -> Result<Vec<SupportedCipherSuite>, Problem> {
    const FIELD: &str = "tls_server_config.cipher_suites";
    let Some(named) = named.filter(|named| !named.is_empty()) else { return Ok(ALL_CIPHER_SUITES.to_vec()) };
    let mut taken = Vec::new();
    for name in named {
        match names::suite(name) {
            None => return Err(unknown(FIELD, name, names::suite_names().iter().map(String::as_str))),
            Some(Suite::Old) => notes.push(format!("{FIELD}: {name} is not spoken; the others are")),
            Some(Suite::Spoken(suite)) if suite.version() == &TLS13 => {}
            Some(Suite::Spoken(suite)) => taken.push(suite),
        }
    }
    if taken.is_empty() && !versions.contains(&&TLS13) {
        return Err(format!(
            "{FIELD}: none of them is spoken; expected some of {}",
            names::suite_names().join(", ")
        ));
    }
    taken.extend(ALL_CIPHER_SUITES.iter().filter(|suite| suite.version() == &TLS13));
    Ok(taken)
}

fn groups(
    named: Option<&[String]>,
    notes: &mut Vec<String>,
) -> Result<Vec<&'static dyn SupportedKxGroup>, Problem> {
    const FIELD: &str = "tls_server_config.curve_preferences";
    let Some(named) = named.filter(|named| !named.is_empty()) else { return Ok(ALL_KX_GROUPS.to_vec()) };
    let mut taken = Vec::new();
    for name in named {
        match CURVES.iter().find(|(known, _)| known == name) {
            None => return Err(unknown(FIELD, name, CURVES.iter().map(|(name, _)| *name))),
            Some((name, None)) => notes.push(format!("{FIELD}: {name} is not spoken; the others are")),
            Some((_, Some(group))) => taken.push(*group),
        }
    }
    if taken.is_empty() {
        return Err(format!("{FIELD}: none of them is spoken; expected CurveP256, CurveP384 or X25519"));
    }
    Ok(taken)
}

fn headers(written: BTreeMap<String, String>) -> Result<Vec<(HeaderName, HeaderValue)>, Problem> {
    let header = |(name, value): (String, String)| {
        let field = "http_server_config.headers";
        let Some((known, values)) = HEADERS.iter().find(|(known, _)| *known == name) else {
            return Err(unknown(field, &name, HEADERS.iter().map(|(name, _)| *name)));
        };
        if !values.is_empty() && !values.contains(&value.as_str()) {
            return Err(unknown(&format!("{field}.{known}"), &value, values.iter().copied()));
        }
        let name = HeaderName::from_bytes(name.as_bytes());
        match (name, HeaderValue::from_str(&value)) {
            (Ok(name), Ok(value)) => Ok((name, value)),
            _ => Err(format!(
                "{field}.{known}: found {}: it cannot be sent; expected visible ASCII",
                quoted(&value)
            )),
        }
    };
    written.into_iter().map(header).collect()
}

/// Hashes are not repeated in errors: who reads a log should not try passwords.
fn users(written: BTreeMap<String, String>) -> Result<Users, Problem> {
    let user = |(name, hash): (String, String)| {
        let wrong =
            |what: String| Err(format!("basic_auth_users.{}: {what}", escaped(name.as_bytes(), SHOWN)));
        if name.contains(':') {
            return wrong("a name with a colon cannot be sent; expected one without".to_owned());
        }
        match HashParts::from_str(&hash).map(|parts| parts.get_cost()) {
            Err(_) => wrong(
                "found no hash of bcrypt; expected what htpasswd -nBC 10 NAME prints behind the colon"
                    .to_owned(),
            ),
            Ok(cost) if !COSTS.contains(&cost) => {
                let (least, most) = (COSTS.start(), COSTS.end());
                wrong(format!(
                    "found a hash of cost {cost}; expected one from {least} to {most}, so that a scrape does not wait"
                ))
            }
            Ok(_) => Ok((name, hash)),
        }
    };
    let users: Result<BTreeMap<_, _>, _> = written.into_iter().map(user).collect();
    Ok(Users::new(users?))
}

fn unknown<'a>(field: &str, found: &str, expected: impl Iterator<Item = &'a str>) -> Problem {
    let expected: Vec<&str> = expected.collect();
    format!("{field}: found {}; expected one of {}", quoted(found), expected.join(", "))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text.as_bytes(), SHOWN))
}

/// Whether there is more than blanks and comments.
fn has_content(text: &str) -> bool {
    text.lines().map(str::trim).any(|line| !line.is_empty() && !line.starts_with('#') && line != "---")
}

fn in_one_line(text: &str) -> String {
    escaped(text.split_whitespace().collect::<Vec<_>>().join(" ").as_bytes(), 400)
}

#[cfg(test)]
mod tests;
