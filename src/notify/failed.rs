//! Why a receiver was not told.

use crate::observed::notified::Failure;

/// The class of it, and what to say: no secret, and nothing that the other side said.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub(super) struct Failed {
    pub(super) how: Failure,
    pub(super) what: String,
}

impl Failed {
    pub(super) fn new(how: Failure, what: impl Into<String>) -> Self {
        Self { how, what: what.into() }
    }
}

/// The failure that a status is; nothing where it is none.
pub(super) fn of_status(status: u16) -> Option<Failed> {
    let (how, what) = match status {
        200..=299 => return None,
        300..=399 => (Failure::Redirect, "it sends elsewhere, where nobody is told"),
        401 | 403 => (Failure::Denied, "it does not let this program in"),
        400..=499 => (Failure::Refused, "it refuses what it is asked"),
        _ => (Failure::Server, "it fails"),
    };
    Some(Failed::new(how, format!("{what} (status {status})")))
}
