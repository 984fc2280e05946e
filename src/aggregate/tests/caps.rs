//! Each cap is reached, and seen to be.

use super::{Aggregate, Dialect, LogReader, Totals};

/// What a table has left out.
fn left_out(totals: &Totals, table: &str) -> u64 {
    totals.left_out().find(|(name, _)| *name == table).map_or(0, |(_, count)| count)
}

fn enqueue(source: &str, destination: &str, n: usize) -> String {
    format!(
        "{source:12} {destination:12} E 1 a@b.example rfc822;u@c.example u@c.example \
         /q/{destination}/ZZ{n:014}.00 <{n}@b.example> mailsrv"
    )
}

fn deferred(channel: &str, domain: &str, reply: &str) -> String {
    format!("{channel:25} Q 1 a@b.example rfc822;u@{domain} u@{domain}  {reply}")
}

fn opened(n: usize) -> String {
    let [_, a, b, c] = u32::try_from(n).expect("small").to_be_bytes();
    format!("tcp_local + O TCP|192.0.2.1|25|10.{a}.{b}.{c}|4299 SMTP")
}

/// Makes the line of a number.
type Make = fn(usize) -> String;

/// `(table, lines that it has room for, lines that it has none for, the line of a number)`. The tables of joins
/// are sets of a few places, which are full one by one.
const CAPS: &[(&str, usize, usize, Make)] = &[
    ("channels", 256, 300, |n| enqueue(&format!("c{n}"), &format!("c{n}"), n)),
    ("channel_pairs", 1024, 1089, |n| enqueue(&format!("s{}", n / 33), &format!("d{}", n % 33), n)),
    ("domains", 200, 250, |n| deferred("tcp_local", &format!("d{n}.example"), "450 busy")),
    ("recent_failures", 4096, 4200, |n| deferred("tcp_local", &format!("d{n}.example"), "450 busy")),
    ("recent_domains", 5000, 5100, |n| deferred("tcp_local", &format!("d{n}.example"), "450 busy")),
    ("statuses", 40, 60, |n| {
        deferred("tcp_local", "d.example", &format!("dns;mx.d.example (192.0.2.1) smtp;450 4.2.{n} busy"))
    }),
    ("replies", 1024, 1100, |n| {
        deferred(
            &format!("tcp_{}", n / 40),
            "d.example",
            &format!("dns;mx.d.example (192.0.2.1) smtp;450 4.2.{} busy", n % 40),
        )
    }),
    ("clients", 1792, 1900, opened),
    ("client_networks", 1792, 1900, |n| opened(n << 8)),
    ("senders", 896, 950, |n| {
        format!("{} *u{n} ", enqueue("tcp_submit", "tcp_local", n).trim_end_matches(" mailsrv"))
    }),
    ("open_destinations", 14_336, 14_400, |n| {
        let [_, _, b, c] = u32::try_from(n).expect("small").to_be_bytes();
        format!("tcp_local - O TCP|192.0.2.1|{n}|10.0.{b}.{c}|25 SMTP/d{n}.example/mx.example")
    }),
    ("connections", 65_536, 65_600, opened),
    ("queue_delay", 1000, 70_000, |n| enqueue("tcp_local", "ims-ms", n)),
    ("end_to_end_delay", 1000, 70_000, |n| enqueue("tcp_local", "ims-ms", n)),
];

#[test]
fn every_cap_is_reached_and_shows() {
    for &(table, fit, lines, make) in CAPS {
        let mut aggregate = Aggregate::new(Totals::new(3), jiff::tz::TimeZone::UTC, 1024);
        let log = aggregate.totals.accounts.index("mail.log_current");
        let mut reader = LogReader::new(Dialect::default(), usize::MAX);
        let mut count = |numbers: std::ops::Range<usize>| {
            let lines: Vec<_> = numbers.map(|n| format!("19-Jan-2026 19:00:00.00 {}\n", make(n))).collect();
            let text = lines.concat();
            reader.count(text.as_bytes(), &mut aggregate, log, None);
            left_out(&aggregate.totals, table)
        };
        assert_eq!(count(0..fit), 0, "{table}");
        assert!(count(fit..lines) > 0, "{table}");
        let saved = rmp_serde::to_vec_named(&aggregate.totals).expect("encoded");
        let loaded: Totals = rmp_serde::from_slice(&saved).expect("decoded");
        assert_eq!(left_out(&loaded, table), left_out(&aggregate.totals, table), "{table}");
    }
}

#[test]
fn every_table_that_leaves_out_has_a_cap_above() {
    let mut tables: Vec<_> = Totals::new(3).left_out().map(|(table, _)| table).collect();
    let mut above: Vec<_> = CAPS.iter().map(|cap| cap.0).collect();
    tables.sort_unstable();
    above.sort_unstable();
    assert_eq!(tables, above);
}
