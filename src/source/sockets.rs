//! TCP sockets of the mail ports: states, listen queues and the clients that hold most of them.
//!
//! Only sockets whose local port is configured are counted: over loopback both ends of a connection
//! are sockets of this host. The kernel is asked by `inet_diag`, which filters by port itself; where
//! that netlink family is missing (some containers), `/proc/net/tcp` and `tcp6` are read. Neither
//! is an atomic picture of a busy table: a socket that moves meanwhile can be missed.

mod inet_diag;
mod proc_net;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::IpAddr;

/// Remote addresses told apart in one scan.
const MAX_CLIENTS: usize = 100_000;

/// The state of a TCP socket (kernel, `include/net/tcp_states.h`). The kernel's twelfth,
/// `TCP_NEW_SYN_RECV`, is how it keeps a connection request inside and is counted as
/// [`TcpState::SynRecv`], as its own tools do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TcpState {
    /// Open in both directions.
    Established,
    /// This host has asked for a connection.
    SynSent,
    /// A client has asked for a connection and not confirmed it: a SYN flood shows here.
    SynRecv,
    /// Closed by this host, not confirmed.
    FinWait1,
    /// Closed by this host, the client's side is still open.
    FinWait2,
    /// Closed by both, kept for late segments.
    TimeWait,
    /// Not connected.
    Close,
    /// Closed by the client and not by the program of this host.
    CloseWait,
    /// Closed by both, this host's last segment not confirmed.
    LastAck,
    /// Accepting connections.
    Listen,
    /// Closed by both at the same time.
    Closing,
}

impl TcpState {
    /// Every state, in the order of the kernel's numbers from 1.
    pub const ALL: [Self; 11] = [
        Self::Established,
        Self::SynSent,
        Self::SynRecv,
        Self::FinWait1,
        Self::FinWait2,
        Self::TimeWait,
        Self::Close,
        Self::CloseWait,
        Self::LastAck,
        Self::Listen,
        Self::Closing,
    ];

    /// The label value.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Established => "established",
            Self::SynSent => "syn_sent",
            Self::SynRecv => "syn_recv",
            Self::FinWait1 => "fin_wait1",
            Self::FinWait2 => "fin_wait2",
            Self::TimeWait => "time_wait",
            Self::Close => "close",
            Self::CloseWait => "close_wait",
            Self::LastAck => "last_ack",
            Self::Listen => "listen",
            Self::Closing => "closing",
        }
    }

    /// The state with a number of the kernel; none for a number it does not use for sockets.
    fn from_kernel(number: u8) -> Option<Self> {
        match number {
            NEW_SYN_RECV => Some(Self::SynRecv),
            _ => Self::ALL.get(usize::from(number).checked_sub(1)?).copied(),
        }
    }
}

/// `TCP_NEW_SYN_RECV`, the number after those of [`TcpState::ALL`].
const NEW_SYN_RECV: u8 = 12;

/// Sockets by state, in the order of [`TcpState::ALL`].
pub type StateCounts = [u64; TcpState::ALL.len()];

/// What the mail ports looked like during one scan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SocketSnapshot {
    /// Sockets by local port and state, for every configured port and every state, zeros included.
    pub states: BTreeMap<(u16, TcpState), u64>,
    /// Listen queues by port; a port that nobody listens on has none.
    pub listeners: BTreeMap<u16, ListenQueue>,
    /// The remote addresses with the most sockets, most first. Listeners are no clients.
    pub clients: Vec<(IpAddr, StateCounts)>,
    /// Sockets left out of the ranking of clients because too many addresses were seen before.
    pub clients_left_out: u64,
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
    /// The fallback could not be read either.
    #[error("cannot read {path}")]
    Proc {
        /// The file.
        path: &'static str,
        /// What the reader said.
        source: procfs::ProcError,
    },
}

