//! The netlink messages by themselves: the filter program, whole answers, and garbage.

use std::io;
use std::net::IpAddr;

use proptest::prelude::*;
use rustix::net::AddressFamily;

use super::{ALL_STATES, LISTENING, Progress, filter, is_missing, parse_datagram, request};
use crate::source::sockets::{Socket, SocketError, TcpState};

const SEQUENCE: u32 = 3;

fn message(kind: u16, flags: u16, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + body.len()).expect("short");
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend([0; 4]);
    bytes.extend(body);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// A `struct inet_diag_msg` with port 25, a remote port, accept queue 5 of 128, an inode, and an attribute behind it.
fn answer(family: AddressFamily, state: u8, remote: &[u8]) -> Vec<u8> {
    let mut body = vec![0; 72];
    body[0] = u8::try_from(family.as_raw()).expect("small");
    body[1] = state;
    body[4..6].copy_from_slice(&25u16.to_be_bytes());
    body[6..8].copy_from_slice(&40_000u16.to_be_bytes());
    body[24..24 + remote.len()].copy_from_slice(remote);
    body[56..60].copy_from_slice(&5u32.to_ne_bytes());
    body[60..64].copy_from_slice(&128u32.to_ne_bytes());
    body[68..72].copy_from_slice(&4711u32.to_ne_bytes());
    body.extend([5, 0, 8, 0, 1]);
    message(20, 2, SEQUENCE, &body)
}

fn parse(bytes: &[u8]) -> (Vec<Socket>, Result<Progress, SocketError>) {
    let mut sockets = Vec::new();
    let result = parse_datagram(bytes, SEQUENCE, &mut |socket| sockets.push(socket));
    (sockets, result)
}

#[test]
fn answers_of_both_families() {
    let mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1];
    let v6 = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    for (family, state, remote, expected_state, expected) in [
        (AddressFamily::INET, 1, &[192, 0, 2, 1][..], TcpState::Established, "192.0.2.1"),
        (AddressFamily::INET, 12, &[192, 0, 2, 1], TcpState::SynRecv, "192.0.2.1"),
        (AddressFamily::INET, 3, &[192, 0, 2, 1], TcpState::SynRecv, "192.0.2.1"),
        (AddressFamily::INET6, 8, &mapped, TcpState::CloseWait, "192.0.2.1"),
        (AddressFamily::INET6, 11, &v6, TcpState::Closing, "2001:db8::1"),
    ] {
        let (sockets, result) = parse(&answer(family, state, remote));
        assert_eq!(result.expect("well formed"), Progress::More);
        let remote: IpAddr = expected.parse().expect("address");
        let expected = Socket {
            local_port: 25,
            remote,
            remote_port: 40_000,
            state: expected_state,
            receive_queue: 5,
            accept_limit: Some(128),
            inode: 4711,
        };
        assert_eq!(sockets, [expected]);
    }
}

#[test]
fn the_end_of_a_dump_in_the_same_datagram() {
    for closing in [&0i32.to_ne_bytes()[..], &[]] {
        let mut bytes = answer(AddressFamily::INET, 1, &[]);
        bytes.extend(answer(AddressFamily::INET, 13, &[]));
        bytes.extend(message(1, 0, SEQUENCE, b"nothing"));
        bytes.extend(message(2, 0, SEQUENCE, &0i32.to_ne_bytes()));
        bytes.extend(message(3, 2, SEQUENCE - 1, &(-2i32).to_ne_bytes()));
        bytes.extend(message(3, 2, SEQUENCE, closing));
        let (sockets, result) = parse(&bytes);
        assert_eq!(result.expect("well formed"), Progress::Done);
        assert_eq!(sockets.len(), 1, "a state of a later kernel is passed over");
    }
}

#[test]
fn errors_of_the_kernel() {
    for (kind, code, missing) in [(2, -2, true), (3, -1, true), (2, -93, true), (2, -12, false)] {
        let (_, result) = parse(&message(kind, 0, SEQUENCE, &i32::to_ne_bytes(code)));
        let error = result.expect_err("an error");
        assert_eq!(is_missing(&error), missing, "{error}");
        let SocketError::Netlink(error) = error else { panic!("{kind} {code} is the kernel's") };
        assert_eq!(error.raw_os_error(), Some(-code));
    }
    assert!(!is_missing(&SocketError::Netlink(io::Error::other("without a number"))));
    assert!(!is_missing(&SocketError::Interrupted));
    let (_, result) = parse(&message(20, 0x12, SEQUENCE, &[0; 72]));
    assert!(matches!(result, Err(SocketError::Interrupted)), "{result:?}");
}

