//! Which files of daemons there are in the log directory, and which of them may still grow.
//!
//! Each start of a daemon begins a file of its own, and on a busy host there may be very many of them. So names are read in
//! blocks, a file is asked about once, when its name is new, and only the last of each kind are looked at again: more than
//! there is room to follow, since any of them may be written next.

use std::cmp::Reverse;
use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Access, AtFlags, CWD, FileType, Mode, OFlags, RawDir, accessat, openat};
use rustix::io::Errno;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use self::head::Head;
use super::follow::FileId;
use super::follow::single::Seen;
use crate::record::daemon_log::DaemonLog;

mod head;

/// So many files of a daemon are followed, those that were written or begun last.
pub const MOST_FOLLOWED: usize = 64;
/// The same of all channels together: they begin a file for each connection or job.
pub const MOST_FOLLOWED_OF_CHANNELS: usize = 256;
/// For each file of a kind that may be followed so many others are looked at again, should they be written.
pub const WAITING_EACH: usize = 2;
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

/// One of each kind.
type PerKind<T> = [T; DaemonLog::ALL.len()];

const NANOSECONDS: u128 = 1_000_000_000;

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
    /// Its size in bytes.
    pub bytes: u64,
    /// Whether it was begun since the listing before.
    pub appeared: bool,
    /// Whether it was made as a copy of another.
    pub is_copy: bool,
}

/// What a listing found.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Which files are to be followed.
    pub files: Vec<Found>,
    /// Those that will be when they can be read, or when others are written no more.
    pub waiting: Vec<Found>,
    /// Numbers of the kinds that are looked for.
    pub counts: Vec<(DaemonLog, Counts)>,
    /// Names that could not be remembered: such files are not followed.
    pub left_out: u64,
    /// When it was made, nanoseconds since 1970.
    pub made: u128,
    /// How many files were asked about: those with new names, those that are followed, these twice, and those that wait. What
    /// they begin with is read beside, until that is known.
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
    is_copy: bool,
    head: Head,
    /// Whether it could not be read last.
    denied: bool,
}

/// A file that is not looked at again.
#[derive(Clone, Copy, Debug)]
struct Forgotten {
    key: u64,
    log: DaemonLog,
    /// When something was last seen to happen to it, in seconds since 1970.
    changed: u32,
}

impl Forgotten {
    fn of(file: &Candidate) -> Self {
        let changed = u32::try_from(file.changed() / NANOSECONDS).unwrap_or(u32::MAX);
        Self { key: file.key, log: file.log, changed }
    }

    fn may_grow(&self, now: Moment) -> bool {
        may_grow(u128::from(self.changed) * NANOSECONDS, now)
    }
}

impl Candidate {
    /// When something was last seen to happen to it.
    fn changed(&self) -> u128 {
        self.seen.written.max(self.seen.id.born)
    }

    /// By which the first are followed: what is new, then what changed last. Times are coarse.
    fn rank(&self) -> (bool, Reverse<u128>) {
        (!self.appeared || self.denied, Reverse(self.changed()))
    }

    fn found(&self, root: &Path) -> Found {
        let path = root.join(OsStr::from_bytes(self.name.to_bytes()));
        let (Seen { id, bytes, .. }, appeared, is_copy) = (self.seen, self.appeared, self.is_copy);
        Found { log: self.log, path, id, bytes, appeared, is_copy }
    }

    /// Looks at it again.
    fn look(&mut self, directory: &OwnedFd) {
        if let Ok(Some(seen)) = Seen::at(directory.as_fd(), &*self.name) {
            let before = std::mem::replace(&mut self.seen, seen);
            self.head.look(directory.as_fd(), &self.name, Some(before), seen);
        }
    }

    /// Whether this one, whose name is new, is a copy of another.
    fn is_copy_of(&self, other: &Self) -> bool {
        self.log == other.log && self.seen.id != other.seen.id && self.head.is_copy_of(&other.head)
    }

    /// Whether it was written so lately that it may be written again.
    fn may_grow(&self, now: Moment) -> bool {
        may_grow(self.changed(), now)
    }
}

