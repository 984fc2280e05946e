//! Asking a running exporter: whether it is healthy, how its alerts stand, and for lines that were not understood.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use super::handshake::SPEAKS_TLS;
use super::routes;
use crate::observed::Clock;
use crate::text::escape::escaped;
use crate::web::own::Way;

/// For everything: the connection, the question, and the whole answer.
const LIMIT: Duration = Duration::from_secs(3);
/// A longer answer is not one of ours: all alerts that there is room for, with long texts.
const LONGEST: usize = 8 << 20;
/// How much of an answer is told in one line.
const WIDTH: usize = 200;

/// Why there is no good answer. Each names the address.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The configuration leaves the port to the kernel.
    #[error("{0}: the exporter chose its port itself, and says which in its log; name it with --listen")]
    AnyPort(SocketAddr),
    /// Nothing is there.
    #[error("{0}: nothing listens there; is imsimta-exporter running, and on this address?")]
    Refused(SocketAddr),
    /// Nothing, or not all of it, came in time.
    #[error("{0} did not answer in {limit} s", limit = LIMIT.as_secs())]
    Late(SocketAddr),
    /// The connection was closed first.
    #[error("{0} closed the connection without an answer")]
    Closed(SocketAddr),
    /// Something else listens there.
    #[error("{0} does not answer as an exporter does; what listens there?")]
    Foreign(SocketAddr),
    /// It speaks TLS, and was asked without.
    #[error("{0} speaks TLS; name the file of that with --web.config.file")]
    WantsTls(SocketAddr),
    /// It was asked by TLS, and speaks none.
    #[error("{0} does not speak TLS, although http.web_config says so")]
    NoTls(SocketAddr),
    /// Another program may answer there, which has no right to the token.
    #[error("{0} has another certificate than the file of http.web_config says; what listens there?")]
    OtherCertificate(SocketAddr),
    /// An answer, and not the one that is good.
    #[error("{address} answered {status}: {text}")]
    Status {
        /// Who answered.
        address: SocketAddr,
        /// The status code.
        status: u16,
        /// The first line of its page, escaped.
        text: String,
    },
    /// The kernel refused.
    #[error("{address}: {source}")]
    Io {
        /// Who was asked.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// What a healthy exporter said, and after what time.
#[derive(Debug)]
pub struct Health {
    /// Where.
    pub address: SocketAddr,
    /// How long it took.
    pub took: Duration,
}

/// Fetches `/-/healthy` from where an exporter listens, by the first way on which it is heard; all addresses of a host mean loopback.
///
/// # Errors
///
/// When nothing answers within 3 s, or with something else than 200.
pub fn healthy(listen: SocketAddr, ways: &[Way]) -> Result<Health, ProbeError> {
    let address = reachable(listen);
    let clock = Clock::start();
    let ask = |way| ask(address, way, routes::HEALTHY, None, &clock);
    let mut answer = Err(ProbeError::NoTls(address));
    for way in ways {
        // The other ways are for who speaks TLS, or speaks none.
        if let Err(ProbeError::NoTls(_) | ProbeError::WantsTls(_)) = answer {
            answer = ask(way);
        }
    }
    answer.map(|_| Health { address, took: clock.monotonic() })
}

/// How the alerts of an exporter stand, as it says.
#[derive(Debug)]
pub struct Standing {
    /// Where.
    pub address: SocketAddr,
    /// `/api/alerts`, as JSON, if it is one of ours.
    pub json: Vec<u8>,
    /// Why not all of them can be known yet; nothing where the exporter is ready.
    pub unready: Option<String>,
    /// Unix seconds, by the clock of who asks.
    pub now: f64,
}

/// Fetches `/api/alerts`, and whether the exporter has seen enough to know. Where it asks for the token, that is sent.
///
/// # Errors
///
/// As [`healthy`]; 401 and 403 where other hosts reach the listener and there is no token, or not the right one.
pub fn alerts(listen: SocketAddr, way: &Way, token: Option<&str>) -> Result<Standing, ProbeError> {
    let (address, clock) = (reachable(listen), Clock::start());
    let unready = match ask(address, way, routes::READY, None, &clock) {
        Ok(_) => None,
        Err(ProbeError::Status { status: 503, text, .. }) => Some(text),
        Err(error) => return Err(error),
    };
    let json = match ask(address, way, routes::ALERTS, None, &clock) {
        Err(ProbeError::Status { status: 401, .. }) if token.is_some() => {
            ask(address, way, routes::ALERTS, token, &clock)?
        }
        answer => answer?,
    };
    Ok(Standing { address, json, unready, now: clock.unix_seconds() })
}

/// Fetches the last lines that were not understood, as text of printable ASCII.
///
/// # Errors
///
/// As [`healthy`]; 401 or, where other hosts reach the listener, 404 where the token is another; 404 where the
/// exporter has none or listens on one outside address.
pub fn unparsed(listen: SocketAddr, way: &Way, token: &str) -> Result<String, ProbeError> {
    let body = ask(reachable(listen), way, routes::UNPARSED_TEXT, Some(token), &Clock::start())?;
    // Another program may answer there.
    let lines = body.split(|&byte| byte == b'\n');
    let clean = |byte: &u8| if (b' '..=b'~').contains(byte) { char::from(*byte) } else { '?' };
    let mut text: String = lines.flat_map(|line| line.iter().map(clean).chain(['\n'])).collect();
    text.truncate(text.trim_end().len());
    text.push('\n');
    Ok(text)
}

fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// The body of a page, where its status is 200.
fn ask(
    address: SocketAddr,
    way: &Way,
    path: &str,
    token: Option<&str>,
    clock: &Clock,
) -> Result<Vec<u8>, ProbeError> {
    if address.port() == 0 {
        return Err(ProbeError::AnyPort(address));
    }
    let stream = TcpStream::connect_timeout(&address, LIMIT).map_err(|error| failed(address, error))?;
    let stream = Timed { stream, clock };
    let answer = match way {
        Way::Plain => talk(address, stream, path, token),
        Way::Tls(config) => {
            let name = ServerName::from(address.ip());
            let session = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other);
            let session = session.map_err(|error| failed(address, error))?;
            talk(address, StreamOwned::new(session, stream), path, token)
        }
    };
    body(address, answer?)
}

