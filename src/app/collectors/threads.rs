//! A thread for each collector, so that one that hangs in the kernel holds up no other. What it does is exchanged while
//! it lives; where it hangs, it is left behind and another takes its place, once: two that hang would be three the next
//! time.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::mpsc::UnboundedSender;

use super::carried_over::Kept;
use super::row::{Collects, Start};
use crate::app::death::DeathNotice;
use crate::observed::latest::Turn;

/// A run takes at most one part in this many of a thread's time: a scan that lasts for long is
/// repeated later.
const DUTY: u32 = 20;

/// All running collectors.
#[derive(Debug)]
pub(in crate::app) struct Collectors {
    rows: Vec<&'static dyn Collects>,
    workers: Vec<Worker>,
    kept: Kept,
    died: UnboundedSender<&'static str>,
}

/// A collector that did not end its run in time when it was to go on with another configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Late {
    /// Its thread was left behind, to end when it can; another does its work.
    LeftBehind(&'static str),
    /// One was left behind before and has not ended: it goes on when it can.
    Waits(&'static str),
}

/// What a thread does again and again.
struct Job {
    look: Box<dyn FnMut() -> Duration + Send>,
    interval: Duration,
}

/// What a thread goes on with, and who is told when it does.
type Next = Arc<Mutex<Option<(Job, Sender<()>)>>>;

/// The thread of a collector, as others know it.
struct Worker {
    name: &'static str,
    turn: Turn,
    next: Next,
    /// Rung when there is something to go on with; gone when the thread is to end.
    bell: Sender<()>,
    /// Alive as long as the thread is.
    thread: Weak<()>,
    /// The same of the one that was left behind last.
    left: Weak<()>,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Worker").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Starts all collectors, without a look at any directory.
pub(in crate::app) fn spawn(
    rows: &[&'static dyn Collects],
    start: &Start<'_>,
    died: &UnboundedSender<&'static str>,
) -> std::io::Result<Collectors> {
    let mut collectors =
        Collectors { rows: rows.to_vec(), workers: Vec::new(), kept: start.kept.clone(), died: died.clone() };
    for row in rows {
        let turn = Turn::default();
        let (next, bell, thread) = run(row.name(), job(*row, start, &turn), died)?;
        collectors.workers.push(Worker { name: row.name(), turn, next, bell, thread, left: Weak::new() });
    }
    Ok(collectors)
}

impl Collectors {
    /// What the collectors have learnt.
    pub(in crate::app) fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Tells every collector to end after its present run. They are not waited for: one may hang.
    pub(in crate::app) fn stop(self) {
        for worker in &self.workers {
            worker.turn.end();
        }
    }

    /// Has every collector go on as it is configured now; a run that is under way is cut short. Waits for as long as
    /// `patience` says; which did not in time.
    pub(in crate::app) fn go_on_with(
        &mut self,
        start: &Start<'_>,
        mut patience: impl FnMut() -> Duration,
    ) -> Vec<Late> {
        let told: Vec<_> =
            self.workers.iter_mut().zip(&self.rows).map(|(worker, row)| worker.order(*row, start)).collect();
        let mut late = Vec::new();
        for ((worker, row), told) in self.workers.iter_mut().zip(&self.rows).zip(told) {
            if told.recv_timeout(patience()).is_err() {
                late.extend(worker.leave_behind(*row, start, &self.died));
            }
        }
        for late in &late {
            match late {
                Late::LeftBehind(collector) => {
                    start.observed.left_behind.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!(collector, "hangs; its thread is left behind, and another does its work");
                }
                Late::Waits(collector) => tracing::warn!(
                    collector,
                    "hangs, as the thread of its that was left behind before; it goes on with the new configuration \
                     when it answers"
                ),
            }
        }
        late
    }
}

impl Worker {
    /// Ends the run under way, and hands over what to go on with.
    fn order(&mut self, row: &dyn Collects, start: &Start<'_>) -> Receiver<()> {
        self.turn.end();
        self.turn = Turn::default();
        let (taken, told) = channel();
        *self.next.lock() = Some((job(row, start, &self.turn), taken));
        self.bell.send(()).ok();
        told
    }

    /// Has another thread do what this one does not take, unless one hangs already since an exchange before.
    fn leave_behind(
        &mut self,
        row: &dyn Collects,
        start: &Start<'_>,
        died: &UnboundedSender<&'static str>,
    ) -> Option<Late> {
        let mut next = self.next.lock();
        // It may have been taken just now.
        next.as_ref()?;
        if self.left.strong_count() > 0 {
            return Some(Late::Waits(self.name));
        }
        match run(self.name, job(row, start, &self.turn), died) {
            Ok((other, bell, thread)) => {
                *next = None;
                drop(next);
                self.left = std::mem::replace(&mut self.thread, thread);
                (self.next, self.bell) = (other, bell);
                Some(Late::LeftBehind(self.name))
            }
            Err(error) => {
                tracing::warn!(collector = self.name, %error, "no other thread can be started");
                Some(Late::Waits(self.name))
            }
        }
    }
}

fn job(row: &dyn Collects, start: &Start<'_>, turn: &Turn) -> Job {
    Job { look: row.start(&Start { turn, ..*start }), interval: row.interval(start.config) }
}

/// Starts a thread: what it goes on with, its bell, and whether it lives.
fn run(
    name: &'static str,
    mut job: Job,
    died: &UnboundedSender<&'static str>,
) -> std::io::Result<(Next, Sender<()>, Weak<()>)> {
    let (bell, rung) = channel();
    let (next, alive) = (Next::default(), Arc::new(()));
    let (notice, orders, thread) =
        (DeathNotice::new(name, died.clone()), Arc::clone(&next), Arc::downgrade(&alive));
    std::thread::Builder::new().name(name.into()).spawn(move || {
        let (_notice, _alive) = (notice, alive);
        loop {
            let worked = (job.look)();
            let pause = job.interval.saturating_sub(worked).max(worked * (DUTY - 1));
            match rung.recv_timeout(pause) {
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
                Ok(()) => {
                    if let Some((order, taken)) = orders.lock().take() {
                        job = order;
                        taken.send(()).ok();
                    }
                }
            }
        }
    })?;
    Ok((next, bell, thread))
}
