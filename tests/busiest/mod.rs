//! The busiest clients among more than can be told apart: what is published beside exact counts, from lines of a log.
//!
//! `CLIENTS=full cargo test --release --test integration busiest:: -- --nocapture` is 5,000,000 connections from
//! 2,000,000 addresses, and says how far the counts are from the truth; the usual test run has less of both.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use imsimta_exporter::aggregate::client::{ClientActivity, Window};
use imsimta_exporter::aggregate::time::{Monotonic, Time, UnixTime};
use imsimta_exporter::aggregate::{Aggregate, Totals};
use imsimta_exporter::config::ClientLabel;
use imsimta_exporter::counting::LogReader;
use imsimta_exporter::metrics::ClientDisplay;
use imsimta_exporter::metrics::busiest::{TopTable, of_logs};
use imsimta_exporter::metrics::{Page, catalogue as metric, logs};
use imsimta_exporter::record::Dialect;

use super::service::harness::now as instant;

/// Some addresses connect all the time, and most hardly ever.
const EXPONENT: f64 = 1.1;
/// All connections come within this time, milliseconds: the window, nearly.
const SPAN: usize = 295_000;
const HALF_MINUTE: usize = 30_000;
/// Lines that are counted at once.
const BLOCK: usize = 10_000;

/// By half minute: connections of each address.
type Exact = Vec<HashMap<u32, u32>>;

#[test]
fn the_busiest_of_millions_are_shown_and_their_counts_are_within_the_bound() {
    let full = std::env::var_os("CLIENTS").is_some();
    let (connections, addresses) = if full { (5_000_000, 2_000_000) } else { (300_000, 120_000) };
    let mut aggregate = Aggregate::new(Totals::new(3), jiff::tz::TimeZone::UTC, 1024);
    let start = instant();
    let exact = count(&mut aggregate, connections, addresses);
    say(&format!("{connections} connections from {addresses} addresses in {:?}", start.elapsed()));
    let newest = aggregate.totals.accounts.newest_entry().expect("entries");
    for later in [0, 4, 8] {
        let now = Time::of(newest.millis() + later * 30_000);
        let after = usize::try_from(later).expect("a few");
        check(&aggregate.totals, &exact[after..], now);
    }
    check_gauges(&mut aggregate, &exact);
    let clients = &aggregate.totals.clients;
    for window in
        [&clients.addresses[ClientActivity::Connections], &clients.networks[ClientActivity::Connections]]
    {
        say(&format!("{} bytes of at most {}", window.bytes(), Window::MOST_BYTES));
        assert!(window.bytes() <= Window::MOST_BYTES);
    }
}

fn say(what: &str) {
    drop(writeln!(std::io::stderr(), "{what}"));
}

/// Writes the lines, has them counted, and counts exactly.
fn count(aggregate: &mut Aggregate, connections: usize, addresses: u32) -> Exact {
    let mut random = fastrand::Rng::with_seed(5);
    let mut sum = 0.0;
    let weight = |rank: u32| f64::from(rank).powf(-EXPONENT);
    let shares: Vec<f64> = (1..=addresses)
        .map(|rank| {
            sum += weight(rank);
            sum
        })
        .collect();
    let log = aggregate.totals.accounts.index("mail.log_current");
    let mut reader = LogReader::new(Dialect::default(), usize::MAX);
    let mut exact = vec![HashMap::new(); SPAN.div_ceil(HALF_MINUTE)];
    let mut block = String::new();
    for number in 0..connections {
        let at = number * SPAN / connections;
        let drawn = random.f64() * sum;
        let rank = u32::try_from(shares.partition_point(|&share| share < drawn)).expect("an address");
        // Another address for each rank, eight in a network, and networks in any order.
        let address = (rank / 8).wrapping_mul(0x9e37_79b1) << 8 | (rank % 8 + 1);
        *exact[at / HALF_MINUTE].entry(address).or_insert(0) += 1;
        let (seconds, hundredths, port) = (at / 1000, at % 1000 / 10, 1024 + number % 60_000);
        // Writing into a string cannot fail.
        let _ = writeln!(
            block,
            "19-Jan-2026 19:{:02}:{:02}.{hundredths:02} tcp_local + O TCP|192.0.2.1|25|{}|{port} SMTP",
            seconds / 60,
            seconds % 60,
            Ipv4Addr::from(address),
        );
        if number % BLOCK == BLOCK - 1 || number + 1 == connections {
            reader.count(block.as_bytes(), aggregate, log, None);
            block.clear();
        }
    }
    exact
}

