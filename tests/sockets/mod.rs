//! The kernel's sockets: real connections in known states beside `ss` at the same moment, a golden page from tables of
//! another network, and the ports that the MTA's own processes hold.
//!
//! 2,000 connections by default; the long form is
//! `IMSIMTA_EXPORTER_SOCKETS=20000 cargo test --release --test integration sockets::`, as root or with 50,000 open files.

mod elsewhere;
mod ports;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use imsimta_exporter::source::sockets::{Namespace, StateCounts, TcpState, Wanted};

use crate::service::harness::{DEADLINE, Install, Service, available, now, pause, value_of, wait_for};

/// Sockets by local port and state.
type Counts = BTreeMap<u16, BTreeMap<String, u64>>;

/// Connections in known states, for as long as this lives.
struct Open {
    child: Child,
    counts: Counts,
}

impl Open {
    /// Opens connections, in a process that executes the program at this path, which is made.
    fn start(states: &[(&str, u64)], program: &Path) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sockets/open.py");
        let mut command = Command::new("python3");
        command.arg(script).env("OPEN_AS", program).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.args(states.iter().map(|(state, count)| format!("{state}={count}")));
        let mut child = command.spawn().expect("python3");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("read");
        let counts = serde_json::from_str(&line).expect("the states of each port");
        Self { child, counts }
    }

    /// Whether this is what was opened. Those that wait for late segments go by themselves, after a minute or when
    /// the kernel has too many of them.
    fn is(&self, seen: &Counts) -> bool {
        let goes = |state: &str| state == "time_wait";
        self.counts.keys().eq(seen.keys())
            && self.counts.iter().all(|(port, opened)| {
                opened.keys().eq(seen[port].keys())
                    && opened.iter().all(|(state, &opened)| {
                        let seen = seen[port][state];
                        seen == opened || goes(state) && seen < opened
                    })
            })
    }

    fn ports(&self) -> Vec<u16> {
        self.counts.keys().copied().collect()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What `ss` says of all TCP sockets: state, local port, remote address and port.
struct Seen(Vec<(String, u16, IpAddr, u16)>);

impl Seen {
    fn now() -> Self {
        let output = Command::new("ss").args(["-H", "-t", "-a", "-n"]).output().expect("ss");
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).expect("text");
        Self(text.lines().map(Self::row).collect())
    }

    fn row(line: &str) -> (String, u16, IpAddr, u16) {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let port = |word: &str| word.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(0);
        let (remote, _) = words[4].rsplit_once(':').expect("an address and a port");
        let remote = remote.trim_matches(['[', ']']);
        let remote =
            remote.parse::<IpAddr>().map_or(Ipv6Addr::UNSPECIFIED.into(), |remote| remote.to_canonical());
        (state(words[0]).to_owned(), port(words[3]), remote, port(words[4]))
    }

    /// By local port and state, of some ports.
    fn counts(&self, ports: &[u16]) -> Counts {
        let mut counts = Counts::new();
        for (state, port, ..) in self.0.iter().filter(|(_, port, ..)| ports.contains(port)) {
            *counts.entry(*port).or_default().entry(state.clone()).or_default() += 1;
        }
        counts
    }

    /// By state, of those to a remote port.
    fn to(&self, port: u16) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for (state, ..) in self.0.iter().filter(|(.., remote)| *remote == port) {
            *counts.entry(state.clone()).or_default() += 1;
        }
        counts
    }

    /// By remote address, of some local ports.
    fn clients(&self, ports: &[u16]) -> BTreeMap<IpAddr, u64> {
        let mut counts = BTreeMap::new();
        let connected = self.0.iter().filter(|(state, ..)| state != "listen");
        for (_, _, client, _) in connected.filter(|(_, port, ..)| ports.contains(port)) {
            *counts.entry(*client).or_default() += 1;
        }
        counts
    }
}

