//! How long taking a snapshot keeps the log thread from reading, and how long writing one takes beside it:
//! with more than 10,000 series and with full tables of what waits.
//!
//! `cargo bench --bench snapshot`

#![expect(clippy::disallowed_macros, reason = "a bench prints what it found")]

use std::time::{Duration, Instant};

use imsimta_exporter::aggregate::time::Time;
use imsimta_exporter::aggregate::timeline::Present;
use imsimta_exporter::aggregate::{Aggregate, Totals};
use imsimta_exporter::app::state::Snapshot;
use imsimta_exporter::app::state::contents::encode;
use imsimta_exporter::config::ClientLabel;
use imsimta_exporter::counting::LogReader;
use imsimta_exporter::metrics::Exposition;
use imsimta_exporter::metrics::catalogue::Feed;
use imsimta_exporter::metrics::{ClientDisplay, logs};
use imsimta_exporter::record::Dialect;

/// Channels that have a label of their own.
const CHANNELS: usize = 256;
/// As many messages as can wait for their end.
const MESSAGES: usize = 204_800;
const ROUNDS: usize = 50;
/// The bound: reading stands still no longer than this.
const BOUND: Duration = Duration::from_millis(20);

fn main() {
    let totals = full_totals();
    let mut taken: Vec<Duration> = Vec::new();
    let mut encoded = Vec::new();
    for _ in 0..ROUNDS {
        let start = now();
        let copy = totals.clone();
        taken.push(start.elapsed());
        let snapshot = Snapshot { positions: [].into(), totals: copy };
        let start = now();
        let bytes =
            encode(&snapshot, &imsimta_exporter::alerting::Saved::default(), &[]).expect("encoded").len();
        encoded.push((start.elapsed(), bytes));
    }
    taken.sort_unstable();
    encoded.sort_unstable();
    let (median, worst) = (taken[ROUNDS / 2], taken[ROUNDS - 1]);
    println!("{} channels, {MESSAGES} messages waiting: {} series", CHANNELS, series(&totals));
    println!("taken on the log thread:   median {median:?}, worst {worst:?} (bound {BOUND:?})");
    println!("encoded on the state thread: median {:?}, {} bytes", encoded[ROUNDS / 2].0, encoded[0].1);
}

#[expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
fn now() -> Instant {
    Instant::now()
}

/// Entries of every kind in every channel, then messages that wait.
fn full_totals() -> Totals {
    let mut aggregate = Aggregate::new(Totals::new(7), jiff::tz::TimeZone::UTC, 1024);
    let account = aggregate.totals.accounts.index("mail.log_current");
    let mut text = String::new();
    let mut add = |line: String| text.extend([&line, "\n"]);
    let entry = |channel: usize, from: usize, what: &str| {
        format!(
            "22-Nov-2026 10:00:00.00 tcp_{channel:<15} {what} 1 a@b.example rfc822;u@d{from}.example u@d{from}.example /q/ZZ{from:09}.00 <{from}@b.example>"
        )
    };
    for channel in 0..CHANNELS {
        for (number, what) in ["D ", "Q ", "R ", "K ", "J ", "V ", "B ", "W "].into_iter().enumerate() {
            for reply in [
                "smtp;450 4.2.2 over quota",
                "smtp;550 5.1.1 user unknown",
                "smtp;451 4.7.1 greylisted",
                "smtp;554 5.7.1 spam",
                "smtp;552 5.3.4 message too large",
                "smtp;421 4.4.2 timeout",
                "smtp;450 4.7.0 too many connections",
            ] {
                add(format!("{} mailsrv dns;mx.example {reply}", entry(channel, number, what)));
            }
        }
    }
    for message in 0..MESSAGES {
        add(entry(message % CHANNELS, 1_000 + message, &format!("tcp_{} E ", message % 4)));
    }
    LogReader::new(Dialect::default(), usize::MAX).count(text.as_bytes(), &mut aggregate, account, None);
    aggregate.totals
}

/// How many series these sums give.
fn series(totals: &Totals) -> usize {
    let clients = ClientDisplay { label: ClientLabel::Address, top: 10, seed: 0 };
    let (exposition, totals) = (Exposition::default(), totals.clone());
    exposition
        .publish(&[Feed::Logs], move |page| {
            logs::fill(page, &totals, &clients, Present::of_entry(Time::of(1_795_341_600_000)));
        })
        .expect("registered");
    let page = exposition.encode().expect("encoded");
    page.split(|&byte| byte == b'\n').filter(|line| !line.is_empty() && line[0] != b'#').count()
}
