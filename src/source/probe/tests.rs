//! Real listeners on loopback that serve, wait, drip, shout, hang up. Time is the test's.

use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::{ProbeError, ProbeFailure, ProbeSnapshot, Probed, Prober};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const TIMEOUT: Duration = Duration::from_secs(30);

/// A server for one client; it hears of each look at the clock.
struct Server<T> {
    port: u16,
    looks: Sender<()>,
    served: JoinHandle<T>,
}

fn serve<T: Send + 'static>(serve: impl FnOnce(TcpStream, &Receiver<()>) -> T + Send + 'static) -> Server<T> {
    serve_on(LOOPBACK, serve)
}

fn serve_on<T: Send + 'static>(
    address: IpAddr,
    serve: impl FnOnce(TcpStream, &Receiver<()>) -> T + Send + 'static,
) -> Server<T> {
    let listener = TcpListener::bind(SocketAddr::new(address, 0)).expect("bound");
    let port = listener.local_addr().expect("an address").port();
    let (looks, looked) = channel();
    let served = spawn(move || serve(listener.accept().expect("a client").0, &looked));
    Server { port, looks, served }
}

/// Looks at a port. Each look at the clock is so much later than the one before.
fn look_at(address: IpAddr, port: u16, tls: bool, step: Duration, look: impl Fn()) -> Probed {
    let now = Cell::new(Duration::ZERO);
    let clock = || {
        look();
        now.replace(now.get() + step)
    };
    let tls: &[u16] = if tls { &[port] } else { &[] };
    let mut prober = Prober::new(address, &[port], tls, TIMEOUT).expect("TLS is there");
    prober.look(&clock).ports.remove(&port).expect("looked at")
}

/// Looks at the port of a server; time stands still but for a step a look.
fn look<T>(server: &Server<T>, tls: bool, step: Duration) -> Probed {
    look_at(LOOPBACK, server.port, tls, step, || _ = server.looks.send(()))
}

const STILL: Duration = Duration::ZERO;
const QUICK: Duration = Duration::from_secs(1);

fn reason(probed: &Probed) -> Option<ProbeFailure> {
    probed.failure.as_ref().map(ProbeError::reason)
}

