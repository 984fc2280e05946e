//! A directory that somebody has given away by mistake, as `chown` and `chmod` do with a wrong path
//! (Administration Guide, "Check the Ownership of Critical Files").

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::PathBuf;

/// Nobody, on every Linux.
const NOBODY: u32 = 65_534;
/// Everybody may write.
const OPEN_TO_ALL: u32 = 0o777;

/// A directory, and how it was.
#[derive(Debug)]
pub struct Ownership {
    path: PathBuf,
    before: Option<fs::Metadata>,
}

impl Ownership {
    /// Of this directory.
    pub fn of(path: PathBuf) -> Self {
        Self { path, before: None }
    }

    /// Lets everybody write into it. Where root does it, it is nobody's as well; others cannot give away, nor can the
    /// root of a user namespace that has no nobody.
    ///
    /// # Errors
    ///
    /// As the system says.
    pub fn spoil(&mut self) -> io::Result<()> {
        self.before = Some(fs::metadata(&self.path)?);
        fs::set_permissions(&self.path, Permissions::from_mode(OPEN_TO_ALL))?;
        match chown(&self.path, Some(NOBODY), None).map_err(|error| (error.kind(), error)) {
            Ok(()) | Err((io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput, _)) => Ok(()),
            Err((_, error)) => Err(error),
        }
    }

    /// Makes it as it was.
    ///
    /// # Errors
    ///
    /// As the system says.
    pub fn mend(&mut self) -> io::Result<()> {
        let Some(before) = self.before.take() else { return Ok(()) };
        if fs::metadata(&self.path)?.uid() != before.uid() {
            chown(&self.path, Some(before.uid()), None)?;
        }
        fs::set_permissions(&self.path, before.permissions())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, chown};

    use super::{NOBODY, Ownership};

    #[test]
    fn a_directory_is_given_away_and_taken_back() {
        let directory = tempfile::tempdir().expect("temp dir");
        let of = || {
            fs::metadata(directory.path()).map(|found| (found.uid(), found.mode() & 0o7777)).expect("there")
        };
        let before = of();
        let probe = tempfile::NamedTempFile::new().expect("temp file");
        let can_give_away = chown(probe.path(), Some(NOBODY), None).is_ok();
        let mut ownership = Ownership::of(directory.path().to_owned());
        ownership.mend().expect("nothing to mend");
        ownership.spoil().expect("spoilt");
        assert_eq!(of().1, 0o777);
        assert_eq!(of().0, if can_give_away { NOBODY } else { before.0 });
        ownership.mend().expect("mended");
        assert_eq!(of(), before);
    }
}
