//! What can be read and done as this user: the same calls that the service makes.

use std::io;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD, accessat};

use super::Checked;
use super::Verdict::{Fine, Note, Problem};
use crate::app::becomes;
use crate::config::Config;
use crate::http::probe;
use crate::source::install::Install;
use crate::source::state::{StateDirectory, StateError};
use crate::source::user as users;
use crate::web::{self, own};

/// Who asks, whom the service would become, and to whom the queue belongs.
pub(super) fn user(checked: &mut Checked, config: &Config, install: &Install) {
    let own = rustix::process::geteuid().as_raw();
    let configured = config.mta.user.as_deref().map(|user| users::id_of(user, Path::new("/etc/passwd")));
    let configured = configured.transpose().unwrap_or_else(|error| {
        checked.note(Problem, "user", error.to_string());
        None
    });
    match becomes(config, install, configured) {
        Err(error) => return checked.note(Problem, "user", error.to_string()),
        Ok(Some(account)) => {
            let name = account.name.unwrap_or_else(|| format!("#{}", account.user));
            let text = format!(
                "this is root; a service that root starts becomes user {name} ({}), who may read less than what is \
                 found here: look as that user, sudo -u {name} imsimta-exporter check",
                account.user
            );
            return checked.note(Note, "user", text);
        }
        Ok(None) => {}
    }
    let owner = install.queue_directory.metadata().ok().map(|metadata| metadata.uid());
    match owner {
        Some(owner) if own != 0 && own != owner => checked.note(
            Note,
            "user",
            format!(
                "this is user {own} and the queue belongs to user {owner}: it works as that user, or with an ACL \
                 that lets user {own} list the queue and read the logs"
            ),
        ),
        _ if own == 0 => checked.note(Note, "user", "root, and the service would stay root, as --as-root says"),
        _ => checked.note(Fine, "user", format!("user {own}")),
    }
}

/// Whether a start would use the state directory, and whether state could be saved. Nothing is written for it.
pub(super) fn state_directory(checked: &mut Checked, config: &Config) {
    let directory = &config.state.directory;
    // A user that the host does not have is a finding of its own.
    let user = config.mta.user.as_deref().and_then(|user| users::id_of(user, Path::new("/etc/passwd")).ok());
    match StateDirectory::examine(directory, user) {
        Ok(()) => {}
        Err(StateError::NoDirectory { .. }) => return state_to_make(checked, directory),
        Err(refused) => return checked.note(Problem, "state", refused.to_string()),
    }
    match writable(directory) {
        Ok(()) => checked.note(Fine, "state", format!("{} can be written", directory.display())),
        Err(error) => unwritable(checked, directory, "cannot be written", &error),
    }
}

/// A state directory that the first start makes, if it can.
fn state_to_make(checked: &mut Checked, directory: &Path) {
    let nearest = directory.ancestors().find(|path| path.symlink_metadata().is_ok());
    let nearest = nearest.unwrap_or(Path::new("/"));
    if !nearest.is_dir() {
        return checked.note(Problem, "state", format!("{}: not a directory", nearest.display()));
    }
    match writable(nearest) {
        Ok(()) => {
            let text = format!("{} will be made at the first start", directory.display());
            checked.note(Note, "state", text);
        }
        Err(error) => unwritable(checked, directory, "is not there and cannot be made", &error),
    }
}

fn writable(directory: &Path) -> io::Result<()> {
    Ok(accessat(CWD, directory, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS)?)
}

fn unwritable(checked: &mut Checked, directory: &Path, what: &str, error: &io::Error) {
    let hint = "give the directory to this user, or choose another with --state-dir";
    checked.note(Problem, "state", format!("{} {what}: {error}; {hint}", directory.display()));
}

/// Whether the address is free, or an exporter answers there already.
pub(super) fn listener(checked: &mut Checked, config: &Config) {
    let listen = config.http.listen;
    let ways = own::any(config.http.web_config.as_deref());
    let seen = if listen.ip().to_canonical().is_loopback() {
        "this host alone"
    } else {
        "every host that reaches this address"
    };
    match TcpListener::bind(listen) {
        Ok(_) => checked.note(Fine, "listener", format!("{listen} is free, for {seen}")),
        Err(_) if probe::healthy(listen, &ways).is_ok() => {
            checked.note(Fine, "listener", format!("an exporter answers on {listen} already, for {seen}"));
        }
        Err(error) => {
            let text = format!("cannot listen on {listen}: {error}; choose another address with --listen");
            checked.note(Problem, "listener", text);
        }
    }
}

/// What the web configuration says, and what of it cannot be done.
pub(super) fn web_config(checked: &mut Checked, config: &Config) {
    let Some(path) = &config.http.web_config else { return };
    match web::look(path) {
        Ok((summary, notes)) => {
            checked.note(Fine, "web_config", format!("{}: {summary}", path.display()));
            for note in notes {
                checked.note(Note, "web_config", note);
            }
        }
        Err(problem) => checked.note(Problem, "web_config", problem),
    }
}
