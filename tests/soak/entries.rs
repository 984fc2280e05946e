//! THE table of what the writers write, and what each row adds to which series.
//!
//! The effects are written down from `docs/metrics.md` and the MTA's manuals, never computed by the
//! program's code: a mistake that both shared would be seen by nobody.

use std::collections::BTreeMap;

/// Series, spelled as on the page, and what they have to show.
pub type Series = BTreeMap<String, f64>;

/// Which log a line goes to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Log {
    Mail,
    Connection,
}

impl Log {
    pub const ALL: [Self; 2] = [Self::Mail, Self::Connection];

    /// Its name without what the return job changes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mail => "mail.log",
            Self::Connection => "connection.log",
        }
    }
}

/// Seconds that messages wait in the queue: each falls into another bucket.
pub const DELAYS: [u32; 4] = [0, 3, 45, 7000];
/// Upper bounds of the delay histograms.
const BOUNDS: [u32; 13] = [1, 5, 15, 60, 300, 900, 3600, 14_400, 43_200, 86_400, 172_800, 345_600, 604_800];
/// Those of the histogram of connections.
const DURATION_BOUNDS: [u32; 9] = [1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400];

/// One line, without its stamp.
pub struct Line {
    /// Index into [`DELAYS`]: how old its stamp is.
    pub age: usize,
    /// Between two pieces stands the number of the message.
    pub pieces: Vec<Vec<u8>>,
}

/// Lines that one writer writes into one log one after the other.
pub struct Row {
    pub log: Log,
    /// How often it is drawn, beside the others.
    pub weight: usize,
    pub lines: Vec<Line>,
    /// Numbers start again at 0 after so many; 0 for never.
    pub numbers: u64,
    /// What it adds, beside lines and bytes.
    pub adds: Series,
}

impl Row {
    fn new(log: Log, weight: usize) -> Self {
        Self { log, weight, lines: Vec::new(), numbers: 0, adds: Series::new() }
    }

    fn line(mut self, age: usize, text: impl AsRef<[u8]>) -> Self {
        let pieces = text.as_ref().split(|&byte| byte == b'#').map(<[u8]>::to_vec).collect();
        self.lines.push(Line { age, pieces });
        self
    }

    fn add(mut self, name: &str, labels: &[(&str, &str)], amount: u32) -> Self {
        *self.adds.entry(series(name, labels)).or_default() += f64::from(amount);
        self
    }

    /// An entry's action letter and modifiers.
    fn code(self, code: &str) -> Self {
        let letter = &code[..1];
        let row = self.add("imsimta_log_entries_total", &[("code", letter)], 1);
        let modifiers = (1..code.len()).map(|at| &code[at..=at]);
        modifiers.fold(row, |row, modifier| {
            row.add("imsimta_log_entry_modifiers_total", &[("code", letter), ("modifier", modifier)], 1)
        })
    }

    fn delay(mut self, name: &str, label: (&str, &str), seconds: u32) -> Self {
        for bound in BOUNDS {
            let within = u32::from(seconds <= bound);
            let labels = [label, ("le", &bound.to_string())];
            self = self.add(&format!("{name}_bucket"), &labels, within);
        }
        self.add(&format!("{name}_bucket"), &[label, ("le", "+Inf")], 1)
            .add(&format!("{name}_count"), &[label], 1)
            .add(&format!("{name}_sum"), &[label], seconds)
    }
}

/// `name{label="value"}` as on the page: labels by name.
pub fn series(name: &str, labels: &[(&str, &str)]) -> String {
    let mut labels: Vec<String> =
        labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
    labels.sort();
    if labels.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", labels.join(",")) }
}

