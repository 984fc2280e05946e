//! Logs of a few lines, and what they add up to.

mod caps;
mod open;

use super::digest::{Batch, Digester};
use super::histogram::DelayHistogram;
use super::time::Time;
use super::{Aggregate, FETCHED, Totals};
use crate::counting::{Carried, LogReader};
use crate::record::Dialect;
use crate::source::lines::Block;

/// Each line stands for an entry of second 0, 1, 2, … and begins behind the time stamp.
fn counted(lines: &[&str]) -> Totals {
    let mut aggregate = Aggregate::new(Totals::new(3), jiff::tz::TimeZone::UTC, 1024);
    let log = aggregate.totals.accounts.index("mail.log_current");
    let entry = |(second, line)| format!("19-Jan-2026 19:{:02}:{:02}.00 {line}\n", second / 60, second % 60);
    let text = (0..).zip(lines).map(entry).collect::<Vec<_>>().concat();
    LogReader::new(Dialect::default(), usize::MAX).count(text.as_bytes(), &mut aggregate, log, None);
    aggregate.totals
}

/// What is there behind any entry of a block is what the entries so far add up to.
#[test]
fn a_block_may_be_applied_in_parts() {
    let open = "tcp_local    +            O TCP|192.0.2.25|25|203.0.113.9|4000 SMTP";
    let kinds = [IN, HOP_OUT, HOP_END, "no entry", RETRY, open, END];
    let lines: Vec<&str> = kinds.into_iter().cycle().take(100).collect();
    let text: Vec<_> = lines.iter().map(|line| format!("19-Jan-2026 19:00:00.00 {line}\n")).collect();
    let text = text.concat();
    let mut batch = Batch::default();
    let digester = Digester::new(3);
    let block = Block::Lines(text.as_bytes());
    LogReader::new(Dialect::default(), usize::MAX).digest(&block, Carried::default(), digester, &mut batch);
    let all = batch.entries().len();
    assert!((2 * FETCHED..lines.len()).contains(&all), "{all} entries, and lines that are none");

    let begun = || {
        let mut aggregate = Aggregate::new(Totals::new(3), jiff::tz::TimeZone::UTC, 1024);
        let log = aggregate.totals.accounts.index("mail.log_current");
        (aggregate, log)
    };
    let (mut whole, log) = begun();
    whole.apply(log, &batch, None);
    for cut in 0..=all {
        let (mut parts, log) = begun();
        parts.apply_lines(log, &batch);
        parts.apply_entries(log, &batch, 0..cut, None);
        let seen: u64 = parts.totals.entries.actions().map(|(_, count)| count).sum();
        assert_eq!(seen, cut as u64);
        parts.apply_entries(log, &batch, cut..all, None);
        assert!(parts.totals == whole.totals, "cut in front of entry {cut}");
    }
}

/// How many delays, and their sum in seconds.
type Waits = (u64, f64);

fn seconds(delays: &DelayHistogram) -> Waits {
    (delays.count(), delays.sum_seconds())
}

/// `channel: queue delays and their sum, end to end delays and their sum`, of channels with any.
#[track_caller]
fn check_delays(lines: &[&str], expected: &[(&str, Waits, Waits)]) {
    let totals = counted(lines);
    let delays = totals
        .channels
        .all()
        .map(|(channel, counts)| (channel, seconds(&counts.queue_delay), seconds(&counts.end_to_end_delay)));
    let delays: Vec<_> = delays.filter(|(_, queue, end)| queue.0 + end.0 > 0).collect();
    assert_eq!(delays, expected);
}

const IN: &str = "tcp_local    conversion   E 1 a@b.example rfc822;u@c.example u@c.example /q/conversion/ZZ0abcd1.00 <1@b.example> mailsrv";
const HOP_OUT: &str = "conversion   ims-ms       E 1 a@b.example rfc822;u@c.example u@ims-ms-daemon /q/ims-ms/ZZ0abcd2.00 <1@b.example> mailsrv";
const HOP_END: &str = "conversion                D 1 a@b.example rfc822;u@c.example u@c.example /q/conversion/ZZ0abcd1.00 <1@b.example> mailsrv";
const RETRY: &str = "ims-ms                    Q 1 a@b.example rfc822;u@c.example u@ims-ms-daemon /q/ims-ms/ZZ0abcd2.00 <1@b.example> mailsrv  Mailbox is busy";
const END: &str = "ims-ms                    D 1 a@b.example rfc822;u@c.example u@ims-ms-daemon /q/ims-ms/ZY0abcd2.00 <1@b.example> mailsrv";

#[test]
fn a_recipient_is_timed_by_hop_and_once_from_end_to_end() {
    let expected = [("conversion", (1, 2.0), (0, 0.0)), ("ims-ms", (1, 3.0), (1, 4.0))];
    check_delays(&[IN, HOP_OUT, HOP_END, RETRY, END], &expected);
    // A hop may log its own end first.
    check_delays(
        &[IN, HOP_END, HOP_OUT, RETRY, END],
        &[("conversion", (1, 1.0), (0, 0.0)), ("ims-ms", (1, 2.0), (1, 4.0))],
    );
}