#[test]
fn malformed_datagrams() {
    let whole = answer(AddressFamily::INET, 1, &[]);
    let mut too_long = whole.clone();
    too_long[0..4].copy_from_slice(&u32::MAX.to_ne_bytes());
    let mut too_short = whole.clone();
    too_short[0..4].copy_from_slice(&15u32.to_ne_bytes());
    let mut empty = whole.clone();
    empty[0..4].copy_from_slice(&0u32.to_ne_bytes());
    for bytes in [
        &whole[..15],
        &whole[..40],
        &whole[..whole.len() - 4],
        &too_long,
        &too_short,
        &empty,
        &message(20, 0, SEQUENCE, &[0; 71]),
        &message(20, 0, SEQUENCE, &[0; 72]),
        &message(4, 0, SEQUENCE, &[]),
    ] {
        let (sockets, result) = parse(bytes);
        assert!(matches!(result, Err(SocketError::Malformed(_))), "{bytes:?} gives {result:?}");
        assert!(sockets.is_empty());
    }
}

proptest! {
    #[test]
    fn garbage_gives_a_result_and_no_more_sockets_than_fit(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(parse(&bytes).0.len() <= bytes.len() / 88);
    }

    #[test]
    fn damaged_answers_give_a_result(offset in 0usize..200, byte in any::<u8>(), cut in 0usize..200) {
        let mut bytes = answer(AddressFamily::INET, 1, &[192, 0, 2, 1]);
        bytes.extend(answer(AddressFamily::INET6, 10, &[0; 16]));
        let (offset, cut) = (offset % bytes.len(), cut % bytes.len());
        bytes[offset] = byte;
        bytes.truncate(cut);
        prop_assert!(parse(&bytes).0.len() <= 2);
    }

    #[test]
    fn the_filter_lets_exactly_its_ports_pass(
        ports in prop::collection::btree_set(any::<u16>(), 1..40),
        remote_port in any::<u16>(),
        others in prop::collection::vec(any::<u16>(), 20),
    ) {
        let list: Vec<u16> = ports.iter().copied().collect();
        let program = filter(&list, remote_port);
        let near = list.iter().flat_map(|port| [*port, port.wrapping_add(1), port.wrapping_sub(1)]);
        for port in near.chain(others) {
            for remote in [remote_port, remote_port.wrapping_add(1), remote_port.wrapping_sub(1), port] {
                let expected = ports.contains(&port) || remote == remote_port;
                prop_assert_eq!(run(&program, port, remote), expected, "{} to {}", port, remote);
            }
        }
    }
}

/// Runs a filter as `inet_diag_bc_run` of the kernel does.
fn run(program: &[u8], local_port: u16, remote_port: u16) -> bool {
    let half = |offset: usize| u16::from_ne_bytes([program[offset], program[offset + 1]]);
    let mut offset = 0;
    while offset < program.len() {
        let holds = match program[offset] {
            1 => false,
            2 => local_port >= half(offset + 6),
            3 => local_port <= half(offset + 6),
            4 => remote_port >= half(offset + 6),
            5 => remote_port <= half(offset + 6),
            code => panic!("instruction {code} at {offset}"),
        };
        offset += if holds { usize::from(program[offset + 1]) } else { usize::from(half(offset + 2)) };
    }
    offset == program.len()
}

#[test]
fn the_request_says_its_length() {
    for count in [0, 1, 2, 32] {
        let ports: Vec<u16> = (1..=count).collect();
        let bytes = request(AddressFamily::INET6, ALL_STATES, &filter(&ports, 25), SEQUENCE);
        assert_eq!(bytes.len(), 16 + 56 + 4 + usize::from(count + 1) * 20 - 4);
        assert_eq!(bytes[0..4], u32::try_from(bytes.len()).expect("short").to_ne_bytes());
        assert_eq!(bytes[72..74], ((count + 1) * 20).to_ne_bytes());
    }
    let bytes = request(AddressFamily::INET, LISTENING, &[], SEQUENCE);
    assert_eq!(bytes[0..4], 72u32.to_ne_bytes());
    assert_eq!((bytes.len(), &bytes[20..24]), (72, &0x400u32.to_ne_bytes()[..]));
}
