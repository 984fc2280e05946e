//! Which files of daemons there are in the log directory, and which of them may still grow.
//!
//! Each start of a daemon begins a file of its own, and on a busy host there may be very many of them. So names are read in
//! blocks, a file is asked about once, when its name is new, and only the last of each kind are looked at again.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Access, AtFlags, CWD, FileType, Mode, OFlags, RawDir, accessat, openat};
use rustix::io::Errno;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::follow::FileId;
use super::follow::single::Seen;
use crate::record::daemon_log::DaemonLog;

/// So many files of a daemon are followed, those that were written or begun last.
pub const MOST_FOLLOWED: usize = 64;
/// The same of all channels together: they begin a file for each connection or job.
pub const MOST_FOLLOWED_OF_CHANNELS: usize = 256;
/// So many names are remembered: 2 MiB.
pub const MOST_KNOWN: usize = 1 << 18;

/// A file that is not followed for want of room and was written within this time may still grow.
const MAY_GROW: Duration = Duration::from_hours(24);
/// How much older than the listing before it a new file may be: times of files are coarse.
const GRAIN: Duration = Duration::from_secs(5);
/// Names are read in blocks of this size.
const BLOCK_BYTES: usize = 64 * 1024;
/// A copy that was packed holds nothing new.
const PACKED: &[&[u8]] = &[b".gz", b".bz2", b".xz", b".zst", b".Z", b".zip"];

/// What names of a kind begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// Whose log it is.
    pub log: DaemonLog,
    /// The beginning of the name; what follows is the unique id of a start.
    pub begins: Vec<u8>,
}

/// Numbers of files of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// In the directory.
    pub files: u64,
    /// That are followed.
    pub followed: u64,
    /// That are not, for want of room, and may still grow.
    pub left_out: u64,
    /// That would be followed and cannot be read.
    pub unreadable: u64,
}

/// A file that is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Whose log it is.
    pub log: DaemonLog,
    /// Where it is.
    pub path: PathBuf,
    /// Which file it is.
    pub id: FileId,
    /// Whether it was begun since the listing before.
    pub appeared: bool,
}

/// What a listing found.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Which files are to be followed.
    pub files: Vec<Found>,
    /// Numbers of the kinds that are looked for.
    pub counts: Vec<(DaemonLog, Counts)>,
    /// Names that could not be remembered: such files are not followed.
    pub left_out: u64,
    /// When it was made, nanoseconds since 1970.
    pub made: u128,
    /// How many files were asked about: those with new names, and twice those that are followed.
    pub asked: u64,
    /// A file that cannot be read, and why.
    pub problem: Option<String>,
}

/// A file that may be followed.
#[derive(Clone, Debug)]
struct Candidate {
    log: DaemonLog,
    name: CString,
    key: u64,
    seen: Seen,
    appeared: bool,
}

impl Candidate {
    /// When something was last seen to happen to it.
    fn changed(&self) -> u128 {
        self.seen.written.max(self.seen.id.born)
    }

    /// By which the first are followed: what is new, then what changed last. Times are coarse.
    fn rank(&self) -> (bool, Reverse<u128>) {
        (!self.appeared, Reverse(self.changed()))
    }

    /// Whether it was written so lately that it may be written again.
    fn may_grow(&self, now: Moment) -> bool {
        now.unix.saturating_sub(self.changed()) <= MAY_GROW.as_nanos()
    }
}

/// What is known from one listing to the next.
#[derive(Debug)]
pub struct Lister {
    directory: PathBuf,
    patterns: Vec<Pattern>,
    seed: u64,
    /// Hashes of name and inode of all files that match, sorted.
    known: Vec<u64>,
    /// The patterns that `known` is of.
    known_patterns: Vec<Pattern>,
    followed: Vec<Candidate>,
    /// When the last listing was made, by a clock that never goes back.
    made: Option<Duration>,
}

/// A moment, by both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Nanoseconds since 1970 by the host's clock, as files have them.
    pub unix: u128,
    /// By a clock that never goes back.
    pub monotonic: Duration,
}

