//! The sockets as the kernel dumps them over netlink (`sock_diag(7)`, kernel `linux/inet_diag.h`,
//! `linux/netlink.h`, `net/ipv4/inet_diag.c`), filtered by port inside the kernel: a fraction
//! of the cost of `/proc/net/tcp`, and no privilege is needed.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::netlink::{SOCK_DIAG, SocketAddrNetlink};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

use super::state::NEW_SYN_RECV;
use super::{Socket, SocketError, TcpState};

/// `SOCK_DIAG_BY_FAMILY`, the type of the request and of each answer.
const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// `INET_DIAG_REQ_BYTECODE`, the attribute that holds the filter.
const REQUEST_BYTECODE: u16 = 1;
/// `NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH`: a request for the whole table.
const FLAGS_DUMP: u16 = 0x301;
/// `NLM_F_DUMP_INTR`: the table changed so that the dump is inconsistent.
const FLAG_INTERRUPTED: u16 = 0x10;
/// `NLMSG_ERROR`: the request failed, or with code 0 was accepted.
const MESSAGE_ERROR: u16 = 2;
/// `NLMSG_DONE`: the dump is complete.
const MESSAGE_DONE: u16 = 3;
/// `NLMSG_OVERRUN`: data was lost.
const MESSAGE_OVERRUN: u16 = 4;
/// Bytes of `struct nlmsghdr`.
const HEADER: usize = 16;
/// Bytes of `struct inet_diag_req_v2`.
const REQUEST: usize = 56;
/// Bytes of `struct inet_diag_msg`.
const ANSWER: usize = 72;
/// The states to dump, one bit each: 1 to 12.
pub(super) const ALL_STATES: u32 = (1 << (NEW_SYN_RECV + 1)) - 2;
/// That of listeners alone.
pub(super) const LISTENING: u32 = 1 << (TcpState::Listen as u32 + 1);
/// The kernel fills datagrams of at most 32 KiB.
const RECEIVE_BUFFER: usize = 64 * 1024;
/// How long to wait for each datagram. The kernel answers at once.
const RECEIVE_TIMEOUT: Duration = Duration::from_secs(1);
/// Whether this error means that the kernel offers no `inet_diag` to this process.
pub(super) fn is_missing(error: &SocketError) -> bool {
    const MISSING: [Errno; 6] = [
        Errno::PROTONOSUPPORT,
        Errno::AFNOSUPPORT,
        Errno::NOENT,
        Errno::OPNOTSUPP,
        Errno::PERM,
        Errno::ACCESS,
    ];
    let SocketError::Netlink(error) = error else { return false };
    MISSING.iter().any(|missing| error.raw_os_error() == Some(missing.raw_os_error()))
}

/// Passes every TCP socket in one of these states that a filter lets pass to `add`; without a filter all of them.
pub(super) fn read(states: u32, filter: &[u8], add: &mut dyn FnMut(Socket)) -> Result<(), SocketError> {
    let netlink = open().map_err(|error| SocketError::Netlink(error.into()))?;
    for (sequence, family) in (1..).zip([AddressFamily::INET, AddressFamily::INET6]) {
        match dump(&netlink, &request(family, states, filter, sequence), sequence, add) {
            // The kernel has no IPv6: then it has no such sockets either.
            Err(error) if family == AddressFamily::INET6 && is_missing(&error) => {}
            result => result?,
        }
    }
    Ok(())
}

fn open() -> Result<OwnedFd, Errno> {
    let netlink = rustix::net::socket_with(
        AddressFamily::NETLINK,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        Some(SOCK_DIAG),
    )?;
    set_socket_timeout(&netlink, Timeout::Recv, Some(RECEIVE_TIMEOUT))?;
    Ok(netlink)
}

fn dump(
    netlink: &OwnedFd,
    request: &[u8],
    sequence: u32,
    add: &mut dyn FnMut(Socket),
) -> Result<(), SocketError> {
    let failed = |error: Errno| SocketError::Netlink(error.into());
    let kernel = SocketAddrNetlink::new(0, 0);
    rustix::net::sendto(netlink, request, SendFlags::empty(), &kernel).map_err(failed)?;
    let mut buffer = vec![0; RECEIVE_BUFFER];
    loop {
        // With MSG_TRUNC the length is that of the datagram, even if it did not fit.
        let (_, length) = match rustix::net::recv(netlink, buffer.as_mut_slice(), RecvFlags::TRUNC) {
            Err(Errno::INTR) => continue,
            received => received.map_err(failed)?,
        };
        let datagram = buffer.get(..length).ok_or(SocketError::Malformed("datagram too long"))?;
        if let Progress::Done = parse_datagram(datagram, sequence, add)? {
            return Ok(());
        }
    }
}

