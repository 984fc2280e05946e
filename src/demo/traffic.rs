//! The generator: what a synthetic MTA does, as a stream of events in the order of time.
//!
//! Pure: no I/O and no clock. One seed, one start and the same options give the same events, so the
//! demo, tests and benches share it. It is a simulation of steps to come, each of which may log,
//! touch the queue and plan further steps.

mod abuse;
mod bounce;
mod daemons;
mod delivery;
mod entries;
mod held;
mod inbound;
mod oddities;
mod outcome;
mod queue;
mod trouble;

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};
use std::fmt;
use std::time::Duration;

use fastrand::Rng;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::action::{Action, TimedAction};
use super::curve;
use super::format::LogFormat;
use super::incident::Trouble;
use super::message::{Channel, Message, QueueFile, SUBDIRECTORIES};
use super::queue_manager::AllCounters;
use daemons::Daemons;
use entries::Writer;
use trouble::EVERYTHING;

/// Messages in the queue beyond which the MTA refuses more, so that an incident without an end
/// does not fill the disk.
const MOST_QUEUED: usize = 20_000;

/// What kind of traffic there is.
#[derive(Clone, Debug)]
pub struct Options {
    /// What all chance derives from.
    pub seed: u64,
    /// The moment of the first entry.
    pub start: Timestamp,
    /// The time zone that entries are written in.
    pub zone: TimeZone,
    /// The simulated local time at the start, which says how busy it is and when midnight comes.
    pub simulated_start: DateTime,
    /// How much faster simulated time goes than that of the entries.
    pub speed: f64,
    /// Mean messages a second over a simulated week.
    pub rate: f64,
    /// How entries are written.
    pub format: LogFormat,
    /// A rollover that often, beside the nightly one.
    pub rollover_every: Option<Duration>,
    /// Whether something happens beside mail: probing, guessed passwords, held messages.
    pub noise: bool,
    /// What goes wrong, and when.
    pub incident: Option<Planned>,
}

/// An incident with its time.
#[derive(Clone, Copy, Debug)]
pub struct Planned {
    /// What goes wrong.
    pub trouble: Trouble,
    /// When it begins, since the start.
    pub after: Duration,
    /// How long it lasts; `None` for ever.
    pub lasts: Option<Duration>,
}

/// Messages a second of a small site in office hours come to some five attempts a minute by `tcp_local`.
const SMALL_RATE: f64 = 0.1;
/// What there is of the usual mail when hardly anybody sends.
const QUIET_PACE: f64 = 0.02;

type Step = Box<dyn FnOnce(&mut Traffic) + Send>;

struct Planning {
    at: Duration,
    number: u64,
    step: Step,
}

impl Ord for Planning {
    /// The earliest is the greatest, as the heap gives out the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl PartialOrd for Planning {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Planning {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Planning {}

/// The stream of events. It never ends.
pub struct Traffic {
    options: Options,
    random: Rng,
    now: Duration,
    plans: BinaryHeap<Planning>,
    planned: u64,
    ready: VecDeque<TimedAction>,
    writers: Vec<Writer>,
    daemons: Daemons,
    connections: u64,
    queued: usize,
    counters: AllCounters,
    /// Whether it was told that the queue is full.
    told_full: bool,
    /// What goes wrong now.
    trouble: Option<Trouble>,
    /// Messages that wait for a Job Controller.
    waiting: Vec<Message>,
    /// What happens to message files while nobody gets at them.
    withheld: Vec<Action>,
    /// When the channel program for the dead destination last tried to connect.
    dead_run: Option<Duration>,
}

impl fmt::Debug for Traffic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Traffic").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Traffic {
    /// Traffic that begins now.
    pub fn new(options: Options) -> Self {
        let mut random = Rng::with_seed(options.seed);
        let writers = Writer::all(&mut random);
        let daemons = Daemons::new(options.seed);
        let mut traffic = Self {
            options,
            random,
            now: Duration::ZERO,
            plans: BinaryHeap::new(),
            planned: 0,
            ready: VecDeque::new(),
            writers,
            daemons,
            connections: 0,
            queued: 0,
            counters: Default::default(),
            told_full: false,
            trouble: None,
            waiting: Vec::new(),
            withheld: Vec::new(),
            dead_run: None,
        };
        traffic.daemons_start(EVERYTHING);
        traffic.queue_manager_answers();
        if traffic.options.noise {
            traffic.held_messages();
        }
        traffic.plan_arrival();
        traffic.plan_midnight();
        traffic.plan_regular_rollover();
        traffic.plan_renewal();
        traffic.plan_incident();
        traffic
    }

    /// A rollover at the next event, as when an operator runs `imsimta return`.
    pub fn roll_over_now(&mut self) {
        self.after(Duration::ZERO, Self::roll_over);
    }

