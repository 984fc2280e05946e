//! Samples about the HTTP connections: how many there are, and which were not let be.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::catalogue as metric;
pub use super::cut::Cut;
use super::page::Page;

/// What the HTTP side counts about itself.
#[derive(Debug, Default)]
pub struct ConnectionCounts {
    open: AtomicU64,
    cuts: [AtomicU64; Cut::ALL.len()],
    accept_failures: AtomicU64,
    /// Whether no connection could be accepted for some seconds.
    refusing: AtomicBool,
}

impl ConnectionCounts {
    /// So many are open now.
    pub fn set_open(&self, open: usize) {
        self.open.store(open as u64, Ordering::Relaxed);
    }

    /// One was cut.
    pub fn cut(&self, cause: Cut) {
        self.cuts[cause as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// One could not be accepted.
    pub fn accept_failed(&self) {
        self.accept_failures.fetch_add(1, Ordering::Relaxed);
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
}

/// Puts the HTTP side on the page.
pub fn fill(page: &mut Page, counts: &ConnectionCounts) {
    page.count(&metric::HTTP_CONNECTIONS, &[], counts.open.load(Ordering::Relaxed));
    for &cause in Cut::ALL {
        page.count(&metric::HTTP_CUT, &[cause.label()], counts.cuts(cause));
    }
    page.count(&metric::HTTP_ACCEPT_FAILURES, &[], counts.accept_failures.load(Ordering::Relaxed));
}
