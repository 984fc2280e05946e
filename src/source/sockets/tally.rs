//! A snapshot in the making: sockets are counted one by one, whoever reads them.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use super::{ListenQueue, MOST_PORTS, Socket, SocketSnapshot, StateCounts, TcpState, Wanted};

/// Remote addresses told apart in one scan.
pub(super) const MAX_CLIENTS: usize = 100_000;

/// What has been counted so far.
pub(super) struct Tally {
    /// By port, ascending and without repetitions: they are few, and each socket asks for one.
    ports: Vec<(u16, StateCounts)>,
    remote_port: u16,
    outbound: StateCounts,
    listeners: BTreeMap<u16, ListenQueue>,
    // The standard hasher is keyed, and clients choose their addresses.
    clients: HashMap<IpAddr, [u32; TcpState::ALL.len()]>,
    clients_left_out: u64,
}

impl Tally {
    pub(super) fn new(wanted: &Wanted) -> Self {
        debug_assert!(wanted.ports.len() <= MOST_PORTS, "whoever asks keeps to the cap");
        let mut ports: Vec<_> = wanted.ports.iter().map(|&port| (port, StateCounts::default())).collect();
        ports.sort_unstable();
        ports.dedup();
        Self {
            ports,
            remote_port: wanted.remote_port,
            outbound: StateCounts::default(),
            listeners: BTreeMap::new(),
            clients: HashMap::new(),
            clients_left_out: 0,
        }
    }

    /// The ports, ascending and without repetitions.
    pub(super) fn ports(&self) -> Vec<u16> {
        self.ports.iter().map(|&(port, _)| port).collect()
    }

    pub(super) fn add(&mut self, socket: &Socket) {
        if socket.remote_port == self.remote_port {
            self.outbound[socket.state as usize] += 1;
        }
        let Some((_, states)) = self.ports.iter_mut().find(|(port, _)| *port == socket.local_port) else {
            return;
        };
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
        let address = socket.remote.to_canonical();
        if let Some(states) = self.clients.get_mut(&address) {
            states[socket.state as usize] += 1;
        } else if self.clients.len() < MAX_CLIENTS {
            self.clients.entry(address).or_default()[socket.state as usize] += 1;
        } else {
            self.clients_left_out += 1;
        }
    }

    pub(super) fn finish(self, top: usize) -> SocketSnapshot {
        let mut states = BTreeMap::new();
        for (port, counts) in self.ports {
            states.extend(TcpState::ALL.iter().zip(counts).map(|(&state, count)| ((port, state), count)));
        }
        SocketSnapshot {
            states,
            outbound: self.outbound,
            listeners: self.listeners,
            clients: busiest(&self.clients, top),
            clients_left_out: self.clients_left_out,
            ..SocketSnapshot::default()
        }
    }
}

