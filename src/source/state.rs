//! The state file, and those of the history and of what is usual beside it: bytes that are replaced as a whole. Written as a temporary file, synced, renamed over the old
//! one, and the directory synced: after a crash there is the old state or the new one, never a mixture.
//!
//! What is there and was not read is never written over: it is set aside, or the start is refused.
//! `sections.rs` is the frame of what is written; what the sections hold is their owners' matter.
//! `directory.rs` says which directory is used, and which files in it; `claim.rs` gives what root left
//! behind to the user that the program goes on as.

mod claim;
mod directory;
pub mod sections;

use std::fs::{File, Metadata};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

pub use claim::claim;
pub use directory::StateDirectory;
use rustix::fs::{AtFlags, Gid, Mode, OFlags, Uid};

/// What a state file of any version begins with; the version follows.
pub const MAGIC: &[u8] = b"imsimta-exporter state ";
/// With all tables full there are 4 MB. A larger file is not one of ours; it is set aside unread.
const MAX_BYTES: u64 = 64 << 20;
/// So many files that were set aside are kept, the newest.
const MAX_SET_ASIDE: usize = 5;

/// What has a file of its own in the directory, which is replaced as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Places and sums.
    State,
    /// What happened lately: larger, and written less often.
    History,
    /// What is usual.
    Baseline,
}

impl Part {
    /// All of them, in the order in which they are written.
    pub const ALL: [Self; 3] = [Self::State, Self::History, Self::Baseline];

    /// Its name, and what messages call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::History => "history",
            Self::Baseline => "baseline",
        }
    }

    /// What it is written as before it takes its place.
    fn temporary(self) -> String {
        format!("{}.new", self.name())
    }

    /// How the names begin under which files are set aside that were in its place.
    fn set_aside(self) -> String {
        format!("{}.set-aside", self.name())
    }

    fn aside(self, number: u32) -> String {
        let name = self.set_aside();
        if number == 0 { name } else { format!("{name}.{number}") }
    }
}

/// Why a snapshot was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The kernel refused; the path says where.
    #[error("{path}: {source}")]
    Io {
        /// The state directory or a file in it.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no directory, and none can be made.
    #[error("{path}: {source}")]
    NoDirectory {
        /// What is configured.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process holds the lock of the state directory.
    #[error("{path}: in use by another running imsimta-exporter; give each its own --state-dir{hint}")]
    InUse {
        /// The state directory.
        path: PathBuf,
        /// What else it can be.
        hint: &'static str,
    },
    /// It is there, and must be neither used nor written over.
    #[error("{path}: {why}")]
    Refused {
        /// The state directory or a file in it.
        path: PathBuf,
        /// Why, and what to do.
        why: String,
    },
}

/// What was found at the start.
#[derive(Debug)]
pub enum Loaded<T> {
    /// Nothing: a first start.
    Absent,
    /// The last state.
    Whole(T),
    /// What could be understood of it; the file as it was has another name now.
    Partly {
        /// What could be understood.
        value: T,
        /// What was wrong with the rest.
        why: String,
        /// Its new name.
        path: PathBuf,
    },
    /// Something that is no state of a known version, now under another name.
    SetAside {
        /// What was wrong with it.
        why: String,
        /// Its new name.
        path: PathBuf,
    },
}

/// Which files this process has read or written last, so that no other is written over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known([Option<Look>; Part::ALL.len()]);

/// A file by its size and the time of its last change. Not by its inode: some network file systems make up another
/// number each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    bytes: u64,
    modified: (i64, i64),
}

impl Look {
    fn of(file: &Metadata) -> Self {
        Self { bytes: file.len(), modified: (file.mtime(), file.mtime_nsec()) }
    }
}

impl StateDirectory {
    /// Reads the last state. `decode` gives what it understands, and what is wrong with the rest; or what is wrong
    /// with all of it. What cannot be understood is kept under another name, for whoever wants to know why.
    ///
    /// # Errors
    ///
    /// When the file is there and may not be used, or cannot be read or renamed.
    pub fn load<T>(
        &self,
        decode: impl FnOnce(&[u8]) -> Result<(T, Option<String>), String>,
    ) -> Result<Loaded<T>, StateError> {
        self.load_part(Part::State, decode)
    }

    /// The same for any file.
    ///
    /// # Errors
    ///
    /// As [`StateDirectory::load`].
    pub fn load_part<T>(
        &self,
        file: Part,
        decode: impl FnOnce(&[u8]) -> Result<(T, Option<String>), String>,
    ) -> Result<Loaded<T>, StateError> {
        let Some((open, metadata)) = self.open_file(file.name())? else { return Ok(Loaded::Absent) };
        let bytes = read(open, metadata.len()).map_err(|source| self.failed(file.name(), source))?;
        match bytes.and_then(|bytes| decode(&bytes)) {
            Ok((value, None)) => {
                self.knows(file, Look::of(&metadata));
                Ok(Loaded::Whole(value))
            }
            Ok((value, Some(why))) => Ok(Loaded::Partly { value, why, path: self.set_aside(file)? }),
            Err(why) => Ok(Loaded::SetAside { why, path: self.set_aside(file)? }),
        }
    }

