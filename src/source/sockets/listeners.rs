//! The ports on which processes listen: a descriptor that is a socket names its inode, and so does the kernel's list of
//! listeners.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::{Namespace, Socket, SocketError, TcpState, inet_diag, proc_net};

/// Processes whose descriptors are looked at, and descriptors of each: a Dispatcher has some hundred.
const MOST_PROCESSES: usize = 64;
const MOST_DESCRIPTORS: usize = 16 * 1024;

/// The ports that some processes hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// On which they listen.
    pub ports: BTreeSet<u16>,
    /// Processes whose descriptors this user may not see, and those that are too many to look at.
    pub unseen: u64,
}

/// Finds the ports on which processes listen. One that ends meanwhile holds none.
///
/// # Errors
///
/// If the kernel's list of listeners cannot be read.
pub fn held_ports(namespace: &Namespace, proc_root: &Path, pids: &[i32]) -> Result<Held, SocketError> {
    let mut held = Held { unseen: pids.len().saturating_sub(MOST_PROCESSES) as u64, ..Held::default() };
    let mut inodes = HashSet::new();
    for pid in pids.iter().take(MOST_PROCESSES) {
        match socket_inodes(&proc_root.join(pid.to_string()).join("fd"), &mut inodes) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => held.unseen += 1,
            Ok(()) => {}
        }
    }
    if inodes.is_empty() {
        return Ok(held);
    }
    let mut add = |socket: Socket| {
        if socket.state == TcpState::Listen && inodes.contains(&socket.inode) {
            held.ports.insert(socket.local_port);
        }
    };
    match namespace.is_own().then(|| inet_diag::read(inet_diag::LISTENING, &[], &mut add)) {
        Some(Ok(())) => {}
        Some(Err(error)) if !inet_diag::is_missing(&error) => return Err(error),
        _ => proc_net::read(namespace, &mut add)?,
    }
    Ok(held)
}

/// Adds the inodes of the sockets among the descriptors in a directory.
fn socket_inodes(descriptors: &Path, inodes: &mut HashSet<u64>) -> io::Result<()> {
    for descriptor in fs::read_dir(descriptors)?.take(MOST_DESCRIPTORS) {
        // What was closed meanwhile is nothing.
        let Ok(target) = descriptor.and_then(|descriptor| fs::read_link(descriptor.path())) else { continue };
        let text = str::from_utf8(target.as_os_str().as_bytes()).ok();
        let inode = text.and_then(|text| text.strip_prefix("socket:[")?.strip_suffix(']'));
        inodes.extend(inode.and_then(|inode| inode.parse::<u64>().ok()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
    use std::path::Path;

    use super::{MOST_PROCESSES, held_ports};
    use crate::source::sockets::Namespace;

    #[test]
    fn the_listeners_of_a_process_are_found() {
        let listeners: Vec<TcpListener> =
            [TcpListener::bind((Ipv4Addr::LOCALHOST, 0)), TcpListener::bind((Ipv6Addr::LOCALHOST, 0))]
                .into_iter()
                .flatten()
                .collect();
        let own = i32::try_from(std::process::id()).expect("a number");
        let held = held_ports(&Namespace::OWN, Path::new("/proc"), &[own, i32::MAX]).expect("a list");
        for listener in &listeners {
            let port = listener.local_addr().expect("an address").port();
            assert!(held.ports.contains(&port), "{port}: {held:?}");
        }
        assert_eq!(held.unseen, 0, "a process that has ended is none");
        let nobody = held_ports(&Namespace::OWN, Path::new("/proc"), &[i32::MAX]).expect("a list");
        assert!(nobody.ports.is_empty());
    }

    #[test]
    fn processes_that_cannot_be_looked_into_are_counted() {
        let place = tempfile::tempdir().expect("a temporary directory");
        for pid in 1..=MOST_PROCESSES + 3 {
            std::fs::create_dir(place.path().join(pid.to_string())).expect("made");
        }
        // A file is no directory of descriptors, as one that may not be read is none.
        std::fs::write(place.path().join("1/fd"), "").expect("written");
        let pids: Vec<i32> = (1..=i32::try_from(MOST_PROCESSES + 3).expect("small")).collect();
        let held = held_ports(&Namespace::OWN, place.path(), &pids).expect("a list");
        assert_eq!(held.unseen, 4);
    }
}
