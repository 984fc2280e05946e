//! The number of a user of this host.

use std::io;
use std::path::{Path, PathBuf};

/// Why a configured user has no number.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// The file of users does not have it.
    #[error(
        "mta.user: {passwd} has no user {user:?}; expected one of its users, or the number of one from a \
         directory service"
    )]
    Unknown {
        /// What is configured.
        user: String,
        /// Where it was looked for.
        passwd: PathBuf,
    },
    /// The file of users cannot be read.
    #[error("mta.user: {passwd}: {source}")]
    Unreadable {
        /// The file.
        passwd: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The user id of a name in a file like `/etc/passwd` (passwd(5)), or of a number as it is.
///
/// The file is read and not the C library asked: its name services need shared libraries that a
/// static program must not load. A user from a directory service is given by number.
///
/// # Errors
///
/// When the file cannot be read or does not have the name.
pub fn id_of(user: &str, passwd: &Path) -> Result<u32, UserError> {
    if let Ok(number) = user.parse() {
        return Ok(number);
    }
    let unreadable = |source| UserError::Unreadable { passwd: passwd.to_owned(), source };
    let text = std::fs::read(passwd).map_err(unreadable)?;
    let mut entries = text.split(|&byte| byte == b'\n').map(|entry| entry.split(|&byte| byte == b':'));
    let id = entries.find_map(|mut fields| {
        let found = fields.next()? == user.as_bytes();
        let number = std::str::from_utf8(fields.nth(1)?).ok()?.parse().ok()?;
        found.then_some(number)
    });
    id.ok_or_else(|| UserError::Unknown { user: user.to_owned(), passwd: passwd.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::id_of;

    #[test]
    fn users_by_name_and_by_number() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let passwd = directory.path().join("passwd");
        std::fs::write(
            &passwd,
            b"root:x:0:0:root:/root:/bin/sh\nbad line\nmailsrv:x:500:600:\xff:/:/bin/false\n",
        )
        .expect("written");
        for (user, expected) in [
            ("root", Some(0)),
            ("mailsrv", Some(500)),
            ("1234", Some(1234)),
            ("bad line", None),
            ("no", None),
        ] {
            assert_eq!(id_of(user, &passwd).ok(), expected, "{user}");
        }
        assert!(id_of("root", &directory.path().join("none")).is_err());
    }
}
