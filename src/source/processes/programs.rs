//! Which processes are the MTA's: by the path that they were started with, and where the kernel shows it by the file
//! that they execute (`proc(5)`, `/proc/PID/exe`, `/proc/PID/ns`).
//!
//! The path is what the MTA's own `imsimta process` goes by. Everybody may start a process under any path, and in
//! another container the same path is another installation, so what the kernel shows decides against it.

use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use procfs::ProcError;
use procfs::process::Process;
use rustix::fs::{OFlags, Stat, fstat, readlink, stat};

/// What the kernel puts behind the path of a file that is gone, as after an upgrade.
const DELETED: &[u8] = b" (deleted)";

/// The programs of an installation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Programs {
    /// The installation's root.
    pub root: PathBuf,
    /// The same as the MTA's processes see it, where that is another path: they may run in a container.
    pub seen_at: Option<PathBuf>,
    /// What they are called, without a directory.
    pub names: Vec<String>,
}

/// The same, as paths that a process may have been started with.
#[derive(Debug)]
pub(super) struct Roots<'a> {
    programs: &'a Programs,
    /// The installation as configured and, where it can be resolved, without symbolic links.
    paths: Vec<PathBuf>,
    proc_root: &'a Path,
    /// The mount namespace of this program, in which `programs.root` is.
    own_namespace: Option<PathBuf>,
}

impl Programs {
    /// Where they are now.
    pub(super) fn roots<'a>(&'a self, proc_root: &'a Path) -> Roots<'a> {
        let seen = self.seen_at.iter().map(|path| lexically_plain(path));
        let own = [Some(lexically_plain(&self.root)), self.root.canonicalize().ok()];
        // Where it is said how they see the installation, ours is another path to it and none of theirs.
        let paths = if self.seen_at.is_some() { seen.collect() } else { own.into_iter().flatten().collect() };
        let own_namespace = mount_namespace(&proc_root.join("self"));
        Roots { programs: self, paths, proc_root, own_namespace }
    }

    /// The name of a program; the channel programs of newer versions go without `tcp_` (`smtp_client` is the
    /// `tcp_smtp_client` of the older manuals, `lmtp_server` likewise).
    fn name_of(&self, base: &str) -> Option<&str> {
        let is = |wanted: &str| self.names.iter().find(|name| *name == wanted).map(String::as_str);
        is(base).or_else(|| is(&format!("tcp_{base}")))
    }
}

impl Roots<'_> {
    /// The name of the program that a process says it is, by its first argument.
    pub(super) fn name_of(&self, argument: &[u8]) -> Option<&str> {
        let path = lexically_plain(Path::new(OsStr::from_bytes(argument)));
        self.below(&path)?;
        self.programs.name_of(path.file_name()?.to_str()?)
    }

    /// Whether a process that says by its first argument that it is one of the programs is one, as far as the kernel
    /// shows it: that of another user, and of one that changed its user, it shows to root alone. Then its word holds.
    pub(super) fn is_one(&self, process: &Process, argument: &[u8]) -> bool {
        let Ok(executed) = process.exe().map(|path| path.into_os_string().into_vec()) else { return true };
        let executed = lexically_plain(Path::new(OsStr::from_bytes(
            executed.strip_suffix(DELETED).unwrap_or(&executed),
        )));
        let by_path = self.below(&executed).is_some();
        let namespace = mount_namespace(&self.proc_root.join(process.pid().to_string()));
        let is_elsewhere = namespace.is_some() && namespace != self.own_namespace;
        if by_path && !is_elsewhere {
            return true;
        }
        // A link to a program elsewhere, or another view of the same file.
        match (self.visible(argument), file_of(process)) {
            (Some(ours), Some(theirs)) => is_same(&ours, &theirs),
            // What cannot be seen from here, as in a container that shows only queue and logs, cannot be compared.
            (None, _) => by_path,
            (Some(_), None) => false,
        }
    }

    /// The rest of a path below the installation.
    fn below<'p>(&self, path: &'p Path) -> Option<&'p Path> {
        self.paths.iter().find_map(|root| path.strip_prefix(root).ok())
    }

    /// The file that a process says it executes, as it is here.
    fn visible(&self, argument: &[u8]) -> Option<Stat> {
        let path = lexically_plain(Path::new(OsStr::from_bytes(argument)));
        stat(self.programs.root.join(self.below(&path)?)).ok()
    }
}

fn is_same(one: &Stat, other: &Stat) -> bool {
    (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
}

/// The file that a process executes, without opening it.
fn file_of(process: &Process) -> Option<Stat> {
    let file = process.open_relative_flags("exe", OFlags::PATH | OFlags::CLOEXEC).ok()?;
    fstat(file).ok()
}

/// The name of the mount namespace that a process is in; none where the kernel does not show it.
fn mount_namespace(process: &Path) -> Option<PathBuf> {
    let name = readlink(process.join("ns/mnt"), Vec::new()).ok()?;
    Some(PathBuf::from(OsStr::from_bytes(name.to_bytes())))
}

/// A path without empty, `.` and `..` components, made without asking the file system: the path that
/// another process was started with may mean nothing here.
fn lexically_plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            component => plain.push(component),
        }
    }
    plain
}

/// Whether an error says that this program is short of something, not that a process has ended.
pub(super) fn is_own_trouble(error: &ProcError) -> bool {
    use rustix::io::Errno;
    let ProcError::Io(error, _) = error else { return false };
    [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::IO]
        .iter()
        .any(|trouble| error.raw_os_error() == Some(trouble.raw_os_error()))
}