/// Greets and hears what is said after that.
fn greets(mut stream: impl Read + Write, greeting: &str) -> String {
    stream.write_all(greeting.as_bytes()).expect("written");
    stream.flush().expect("written");
    let mut said = [0; 6];
    stream.read_exact(&mut said).expect("read");
    stream.write_all(b"221 2.3.0 Bye\r\n").expect("written");
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn a_banner_is_welcomed_with_a_farewell() {
    for address in [LOOPBACK, IpAddr::V6(Ipv6Addr::LOCALHOST)] {
        let server =
            serve_on(address, |stream, _| greets(stream, "220-one\r\n220 mail.example.com ESMTP\r\n"));
        let probed = look_at(address, server.port, false, STILL, || {});
        assert_eq!((reason(&probed), probed.failures), (None, 0));
        assert_eq!((probed.connect, probed.banner), (Some(0.0), Some(0.0)));
        assert_eq!(server.served.join().expect("served"), "QUIT\r\n");
    }
}

#[test]
fn a_slow_banner_is_as_slow_as_it_is() {
    // It greets when the clock has been looked at so often, which is a second each time.
    let server = serve(|stream, looked| {
        looked.iter().take(12).for_each(drop);
        greets(stream, "220 late\r\n")
    });
    let probed = look(&server, false, QUICK);
    assert_eq!(reason(&probed), None, "{probed:?}");
    assert!((8.0..30.0).contains(&probed.banner.expect("a banner")), "{probed:?}");
    assert!(probed.connect.expect("a connection") < 5.0, "{probed:?}");
}

/// What a server does with its client, and what comes of that.
type Behaves = fn(TcpStream, &Receiver<()>);

#[test]
fn what_a_client_meets_has_a_reason() {
    let silent: Behaves = |mut stream, _| _ = stream.read_to_end(&mut Vec::new());
    let dripping: Behaves = |mut stream, looked| {
        stream.set_nodelay(true).expect("set");
        for () in looked {
            if stream.write_all(b"2").is_err() {
                return;
            }
        }
    };
    let hanging_up: Behaves = |stream, _| drop(stream);
    let refusing: Behaves = |mut stream, _| stream.write_all(b"421 4.3.2 Too busy\r\n").expect("written");
    let other: Behaves = |mut stream, _| stream.write_all(b"* OK IMAP4 service\r\n").expect("written");
    for (behaves, step, expected) in [
        (silent, QUICK * 5, ProbeFailure::Silent),
        (dripping, QUICK, ProbeFailure::Silent),
        (hanging_up, STILL, ProbeFailure::Closed),
        (refusing, STILL, ProbeFailure::NotServed),
        (other, STILL, ProbeFailure::NoBanner),
    ] {
        let Server { port, looks, served } = serve(behaves);
        let probed = look_at(LOOPBACK, port, false, step, || _ = looks.send(()));
        assert_eq!((reason(&probed), probed.failures), (Some(expected), 1));
        assert_eq!((probed.connect.is_some(), probed.banner), (true, None));
        drop(looks);
        served.join().expect("served");
    }
}

#[test]
fn a_banner_without_end_is_not_read() {
    for piece in [&b"220-more and more\r\n"[..], b"2"] {
        // A gigabyte, if it is read.
        let server = serve(move |mut stream, _| {
            let chunk = piece.repeat(100_000 / piece.len());
            (0..10_000).take_while(|_| stream.write_all(&chunk).is_ok()).count()
        });
        let probed = look(&server, false, STILL);
        assert_eq!(reason(&probed), Some(ProbeFailure::NoBanner));
        let taken = server.served.join().expect("served");
        assert!(taken < 500, "{taken} chunks, by the buffers of the system alone");
    }
}

#[test]
fn nobody_there_is_refused_and_a_full_queue_is_no_connection() {
    let listener = TcpListener::bind(SocketAddr::new(LOOPBACK, 0)).expect("bound");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let probed = look_at(LOOPBACK, port, false, STILL, || {});
    assert_eq!((reason(&probed), probed.connect), (Some(ProbeFailure::Refused), None));

    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    rustix::net::bind(&socket, &SocketAddr::new(LOOPBACK, 0)).expect("bound");
    rustix::net::listen(&socket, 0).expect("listens");
    let listener = TcpListener::from(socket);
    let address = listener.local_addr().expect("an address");
    let _first = TcpStream::connect(address).expect("the one that has room");
    let probed = look_at(LOOPBACK, address.port(), false, QUICK * 5, || {});
    assert_eq!((reason(&probed), probed.connect), (Some(ProbeFailure::Connect), None));
}

#[test]
fn failures_in_a_row_are_counted_until_one_looks_well() {
    let listener = TcpListener::bind(SocketAddr::new(LOOPBACK, 0)).expect("bound");
    let port = listener.local_addr().expect("an address").port();
    let served = spawn(move || {
        for greeting in ["554 no\r\n", "554 no\r\n", "220 yes\r\n", "554 no\r\n"] {
            let (mut stream, _) = listener.accept().expect("a client");
            stream.write_all(greeting.as_bytes()).expect("written");
            // The server goes once the client has.
            drop(stream.read(&mut [0; 16]));
        }
    });
    let mut prober = Prober::new(LOOPBACK, &[port], &[], TIMEOUT).expect("no TLS");
    let failures = |snapshot: ProbeSnapshot| snapshot.ports[&port].failures;
    assert_eq!([(); 3].map(|()| failures(prober.look(&|| STILL))), [1, 2, 0]);
    let next = Prober::new(LOOPBACK, &[port], &[], QUICK).expect("no TLS");
    assert_eq!(failures(next.going_on_from(&prober).look(&|| STILL)), 1);
    served.join().expect("served");
}

/// A server's side of TLS, with a certificate that nobody should trust.
fn tls_server(stream: TcpStream) -> StreamOwned<ServerConnection, TcpStream> {
    let certificate =
        CertificateDer::from(&include_bytes!("../../../tests/fixtures/tls/certificate.der")[..]);
    let key =
        PrivateKeyDer::try_from(&include_bytes!("../../../tests/fixtures/tls/key.der")[..]).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("fits");
    StreamOwned::new(ServerConnection::new(Arc::new(config)).expect("a side"), stream)
}

#[test]
fn a_banner_comes_through_tls() {
    let server = serve(|stream, _| greets(tls_server(stream), "220 mail.example.com ESMTP\r\n"));
    let probed = look(&server, true, STILL);
    assert_eq!(reason(&probed), None, "{probed:?}");
    assert!(probed.banner.is_some());
    assert_eq!(server.served.join().expect("served"), "QUIT\r\n");
}

#[test]
fn what_is_no_tls_is_said() {
    let plain: Behaves = |mut stream, _| {
        stream.write_all(b"220 mail.example.com ESMTP\r\n").expect("written");
        drop(stream.read_to_end(&mut Vec::new()));
    };
    let silent: Behaves = |mut stream, _| drop(stream.read_to_end(&mut Vec::new()));
    let closing: Behaves = |stream, _| drop(stream);
    for (behaves, step, expected) in [
        (plain, STILL, ProbeFailure::Tls),
        (silent, QUICK * 5, ProbeFailure::Silent),
        (closing, STILL, ProbeFailure::Closed),
    ] {
        let server = serve(behaves);
        let probed = look(&server, true, step);
        assert_eq!((reason(&probed), probed.banner), (Some(expected), None), "{probed:?}");
        server.served.join().expect("served");
    }
}

/// Who is paged reads it first.
#[test]
fn the_runbook_knows_every_reason() {
    let runbook = include_str!("../../../alerts/runbooks/ImsMtaNoBanner.md");
    for reason in ProbeFailure::ALL {
        assert!(runbook.contains(&format!("`{}`", reason.label())), "{}", reason.label());
    }
}
