//! What a scan found: plain data, and why there may be none.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::held_files::HeldReason;
use super::{AGE_BANDS, ATTEMPT_BANDS};

/// What the queue tree held when it was last scanned.
#[derive(Debug, Default)]
pub struct QueueSnapshot {
    /// What is known of each channel, by label. A channel that could not be read has no entry, nor has
    /// one that no scan has come to so far.
    pub channels: BTreeMap<String, ChannelQueue>,
    /// The labels of the channels that could not be read.
    pub unreadable: BTreeSet<String>,
    /// Why not: a directory for each of them.
    pub failures: Vec<Arc<DirectoryFailure>>,
    /// How many channel directories there are; none where the root could not be read.
    pub directories: Option<u64>,
    /// The labels of all channel directories that have one of their own, readable or not.
    pub labels: BTreeSet<Arc<str>>,
    /// How many channel directories share [`OTHER_CHANNELS`](super::OTHER_CHANNELS).
    pub left_out: u64,
    /// About the last scan; none where the root could not be read, or held no channel.
    pub scan: Option<ScanCounts>,
    /// Errors of all scans so far.
    pub errors: ErrorCounts,
    /// The number of the user who owned the root of the tree when it last held channels. A directory
    /// that something is to be mounted on belongs to somebody else.
    pub owner: Option<u32>,
}

/// What one scan did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanCounts {
    /// Directories whose names were read.
    pub read: u64,
    /// Directories that had not changed.
    pub skipped: u64,
    /// Entries other than directories that were listed, whatever they are.
    pub files: u64,
    /// Whether it ran out of time before it had come to every channel.
    pub partial: bool,
}

/// What one channel holds. Held messages are counted in `held` alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChannelQueue {
    /// Messages waiting for delivery.
    pub messages: u64,
    /// Size of their files in bytes.
    pub bytes: u64,
    /// Messages whose size and age are not known, since [`MAX_REMEMBERED`](super::MAX_REMEMBERED) was reached. `bytes` takes them
    /// to be of the mean size of the others; `ages`, `oldest` and `stuck` are without them.
    pub unknown: u64,
    /// Messages of the first picture after a start whose size and age are not known yet. Where there are
    /// any, nothing can be said of `bytes`, `ages`, `oldest` and `stuck`.
    pub unasked: u64,
    /// `messages` by delivery attempts made, in the bands of [`ATTEMPT_BANDS`].
    pub attempts: [u64; ATTEMPT_BANDS.len()],
    /// `messages` by age, in the bands of [`AGE_BANDS`]. An age is wrong by less than a second.
    pub ages: [u64; AGE_BANDS.len()],
    /// Messages not eligible for delivery, `.HELD`, in the order of [`HeldReason::ALL`].
    pub held: [u64; HeldReason::ALL.len()],
    /// Modification time of the oldest message in Unix seconds, cut. A retry renames the file and keeps
    /// this time; none where there is no message.
    pub oldest: Option<f64>,
    /// Messages that nobody has tried to deliver for longer than the configured time.
    pub stuck: u64,
    /// What is not a queued message: copies left by operators, temporary files, links, devices.
    pub other_files: u64,
    /// When the scan began that read the whole channel last, Unix seconds.
    pub scanned_at: f64,
}

/// A directory of the queue tree that could not be read, and why.
#[derive(Debug)]
pub struct DirectoryFailure {
    /// The directory, below the root as configured.
    pub directory: PathBuf,
    /// What the system said.
    pub error: io::Error,
}

/// What kind of error it was that a directory could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Not permitted.
    Permission,
    /// The root is not there, without any channel, or not what it was: nothing is mounted.
    Vanished,
    /// More directories than there can be.
    Limit,
    /// Anything else.
    Io,
}

impl ErrorKind {
    /// Every kind, in the order of [`ErrorCounts`].
    pub const ALL: [Self; 4] = [Self::Permission, Self::Vanished, Self::Limit, Self::Io];

    /// The label value.
    pub fn label(self) -> &'static str {
        match self {
            Self::Permission => "permission",
            Self::Vanished => "vanished",
            Self::Limit => "limit",
            Self::Io => "io",
        }
    }
}