#[test]
fn giving_up_ends_a_recipient_in_any_channel() {
    let give_up = |letter: &str| HOP_END.replace(" D ", &format!(" {letter} "));
    for letter in ["R", "K"] {
        check_delays(&[IN, &give_up(letter)], &[("conversion", (1, 1.0), (1, 1.0))]);
    }
    let partial = END.replace(" D ", " Z ");
    check_delays(&[IN, HOP_OUT, HOP_END, &partial], &[("conversion", (1, 2.0), (0, 0.0))]);
}

#[test]
fn every_recipient_is_timed() {
    let second = |line: &str| line.replace("u@", "v@");
    let lines = [IN, &second(IN), &HOP_END.replace("conversion  ", "tcp_local   "), &second(HOP_END)];
    // The first was delivered by a channel whose file no entry names.
    check_delays(&lines, &[("tcp_local", (0, 0.0), (1, 2.0)), ("conversion", (1, 3.0), (0, 0.0))]);
}

#[test]
fn a_message_that_comes_back_from_a_list_arrives_anew() {
    let straight = IN.replace("conversion  ", "ims-ms      ").replace("/conversion/", "/ims-ms/");
    let delivered = straight.replace("tcp_local    ims-ms       E", "ims-ms                    D");
    let again = [&straight, &delivered].map(|line| line.replace("ZZ0abcd1", "ZZ0wxyz9"));
    let lines = [&straight, &delivered, &again[0], &again[1]].map(String::as_str);
    check_delays(&lines, &[("ims-ms", (2, 2.0), (2, 2.0))]);
}

#[test]
fn the_queue_time_of_the_entry_is_taken_where_it_has_one() {
    let mut aggregate = Aggregate::new(Totals::new(3), jiff::tz::TimeZone::UTC, 1024);
    let log = aggregate.totals.accounts.index("mail.log_current");
    let line = b"<en ts=\"2026-01-19T19:00:00.00\" sc=\"tcp_local\" ac=\"D\" od=\"rfc822;a@b\" de=\"a@b\" qt=\"7\"/>\n";
    LogReader::new(Dialect::default(), usize::MAX).count(line, &mut aggregate, log, None);
    let queue: Vec<_> =
        aggregate.totals.channels.all().map(|(_, counts)| seconds(&counts.queue_delay)).collect();
    assert_eq!(queue, [(1, 7.0)]);
}

#[test]
fn delays_are_absent_where_the_log_has_no_fields_for_them() {
    let bare = |line: &str| {
        let words = line.split(' ').filter(|word| !word.starts_with("/q/") && !word.starts_with("<1@"));
        words.collect::<Vec<_>>().join(" ")
    };
    let lines = [IN, HOP_OUT, HOP_END, RETRY, END].map(bare);
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    check_delays(&lines, &[]);
}

/// Half of one domain's recipients fail, and a few of another one that is tried more often.
#[test]
fn the_worst_domain_has_its_attempts_beside_its_failures() {
    let line = |domain: &str, failed: bool| {
        let what = if failed { ("Q", "450 busy") } else { ("D", "smtp;250 ok") };
        let (code, diagnostic) = what;
        format!("tcp_local                 {code} 1 a@b.example rfc822;u@{domain} u@{domain}  {diagnostic}")
    };
    let bad = (0..40).map(|n| line("bad.example", n % 2 == 0));
    let good = (0..100).map(|n| line("good.example", n % 25 == 0));
    let lines: Vec<String> = bad.chain(good).collect();
    let totals = counted(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let now = totals.accounts.newest_entry().expect("entries");
    let worst = |later: i64| -> Vec<_> {
        let now = Time::of(now.millis() + later * 1000);
        totals.destinations.worst(now).into_values().map(|worst| (worst.attempts, worst.failures)).collect()
    };
    assert_eq!(worst(0), [(40, 20)]);
    // What is older than five minutes is left out of both, by half minutes.
    assert_eq!(worst(180), [(10, 5)]);
    assert_eq!(worst(330), []);
}

/// Series of a domain that came later than two hundred others but fails more often than they.
#[test]
fn the_domain_that_fails_most_has_a_series() {
    let fail = |domain: &str| {
        format!("tcp_local                 Q 1 a@b.example rfc822;u@{domain} u@{domain}  450 busy")
    };
    let mut lines: Vec<String> = (0..200).map(|number| fail(&format!("d{number}.example"))).collect();
    lines.extend((0..50).map(|_| fail("worst.example")));
    let totals = counted(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let deferred = |wanted: &str| {
        let mut all = totals.destinations.failures();
        all.find(|(domain, _)| *domain == wanted).map(|(_, failures)| failures.deferred)
    };
    // The sixth of them is more than twice one and three.
    assert_eq!((deferred("worst.example"), deferred("other")), (Some(45), Some(5)));
    assert_eq!(totals.destinations.failures().map(|(_, failures)| failures.deferred).sum::<u64>(), 249);
    assert!(totals.replaced().any(|replaced| replaced == ("domains", 1)));
}
