//! Where the MTA is installed: its root, and the directories that the other sources read.
//!
//! Only the root has to exist. The log and queue directories are answers to "where would it be": on
//! the passive node of a pair no data is mounted, and its links lead nowhere until it takes over.

use std::io;
use std::path::{Path, PathBuf};

use crate::config::Mta;

/// Where the MTA has been installed by default over the years, the newest first: Messaging Server
/// 7 and 8 (64 and 32 bit), 6, Sun Internet Mail Server, PMDF, and the root in the oldest manuals.
pub const PROBED_ROOTS: [&str; 6] = [
    "/opt/sun/comms/messaging64",
    "/opt/sun/comms/messaging",
    "/opt/SUNWmsgsr",
    "/var/opt/SUNWmail/imta",
    "/pmdf",
    "/imta",
];

/// Roots with these names have `log` and `queue` in them directly, without `data` (PMDF, SIMS).
const FLAT_ROOTS: [&str; 2] = ["pmdf", "imta"];

/// An installation. The default is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Install {
    /// The root; a directory when it was looked at.
    pub root: PathBuf,
    /// Where the logs are; may not exist now.
    pub log_directory: PathBuf,
    /// Where the channels' queue directories are; may not exist now.
    pub queue_directory: PathBuf,
}

/// Why there is no installation to work with.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The configured root cannot be looked at.
    #[error("the root directory {path} cannot be used: {error}; {HOW}", path = path.display())]
    Root {
        /// The root as it was configured.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// No root is configured, and no known place has one.
    #[error("no installation found, looked at {}; {HOW}", probed.join(", "))]
    NotFound {
        /// Each path, with the reason where it is not simply missing.
        probed: Vec<String>,
    },
}

const HOW: &str = "give the installation's root with --root DIR, root in [mta] of the configuration file, \
                   or the environment variable IMSIMTA_EXPORTER__MTA__ROOT";

/// Finds the installation: the configured root, else the first of `probed` that is a directory.
///
/// # Errors
///
/// The configured root is not a directory, or none is configured and none found.
pub fn locate(mta: &Mta, probed: &[impl AsRef<Path>]) -> Result<Install, InstallError> {
    let root = match &mta.root {
        Some(path) => {
            directory(path).map_err(|error| InstallError::Root { path: path.clone(), error })?;
            path.clone()
        }
        None => probe(probed)?,
    };
    // Joining an absolute path gives that path; a relative one begins at the root.
    let log = mta.log_directory.clone().unwrap_or_else(|| log_directory(&root));
    let queue = mta.queue_directory.clone().unwrap_or_else(|| queue_directory(&root));
    Ok(Install { log_directory: root.join(log), queue_directory: root.join(queue), root })
}

