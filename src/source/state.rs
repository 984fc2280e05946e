//! The state file: one snapshot, versioned and checksummed, replaced as a whole.
//!
//! Layout: a line `imsimta-exporter state <version> <payload bytes> <XXH3 of the payload, hex>`, then the
//! payload in MessagePack with named fields, so that a later release can add some. Written as a
//! temporary file, synced, renamed over the old one, and the directory synced: after a crash there
//! is the old snapshot or the new one, never a mixture.
//!
//! What is there and was not read is never written over: it is set aside, or the start is refused.
//! `directory.rs` says which directory is used, and which files in it; `claim.rs` gives what root left
//! behind to the user that the program goes on as.

mod claim;
mod directory;

use std::fs::{File, Metadata};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use rustix::fs::{AtFlags, Gid, Mode, OFlags, Uid};
use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::xxh3_64;

pub use claim::claim;
pub use directory::StateDirectory;

/// The version that this program writes and reads.
const VERSION: u32 = 2;
const MAGIC: &str = "imsimta-exporter state ";
/// With all tables full there are 4 MB. A larger file is not one of ours; it is set aside unread.
const MAX_BYTES: u64 = 64 << 20;
/// The first line is shorter.
const MAX_HEADER_BYTES: u64 = 128;
/// So many files that were set aside are kept, the newest.
const MAX_SET_ASIDE: usize = 5;

const STATE: &str = "state";
const TEMPORARY: &str = "state.new";
const SET_ASIDE: &str = "state.set-aside";

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
    /// The snapshot could not be encoded.
    #[error("the state could not be encoded: {0}")]
    Encode(#[from] rmp_serde::encode::Error),
}

/// What was found at the start.
#[derive(Debug)]
pub enum Loaded<T> {
    /// Nothing: a first start.
    Absent,
    /// The last snapshot.
    Snapshot(T),
    /// Something that is not a snapshot of this version, now under another name.
    SetAside {
        /// What was wrong with it.
        why: String,
        /// Its new name.
        path: PathBuf,
    },
}

/// Which file this process has read or written last, so that no other is written over: by its size and the
/// time of its last change. Not by its inode: some network file systems make up another number each time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    bytes: u64,
    modified: (i64, i64),
}

impl Known {
    fn of(file: &Metadata) -> Self {
        Self { bytes: file.len(), modified: (file.mtime(), file.mtime_nsec()) }
    }
}

impl StateDirectory {
    /// Reads the last snapshot. What cannot be understood is kept under another name, for whoever
    /// wants to know why.
    ///
    /// # Errors
    ///
    /// When the file is there and may not be used, or cannot be read or renamed.
    pub fn load<T: DeserializeOwned>(&self) -> Result<Loaded<T>, StateError> {
        let Some((file, metadata)) = self.open_file(STATE)? else { return Ok(Loaded::Absent) };
        match read(file, metadata.len()).map_err(|source| self.failed(STATE, source))? {
            Ok(snapshot) => {
                self.knows(Known::of(&metadata));
                Ok(Loaded::Snapshot(snapshot))
            }
            Err(why) => Ok(Loaded::SetAside { why, path: self.set_aside()? }),
        }
    }

    /// Replaces the snapshot by one that [`encode`] made. A file that is neither the one that was read
    /// nor the one that was written last is set aside before; its new name is returned.
    ///
    /// # Errors
    ///
    /// What the kernel said, or what stands in the way; the old snapshot stays.
    pub fn save(&self, encoded: &[u8]) -> Result<Option<PathBuf>, StateError> {
        let failed = |source| self.failed(TEMPORARY, source);
        self.remove_leftover()?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = rustix::fs::openat(self.fd(), TEMPORARY, flags, Mode::RUSR | Mode::WUSR);
        let mut file = File::from(made.map_err(|errno| failed(errno.into()))?);
        if let Some((user, group)) = self.owner_to_give() {
            // What root writes by hand, the service can read again.
            rustix::fs::fchown(&file, Some(Uid::from_raw(user)), Some(Gid::from_raw(group)))
                .map_err(|errno| failed(errno.into()))?;
        }
        file.write_all(encoded).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        let written = file.metadata().map_err(failed)?;
        let there = self.look(STATE)?.map(|there| Known::of(&there));
        let stranger = there.filter(|&there| there != self.known()).map(|_| self.set_aside()).transpose()?;
        rustix::fs::renameat(self.fd(), TEMPORARY, self.fd(), STATE).map_err(|errno| failed(errno.into()))?;
        self.knows(Known::of(&written));
        rustix::fs::fsync(self.fd()).map_err(|errno| failed(errno.into()))?;
        Ok(stranger)
    }

