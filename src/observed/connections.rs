//! What the HTTP side counts about itself: how many connections there are, and which were not let be.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::record::labelled;

labelled! {
    /// Why a connection was closed, or not served, before its client was done with it.
    Cut {
        SlowRequest = "slow_request": "no request, or not the whole of one, came in time";
        SlowReader = "slow_reader": "the answer was not taken in time";
        Displaced = "displaced": "it waited the longest when there were too many";
        Busy = "busy": "too many answers were being sent, or passwords looked at: it was told to come back";
        Tls = "tls": "there was no agreement on TLS: none was spoken, too old a one, or a certificate was missing or not taken";
        WrongPassword = "wrong_password": "user or password were wrong";
    }
}

/// How reading the web configuration went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WebConfigRead {
    /// Whether what stands there now holds.
    pub successful: bool,
    /// When what holds was read, in steady seconds.
    pub at: f64,
}

/// What the HTTP side counts about itself.
#[derive(Debug, Default)]
pub struct ConnectionCounts {
    open: AtomicU64,
    cuts: [AtomicU64; Cut::ALL.len()],
    accept_failures: AtomicU64,
    /// Whether no connection could be accepted for some seconds.
    refusing: AtomicBool,
    /// Nothing where there is no web configuration.
    web_config: Mutex<Option<WebConfigRead>>,
}

impl ConnectionCounts {
    /// So many are open now.
    pub fn set_open(&self, open: usize) {
        self.open.store(open as u64, Ordering::Relaxed);
    }

    /// So many are.
    pub fn open(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }

    /// One was cut.
    pub fn cut(&self, cause: Cut) {
        self.cuts[cause as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// One could not be accepted.
    pub fn accept_failed(&self) {
        self.accept_failures.fetch_add(1, Ordering::Relaxed);
    }

    /// How many could not be.
    pub fn accept_failures(&self) -> u64 {
        self.accept_failures.load(Ordering::Relaxed)
    }

    /// Whether connections are accepted, or have not been for some seconds.
    pub fn set_accepting(&self, accepting: bool) {
        self.refusing.store(!accepting, Ordering::Relaxed);
    }

    /// The same.
    pub fn accepting(&self) -> bool {
        !self.refusing.load(Ordering::Relaxed)
    }

    /// How many were cut for this cause.
    pub fn cuts(&self, cause: Cut) -> u64 {
        self.cuts[cause as usize].load(Ordering::Relaxed)
    }

    /// The web configuration was read, and holds.
    pub fn web_config_was_read(&self, at: f64) {
        *self.web_config.lock() = Some(WebConfigRead { successful: true, at });
    }

    /// It is broken; an earlier one holds.
    pub fn web_config_is_broken(&self) {
        if let Some(read) = &mut *self.web_config.lock() {
            read.successful = false;
        }
    }

    /// How reading it went, where there is one.
    pub fn web_config(&self) -> Option<WebConfigRead> {
        *self.web_config.lock()
    }
}