/// The clients with most sockets, most first. Equal counts are ordered by address, so that the ranking does not flicker.
fn busiest(clients: &HashMap<IpAddr, [u32; TcpState::ALL.len()]>, top: usize) -> Vec<(IpAddr, StateCounts)> {
    let sum = |counts: &[u32]| counts.iter().map(|&count| u64::from(count)).sum::<u64>();
    let mut ranked: Vec<_> =
        clients.iter().map(|(&address, counts)| (std::cmp::Reverse(sum(counts)), address)).collect();
    if ranked.len() > top && top > 0 {
        ranked.select_nth_unstable(top - 1);
    }
    ranked.truncate(top);
    ranked.sort_unstable();
    ranked.iter().map(|(_, address)| (*address, clients[address].map(u64::from))).collect()
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use super::{ListenQueue, MAX_CLIENTS, Socket, Tally, TcpState, Wanted};
    use crate::source::sockets::tests::wanted;

    fn tally(ports: &[u16]) -> Tally {
        Tally::new(&Wanted { remote_port: 25, ..wanted(ports) })
    }

    fn socket(local_port: u16, remote: IpAddr, state: TcpState) -> Socket {
        Socket {
            local_port,
            remote,
            remote_port: 40_000,
            state,
            receive_queue: 0,
            accept_limit: None,
            inode: 0,
        }
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))
    }

    #[test]
    fn every_port_has_every_state_and_others_are_not_counted() {
        let mut tally = tally(&[587, 25, 25]);
        tally.add(&socket(25, address(1), TcpState::SynRecv));
        tally.add(&socket(26, address(1), TcpState::SynRecv));
        assert_eq!(tally.ports(), [25, 587]);
        let snapshot = tally.finish(10);
        assert_eq!(snapshot.states.len(), 2 * TcpState::ALL.len());
        assert_eq!(snapshot.states.values().sum::<u64>(), 1);
        assert_eq!(snapshot.states[&(25, TcpState::SynRecv)], 1);
        assert!(snapshot.listeners.is_empty());
    }

    #[test]
    fn what_goes_out_is_told_by_the_remote_port() {
        let mut tally = tally(&[25]);
        let to =
            |local_port, remote_port, state| Socket { remote_port, ..socket(local_port, address(1), state) };
        for socket in [
            to(40_001, 25, TcpState::SynSent),
            to(40_002, 25, TcpState::Established),
            to(40_003, 587, TcpState::Established),
            to(25, 25, TcpState::Established),
            to(25, 40_004, TcpState::Established),
        ] {
            tally.add(&socket);
        }
        let snapshot = tally.finish(10);
        assert_eq!(snapshot.outbound[TcpState::SynSent as usize], 1);
        assert_eq!(snapshot.outbound[TcpState::Established as usize], 2);
        assert_eq!(snapshot.outbound.iter().sum::<u64>(), 3);
        assert_eq!(snapshot.states[&(25, TcpState::Established)], 2);
        assert_eq!(snapshot.clients[0].1.iter().sum::<u64>(), 2, "who is asked by us is no client");
    }

    #[test]
    fn connections_that_a_server_holds() {
        let mut tally = tally(&[25, 465]);
        for state in TcpState::ALL {
            tally.add(&socket(25, address(1), state));
        }
        let snapshot = tally.finish(10);
        assert_eq!((snapshot.in_use(25), snapshot.in_use(465), snapshot.in_use(26)), (2, 0, 0));
    }

    #[test]
    fn listeners_of_a_port_are_summed() {
        let listener = |receive_queue, accept_limit| Socket {
            receive_queue,
            accept_limit,
            ..socket(25, IpAddr::V6(Ipv6Addr::UNSPECIFIED), TcpState::Listen)
        };
        for (limits, expected) in [([Some(128), Some(4096)], Some(4224)), ([None, Some(1)], None)] {
            let mut tally = tally(&[25, 465]);
            tally.add(&listener(7, limits[0]));
            tally.add(&listener(2, limits[1]));
            let snapshot = tally.finish(10);
            let queues: Vec<_> = snapshot.listeners.into_iter().collect();
            assert_eq!(queues, [(25, ListenQueue { used: 9, limit: expected })]);
            assert!(snapshot.clients.is_empty());
        }
    }

    #[test]
    fn the_busiest_clients_in_a_steady_order() {
        let mapped = IpAddr::V6(Ipv4Addr::new(192, 0, 2, 3).to_ipv6_mapped());
        for (top, expected) in [(0, 0), (1, 1), (2, 2), (3, 3), (10, 3)] {
            let mut tally = tally(&[25]);
            for (client, state) in [
                (address(9), TcpState::Established),
                (address(3), TcpState::TimeWait),
                (mapped, TcpState::Established),
                (address(1), TcpState::Established),
            ] {
                tally.add(&socket(25, client, state));
            }
            let snapshot = tally.finish(top);
            let addresses: Vec<_> = snapshot.clients.iter().map(|(client, _)| *client).collect();
            assert_eq!(addresses, [address(3), address(1), address(9)][..expected], "{top}");
            if let Some((_, counts)) = snapshot.clients.first() {
                assert_eq!(counts[TcpState::TimeWait as usize], 1);
                assert_eq!(counts[TcpState::Established as usize], 1);
            }
            assert_eq!(snapshot.clients_left_out, 0);
        }
    }

    #[test]
    fn addresses_beyond_the_cap_are_left_out_of_the_ranking_alone() {
        let mut tally = tally(&[25]);
        let cap = u32::try_from(MAX_CLIENTS).expect("small");
        for index in 1..=cap + 5 {
            tally.add(&socket(25, IpAddr::V4(Ipv4Addr::from(index)), TcpState::Established));
        }
        tally.add(&socket(25, IpAddr::V4(Ipv4Addr::from(1)), TcpState::Established));
        let snapshot = tally.finish(1);
        assert_eq!(snapshot.clients_left_out, 5);
        assert_eq!(snapshot.states[&(25, TcpState::Established)], u64::from(cap) + 6);
        assert_eq!(snapshot.clients[0].1.iter().sum::<u64>(), 2);
    }
}
