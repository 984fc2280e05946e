//! What can be read and done as this user: the same calls that the service makes.

use std::collections::BTreeSet;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD, accessat};

use super::Checked;
use super::Verdict::{Fine, Note, Problem};
use crate::app::{Environment, becomes};
use crate::config::Config;
use crate::http::probe;
use crate::observed::Clock;
use crate::source::install::Install;
use crate::source::presence::holds_anything;
use crate::source::processes::ProcessWatch;
use crate::source::spool::{QueueSnapshot, Scanner, Settings};
use crate::source::state::{StateDirectory, StateError};
use crate::source::{sockets as kernel, user as users};
use crate::text::with_causes;

/// Directories that cannot be read and are named one by one.
const NAMED: usize = 5;

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

/// One scan of the queue.
pub(super) fn queue(checked: &mut Checked, config: &Config, install: &Install, clock: Clock) {
    let mut scanner = Scanner::new(Settings::new(&config.queue, &install.queue_directory));
    match scanner.scan(clock.wall(), &|| clock.monotonic(), &BTreeSet::new()) {
        Ok(()) => {
            let snapshot = scanner.snapshot(clock.wall());
            let messages: u64 = snapshot.channels.values().map(|channel| channel.messages).sum();
            let channels = snapshot.channels.len();
            let place = install.queue_directory.display();
            checked.note(Fine, "queue", format!("{place}: {channels} channels, {messages} messages"));
            other_files(checked, &snapshot);
            for failure in snapshot.failures.iter().take(NAMED) {
                let path = install.queue_directory.join(&failure.directory);
                checked.note(Problem, "queue", denied(&path, &failure.error));
            }
            if let more @ 1.. = snapshot.failures.len().saturating_sub(NAMED) {
                checked.note(Problem, "queue", format!("{more} more directories cannot be read"));
            }
        }
        Err(error) => {
            checked.note(Problem, "queue", format!("{}{}", with_causes(&error), passive(config, install)));
        }
    }
}

/// Channels in which many files are not known to be messages.
fn other_files(checked: &mut Checked, snapshot: &QueueSnapshot) {
    let channels = snapshot.channels.iter();
    let many = channels.filter_map(|(channel, queue)| Some((channel, queue.many_other_files()?)));
    for (channel, (other, all)) in many.take(NAMED) {
        let text = format!(
            "{channel}: {other} of {all} files have names that no message has, such as copies that were left there; \
             if they are messages, they are missing from all numbers about the queue: compare with \
             `imsimta qm summarize`, and report such a name"
        );
        checked.note(Note, "queue", text);
    }
}

/// Said where the queue is missing as a whole.
fn passive(config: &Config, install: &Install) -> &'static str {
    if config.mta.active == Some(false) {
        "; mta.active says that this node is passive"
    } else if holds_anything(&install.log_directory) {
        "; the logs are there, so this is no passive node of a pair, unless mta.active is false"
    } else {
        "; on the passive node of a pair that is as it should be"
    }
}

/// The MTA's processes.
pub(super) fn processes(
    checked: &mut Checked,
    config: &Config,
    install: &Install,
    environment: &Environment,
) {
    let owner = install.queue_directory.metadata().ok().map(|metadata| metadata.uid());
    let names = config.processes.names.clone();
    let mut watch = ProcessWatch::new(environment.proc_root.clone(), install.root.clone(), names, owner);
    let snapshot = match watch.scan() {
        Ok(snapshot) => snapshot,
        Err(error) => return checked.note(Problem, "processes", with_causes(&error)),
    };
    if snapshot.unreadable > 0 {
        let text = format!(
            "the command lines of {} processes may not be read: /proc is mounted with hidepid; mount it without, \
             or with gid= a group of this user",
            snapshot.unreadable
        );
        checked.note(Problem, "processes", text);
    }
    let running = |(name, group): (&String, &crate::source::processes::ProcessGroup)| {
        (group.running > 0).then(|| format!("{name} ({})", group.running))
    };
    let found: Vec<String> = snapshot.processes.iter().filter_map(running).collect();
    if found.is_empty() {
        let text = format!("none of the MTA's programs runs below {}", install.root.display());
        checked.note(Note, "processes", text);
        return;
    }
    checked.note(Fine, "processes", found.join(", "));
    if snapshot.processes.values().any(|group| group.running > 0 && group.open_fds.is_none()) {
        let text = "their open files cannot be counted: /proc/PID/fd is open to their own user alone, so \
                    imsimta_process_open_fds will be absent";
        checked.note(Note, "processes", text);
    }
}

/// The kernel's sockets on the MTA's ports.
pub(super) fn sockets(checked: &mut Checked, config: &Config) {
    let ports = &config.sockets.ports;
    match kernel::read(ports, 1) {
        Ok(snapshot) => {
            let list = |listening: bool| {
                let ports = ports.iter().filter(|port| snapshot.listeners.contains_key(port) == listening);
                ports.map(ToString::to_string).collect::<Vec<_>>().join(", ")
            };
            let (some, none) = (list(true), list(false));
            if !some.is_empty() {
                checked.note(Fine, "sockets", format!("somebody listens on {some}"));
            }
            if !none.is_empty() {
                let text = format!("can be read; nobody listens on {none} (sockets.ports)");
                checked.note(Note, "sockets", text);
            }
        }
        Err(error) => checked.note(Problem, "sockets", with_causes(&error)),
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
pub(super) fn listener(checked: &mut Checked, listen: SocketAddr) {
    let seen = if listen.ip().to_canonical().is_loopback() {
        "this host alone"
    } else {
        "every host that reaches this address"
    };
    match TcpListener::bind(listen) {
        Ok(_) => checked.note(Fine, "listener", format!("{listen} is free, for {seen}")),
        Err(_) if probe::healthy(listen).is_ok() => {
            checked.note(Fine, "listener", format!("an exporter answers on {listen} already, for {seen}"));
        }
        Err(error) => {
            let text = format!("cannot listen on {listen}: {error}; choose another address with --listen");
            checked.note(Problem, "listener", text);
        }
    }
}

/// A path and what the system said; what to do where it was a permission.
pub(super) fn denied(path: &Path, error: &io::Error) -> String {
    let hint = if error.kind() == io::ErrorKind::PermissionDenied {
        "; run the exporter as the MTA's user, or give this one an ACL"
    } else {
        ""
    };
    format!("{}: {error}{hint}", path.display())
}