/// The counts of some half minutes together, by what an address stands for.
fn truth(exact: &[HashMap<u32, u32>], of: impl Fn(u32) -> String) -> HashMap<String, u64> {
    let mut sums = HashMap::new();
    for (&address, &count) in exact.iter().flatten() {
        *sums.entry(of(address)).or_insert(0) += u64::from(count);
    }
    sums
}

/// That whatever `/top` shows is within its bound, and who stands out is there.
fn check(totals: &Totals, exact: &[HashMap<u32, u32>], now: Time) {
    let display = ClientDisplay { label: ClientLabel::Address, top: 10, seed: 3 };
    let network = |address: u32| format!("{}/24", Ipv4Addr::from(address & 0xffff_ff00));
    for (table, truth) in [
        (TopTable::Connections, truth(exact, |address| IpAddr::from(address.to_be_bytes()).to_string())),
        (TopTable::NetworkConnections, truth(exact, network)),
    ] {
        let tables = of_logs(totals, &display, now, 100);
        let top = tables.into_iter().find(|top| top.table == table).expect("known");
        assert_eq!((top.rows.len(), top.all), (100, truth.values().sum()));
        let errors = top.rows.iter().map(|row| {
            let error = truth[&row.name].checked_sub(row.count).expect("never more than the truth");
            assert!(
                error <= top.error_bound,
                "{row:?} is {error} less, which is more than {}",
                top.error_bound
            );
            error
        });
        let worst = errors.max().expect("rows");
        let mut busiest: Vec<_> = truth.iter().map(|(name, &count)| (count, name)).collect();
        busiest.sort_unstable_by(|a, b| b.cmp(a));
        let shown: Vec<&str> = top.rows[..10].iter().map(|row| row.name.as_str()).collect();
        let expected: Vec<&str> = busiest[..10].iter().map(|row| row.1.as_str()).collect();
        say(&format!(
            "{}: bound {}, at worst {worst} less; the 10th has {}, the 11th {}",
            table.label(),
            top.error_bound,
            busiest[9].0,
            busiest[10].0,
        ));
        assert_eq!(shown, expected, "the true ten, in their order");
        let least = top.rows[99].count;
        let missing = busiest.iter().filter(|(_, name)| top.rows.iter().all(|row| row.name != **name));
        let most = missing.map(|row| row.0).max().unwrap_or(0);
        assert!(most <= least + top.error_bound, "{most} are not shown beside {least}");
    }
}

/// That the gauges are the first rows, and the bound is published.
fn check_gauges(aggregate: &mut Aggregate, exact: &[HashMap<u32, u32>]) {
    let display = ClientDisplay { label: ClientLabel::Address, top: 10, seed: 3 };
    let newest = aggregate.totals.accounts.newest_entry().expect("entries");
    let present = aggregate.present(UnixTime::of(newest.millis()), Monotonic::of(0));
    let mut page = Page::default();
    logs::fill(&mut page, &aggregate.totals, &display, present);
    let rows: Vec<_> = page.samples(&metric::CLIENT_CONNECTIONS).collect();
    let truth = truth(exact, |address| Ipv4Addr::from(address).to_string());
    #[expect(clippy::cast_precision_loss, reason = "as the page has them")]
    let true_counts: Vec<f64> = rows.iter().map(|([client], _)| truth[*client] as f64).collect();
    let bounds: HashMap<_, _> =
        page.samples(&metric::TOP_ERROR_BOUND).map(|([table], bound)| (table, bound)).collect();
    assert_eq!(rows.len(), 10);
    for ((_, shown), truth) in rows.iter().zip(true_counts) {
        assert!(*shown <= truth && truth <= shown + bounds["client_connections"], "{shown} for {truth}");
    }
    let max: Vec<_> = page.samples(&metric::CLIENT_CONNECTIONS_MAX).collect();
    assert_eq!(max, [([], rows[0].1)]);
}