/// Every row.
pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (code, source, destination, blocks, weight) in [
        ("EEQ", "tcp_local", "ims-ms", 5, 14),
        ("EES", "tcp_local", "tcp_intranet", 12, 10),
        ("EESA", "tcp_submit", "tcp_local", 3, 10),
        ("E", "conversion", "ims-ms", 1, 5),
        ("E", "tcp_local", "process", 2, 3),
    ] {
        rows.push(enqueued(code, source, destination, blocks, weight));
    }
    for (code, channel, blocks, weight) in [
        ("D", "ims-ms", 5, 14),
        ("DEQ", "tcp_local", 70, 10),
        ("DES", "tcp_intranet", 4, 8),
        ("D", "process", 2, 3),
    ] {
        let text = format!(
            " {channel:<12}              {code} {blocks} a@sesta.example rfc822;b@siroe.example b@siroe.example"
        );
        rows.push(dequeued(Row::new(Log::Mail, weight).line(0, text), code, channel, blocks));
    }
    rows.extend((0..DELAYS.len()).map(|age| delivered_later(age, false)));
    rows.push(delivered_later(1, true));
    for &failure in FAILURES {
        for destination in 0..5 {
            rows.push(failed(failure, destination));
        }
    }
    rows.extend(oddities());
    rows.extend(connections());
    rows
}

fn enqueued(code: &str, source: &str, destination: &str, blocks: u32, weight: usize) -> Row {
    let text = format!(
        " {source:<12} {destination:<12} {code} {blocks} j\u{f6}rg@siroe.example rfc822;b@sesta.example b@{destination}-daemon mailsrv"
    );
    let labels = [("source_channel", source), ("destination_channel", destination)];
    // As MTAs write it: Latin-1, which is not UTF-8.
    let text: Vec<u8> = text.chars().map(|character| u8::try_from(character).expect("Latin-1")).collect();
    Row::new(Log::Mail, weight)
        .line(0, text)
        .code(code)
        .add("imsimta_enqueued_recipients_total", &labels, 1)
        .add("imsimta_enqueued_bytes_total", &labels, blocks * 1024)
}

fn dequeued(row: Row, code: &str, channel: &str, blocks: u32) -> Row {
    let channel = [("channel", channel)];
    row.code(code)
        .add("imsimta_dequeued_recipients_total", &channel, 1)
        .add("imsimta_dequeued_bytes_total", &channel, blocks * 1024)
        .add("imsimta_delivery_attempts_total", &channel, 1)
}

/// An enqueue and its delivery some time later, told by their stamps. With a message id few are
/// drawn, and numbers do not return: the arrival of an id is the first one.
fn delivered_later(age: usize, with_id: bool) -> Row {
    let id = if with_id { " <#@siroe.example>" } else { "" };
    // The two kinds never share a queue file.
    let kind = if with_id { "I" } else { "F" };
    let tail =
        format!("/opt/sun/comms/messaging64/data/queue/ims-ms/000/ZZ01IS{kind}{age}_Q-#.00{id} mailsrv");
    let mut row = enqueued("E", "tcp_local", "ims-ms", 2, if with_id { 1 } else { 2 });
    row.lines.clear();
    let row = row
        .line(
            age,
            format!(
                " tcp_local    ims-ms       E 2 a@siroe.example rfc822;b@sesta.example b@ims-ms-daemon {tail}"
            ),
        )
        .line(
            0,
            format!(
                " ims-ms                    D 2 a@siroe.example rfc822;b@sesta.example b@ims-ms-daemon {tail}"
            ),
        );
    let mut row = dequeued(row, "D", "ims-ms", 2)
        .add("imsimta_delivery_tries_total", &[("channel", "ims-ms"), ("attempt", "1")], 1)
        .delay("imsimta_queue_delay_seconds", ("channel", "ims-ms"), DELAYS[age]);
    row.numbers = if with_id { 0 } else { 200 };
    if with_id {
        row = row.delay("imsimta_end_to_end_delay_seconds", ("destination_channel", "ims-ms"), DELAYS[age]);
    }
    row
}

/// Code, channel, outcome, reason, class and status of the reply, diagnostic.
type Failure = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Option<(&'static str, &'static str)>,
    &'static str,
);