    /// Gives the state that is there a second name, which keeps what it holds when another takes its place. What had
    /// that name before is gone.
    ///
    /// # Errors
    ///
    /// What the kernel said; some file systems have no second names.
    pub fn keep_as(&self, name: &str) -> Result<(), StateError> {
        let failed = |errno: rustix::io::Errno| self.failed(name, errno.into());
        match rustix::fs::unlinkat(self.fd(), name, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => {}
            Err(errno) => return Err(failed(errno)),
        }
        rustix::fs::linkat(self.fd(), Part::State.name(), self.fd(), name, AtFlags::empty()).map_err(failed)
    }

    /// Replaces the state. A file that is neither the one that was read
    /// nor the one that was written last is set aside before; its new name is returned.
    ///
    /// # Errors
    ///
    /// What the kernel said, or what stands in the way; the old state stays.
    pub fn save(&self, encoded: &[u8]) -> Result<Option<PathBuf>, StateError> {
        self.save_part(Part::State, encoded)
    }

    /// The same for any file.
    ///
    /// # Errors
    ///
    /// As [`StateDirectory::save`].
    pub fn save_part(&self, kept: Part, encoded: &[u8]) -> Result<Option<PathBuf>, StateError> {
        let temporary = &*kept.temporary();
        let failed = |source| self.failed(temporary, source);
        self.remove_leftover(temporary)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = rustix::fs::openat(self.fd(), temporary, flags, Mode::RUSR | Mode::WUSR);
        let mut file = File::from(made.map_err(|errno| failed(errno.into()))?);
        if let Some((user, group)) = self.owner_to_give() {
            // What root writes by hand, the service can read again.
            rustix::fs::fchown(&file, Some(Uid::from_raw(user)), Some(Gid::from_raw(group)))
                .map_err(|errno| failed(errno.into()))?;
        }
        file.write_all(encoded).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        let written = file.metadata().map_err(failed)?;
        let there = self.look(kept.name())?.map(|there| Look::of(&there));
        let stranger = there.is_some() && there != self.known().0[kept as usize];
        let stranger = stranger.then(|| self.set_aside(kept)).transpose()?;
        rustix::fs::renameat(self.fd(), temporary, self.fd(), kept.name())
            .map_err(|errno| failed(errno.into()))?;
        self.knows(kept, Look::of(&written));
        rustix::fs::fsync(self.fd()).map_err(|errno| failed(errno.into()))?;
        Ok(stranger)
    }

    /// Removes what a save that was cut short left behind, and nothing else.
    fn remove_leftover(&self, temporary: &str) -> Result<(), StateError> {
        let Some(leftover) = self.look(temporary)? else { return Ok(()) };
        if !leftover.is_file() || !self.trusts(leftover.uid()) {
            return Err(self.refused(temporary, "stands in the way and is none of ours; remove it".into()));
        }
        rustix::fs::unlinkat(self.fd(), temporary, AtFlags::empty())
            .map_err(|errno| self.failed(temporary, errno.into()))
    }

    /// Gives the file that is there the next number, and removes the oldest of too many.
    fn set_aside(&self, file: Part) -> Result<PathBuf, StateError> {
        let mut numbers = self.numbers_set_aside(file)?;
        let next = numbers.last().map_or(1, |last| last.saturating_add(1));
        let name = file.aside(next);
        rustix::fs::renameat(self.fd(), file.name(), self.fd(), &name)
            .map_err(|errno| self.failed(file.name(), errno.into()))?;
        numbers.push(next);
        for &old in &numbers[..numbers.len().saturating_sub(MAX_SET_ASIDE)] {
            // That it stays costs no more than its space.
            rustix::fs::unlinkat(self.fd(), file.aside(old), AtFlags::empty()).ok();
        }
        Ok(self.path().join(name))
    }

    /// The numbers of the files that were set aside, in order.
    fn numbers_set_aside(&self, file: Part) -> Result<Vec<u32>, StateError> {
        let mut numbers = Vec::new();
        let failed = |errno: rustix::io::Errno| self.failed("", errno.into());
        let set_aside = file.set_aside();
        for entry in rustix::fs::Dir::read_from(self.fd()).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let rest = entry.file_name().to_str().ok().and_then(|name| name.strip_prefix(&set_aside));
            numbers.extend(rest.and_then(number_of));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }
}

/// The first releases gave no number.
fn number_of(rest: &str) -> Option<u32> {
    if rest.is_empty() { Some(0) } else { rest.strip_prefix('.')?.parse().ok() }
}

/// Reads a file of this size when its beginning says that it is one of ours. The inner error is what is wrong
/// with it.
fn read(mut file: File, size: u64) -> io::Result<Result<Vec<u8>, String>> {
    if size > MAX_BYTES {
        return Ok(Err(format!("{size} bytes are more than a state can have")));
    }
    let mut bytes = vec![0; MAGIC.len()];
    match file.read_exact(&mut bytes) {
        Ok(()) if bytes == MAGIC => {}
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error),
        _ => return Ok(Err("it does not begin as a state file".to_owned())),
    }
    file.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(Ok(bytes))
}

#[cfg(test)]
mod tests;
