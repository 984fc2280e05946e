//! Held files, on their way to whoever finds out why they are held, and the answers on their way back.
//!
//! The scan reads names; why a message is held stands in its header. So the scan hands out every held
//! file once, and keeps one byte for it, which the answer fills in. After each scan:
//!
//! ```text
//! scanner.scan(…)                      the names are read
//! scanner.held_found()                 -> Vec<HeldFile>: those not handed out before, at most
//!                                         MAX_HELD_A_SCAN; the rest comes with the next scans
//! scanner.classified(&key, reason)     an answer, now or after a later scan
//! scanner.put_back(&key)               no answer this time: a later scan hands the file out again
//! scanner.snapshot(now)                counts by reason, the answers included
//! ```
//!
//! Until it is answered, a file counts as [`HeldReason::Unclassified`]. Files of the channel `hold` are
//! [`HeldReason::StatusHold`] at once and are not handed out. A file that was renamed or that came back
//! under its name with another inode is a new one. Answers for files that have vanished are dropped.

use std::ffi::CString;
use std::path::Path;
use std::sync::Arc;

/// The channel whose messages are held on purpose: those of users or domains with the status `hold`
/// (Administration Guide, chapter "Troubleshooting the MTA", "Diagnosing and Cleaning up .HELD
/// Messages").
pub const HOLD_CHANNEL: &str = "hold";

/// Held files handed out by one scan, at most; about 1 MiB of names.
pub const MAX_HELD_A_SCAN: usize = 10_000;

/// Why a message is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum HeldReason {
    /// Its user or domain has the status `hold`.
    StatusHold,
    /// It has been through too many hosts, or too often through this one.
    Loop,
    /// Something else: it was suspicious to a filter or a limit, or an operator held it.
    Other,
    /// Nobody has looked yet, or looking did not tell.
    Unclassified,
}

impl HeldReason {
    /// Every reason, in the order of [`ChannelQueue::held`](super::ChannelQueue::held).
    pub const ALL: [Self; 4] = [Self::StatusHold, Self::Loop, Self::Other, Self::Unclassified];

    /// The label value.
    pub fn label(self) -> &'static str {
        match self {
            Self::StatusHold => "status_hold",
            Self::Loop => "loop",
            Self::Other => "other",
            Self::Unclassified => "unclassified",
        }
    }
}

/// A held file that has not been handed out before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldFile {
    /// What to give back with the answer.
    pub key: HeldKey,
    /// The label of its channel.
    pub channel: Arc<str>,
    /// Its base name. Its directory is [`HeldKey::directory`].
    pub name: CString,
}

/// Names a held file to the scanner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldKey {
    pub(super) directory: Arc<Path>,
    pub(super) file: u64,
}

impl HeldKey {
    /// The file's directory below the root of the queue tree: `channel` or `channel/subdirectory`.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}
