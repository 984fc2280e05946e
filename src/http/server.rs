//! The listener: connections are accepted as they come, and each gets a task and a place in the crowd.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SocketFlags, SocketType, sockopt};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::access::Entrance;
use super::connection::{Host, serve as serve_connection};
use super::crowd::{Crowd, Origin};
use super::life::Patience;
use crate::observed::connections::ConnectionCounts;
use crate::observed::{Clock, ProblemLog};
use crate::web::Web;

/// What the kernel keeps of an answer that its client does not take, and doubles.
const SEND_BYTES: usize = 32 * 1024;
/// What it keeps of requests.
const RECEIVE_BYTES: usize = 16 * 1024;
/// Connections that the kernel holds until they are accepted, which they are at once.
const BACKLOG: i32 = 1024;
/// After an accept that failed for want of something; doubled each time up to a second.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// When no connection could be accepted for so long, the program is not well.
const UNWELL_AFTER: Duration = Duration::from_secs(3);

/// Listens on an address, without a runtime.
///
/// # Errors
///
/// As the kernel says.
pub fn listen(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = net::socket_with(family, SocketType::STREAM, flags, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    // Accepted connections have what their listener has.
    sockopt::set_socket_send_buffer_size(&socket, SEND_BYTES)?;
    sockopt::set_socket_recv_buffer_size(&socket, RECEIVE_BYTES)?;
    net::bind(&socket, &address)?;
    net::listen(&socket, BACKLOG)?;
    Ok(socket.into())
}

/// Serves what an entrance lets in of all pages on its listener until `stopping` is closed, and then until the answers under way are
/// sent. `descriptors` is how many files the process may have open.
pub async fn serve(
    (listener, entrance): (TcpListener, Entrance),
    (router, web): (Router, Arc<Web>),
    counts: Arc<ConnectionCounts>,
    descriptors: u64,
    clock: Clock,
    mut stopping: watch::Receiver<()>,
) {
    let crowd = Crowd::new(descriptors, counts);
    let host =
        Host { crowd, router, entrance, web, patience: Patience::default(), stopping: stopping.clone() };
    let mut accepting = Accepting::new(clock);
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            _ = stopping.changed() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, from)) => {
                accepting.worked(&host.crowd.counts);
                let address = from.ip().to_canonical();
                let place = host.crowd.admit(Origin::of(address), Instant::now());
                // Answers are written whole: there is nothing to wait for.
                stream.set_nodelay(true).ok();
                connections.spawn(serve_connection(stream, address, place, host.clone()));
            }
            Err(error) => {
                let pause = accepting.failed(&error, &host.crowd.counts);
                tokio::select! {
                    _ = stopping.changed() => break,
                    () = tokio::time::sleep(pause) => {}
                }
            }
        }
        while connections.try_join_next().is_some() {}
        // A request that came with its connection is read before the next newcomer takes a place.
        tokio::task::yield_now().await;
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// How accepting goes.
struct Accepting {
    clock: Clock,
    problems: ProblemLog,
    pause: Duration,
    failing_since: Option<Duration>,
}

impl Accepting {
    fn new(clock: Clock) -> Self {
        let problems = ProblemLog::with("http", "connections wait until they can be accepted");
        Self { clock, problems, pause: FIRST_PAUSE, failing_since: None }
    }

    fn worked(&mut self, counts: &ConnectionCounts) {
        if self.failing_since.take().is_some() {
            self.pause = FIRST_PAUSE;
            self.problems.note(None, self.clock.monotonic());
            counts.set_accepting(true);
        }
    }

    /// For how long to leave it.
    fn failed(&mut self, error: &io::Error, counts: &ConnectionCounts) -> Duration {
        counts.accept_failed();
        if !is_shortage(error) {
            // One client that went away too soon.
            return Duration::ZERO;
        }
        let now = self.clock.monotonic();
        let since = *self.failing_since.get_or_insert(now);
        self.problems.note(Some(&format!("no connection can be accepted: {error}")), now);
        if now.saturating_sub(since) >= UNWELL_AFTER {
            counts.set_accepting(false);
        }
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST_PAUSE);
        pause
    }
}

/// Whether the host or the process has run out of something, so that the next accept fails as well.
fn is_shortage(error: &io::Error) -> bool {
    [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}