    fn after(&mut self, wait: Duration, step: impl FnOnce(&mut Self) + Send + 'static) {
        self.planned += 1;
        let planning = Planning { at: self.now + wait, number: self.planned, step: Box::new(step) };
        self.plans.push(planning);
    }

    fn emit(&mut self, action: Action) {
        let is_in_queue =
            matches!(action, Action::Create { .. } | Action::Rename { .. } | Action::Delete { .. });
        if is_in_queue && self.trouble == Some(Trouble::QueueLost) {
            return self.withheld.push(action);
        }
        self.ready.push_back(TimedAction { at: self.now, action });
    }

    /// A time between two numbers of milliseconds.
    fn pause(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(self.random.u64(least..=most))
    }

    fn chance(&mut self, share: f64) -> bool {
        self.random.f64() < share
    }

    /// What the MTA's wall clock shows.
    fn stamp(&self) -> DateTime {
        let moment = self.options.start.saturating_add(elapsed(self.now)).unwrap_or(self.options.start);
        self.options.zone.to_datetime(moment)
    }

    /// What the wall clock of the simulated week shows.
    fn simulated(&self) -> DateTime {
        let elapsed = elapsed(self.now.mul_f64(self.options.speed));
        self.options.simulated_start.saturating_add(elapsed)
    }

    /// Arrivals at random, at the rate of the moment: candidates come at the peak rate, and as many
    /// of them as the moment has too few are dropped.
    fn plan_arrival(&mut self) {
        let peak = curve::peak() * self.options.rate;
        let gap = -(1.0 - self.random.f64()).ln() / peak;
        self.after(Duration::from_secs_f64(gap.min(3600.0)), |traffic| {
            let share = traffic.pace() * curve::factor(traffic.simulated()) / curve::peak();
            if traffic.chance(share) {
                traffic.arrival();
            }
            traffic.plan_arrival();
        });
    }

    fn plan_midnight(&mut self) {
        let simulated = self.simulated();
        let since_midnight = simulated.duration_since(simulated.date().at(0, 0, 0, 0)).as_secs_f64();
        // The return job starts a little after midnight.
        let left = (86_400.0 - since_midnight) / self.options.speed;
        self.after(Duration::from_secs_f64(left.max(0.0) + 0.5), |traffic| {
            traffic.roll_over();
            traffic.plan_midnight();
        });
    }

    fn plan_regular_rollover(&mut self) {
        if let Some(every) = self.options.rollover_every {
            self.after(every, |traffic| {
                traffic.roll_over();
                traffic.plan_regular_rollover();
            });
        }
    }

    /// The share of the usual mail that there is.
    fn pace(&self) -> f64 {
        let is_small = self.options.incident.is_some_and(|planned| planned.trouble == Trouble::SmallSite);
        match self.trouble {
            Some(Trouble::QuietSunday) => QUIET_PACE,
            _ if is_small => (SMALL_RATE / self.options.rate).min(1.0),
            _ => 1.0,
        }
    }

    /// The processes that have the old file open go on writing to it for a while, each for as long
    /// as it keeps it open.
    fn roll_over(&mut self) {
        if self.trouble == Some(Trouble::RotationMissed) {
            return;
        }
        let until: Vec<Duration> = (0..self.writers.len())
            .map(|_| self.now + Duration::from_millis(self.random.u64(0..20_000)))
            .collect();
        for (writer, until) in self.writers.iter_mut().zip(until) {
            writer.late_until = until;
        }
        self.emit(Action::RollOver);
    }

    /// A name for a message file that is not in use.
    fn new_file(&mut self, channel: Channel) -> QueueFile {
        let subdirectory = channel.has_subdirectories().then(|| self.random.u8(..SUBDIRECTORIES));
        let unique = self.unique_part();
        QueueFile { channel, subdirectory, attempts: 0, unique, held: false }
    }

    /// Eleven of 64 characters; which ones a release draws from is documented nowhere, so that now and then
    /// there is another.
    fn unique_part(&mut self) -> String {
        const USUAL: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-";
        const RARE: &[u8; 2] = b"+~";
        let mut draw = |from: &[u8]| char::from(from[self.random.usize(..from.len())]);
        let mut unique: String = (0..10).map(|_| draw(USUAL)).collect();
        let last = if draw(USUAL) == '0' { draw(RARE) } else { draw(USUAL) };
        unique.push(last);
        unique
    }

    fn letters(&mut self, count: usize) -> String {
        (0..count).map(|_| self.random.alphanumeric()).collect()
    }
}

impl Iterator for Traffic {
    type Item = TimedAction;

    fn next(&mut self) -> Option<TimedAction> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            let planning = self.plans.pop()?;
            self.now = planning.at;
            (planning.step)(self);
        }
    }
}

fn elapsed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests;
