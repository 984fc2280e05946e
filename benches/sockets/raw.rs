//! The least that a filtered dump takes: the request, and its datagrams, of which only the ends are looked for. It shares
//! nothing with what it measures.

use rustix::net::netlink::{SOCK_DIAG, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with};

/// Dumps both families; how many messages came.
pub fn dump(ports: &[u16], remote_port: u16) -> usize {
    let flags = SocketFlags::CLOEXEC;
    let netlink = socket_with(AddressFamily::NETLINK, SocketType::DGRAM, flags, Some(SOCK_DIAG))
        .expect("a netlink socket");
    let mut buffer = vec![0_u8; 64 * 1024];
    let mut messages = 0;
    for family in [2, 10] {
        let request = request(family, ports, remote_port);
        sendto(&netlink, &request, SendFlags::empty(), &SocketAddrNetlink::new(0, 0)).expect("sent");
        loop {
            let (_, length) = recv(&netlink, buffer.as_mut_slice(), RecvFlags::empty()).expect("received");
            let (count, done) = walk(&buffer[..length]);
            messages += count;
            if done {
                break;
            }
        }
    }
    messages
}

/// The messages of a datagram, and whether it ends the dump.
fn walk(mut datagram: &[u8]) -> (usize, bool) {
    const DONE: u16 = 3;
    let mut count = 0;
    while datagram.len() >= 16 {
        let length = u32::from_ne_bytes(datagram[..4].try_into().expect("four")) as usize;
        if u16::from_ne_bytes([datagram[4], datagram[5]]) == DONE {
            return (count, true);
        }
        count += 1;
        datagram = datagram.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    (count, false)
}

/// A dump of all states with a filter: any of the local ports, or the remote one.
fn request(family: u8, ports: &[u16], remote_port: u16) -> Vec<u8> {
    let end = (ports.len() + 1) * 20 - 4;
    let mut filter: Vec<u8> = Vec::new();
    let mut word = |code: u8, yes: u8, no: u16| {
        filter.extend([code, yes]);
        filter.extend(no.to_ne_bytes());
        filter.len()
    };
    let local = ports.iter().map(|&port| (2, 3, port));
    for (at_least, at_most, port) in local.chain([(4, 5, remote_port)]) {
        word(at_least, 8, 20);
        word(0, 0, port);
        word(at_most, 8, 12);
        let length = word(0, 0, port);
        if length < end {
            word(1, 4, u16::try_from(end - length).expect("few ports"));
        }
    }
    let mut bytes = Vec::new();
    let length = u32::try_from(16 + 56 + 4 + filter.len()).expect("short");
    bytes.extend(length.to_ne_bytes());
    bytes.extend(20_u16.to_ne_bytes()); // SOCK_DIAG_BY_FAMILY
    bytes.extend(0x301_u16.to_ne_bytes()); // NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH
    bytes.extend([1, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend([family, 6, 0, 0]);
    bytes.extend(0x1ffe_u32.to_ne_bytes());
    bytes.extend([0; 48]);
    bytes.extend(u16::try_from(4 + filter.len()).expect("short").to_ne_bytes());
    bytes.extend(1_u16.to_ne_bytes()); // INET_DIAG_REQ_BYTECODE
    bytes.extend(filter);
    bytes
}
