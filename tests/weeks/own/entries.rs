//! The log of a minute: an entry for each recipient, connection and login that the site counted in it, as the MTA writes it
//! (`LOG_FORMAT` 6, which says how long a recipient waited), at a time by chance.

use std::ops::Range;

use fastrand::Rng;
use imsimta_exporter::demo::entry::{ConnectionEntry, MessageEntry};
use imsimta_exporter::demo::format::LogFormat;
use jiff::civil::DateTime;

use super::shown::{Shown, label};
use super::truth::Tried;
use super::unix_millis;
use crate::weeks::trouble::Trouble;

/// One with the time in the queue.
const FORMAT: LogFormat = LogFormat::FlatJson;
/// Who else sends mail, and where to.
const DOMAINS: usize = 60;
/// Connections of a minute that are those of usual clients.
const USUAL_CONNECTIONS: u64 = 300;

/// A line, and when it is written: milliseconds of the calendar.
#[derive(Debug)]
pub struct Line {
    pub at: i64,
    pub text: Vec<u8>,
}

/// Who writes it.
#[derive(Debug)]
pub struct Log {
    rng: Rng,
    /// Of the last message or connection.
    number: u64,
    /// Attempts to deliver since these were taken.
    pub tried: Vec<Tried>,
}

/// What becomes of a recipient.
#[derive(Clone, Copy)]
struct Fate {
    code: &'static str,
    /// What the MTA and other hosts say.
    says: &'static str,
    /// Seconds for which it waited.
    waited: Option<u64>,
}

/// How long those of a channel waited that are delivered or rejected: in the middle of each bound.
fn waits(channel: &str, shown: &Shown) -> Vec<u64> {
    let bound = |labels: &str| label(labels, "le").parse::<u64>().unwrap_or(2 * 43_200);
    let of_channel = |(labels, _): &(&str, u64)| label(labels, "channel") == channel;
    let grew = shown.grew("imsimta_queue_delay_seconds_bucket").filter(of_channel);
    let mut bounds: Vec<(u64, u64)> = grew.map(|(labels, count)| (bound(labels), count)).collect();
    bounds.sort_unstable();
    let (mut before, mut waits) = ((0_u64, 0_u64), Vec::new());
    for (bound, count) in bounds {
        let more = usize::try_from(count.saturating_sub(before.1)).expect("few");
        waits.extend(std::iter::repeat_n(before.0.midpoint(bound), more));
        before = (bound, count);
    }
    waits
}

/// THE words for each reason, with which it is read again.
fn says(reason: &str) -> &'static str {
    match reason {
        "dns_temporary" => "Temporary error from name server; cannot resolve host",
        "conn_timeout" => "TCP active open: Failed connect()    Error: connection timed out",
        "conn_refused" => "TCP active open: Failed connect()    Error: connection refused",
        "remote_4xx" => "smtp;421 4.3.2 Service not available",
        "user_unknown" => "smtp;550 5.1.1 User unknown",
        "mailbox_busy" => "Mailbox is busy",
        "over_quota" => "Over quota",
        "expired" => "unable to deliver this message after 4 days",
        other => panic!("{other}: a reason without words"),
    }
}

impl Log {
    pub fn new(seed: u64) -> Self {
        Self { rng: Rng::with_seed(seed), number: 0, tried: Vec::new() }
    }

    /// All of some time, in its order.
    pub fn of(&mut self, time: Range<i64>, shown: &Shown, trouble: &Trouble) -> Vec<Line> {
        let mut minute = Minute { log: self, time, lines: Vec::new() };
        minute.enqueues(shown, trouble);
        minute.connections(shown, trouble);
        minute.refusals(shown);
        minute.logins(shown);
        minute.deliveries(shown);
        let mut lines = minute.lines;
        lines.sort_by_key(|line| line.at);
        lines
    }
}

/// One that is being written.
struct Minute<'a> {
    log: &'a mut Log,
    time: Range<i64>,
    lines: Vec<Line>,
}

fn stamp(at: i64) -> DateTime {
    let time = jiff::Timestamp::from_millisecond(unix_millis(at)).expect("in range");
    time.to_zoned(jiff::tz::TimeZone::UTC).datetime()
}

