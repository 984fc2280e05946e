//! The token: who can read it may see lines of the logs. A file of 32 random bytes in hex in the state
//! directory, for its owner alone.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::rand::{GetRandomFlags, getrandom};

const BYTES: usize = 32;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The kernel refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not one that this program made, or others may read it.
    #[error("{path}: {what}; remove it, and the next start makes a new one")]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// Reads the token in a state directory, or makes it. A directory that this process has locked. A token of
/// another user, such as one that a run as root left, is made anew: that user can read it, and must not
/// see what this one can.
///
/// # Errors
///
/// When the file cannot be made or read, or somebody else could have read or written it.
pub fn open(state_directory: &Path) -> Result<String, TokenError> {
    let path = file(state_directory);
    let own = rustix::process::geteuid().as_raw();
    match path.symlink_metadata() {
        Ok(there) if there.uid() == own => return read_of(&path, |owner| owner == own),
        Ok(_) => std::fs::remove_file(&path).map_err(|source| failed(&path, source))?,
        Err(_) => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).custom_flags(flags());
    let file = options.open(&path).map_err(|source| failed(&path, source))?;
    fill(file).map_err(|source| {
        // Half a token would be found unfit at the next start.
        drop(std::fs::remove_file(&path));
        failed(&path, source)
    })
}

/// Reads the token of a running exporter.
///
/// # Errors
///
/// When there is none, it may not be read, or somebody else could have read or written it.
pub fn read(state_directory: &Path) -> Result<String, TokenError> {
    let own = rustix::process::geteuid().as_raw();
    // Root may ask the exporter of any user.
    read_of(&file(state_directory), |owner| owner == own || own == 0)
}

fn read_of(path: &Path, trusts: impl Fn(u32) -> bool) -> Result<String, TokenError> {
    let failed = |source| failed(path, source);
    let unfit = |what| Err(TokenError::Unfit { path: path.to_owned(), what });
    let file = OpenOptions::new().read(true).custom_flags(flags()).open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return unfit("not a plain file");
    }
    if !trusts(metadata.uid()) {
        return unfit("belongs to another user");
    }
    if metadata.mode() & 0o077 != 0 {
        return unfit("others may read or write it");
    }
    let mut text = String::new();
    file.take(1024).read_to_string(&mut text).map_err(failed)?;
    let token = text.trim_end();
    if token.len() != BYTES * 2 || !token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return unfit("not 64 hexadecimal digits");
    }
    Ok(token.to_owned())
}

fn failed(path: &Path, source: io::Error) -> TokenError {
    TokenError::Io { path: path.to_owned(), source }
}

/// Flags of every open: neither a link nor a pipe is waited for or followed.
fn flags() -> i32 {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    i32::try_from(flags.bits()).unwrap_or_default()
}

fn fill(mut file: File) -> io::Result<String> {
    let mut random = [0; BYTES];
    let mut filled = 0;
    while filled < BYTES {
        filled += getrandom(&mut random[filled..], GetRandomFlags::empty())?;
    }
    let mut token = String::new();
    for byte in random {
        // Writing into a string cannot fail.
        let _ = write!(token, "{byte:02x}");
    }
    writeln!(file, "{token}")?;
    Ok(token)
}

fn file(state_directory: &Path) -> PathBuf {
    state_directory.join("token")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
    use std::path::Path;

    use super::{file, open, read};

    fn directory() -> tempfile::TempDir {
        tempfile::tempdir().expect("a temporary directory")
    }

    #[test]
    fn a_token_is_made_once() {
        let (one, other) = (directory(), directory());
        assert!(read(one.path()).is_err(), "nothing is made by reading");
        let token = open(one.path()).expect("made");
        assert_eq!(token.len(), 64);
        assert_eq!(open(one.path()).expect("read"), token);
        assert_eq!(read(one.path()).expect("read"), token);
        let mode = file(one.path()).metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_ne!(open(other.path()).expect("made"), token);
    }

    fn write(path: &Path, text: &str, mode: u32) {
        std::fs::write(path, text).expect("written");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("set");
    }

    type Make = fn(&Path);

    #[test]
    fn what_others_had_their_hands_on_is_no_token() {
        let cases: [(&str, Make); 6] = [
            ("others may read", |path| write(path, &"ab".repeat(32), 0o644)),
            ("64 hexadecimal", |path| write(path, "abc", 0o600)),
            ("64 hexadecimal", |path| write(path, "", 0o600)),
            ("64 hexadecimal", |path| write(path, &"g".repeat(64), 0o600)),
            ("plain file", |path| std::fs::create_dir(path).expect("made")),
            ("plain file", |path| {
                rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::RUSR).expect("made");
            }),
        ];
        for (expected, make) in cases {
            let directory = directory();
            make(&file(directory.path()));
            let error = open(directory.path()).expect_err(expected).to_string();
            assert!(error.contains(expected) && error.contains("remove it"), "{error}");
        }
        let directory = directory();
        let victim = directory.path().join("victim");
        write(&victim, &"ab".repeat(32), 0o600);
        symlink(&victim, file(directory.path())).expect("linked");
        assert!(open(directory.path()).is_err(), "a link is not followed");
        std::fs::remove_file(&victim).expect("removed");
        assert!(open(directory.path()).is_err() && !victim.exists(), "nothing is made behind a link");
    }

    /// Root in a directory of the MTA's user, and that user after root.
    #[test]
    fn the_token_of_another_user_is_made_anew() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let directory = directory();
        write(&file(directory.path()), &"ab".repeat(32), 0o600);
        chown(file(directory.path()), Some(54321), None).expect("given");
        let token = open(directory.path()).expect("made");
        assert_ne!(token, "ab".repeat(32));
        assert_eq!(open(directory.path()).expect("read"), token);
    }
}
