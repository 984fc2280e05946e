//! A port that greets, for the look from outside: a banner, and the answer to QUIT. No more SMTP is spoken.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::world::LOCAL_HOST;

/// A client that says nothing is not waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// A listener with a thread that greets; both end when it is dropped.
#[derive(Debug)]
pub struct Greeter {
    address: SocketAddr,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Greeter {
    /// Greets at this address.
    ///
    /// # Errors
    ///
    /// As the system says.
    pub fn listen(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&over);
        let greet_all = move || {
            for client in listener.incoming() {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                // A client that leaves before the end is no concern of the others.
                client.and_then(greet).ok();
            }
        };
        let thread = std::thread::Builder::new().name("greeter".into()).spawn(greet_all)?;
        Ok(Self { address, over, thread: Some(thread) })
    }

    /// Where it greets.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

fn greet(mut client: TcpStream) -> io::Result<()> {
    client.set_read_timeout(Some(PATIENCE))?;
    client.write_all(format!("220 {LOCAL_HOST} -- Server ESMTP\r\n").as_bytes())?;
    let mut said = [0; 64];
    if client.read(&mut said)? > 0 {
        client.write_all(b"221 2.3.0 Bye received. Goodbye.\r\n")?;
    }
    Ok(())
}

impl Drop for Greeter {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes the thread, which waits for a client.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{Ipv4Addr, SocketAddr, TcpStream};

    use super::Greeter;

    #[test]
    fn it_greets_until_it_is_dropped_and_again_at_the_same_place() {
        let mut address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        for _ in 0..2 {
            let greeter = Greeter::listen(address).expect("a listener");
            address = greeter.address();
            let mut client = TcpStream::connect(address).expect("connected");
            client.write_all(b"QUIT\r\n").expect("said");
            let mut answer = String::new();
            client.read_to_string(&mut answer).expect("text");
            assert!(answer.starts_with("220 mta1.siroe.example ") && answer.contains("\r\n221 "), "{answer}");
            drop(greeter);
            assert!(TcpStream::connect(address).is_err());
        }
    }
}
