//! A connection that is made, read and left with an end in time, whatever the other side does.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};

use super::ProbeError;
use super::tls::{self, Tls, TlsStream};

/// Between two looks at the clock while nothing happens.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// For so long the answer to QUIT is awaited; without it the server would log that the connection was lost.
const FAREWELL: Duration = Duration::from_secs(2);

/// The most that is read of that answer.
const MOST_FAREWELL: usize = 4 * 1024;

/// A connection, and until when it is looked at.
pub(super) struct Wire<'a> {
    stream: Stream,
    buffer: [u8; 1024],
    timeout: Duration,
    deadline: Duration,
    clock: &'a dyn Fn() -> Duration,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream>),
}

impl<'a> Wire<'a> {
    /// Connects to an address.
    ///
    /// # Errors
    ///
    /// There is no connection within the time.
    pub(super) fn connect(
        address: SocketAddr,
        tls: Option<&Tls>,
        begun: Duration,
        timeout: Duration,
        clock: &'a dyn Fn() -> Duration,
    ) -> Result<Self, ProbeError> {
        let deadline = begun + timeout;
        let failed = |error: Errno| match error {
            Errno::CONNREFUSED => ProbeError::Refused,
            error => ProbeError::Connect(error.into()),
        };
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(family, SocketType::STREAM, flags, None).map_err(failed)?;
        match connect(&socket, &address) {
            Ok(()) => {}
            Err(Errno::INPROGRESS) => {
                while !is_ready(&socket, PollFlags::OUT).map_err(failed)? {
                    if clock() >= deadline {
                        return Err(ProbeError::ConnectTimeout(timeout));
                    }
                }
                sockopt::socket_error(&socket).map_err(failed)?.map_err(failed)?;
            }
            Err(error) => return Err(failed(error)),
        }
        let stream = TcpStream::from(socket);
        let stream = match tls {
            None => Stream::Plain(stream),
            Some(tls) => Stream::Tls(Box::new(tls.over(stream, address.ip()).map_err(ProbeError::Tls)?)),
        };
        Ok(Self { stream, buffer: [0; 1024], timeout, deadline, clock })
    }

    /// What comes next; never nothing.
    ///
    /// # Errors
    ///
    /// Nothing comes any more, or not in time.
    pub(super) fn read(&mut self) -> Result<&[u8], ProbeError> {
        loop {
            if (self.clock)() >= self.deadline {
                return Err(ProbeError::Silent(self.timeout));
            }
            match self.stream.read(&mut self.buffer) {
                Ok(0) => return Err(ProbeError::Closed),
                Ok(read) => return Ok(&self.buffer[..read]),
                Err(error) => self.stream.wait_after(error)?,
            }
        }
    }

    /// Says farewell, as far as that is heard.
    pub(super) fn quit(&mut self) {
        self.deadline = (self.clock)() + FAREWELL;
        if self.stream.write_all(b"QUIT\r\n").and_then(|()| self.stream.flush()).is_err() {
            return;
        }
        let mut heard = 0;
        while heard < MOST_FAREWELL {
            match self.read() {
                Ok(read) => heard += read.len(),
                Err(_) => return,
            }
        }
    }
}

impl Stream {
    /// Waits a while after an error of reading that says to.
    fn wait_after(&self, error: io::Error) -> Result<(), ProbeError> {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => {}
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                return Err(ProbeError::Closed);
            }
            _ => return Err(tls::failure(&error).map_or(ProbeError::Connect(error), ProbeError::Tls)),
        }
        let (socket, flags) = match self {
            Self::Plain(stream) => (stream, PollFlags::IN),
            Self::Tls(stream) if stream.conn.wants_write() => (&stream.sock, PollFlags::IN | PollFlags::OUT),
            Self::Tls(stream) => (&stream.sock, PollFlags::IN),
        };
        is_ready(socket, flags).map_err(|error| ProbeError::Connect(error.into()))?;
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.write_all(bytes),
            Self::Tls(stream) => stream.write_all(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

/// Whether something can be done with a socket, within a tick.
fn is_ready(socket: impl AsFd, flags: PollFlags) -> Result<bool, Errno> {
    match poll(&mut [PollFd::new(&socket, flags)], Some(&TICK)) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error),
    }
}
