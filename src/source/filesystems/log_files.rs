//! Sizes of the logs, what the return job does with them, and by how much the cumulative ones grow.
//!
//! Every night the message return job appends `mail.log_yesterday` to `mail.log`, renames `mail.log_current` to it, and
//! begins a new one (Administration Guide, chapter "Managing MTA Message and Connection Logs"). Nothing but the site's own
//! clean-up makes `mail.log` smaller.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Stat, StatxFlags, statx};

/// What a log that is written to is called.
const CURRENT: &str = "_current";
/// What the return job renames it to.
const YESTERDAY: &str = "_yesterday";

/// Seconds between two sizes that are remembered.
const STEP: f64 = 3600.0;
/// Seconds over which growth is measured.
const DAY: f64 = 24.0 * STEP;

/// What is known of the logs over time.
#[derive(Debug, Default)]
pub(super) struct LogFiles {
    /// By log that is written to: which file that is, and since when it is known, Unix seconds.
    known: BTreeMap<PathBuf, (FileKey, f64)>,
    /// By cumulative log: sizes, the oldest first, with their times.
    sizes: BTreeMap<PathBuf, VecDeque<(f64, u64)>>,
}

/// Device and inode.
type FileKey = (u64, u64);

/// A log as it was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogFile {
    key: FileKey,
    /// Bytes.
    pub(super) size: u64,
    /// The last change of its inode, Unix seconds: a rename is one, where the time of its content is older.
    pub(super) changed: f64,
}

impl LogFile {
    /// What is at a path; none where that is no regular file.
    pub(super) fn of(found: &Stat) -> Option<Self> {
        let regular = FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
        let size = u64::try_from(found.st_size).unwrap_or(0);
        #[expect(clippy::cast_precision_loss, reason = "seconds need no 53 bits")]
        let changed = found.st_ctime as f64;
        regular.then_some(Self { key: (found.st_dev, found.st_ino), size, changed })
    }
}

/// The name of the log that a file belongs to, without what it is called by its age.
fn stem(name: &str) -> &str {
    name.strip_suffix(CURRENT).or_else(|| name.strip_suffix(YESTERDAY)).unwrap_or(name)
}

/// Whether a file is what the return job made of a log.
pub(super) fn is_rotated(name: &str) -> bool {
    name.ends_with(YESTERDAY)
}

/// Whether a file is one that the return job appends to: it has neither ending, and a log with one of them is beside it.
pub(super) fn is_cumulative(path: &Path, others: &[PathBuf]) -> bool {
    let name = |path: &Path| path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let own = name(path);
    let is_beside =
        |other: &PathBuf| other.parent() == path.parent() && name(other) != own && stem(&name(other)) == own;
    others.iter().any(is_beside)
}

impl LogFiles {
    /// For how long a log that is written to has not been renamed, in seconds; none for other files, and for one that is
    /// empty. Where the file system keeps no time of birth, it is at least the time since the file was seen first.
    pub(super) fn unrotated(&mut self, path: &Path, found: LogFile, now: f64) -> Option<f64> {
        let name = path.file_name()?.to_str()?;
        if !name.ends_with(CURRENT) || found.size == 0 {
            return None;
        }
        let known = self.known.entry(path.to_owned()).or_insert((found.key, now));
        if known.0 != found.key {
            *known = (found.key, now);
        }
        let since = born(path, found.key).unwrap_or(known.1);
        Some((now - since).max(0.0))
    }

    /// By how many bytes a cumulative log is larger than a day ago; none until it has been watched for a day.
    pub(super) fn growth(&mut self, path: &Path, size: u64, now: f64) -> Option<i64> {
        let sizes = self.sizes.entry(path.to_owned()).or_default();
        // After the clock was set back nothing before is of use.
        sizes.retain(|&(at, _)| at <= now);
        if sizes.back().is_none_or(|&(at, _)| now - at >= STEP) {
            sizes.push_back((now, size));
        }
        while sizes.get(1).is_some_and(|&(at, _)| now - at >= DAY) {
            sizes.pop_front();
        }
        let &(at, before) = sizes.front()?;
        let signed = |size: u64| i64::try_from(size).unwrap_or(i64::MAX);
        (now - at >= DAY).then(|| signed(size).saturating_sub(signed(before)))
    }
}