    /// Removes what a save that was cut short left behind, and nothing else.
    fn remove_leftover(&self) -> Result<(), StateError> {
        let Some(leftover) = self.look(TEMPORARY)? else { return Ok(()) };
        if !leftover.is_file() || !self.trusts(leftover.uid()) {
            return Err(self.refused(TEMPORARY, "stands in the way and is none of ours; remove it".into()));
        }
        rustix::fs::unlinkat(self.fd(), TEMPORARY, AtFlags::empty())
            .map_err(|errno| self.failed(TEMPORARY, errno.into()))
    }

    /// Gives the file that is there the next number, and removes the oldest of too many.
    fn set_aside(&self) -> Result<PathBuf, StateError> {
        let mut numbers = self.numbers_set_aside()?;
        let next = numbers.last().map_or(1, |last| last.saturating_add(1));
        let name = aside(next);
        rustix::fs::renameat(self.fd(), STATE, self.fd(), &name)
            .map_err(|errno| self.failed(STATE, errno.into()))?;
        numbers.push(next);
        for &old in &numbers[..numbers.len().saturating_sub(MAX_SET_ASIDE)] {
            // That it stays costs no more than its space.
            rustix::fs::unlinkat(self.fd(), aside(old), AtFlags::empty()).ok();
        }
        Ok(self.path().join(name))
    }

    /// The numbers of the files that were set aside, in order.
    fn numbers_set_aside(&self) -> Result<Vec<u32>, StateError> {
        let mut numbers = Vec::new();
        let failed = |errno: rustix::io::Errno| self.failed("", errno.into());
        for entry in rustix::fs::Dir::read_from(self.fd()).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let rest = entry.file_name().to_str().ok().and_then(|name| name.strip_prefix(SET_ASIDE));
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

fn aside(number: u32) -> String {
    if number == 0 { SET_ASIDE.to_owned() } else { format!("{SET_ASIDE}.{number}") }
}

/// A snapshot as the bytes of a state file.
///
/// # Errors
///
/// When a value cannot be represented.
pub fn encode<T: Serialize>(snapshot: &T) -> Result<Vec<u8>, StateError> {
    let payload = rmp_serde::to_vec_named(snapshot)?;
    let mut bytes = format!("{MAGIC}{VERSION} {} {:016x}\n", payload.len(), xxh3_64(&payload)).into_bytes();
    bytes.extend_from_slice(&payload);
    Ok(bytes)
}

/// Reads a file of this size: its first line, and the rest when that says that it is one of ours. The
/// inner error is what is wrong with it.
fn read<T: DeserializeOwned>(file: File, size: u64) -> io::Result<Result<T, String>> {
    let mut bytes = Vec::new();
    (&file).take(MAX_HEADER_BYTES).read_to_end(&mut bytes)?;
    let (header, hash) = match header(&bytes, size) {
        Ok(found) => found,
        Err(why) => return Ok(Err(why)),
    };
    file.take(MAX_BYTES).read_to_end(&mut bytes)?;
    let payload = &bytes[header..];
    if hash != format!("{:016x}", xxh3_64(payload)) {
        return Ok(Err("the checksum differs".into()));
    }
    Ok(rmp_serde::from_slice(payload).map_err(|error| format!("a value is not as expected: {error}")))
}

/// How long the first line is, and the hash that it gives.
fn header(bytes: &[u8], size: u64) -> Result<(usize, String), String> {
    if size > MAX_BYTES {
        return Err(format!("{size} bytes are more than a state can have"));
    }
    let newline = memchr::memchr(b'\n', bytes).ok_or("no header line")?;
    let header = std::str::from_utf8(&bytes[..newline]).map_err(|_| "the header is not text")?;
    let fields = header.strip_prefix(MAGIC).ok_or("the header is not one of a state file")?;
    let mut fields = fields.split_ascii_whitespace();
    let version = fields.next().ok_or("the header has no version")?;
    if version != VERSION.to_string() {
        return Err(format!("version {version}, this program reads version {VERSION}"));
    }
    if fields.next() != Some((size - newline as u64 - 1).to_string().as_str()) {
        return Err("the length differs from the header".into());
    }
    Ok((newline + 1, fields.next().unwrap_or_default().to_owned()))
}

#[cfg(test)]
mod tests;