/// Sends the question; the whole answer.
fn talk(
    address: SocketAddr,
    mut stream: impl Read + Write,
    path: &str,
    token: Option<&str>,
) -> Result<Vec<u8>, ProbeError> {
    let mut request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    if let Some(token) = token {
        // Writing into a string cannot fail.
        let _ = write!(request, "Authorization: Bearer {token}\r\n");
    }
    request.push_str("\r\n");
    let asked = stream.write_all(request.as_bytes()).and_then(|()| stream.flush());
    asked.map_err(|error| failed(address, error))?;
    let mut answer = Vec::new();
    let mut block = [0; 16 * 1024];
    loop {
        match stream.read(&mut block) {
            Ok(0) => return Ok(answer),
            Ok(_) if answer.len() > LONGEST => return Err(ProbeError::Foreign(address)),
            Ok(bytes) => answer.extend_from_slice(&block[..bytes]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Whoever is in a hurry may reset the connection behind a whole answer.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset && !answer.is_empty() => {
                return Ok(answer);
            }
            Err(error) => return Err(failed(address, error)),
        }
    }
}

fn failed(address: SocketAddr, error: io::Error) -> ProbeError {
    let tls = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    match (tls, error.kind()) {
        (Some(rustls::Error::InvalidMessage(_)), _) => ProbeError::NoTls(address),
        (Some(rustls::Error::InvalidCertificate(_)), _) => ProbeError::OtherCertificate(address),
        (_, io::ErrorKind::ConnectionRefused) => ProbeError::Refused(address),
        (_, io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => ProbeError::Late(address),
        (_, io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => ProbeError::Closed(address),
        _ => ProbeError::Io { address, source: error },
    }
}

/// A connection on which nothing waits for longer than there is time.
struct Timed<'a> {
    stream: TcpStream,
    clock: &'a Clock,
}

impl Timed<'_> {
    fn left(&self) -> io::Result<Option<Duration>> {
        left(self.clock).map(Some).ok_or_else(|| io::ErrorKind::TimedOut.into())
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        self.stream.read(buffer)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// The rest of the time, unless there is none.
fn left(clock: &Clock) -> Option<Duration> {
    LIMIT.checked_sub(clock.monotonic()).filter(|left| !left.is_zero())
}

/// The body of an answer to HTTP/1.1 with `Connection: close`: what ends with the connection.
fn body(address: SocketAddr, mut answer: Vec<u8>) -> Result<Vec<u8>, ProbeError> {
    if answer.is_empty() {
        return Err(ProbeError::Closed(address));
    }
    let end = memchr::memmem::find(&answer, b"\r\n\r\n").ok_or(ProbeError::Foreign(address))?;
    let body = answer.split_off(end + 4);
    let status = answer.strip_prefix(b"HTTP/1.1 ").and_then(|rest| std::str::from_utf8(rest.get(..3)?).ok());
    match status.and_then(|status| status.parse().ok()) {
        None if memchr::memmem::find(&body, SPEAKS_TLS.as_bytes()).is_some() => {
            Err(ProbeError::WantsTls(address))
        }
        None => Err(ProbeError::Foreign(address)),
        Some(200) => Ok(body),
        Some(status) => {
            let line = body.split(|&byte| byte == b'\n').next().unwrap_or_default();
            Err(ProbeError::Status { address, status, text: escaped(line, WIDTH) })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{SocketAddr, TcpListener};
    use std::time::Duration;

    use super::{LIMIT, body, healthy, unparsed};
    use crate::observed::Clock;
    use crate::web::own::Way;

    /// Serves one connection with `talk`; what the probe makes of it.
    #[track_caller]
    fn asked(talk: impl FnOnce(&mut std::net::TcpStream) + Send + 'static) -> (SocketAddr, String) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("accepted");
            assert!(stream.read(&mut [0; 1024]).is_ok_and(|bytes| bytes > 0), "a question");
            talk(&mut stream);
        });
        let said = match healthy(address, &[Way::Plain]) {
            Ok(health) => format!("{} is healthy", health.address),
            Err(error) => error.to_string(),
        };
        server.join().expect("no panic");
        (address, said)
    }

    #[test]
    fn every_answer_has_its_words() {
        for (answer, expected) in [
            ("HTTP/1.1 200 OK\r\n\r\nhealthy\n", "is healthy"),
            (
                "HTTP/1.1 503 Service Unavailable\r\n\r\nnot\x1b healthy\nat all",
                "answered 503: not\\x1b healthy",
            ),
            ("HTTP/1.0 200 OK\r\n\r\n", "does not answer as an exporter does"),
            ("220 mail.example ESMTP\r\n", "does not answer as an exporter does"),
            ("HTTP/1.1 200 OK\r\nA: b\r\n", "does not answer as an exporter does"),
            ("", "closed the connection without an answer"),
        ] {
            let (address, said) = asked(move |stream| stream.write_all(answer.as_bytes()).expect("written"));
            assert!(said.contains(expected) && said.contains(&address.to_string()), "{answer:?}: {said}");
        }
    }

    #[test]
    fn a_port_that_nobody_knows_is_not_asked() {
        let said =
            healthy(SocketAddr::from(([0, 0, 0, 0], 0)), &[Way::Plain]).expect_err("nobody").to_string();
        assert!(said.contains("--listen"), "{said}");
    }

    #[test]
    fn nothing_listens() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        drop(listener);
        let said = healthy(address, &[Way::Plain]).expect_err("nobody").to_string();
        assert!(said.contains("nothing listens there"), "{said}");
    }

    /// The limit is for all of it, however many bytes come one after the other.
    #[test]
    fn who_drips_is_late() {
        let clock = Clock::start();
        let (address, said) = asked(|stream| {
            stream.set_read_timeout(Some(Duration::from_millis(100))).expect("set");
            // A byte each tenth of a second, until the probe has had enough.
            while stream.write_all(b"H").is_ok() && !matches!(stream.read(&mut [0; 1]), Ok(0)) {}
        });
        assert_eq!(said, format!("{address} did not answer in 3 s"));
        assert!(clock.monotonic() < LIMIT * 2, "{:?}", clock.monotonic());
    }

    #[test]
    fn lines_come_out_as_printable_ascii() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("accepted");
            let mut question = [0; 1024];
            let length = stream.read(&mut question).expect("a question");
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\na\x1b[2J\nb\xff\n").expect("written");
            String::from_utf8_lossy(&question[..length]).into_owned()
        });
        assert_eq!(unparsed(address, &Way::Plain, "abc").expect("lines"), "a?[2J\nb?\n");
        let question = server.join().expect("no panic");
        assert!(question.starts_with("GET /debug/unparsed.txt HTTP/1.1"), "{question}");
        assert!(question.contains("Authorization: Bearer abc\r\n"), "{question}");
    }

    #[test]
    fn an_answer_is_taken_apart() {
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        assert_eq!(
            body(address, b"HTTP/1.1 200 OK\r\n\r\na\r\n\r\nb".to_vec()).expect("a body"),
            b"a\r\n\r\nb"
        );
    }
}
