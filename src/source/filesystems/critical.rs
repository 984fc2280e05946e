//! Whose the critical files are and who may use them (Administration Guide, chapter "Troubleshooting the MTA", "Check the
//! Ownership of Critical Files" and "Dispatcher (SMTP Server) Won't Start Up").
//!
//! The manual says that queue, log and `tmp` directory and what is in them belong to the MTA's user; it shows the modes
//! 0700 and 0750. A site may give more to some, so only what certainly harms is wrong: that the owner lacks a right, or
//! that everybody may write.

use std::collections::BTreeSet;

use rustix::fs::{FileType, Stat};

/// Whose the files have to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// The user that the MTA runs as.
    pub user: u32,
    /// What it is called.
    pub name: String,
    /// The groups that it works as; none where these are not known.
    pub groups: BTreeSet<u32>,
}

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrong {
    /// It belongs to another user.
    Owner,
    /// It belongs to a group that the MTA does not work as.
    Group,
    /// Its owner lacks a right, or everybody may write.
    Mode,
}

impl Wrong {
    /// Everything that can be.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Group, Self::Mode];

    /// The value of the label `what`.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Group => "group",
            Self::Mode => "mode",
        }
    }
}

/// What a file is to the MTA, which says what it has to be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A directory of its own, or what is in one.
    Own,
    /// The directory that all programs share.
    Shared,
    /// The Dispatcher's socket: of what else than its owner, the manual says nothing.
    Socket,
}

impl Role {
    /// What can be wrong with such a file, given who is expected.
    pub(super) fn asked(self, expected: Option<&Expected>) -> impl Iterator<Item = Wrong> {
        Wrong::ALL.into_iter().filter(move |wrong| match (self, wrong) {
            (Self::Own | Self::Socket, Wrong::Owner) => expected.is_some(),
            (Self::Own, Wrong::Group) => expected.is_some_and(|expected| !expected.groups.is_empty()),
            (Self::Own | Self::Shared, Wrong::Mode) => true,
            (Self::Shared | Self::Socket, _) => false,
        })
    }

    /// What is wrong with a file of this role.
    pub(super) fn wrong(self, found: &Stat, expected: Option<&Expected>) -> BTreeSet<Wrong> {
        let is_wrong = |wrong: &Wrong| match wrong {
            Wrong::Owner => expected.is_some_and(|expected| found.st_uid != expected.user),
            Wrong::Group => expected.is_some_and(|expected| !expected.groups.contains(&found.st_gid)),
            Wrong::Mode if self == Self::Shared => found.st_mode & 0o7777 != 0o1777,
            Wrong::Mode => {
                let is_directory = FileType::from_raw_mode(found.st_mode) == FileType::Directory;
                let needed = if is_directory { 0o700 } else { 0o600 };
                found.st_mode & needed != needed || found.st_mode & 0o002 != 0
            }
        };
        self.asked(expected).filter(is_wrong).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rustix::fs::stat;

    use super::{Expected, Role, Wrong};

    /// Types of files, as `stat(2)` has them.
    const DIRECTORY: u32 = 0o040_000;
    const FILE: u32 = 0o100_000;

    #[test]
    fn what_is_wrong_with_a_file() {
        let mut found = stat(".").expect("this directory");
        let (user, groups) = (500, BTreeSet::from([12, 13]));
        let name = String::new();
        let alone = Expected { user, name, groups: BTreeSet::new() };
        let known = Expected { groups, ..alone.clone() };
        for (role, mode, owner, group, expected, wrong) in [
            (Role::Own, DIRECTORY | 0o700, 500, 12, Some(&known), &[][..]),
            (Role::Own, DIRECTORY | 0o750, 500, 13, Some(&known), &[]),
            (Role::Own, DIRECTORY | 0o2775, 500, 13, Some(&known), &[]),
            (Role::Own, DIRECTORY | 0o500, 500, 13, Some(&known), &[Wrong::Mode]),
            (Role::Own, DIRECTORY | 0o777, 500, 13, Some(&known), &[Wrong::Mode]),
            (Role::Own, DIRECTORY | 0o750, 0, 0, Some(&known), &[Wrong::Owner, Wrong::Group]),
            (Role::Own, DIRECTORY | 0o750, 0, 0, Some(&alone), &[Wrong::Owner]),
            (Role::Own, DIRECTORY | 0o757, 0, 0, None, &[Wrong::Mode]),
            (Role::Own, FILE | 0o600, 500, 12, Some(&known), &[]),
            (Role::Own, FILE | 0o644, 500, 12, Some(&known), &[]),
            (Role::Own, FILE | 0o400, 500, 12, Some(&known), &[Wrong::Mode]),
            (Role::Own, FILE | 0o662, 501, 12, Some(&known), &[Wrong::Owner, Wrong::Mode]),
            (Role::Shared, DIRECTORY | 0o1777, 0, 0, Some(&known), &[]),
            (Role::Shared, DIRECTORY | 0o777, 0, 0, None, &[Wrong::Mode]),
            (Role::Shared, DIRECTORY | 0o755, 0, 0, Some(&known), &[Wrong::Mode]),
            (Role::Socket, FILE | 0o777, 500, 0, Some(&known), &[]),
            (Role::Socket, FILE | 0o600, 0, 0, Some(&known), &[Wrong::Owner]),
            (Role::Socket, FILE | 0o600, 0, 0, None, &[]),
        ] {
            (found.st_mode, found.st_uid, found.st_gid) = (mode, owner, group);
            let found = role.wrong(&found, expected);
            assert_eq!(found.into_iter().collect::<Vec<_>>(), wrong, "{role:?} {mode:o} {owner} {group}");
        }
    }
}
