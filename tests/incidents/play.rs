//! Plays some incidents side by side.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::site::settings;
use super::table::{By, Row};
use super::verdict::{Verdict, is_resolved};
use crate::e2e::chain::{Chain, Demo, Told};
use crate::e2e::prometheus::free_address;
use crate::e2e::webhook::{Notice, Webhook};
use crate::service::harness::{now, pause, wait_for};

/// Seconds between two scrapes as shipped.
const SHIPPED_INTERVAL: u64 = 10;
/// Until a page that is over says so, beyond what it is kept for: all of its window may be full at shipped intervals.
pub const RESOLVED: Duration = Duration::from_mins(6);

/// Held by who starts demos and what watches them.
pub static STARTS: Mutex<()> = Mutex::new(());

/// Who watches the demos.
enum Watch {
    Prometheus(Chain),
    /// The exporters themselves.
    Nobody(Told),
}

impl Watch {
    fn webhook(&self) -> &Webhook {
        match self {
            Self::Prometheus(chain) => chain.webhook(),
            Self::Nobody(told) => &told.webhook,
        }
    }
}

/// One incident that is played.
pub struct Part {
    pub row: &'static Row,
    pub address: String,
    /// None once its exporter is gone.
    demo: Option<Demo>,
    lasts: Duration,
    pub began: Instant,
    /// When all that must come has to be there.
    pub end: Instant,
}

/// Whom an exporter tells by itself.
pub struct Telling<'a> {
    pub told: &'a Told,
    /// How many times faster its alerts wait and stay.
    pub hurry: u32,
}

impl Part {
    pub fn start(row: &'static Row, number: u64, lasts: Duration, telling: Option<&Telling<'_>>) -> Self {
        // Not all at one moment of an interval.
        let (seed, calm) =
            (number.to_string(), format!("{}s", row.calm().as_secs() + number % SHIPPED_INTERVAL));
        let over_after = row.over_after.map_or_else(|| format!("{}s", lasts.as_secs()), str::to_owned);
        let stuck_after = format!("{}s", 600 / row.scale);
        let mut arguments = vec!["--seed", &seed, "--rate", row.rate, "--stuck-after", &stuck_after];
        if let By::Demo(name) = row.by {
            arguments.extend(["--incident", name, "--incident-after", &calm, "--incident-for", &over_after]);
        }
        arguments.extend(row.with);
        let demo = match telling {
            None => Demo::start(&arguments),
            Some(Telling { told, hurry }) => {
                let (alertmanager, hurry) = (format!("http://{}", told.address), hurry.to_string());
                arguments.extend(["--alertmanager", &alertmanager, "--hurry", &hurry]);
                Demo::start_at(&free_address("127.0.0.1"), &arguments)
            }
        };
        Self { row, address: demo.address.clone(), demo: Some(demo), lasts, began: now(), end: now() }
    }

    /// Whether its pages can be over soon: its exporter still says something, and sees nothing any more.
    pub fn can_be_over(&self) -> bool {
        self.demo.is_some() && !self.row.leaves_traces
    }

    /// Waits until it begins.
    pub fn begin(&mut self, started: Instant) {
        match self.row.by {
            By::Demo(_) => self.began = self.demo.as_ref().expect("it runs").incident("begins"),
            By::Killing => {
                let calm = self.row.calm();
                wait_for("some calm", calm * 2, || (now() >= started + calm).then_some(()));
                self.began = now();
                self.demo = None;
            }
        }
        self.end = self.began + self.lasts;
    }
}

/// Plays these rows, which have one scale, and judges each.
pub fn play(rows: &[&'static Row]) -> Vec<Verdict> {
    let (scale, site) = (rows[0].scale, settings(rows[0].scale, rows[0].fills_disk));
    // Whoever asks for a free port may lose it to another who starts.
    let alone = STARTS.lock().expect("no panics");
    let numbered = || rows.iter().zip(1..);
    let (mut parts, watch): (Vec<Part>, Watch) = if super::is_alone() {
        let told = Told::scaled(scale);
        told.wait_for_ready();
        let telling = Telling { told: &told, hurry: scale };
        let start = |(row, number): (&&'static Row, _)| Part::start(row, number, row.lasts(), Some(&telling));
        (numbered().map(start).collect(), Watch::Nobody(told))
    } else {
        let start = |(row, number): (&&'static Row, _)| Part::start(row, number, row.lasts(), None);
        let parts: Vec<Part> = numbered().map(start).collect();
        let addresses: Vec<&str> = parts.iter().map(|part| part.address.as_str()).collect();
        let chain = Chain::scaled(&addresses, scale, &site);
        (parts, Watch::Prometheus(chain))
    };
    drop(alone);
    let started = now();
    for part in &mut parts {
        part.begin(started);
    }
    for part in &parts {
        while now() < part.end {
            pause();
        }
    }
    // What is over says so. What was killed stays dead. The short form does not wait for it.
    let last = if super::is_short() { now() } else { now() + RESOLVED };
    let is_over = |part: &Part| !part.can_be_over() || is_resolved(&told(&watch, rows), &part.address);
    while now() < last && !parts.iter().all(is_over) {
        pause();
    }
    let notices = told(&watch, rows);
    let verdicts: Vec<Verdict> = parts.iter().map(|part| Verdict::of(part, &notices)).collect();
    verdicts.iter().for_each(Verdict::say);
    verdicts
}

/// What came, but for what is true of the disk of this machine, whoever filled it.
fn told(watch: &Watch, rows: &[&'static Row]) -> Vec<Notice> {
    let mut notices = watch.webhook().notices();
    notices.retain(|notice| rows[0].fills_disk || notice.alert != "ImsMtaDiskFilling");
    notices
}
