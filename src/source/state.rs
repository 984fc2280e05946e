//! The state file: one snapshot, versioned and checksummed, replaced as a whole.
//!
//! Layout: a line `imsimta-exporter state <version> <payload bytes> <XXH3 of the payload, hex>`, then the
//! payload in MessagePack with named fields, so that a later release can add some. Written as a
//! temporary file, synced, renamed over the old one, and the directory synced: after a crash there
//! is the old snapshot or the new one, never a mixture.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::xxh3_64;

/// The version that this program writes and reads.
const VERSION: u32 = 2;
const MAGIC: &str = "imsimta-exporter state";
/// A larger file is not one of ours; it is set aside unread.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

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
    /// Something else stands there.
    #[error("{path}: not a directory")]
    NotADirectory {
        /// What is configured.
        path: PathBuf,
    },
    /// Another process holds the lock in the state directory.
    #[error("{path}: in use by another running imsimta-exporter; give each its own --state-dir")]
    InUse {
        /// The state directory.
        path: PathBuf,
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

/// The directory that holds the state, locked for this process.
#[derive(Debug)]
pub struct StateDirectory {
    path: PathBuf,
    /// Held open for its lock.
    _lock: File,
}

impl StateDirectory {
    /// Makes the directory when it is not there (mode 0700) and locks it.
    ///
    /// # Errors
    ///
    /// [`StateError::InUse`] when another process runs on it, else what the kernel said.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let failed = |source| StateError::Io { path: path.to_owned(), source };
        if path.exists() && !path.is_dir() {
            return Err(StateError::NotADirectory { path: path.to_owned() });
        }
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        let lock = path.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(lock)
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(std::fs::TryLockError::WouldBlock) => Err(StateError::InUse { path: path.to_owned() }),
            Err(std::fs::TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Reads the last snapshot. What cannot be understood is kept under another name, for whoever
    /// wants to know why.
    ///
    /// # Errors
    ///
    /// When the file is there and cannot be read or renamed.
    pub fn load<T: DeserializeOwned>(&self) -> Result<Loaded<T>, StateError> {
        let path = self.file();
        let failed = |source| StateError::Io { path: path.clone(), source };
        let mut bytes = Vec::new();
        match File::open(&path) {
            Ok(file) => file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Loaded::Absent),
            Err(error) => return Err(failed(error)),
        };
        match decode(&bytes) {
            Ok(snapshot) => Ok(Loaded::Snapshot(snapshot)),
            Err(why) => {
                let aside = self.path.join("state.set-aside");
                std::fs::rename(&path, &aside).map_err(failed)?;
                Ok(Loaded::SetAside { why, path: aside })
            }
        }
    }

    /// Replaces the snapshot by one that [`encode`] made.
    ///
    /// # Errors
    ///
    /// What the kernel said; the old snapshot stays.
    pub fn save(&self, encoded: &[u8]) -> Result<(), StateError> {
        let temporary = self.path.join("state.new");
        let failed = |source| StateError::Io { path: temporary.clone(), source };
        let mut options = OpenOptions::new();
        let mut file =
            options.create(true).truncate(true).write(true).mode(0o600).open(&temporary).map_err(failed)?;
        file.write_all(encoded).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        std::fs::rename(&temporary, self.file()).map_err(failed)?;
        File::open(&self.path).and_then(|directory| directory.sync_all()).map_err(failed)
    }

    fn file(&self) -> PathBuf {
        self.path.join("state")
    }
}

/// A snapshot as the bytes of a state file.
///
/// # Errors
///
/// When a value cannot be represented.
pub fn encode<T: Serialize>(snapshot: &T) -> Result<Vec<u8>, StateError> {
    let payload = rmp_serde::to_vec_named(snapshot)?;
    let mut bytes = format!("{MAGIC} {VERSION} {} {:016x}\n", payload.len(), xxh3_64(&payload)).into_bytes();
    bytes.extend_from_slice(&payload);
    Ok(bytes)
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let newline = memchr::memchr(b'\n', &bytes[..bytes.len().min(128)]).ok_or("no header line")?;
    let (header, payload) = (&bytes[..newline], &bytes[newline + 1..]);
    let header = std::str::from_utf8(header).map_err(|_| "the header is not text")?;
    let fields = header.strip_prefix(MAGIC).ok_or("the header is not one of a state file")?;
    let mut fields = fields.split_ascii_whitespace();
    let version = fields.next().ok_or("the header has no version")?;
    if version != VERSION.to_string() {
        return Err(format!("version {version}, this program reads version {VERSION}"));
    }
    if fields.next() != Some(payload.len().to_string().as_str()) {
        return Err("the length differs from the header".into());
    }
    if fields.next() != Some(format!("{:016x}", xxh3_64(payload)).as_str()) {
        return Err("the checksum differs".into());
    }
    rmp_serde::from_slice(payload).map_err(|error| format!("a value is not as expected: {error}"))
}

#[cfg(test)]
mod tests {
    use super::{Loaded, StateDirectory, StateError, encode};

    fn directory() -> (tempfile::TempDir, StateDirectory) {
        let parent = tempfile::tempdir().expect("a temporary directory");
        let state = StateDirectory::open(&parent.path().join("a/b")).expect("made");
        (parent, state)
    }

    #[test]
    fn what_was_saved_is_loaded() {
        let (_parent, state) = directory();
        assert!(matches!(state.load::<Vec<u32>>(), Ok(Loaded::Absent)));
        for snapshot in [vec![1, 2], vec![3]] {
            state.save(&encode(&snapshot).expect("encoded")).expect("saved");
            assert!(matches!(state.load::<Vec<u32>>(), Ok(Loaded::Snapshot(loaded)) if loaded == snapshot));
        }
    }

    #[test]
    fn damage_is_set_aside() {
        let good = encode(&vec![1, 2, 3]).expect("encoded");
        let mut flipped = good.clone();
        *flipped.last_mut().expect("a payload") ^= 1;
        let newer = String::from_utf8_lossy(&good).replace("state 2 ", "state 9 ").into_bytes();
        let other_type = encode(&"text").expect("encoded");
        for (bytes, expected) in [
            (&b""[..], "no header line"),
            (b"\n", "not one of a state file"),
            (&good[..good.len() - 1], "length differs"),
            (&flipped, "checksum differs"),
            (&newer, "version 9"),
            (&other_type, "not as expected"),
            (&[0xff; 200], "no header line"),
        ] {
            let (_parent, state) = directory();
            state.save(bytes).expect("saved");
            let loaded = state.load::<Vec<u32>>().expect("read");
            let Loaded::SetAside { why, path } = loaded else { panic!("{expected}: {loaded:?}") };
            assert!(why.contains(expected), "{why}");
            assert_eq!(std::fs::read(path).expect("kept"), bytes);
            assert!(matches!(state.load::<Vec<u32>>(), Ok(Loaded::Absent)));
        }
    }

    #[test]
    fn one_process_at_a_time() {
        let (parent, state) = directory();
        let path = parent.path().join("a/b");
        assert!(matches!(StateDirectory::open(&path), Err(StateError::InUse { .. })));
        drop(state);
        StateDirectory::open(&path).expect("free again");
    }
}
