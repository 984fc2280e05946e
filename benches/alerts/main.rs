//! What alerts of the program's own cost: one tick with 256 channels and everything on, and what that is a line.
//!
//! `cargo bench --bench alerts`

#![expect(clippy::disallowed_macros, reason = "a bench prints what it found")]

mod host;

use std::sync::Arc;
use std::time::{Duration, Instant};

use host::Host;
use imsimta_exporter::app::alerting::Tick;

/// Channels that have a label of their own.
const CHANNELS: usize = 256;
/// Lines a second, as in the bench `tail`.
const LINES: usize = 20_000;
/// Before anything is measured: a quarter of an hour and its minutes are full. Few lines, since none is measured.
const WARM: u64 = 16 * 60;
const WARM_LINES: usize = 1000;
/// What is measured. A minute is noted in each sixtieth second.
const SECONDS: u64 = 240;
/// The bounds.
const TICK: Duration = Duration::from_millis(1);
const LINE_NANOS: f64 = 100.0;

#[expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
fn now() -> Instant {
    Instant::now()
}

/// What one life took: reading, by second, and ticks.
struct Taken {
    read: Vec<Duration>,
    ticks: Vec<Duration>,
}

/// Lives for minutes with a tick each second, or without any.
fn live(ticks: bool) -> Taken {
    let mut host = Host::new(CHANNELS);
    let mut tick = Tick::of(Arc::clone(&host.observed));
    for second in 1..=WARM {
        host.write(second, WARM_LINES);
        host.read();
        host.look(second);
        if ticks {
            tick.tick(Host::now(second));
        }
    }
    let mut taken = Taken { read: Vec::new(), ticks: Vec::new() };
    for second in WARM + 1..=WARM + SECONDS {
        host.write(second, LINES);
        host.look(second);
        let start = now();
        host.read();
        taken.read.push(start.elapsed());
        if ticks {
            let start = now();
            tick.tick(Host::now(second));
            taken.ticks.push(start.elapsed());
        }
    }
    if ticks {
        println!(
            "{CHANNELS} channels, {} alerts pending or firing",
            host.observed.alerts.lock().conditions.len()
        );
    }
    taken
}

fn nanos_a_line(of: &[Duration]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a count of lines is small")]
    let lines = (of.len() * LINES) as f64;
    of.iter().sum::<Duration>().as_secs_f64() * 1e9 / lines
}

fn main() {
    let without = live(false);
    let Taken { read, mut ticks } = live(true);
    let (share, with, without) = (nanos_a_line(&ticks), nanos_a_line(&read), nanos_a_line(&without.read));
    ticks.sort_unstable();
    let at = |percent: usize| ticks[(ticks.len() * percent / 100).min(ticks.len() - 1)];
    println!("a tick: median {:?}, p95 {:?}, worst {:?} (bound {TICK:?})", at(50), at(95), at(100));
    println!("a line at {LINES} a second: read in {without:.1} ns without ticks, {with:.1} ns between ticks");
    println!(
        "  its share of the ticks: {share:.1} ns, with what they cost the reading {:.1} ns (bound {LINE_NANOS} ns)",
        share + with - without
    );
}