/// One socket, from either reader.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Socket {
    local_port: u16,
    remote: IpAddr,
    state: TcpState,
    /// For a listener: connections waiting to be accepted.
    receive_queue: u32,
    /// For a listener: how many may wait.
    accept_limit: Option<u32>,
}

/// Reads the sockets of these local ports, and ranks the `top` clients.
///
/// # Errors
///
/// If the kernel refuses, or answers in a way that is not understood. A kernel without `inet_diag`
/// or without IPv6 is none.
pub fn read(ports: &[u16], top: usize) -> Result<SocketSnapshot, SocketError> {
    match read_inet_diag(ports, top) {
        Err(SocketError::Netlink(error)) if inet_diag::is_missing(&error) => read_proc_net(ports, top),
        result => result,
    }
}

fn read_inet_diag(ports: &[u16], top: usize) -> Result<SocketSnapshot, SocketError> {
    const ATTEMPTS: usize = 3;
    for _ in 0..ATTEMPTS {
        let mut tally = Tally::new(ports);
        match inet_diag::read(&tally.ports(), &mut |socket| tally.add(&socket)) {
            Err(SocketError::Interrupted) => {}
            result => return result.map(|()| tally.finish(top)),
        }
    }
    Err(SocketError::Interrupted)
}

fn read_proc_net(ports: &[u16], top: usize) -> Result<SocketSnapshot, SocketError> {
    let mut tally = Tally::new(ports);
    proc_net::read(&mut |socket| tally.add(&socket))?;
    Ok(tally.finish(top))
}

/// A snapshot in the making.
struct Tally {
    ports: BTreeMap<u16, StateCounts>,
    listeners: BTreeMap<u16, ListenQueue>,
    // The standard hasher is keyed, and clients choose their addresses.
    clients: HashMap<IpAddr, [u32; TcpState::ALL.len()]>,
    clients_left_out: u64,
}

impl Tally {
    fn new(ports: &[u16]) -> Self {
        let ports = ports.iter().map(|&port| (port, StateCounts::default())).collect();
        Self { ports, listeners: BTreeMap::new(), clients: HashMap::new(), clients_left_out: 0 }
    }

    /// The configured ports, ascending and without repetitions.
    fn ports(&self) -> Vec<u16> {
        self.ports.keys().copied().collect()
    }

    fn add(&mut self, socket: &Socket) {
        let Some(states) = self.ports.get_mut(&socket.local_port) else { return };
        states[socket.state as usize] += 1;
        if socket.state == TcpState::Listen {
            let queue = self.listeners.entry(socket.local_port);
            let queue = queue.or_insert(ListenQueue { used: 0, limit: Some(0) });
            queue.used = queue.used.saturating_add(socket.receive_queue);
            queue.limit = queue.limit.zip(socket.accept_limit).map(|(sum, limit)| sum.saturating_add(limit));
        } else if !socket.remote.is_unspecified() {
            self.add_client(socket);
        }
    }

    fn add_client(&mut self, socket: &Socket) {
        let room = self.clients.len() < MAX_CLIENTS;
        let address = socket.remote.to_canonical();
        if room || self.clients.contains_key(&address) {
            self.clients.entry(address).or_default()[socket.state as usize] += 1;
        } else {
            self.clients_left_out += 1;
        }
    }

    fn finish(self, top: usize) -> SocketSnapshot {
        let mut states = BTreeMap::new();
        for (port, counts) in self.ports {
            states.extend(TcpState::ALL.iter().zip(counts).map(|(&state, count)| ((port, state), count)));
        }
        let mut clients: Vec<_> =
            self.clients.into_iter().map(|(address, counts)| (address, counts.map(u64::from))).collect();
        // Equal counts are ordered by address, so that the ranking does not flicker.
        clients.sort_unstable_by_key(|(address, counts)| {
            (std::cmp::Reverse(counts.iter().sum::<u64>()), *address)
        });
        clients.truncate(top);
        clients.shrink_to_fit();
        SocketSnapshot { states, listeners: self.listeners, clients, clients_left_out: self.clients_left_out }
    }
}
