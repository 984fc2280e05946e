//! Real TCP connections to a listener of its own, so that the kernel has sockets to show.
//!
//! Both ends are in this process, and nothing is ever sent.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with};
use socket2::Socket;

use super::half_open;

/// Connections at once; those beyond are only in the log.
const MOST_CONNECTIONS: usize = 200;

/// Connections at once that are begun and not completed. A full queue of them would hold up the others where the
/// kernel has no SYN cookies.
const MOST_BEGUN: usize = 100;

/// The listener and what is connected to it.
#[derive(Debug)]
pub struct Connections {
    /// None while nobody listens.
    listener: Option<TcpListener>,
    address: SocketAddr,
    /// Whether each connection so far was accepted. One that was not waits in the kernel's queue,
    /// and a full queue would hold up the next one.
    usable: bool,
    /// The server's end, then the client's.
    open: HashMap<u64, [TcpStream; 2]>,
    /// Clients that do not complete their connections.
    begun: HashMap<u64, Socket>,
}

impl Connections {
    /// A listener on a port of the loopback interface that the kernel chooses.
    ///
    /// # Errors
    ///
    /// As the system says.
    pub fn listen() -> io::Result<Self> {
        let listener = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        Ok(Self {
            listener: Some(listener),
            address,
            usable: true,
            open: HashMap::new(),
            begun: HashMap::new(),
        })
    }

    /// Nobody listens any more, and what was connected is closed.
    pub fn close(&mut self) {
        self.listener = None;
        self.open.clear();
        self.begun.clear();
    }

    /// A listener on the same port again. Where somebody else has taken it there are no more connections.
    pub fn listen_again(&mut self) {
        self.listener = listen(self.address).ok();
        self.usable = true;
    }

    /// The listener's port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Opens a connection from the loopback address 127.0.0.`client`. It is for show: where it fails
    /// there is one less.
    pub fn connect(&mut self, id: u64, client: u8) {
        let Some(listener) = self.listener.as_ref().filter(|_| self.usable) else { return };
        if self.open.len() >= MOST_CONNECTIONS {
            return;
        }
        let Ok(client) = connect_from(client, self.address) else { return };
        match listener.accept() {
            Ok((server, _)) => drop(self.open.insert(id, [server, client])),
            Err(_) => self.usable = false,
        }
    }

    /// Begins a connection that the client never completes.
    pub fn begin(&mut self, id: u64, client: u8) {
        if self.listener.is_some() && self.begun.len() < MOST_BEGUN {
            self.begun.extend(half_open::begin(client, self.address).ok().map(|socket| (id, socket)));
        }
    }

    /// Closes a connection, the server first: its end then waits in the kernel for a while, as after
    /// a QUIT.
    pub fn disconnect(&mut self, id: u64) {
        drop(self.open.remove(&id));
        drop(self.begun.remove(&id));
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        self.open.len()
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    // A connection that is not there is not waited for.
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// A connection whose client has an address of its own. Nobody but this process listens there and
/// all is accepted at once, so it does not block.
fn connect_from(client: u8, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    bind(&socket, &SocketAddr::from((Ipv4Addr::new(127, 0, 0, client.max(1)), 0)))?;
    connect(&socket, &to)?;
    Ok(TcpStream::from(socket))
}

impl Drop for Connections {
    /// Connections that are reset leave nothing in the kernel, not even for a minute.
    fn drop(&mut self) {
        for stream in self.open.values().flatten() {
            rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO)).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Connections, MOST_CONNECTIONS};

    #[test]
    fn connections_come_and_go_and_are_bounded() {
        let mut connections = Connections::listen().expect("a listener");
        for id in 0..210 {
            connections.connect(id, u8::try_from(id).expect("small"));
        }
        assert_eq!(connections.open(), MOST_CONNECTIONS);
        connections.disconnect(0);
        connections.disconnect(209);
        assert_eq!(connections.open(), MOST_CONNECTIONS - 1);
    }

    #[test]
    fn nobody_connects_while_nobody_listens() {
        let mut connections = Connections::listen().expect("a listener");
        connections.connect(1, 1);
        connections.close();
        connections.connect(2, 2);
        assert_eq!(connections.open(), 0);
        connections.listen_again();
        connections.connect(3, 3);
        assert_eq!(connections.open(), 1);
    }
}