impl Minute<'_> {
    /// An entry, and when it is written.
    fn message(&mut self, entry: &MessageEntry<'_>) -> i64 {
        let at = self.log.rng.i64(self.time.clone());
        let entry = MessageEntry { process: "1e48.2.0", blocks: 3, ..entry.clone() };
        self.lines.push(Line { at, text: FORMAT.message(stamp(at), &entry) });
        at
    }

    fn connection(&mut self, at: i64, entry: &ConnectionEntry<'_>) {
        let entry = ConnectionEntry { process: "1e48.2.0", ..entry.clone() };
        self.lines.push(Line { at, text: FORMAT.connection(stamp(at), &entry) });
    }

    fn next(&mut self) -> u64 {
        self.log.number += 1;
        self.log.number
    }

    fn domain(&mut self) -> String {
        format!("d{}.example", self.log.rng.usize(..DOMAINS))
    }

    /// E entries: those of users have a user, of whom one sends a tenth, or the one whose password was stolen.
    fn enqueues(&mut self, shown: &Shown, trouble: &Trouble) {
        for (labels, count) in shown.grew("imsimta_enqueued_recipients_total") {
            let (source, destination) =
                (label(labels, "source_channel"), label(labels, "destination_channel"));
            for number in 0..count {
                #[expect(clippy::cast_precision_loss, reason = "a small number")]
                let stolen = trouble.one_sender && (number as f64) < trouble.flood;
                let user = match (source, stolen) {
                    ("tcp_submit", true) => "*stolen@example.com".to_owned(),
                    ("tcp_submit", false) if self.log.rng.u8(..10) == 0 => "*news@example.com".to_owned(),
                    ("tcp_submit", false) => format!("*u{}@example.com", self.log.rng.u8(..60)),
                    _ => "mailsrv".to_owned(),
                };
                self.enqueued(source, destination, &user);
            }
        }
    }

    fn enqueued(&mut self, source: &str, destination: &str, user: &str) {
        let (domain, number) = (self.domain(), self.next());
        let (original, to) = match destination {
            "ims-ms" => ("rfc822;u@example.com".to_owned(), "u@ims-ms-daemon".to_owned()),
            _ => (format!("rfc822;u@{domain}"), format!("u@{domain}")),
        };
        let code = if source.starts_with("tcp_") { "EE" } else { "E" };
        let (file, id) = (file(destination, number), format!("<{number}@example.com>"));
        self.message(&MessageEntry {
            source,
            destination,
            code: if user.starts_with('*') { "EESA" } else { code },
            from: "a@example.com",
            original_to: &original,
            to: &to,
            file: &file,
            message_id: &id,
            username: user,
            ..MessageEntry::default()
        });
    }

    /// O entries, and C entries seconds later. One of the usual clients makes a twelfth of their connections.
    fn connections(&mut self, shown: &Shown, trouble: &Trouble) {
        for (labels, count) in shown.grew("imsimta_connections_opened_total") {
            let (channel, inbound) = (label(labels, "channel"), label(labels, "direction") == "in");
            for number in 0..count {
                let other = if inbound { self.client(number, trouble) } else { "198.51.100.7".to_owned() };
                let port = 20_000 + self.next() % 40_000;
                let (transport, application) = if inbound {
                    (format!("TCP|192.0.2.25|25|{other}|{port}"), "SMTP".to_owned())
                } else {
                    (
                        format!("TCP|192.0.2.25|{port}|{other}|25"),
                        format!("SMTP/{}/mx.example", self.domain()),
                    )
                };
                let opened = self.log.rng.i64(self.time.clone());
                let closed = (opened + self.log.rng.i64(100..5000)).min(self.time.end - 1);
                for (at, code) in [(opened, "O"), (closed, "C")] {
                    let direction = if inbound { '+' } else { '-' };
                    let (transport, application) = (&transport, &application);
                    let ends = ConnectionEntry {
                        channel,
                        direction,
                        code,
                        transport,
                        application,
                        ..ConnectionEntry::default()
                    };
                    self.connection(at, &ends);
                }
            }
        }
    }

    fn client(&mut self, number: u64, trouble: &Trouble) -> String {
        let rng = &mut self.log.rng;
        if trouble.one_client && rng.f64() < 0.85 || rng.u8(..12) == 0 && number < USUAL_CONNECTIONS {
            return "192.0.2.7".to_owned();
        }
        if number < USUAL_CONNECTIONS {
            return format!("198.51.{}.{}", rng.u8(..100), rng.u8(1..9));
        }
        format!("10.{}.{}.{}", rng.u8(..), rng.u8(..), rng.u8(1..))
    }

    /// J entries.
    fn refusals(&mut self, shown: &Shown) {
        for (labels, count) in shown.grew("imsimta_enqueue_rejections_total") {
            let (source, reason) = (label(labels, "channel"), label(labels, "reason"));
            let diagnostic = match reason {
                "relay_denied" => "550 5.7.1 Relaying not permitted: u@d1.example",
                _ => "550 5.1.1 unknown or illegal alias: u@example.com",
            };
            for _ in 0..count {
                let transport = format!("TCP|192.0.2.25|25|203.0.113.9|{}", 20_000 + self.next() % 40_000);
                self.message(&MessageEntry {
                    source,
                    code: "JE",
                    from: "a@d2.example",
                    original_to: "rfc822;u@d1.example",
                    to: "u@d1.example",
                    diagnostic,
                    username: "mailsrv",
                    transport: &transport,
                    application: "SMTP",
                    ..MessageEntry::default()
                });
            }
        }
    }

    /// U entries.
    fn logins(&mut self, shown: &Shown) {
        let (accepted, refused) = (
            (
                "Authentication successful - switched to channel tcp_submit",
                "235 2.7.0 LOGIN authentication successful.",
            ),
            ("Bad password", "535 5.7.8 Bad username or password (Authentication failed)."),
        );
        for (labels, count) in shown.grew("imsimta_authentications_total") {
            let (text, diagnostic) = if label(labels, "result") == "success" { accepted } else { refused };
            for _ in 0..count {
                let at = self.log.rng.i64(self.time.clone());
                let transport = format!("TCP|192.0.2.25|587|203.0.113.9|{}", 20_000 + self.next() % 40_000);
                self.connection(
                    at,
                    &ConnectionEntry {
                        channel: label(labels, "channel"),
                        direction: '+',
                        code: "U",
                        transport: &transport,
                        application: "SMTP",
                        text,
                        username: "u@example.com",
                        diagnostic,
                        ..ConnectionEntry::default()
                    },
                );
            }
        }
    }

    /// D, Q and R entries.
    fn deliveries(&mut self, shown: &Shown) {
        for (labels, count) in shown.grew("imsimta_dequeued_recipients_total") {
            let channel = label(labels, "channel");
            let mut waits = waits(channel, shown);
            self.log.rng.shuffle(&mut waits);
            for _ in 0..count {
                let waited = waits.pop();
                self.tried(channel, None, Fate { code: "D", says: "smtp;250 2.1.5 Ok", waited });
            }
        }
        let mut domains = Vec::new();
        for (labels, count) in shown.grew("imsimta_destination_failures_total") {
            (0..count).for_each(|_| domains.push(label(labels, "domain")));
        }
        self.log.rng.shuffle(&mut domains);
        for (labels, count) in shown.grew("imsimta_delivery_failures_total") {
            let (channel, reason) = (label(labels, "channel"), label(labels, "reason"));
            let code = if label(labels, "outcome") == "rejected" { "R" } else { "Q" };
            for _ in 0..count {
                let is_tried = channel == "tcp_local" && reason != "expired";
                let domain = if is_tried { domains.pop() } else { None };
                self.tried(
                    channel,
                    domain.filter(|domain| *domain != "other"),
                    Fate { code, says: says(reason), waited: None },
                );
            }
        }
    }

    fn tried(&mut self, source: &str, domain: Option<&str>, fate: Fate) {
        let (domain, number) = (domain.map_or_else(|| self.domain(), str::to_owned), self.next());
        let to = match source {
            "ims-ms" => "u@ims-ms-daemon".to_owned(),
            _ => format!("u@{domain}"),
        };
        let original = format!("rfc822;{to}");
        let (file, id) = (file(source, number), format!("<{number}@example.com>"));
        let at = self.message(&MessageEntry {
            source,
            message_id: &id,
            code: fate.code,
            from: "a@example.com",
            original_to: &original,
            to: &to,
            file: &file,
            username: "mailsrv",
            diagnostic: if source == "tcp_local" || fate.code != "D" { fate.says } else { "" },
            queue_seconds: fate.waited,
            ..MessageEntry::default()
        });
        // What the return job gives back nobody tried.
        if fate.says != says("expired") {
            self.log.tried.push(Tried { at, channel: source.to_owned(), fails: fate.code != "D" });
        }
    }
}

fn file(channel: &str, number: u64) -> String {
    format!("/opt/sun/comms/messaging64/data/queue/{channel}/ZZ{number:010x}.00")
}