fn may_grow(changed: u128, now: Moment) -> bool {
    now.unix.saturating_sub(changed) <= MAY_GROW.as_nanos()
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
    /// Those that are followed and those that wait.
    candidates: Vec<Candidate>,
    /// Those beyond them that may still grow.
    forgotten: Vec<Forgotten>,
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
    files: PerKind<u64>,
    new: Vec<Candidate>,
    /// New files of which there were too many.
    forgotten: Vec<Forgotten>,
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
            candidates: Vec::new(),
            forgotten: Vec::new(),
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
        let mut names = self.names(&directory, now, &mut alive)?;
        self.known = std::mem::take(&mut names.keys);
        self.known.sort_unstable();
        let gone = |file: &mut Candidate| self.known.binary_search(&file.key).is_err();
        let gone: Vec<Candidate> = self.candidates.extract_if(.., gone).collect();
        self.look_again(&directory);
        self.tell_copies(&directory, &gone, &mut names.new, &mut alive);
        let asked = names.asked + self.candidates.len() as u64;
        let mut listing = Listing { made: now.unix, left_out: names.left_out, asked, ..Listing::default() };
        self.candidates.append(&mut names.new);
        self.forgotten.append(&mut names.forgotten);
        let counts = self.choose(&directory, now, &mut listing);
        listing.counts = self.counted(&names, counts, now);
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
            appeared: self.appeared(pattern, seen, now),
            // A copy that keeps times is older than itself.
            is_copy: seen.written < seen.id.born,
            head: Head::default(),
            denied: false,
        }))
    }

    /// Whether a file whose name is new was begun since the listing before. One that was only renamed was not.
    fn appeared(&self, pattern: &Pattern, seen: Seen, now: Moment) -> bool {
        let Some(made) = self.made.filter(|_| self.known_patterns.contains(pattern)) else { return false };
        if self.candidates.iter().any(|file| file.seen.id == seen.id) {
            return false;
        }
        let since = now.monotonic.saturating_sub(made) + GRAIN;
        // Where nobody knows when it was begun, it was not after it was written.
        let begun = if seen.id.born == 0 { seen.written } else { seen.id.born };
        now.unix.saturating_sub(begun) <= since.as_nanos()
    }

    /// What has been written since the last listing.
    fn look_again(&mut self, directory: &OwnedFd) {
        for file in &mut self.candidates {
            // One that nobody could read is as new as before, when somebody can.
            file.appeared &= file.denied;
            file.look(directory);
        }
    }

    /// Which of the new files are copies: of those that were known, or of new ones that are older.
    fn tell_copies(
        &self,
        directory: &OwnedFd,
        gone: &[Candidate],
        new: &mut [Candidate],
        alive: &mut impl FnMut(),
    ) {
        for file in &mut *new {
            alive();
            file.head.look(directory.as_fd(), &file.name, None, file.seen);
        }
        new.sort_by_key(|file| file.seen.id.born);
        for index in 0..new.len() {
            let (older, rest) = new.split_at_mut(index);
            let Some(file) = rest.first_mut() else { break };
            let born = file.seen.id.born;
            let older = older.iter().filter(|other| (1..born).contains(&other.seen.id.born));
            let mut others = self.candidates.iter().chain(gone).chain(older);
            file.is_copy = file.is_copy || others.any(|other| file.is_copy_of(other));
            file.appeared &= !file.is_copy;
        }
    }

    /// Of each kind the files that changed last.
    fn choose(&mut self, directory: &OwnedFd, now: Moment, listing: &mut Listing) -> PerKind<Counts> {
        self.candidates.sort_by_key(Candidate::rank);
        let (mut all, mut waiting) = (PerKind::<Counts>::default(), PerKind::<usize>::default());
        let (root, mut denied) = (&self.directory, None);
        let mut forgotten = Vec::new();
        self.candidates.retain_mut(|file| {
            let (counts, waiting) = (&mut all[file.log as usize], &mut waiting[file.log as usize]);
            if counts.followed + counts.unreadable >= most_of(file.log) as u64 {
                *waiting += 1;
                if *waiting > most_waiting(file.log) {
                    forgotten.push(Forgotten::of(file));
                    return false;
                }
                counts.left_out += u64::from(file.may_grow(now));
                listing.waiting.push(file.found(root));
                return true;
            }
            listing.asked += 1;
            let can_be_read = accessat(directory, &*file.name, Access::READ_OK, AtFlags::EACCESS);
            file.denied = can_be_read.is_err();
            match can_be_read {
                Ok(()) => {
                    counts.followed += 1;
                    listing.files.push(file.found(root));
                }
                Err(Errno::NOENT) => return false,
                Err(error) => {
                    counts.unreadable += 1;
                    denied = Some(io::Error::from(error));
                    listing.waiting.push(file.found(root));
                }
            }
            true
        });
        self.forgotten.extend(forgotten);
        // Names of files may come from outside.
        let unreadable: u64 = all.iter().map(|counts| counts.unreadable).sum();
        listing.problem =
            denied.map(|error| format!("{unreadable} logs of daemons in {}: {error}", root.display()));
        all
    }

    /// The numbers of the kinds that are looked for.
    fn counted(
        &mut self,
        names: &Names,
        mut counts: PerKind<Counts>,
        now: Moment,
    ) -> Vec<(DaemonLog, Counts)> {
        self.forgotten.retain(|file| file.may_grow(now) && self.known.binary_search(&file.key).is_ok());
        self.forgotten.iter().for_each(|file| counts[file.log as usize].left_out += 1);
        let wanted = |log: &&DaemonLog| self.patterns.iter().any(|pattern| pattern.log == **log);
        let of = |log: DaemonLog| Counts { files: names.files[log as usize], ..counts[log as usize] };
        DaemonLog::ALL.iter().filter(wanted).map(|&log| (log, of(log))).collect()
    }
}

impl Names {
    /// Of very many new files only the newest will be followed or looked at again.
    fn keep_newest(&mut self, now: Moment) {
        let kept_of = |log| most_of(log) + most_waiting(log);
        let most = DaemonLog::ALL.iter().map(|&log| kept_of(log)).sum::<usize>();
        if self.new.len() < 2 * most {
            return;
        }
        let mut kept = PerKind::<usize>::default();
        self.new.sort_by_key(Candidate::rank);
        self.new.retain(|file| {
            kept[file.log as usize] += 1;
            let stays = kept[file.log as usize] <= kept_of(file.log);
            if !stays && file.may_grow(now) {
                self.forgotten.push(Forgotten::of(file));
            }
            stays
        });
    }
}

fn most_of(log: DaemonLog) -> usize {
    if log == DaemonLog::Channel { MOST_FOLLOWED_OF_CHANNELS } else { MOST_FOLLOWED }
}

fn most_waiting(log: DaemonLog) -> usize {
    WAITING_EACH * most_of(log)
}

#[cfg(test)]
mod tests;
