//! The tick: each second what is known is looked at, and what fires is told.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::Builder;
use std::time::Duration;

use tokio::sync::{mpsc::UnboundedSender, watch};

use super::death::DeathNotice;
use crate::alerting::{Alert, Machine, Moment, Standing, incidents, noticed};
use crate::findings::situation::Situation;
use crate::findings::source::{Source, Sources};
use crate::findings::{Input, with_explained};
use crate::observed::{Now, Observed};

/// From one look to the next. Within three seconds after an entry whoever is to hear of it has to.
const TICK: Duration = Duration::from_secs(1);

/// Alerts that, while they fire, go on by less than they begin with.
const GO_ON: [&str; 2] = [SPIKE, "ImsMtaNoDeliveries"];
/// And one that does so while it is pending.
const LASTS: &str = "ImsMtaDestinationDead";
/// The page about failures.
const SPIKE: &str = "ImsMtaDeliveryFailureSpike";

/// What fires, the same for everybody who is told.
pub type Firing = Arc<[Alert]>;

/// The thread that ticks. It ends when this is dropped.
#[derive(Debug)]
pub struct Alerting {
    firing: watch::Receiver<Firing>,
    _ends: SyncSender<()>,
}

impl Alerting {
    /// Starts the thread with what an earlier run left.
    pub(super) fn spawn(
        observed: Arc<Observed>,
        machine: Machine,
        hurry: u32,
        died: UnboundedSender<&'static str>,
    ) -> io::Result<Self> {
        let (publish, firing) = watch::channel(Firing::default());
        let (ends, end) = sync_channel(0);
        let tick =
            Tick { observed, machine, hurry, publish, spiked: BTreeMap::new(), told: None, changes: 0 };
        Builder::new().name("alerting".into()).spawn(move || {
            let _notice = DeathNotice::new("alerting", died);
            tick.run(&end);
        })?;
        Ok(Self { firing, _ends: ends })
    }

    /// What fires, sorted by identity. The first time that it changes is the first tick, with what an earlier run left.
    pub fn subscribe(&self) -> watch::Receiver<Firing> {
        self.firing.clone()
    }
}

/// What the thread has.
#[derive(Debug)]
pub struct Tick {
    observed: Arc<Observed>,
    machine: Machine,
    hurry: u32,
    publish: watch::Sender<Firing>,
    /// Channels of which a failure spike rang, and when last.
    spiked: BTreeMap<String, Duration>,
    /// What was told last.
    told: Option<Firing>,
    /// How often that was something else.
    changes: u64,
}

impl Tick {
    /// One that begins with nothing, for who measures it.
    pub fn of(observed: Arc<Observed>) -> Self {
        let (publish, _) = watch::channel(Firing::default());
        Self {
            observed,
            machine: Machine::default(),
            hurry: 1,
            publish,
            spiked: BTreeMap::new(),
            told: None,
            changes: 0,
        }
    }

    /// The same with what an earlier one left.
    #[must_use]
    pub fn going_on(self, machine: Machine) -> Self {
        Self { machine, ..self }
    }

    fn run(mut self, end: &Receiver<()>) {
        while matches!(end.recv_timeout(TICK), Err(RecvTimeoutError::Timeout)) {
            self.tick(self.observed.clock.now());
        }
    }

    /// Looks once at a moment that is no earlier than the last one, and tells what fires where that is something else than
    /// before. It reads no clock, so weeks can go by in minutes.
    pub fn tick(&mut self, now: Now) {
        self.observed.look(now);
        let mut situation = self.observed.situation(now);
        situation.ringing = GO_ON.iter().flat_map(|alert| self.machine.channels(alert)).collect();
        situation.ringing.extend(self.machine.begun(LASTS));
        self.say_what_spiked(&mut situation, now.monotonic);
        let found =
            with_explained(&Input { now: Some(&situation), logs: None, limits: &self.observed.limits });
        // Where there is no MTA there is nothing that could not be looked at.
        let passive = situation.active == Some(false);
        self.machine.step(Moment {
            at: now.monotonic,
            hurry: self.hurry,
            unix: now.unix,
            noticed: noticed(&found),
            sees: &|identity, sources| passive || situation.sees(sources, &identity.labels),
        });
        let firing: Firing = self.machine.firing().into();
        self.tell_incidents(&firing);
        let other = self.told.as_ref() != Some(&firing);
        self.changes += u64::from(other);
        let known = if passive { Sources::of(Source::ALL) } else { situation.known };
        *self.observed.alerts.lock() = Arc::new(Standing::of(&self.machine, known, self.changes));
        if other {
            self.told = Some(Arc::clone(&firing));
            self.publish.send_replace(firing);
        }
    }

    /// Of what a page has told the last minutes are full for as long again.
    fn say_what_spiked(&mut self, situation: &mut Situation, at: Duration) {
        self.spiked.extend(self.machine.channels(SPIKE).into_iter().map(|(_, channel)| (channel, at)));
        let window = self.observed.limits.traffic_window;
        self.spiked.retain(|_, last| at.saturating_sub(*last) < window);
        for channel in self.spiked.keys() {
            let channel = situation.channels.get_mut(channel);
            if let Some(traffic) = channel.and_then(|channel| channel.traffic.as_mut()) {
                traffic.spiked = true;
            }
        }
    }

    /// What is so while something is wrong is not usual.
    fn tell_incidents(&self, firing: &[Alert]) {
        let mut channels = incidents(firing).peekable();
        if channels.peek().is_some() {
            let book = self.observed.logs();
            let mut baseline = book.baseline.lock();
            channels.for_each(|channel| baseline.incident(channel));
        }
    }
}