/// When a file was made, Unix seconds, where the file system keeps that.
fn born(path: &Path, key: FileKey) -> Option<f64> {
    let found = statx(CWD, path, AtFlags::empty(), StatxFlags::BTIME | StatxFlags::INO).ok()?;
    let is_known = StatxFlags::from_bits_truncate(found.stx_mask).contains(StatxFlags::BTIME);
    #[expect(clippy::cast_precision_loss, reason = "seconds need no 53 bits")]
    let at = found.stx_btime.tv_sec as f64;
    (is_known && found.stx_ino == key.1 && at > 0.0).then_some(at)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use rustix::fs::stat;
    use tempfile::TempDir;

    use super::{DAY, LogFile, LogFiles, STEP, is_cumulative, is_rotated};

    #[test]
    fn names_of_logs() {
        let files = [
            "/log/mail.log_current",
            "/log/mail.log_yesterday",
            "/log/mail.log",
            "/other/mail.log",
            "/log/x",
        ]
        .map(PathBuf::from);
        let cumulative: Vec<_> = files.iter().map(|path| is_cumulative(path, &files)).collect();
        assert_eq!(cumulative, [false, false, true, false, false]);
        assert!(
            is_rotated("mail.log_yesterday") && !is_rotated("mail.log_current") && !is_rotated("mail.log")
        );
    }

    #[test]
    fn growth_is_over_a_day() {
        let (mut files, path) = (LogFiles::default(), Path::new("/log/mail.log"));
        for (at, size, expected) in [
            (0.0, 100, None),
            (1.0, 200, None),
            (STEP, 300, None),
            (DAY - 1.0, 900, None),
            (DAY, 1000, Some(900)),
            (DAY + STEP - 1.0, 1000, Some(900)),
            (DAY + STEP, 1000, Some(700)),
            // It was deleted, and begins anew.
            (DAY + STEP + 1.0, 50, Some(-250)),
            // After a night's sleep the last known size is more than a day old.
            (3.0 * DAY, 60, Some(-940)),
            // The clock was set back to before all that is known.
            (-5.0, 60, None),
            (DAY, 160, Some(100)),
        ] {
            assert_eq!(files.growth(path, size, at), expected, "at {at}");
        }
        for hour in 0..1000 {
            files.growth(path, 1, DAY + STEP * f64::from(hour));
        }
        assert!(files.sizes[path].len() <= 26, "{}", files.sizes[path].len());
    }

    #[test]
    fn a_log_that_is_written_to_for_long_was_not_rotated() {
        let directory = TempDir::new().expect("directory");
        let path = directory.path().join("mail.log_current");
        let look = |files: &mut LogFiles, later: f64| {
            let found = LogFile::of(&stat(&path).expect("a file")).expect("a regular file");
            let now = found.changed;
            files.unrotated(&path, found, now + later)
        };
        let mut files = LogFiles::default();
        std::fs::write(&path, "").expect("written");
        assert_eq!(look(&mut files, DAY), None, "an empty one has nothing to be rotated");
        std::fs::write(&path, "x").expect("written");
        let first = look(&mut files, DAY).expect("known");
        assert!(first == 0.0 || (DAY - 2.0..DAY + 2.0).contains(&first), "{first}");
        let later = look(&mut files, 2.0 * DAY).expect("known");
        assert!((first + DAY - 2.0..first + DAY + 2.0).contains(&later), "{later} after {first}");
        // The next one, whether or not its inode is another.
        std::fs::rename(&path, directory.path().join("mail.log_yesterday")).expect("renamed");
        std::fs::write(&path, "x").expect("written");
        let next = look(&mut files, 0.0).expect("known");
        assert!(next <= 2.0, "{next}");
        let found = LogFile::of(&stat(&path).expect("a file")).expect("a regular file");
        assert_eq!(files.unrotated(Path::new("/log/mail.log"), found, 0.0), None);
        assert!(LogFile::of(&stat(directory.path()).expect("a directory")).is_none());
    }
}
