//! Where the program `imsimta` is, and whether it should be run.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::process::geteuid;

/// Where it is below the root: since release 7, in release 6, and in iPlanet's.
pub const PLACES: [&str; 3] = ["bin/imsimta", "sbin/imsimta", "imsimta"];

/// Why there is no program to run.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It is at none of its places.
    #[error("there is no {} below {}; say where imsimta is with commands.program", PLACES.join(", "), root.display())]
    Missing {
        /// The installation.
        root: PathBuf,
    },
    /// It cannot be looked at.
    #[error("{}: {error}", path.display())]
    Unknown {
        /// The program.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is something else.
    #[error("{} is no file", .0.display())]
    NoFile(PathBuf),
    /// The permissions.
    #[error("{} may not be run by this user: {error}; the MTA's commands are for its own user (mta.user)", path.display())]
    Denied {
        /// The program.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Anybody could have this program run anything.
    #[error("{} is not run, since everybody may write to it", .0.display())]
    OfEverybody(PathBuf),
    /// Who owns it could have root run anything.
    #[error("{} is not run by root, since others than root may write to it; run as the MTA's user, without --as-root", .0.display())]
    NotOfRoot(PathBuf),
}

/// The configured program, else the first that is there; one that this user may and should run.
///
/// # Errors
///
/// There is none.
pub fn find(root: &Path, configured: Option<&Path>) -> Result<PathBuf, ProgramError> {
    let path = match configured {
        Some(path) => path.to_owned(),
        None => PLACES
            .iter()
            .map(|place| root.join(place))
            .find(|path| path.exists())
            .ok_or_else(|| ProgramError::Missing { root: root.to_owned() })?,
    };
    judge(&path, geteuid().is_root())?;
    Ok(path)
}

fn judge(path: &Path, as_root: bool) -> Result<(), ProgramError> {
    let metadata =
        fs::metadata(path).map_err(|error| ProgramError::Unknown { path: path.to_owned(), error })?;
    if !metadata.is_file() {
        return Err(ProgramError::NoFile(path.to_owned()));
    }
    if metadata.mode() & 0o002 != 0 {
        return Err(ProgramError::OfEverybody(path.to_owned()));
    }
    if as_root && (metadata.uid() != 0 || metadata.mode() & 0o020 != 0) {
        return Err(ProgramError::NotOfRoot(path.to_owned()));
    }
    accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS)
        .map_err(|error| ProgramError::Denied { path: path.to_owned(), error: error.into() })
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions, write};
    use std::os::unix::fs::{PermissionsExt as _, chown};

    use super::{find, judge};

    /// By its mode and owner, and whether root would run it.
    #[test]
    fn what_others_may_write_is_not_run() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("imsimta");
        write(&path, "").expect("written");
        let root = rustix::process::geteuid().is_root();
        for (mode, owner, as_root, wrong) in [
            (0o755, None, false, None),
            (0o775, None, false, None),
            (0o757, None, false, Some("everybody")),
            (0o755, Some(1), true, Some("by root")),
            (0o775, Some(0), true, Some("by root")),
            (0o755, Some(0), true, None),
            (0o644, None, false, Some("may not be run")),
        ] {
            set_permissions(&path, Permissions::from_mode(mode)).expect("set");
            match owner {
                Some(owner) if root => chown(&path, Some(owner), None).expect("given away"),
                Some(_) => continue,
                None => {}
            }
            let said = judge(&path, as_root).err().map(|error| error.to_string());
            assert_eq!(said.is_some(), wrong.is_some(), "{mode:o} {owner:?} {as_root}: {said:?}");
            assert!(said.unwrap_or_default().contains(wrong.unwrap_or_default()), "{mode:o}");
        }
    }

    #[test]
    fn it_is_found_below_the_root_unless_it_is_configured() {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path();
        let missing = find(root, None).expect_err("nothing is there").to_string();
        assert!(
            missing.contains("bin/imsimta, sbin/imsimta, imsimta") && missing.contains("commands.program")
        );
        std::fs::create_dir(root.join("sbin")).expect("made");
        for place in ["imsimta", "sbin/imsimta"] {
            write(root.join(place), "").expect("written");
            set_permissions(root.join(place), Permissions::from_mode(0o755)).expect("set");
            assert_eq!(find(root, None).expect("there"), root.join(place), "the first of its places");
        }
        assert_eq!(find(root, Some(&root.join("imsimta"))).expect("there"), root.join("imsimta"));
        assert!(find(root, Some(&root.join("no"))).expect_err("not there").to_string().contains("/no: "));
        assert!(find(root, Some(root)).expect_err("a directory").to_string().contains("is no file"));
    }
}
