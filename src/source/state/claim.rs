//! What root does before it becomes the MTA's user: the state directory is there and is that user's.

use std::fs::{DirBuilder, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;

use rustix::fs::{Gid, Mode, OFlags, Uid};

use super::{MAGIC, Part, StateError};

/// How the names of states begin that an older release wrote and that are kept for a way back.
const KEPT: &[u8] = b"state.version-";

/// Makes the directory for a user where there is none, and gives it what an earlier run as root left: the
/// directory where it holds nothing else, the state and the files beside it. Nothing else changes its owner. A directory is
/// made or given only where no one but root can have chosen it; elsewhere the user makes its own.
///
/// # Errors
///
/// What the kernel said.
pub fn claim(path: &Path, user: u32, group: u32) -> Result<(), StateError> {
    let failed = |source| StateError::Io { path: path.to_owned(), source };
    let path = std::path::absolute(path).map_err(failed)?;
    let chosen_by_root = is_chosen_by_root(&path);
    if chosen_by_root && !path.exists() {
        make(&path).map_err(failed)?;
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    // Whatever is wrong with it is said when it is opened.
    let Ok(directory) = rustix::fs::open(&path, flags, Mode::empty()) else { return Ok(()) };
    let directory = File::from(directory);
    let give = |file: &File| {
        rustix::fs::fchown(file, Some(Uid::from_raw(user)), Some(Gid::from_raw(group)))
            .map_err(io::Error::from)
    };
    let roots = directory.metadata().map_err(failed)?.uid() == 0;
    if chosen_by_root && roots && holds_only_ours(&directory).map_err(failed)? {
        give(&directory).map_err(failed)?;
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    for name in Part::ALL.map(Part::name) {
        let Ok(file) = rustix::fs::openat(&directory, name, flags, Mode::empty()) else { continue };
        let file = File::from(file);
        let metadata = file.metadata().map_err(failed)?;
        if is_left_by_root(&file, &metadata).map_err(failed)? {
            give(&file).map_err(failed)?;
            let path = path.join(name);
            tracing::warn!(path = %path.display(), user, "a run as root left it; it is given back");
        }
    }
    Ok(())
}

/// Whether nobody but root can have put a link or another directory on the way to the path.
fn is_chosen_by_root(path: &Path) -> bool {
    let nearest = path.ancestors().skip(1).find_map(|parent| parent.canonicalize().ok());
    let ways = [Some(path.to_owned()), nearest.map(|nearest| nearest.join("in"))];
    ways.iter().flatten().flat_map(|way| way.ancestors()).all(|part| match part.symlink_metadata() {
        Ok(found) if part == path && found.is_dir() => true,
        // In a directory such as /tmp nobody can replace what root has.
        Ok(found) => {
            let shared = found.mode() & 0o022 != 0 && found.mode() & 0o1000 == 0;
            found.uid() == 0 && (found.is_symlink() || !shared)
        }
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    })
}

/// Parents stay root's and open to all, as `install -d` makes them.
fn make(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o755).create(parent)?;
    }
    DirBuilder::new().mode(0o700).create(path)
}

/// Whether a directory is surely the one of a state: one such as `/tmp` is not given away.
fn holds_only_ours(directory: &File) -> io::Result<bool> {
    for entry in rustix::fs::Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        let others = [".", "..", "lock", "token"].iter().any(|known| known.as_bytes() == name);
        let known = |file: Part| {
            name == file.name().as_bytes()
                || name == file.temporary().as_bytes()
                || name.starts_with(file.set_aside().as_bytes())
                || name.starts_with(KEPT)
        };
        if !others && !Part::ALL.into_iter().any(known) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A state that only root can have written: the owner of the directory can put any file of root there
/// that lies in a directory of his, but not with such a beginning.
fn is_left_by_root(state: &File, metadata: &Metadata) -> io::Result<bool> {
    if !metadata.is_file() || metadata.uid() != 0 || metadata.nlink() != 1 {
        return Ok(false);
    }
    let mut beginning = Vec::new();
    state.take(MAGIC.len() as u64).read_to_end(&mut beginning)?;
    Ok(beginning == MAGIC)
}
