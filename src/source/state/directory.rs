//! Which directory holds the state, and which of its files are used.
//!
//! The directory is opened once, and everything in it by its name relative to that, never through a link.
//! It has to belong to this user or to root, and nobody else may write in it: then nobody else can have put
//! a file, a link or a FIFO there. A link to the directory itself is followed when root or this user made it.
//! The lock is on the directory, which no cleaner of old files removes; where a file system has no locks
//! for directories (NFS), it is on the file `lock`.

use std::cell::Cell;
use std::fs::{DirBuilder, File, Metadata};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::{Known, Look, Part, StateError};

const LOCK: &str = "lock";
const OTHERS_WRITE: u32 = 0o022;
const OTHERS_READ: u32 = 0o044;

/// The directory that holds the state, locked for this process.
#[derive(Debug)]
pub struct StateDirectory {
    path: PathBuf,
    directory: File,
    metadata: Metadata,
    /// Held open for its lock, where the directory itself has none or an older release may look.
    lock: Option<File>,
    own: u32,
    mta: Option<u32>,
    known: Cell<Known>,
}

impl StateDirectory {
    /// Opens it for this user, who has read and written nothing in it.
    ///
    /// # Errors
    ///
    /// As [`StateDirectory::open_knowing`].
    pub fn open(path: &Path) -> Result<Self, StateError> {
        Self::open_knowing(path, None, Known::default())
    }

    /// Makes the directory when it is not there (mode 0700), looks whether it is safe, and locks it. `mta` is
    /// the user that the MTA runs as: root may use what belongs to it.
    ///
    /// # Errors
    ///
    /// [`StateError::NoDirectory`] when there is none and none can be made; [`StateError::InUse`] when
    /// another process runs on it; else why it may not be used.
    pub fn open_knowing(path: &Path, mta: Option<u32>, known: Known) -> Result<Self, StateError> {
        make(path)?;
        let mut opened = Self::look_at(path, mta, known)?;
        opened.lock = opened.take_lock().map_err(|errno| match errno {
            Errno::WOULDBLOCK => StateError::InUse { path: path.to_owned(), hint: opened.hint() },
            errno => StateError::Io { path: path.to_owned(), source: errno.into() },
        })?;
        Ok(opened)
    }

    /// Whether a start could use the directory and the state in it: the same looks, without making, locking or reading
    /// anything.
    ///
    /// # Errors
    ///
    /// As [`StateDirectory::open_knowing`] and [`StateDirectory::load`], but for what only the lock tells.
    pub fn examine(path: &Path, mta: Option<u32>) -> Result<(), StateError> {
        if !is_there(path)? {
            let source = io::Error::from(io::ErrorKind::NotFound);
            return Err(StateError::NoDirectory { path: path.to_owned(), source });
        }
        Self::look_at(path, mta, Known::default())?.open_file(Part::State.name()).map(drop)
    }

    /// Opens a directory that is there and safe.
    fn look_at(path: &Path, mta: Option<u32>, known: Known) -> Result<Self, StateError> {
        let own = rustix::process::geteuid().as_raw();
        let (directory, metadata) = open_directory(path, own)?;
        let known = Cell::new(known);
        let opened = Self { path: path.to_owned(), directory, metadata, lock: None, own, mta, known };
        opened.refuse_unsafe()?;
        Ok(opened)
    }

    /// What was read or written last.
    pub fn known(&self) -> Known {
        self.known.get()
    }

    pub(super) fn knows(&self, file: Part, found: Look) {
        let mut known = self.known.get();
        known.0[file as usize] = Some(found);
        self.known.set(known);
    }

    /// The path that was configured.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// Whether the path still leads here: somebody may have removed or replaced the directory.
    pub fn is_at_its_path(&self) -> bool {
        match self.path.metadata() {
            Ok(there) => (there.dev(), there.ino()) == (self.metadata.dev(), self.metadata.ino()),
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        }
    }

    /// To whom files are given that root writes into another user's directory.
    pub(super) fn owner_to_give(&self) -> Option<(u32, u32)> {
        let owner = self.metadata.uid();
        (self.own == 0 && owner != 0).then_some((owner, self.metadata.gid()))
    }

    /// Whether what belongs to this user is used.
    pub(super) fn trusts(&self, owner: u32) -> bool {
        trusts(self.own, self.mta, owner)
    }

