//! How long connections are open, and where to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Aggregate, Dialect, LogReader, Time, Totals};
use crate::aggregate::ledger::OpenConnections;
use crate::aggregate::time::Millis;

/// Minutes and entries.
type Entries<'a> = &'a [(i64, &'a str)];

/// Entries, in the order in which they are read, where server processes live so many hours.
fn counted(hours: i64, entries: Entries<'_>) -> Totals {
    let mut aggregate = Aggregate::new(Totals::new(3), jiff::tz::TimeZone::UTC, 1024);
    aggregate.totals.connections.set_max_life_time(Millis::of_minutes(hours * 60));
    let log = aggregate.totals.accounts.index("connection.log_current");
    let line = |&(minute, entry): &(i64, &str)| {
        let (day, hour, minute) = (1 + minute / 1440, minute / 60 % 24, minute % 60);
        format!("{day:02}-Jan-2026 {hour:02}:{minute:02}:00.00 {entry}\n")
    };
    let text: String = entries.iter().map(line).collect();
    LogReader::new(Dialect::default(), usize::MAX).count(text.as_bytes(), &mut aggregate, log, None);
    aggregate.totals
}

/// Where outbound connections are open to, behind the last entry.
fn destinations(totals: &Totals) -> String {
    let now = totals.accounts.newest_entry().expect("entries");
    let counts = totals.connections.counts_by_destination(&totals.open_destinations, now);
    counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

const OPEN_1: &str = "2e.1.1 tcp_local - O TCP|192.0.2.1|4000|192.0.2.9|25 SMTP/d1.example/mx.example";
const OPEN_2: &str = "2f.1.1 tcp_local - O TCP|192.0.2.1|4000|192.0.2.9|25 SMTP/d2.example/mx.example";
const CLOSED_1: &str = "2e.1.2 tcp_local - C TCP|192.0.2.1|4000|192.0.2.9|25 SMTP/d1.example/mx.example";
const CLOSED_2: &str = "2f.1.2 tcp_local - C TCP|192.0.2.1|4000|192.0.2.9|25 SMTP/d2.example/mx.example";
const FAILED: &str =
    "2f.1.2 tcp_local - Y TCP|192.0.2.1|4000|192.0.2.9|25 SMTP/d2.example/mx.example connection refused";
const ELSEWHERE: &str = "30.1.1 tcp_local - O TCP|192.0.2.1|4001|192.0.2.9|25 SMTP/d1.example/mx.example";
const CLIENT: &str = "31.1.1 tcp_local + O TCP|192.0.2.1|25|192.0.2.9|4000 SMTP";
const LOGIN: &str = "32.1.1 tcp_local + U TCP|192.0.2.1|25|192.0.2.9|4007 SMTP *u";

#[test]
fn destinations_follow_the_ledger() {
    let day = 24 * 60;
    let later = |at: i64| [(at, LOGIN); 5];
    let old = [&[(0, OPEN_1)][..], &later(day + 61)].concat();
    let young = [&[(0, OPEN_1)][..], &later(day + 59)].concat();
    let rows: [(&str, Entries<'_>, &str); 10] = [
        ("open", &[(0, OPEN_1), (0, ELSEWHERE), (0, CLIENT)], "d1.example 2"),
        ("closed", &[(0, OPEN_1), (1, CLOSED_1)], ""),
        ("opened again", &[(0, OPEN_1), (3, OPEN_2)], "d2.example 1"),
        ("tried in vain", &[(0, OPEN_1), (3, FAILED)], ""),
        ("a late C", &[(0, OPEN_1), (3, OPEN_2), (4, CLOSED_1)], "d2.example 1"),
        ("both C", &[(0, OPEN_1), (3, OPEN_2), (4, CLOSED_1), (5, CLOSED_2)], ""),
        ("a late O", &[(3, OPEN_2), (0, OPEN_1)], "d2.example 1"),
        ("a late O and its C", &[(3, OPEN_2), (0, OPEN_1), (1, CLOSED_1)], "d2.example 1"),
        ("no C for a day and an hour", &old, ""),
        ("no C for less", &young, "d1.example 1"),
    ];
    for (what, entries, expected) in rows {
        let totals = counted(24, entries);
        assert_eq!(destinations(&totals), expected, "{what}");
        let saved = rmp_serde::to_vec_named(&totals).expect("encoded");
        let loaded: Totals = rmp_serde::from_slice(&saved).expect("decoded");
        assert!(loaded == totals, "{what}");
    }
}

/// What the Dispatcher is told says nothing of processes that are not its own.
#[test]
fn only_inbound_connections_live_as_long_as_servers() {
    for (server, hours, expected) in [
        (1, 3, [0, 1]),
        (1, 26, [0, 0]),
        (24, 23, [1, 1]),
        (24, 26, [0, 0]),
        (48, 26, [1, 0]),
        (48, 50, [0, 0]),
    ] {
        let entries = [&[(0, OPEN_1), (0, CLIENT)][..], &[(hours * 60, LOGIN); 5]].concat();
        let totals = counted(server, &entries);
        let now = totals.accounts.newest_entry().expect("entries");
        let shown = totals.connections.counts(now).into_values().next().unwrap_or_default();
        let counts = totals.channels.all().map(|(_, counts)| counts);
        let lost: u64 =
            counts.flat_map(|counts| counts.connections.all().map(|(_, of)| of.closings.sum())).sum();
        let open: u64 = shown.iter().sum();
        assert_eq!((shown, lost), (expected, 2 - open), "{server} {hours}");
    }
}

/// Earlier releases kept an account of their own, and missed how some connections end.
#[test]
fn destinations_of_an_earlier_release_are_those_that_the_ledger_has() {
    #[derive(Serialize)]
    struct Open {
        destination: &'static str,
        at: Time,
    }
    #[derive(Serialize)]
    struct OpenDestinations {
        open: BTreeMap<u64, Open>,
        pruned: Option<Time>,
        left_out: u64,
        lately: Option<(Time, u64)>,
    }
    #[derive(Serialize)]
    struct Earlier {
        seed: u64,
        connections: OpenConnections,
        open_destinations: OpenDestinations,
    }
    let totals = counted(24, &[(0, OPEN_1)]);
    let saved = rmp_serde::to_vec_named(&totals.open_destinations).expect("encoded");
    let key = *rmp_serde::from_slice::<OfKeys>(&saved).expect("decoded").open.keys().next().expect("one");
    let at = totals.accounts.newest_entry().expect("entries");
    let open = |destination| Open { destination, at };
    let earlier = Earlier {
        seed: 3,
        connections: totals.connections.clone(),
        open_destinations: OpenDestinations {
            open: [(key, open("d1.example")), (key ^ 1, open("d2.example"))].into(),
            pruned: Some(at),
            left_out: 7,
            lately: Some((at, 7)),
        },
    };
    let saved = rmp_serde::to_vec_named(&earlier).expect("encoded");
    let loaded: Totals = rmp_serde::from_slice(&saved).expect("decoded");
    let counts: Vec<_> =
        loaded.connections.counts_by_destination(&loaded.open_destinations, at).into_iter().collect();
    assert_eq!((counts, loaded.open_destinations.left_out_before(at)), (vec![("d1.example", 1)], 7));
    let again = rmp_serde::to_vec_named(&loaded.open_destinations).expect("encoded");
    assert_eq!(rmp_serde::from_slice::<OfKeys>(&again).expect("decoded").open.len(), 1);
}

/// Enough of what is saved to know its keys.
#[derive(Deserialize)]
struct OfKeys {
    open: BTreeMap<u64, BTreeMap<String, String>>,
}
