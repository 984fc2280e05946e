//! What root gives up: a service that root starts becomes the MTA's user before there is a thread.
//!
//! As root the program could be led to any file of the host by whoever owns the directories that it reads.
//! The calls change the one thread that there is; all later ones begin with what it has.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::{Gid, Uid, geteuid};
use rustix::thread;

use crate::config::Config;
use crate::source::install::Install;
use crate::source::user::{self, Account};

/// Why root is not left.
#[derive(Debug, thiserror::Error)]
pub enum PrivilegeError {
    /// Nobody to become.
    #[error(
        "this is root, and the service does not stay root: it would become the user that the MTA runs as, but \
         {why}; start it as that user (sudo -u mailsrv imsimta-exporter ...), name it with user in [mta] of the \
         configuration file or IMSIMTA_EXPORTER__MTA__USER, or insist with --as-root"
    )]
    Nobody {
        /// What was looked at.
        why: String,
    },
    /// The kernel refused, or did less than it said.
    #[error("cannot become user {user}: {source}; start it as that user, or insist with --as-root")]
    Refused {
        /// Who it was to be.
        user: u32,
        /// Why.
        source: io::Error,
    },
}

/// Says that the service stays root.
pub fn warn_of_root(config: &Config) {
    if geteuid().is_root() && config.mta.as_root {
        tracing::warn!(
            "running as root, as --as-root says: whoever owns the MTA's directories can lead it to any file of this \
             host; without it the service becomes the MTA's user"
        );
    }
}

/// Whom a service becomes that is started now; `None` when it stays who it is. `user` is the configured one,
/// else the owner of the queue directory is asked for, then that of the logs.
///
/// # Errors
///
/// When this is root and there is nobody to become.
pub fn becomes(
    config: &Config,
    install: &Install,
    user: Option<u32>,
) -> Result<Option<Account>, PrivilegeError> {
    if !geteuid().is_root() || config.mta.as_root {
        return Ok(None);
    }
    let owner = |path: &Path| fs::metadata(path).ok();
    let (queue, log) = (&install.queue_directory, &install.log_directory);
    let found = [queue, log].into_iter().find_map(|path| owner(path));
    let Some(id) = user.or(found.as_ref().map(MetadataExt::uid)) else {
        let why = format!("neither {} nor {} can be looked at", queue.display(), log.display());
        return Err(PrivilegeError::Nobody { why });
    };
    if id == 0 {
        let what = if user.is_some() { "mta.user is root" } else { "root owns the MTA's directories" };
        return Err(PrivilegeError::Nobody { why: what.to_owned() });
    }
    let group = found.filter(|found| found.uid() == id).map(|found| found.gid());
    Ok(Some(user::account_of(id, group, Path::new("/etc"))))
}

/// Becomes this user for good, with its groups and no other, and no way to more.
///
/// # Errors
///
/// When the kernel refuses, or there are threads that would stay root.
pub(super) fn become_user(account: &Account) -> Result<(), PrivilegeError> {
    let refused = |source| PrivilegeError::Refused { user: account.user, source };
    if fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() > 1) {
        return Err(refused(io::Error::other("there are other threads already")));
    }
    let groups: Vec<Gid> = account.groups.iter().copied().map(Gid::from_raw).collect();
    let (user, group) = (Uid::from_raw(account.user), Gid::from_raw(account.group));
    thread::set_thread_groups(&groups)
        .and_then(|()| thread::set_thread_res_gid(group, group, group))
        .and_then(|()| thread::set_thread_res_uid(user, user, user))
        .map_err(|errno| refused(errno.into()))?;
    if thread::set_thread_uid(Uid::ROOT).is_ok() {
        return Err(refused(io::Error::other("root could be had again")));
    }
    tracing::info!(user = account.user, group = account.group, groups = ?account.groups, "root was given up");
    Ok(())
}
