//! The syslog of this host, or of another: a line for each alert. Nothing comes back, so what was sent counts as taken.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpStream, UdpSocket, UnixDatagram};
use tokio::time::timeout;

use super::failed::Failed;
use super::lookup::Lookup;
use super::notice::{Notice, Site, host_name};
use super::payload::{alerts, status};
use crate::aggregate::time::UnixTime;
use crate::alerting::telling::Notification;
use crate::config::{self, SyslogFormat, SyslogPlace};
use crate::observed::notified::Failure;

/// How long an address is asked for.
const LOOKUP: Duration = Duration::from_secs(3);
/// How long sending may take, with the connection.
const SENDING: Duration = Duration::from_secs(5);
/// The most lines at once; a notification to others has no more alerts either.
const MOST_LINES: usize = 100;
/// The most bytes of a text: each syslog takes 2,048 of a line.
const LONGEST: usize = 1900;
/// RFC 5424 allows no more of these.
const LONGEST_HOST: usize = 255;
const LONGEST_KIND: usize = 32;

const PROGRAM: &str = "imsimta-exporter";

/// Severities of syslog.
const CRITICAL: u8 = 2;
const WARNING: u8 = 4;
const NOTICE: u8 = 5;

/// One syslog.
#[derive(Debug)]
pub(super) struct Syslog {
    to: SyslogPlace,
    format: SyslogFormat,
    facility: u8,
    host: String,
    zone: TimeZone,
    lookup: Lookup,
}

impl Syslog {
    /// The configured one; nothing where none is.
    pub(super) fn new(syslog: &config::Syslog) -> Option<Self> {
        Some(Self {
            to: syslog.to.clone()?,
            format: syslog.format(),
            facility: syslog.facility,
            host: word(&host_name(), LONGEST_HOST),
            zone: TimeZone::system(),
            lookup: Lookup::new(LOOKUP),
        })
    }

    /// Whether there is one at its place, as far as that shows: over UDP only the host can be looked up.
    pub(super) async fn look(&mut self) -> Result<String, Failed> {
        let failed = |error: std::io::Error| Failed::new(Failure::Connect, format!("{}: {error}", self.to));
        match &self.to {
            SyslogPlace::Local(path) => {
                UnixDatagram::unbound().and_then(|one| one.connect(path)).map_err(failed)?;
            }
            SyslogPlace::Udp(host, port) => drop(self.lookup.addresses(host.clone(), *port).await?),
            SyslogPlace::Tcp(host, port) => {
                let addresses = self.lookup.addresses(host.clone(), *port).await?;
                let connected = timeout(SENDING, TcpStream::connect(&addresses[..])).await;
                let late = || std::io::Error::from(std::io::ErrorKind::TimedOut);
                connected.unwrap_or_else(|_| Err(late())).map_err(failed)?;
            }
        }
        Ok(match self.to {
            SyslogPlace::Udp(..) => "its host is known; over UDP nobody answers".to_owned(),
            SyslogPlace::Local(_) | SyslogPlace::Tcp(..) => "somebody is there; nothing was sent".to_owned(),
        })
    }

    /// Sends the lines of a notification; how many there was no room for.
    pub(super) async fn tell(
        &mut self,
        notification: &Notification,
        site: &Site,
        now: UnixTime,
    ) -> Result<usize, Failed> {
        let all = alerts(notification).count();
        let lines = alerts(notification).take(MOST_LINES);
        let lines: Vec<_> =
            lines.map(|(notice, ended)| self.line(notice, ended.is_some(), site, now)).collect();
        let slow = || {
            let seconds = SENDING.as_secs_f64();
            Failed::new(Failure::Timeout, format!("it did not take all lines within {seconds} s"))
        };
        let failed = |error: std::io::Error| Failed::new(Failure::Connect, format!("{}: {error}", self.to));
        match &self.to {
            SyslogPlace::Local(path) => {
                timeout(SENDING, local(path, &lines)).await.map_err(|_| slow())?.map_err(failed)?;
            }
            SyslogPlace::Udp(host, port) => {
                let addresses = self.lookup.addresses(host.clone(), *port).await?;
                timeout(SENDING, udp(&addresses, &lines)).await.map_err(|_| slow())?.map_err(failed)?;
            }
            SyslogPlace::Tcp(host, port) => {
                let addresses = self.lookup.addresses(host.clone(), *port).await?;
                timeout(SENDING, tcp(&addresses, &lines)).await.map_err(|_| slow())?.map_err(failed)?;
            }
        }
        Ok(all - lines.len())
    }

    fn line(&self, notice: &Notice, ended: bool, site: &Site, now: UnixTime) -> String {
        let severity = match notice.label("severity") {
            _ if ended => NOTICE,
            "critical" => CRITICAL,
            _ => WARNING,
        };
        let priority = u32::from(self.facility) * 8 + u32::from(severity);
        let time = Timestamp::from_millisecond(now.millis()).unwrap_or_default();
        let (process, text) = (std::process::id(), text(notice, ended, site));
        match self.format {
            SyslogFormat::Local => {
                let time = time.to_zoned(self.zone.clone()).strftime("%b %e %H:%M:%S").to_string();
                format!("<{priority}>{time} {PROGRAM}[{process}]: {text}")
            }
            SyslogFormat::Rfc5424 => {
                let (host, kind) = (&self.host, word(notice.label("alertname"), LONGEST_KIND));
                // What is more than ASCII is marked.
                let mark = if text.is_ascii() { "" } else { "\u{feff}" };
                format!("<{priority}>1 {time:.3} {host} {PROGRAM} {process} {kind} - {mark}{text}")
            }
        }
    }
}

