//! Receivers that do everything wrong: it is said, and who is told besides them hears all the same.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use imsimta_exporter::observed::notified::Failure;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::site::{Alertmanager, Sender, file, has_alertmanager};
use crate::service::harness::wait_for;

/// Answers each request with this, at once or never.
pub fn serve(answer: impl Fn(&mut dyn Write) + Send + 'static, with_tls: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            if with_tls {
                let mut stream = tls_server(stream);
                if read_head(&mut stream) {
                    answer(&mut stream);
                }
            } else if read_head(&mut stream) {
                answer(&mut stream);
            }
        }
    });
    format!("{}://{address}", if with_tls { "https" } else { "http" })
}

fn read_head(stream: &mut impl Read) -> bool {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return false,
        }
    }
    true
}

fn status(line: &'static str) -> impl Fn(&mut dyn Write) + Send + 'static {
    move |stream| {
        let head = format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\nLocation: http://127.0.0.1:1/\r\n\r\n");
        drop(stream.write_all(head.as_bytes()));
    }
}

fn huge(stream: &mut dyn Write) {
    drop(write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"));
    let block = vec![b'['; 1 << 16];
    while stream.write_all(&block).is_ok() {}
}

/// A byte now and then, for ever.
fn slow(stream: &mut dyn Write) {
    drop(write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"));
    let (_keep, never) = std::sync::mpsc::channel::<()>();
    while stream.write_all(b"[").and_then(|()| stream.flush()).is_ok() {
        // Nobody ever sends.
        let _ = never.recv_timeout(Duration::from_millis(200));
    }
}

const CERTIFICATE: &[u8] = include_bytes!("../fixtures/tls/certificate.der");

fn tls_server(stream: TcpStream) -> StreamOwned<ServerConnection, TcpStream> {
    let key = PrivateKeyDer::try_from(&include_bytes!("../fixtures/tls/key.der")[..]).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(CERTIFICATE)], key)
        .expect("fits");
    StreamOwned::new(ServerConnection::new(Arc::new(config)).expect("a side"), stream)
}

/// What goes wrong at once.
pub fn wrong() -> [(String, Failure); 6] {
    [
        (serve(status("401 Unauthorized"), false), Failure::Denied),
        (serve(status("500 Internal Server Error"), false), Failure::Server),
        (serve(status("302 Found"), false), Failure::Redirect),
        (serve(huge, false), Failure::Answer),
        (serve(status("200 OK"), true), Failure::Tls),
        ("http://127.0.0.1:1".to_owned(), Failure::Connect),
    ]
}

/// What takes the time that a receiver has.
pub fn wrong_with_time() -> (String, Failure) {
    (serve(slow, false), Failure::Timeout)
}

#[test]
fn what_receivers_do_wrong_is_counted_and_holds_up_nobody() {
    if !has_alertmanager() {
        return;
    }
    let alertmanager = Alertmanager::start();
    let wrong: Vec<_> = wrong().into_iter().chain([wrong_with_time()]).collect();
    let urls: Vec<_> = wrong.iter().map(|(url, _)| url.clone()).chain([alertmanager.url()]).collect();
    let directory = tempfile::tempdir().expect("a temporary directory");
    let secret = "correct-horse-battery";
    let token = file(directory.path(), "token", secret.as_bytes());
    let urls: Vec<_> = urls.iter().map(String::as_str).collect();
    let sender = Sender::start(&urls, &format!("token_file = {token:?}"));
    sender.fires(&["tcp_local"]);
    alertmanager.wait_until_said("tcp_local", &["firing"]);
    for (place, (url, failure)) in wrong.iter().enumerate() {
        wait_for(&format!("{url}: {failure:?}"), Duration::from_secs(40), || {
            (sender.told(place).failed(*failure) > 0).then_some(())
        });
        let problem = sender.told(place).problem.expect("it is said");
        assert!(!problem.contains(secret), "{problem}");
    }
    sender.fires(&[]);
    alertmanager.wait_until_said("tcp_local", &["firing", "resolved"]);
}