/// A state by the label of the metric.
fn state(of_ss: &str) -> &'static str {
    match of_ss {
        "ESTAB" => "established",
        "SYN-SENT" => "syn_sent",
        "SYN-RECV" => "syn_recv",
        "FIN-WAIT-1" => "fin_wait1",
        "FIN-WAIT-2" => "fin_wait2",
        "TIME-WAIT" => "time_wait",
        "UNCONN" => "close",
        "CLOSE-WAIT" => "close_wait",
        "LAST-ACK" => "last_ack",
        "LISTEN" => "listen",
        "CLOSING" => "closing",
        other => panic!("ss has a state {other}"),
    }
}

/// Those that there are, by label.
fn by_label(counts: &StateCounts) -> BTreeMap<String, u64> {
    let there = TcpState::ALL.iter().zip(counts).filter(|&(_, &count)| count > 0);
    there.map(|(state, &count)| (state.label().to_owned(), count)).collect()
}

/// What a page says of some ports.
fn on_page(page: &str, ports: &[u16]) -> Counts {
    let mut counts = Counts::new();
    for &port in ports {
        for state in TcpState::ALL.map(TcpState::label) {
            let sample = format!(r#"imsimta_smtp_sockets{{port="{port}",state="{state}"}}"#);
            let value = value_of(page, &sample).unwrap_or_default();
            if value > 0.0 {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
                counts.entry(port).or_default().insert(state.to_owned(), value as u64);
            }
        }
    }
    counts
}

/// Opens connections in these states and waits until the program, what is known, and `ss` agree at one moment, and nothing
/// moved meanwhile.
fn compare(install: &Install, states: &[(&str, u64)]) -> Result<(Service, Open), String> {
    let open = Open::start(states, Path::new(""));
    let ports = open.ports();
    let list = ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let mut command = install.command();
    command.env("IMSIMTA_EXPORTER__SOCKETS__PORTS", list);
    let service = Service::start(command);
    let end = now() + DEADLINE;
    loop {
        let before = on_page(&service.page(), &ports);
        let seen = Seen::now().counts(&ports);
        let after = on_page(&service.page(), &ports);
        if before == seen && after == seen && open.is(&seen) {
            return Ok((service, open));
        }
        if now() >= end {
            return Err(format!(
                "opened were {:?}, but ss saw {seen:?} and the program {before:?}, then {after:?}",
                open.counts
            ));
        }
        pause();
    }
}

#[test]
fn counts_equal_those_of_ss() {
    if !available("ss") || !available("python3") {
        return;
    }
    let all =
        std::env::var("IMSIMTA_EXPORTER_SOCKETS").map_or(2000, |count| count.parse().expect("a number"));
    let part = |percent: u64| all * percent / 100;
    let states = [
        ("established", part(35)),
        ("close_wait", part(20)),
        ("fin_wait2", part(5)),
        ("syn_recv", part(24)),
        ("time_wait", part(15)),
        ("waiting", part(1)),
    ];
    let install = Install::new();
    install.append("mail.log_current", "");

    // A busy host may need the minute after which some are gone: then anew.
    let compared = compare(&install, &states).or_else(|_| compare(&install, &states));
    let (_service, open) = compared.unwrap_or_else(|differs| panic!("{differs}"));
    let ports = open.ports();
    let sum: u64 = open.counts.values().flat_map(BTreeMap::values).sum();
    assert_eq!(sum, all + ports.len() as u64);

    for &port in &ports {
        let wanted = Wanted { ports: ports.clone(), remote_port: port, top: 1000 };
        wait_for("the same other ends and clients", DEADLINE, || {
            let snapshot = Namespace::OWN.read(&wanted).expect("sockets");
            let found = snapshot.clients.iter().map(|(client, states)| (*client, states.iter().sum()));
            // Those that wait for late segments go by themselves: the two look at one moment.
            let seen = Seen::now();
            (found.collect::<BTreeMap<IpAddr, u64>>() == seen.clients(&ports)
                && by_label(&snapshot.outbound) == seen.to(port))
            .then_some(())
        });
    }
}
