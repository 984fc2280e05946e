//! Both readers against real sockets of this host.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use super::{ListenQueue, Namespace, SocketSnapshot, TcpState, Wanted, read_inet_diag, read_tables};

/// These ports, and a remote port to which nobody goes.
pub(super) fn wanted(ports: &[u16]) -> Wanted {
    Wanted { ports: ports.to_vec(), remote_port: 1, top: 10 }
}

fn by_netlink(wanted: &Wanted) -> SocketSnapshot {
    read_inet_diag(wanted).expect("netlink")
}

fn by_tables(wanted: &Wanted) -> SocketSnapshot {
    read_tables(&Namespace::OWN, wanted).expect("/proc/net")
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
    // The other ends: open, closed by us, and open from their side before they are accepted.
    let others = [(TcpState::Established, 6), (TcpState::FinWait2, 3), (TcpState::Listen, 0)];
    let reached = |snapshot: &SocketSnapshot| {
        expected.iter().all(|(state, count)| snapshot.states[&(port, *state)] == *count)
            && others.iter().all(|(state, count)| snapshot.outbound[*state as usize] == *count)
    };
    let wanted = Wanted { remote_port: port, ..wanted(&[port]) };
    let by_netlink = read_until(|| by_netlink(&wanted), reached);
    let by_proc = read_until(|| by_tables(&wanted), reached);
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
    for (state, count) in others {
        assert_eq!(by_netlink.outbound[state as usize], count, "{state:?}");
    }
    assert_eq!(by_netlink.outbound, by_proc.outbound);
    assert_eq!(by_netlink.in_use(port), 9);
    assert_eq!(Namespace::OWN.read(&wanted).expect("sockets"), by_netlink);
}

#[test]
fn a_listener_of_both_families_gives_its_clients_their_own_addresses() {
    // A host without IPv6 has no such listener; then there must be no error either.
    let Some(server) = server(Ipv6Addr::UNSPECIFIED.into(), 1, 0, 0) else {
        assert!(Namespace::OWN.read(&wanted(&[1])).is_ok());
        return;
    };
    let port = server.port;
    let _client = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("connection");
    let reached = |snapshot: &SocketSnapshot| snapshot.states[&(port, TcpState::Established)] == 2;
    let wanted = Wanted { remote_port: port, ..wanted(&[port]) };
    let by_netlink = read_until(|| by_netlink(&wanted), reached);
    let by_proc = read_until(|| by_tables(&wanted), reached);
    assert!(reached(&by_netlink), "{by_netlink:?}");
    assert_eq!(by_netlink.states, by_proc.states);
    assert_eq!(by_netlink.clients, by_proc.clients);
    assert!(by_netlink.clients.iter().any(|(client, _)| *client == IpAddr::V4(Ipv4Addr::LOCALHOST)));
}

#[test]
fn several_listeners() {
    let servers = [1, 2].map(|open| server(Ipv4Addr::LOCALHOST.into(), open, 0, 0).expect("a listener"));
    let mut ports: Vec<u16> = (1..31).collect();
    ports.extend(servers.iter().map(|server| server.port));
    let counts = |snapshot: &SocketSnapshot| {
        [0, 1].map(|index: usize| snapshot.states[&(servers[index].port, TcpState::Established)])
    };
    let snapshot = read_until(|| by_netlink(&wanted(&ports)), |snapshot| counts(snapshot) == [1, 2]);
    assert_eq!(counts(&snapshot), [1, 2]);
}

#[test]
fn no_ports_is_what_goes_out_alone() {
    let snapshot = Namespace::OWN.read(&wanted(&[])).expect("sockets");
    assert_eq!(snapshot, SocketSnapshot::default());
}
