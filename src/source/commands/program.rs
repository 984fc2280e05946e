//! Where the program `imsimta` is, and whether it should be run.

use std::fs::{self, Metadata};
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
    #[error("{} may not be run by this user: {error}; commands run as the user of this program (mta.user)", path.display())]
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
    #[error("{} is not run by root, since others than root may write to {}; run as the MTA's user, without --as-root", path.display(), open.display())]
    NotOfRoot {
        /// The program.
        path: PathBuf,
        /// It, or a directory above it.
        open: PathBuf,
    },
}

/// A program that may be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Where it is, by no link: what was judged is what is run.
    pub path: PathBuf,
    /// Where it was found, which is what it is told to be called: one program may have several names.
    pub name: PathBuf,
}

/// The configured program, else the first that is there; one that this user may and should run.
///
/// # Errors
///
/// There is none.
pub fn find(root: &Path, configured: Option<&Path>) -> Result<Program, ProgramError> {
    let path = match configured {
        Some(path) => path.to_owned(),
        None => PLACES
            .iter()
            .map(|place| root.join(place))
            .find(|path| path.exists())
            .ok_or_else(|| ProgramError::Missing { root: root.to_owned() })?,
    };
    judge(path, geteuid().is_root())
}

fn judge(name: PathBuf, as_root: bool) -> Result<Program, ProgramError> {
    let unknown = |path: &Path, error| ProgramError::Unknown { path: path.to_owned(), error };
    let found = fs::canonicalize(&name).map_err(|error| unknown(&name, error))?;
    let path = found.as_path();
    let metadata = fs::metadata(path).map_err(|error| unknown(path, error))?;
    if !metadata.is_file() {
        return Err(ProgramError::NoFile(path.to_owned()));
    }
    if metadata.mode() & 0o002 != 0 {
        return Err(ProgramError::OfEverybody(path.to_owned()));
    }
    // Who may write to a directory may put another program there.
    for above in path.ancestors().filter(|_| as_root) {
        let metadata = fs::metadata(above).map_err(|error| unknown(above, error))?;
        if !is_roots(&metadata) {
            return Err(ProgramError::NotOfRoot { path: path.to_owned(), open: above.to_owned() });
        }
    }
    accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS)
        .map_err(|error| ProgramError::Denied { path: path.to_owned(), error: error.into() })?;
    Ok(Program { path: found, name })
}

/// Whether nobody else may change it. In a sticky directory nobody moves what is root's.
fn is_roots(metadata: &Metadata) -> bool {
    let is_sticky = metadata.is_dir() && metadata.mode() & 0o1000 != 0;
    metadata.uid() == 0 && (metadata.mode() & 0o022 == 0 || is_sticky)
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
            let said = judge(path.clone(), as_root).err().map(|error| error.to_string());
            assert_eq!(said.is_some(), wrong.is_some(), "{mode:o} {owner:?} {as_root}: {said:?}");
            assert!(said.unwrap_or_default().contains(wrong.unwrap_or_default()), "{mode:o}");
        }
    }

    /// A directory above it, by mode and owner; whichever link leads there.
    #[test]
    fn root_runs_nothing_that_others_may_replace() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let place = tempfile::tempdir().expect("a directory");
        let (above, link) = (place.path().join("above"), place.path().join("link"));
        let path = above.join("bin/imsimta");
        std::fs::create_dir_all(above.join("bin")).expect("made");
        write(&path, "").expect("written");
        set_permissions(&path, Permissions::from_mode(0o755)).expect("set");
        set_permissions(above.join("bin"), Permissions::from_mode(0o755)).expect("set");
        std::os::unix::fs::symlink(&path, &link).expect("linked");
        for (mode, owner, fine) in [
            (0o755, 0, true),
            (0o1777, 0, true),
            (0o775, 0, false),
            (0o757, 0, false),
            (0o755, 1, false),
            (0o1777, 1, false),
        ] {
            chown(&above, Some(owner), None).expect("given away");
            set_permissions(&above, Permissions::from_mode(mode)).expect("set");
            for name in [&path, &link] {
                match judge(name.clone(), true) {
                    Ok(found) => assert!(fine && found.path == path && found.name == *name, "{found:?}"),
                    Err(error) => {
                        let open = format!("others than root may write to {};", above.display());
                        assert!(!fine && error.to_string().contains(&open), "{mode:o} {owner}: {error}");
                    }
                }
                assert!(judge(name.clone(), false).is_ok(), "the MTA's user runs it");
            }
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
            assert_eq!(find(root, None).expect("there").name, root.join(place), "the first of its places");
        }
        assert_eq!(find(root, Some(&root.join("imsimta"))).expect("there").name, root.join("imsimta"));
        assert!(find(root, Some(&root.join("no"))).expect_err("not there").to_string().contains("/no: "));
        assert!(find(root, Some(root)).expect_err("a directory").to_string().contains("is no file"));
    }
}
