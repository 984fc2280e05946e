//! Counting, and both readers against real sockets of this host.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use super::{
    ListenQueue, MAX_CLIENTS, Socket, SocketSnapshot, Tally, TcpState, read, read_inet_diag, read_proc_net,
};

fn socket(local_port: u16, remote: IpAddr, state: TcpState) -> Socket {
    Socket { local_port, remote, state, receive_queue: 0, accept_limit: None }
}

fn address(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))
}

#[test]
fn states_have_the_numbers_of_the_kernel_and_one_label_each() {
    for (index, state) in TcpState::ALL.into_iter().enumerate() {
        assert_eq!(state as usize, index);
        let number = u8::try_from(index + 1).expect("small");
        assert_eq!(TcpState::from_kernel(number), Some(state));
    }
    for (number, expected) in [(0, None), (10, Some(TcpState::Listen)), (13, None), (255, None)] {
        assert_eq!(TcpState::from_kernel(number), expected, "{number}");
    }
    assert_eq!(TcpState::from_kernel(12), Some(TcpState::SynRecv));
    let mut labels: Vec<_> = TcpState::ALL.iter().map(|state| state.label()).collect();
    labels.sort_unstable();
    labels.dedup();
    assert_eq!(labels.len(), TcpState::ALL.len());
}

