//! What something takes, beside what it is measured by.

use std::collections::BTreeMap;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::{instant, say};

/// What something took.
#[derive(Clone, Copy)]
pub struct Cost {
    pub cpu: Duration,
    pub wall: Duration,
}

/// Runs something on this thread.
pub fn cost(run: impl FnOnce()) -> Cost {
    let (cpu, start) = (thread_cpu(), instant());
    run();
    Cost { cpu: thread_cpu().saturating_sub(cpu), wall: start.elapsed() }
}

/// Time that this thread has run.
fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("not negative")
}

/// Costs by what was run.
#[derive(Default)]
pub struct Costs(BTreeMap<&'static str, Vec<Cost>>);

impl Costs {
    pub fn add(&mut self, what: &'static str, cost: Cost) {
        self.0.entry(what).or_default().push(cost);
    }

    fn median(&self, what: &str) -> Cost {
        let middle = |of: fn(&Cost) -> Duration| median(self.0[what].iter().map(of).collect());
        Cost { cpu: middle(|cost| cost.cpu), wall: middle(|cost| cost.wall) }
    }

    /// Prints what was run, what stands beside it, and the bound that it should keep.
    pub fn report(&self, rows: &[(&'static str, &'static str, &str)]) {
        say(&format!("{:32} {:>10} {:>10} {:>8}", "medians", "CPU ms", "wall ms", "ratio"));
        for &(what, beside, bound) in rows {
            let (Cost { cpu, wall }, other) = (self.median(what), self.median(beside));
            let (cpu_ms, wall_ms) = (cpu.as_secs_f64() * 1e3, wall.as_secs_f64() * 1e3);
            let ratio = cpu.as_secs_f64() / other.cpu.as_secs_f64();
            say(&format!("{what:32} {cpu_ms:>10.1} {wall_ms:>10.1} {ratio:>8.3}  {bound}"));
        }
    }
}

/// The middle one of some times, at least one.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
