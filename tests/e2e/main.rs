//! The whole chain, all of it real: demos with incidents, a Prometheus with the shipped configuration and
//! rules, an Alertmanager with the shipped routes, and a webhook receiver. Everything on loopback.
//!
//! It is a program of its own since it has to run alone: beside others on a small machine a scrape comes
//! late, and so does the page.
//!
//! Two things differ from what is shipped, and only in the copies that this test makes: addresses, and how
//! long a page is kept after its cause is gone (20 s instead of 10 min), so that the test sees it resolve.

#[expect(dead_code, reason = "another program of tests uses the rest")]
mod chain;
mod clock;
mod panels;
mod prometheus;
mod scale;
#[expect(dead_code, reason = "another program of tests uses the rest")]
mod webhook;

/// Shared with the program of all other tests, which uses more of it.
#[path = "../exposition/mod.rs"]
mod exposition;
/// Many hosts in one store.
#[path = "../fleet/mod.rs"]
mod fleet;
#[path = "../dashboards"]
mod dashboards {
    #[expect(dead_code, reason = "the other program of tests uses the rest")]
    pub mod board;
    pub mod queries;
}
#[path = "../service"]
mod service {
    #[expect(dead_code, reason = "the other program of tests uses the rest")]
    pub mod harness;
}

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chain::{Chain, Demo};
use service::harness::available;

/// From the first failing entry to the page.
const PAGED_WITHIN: Duration = Duration::from_mins(1);
/// Long enough to see the state before the incident and to fill the windows of the rules.
const INCIDENT_AFTER: &str = "50s";
const SPIKE: &str = "ImsMtaDeliveryFailureSpike";

/// Tests with demos take turns: more of them at once, and a scrape comes late.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn demo(incident: &str, seed: &str) -> Demo {
    // A rollover, so that there is something to see of the return job, too.
    let when = ["--incident-after", INCIDENT_AFTER, "--incident-for", "70s", "--rollover-every", "40s"];
    Demo::start(&[&["--seed", seed, "--rate", "12", "--incident", incident][..], &when].concat())
}

#[test]
fn outages_page_within_a_minute_and_nothing_else_does() {
    if !available("prometheus") || !available(chain::ALERTMANAGER) {
        return;
    }
    let _turn = turn();
    let dns = demo("dead-dns", "1");
    let store = demo("dead-store", "2");
    let theirs = demo("dead-destination", "3");
    let planned = demo("planned-restart", "4");
    let chain = Chain::start(&[&dns, &store, &theirs, &planned].map(|demo| demo.address.as_str()));

    // Two hosts at once: neither page waits for the other.
    let began = [dns.first_failure("dns_temporary"), store.first_failure("mailbox_busy")];
    for (demo, began) in [&dns, &store].into_iter().zip(began) {
        let paged = chain.webhook().wait_for("page", SPIKE, &demo.address, "firing");
        let scrapes = chain.scrapes(&demo.address);
        assert!(paged - began < PAGED_WITHIN, "paged after {:?}; scrapes: {scrapes}", paged - began);
        chain.say(&format!("page after {:.1} s", (paged - began).as_secs_f64()));
    }

    // Every query of every dashboard has an answer while something happens.
    let values = [("job", "imsimta"), ("__rate_interval", "40s"), ("instance", dns.address.as_str())];
    for (panel, query) in dashboards::queries::runnable(&values) {
        chain.wait_for_answer(&panel, &query);
    }

    let resolved = chain.webhook().wait_for("page", SPIKE, &dns.address, "resolved");
    chain.say(&format!("resolved after {:.1} s", (resolved - began[0]).as_secs_f64()));
    chain.webhook().wait_for("page", SPIKE, &store.address, "resolved");
    let paged: BTreeSet<(String, String)> = chain.webhook().firing("page");
    let expected = [&dns, &store].map(|demo| (SPIKE.to_owned(), demo.address.clone()));
    assert_eq!(paged, BTreeSet::from(expected));
}
