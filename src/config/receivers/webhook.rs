//! `[alerting.webhook]`: who is told over HTTP.

use std::path::PathBuf;
use std::time::Duration;

use hyper::Uri;

use super::{FILE, PER_MINUTE, REPEAT, SEVERITIES, SEVERITIES_EXPECTED, WAIT};
use super::{manner, per_minute, repeat, severity, wait};
use crate::alerting::telling::Manner;
use crate::config::alerting::user;
use crate::config::keys::section;
use crate::config::value::{Refusal, one, optional, path, some, yes_or_no};
use crate::findings::Severity;

section! {
    webhook: Webhook in "alerting.webhook" "Who is told of alerts over HTTP, in the JSON of Alertmanager's webhooks, without any Alertmanager: docs/receivers.md.";

    url: Option<Uri> = optional(url),
        expects "a URL such as \"http://pager.example.com/alerts\"",
        found "nobody is told, unless url_file is set" => "\"http://pager.example.com/alerts\"",
        "Where each notification is sent to, as a POST.";

    url_file: Option<PathBuf> = optional(path),
        expects FILE,
        found "url is used" => "\"/etc/imsimta-exporter/webhook.url\"",
        "The file of a URL that is a secret, taken instead of `url`. It is shown and logged nowhere. This file and those below are read \
         each time.";

    ca_file: Option<PathBuf> = optional(path),
        expects FILE,
        found "the authorities that the system trusts" => "\"/etc/imsimta-exporter/ca.pem\"",
        "The authorities, in PEM, of which one has to vouch for its certificate.";

    client_cert_file: Option<PathBuf> = optional(path),
        expects FILE,
        found "no certificate is shown" => "\"/etc/imsimta-exporter/client.pem\"",
        "A certificate of this program that it asks for.";

    client_key_file: Option<PathBuf> = optional(path),
        expects FILE,
        found "no certificate is shown" => "\"/etc/imsimta-exporter/client.key\"",
        "The key of that.";

    user: Option<String> = optional(user),
        expects "the name of a user without a colon",
        found "no password is sent" => "\"imsimta\"",
        "Whose password it asks for.";

    password_file: Option<PathBuf> = optional(path),
        expects FILE,
        found "no password is sent" => "\"/etc/imsimta-exporter/password\"",
        "The file of that password.";

    token_file: Option<PathBuf> = optional(path),
        expects FILE,
        found "no token is sent" => "\"/etc/imsimta-exporter/token\"",
        "The file of a bearer token, sent instead of a password.";

    severities: Vec<Severity> = some(SEVERITIES.len(), severity),
        expects SEVERITIES_EXPECTED,
        default SEVERITIES.to_vec() => "[\"critical\", \"warning\"]",
        "Alerts of which severities it is told of.";

    group_wait: Duration = one(wait),
        expects WAIT,
        default Duration::from_secs(10) => "\"10s\"",
        "How long news waits for more alerts of the same name and severity, which are one notification.";

    repeat_interval: Duration = one(repeat),
        expects REPEAT,
        default Duration::from_hours(4) => "\"4h\"",
        "After how long it is said again that they fire.";

    per_minute: u32 = one(per_minute),
        expects PER_MINUTE,
        default 6,
        "How many notifications there are in a minute, at most. What is put off is told later, as it is then.";

    send_resolved: bool = one(yes_or_no),
        expects "true or false",
        default true,
        "Whether it is told that alerts have ended.";
}

/// A query or a name in it may be a secret.
fn url(text: &str) -> Result<Uri, Refusal> {
    let uri: Uri = text.parse().map_err(|_| Refusal::new("this is no URL"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
        return Err(Refusal::new("it begins with neither http:// nor https:// and a host"));
    }
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(Refusal::new("a name of a user is in it, which user and password_file are for"));
    }
    if uri.query().is_some() || text.contains('#') {
        return Err(Refusal::new("more than host, port and path is in it, which url_file is for"));
    }
    Ok(uri)
}

impl Webhook {
    /// Whether anybody is told.
    pub fn is_set(&self) -> bool {
        self.url.is_some() || self.url_file.is_some()
    }

    /// How it is told.
    pub fn manner(&self) -> Manner {
        let times = (self.group_wait, self.repeat_interval);
        manner(&self.severities, times, self.per_minute, self.send_resolved)
    }

    /// A key that does not go with the others, and why.
    pub(in crate::config) fn misplaced(&self) -> Option<(&'static str, &'static str)> {
        let pairs = [
            (
                "client_cert_file",
                self.client_cert_file.is_some() != self.client_key_file.is_some(),
                "client_cert_file and client_key_file go together",
            ),
            (
                "user",
                self.user.is_some() != self.password_file.is_some(),
                "user and password_file go together",
            ),
        ];
        let (key, _, why) = pairs.into_iter().find(|(_, wrong, _)| *wrong)?;
        Some((key, why))
    }
}
