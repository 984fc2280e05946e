//! Whether a directory has to be read again.
//!
//! Creating, removing and renaming a file changes the times of its directory, so a directory with
//! the times of its last listing holds the names of its last listing, with one exception: times are
//! coarse. A kernel before Linux 6.13 stamps with its tick (up to 10 ms), other file systems with up to
//! two seconds, so a name that came right after a listing may leave the same time behind as one that
//! came right before it. Hence the guard: the listing must have begun [`GRANULARITY`] after the
//! directory's last change; only then does every later change show.
//!
//! The guard compares the host's clock with the file system's. A file server whose clock is behind
//! by more than that weakens it; so every directory is listed again after [`LISTED_AGAIN_AFTER`] all the same.

use std::time::Duration;

use rustix::fs::Stat;

/// The coarsest time stamps to expect, and a margin.
const GRANULARITY: Duration = Duration::from_secs(2);

/// The longest time between two listings of a directory.
pub(super) const LISTED_AGAIN_AFTER: Duration = Duration::from_mins(10);

/// Which directory it is, and when it last changed. Permissions change the status time alone, so that
/// a directory that may not be read any more is noticed too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    modified: (i64, u64),
    changed: (i64, u64),
}

impl From<&Stat> for Stamp {
    #[allow(
        clippy::unnecessary_cast,
        clippy::cast_lossless,
        reason = "the types differ between architectures"
    )]
    fn from(found: &Stat) -> Self {
        Self {
            device: found.st_dev as u64,
            inode: found.st_ino as u64,
            modified: (found.st_mtime as i64, found.st_mtime_nsec as u64),
            changed: (found.st_ctime as i64, found.st_ctime_nsec as u64),
        }
    }
}

impl Stamp {
    /// Whether this is the same directory.
    pub(super) fn is_same_directory(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }

    /// The last change, as time since the epoch.
    fn last_change(&self) -> Duration {
        let (seconds, nanoseconds) = self.modified.max(self.changed);
        Duration::new(u64::try_from(seconds).unwrap_or(0), u32::try_from(nanoseconds).unwrap_or(0))
    }
}

/// A listing of a whole directory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listing {
    /// Taken before the first name was read.
    pub(super) stamp: Stamp,
    /// When it began, since the epoch.
    pub(super) began: Duration,
    /// When it began, on the clock that never goes back.
    pub(super) at: Duration,
}

impl Listing {
    /// Whether the directory, which now has the stamp `found`, certainly holds what was listed.
    pub(super) fn holds(&self, found: &Stamp, at: Duration) -> bool {
        self.stamp == *found
            && self.began >= self.stamp.last_change() + GRANULARITY
            && at.saturating_sub(self.at) < LISTED_AGAIN_AFTER
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{LISTED_AGAIN_AFTER, Listing, Stamp};

    const CHANGED: Stamp = Stamp { device: 1, inode: 2, modified: (1000, 5), changed: (1000, 9) };

    #[test]
    fn only_a_listing_safely_after_the_last_change_holds() {
        let second = Duration::from_secs(1);
        let listing = |began| Listing { stamp: CHANGED, began, at: Duration::ZERO };
        let safely = Duration::new(1002, 9);
        let other = |change: fn(&mut Stamp)| {
            let mut stamp = CHANGED;
            change(&mut stamp);
            stamp
        };
        for (began, found, at, holds) in [
            (safely, CHANGED, second, true),
            (safely, CHANGED, Duration::from_secs(599), true),
            (safely, CHANGED, LISTED_AGAIN_AFTER, false),
            // In the tick of the change, before it by a clock that was set back, and nearly safe.
            (Duration::new(1000, 9), CHANGED, second, false),
            (Duration::new(900, 0), CHANGED, second, false),
            (Duration::new(1002, 8), CHANGED, second, false),
            (safely, other(|stamp| stamp.modified.1 += 1), second, false),
            (safely, other(|stamp| stamp.modified.0 -= 1), second, false),
            // A change of permissions.
            (safely, other(|stamp| stamp.changed.0 += 1), second, false),
            // Another directory under the name, another file system on it.
            (safely, other(|stamp| stamp.inode += 1), second, false),
            (safely, other(|stamp| stamp.device += 1), second, false),
        ] {
            assert_eq!(listing(began).holds(&found, at), holds, "{began:?} {found:?} {at:?}");
        }
    }
}