const FAILURES: &[Failure] = &[
    (
        "Q",
        "tcp_local",
        "deferred",
        "conn_timeout",
        None,
        "TCP active open: Failed connect()    Error: Connection timed out",
    ),
    (
        "Q",
        "tcp_local",
        "deferred",
        "conn_refused",
        None,
        "TCP active open: Failed connect() Error: connection refused",
    ),
    (
        "Q",
        "tcp_local",
        "deferred",
        "no_route",
        None,
        "TCP active open: Failed connect()    Error: no route to host",
    ),
    (
        "Q",
        "tcp_intranet",
        "deferred",
        "host_skipped",
        None,
        "Too many failures to this host during this run; skipping this host: Dead (unresponsive) host",
    ),
    (
        "Q",
        "tcp_local",
        "deferred",
        "greylisted",
        Some(("4xx", "4.7.1")),
        "smtp;451 4.7.1 Greylisted, please try again",
    ),
    ("Q", "tcp_local", "deferred", "remote_4xx", Some(("4xx", "none")), "smtp;452 Insufficient disk room"),
    ("R", "tcp_local", "rejected", "user_unknown", Some(("5xx", "5.1.1")), "smtp;550 5.1.1 User unknown"),
    (
        "R",
        "tcp_intranet",
        "rejected",
        "policy",
        Some(("5xx", "5.7.1")),
        "smtp;554 5.7.1 Message refused as spam",
    ),
    ("R", "tcp_local", "rejected", "expired", None, "Unable to deliver this message after 4 days"),
    ("Q", "ims-ms", "deferred", "mailbox_busy", None, "Mailbox is busy"),
    (
        "Z",
        "tcp_local",
        "partial",
        "remote_4xx",
        Some(("4xx", "4.5.3")),
        "smtp;452 4.5.3 Insufficient disk room",
    ),
    ("K", "process", "unnotified", "none", None, ""),
];

fn failed((code, channel, outcome, reason, reply, diagnostic): Failure, destination: u32) -> Row {
    let domain = format!("d{destination}.{reason}.{channel}.example");
    let host = format!("dns;mx.{domain} (TCP|192.0.2.25|4711|203.0.113.9|25) (mx.{domain} ESMTP Postfix) ");
    let host = if reply.is_some() { &host } else { "" };
    let text = format!(
        " {channel:<12}              {code} 4 a@siroe.example rfc822;b@{domain} b@{domain} mailsrv {host}{diagnostic}"
    );
    let mut row = Row::new(Log::Mail, 1).line(0, text.trim_end()).code(code).add(
        "imsimta_delivery_failures_total",
        &[("channel", channel), ("outcome", outcome), ("reason", reason)],
        1,
    );
    if let Some((class, status)) = reply {
        row = row.add(
            "imsimta_delivery_replies_total",
            &[("channel", channel), ("class", class), ("status", status)],
            1,
        );
    }
    if outcome == "unnotified" || reason == "expired" {
        return row;
    }
    row = row.add("imsimta_delivery_attempts_total", &[("channel", channel)], 1);
    if outcome == "partial" {
        return row;
    }
    row.add("imsimta_destination_failures_total", &[("domain", &domain), ("outcome", outcome)], 1)
}

/// Entries of other kinds, and lines that are no entries.
fn oddities() -> Vec<Row> {
    let odd = |name: &str, reason: &str, text: Vec<u8>| {
        let labels = [("log", "mail.log_current"), ("reason", reason)];
        Row::new(Log::Mail, 1).line(usize::MAX, text).add(name, &labels, 1)
    };
    let channel = [("channel", "tcp_local")];
    vec![
        Row::new(Log::Mail, 3)
            .line(0, " tcp_local                 J 0 a@siroe.example rfc822; b@sesta.example 550 5.7.1 Relaying not permitted: b@sesta.example")
            .code("J")
            .add("imsimta_enqueue_rejections_total", &[channel[0], ("reason", "relay_denied")], 1),
        Row::new(Log::Mail, 1)
            .line(0, " tcp_local                 V 0 a@siroe.example rfc822;b@sesta.example b@sesta.example")
            .code("V")
            .add("imsimta_aborted_transactions_total", &channel, 1),
        Row::new(Log::Mail, 1)
            .line(0, " tcp_local                 B 0  GET / HTTP/1.1 500 5.5.1 Unknown command \"GET\" specified")
            .code("B")
            .add("imsimta_bad_commands_total", &channel, 1),
        Row::new(Log::Mail, 1)
            .line(0, " tcp_local                 W 5  rfc822;b@sesta.example b@sesta.example")
            .code("W")
            .add("imsimta_delay_warnings_total", &channel, 1),
        odd("imsimta_log_skipped_lines_total", "blank", Vec::new()),
        odd("imsimta_log_unparsed_lines_total", "no_timestamp", b"this is no entry".to_vec()),
        Row::new(Log::Mail, 1)
            .line(0, " > Received: from localhost (host11.siroe.example [127.0.0.1]) by host11.siroe.example (Postfix)")
            .add("imsimta_log_skipped_lines_total", &[("log", "mail.log_current"), ("reason", "header")], 1),
    ]
}

