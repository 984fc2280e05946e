//! Connections that are begun and never completed, so that the kernel has sockets in the state `SYN_RECV`.
//!
//! A filter on the client's socket drops what the server answers, as if the client were not there: the
//! server waits for the rest of the handshake. Nothing leaves the loopback interface.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use rustix::io::Errno;
use socket2::{Domain, SockFilter, Socket, Type};

/// A filter that lets nothing through: it returns at once, with 0 bytes of each packet (`BPF_RET | BPF_K`;
/// kernel documentation, "Linux Socket Filtering").
const NOTHING: SockFilter = SockFilter::new(0x06, 0, 0, 0);

/// Begins a connection from 127.0.0.`client`. Once the socket is dropped, the server is told at its next
/// attempt to answer that there is nobody.
///
/// # Errors
///
/// As the system says.
pub fn begin(client: u8, to: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.attach_filter(&[NOTHING])?;
    socket.bind(&SocketAddr::from((Ipv4Addr::new(127, 0, 0, client.max(1)), 0)).into())?;
    match socket.connect(&to.into()) {
        Err(error) if error.raw_os_error() != Some(Errno::INPROGRESS.raw_os_error()) => Err(error),
        _ => Ok(socket),
    }
}
