//! Wiring: what runs, how it is stopped, when it is ready. The only place that reads the clock.
//!
//! The logs are read by one thread, every other source has one of its own, so that a source that
//! hangs in the kernel takes at most its thread with it. They publish into [`Observed`]; the HTTP
//! side only reads from there. Everything ends with the shutdown future; what does not end in time
//! is left behind, and the state that was saved last is then what the next start goes on from.

mod clock;
mod collectors;
mod complaints;
mod held;
pub mod logs;
mod observed;
pub mod queue;
pub mod state;

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

pub use clock::{Clock, Now};
pub use collectors::with_causes;
pub use logs::new_seed;
pub use observed::{LogBook, Observed, lock};
pub use queue::Queue;

use crate::config::Config;
use crate::http;
use crate::metrics::{self, Exposition, catalogue::Feed};
use crate::source::install;
use crate::source::state::StateError;
use crate::source::user;
use crate::source::wakeup;

/// What ends within this time after a shutdown ends well.
const GRACE: Duration = Duration::from_millis(1200);

/// Everything that a start can need from outside, and where the tests differ.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The roots to look in when none is configured.
    pub probed_roots: Vec<PathBuf>,
    /// `/proc`.
    pub proc_root: PathBuf,
}

impl Default for Environment {
    fn default() -> Self {
        Self {
            probed_roots: install::PROBED_ROOTS.iter().map(PathBuf::from).collect(),
            proc_root: PathBuf::from("/proc"),
        }
    }
}

/// Finds the installation, binds, starts everything, serves until `shutdown`, and stops.
///
/// # Errors
///
/// When the start fails, or when a thread dies, which is a fault of this program.
pub async fn run(
    config: Config,
    environment: Environment,
    shutdown: impl Future<Output = ()> + Send,
    bound: oneshot::Sender<SocketAddr>,
) -> anyhow::Result<()> {
    let install = install::locate(&config.mta, &environment.probed_roots)?;
    let user =
        config.mta.user.as_deref().map(|user| user::id_of(user, Path::new("/etc/passwd"))).transpose()?;
    let listener = listen(config.http.listen).await?;
    let address = listener.local_addr().context("the listener has no address")?;
    let (state, saved) = state::open(&config.state.directory).map_err(refuse_shared_state)?;
    let clock = Clock::start();
    let clients = metrics::logs::ClientDisplay {
        label: config.clients.label,
        top: config.clients.top,
        seed: logs::new_seed(),
    };
    let paths = config.logs.files.iter().map(|name| install.log_directory.join(name)).collect();
    let (waker, wakeups) = wakeup::channel(paths, config.logs.poll, Arc::new(wakeup::watch));
    let observed = Observed::new(&config, install.clone(), clock, clients, wakeups.counts(), saved);
    let observed = Arc::new(observed);
    tracing::info!(
        %address,
        root = %install.root.display(),
        logs = %install.log_directory.display(),
        queue = %install.queue_directory.display(),
        "serving metrics"
    );

    let (died, mut deaths) = mpsc::unbounded_channel();
    let (log_thread, log_ended) = logs::spawn(&config, Arc::clone(&observed), wakeups, state, died.clone())
        .context("cannot start a thread")?;
    let collectors =
        collectors::spawn(&config, &environment, &observed, user, &died).context("cannot start a thread")?;

    let exposition = Arc::new(exposition(&observed)?);
    let (stop_http, http_stopping) = oneshot::channel::<()>();
    let server = axum::serve(listener, http::router(Arc::clone(&observed), exposition, address.ip()))
        .with_graceful_shutdown(async { drop(http_stopping.await) });
    let mut server = tokio::spawn(server.into_future());
    // The caller may not want to know.
    bound.send(address).ok();

    let failure = tokio::select! {
        () = shutdown => None,
        thread = deaths.recv() => Some(format!("the thread {} died", thread.unwrap_or("?"))),
        ended = &mut server => Some(format!("the HTTP server ended: {ended:?}")),
    };
    drop(stop_http);
    collectors.stop();
    log_thread.stop();
    waker.wake();
    drop(waker);
    // Both at once: whatever hangs, the program ends in time.
    let (ended, _) = tokio::join!(
        tokio::time::timeout(GRACE, log_ended),
        tokio::time::timeout(GRACE, async {
            if !server.is_finished() {
                drop(server.await);
            }
        }),
    );
    match (failure, ended) {
        (Some(failure), _) => bail!(failure),
        (None, Ok(_)) => tracing::info!("stopped"),
        (None, Err(_)) => tracing::warn!("stopped while a log or the state directory did not answer"),
    }
    Ok(())
}

/// Completes with the first SIGTERM or SIGINT. The handlers are there when this returns.
///
/// # Errors
///
/// When a handler cannot be set.
pub fn signals() -> std::io::Result<impl Future<Output = ()> + Send> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let hint = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another program, perhaps another imsimta-exporter, listens there; stop it or choose another \
                 address with --listen"
            }
            std::io::ErrorKind::PermissionDenied => {
                "ports below 1024 need a privilege; choose another with --listen"
            }
            std::io::ErrorKind::AddrNotAvailable => "no interface of this host has that address",
            _ => "choose another address with --listen",
        };
        anyhow::anyhow!("cannot listen on {address}: {error}: {hint}")
    })
}

/// Two processes on one state would each overwrite the other's.
fn refuse_shared_state(error: StateError) -> anyhow::Error {
    anyhow::Error::new(error).context("cannot use the state directory")
}

/// One registry whose pages are built from what has been observed.
fn exposition(observed: &Arc<Observed>) -> anyhow::Result<Exposition> {
    let exposition = Exposition::default();
    let source = Arc::clone(observed);
    exposition
        .publish(&Feed::ALL, move |page| source.fill(page))
        .context("the catalogue cannot be registered")?;
    Ok(exposition)
}
