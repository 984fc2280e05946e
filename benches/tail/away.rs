//! An Alertmanager that is away: first nobody listens there, then somebody takes connections and never answers, then it
//! is back.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Between two looks for a connection.
const STEP: Duration = Duration::from_millis(10);

/// Where it is to be, and what it hears once it is back.
pub struct Alertmanager {
    pub address: SocketAddr,
    /// What it was told, and when.
    told: Receiver<(Instant, String)>,
}

impl Alertmanager {
    /// From the answer to `begin` on, nobody is there for one half, and a black hole for the other.
    pub fn away(half: Duration, begin: Receiver<()>) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = free.local_addr().expect("an address");
        drop(free);
        let (tell, told) = channel();
        std::thread::spawn(move || {
            let Ok(()) = begin.recv() else { return };
            let start = Instant::now();
            std::thread::sleep(half);
            let listener = TcpListener::bind(address).expect("its port");
            listener.set_nonblocking(true).expect("set");
            let mut taken = Vec::new();
            while start.elapsed() < half * 2 {
                match listener.accept() {
                    Ok(stream) => taken.push(stream),
                    Err(_) => std::thread::sleep(STEP),
                }
            }
            drop(taken);
            listener.set_nonblocking(false).expect("set");
            for stream in listener.incoming().map_while(Result::ok) {
                if let Some(body) = answer(stream).filter(|body| !body.is_empty())
                    && tell.send((Instant::now(), body)).is_err()
                {
                    return;
                }
            }
        });
        Self { address, told }
    }

    /// The first time that it is told of this alert.
    pub fn hears_of(&self, alert: &str, patience: Duration) -> Option<Instant> {
        let end = Instant::now() + patience;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let (at, body) = self.told.recv_timeout(left).ok()?;
            if body.contains(alert) {
                return Some(at);
            }
        }
    }
}

/// Answers as one that shows no alert; the body that came.
fn answer(stream: TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? <= 2 {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]";
    reader.into_inner().write_all(answer).ok()?;
    String::from_utf8(body).ok()
}
