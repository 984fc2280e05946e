//! Every incident shows in the metrics that its row of the table names, and none of them shows without it.

use std::time::{Duration, Instant};

use imsimta_exporter::demo::incident::{Becomes, Incident, Sign, incidents};

use super::Demo;
use crate::exposition::sum_of;
use crate::service::harness::now;

/// Demos at a time; each has seven processes beside its own.
const AT_ONCE: usize = 5;
/// The slowest sign takes half a minute on an idle machine.
const SHOWN_WITHIN: Duration = Duration::from_mins(3);
/// How long a rise is looked at.
const RISE: Duration = Duration::from_secs(3);

/// Waits until a sign shows on the pages of a demo.
struct Watch<'a> {
    sign: &'a Sign,
    /// The value that a rise is counted from, and when it was seen.
    from: Option<(Instant, f64)>,
}

impl<'a> Watch<'a> {
    fn new(sign: &'a Sign) -> Self {
        Self { sign, from: None }
    }

    fn shows(&mut self, page: &str) -> bool {
        // What is absent is no 0.
        let Some(value) = sum_of(page, self.sign.metric, self.sign.labels) else { return false };
        match self.sign.becomes {
            Becomes::Equal(wanted) => value.total_cmp(&wanted).is_eq(),
            Becomes::Least(least) => value >= least,
            Becomes::Rises(per_second) => self.speed(value).is_some_and(|speed| speed >= per_second),
            Becomes::Slows(per_second) => self.speed(value).is_some_and(|speed| speed <= per_second),
        }
    }

    /// How fast it rises, when that has been seen for long enough.
    fn speed(&mut self, value: f64) -> Option<f64> {
        let (since, before) = *self.from.get_or_insert((now(), value));
        let elapsed = now().duration_since(since);
        (elapsed >= RISE).then(|| {
            self.from = Some((now(), value));
            (value - before) / elapsed.as_secs_f64()
        })
    }
}

fn start(incident: &Incident) -> Demo {
    let mut demo =
        Demo::start(&["--incident", incident.name, "--incident-after", "0", "--incident-for", "0"]);
    let introduced = demo.printed("Incident: ");
    assert!(introduced.starts_with(&format!("{}, 0 s from now", incident.name)), "{introduced}");
    demo.printed(&format!("incident {} begins", incident.name));
    assert_eq!(demo.printed("  to expect: "), incident.expected());
    demo
}

fn see(incident: &Incident) {
    let demo = start(incident);
    let mut missing: Vec<Watch> = incident.watch.iter().map(Watch::new).collect();
    let end = now() + SHOWN_WITHIN;
    loop {
        let page = demo.page();
        missing.retain_mut(|watch| !watch.shows(&page));
        let Some(first) = missing.first() else { return };
        assert!(now() < end, "never: {}: {}", incident.name, first.sign);
        until_the_next_page();
    }
}

/// Four pages a second are made, however often one asks.
#[expect(clippy::disallowed_methods, reason = "the pause of a poll that has a deadline")]
fn until_the_next_page() {
    std::thread::sleep(Duration::from_millis(250));
}

#[test]
fn every_incident_shows_where_its_row_says() {
    let all: Vec<&Incident> = incidents().collect();
    for some in all.chunks(AT_ONCE) {
        std::thread::scope(|scope| {
            for &incident in some {
                scope.spawn(move || see(incident));
            }
        });
    }
}

#[test]
fn no_sign_shows_without_an_incident() {
    let demo = Demo::start(&[]);
    demo.wait_for_least("imsimta_log_entries_total{code=\"O\"}", 20.0);
    let mut signs: Vec<(&Incident, Watch)> =
        incidents().flat_map(|row| row.watch.iter().map(move |sign| (row, Watch::new(sign)))).collect();
    // Long enough for three looks of each collector, and for a rise.
    let end = now() + 4 * RISE;
    while now() < end {
        let page = demo.page();
        for (incident, watch) in &mut signs {
            assert!(!watch.shows(&page), "{}: {} in\n{page}", incident.name, watch.sign);
        }
        until_the_next_page();
    }
}