/// What a line says: what it is, with the labels that are its own, and in words.
fn text(notice: &Notice, ended: bool, site: &Site) -> String {
    let mut text = format!("{} {}", status(ended), notice.label("alertname"));
    let own =
        notice.labels.iter().filter(|(name, _)| *name != "alertname" && !site.labels().contains_key(*name));
    for (name, value) in own {
        // A string takes whatever is written.
        let _ = write!(text, " {name}={value}");
    }
    let words = if ended { &["summary"][..] } else { &["summary", "description"] };
    text.push(':');
    for word in words.iter().filter_map(|word| notice.annotations.get(*word)) {
        text.push(' ');
        text.push_str(word);
    }
    let text = text.replace(char::is_control, " ");
    if text.len() <= LONGEST { text } else { text[..text.floor_char_boundary(LONGEST)].to_owned() + " ..." }
}

/// Printable, without blanks and not empty.
fn word(text: &str, longest: usize) -> String {
    let word: String = text.chars().filter(char::is_ascii_graphic).take(longest).collect();
    if word.is_empty() { "-".to_owned() } else { word }
}

async fn local(path: &Path, lines: &[String]) -> std::io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    socket.connect(path)?;
    for line in lines {
        socket.send(line.as_bytes()).await?;
    }
    Ok(())
}

async fn udp(addresses: &[SocketAddr], lines: &[String]) -> std::io::Result<()> {
    let is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let socket = UdpSocket::bind(if is_v6 { "[::]:0" } else { "0.0.0.0:0" }).await?;
    socket.connect(addresses).await?;
    for line in lines {
        socket.send(line.as_bytes()).await?;
    }
    Ok(())
}

/// Each line with its length in front, as RFC 6587 has it: so a line may be anything.
async fn tcp(addresses: &[SocketAddr], lines: &[String]) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(addresses).await?;
    for line in lines {
        stream.write_all(format!("{} {line}", line.len()).as_bytes()).await?;
    }
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::{Notice, Site, Syslog, UnixTime, word};
    use crate::config::{Config, SyslogFormat, SyslogPlace};
    use crate::notify::notice::Texts;

    fn notice(severity: &str, summary: &str) -> Notice {
        let texts = |pairs: &[(&str, &str)]| -> Texts {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        Notice {
            labels: texts(&[
                ("alertname", "ImsMtaQueueStuck"),
                ("channel", "tcp_local"),
                ("instance", "mx1"),
                ("severity", severity),
            ]),
            annotations: texts(&[("summary", summary), ("description", "Nothing\nis attempted.")]),
            since: UnixTime::default(),
        }
    }

    #[test]
    fn a_line_says_what_it_is_in_both_formats() {
        let mut config = Config::default();
        config.syslog.to = Some(SyslogPlace::Udp("loghost".to_owned(), 514));
        let site = Site::new(&config);
        let mut syslog = Syslog::new(&config.syslog).expect("one");
        (syslog.host, syslog.zone) = ("mx1.example.com".to_owned(), jiff::tz::TimeZone::UTC);
        let process = std::process::id();
        let now = UnixTime::of(1_795_895_400_120);
        let long = "ü".repeat(2000);
        for (format, severity, ended, summary, expected) in [
            (
                SyslogFormat::Rfc5424,
                "critical",
                false,
                "mx1: stuck.",
                format!(
                    "<26>1 2026-11-28T19:50:00.120Z mx1.example.com imsimta-exporter {process} ImsMtaQueueStuck - \
                     firing ImsMtaQueueStuck channel=tcp_local severity=critical: mx1: stuck. Nothing is attempted."
                ),
            ),
            (
                SyslogFormat::Local,
                "warning",
                false,
                "mx1: stuck.",
                format!(
                    "<28>Nov 28 19:50:00 imsimta-exporter[{process}]: firing ImsMtaQueueStuck channel=tcp_local \
                     severity=warning: mx1: stuck. Nothing is attempted."
                ),
            ),
            (
                SyslogFormat::Local,
                "critical",
                true,
                "mx1: stuck.",
                format!(
                    "<29>Nov 28 19:50:00 imsimta-exporter[{process}]: resolved ImsMtaQueueStuck channel=tcp_local \
                     severity=critical: mx1: stuck."
                ),
            ),
        ] {
            syslog.format = format;
            assert_eq!(syslog.line(&notice(severity, summary), ended, &site, now), expected);
        }
        syslog.format = SyslogFormat::Rfc5424;
        let line = syslog.line(&notice("critical", &long), false, &site, now);
        assert!(
            line.len() <= 2048 && line.ends_with("ü ...") && line.contains(" - \u{feff}firing "),
            "{line}"
        );
        assert_eq!((word("", 3), word("a b\n", 3), word("abcd", 3)), ("-".into(), "ab".into(), "abc".into()));
    }
}
