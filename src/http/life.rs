//! What one connection is doing, since when, and for how long it may. Pure: the time is a parameter.

use std::time::Duration;

use tokio::time::Instant;

use crate::observed::connections::Cut;

/// For how long a connection may do each thing.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From the connection, or from the first byte of a request, to the end of its head.
    pub request: Duration,
    /// Between an answer and the next request. Longer than the usual intervals of scraping.
    pub idle: Duration,
    /// An answer, without a byte that is taken.
    pub progress: Duration,
    /// A whole answer, however slowly it is taken.
    pub answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            request: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            progress: Duration::from_secs(10),
            answer: Duration::from_secs(30),
        }
    }
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    /// A request is awaited, or has begun to come.
    Asking,
    /// An answer has been taken, and nothing has come since.
    Idle,
    /// The request is there, its answer is being made.
    Making,
    /// The answer is being sent.
    Sending,
}

/// What it is doing and since when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    doing: Doing,
    /// When it began to do it, or last got on with it.
    since: Instant,
    /// When the request was there.
    asked: Instant,
    /// Whether its answer takes one of the places for large ones.
    bulky: bool,
}

impl Life {
    /// Just connected.
    pub(super) fn new(now: Instant) -> Self {
        Self { doing: Doing::Asking, since: now, asked: now, bulky: false }
    }

    /// Bytes came.
    pub(super) fn read(&mut self, now: Instant) {
        if self.doing == Doing::Idle {
            (self.doing, self.since) = (Doing::Asking, now);
        }
    }

    /// The head of a request is complete.
    pub(super) fn asked(&mut self, now: Instant, bulky: bool) {
        *self = Self { doing: Doing::Making, since: now, asked: now, bulky };
    }

    /// The answer is there, and is now sent.
    pub(super) fn answered(&mut self, now: Instant) {
        (self.doing, self.since) = (Doing::Sending, now);
    }

    /// Bytes were taken.
    pub(super) fn wrote(&mut self, now: Instant) {
        if self.doing == Doing::Sending {
            self.since = now;
        }
    }

    /// Everything that there was to send has been.
    pub(super) fn flushed(&mut self, now: Instant) {
        if self.doing == Doing::Sending {
            *self = Self { doing: Doing::Idle, since: now, asked: now, bulky: false };
        }
    }

    /// Whether it waits for its client to ask.
    pub(super) fn waits(&self) -> bool {
        matches!(self.doing, Doing::Asking | Doing::Idle)
    }

    /// Whether it takes one of the places for large answers.
    pub(super) fn is_bulky(&self) -> bool {
        self.bulky
    }

    /// When it began to do what it does, or last got on with it.
    pub(super) fn since(&self) -> Instant {
        self.since
    }

    /// When its patience is at an end, and what that is then.
    pub(super) fn due(&self, patience: &Patience) -> (Instant, Option<Cut>) {
        match self.doing {
            Doing::Asking => (self.since + patience.request, Some(Cut::SlowRequest)),
            // As it should be: nobody waits for anything.
            Doing::Idle => (self.since + patience.idle, None),
            Doing::Making | Doing::Sending => {
                let due = (self.since + patience.progress).min(self.asked + patience.answer);
                (due, Some(Cut::SlowReader))
            }
        }
    }
}
