//! Users of this host: their numbers and groups.

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

/// Group of those for whom no group is known (`nogroup`, `nobody`).
const NO_GROUP: u32 = 65_534;

/// A user as a process is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The user's name; `None` for one of a directory service.
    pub name: Option<String>,
    /// Its number.
    pub user: u32,
    /// Its primary group.
    pub group: u32,
    /// All of its groups.
    pub groups: Vec<u32>,
}

/// The account with this number, by `passwd` and `group` (group(5)) in the directory `etc`. `fallback` is the
/// group of a user whom they do not have.
pub fn account_of(user: u32, fallback: Option<u32>, etc: &Path) -> Account {
    let entry = entries(&etc.join("passwd")).into_iter().find(|fields| number(fields, 2) == Some(user));
    let Some((entry, group)) = entry.and_then(|entry| number(&entry, 3).map(|group| (entry, group))) else {
        let group = fallback.filter(|&group| group != 0).unwrap_or(NO_GROUP);
        return Account { name: None, user, group, groups: vec![group] };
    };
    let name = entry[0].clone();
    let is_member = |fields: &Vec<String>| {
        fields.get(3).is_some_and(|members| members.split(',').any(|member| member == name))
    };
    let others = entries(&etc.join("group")).into_iter().filter(is_member);
    let mut groups: Vec<u32> = others.filter_map(|fields| number(&fields, 2)).chain([group]).collect();
    groups.sort_unstable();
    groups.dedup();
    Account { name: Some(name), user, group, groups }
}

/// The fields of a file like passwd(5); none of a file that cannot be read.
fn entries(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read(path).unwrap_or_default();
    let lines = text.split(|&byte| byte == b'\n').map(String::from_utf8_lossy);
    lines.map(|line| line.split(':').map(str::to_owned).collect()).collect()
}

fn number(fields: &[String], index: usize) -> Option<u32> {
    fields.get(index)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{NO_GROUP, account_of, id_of};

    #[test]
    fn the_groups_of_a_user() {
        let etc = tempfile::tempdir().expect("a temporary directory");
        let write = |name: &str, text: &str| std::fs::write(etc.path().join(name), text).expect("written");
        write("passwd", "root:x:0:0::/root:/bin/sh\nmailsrv:x:500:600::/:/bin/false\nbroken:x:7\n");
        write("group", "root:x:0:\nmail:x:12:a,mailsrv,b\nmailsrv:x:600:mailsrv\nnot:x:9:mailsrv2\nbad\n");
        for (user, fallback, name, group, groups) in [
            (500, Some(1), Some("mailsrv"), 600, vec![12, 600]),
            (501, Some(31), None, 31, vec![31]),
            // The group of root's files is no group for anybody else.
            (501, Some(0), None, NO_GROUP, vec![NO_GROUP]),
            (7, None, None, NO_GROUP, vec![NO_GROUP]),
        ] {
            let account = account_of(user, fallback, etc.path());
            assert_eq!(
                (account.name.as_deref(), account.group, account.groups),
                (name, group, groups),
                "{user}"
            );
        }
    }

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