/// What one listing reads.
#[derive(Default)]
struct Names {
    keys: Vec<u64>,
    files: [u64; DaemonLog::ALL.len()],
    new: Vec<Candidate>,
    /// New files that may still grow, by kind, of which there were too many.
    left: [u64; DaemonLog::ALL.len()],
    left_out: u64,
    asked: u64,
}

impl Lister {
    /// Nothing known yet.
    pub fn new(directory: PathBuf, patterns: Vec<Pattern>, seed: u64) -> Self {
        Self {
            directory,
            patterns,
            seed,
            known: Vec::new(),
            known_patterns: Vec::new(),
            followed: Vec::new(),
            made: None,
        }
    }

    /// Which directory it lists.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Goes on with other patterns.
    pub fn go_on_with(&mut self, patterns: Vec<Pattern>) {
        self.patterns = patterns;
    }

    /// Lists the directory, once; `alive` is called now and then.
    ///
    /// # Errors
    ///
    /// When the directory cannot be read. What was known stays known.
    pub fn list(&mut self, now: Moment, mut alive: impl FnMut()) -> io::Result<Listing> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = openat(CWD, &*self.directory, flags, Mode::empty())?;
        let names = self.names(&directory, now, &mut alive)?;
        let present: HashSet<u64> = self.still_there(&names.keys);
        self.followed.retain(|file| present.contains(&file.key));
        self.look_again(&directory);
        let asked = names.asked + self.followed.len() as u64;
        let mut listing = Listing { made: now.unix, left_out: names.left_out, asked, ..Listing::default() };
        self.choose(&directory, now, &names, &mut listing);
        self.known = names.keys;
        self.known.sort_unstable();
        self.known_patterns.clone_from(&self.patterns);
        self.made = Some(now.monotonic);
        Ok(listing)
    }

    /// Reads all names; asks about new ones that match.
    fn names(&self, directory: &OwnedFd, now: Moment, alive: &mut impl FnMut()) -> io::Result<Names> {
        let mut names = Names { keys: Vec::with_capacity(self.known.len()), ..Names::default() };
        let mut buffer = Vec::with_capacity(BLOCK_BYTES);
        let mut entries = RawDir::new(directory, buffer.spare_capacity_mut());
        loop {
            if entries.is_buffer_empty() {
                alive();
            }
            let Some(entry) = entries.next() else { return Ok(names) };
            let entry = entry?;
            let (name, kind) = (entry.file_name(), entry.file_type());
            let Some(pattern) = self.pattern(name.to_bytes()) else { continue };
            if !matches!(kind, FileType::RegularFile | FileType::Unknown) {
                continue;
            }
            names.files[pattern.log as usize] += 1;
            if names.keys.len() >= MOST_KNOWN {
                names.left_out += 1;
                continue;
            }
            let key = xxh3_64_with_seed(name.to_bytes(), self.seed ^ entry.ino());
            names.keys.push(key);
            if self.known.binary_search(&key).is_err() {
                names.asked += 1;
                names.new.extend(self.candidate(directory, name, key, pattern, now)?);
                names.keep_newest(now);
            }
        }
    }

    fn pattern(&self, name: &[u8]) -> Option<&Pattern> {
        let pattern = self.patterns.iter().find(|pattern| name.starts_with(&pattern.begins))?;
        (!PACKED.iter().any(|packed| name.ends_with(packed))).then_some(pattern)
    }

    /// A file whose name is new.
    fn candidate(
        &self,
        directory: &OwnedFd,
        name: &CStr,
        key: u64,
        pattern: &Pattern,
        now: Moment,
    ) -> io::Result<Option<Candidate>> {
        let seen = Seen::at(directory.as_fd(), name)?.filter(|seen| seen.is_regular);
        Ok(seen.map(|seen| Candidate {
            log: pattern.log,
            name: name.to_owned(),
            key,
            seen,
            appeared: self.appeared(pattern, seen.id, now),
        }))
    }

    /// Whether a file whose name is new was begun since the listing before. One that was only renamed was not.
    fn appeared(&self, pattern: &Pattern, id: FileId, now: Moment) -> bool {
        let Some(made) = self.made.filter(|_| self.known_patterns.contains(pattern)) else { return false };
        if self.followed.iter().any(|file| file.seen.id == id) {
            return false;
        }
        let since = now.monotonic.saturating_sub(made) + GRAIN;
        id.born == 0 || now.unix.saturating_sub(id.born) <= since.as_nanos()
    }

    /// The keys of followed files that are there.
    fn still_there(&self, keys: &[u64]) -> HashSet<u64> {
        let followed: HashSet<u64> = self.followed.iter().map(|file| file.key).collect();
        keys.iter().copied().filter(|key| followed.contains(key)).collect()
    }

    /// What has been written since the last listing.
    fn look_again(&mut self, directory: &OwnedFd) {
        for file in &mut self.followed {
            file.appeared = false;
            if let Ok(Some(seen)) = Seen::at(directory.as_fd(), &*file.name) {
                file.seen = seen;
            }
        }
    }

    /// Of each kind the files that changed last.
    fn choose(&mut self, directory: &OwnedFd, now: Moment, names: &Names, listing: &mut Listing) {
        self.followed.extend_from_slice(&names.new);
        self.followed.sort_by_key(Candidate::rank);
        let mut counts = [Counts::default(); DaemonLog::ALL.len()];
        let (root, mut denied) = (&self.directory, None);
        self.followed.retain(|file| {
            let counts = &mut counts[file.log as usize];
            if counts.followed + counts.unreadable >= most_of(file.log) as u64 {
                counts.left_out += u64::from(file.may_grow(now));
                return false;
            }
            listing.asked += 1;
            match accessat(directory, &*file.name, Access::READ_OK, AtFlags::EACCESS) {
                Ok(()) => counts.followed += 1,
                Err(Errno::NOENT) => return false,
                Err(error) => {
                    counts.unreadable += 1;
                    denied = Some(io::Error::from(error));
                    return true;
                }
            }
            let path = root.join(OsStr::from_bytes(file.name.to_bytes()));
            listing.files.push(Found { log: file.log, path, id: file.seen.id, appeared: file.appeared });
            true
        });
        // Names of files may come from outside.
        let unreadable: u64 = counts.iter().map(|counts| counts.unreadable).sum();
        listing.problem =
            denied.map(|error| format!("{unreadable} logs of daemons in {}: {error}", root.display()));
        let wanted = |log: &&DaemonLog| self.patterns.iter().any(|pattern| pattern.log == **log);
        let of = |log: DaemonLog| names.counted(log, counts[log as usize]);
        listing.counts = DaemonLog::ALL.iter().filter(wanted).map(|&log| (log, of(log))).collect();
    }
}

impl Names {
    /// The numbers of a kind, of which it is known how many are followed.
    fn counted(&self, log: DaemonLog, counts: Counts) -> Counts {
        let left_out = counts.left_out + self.left[log as usize];
        Counts { files: self.files[log as usize], left_out, ..counts }
    }

    /// Of very many new files only the newest will be followed.
    fn keep_newest(&mut self, now: Moment) {
        let most = DaemonLog::ALL.iter().map(|&log| most_of(log)).sum::<usize>();
        if self.new.len() < 2 * most {
            return;
        }
        let mut kept = [0; DaemonLog::ALL.len()];
        self.new.sort_by_key(Candidate::rank);
        self.new.retain(|file| {
            kept[file.log as usize] += 1;
            let stays = kept[file.log as usize] <= most_of(file.log);
            self.left[file.log as usize] += u64::from(!stays && file.may_grow(now));
            stays
        });
    }
}

fn most_of(log: DaemonLog) -> usize {
    if log == DaemonLog::Channel { MOST_FOLLOWED_OF_CHANNELS } else { MOST_FOLLOWED }
}

#[cfg(test)]
mod tests;