/// The request: header, `struct inet_diag_req_v2`, and the filter, if there is one, as an attribute.
fn request(family: AddressFamily, states: u32, filter: &[u8], sequence: u32) -> Vec<u8> {
    const TCP: u8 = 6;
    let attribute = 4 + filter.len();
    let length = HEADER + REQUEST + if filter.is_empty() { 0 } else { attribute };
    let family = u8::try_from(family.as_raw()).expect("invariant: AF_INET and AF_INET6 are small");
    let mut bytes = Vec::with_capacity(length);
    let length = u32::try_from(length).expect("invariant: a filter is short");
    let attribute = u16::try_from(attribute).expect("invariant: a filter is short");
    bytes.extend(length.to_ne_bytes());
    bytes.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes.extend(FLAGS_DUMP.to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend([0; 4]); // nlmsg_pid: the kernel fills it in
    bytes.extend([family, TCP, 0, 0]); // no extensions
    bytes.extend(states.to_ne_bytes());
    bytes.extend([0; 48]); // struct inet_diag_sockid: not for dumps
    if !filter.is_empty() {
        bytes.extend(attribute.to_ne_bytes());
        bytes.extend(REQUEST_BYTECODE.to_ne_bytes());
        bytes.extend(filter);
    }
    bytes
}

/// A program for the kernel that lets sockets pass whose local port is one of these, or whose remote port is that one.
///
/// An instruction is `struct inet_diag_bc_op { u8 code, u8 yes, u16 no }`: where to go on, in bytes
/// from here, if the condition holds and if not. To arrive exactly at the end accepts, to jump
/// beyond it refuses. A comparison of ports is two such words, the second with the port in `no`.
/// For each port: at least it, at most it, jump to the end; a comparison that fails goes on behind
/// that jump, which the last port does not need, so that its failures lead beyond the end. Kernels before 4.16 have no
/// comparison for equality.
pub(super) fn filter(ports: &[u16], remote_port: u16) -> Vec<u8> {
    const JUMP: u8 = 1;
    const LOCAL: [u8; 2] = [2, 3];
    const REMOTE: [u8; 2] = [4, 5];
    const BLOCK: usize = 20;
    let end = (ports.len() + 1) * BLOCK - 4;
    let mut program = Vec::with_capacity(end);
    let local = ports.iter().map(|&port| (LOCAL, port));
    for ([at_least, at_most], port) in local.chain([(REMOTE, remote_port)]) {
        word(&mut program, at_least, 8, 20);
        word(&mut program, 0, 0, port);
        word(&mut program, at_most, 8, 12);
        word(&mut program, 0, 0, port);
        if program.len() < end {
            let rest = end - program.len();
            word(&mut program, JUMP, 4, u16::try_from(rest).expect("invariant: few ports"));
        }
    }
    program
}

fn word(program: &mut Vec<u8>, code: u8, yes: u8, no: u16) {
    program.extend([code, yes]);
    program.extend(no.to_ne_bytes());
}

/// Whether another datagram of the dump follows.
#[derive(Debug, PartialEq)]
enum Progress {
    More,
    Done,
}

/// Reads the messages of one datagram. Messages of another request are passed over.
fn parse_datagram(
    mut bytes: &[u8],
    sequence: u32,
    add: &mut dyn FnMut(Socket),
) -> Result<Progress, SocketError> {
    while !bytes.is_empty() {
        let header = u32_at(bytes, 0).zip(u16_at(bytes, 4)).zip(u16_at(bytes, 6).zip(u32_at(bytes, 8)));
        let Some(((length, kind), (flags, of_request))) = header else {
            return Err(SocketError::Malformed("truncated header"));
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let Some(body) = bytes.get(HEADER..length) else {
            return Err(SocketError::Malformed("length of a message"));
        };
        // Messages begin at multiples of four bytes.
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        if of_request != sequence {
            continue;
        }
        if flags & FLAG_INTERRUPTED != 0 {
            return Err(SocketError::Interrupted);
        }
        match kind {
            SOCK_DIAG_BY_FAMILY => add_answer(body, add)?,
            MESSAGE_DONE => return result_of(body).map(|()| Progress::Done),
            MESSAGE_ERROR => result_of(body)?,
            MESSAGE_OVERRUN => return Err(SocketError::Malformed("overrun")),
            _ => {}
        }
    }
    Ok(Progress::More)
}

/// The number at the start of a closing message: 0, or an error of the system, negated. An old
/// kernel closes a dump without any.
fn result_of(body: &[u8]) -> Result<(), SocketError> {
    match body.first_chunk().map_or(0, |bytes| i32::from_ne_bytes(*bytes)) {
        0 => Ok(()),
        code => Err(SocketError::Netlink(io::Error::from_raw_os_error(code.saturating_neg()))),
    }
}

/// Reads a `struct inet_diag_msg`; attributes behind it are of no interest.
fn add_answer(body: &[u8], add: &mut dyn FnMut(Socket)) -> Result<(), SocketError> {
    let Some(body) = body.first_chunk::<ANSWER>() else {
        return Err(SocketError::Malformed("truncated socket"));
    };
    // Address and port stand in network byte order, the rest in that of the machine.
    let local_port = u16::from_be_bytes([body[4], body[5]]);
    let mut address = [0; 16];
    address.copy_from_slice(&body[24..40]);
    let remote = match AddressFamily::from_raw(u16::from(body[0])) {
        AddressFamily::INET => IpAddr::V4(Ipv4Addr::new(address[0], address[1], address[2], address[3])),
        AddressFamily::INET6 => IpAddr::V6(Ipv6Addr::from(address)).to_canonical(),
        _ => return Err(SocketError::Malformed("address family")),
    };
    // A state of a later kernel is none of ours.
    let Some(state) = TcpState::from_kernel(body[1]) else { return Ok(()) };
    add(Socket {
        local_port,
        remote,
        remote_port: u16::from_be_bytes([body[6], body[7]]),
        state,
        receive_queue: u32_at(body, 56).unwrap_or_default(),
        accept_limit: u32_at(body, 60),
        inode: u32_at(body, 68).unwrap_or_default().into(),
    });
    Ok(())
}

fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes.get(offset..)?.first_chunk().map(|chunk| u16::from_ne_bytes(*chunk))
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk().map(|chunk| u32::from_ne_bytes(*chunk))
}

#[cfg(test)]
mod tests;
