//! Which network is looked at: that of this process, or that of the MTA's host where it is another.
//!
//! Netlink answers for the namespace of who asks, so it may be asked only where process 1 of the given process file
//! system has the same. The kernel gives every table of a namespace an inode of its own, which is the same in every mount
//! of the process file system: so two namespaces are compared without a privilege, which `ns/net` would ask for.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// A network namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    /// The directory of its tables; none for that of this process.
    tables: Option<PathBuf>,
}

impl Namespace {
    /// That of this process.
    pub const OWN: Self = Self { tables: None };

    /// That of process 1 of the process file system mounted there. Where that process cannot be seen (`hidepid`), it is
    /// taken for that of this process in `/proc` alone: who names another directory means another namespace.
    pub fn of(proc_root: &Path) -> Self {
        let tables = proc_root.join("1/net");
        let inode = |tables: &Path| fs::metadata(tables.join("tcp")).map(|table| table.ino()).ok();
        match (inode(&tables), inode(Path::new(OWN_TABLES))) {
            (Some(theirs), Some(ours)) if theirs == ours => Self::OWN,
            (None, _) if proc_root == Path::new("/proc") => Self::OWN,
            _ => Self { tables: Some(tables) },
        }
    }

    /// Whether this process is in it.
    pub fn is_own(&self) -> bool {
        self.tables.is_none()
    }

    /// The path of one of its tables.
    pub fn table(&self, name: &str) -> PathBuf {
        self.tables.as_deref().unwrap_or(Path::new(OWN_TABLES)).join(name)
    }
}

const OWN_TABLES: &str = "/proc/self/net";

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Namespace;

    #[test]
    fn process_1_of_another_process_file_system_has_another_namespace() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let tables = place.path().join("1/net");
        std::fs::create_dir_all(&tables).expect("made");
        for text in [None, Some("")] {
            if let Some(text) = text {
                std::fs::write(tables.join("tcp"), text).expect("written");
            }
            let other = Namespace::of(place.path());
            assert!(!other.is_own());
            assert_eq!(other.table("netstat"), tables.join("netstat"));
        }
        assert_eq!(Namespace::OWN.table("tcp"), Path::new("/proc/self/net/tcp"));
    }

    #[test]
    fn another_name_of_the_own_process_file_system_is_the_same() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let link = place.path().join("proc");
        std::os::unix::fs::symlink("/proc", &link).expect("linked");
        assert_eq!(Namespace::of(&link), Namespace::of(Path::new("/proc")));
    }
}