#[test]
fn every_port_has_every_state_and_others_are_not_counted() {
    let mut tally = Tally::new(&[587, 25, 25]);
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
fn listeners_of_a_port_are_summed() {
    let listener = |receive_queue, accept_limit| Socket {
        receive_queue,
        accept_limit,
        ..socket(25, IpAddr::V6(Ipv6Addr::UNSPECIFIED), TcpState::Listen)
    };
    for (limits, expected) in [([Some(128), Some(4096)], Some(4224)), ([None, Some(1)], None)] {
        let mut tally = Tally::new(&[25, 465]);
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
    let mut tally = Tally::new(&[25]);
    let mapped = IpAddr::V6(Ipv4Addr::new(192, 0, 2, 3).to_ipv6_mapped());
    for (client, state) in [
        (address(9), TcpState::Established),
        (address(3), TcpState::TimeWait),
        (mapped, TcpState::Established),
        (address(1), TcpState::Established),
    ] {
        tally.add(&socket(25, client, state));
    }
    let snapshot = tally.finish(2);
    let addresses: Vec<_> = snapshot.clients.iter().map(|(client, _)| *client).collect();
    assert_eq!(addresses, [address(3), address(1)]);
    let counts = snapshot.clients[0].1;
    assert_eq!(counts[TcpState::TimeWait as usize], 1);
    assert_eq!(counts[TcpState::Established as usize], 1);
    assert_eq!(snapshot.clients_left_out, 0);
}

#[test]
fn addresses_beyond_the_cap_are_left_out_of_the_ranking_alone() {
    let mut tally = Tally::new(&[25]);
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

/// A listener with connections in several states, kept as long as this value lives.
struct Server {
    port: u16,
    _listener: TcpListener,
    _streams: Vec<TcpStream>,
}

/// Listens, and holds `established` open connections, `close_wait` that the client has closed, and
/// `waiting` that nobody has accepted.
fn server(address: IpAddr, established: usize, close_wait: usize, waiting: usize) -> Option<Server> {
    let listener = TcpListener::bind(SocketAddr::new(address, 0)).ok()?;
    let local = listener.local_addr().expect("address");
    let mut streams = Vec::new();
    for index in 0..established + close_wait {
        let client = TcpStream::connect(local).expect("connection");
        let (accepted, _) = listener.accept().expect("connection");
        if index >= established {
            client.shutdown(Shutdown::Write).expect("shutdown");
        }
        streams.extend([client, accepted]);
    }
    streams.extend((0..waiting).map(|_| TcpStream::connect(local).expect("connection")));
    Some(Server { port: local.port(), _listener: listener, _streams: streams })
}

/// Reads until the sockets have reached these states, for a few seconds: the kernel moves them a
/// moment after the calls return.
#[expect(clippy::disallowed_methods, reason = "a deadline for what the kernel does")]
fn read_until(
    reader: impl Fn() -> SocketSnapshot,
    reached: impl Fn(&SocketSnapshot) -> bool,
) -> SocketSnapshot {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let snapshot = reader();
        if reached(&snapshot) || Instant::now() > deadline {
            return snapshot;
        }
        std::thread::yield_now();
    }
}

#[test]
fn both_readers_see_the_sockets_of_this_host() {
    let server = server(Ipv4Addr::LOCALHOST.into(), 4, 3, 2).expect("a listener on 127.0.0.1");
    let port = server.port;
    let expected = [
        (TcpState::Established, 6),
        (TcpState::CloseWait, 3),
        (TcpState::Listen, 1),
        (TcpState::SynRecv, 0),
        (TcpState::FinWait2, 0),
    ];
    let reached = |snapshot: &SocketSnapshot| {
        expected.iter().all(|(state, count)| snapshot.states[&(port, *state)] == *count)
    };
    let by_netlink = read_until(|| read_inet_diag(&[port], 10).expect("netlink"), reached);
    let by_proc = read_until(|| read_proc_net(&[port], 10).expect("/proc/net"), reached);
    for (state, count) in expected {
        assert_eq!(by_netlink.states[&(port, state)], count, "{state:?} by netlink");
        assert_eq!(by_proc.states[&(port, state)], count, "{state:?} by /proc/net");
    }
    assert_eq!(by_netlink.states, by_proc.states);
    assert_eq!(by_netlink.clients, by_proc.clients);
    assert_eq!(by_netlink.clients.len(), 1);
    assert_eq!(by_netlink.clients[0].0, IpAddr::V4(Ipv4Addr::LOCALHOST));
    // What std asks for is 128 or, in later versions, the limit of the system.
    let queue = by_netlink.listeners[&port];
    assert!(queue.used == 2 && queue.limit.is_some_and(|limit| limit >= 2), "{queue:?}");
    assert_eq!(by_proc.listeners[&port], ListenQueue { used: 2, limit: None });
    assert_eq!(read(&[port], 10).expect("sockets"), by_netlink);
}

#[test]
fn a_listener_of_both_families_gives_its_clients_their_own_addresses() {
    // A host without IPv6 has no such listener; then there must be no error either.
    let Some(server) = server(Ipv6Addr::UNSPECIFIED.into(), 1, 0, 0) else {
        assert!(read(&[1], 10).is_ok());
        return;
    };
    let port = server.port;
    let _client = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("connection");
    let reached = |snapshot: &SocketSnapshot| snapshot.states[&(port, TcpState::Established)] == 2;
    let by_netlink = read_until(|| read_inet_diag(&[port], 10).expect("netlink"), reached);
    let by_proc = read_until(|| read_proc_net(&[port], 10).expect("/proc/net"), reached);
    assert!(reached(&by_netlink), "{by_netlink:?}");
    assert_eq!(by_netlink.states, by_proc.states);
    assert_eq!(by_netlink.clients, by_proc.clients);
    assert!(by_netlink.clients.iter().any(|(client, _)| *client == IpAddr::V4(Ipv4Addr::LOCALHOST)));
}

#[test]
fn several_listeners_among_more_ports_than_fit_one_filter() {
    let servers = [1, 2].map(|open| server(Ipv4Addr::LOCALHOST.into(), open, 0, 0).expect("a listener"));
    let mut ports: Vec<u16> = (1..1500).collect();
    ports.extend(servers.iter().map(|server| server.port));
    let counts = |snapshot: &SocketSnapshot| {
        [0, 1].map(|index: usize| snapshot.states[&(servers[index].port, TcpState::Established)])
    };
    let snapshot =
        read_until(|| read_inet_diag(&ports, 10).expect("netlink"), |snapshot| counts(snapshot) == [1, 2]);
    assert_eq!(counts(&snapshot), [1, 2]);
}

#[test]
fn no_ports_is_an_empty_snapshot() {
    assert_eq!(read(&[], 10).expect("sockets"), SocketSnapshot::default());
}
