//! TCP sockets of the mail ports: states, listen queues, the clients that hold most of them, what goes out to other mail
//! hosts, and connections that the kernel turned away.
//!
//! Sockets whose local port is one of the MTA's are counted by it, and those to the remote port of mail as going out:
//! over loopback both ends of a connection are sockets of this host. The kernel is asked by `inet_diag`, which filters by
//! port itself; where that netlink family is missing (some containers), and where the MTA has a network namespace of its
//! own ([`Namespace`]), the tables in `net/tcp` and `tcp6` are read. Neither is an atomic picture of a busy table: a
//! socket that moves meanwhile can be missed.

mod inet_diag;
mod listeners;
mod namespace;
mod netstat;
mod proc_net;
mod state;
mod tally;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;

pub use listeners::{Held, held_ports};
pub use namespace::Namespace;
pub use netstat::ListenDrops;
pub use state::{StateCounts, TcpState};
use tally::Tally;

use crate::config;

/// Ports that are told apart; each is a label value.
pub const MOST_PORTS: usize = config::MOST_PORTS;

/// The port of other mail hosts.
pub const SMTP: u16 = 25;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The local ports, at most [`MOST_PORTS`].
    pub ports: Vec<u16>,
    /// The remote port that counts as going out.
    pub remote_port: u16,
    /// How many clients are ranked.
    pub top: usize,
}

/// Why these ports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// Somebody has said them.
    #[default]
    Configured,
    /// The MTA's processes listen on them, or its Dispatcher is configured to.
    Found,
    /// Nothing is known, so they are those of most hosts.
    Usual,
}

/// The ports of the MTA, and how they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// Which.
    pub ports: Vec<u16>,
    /// Why these.
    pub origin: Origin,
    /// Ports beyond [`MOST_PORTS`].
    pub left_out: u64,
    /// Servers of the MTA that could not be asked on which ports they listen.
    pub unseen: u64,
}

/// What the mail ports looked like during one scan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SocketSnapshot {
    /// The ports that were looked at; empty where whoever asked knows them.
    pub ports: Ports,
    /// What the kernel has turned away; absent where it does not say.
    pub drops: Option<ListenDrops>,
    /// The table of the network that was read, where it is not that of this process.
    pub elsewhere: Option<PathBuf>,
    /// Sockets by local port and state, for every port that was asked for and every state, zeros included.
    pub states: BTreeMap<(u16, TcpState), u64>,
    /// Sockets to the remote port by state.
    pub outbound: StateCounts,
    /// Listen queues by port; a port that nobody listens on has none.
    pub listeners: BTreeMap<u16, ListenQueue>,
    /// The remote addresses with the most sockets, most first. Listeners are no clients.
    pub clients: Vec<(IpAddr, StateCounts)>,
    /// Sockets left out of the ranking of clients because too many addresses were seen before.
    pub clients_left_out: u64,
}

impl SocketSnapshot {
    /// Connections of a port that a server process holds, or will: open ones, also those that the client has closed. Those
    /// that the server has closed occupy no process.
    pub fn in_use(&self, port: u16) -> u64 {
        [TcpState::Established, TcpState::CloseWait]
            .iter()
            .map(|&state| self.states.get(&(port, state)).copied().unwrap_or_default())
            .sum()
    }
}

/// Connections that wait for the program to accept them, summed over the listeners of a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListenQueue {
    /// Connections waiting.
    pub used: u32,
    /// How many may wait; none where only `/proc/net/tcp` could be read, which does not say.
    pub limit: Option<u32>,
}

/// Why the sockets could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The system refused a call on the netlink socket, or the kernel's answer was an error.
    #[error("cannot ask the kernel for its sockets (netlink, NETLINK_SOCK_DIAG)")]
    Netlink(#[source] io::Error),
    /// The kernel's answer has another form than `linux/netlink.h` and `linux/inet_diag.h` say.
    #[error("malformed answer of the kernel about its sockets: {0}")]
    Malformed(&'static str),
    /// The table changed during every attempt so that the kernel calls its answer inconsistent.
    #[error("the table of sockets changed while it was read")]
    Interrupted,
    /// A table of the process file system could not be read.
    #[error("cannot read {path}")]
    Proc {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        source: procfs::ProcError,
    },
    /// What the kernel has counted could not be read.
    #[error("cannot read {path}")]
    Counters {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// One socket, from either reader.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Socket {
    local_port: u16,
    remote: IpAddr,
    remote_port: u16,
    state: TcpState,
    /// For a listener: connections waiting to be accepted.
    receive_queue: u32,
    /// For a listener: how many may wait.
    accept_limit: Option<u32>,
    /// By which the descriptors of a process name it.
    inode: u64,
}

impl Namespace {
    /// Reads the sockets that are asked for.
    ///
    /// # Errors
    ///
    /// If the kernel refuses, or answers in a way that is not understood. A kernel without `inet_diag`
    /// or without IPv6 is none.
    pub fn read(&self, wanted: &Wanted) -> Result<SocketSnapshot, SocketError> {
        if self.is_own() {
            match read_inet_diag(wanted) {
                Err(error) if inet_diag::is_missing(&error) => {}
                result => return result,
            }
        }
        read_tables(self, wanted)
    }

    /// Connections that the kernel has turned away at full listen queues since it started.
    ///
    /// # Errors
    ///
    /// If its table cannot be read, or does not have them.
    pub fn listen_drops(&self) -> Result<ListenDrops, SocketError> {
        let path = self.table("netstat");
        netstat::read(&path).map_err(|source| SocketError::Counters { path, source })
    }
}

fn read_inet_diag(wanted: &Wanted) -> Result<SocketSnapshot, SocketError> {
    const ATTEMPTS: usize = 3;
    let mut tally = Tally::new(wanted);
    for _ in 0..ATTEMPTS {
        let filter = inet_diag::filter(&tally.ports(), wanted.remote_port);
        match inet_diag::read(inet_diag::ALL_STATES, &filter, &mut |socket| tally.add(&socket)) {
            Err(SocketError::Interrupted) => tally = Tally::new(wanted),
            result => return result.map(|()| tally.finish(wanted.top)),
        }
    }
    Err(SocketError::Interrupted)
}

fn read_tables(namespace: &Namespace, wanted: &Wanted) -> Result<SocketSnapshot, SocketError> {
    let mut tally = Tally::new(wanted);
    proc_net::read(namespace, &mut |socket| tally.add(&socket))?;
    Ok(tally.finish(wanted.top))
}
