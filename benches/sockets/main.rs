//! A look at the sockets beside the kernel's own work for it, and beside the table as text.
//!
//! `cargo bench --bench sockets -- [--sockets 40000] [--clients 2000] [--rounds 15]` opens real connections over loopback
//! (`tests/sockets/open.py`, python3), of which the clients' ends are gone after a minute, as those of other hosts are
//! not in the table. What is compared runs in turns in one run; times are CPU times of the thread, so what the kernel does
//! for it is in them.

#[path = "../queue/costs.rs"]
mod costs;
mod raw;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use costs::{Costs, cost};
use imsimta_exporter::source::sockets::{Namespace, SMTP, SocketSnapshot, Wanted};

const RAW: &str = "raw filtered dump";
const OURS: &str = "one collection";
const TEXT: &str = "reading /proc/net/tcp, tcp6";
const PARSED: &str = "the same, parsed by procfs";

/// What is run, what it is measured by, and the bound that it should keep.
const ROWS: [(&str, &str, &str); 6] = [
    (RAW, RAW, ""),
    (TEXT, TEXT, ""),
    (PARSED, TEXT, ""),
    (OURS, RAW, "at most 1.3 of the raw dump"),
    (OURS, TEXT, ""),
    (OURS, PARSED, "at most a third of /proc/net/tcp"),
];

fn main() {
    let number = |flag: &str, default: usize| {
        let mut arguments = std::env::args().skip_while(|argument| argument != flag).skip(1);
        arguments.next().map_or(default, |value| value.parse().expect("a number"))
    };
    let (sockets, rounds) = (number("--sockets", 40_000), number("--rounds", 15));
    say(&format!("opening {sockets} connections"));
    let (mut opened, ports) = open(sockets, number("--clients", 2000));
    let wanted = Wanted { ports, remote_port: SMTP, top: 1000 };
    say("waiting until the clients' ends are gone");
    let settled = settle(sockets);

    let mut costs = Costs::default();
    let (mut snapshot, mut bytes, mut messages) = (None, 0, 0);
    for _ in 0..rounds {
        costs.add(RAW, cost(|| messages = raw::dump(&wanted.ports, wanted.remote_port)));
        costs.add(OURS, cost(|| snapshot = Some(collect(&wanted))));
        costs.add(TEXT, cost(|| bytes = text()));
        costs.add(PARSED, cost(|| _ = (procfs::net::tcp(), procfs::net::tcp6())));
    }
    let snapshot = snapshot.expect("a round");
    let counted: u64 = snapshot.states.values().sum();
    say(&format!(
        "{counted} sockets on {} ports of {} clients, {settled} lines in the tables, {messages} messages, {bytes} bytes of text; \
         {rounds} rounds, load {}",
        wanted.ports.len(),
        snapshot.clients.len(),
        load()
    ));
    assert!(counted >= sockets as u64, "all are counted");
    costs.report(&ROWS);
    opened.kill().expect("ended");
    opened.wait().expect("ended");
}

/// What a run of the collector does.
fn collect(wanted: &Wanted) -> SocketSnapshot {
    let namespace = Namespace::of(Path::new("/proc"));
    let snapshot = namespace.read(wanted).expect("sockets");
    SocketSnapshot { drops: namespace.listen_drops().ok(), ..snapshot }
}

/// Reads both tables and makes nothing of them.
fn text() -> usize {
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| std::fs::read(table).ok())
        .map(|table| table.len())
        .sum()
}

fn open(sockets: usize, clients: usize) -> (Child, Vec<u16>) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sockets/open.py");
    let mut command = Command::new("python3");
    command
        .arg(script)
        .arg(format!("left={sockets}"))
        .env("OPEN_CLIENTS", clients.to_string())
        .env("OPEN_MOST", "15000");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("read");
    let states: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&line).expect("ports");
    (child, states.keys().map(|port| port.parse().expect("a port")).collect())
}

/// Waits until the tables have little more than these sockets; how many lines they have.
fn settle(sockets: usize) -> usize {
    let end = instant() + Duration::from_mins(2);
    loop {
        let lines = ["/proc/net/tcp", "/proc/net/tcp6"].iter().filter_map(|table| std::fs::read(table).ok());
        let lines: usize = lines.map(|table| memchr::memchr_iter(b'\n', &table).count()).sum();
        if lines < sockets + sockets / 20 + 500 || instant() > end {
            return lines;
        }
        pause();
    }
}

fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

#[expect(clippy::disallowed_methods, reason = "it waits for the kernel's timers")]
fn pause() {
    std::thread::sleep(Duration::from_secs(1));
}

#[expect(clippy::disallowed_methods, reason = "it measures time")]
fn instant() -> Instant {
    Instant::now()
}

fn say(line: &str) {
    drop(writeln!(std::io::stdout(), "{line}"));
}