/// A line beyond the cap of 64 KiB: rare, and therefore not drawn by weight.
pub fn long_line() -> Row {
    Row::new(Log::Mail, 0).line(0, vec![b'x'; 70_000]).add(
        "imsimta_log_skipped_lines_total",
        &[("log", "mail.log_current"), ("reason", "too_long")],
        1,
    )
}

fn connections() -> Vec<Row> {
    let row = |weight: usize, direction: &str, code: &str, text: &str| {
        Row::new(Log::Connection, weight)
            .line(
                0,
                format!(
                    " tcp_local    {direction}            {code} TCP|192.0.2.25|25|203.0.113.9|4711 {text}"
                ),
            )
            .code(code)
    };
    let inward = [("channel", "tcp_local"), ("direction", "in")];
    let outward = [("channel", "tcp_local"), ("direction", "out")];
    vec![
        session(12, "+", "TCP|192.0.2.25|25|203.0.113.9|# SMTP", "none"),
        session(
            4,
            "-",
            "TCP|192.0.2.25|#|203.0.113.9|25 SMTP/d.example/mx.d.example/TLS-256-AES256",
            "modern",
        ),
        Row::new(Log::Connection, 2)
            .line(0, " tcp_local    -            Y SMTP/mx.siroe.example/mx.siroe.example connection refused")
            .code("Y")
            .add(
                "imsimta_connections_failed_total",
                &[outward[0], outward[1], ("reason", "conn_refused")],
                1,
            ),
        row(2, "+", "X", "SMTP 550 5.7.1 blocked by policy")
            .add("imsimta_connections_rejected_total", &[inward[0], inward[1], ("reason", "policy")], 1)
            .add(
                "imsimta_connection_rejections_total",
                &[inward[0], inward[1], ("reason", "port_access")],
                1,
            ),
        row(1, "+", "I", "SMTP").add("imsimta_etrn_total", &inward[..1], 1),
        row(2, "+", "U", "SMTP Authentication successful - switched to channel tcp_submit *a 235 2.7.0 ok")
            .add("imsimta_authentications_total", &[inward[0], ("result", "success")], 1),
        row(1, "+", "U", "SMTP Bad password *a 535 5.7.8 Bad username or password")
            .add("imsimta_authentications_total", &[inward[0], ("result", "failure")], 1)
            .add("imsimta_authentication_failures_total", &[inward[0], ("reason", "bad_password")], 1),
    ]
}

/// A connection that is closed as soon as it was opened. Ports are not used again at once.
fn session(weight: usize, direction: &str, ends: &str, cipher: &str) -> Row {
    let mut row = Row::new(Log::Connection, weight);
    for code in ["O", "C"] {
        row = row.line(0, format!(" tcp_local    {direction}            {code} {ends}")).code(code);
    }
    row.numbers = 10_000;
    let way = ("direction", if direction == "+" { "in" } else { "out" });
    let of = [("channel", "tcp_local"), way];
    for bound in DURATION_BOUNDS.map(|bound| bound.to_string()).iter().map(String::as_str).chain(["+Inf"]) {
        row = row.add("imsimta_connection_duration_seconds_bucket", &[of[0], way, ("le", bound)], 1);
    }
    row.add("imsimta_connections_opened_total", &of, 1)
        .add("imsimta_connections_closed_total", &of, 1)
        .add("imsimta_connection_closings_total", &[of[0], way, ("reason", "normal")], 1)
        .add("imsimta_connections_tls_total", &[of[0], way, ("cipher", cipher)], 1)
        .add("imsimta_connection_duration_seconds_count", &of, 1)
        .add("imsimta_connection_duration_seconds_sum", &of, 0)
}
