//! `[alerting.syslog]`: the log of the system, or that of a log host.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use hyper::Uri;

use super::{PER_MINUTE, REPEAT, SEVERITIES, SEVERITIES_EXPECTED, WAIT};
use super::{absolute, manner, per_minute, repeat, severity, wait};
use crate::alerting::telling::Manner;
use crate::config::keys::section;
use crate::config::value::{Refusal, one, optional, some, yes_or_no};
use crate::findings::Severity;
use crate::record::labelled;

/// Where a syslog listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyslogPlace {
    /// A socket of this host that takes datagrams.
    Local(PathBuf),
    /// A host and port that takes datagrams.
    Udp(String, u16),
    /// A host and port that takes connections.
    Tcp(String, u16),
}

impl fmt::Display for SyslogPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => path.display().fmt(formatter),
            Self::Udp(host, port) => write!(formatter, "udp://{host}:{port}"),
            Self::Tcp(host, port) => write!(formatter, "tcp://{host}:{port}"),
        }
    }
}

labelled! {
    /// In which format a line is written.
    SyslogFormat {
        Local = "local": "as syslog(3) of the C library writes to the socket of this host, which journald and all others read";
        Rfc5424 = "rfc5424": "as RFC 5424 has it";
    }
}

/// Facilities, each with its number.
const FACILITIES: [(&str, u8); 11] = [
    ("user", 1),
    ("mail", 2),
    ("daemon", 3),
    ("local0", 16),
    ("local1", 17),
    ("local2", 18),
    ("local3", 19),
    ("local4", 20),
    ("local5", 21),
    ("local6", 22),
    ("local7", 23),
];

/// RFC 6587 says so of TCP, RFC 5426 of UDP.
const PORT: u16 = 514;

section! {
    syslog: Syslog in "alerting.syslog" "The syslog of this host, or one beyond, that gets a line for each alert of a notification: docs/receivers.md.";

    to: Option<SyslogPlace> = optional(place),
        expects "\"/dev/log\", \"udp://HOST:PORT\" or \"tcp://HOST:PORT\"",
        found "nothing is written" => "\"/dev/log\"",
        "Where it listens.";

    format: Option<SyslogFormat> = optional(format),
        expects "\"local\" or \"rfc5424\"",
        found "`local` for a socket of this host, `rfc5424` for the others" => "\"rfc5424\"",
        "In which format lines are written. journald does not read RFC 5424.";

    facility: u8 = one(facility),
        expects "\"user\", \"mail\", \"daemon\" or one from \"local0\" to \"local7\"",
        default 3 => "\"daemon\"",
        "The facility of all lines. Pages have the severity `crit`, tickets `warning`, ends `notice`.";

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
        default 30,
        "How many notifications there are in a minute, at most. What is put off is told later, as it is then.";

    send_resolved: bool = one(yes_or_no),
        expects "true or false",
        default true,
        "Whether it is told that alerts have ended.";
}

fn place(text: &str) -> Result<SyslogPlace, Refusal> {
    let Some((scheme, _)) = text.split_once("://") else { return absolute(text).map(SyslogPlace::Local) };
    let uri: Uri = text.parse().map_err(|_| Refusal::new("this is no URL"))?;
    let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| Refusal::new("it has no host"))?;
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    if !uri.path().trim_matches('/').is_empty() || uri.query().is_some() || authority.contains('@') {
        return Err(Refusal::new("more than host and port is in it"));
    }
    let host = host.trim_matches(['[', ']']).to_owned();
    let port = uri.port_u16().unwrap_or(PORT);
    match scheme {
        "udp" => Ok(SyslogPlace::Udp(host, port)),
        "tcp" => Ok(SyslogPlace::Tcp(host, port)),
        _ => Err(Refusal::new("it begins with neither udp:// nor tcp://")),
    }
}

fn format(text: &str) -> Result<SyslogFormat, Refusal> {
    let found = SyslogFormat::ALL.iter().copied().find(|format| format.label() == text);
    found.ok_or_else(|| Refusal::new("there is no such format"))
}

fn facility(text: &str) -> Result<u8, Refusal> {
    let found = FACILITIES.iter().find(|(name, _)| *name == text);
    found
        .map(|(_, number)| *number)
        .ok_or_else(|| Refusal::new("there is no such facility, or it is not for programs"))
}

impl Syslog {
    /// Whether anything is written.
    pub fn is_set(&self) -> bool {
        self.to.is_some()
    }

    /// The format that is configured, or that of the place.
    pub fn format(&self) -> SyslogFormat {
        let of_place = match self.to {
            Some(SyslogPlace::Udp(..) | SyslogPlace::Tcp(..)) => SyslogFormat::Rfc5424,
            _ => SyslogFormat::Local,
        };
        self.format.unwrap_or(of_place)
    }

    /// How it is told.
    pub fn manner(&self) -> Manner {
        let times = (self.group_wait, self.repeat_interval);
        manner(&self.severities, times, self.per_minute, self.send_resolved)
    }
}