fn probe(probed: &[impl AsRef<Path>]) -> Result<PathBuf, InstallError> {
    let mut failed = Vec::with_capacity(probed.len());
    for path in probed.iter().map(AsRef::as_ref) {
        match directory(path) {
            Ok(()) => return Ok(path.to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => failed.push(path.display().to_string()),
            // A root that this user may not see looks like none; only the reason tells them apart.
            Err(error) => failed.push(format!("{} ({error})", path.display())),
        }
    }
    Err(InstallError::NotFound { probed: failed })
}

fn directory(path: &Path) -> io::Result<()> {
    if path.metadata()?.is_dir() { Ok(()) } else { Err(io::Error::from(io::ErrorKind::NotADirectory)) }
}

/// Releases have `log`, `data/log` or both, one a link to the other.
fn log_directory(root: &Path) -> PathBuf {
    if is_flat(root) || holds(root, "log") { PathBuf::from("log") } else { PathBuf::from("data/log") }
}

fn queue_directory(root: &Path) -> PathBuf {
    if is_flat(root) { PathBuf::from("queue") } else { PathBuf::from("data/queue") }
}

/// Whether the root is laid out as PMDF's and SIMS' are. Their roots can be anywhere: where the name
/// does not tell, a `queue` without `data` does.
fn is_flat(root: &Path) -> bool {
    let by_name = root.file_name().is_some_and(|name| FLAT_ROOTS.iter().any(|flat| name == *flat));
    !holds(root, "data") && (by_name || holds(root, "queue"))
}

/// A link that leads nowhere counts: its target is on a disk that is not mounted here now. What is
/// mounted may not answer, so its name alone is looked for, unless the root cannot be listed.
fn holds(root: &Path, name: &str) -> bool {
    match root.read_dir() {
        Ok(mut entries) => entries.any(|entry| entry.is_ok_and(|entry| entry.file_name() == name)),
        Err(_) => root.join(name).symlink_metadata().is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::{InstallError, PROBED_ROOTS, locate};
    use crate::config::Mta;

    /// Makes the directories (and links that lead nowhere, `name@`) and locates `root` among them.
    #[track_caller]
    fn check(root: &str, made: &[&str], log: &str, queue: &str) {
        let temporary = tempfile::tempdir().expect("temp dir");
        let root = temporary.path().join(root);
        fs::create_dir_all(&root).expect("root");
        for name in made {
            match name.strip_suffix('@') {
                Some(link) => symlink("/nowhere/at/all", root.join(link)).expect("link"),
                None => fs::create_dir_all(root.join(name)).expect("directory"),
            }
        }
        let expected = (root.join(log), root.join(queue));
        for mta in [Mta { root: Some(root.clone()), ..Mta::default() }, Mta::default()] {
            let found = locate(&mta, &[Path::new("/nonexistent"), &root]).expect("an installation");
            assert_eq!(found.root, root, "{made:?}");
            assert_eq!((found.log_directory, found.queue_directory), expected, "{made:?}");
        }
    }

    #[test]
    fn directories_follow_the_layout_of_the_release() {
        check("messaging64", &["log", "data/queue"], "log", "data/queue");
        check("messaging64", &["log", "data/log", "data/queue"], "log", "data/queue");
        check("messaging64", &["data/log", "data/queue"], "data/log", "data/queue");
        check("messaging64", &["log@", "data@"], "log", "data/queue");
        check("messaging64", &["data@"], "data/log", "data/queue");
        check("messaging64", &[], "data/log", "data/queue");
        check("messaging64", &["queue", "data"], "data/log", "data/queue");
        check("pmdf", &["log", "queue"], "log", "queue");
        check("pmdf", &[], "log", "queue");
        check("SUNWmail/imta", &[], "log", "queue");
        check("imta", &["data/queue"], "data/log", "data/queue");
        check("elsewhere", &["log", "queue"], "log", "queue");
    }

    #[test]
    fn configured_directories_win_and_need_not_exist() {
        let temporary = tempfile::tempdir().expect("temp dir");
        let root = temporary.path();
        fs::create_dir_all(root.join("log")).expect("directory");
        let mta = Mta {
            root: Some(root.to_owned()),
            log_directory: Some("/nonexistent/log".into()),
            queue_directory: Some("spool/queue".into()),
            ..Mta::default()
        };
        let found = locate(&mta, &PROBED_ROOTS).expect("an installation");
        assert_eq!(found.log_directory, Path::new("/nonexistent/log"));
        assert_eq!(found.queue_directory, root.join("spool/queue"));
    }

    #[test]
    fn the_first_probed_directory_is_the_root() {
        let temporary = tempfile::tempdir().expect("temp dir");
        let places = ["a", "b", "c", "d"].map(|name| temporary.path().join(name));
        fs::write(&places[1], "").expect("file");
        fs::create_dir(&places[2]).expect("directory");
        fs::create_dir(&places[3]).expect("directory");
        assert_eq!(locate(&Mta::default(), &places).expect("an installation").root, places[2]);
    }

    #[test]
    fn a_configured_root_is_never_replaced_by_a_probed_one() {
        let temporary = tempfile::tempdir().expect("temp dir");
        let file = temporary.path().join("file");
        fs::write(&file, "").expect("file");
        for (root, reason) in [(temporary.path().join("gone"), "No such file"), (file, "not a directory")] {
            let mta = Mta { root: Some(root.clone()), ..Mta::default() };
            let error = locate(&mta, &[temporary.path()]).expect_err("no root");
            assert!(matches!(error, InstallError::Root { .. }));
            for part in [root.to_str().expect("text"), reason, "--root DIR"] {
                assert!(error.to_string().contains(part), "{error}");
            }
        }
    }

    #[test]
    fn finding_nothing_names_every_place_and_how_to_give_one() {
        let temporary = tempfile::tempdir().expect("temp dir");
        let file = temporary.path().join("file");
        fs::write(&file, "").expect("file");
        let gone = temporary.path().join("gone");
        let error = locate(&Mta::default(), &[&file, &gone]).expect_err("nothing").to_string();
        for part in [
            format!("{} (not a directory), {};", file.display(), gone.display()),
            "--root DIR".to_owned(),
            "root in [mta]".to_owned(),
            "IMSIMTA_EXPORTER__MTA__ROOT".to_owned(),
        ] {
            assert!(error.contains(&part), "{part}: {error}");
        }
    }
}