impl From<&io::Error> for ErrorKind {
    fn from(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::PermissionDenied => Self::Permission,
            io::ErrorKind::NotFound => Self::Vanished,
            io::ErrorKind::QuotaExceeded => Self::Limit,
            _ => Self::Io,
        }
    }
}

/// Errors by [`ErrorKind`].
pub type ErrorCounts = [u64; ErrorKind::ALL.len()];

/// Why nothing is known: the root of the queue tree itself.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// Missing, not a directory, or not permitted.
    #[error("cannot open the queue directory {path}")]
    Open {
        /// The root of the queue tree.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Opened, but its names could not be read.
    #[error("cannot list the queue directory {path}")]
    List {
        /// The root of the queue tree.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Without any channel. The MTA makes a directory for each at its first message and keeps it.
    #[error("the queue directory {path} holds no channel: is it mounted, and is it the MTA's?")]
    Empty {
        /// The root of the queue tree.
        path: PathBuf,
    },
    /// Empty, and another directory than the one that held channels: a mount point.
    #[error("the queue directory {path} is empty and not the one that held channels: is it mounted?")]
    Unmounted {
        /// The root of the queue tree.
        path: PathBuf,
    },
}

impl From<&SpoolError> for ErrorKind {
    fn from(error: &SpoolError) -> Self {
        match error {
            SpoolError::Open { source, .. } | SpoolError::List { source, .. } => source.into(),
            SpoolError::Empty { .. } | SpoolError::Unmounted { .. } => Self::Vanished,
        }
    }
}

/// So many files that are no messages lie about in any queue.
const FEW_OTHER_FILES: u64 = 5;
/// And such a share of all its files.
const FEW_PER_CENT: u64 = 3;

impl ChannelQueue {
    /// Files that are no messages with all files of the channel, where they are more than what lies about
    /// in any queue: then the MTA may give its messages names that are not known, and they are missing
    /// from all other numbers. The alert `ImsMtaQueueOtherFiles` asks for the same.
    pub fn many_other_files(&self) -> Option<(u64, u64)> {
        let all = self.messages + self.held.iter().sum::<u64>() + self.other_files;
        let many = self.other_files > FEW_OTHER_FILES && self.other_files * 100 > all * FEW_PER_CENT;
        many.then_some((self.other_files, all))
    }

    /// Adds the values of a directory that shares its label.
    pub(super) fn add(&mut self, values: &ChannelQueue) {
        // None has been added yet where no scan is noted.
        let first = self.scanned_at == 0.0;
        self.scanned_at = if first { values.scanned_at } else { self.scanned_at.min(values.scanned_at) };
        self.messages += values.messages;
        self.bytes = self.bytes.saturating_add(values.bytes);
        self.unknown += values.unknown;
        self.unasked += values.unasked;
        self.attempts.iter_mut().zip(values.attempts).for_each(|(sum, part)| *sum += part);
        self.ages.iter_mut().zip(values.ages).for_each(|(sum, part)| *sum += part);
        self.held.iter_mut().zip(values.held).for_each(|(sum, part)| *sum += part);
        self.oldest = [self.oldest, values.oldest].into_iter().flatten().reduce(f64::min);
        self.stuck += values.stuck;
        self.other_files += values.other_files;
    }
}

/// Adds the mean size for each message whose size is not known: that of its channel, or where none is
/// known there, that of the whole queue.
pub(super) fn estimate_sizes(channels: &mut BTreeMap<String, ChannelQueue>) {
    let known = |queue: &ChannelQueue| queue.messages - queue.unknown - queue.unasked;
    let bytes: u128 = channels.values().map(|queue| u128::from(queue.bytes)).sum();
    let messages: u128 = channels.values().map(|queue| u128::from(known(queue))).sum();
    for queue in channels.values_mut().filter(|queue| queue.unknown > 0) {
        let (bytes, messages) = match known(queue) {
            0 => (bytes, messages),
            known => (u128::from(queue.bytes), u128::from(known)),
        };
        let estimate = u128::from(queue.unknown) * bytes / messages.max(1);
        queue.bytes = queue.bytes.saturating_add(u64::try_from(estimate).unwrap_or(u64::MAX));
    }
}