    /// What a name stands for, links not followed; `None` when there is nothing.
    pub(super) fn look(&self, name: &str) -> Result<Option<Metadata>, StateError> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(self.fd(), name, flags, Mode::empty()) {
            Ok(found) => File::from(found).metadata().map(Some).map_err(|source| self.failed(name, source)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.failed(name, errno.into())),
        }
    }

    /// Opens a file to read it; `None` when there is none. Nothing but a regular file that nobody else
    /// can have written is opened.
    pub(super) fn open_file(&self, name: &str) -> Result<Option<(File, Metadata)>, StateError> {
        let Some(found) = self.look(name)? else { return Ok(None) };
        self.refuse_unsafe_file(name, &found)?;
        // Whatever has taken its place since then cannot make this hang.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(self.fd(), name, flags, Mode::empty());
        let file = File::from(opened.map_err(|errno| match errno {
            Errno::ACCESS | Errno::PERM => self.refused(name, self.not_ours(name, found.uid())),
            errno => self.failed(name, errno.into()),
        })?);
        let metadata = file.metadata().map_err(|source| self.failed(name, source))?;
        self.refuse_unsafe_file(name, &metadata)?;
        Ok(Some((file, metadata)))
    }

    pub(super) fn failed(&self, name: &str, source: io::Error) -> StateError {
        StateError::Io { path: self.at(name), source }
    }

    pub(super) fn refused(&self, name: &str, why: String) -> StateError {
        StateError::Refused { path: self.at(name), why }
    }

    /// The path of a file in it, or its own.
    fn at(&self, name: &str) -> PathBuf {
        if name.is_empty() { self.path.clone() } else { self.path.join(name) }
    }

    fn refuse_unsafe(&self) -> Result<(), StateError> {
        let (owner, mode) = (self.metadata.uid(), self.metadata.mode());
        if !self.trusts(owner) {
            return Err(self.refused("", self.not_ours("", owner)));
        }
        if mode & OTHERS_WRITE != 0 {
            let path = self.path.display();
            return Err(self.refused(
                "",
                format!(
                    "others may write there (mode {:04o}), so what it holds cannot be trusted; look what is in it, \
                     then chmod go-w {path}, or choose a directory of its own with --state-dir",
                    mode & 0o7777
                ),
            ));
        }
        Ok(())
    }

    fn refuse_unsafe_file(&self, name: &str, file: &Metadata) -> Result<(), StateError> {
        let path = self.path.join(name);
        let path = path.display();
        let why = if !file.is_file() {
            "is no regular file; it is neither followed, read nor written over; look what it is and remove it"
                .to_owned()
        } else if !self.trusts(file.uid()) {
            self.not_ours(name, file.uid())
        } else if file.mode() & OTHERS_WRITE != 0 {
            format!(
                "others may write it, so it cannot be trusted; chmod go-w {path} keeps it, removing it begins anew"
            )
        } else {
            return Ok(());
        };
        Err(self.refused(name, why))
    }

    /// What mends it.
    fn not_ours(&self, name: &str, owner: u32) -> String {
        let (path, own) = (self.at(name), self.own);
        let path = path.display();
        let mend = match (own, name) {
            (0, _) => format!("start the exporter as user {owner}, who counts there"),
            (_, "") => format!("chown -R {own} {path} keeps what was counted, --state-dir names another"),
            _ => format!("chown {own} {path} keeps what was counted, removing it begins anew"),
        };
        format!(
            "belongs to user {owner}, and this is user {own}, so it is not used and not written over; {mend}"
        )
    }

    /// Takes the lock. A release that locks nothing but the file may be running, so that is asked, too.
    fn take_lock(&self) -> Result<Option<File>, Errno> {
        let locked = rustix::fs::flock(&self.directory, FlockOperation::NonBlockingLockExclusive);
        let only_files = matches!(
            locked,
            Err(Errno::BADF | Errno::INVAL | Errno::NOTSUP | Errno::NOLCK | Errno::ISDIR | Errno::NOSYS)
        );
        let mut flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        if only_files {
            flags |= OFlags::RDWR | OFlags::CREATE;
        } else {
            locked?;
        }
        match rustix::fs::openat(self.fd(), LOCK, flags, Mode::RUSR | Mode::WUSR) {
            Ok(file) => {
                rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
                Ok(Some(File::from(file)))
            }
            Err(errno) if only_files => Err(errno),
            Err(_) => Ok(None),
        }
    }

    /// Whoever may list a directory may lock it.
    fn hint(&self) -> &'static str {
        if self.metadata.mode() & OTHERS_READ == 0 {
            ""
        } else {
            " (when none runs, another user has locked this one, which chmod 0700 prevents)"
        }
    }
}

fn trusts(own: u32, mta: Option<u32>, owner: u32) -> bool {
    owner == own || owner == 0 || (own == 0 && mta == Some(owner))
}

/// Makes the directory unless it is there.
fn make(path: &Path) -> Result<(), StateError> {
    if is_there(path)? {
        return Ok(());
    }
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| StateError::NoDirectory { path: path.to_owned(), source })
}

/// Whether there is a directory; what is something else is none.
fn is_there(path: &Path) -> Result<bool, StateError> {
    match path.metadata() {
        Ok(there) if there.is_dir() => Ok(true),
        Ok(_) => {
            let source = io::Error::from(io::ErrorKind::NotADirectory);
            Err(StateError::NoDirectory { path: path.to_owned(), source })
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(false)
        }
        // There may be a state.
        Err(source) => Err(StateError::Io { path: path.to_owned(), source }),
    }
}

fn open_directory(path: &Path, own: u32) -> Result<(File, Metadata), StateError> {
    let failed = |source| StateError::Io { path: path.to_owned(), source };
    let link = path.symlink_metadata().map_err(failed)?;
    if link.is_symlink() && !trusts(own, None, link.uid()) {
        let why = format!("is a link that user {} made, which is not followed", link.uid());
        return Err(StateError::Refused { path: path.to_owned(), why });
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::open(path, flags, Mode::empty()).map_err(|errno| match path.metadata() {
        Ok(there) if there.uid() != own && errno == Errno::ACCESS => StateError::Refused {
            path: path.to_owned(),
            why: format!(
                "belongs to user {}, and this is user {own}; chown -R {own} {} keeps what was counted, --state-dir \
                 names another",
                there.uid(),
                path.display()
            ),
        },
        _ => failed(errno.into()),
    })?;
    let directory = File::from(directory);
    let metadata = directory.metadata().map_err(failed)?;
    Ok((directory, metadata))
}
