//! Wiring: what runs and how it is stopped.
//!
//! A start has three steps: [`prepare()`] does what must be done before there is a thread, [`Prepared::start`]
//! starts the threads, [`Running::serve`] answers until it is told to stop.
//!
//! The logs are read by one thread, every other source has one of its own, so that a source that
//! hangs in the kernel takes at most its thread with it. They publish into [`Observed`](crate::observed); the HTTP
//! side only reads from there. Everything ends with the shutdown future; what does not end in time
//! is left behind, and the state that was saved last is then what the next start goes on from.

pub mod alerting;
pub mod collectors;
mod death;
pub mod generation;
mod limits;
pub mod logs;
mod prepare;
mod privilege;
mod signals;
pub mod state;
mod web;

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::Router;
use parking_lot::{Mutex, RwLock};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};

use alerting::Alerting;
use collectors::{COLLECTORS, Collects, Kept, Start};
use death::DeathNotice;
use generation::{Clients, Generation};

pub use generation::Sources;
pub use prepare::{Prepared, prepare};
pub use privilege::{PrivilegeError, becomes, warn_of_root};
pub use signals::{Hangup, signals};

pub use crate::http::access::Serves;

use crate::aggregate::{Aggregate, Totals};
use crate::alerting::Standing;
use crate::config::Config;
use crate::http::access::Entrance;
use crate::http::{self, Site, server};
use crate::metrics::{self, ClientDisplay, Exposition, catalogue::Feed};
use crate::notify;
use crate::observed::latest::Turn;
use crate::observed::{Clock, LogBook, Observed, WallClock};
use crate::source::install;
use crate::source::seed::new_seed;
use crate::source::timezone::LogZone;
use crate::source::wakeup;
use crate::web::Web;

/// What ends within this time after a shutdown ends well.
const GRACE: Duration = Duration::from_millis(1200);

/// Everything that a start can need from outside, and where the tests differ.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The roots to look in when none is configured.
    pub probed_roots: Vec<PathBuf>,
    /// `/proc`, unless the configuration says another.
    pub proc_root: PathBuf,
    /// The host's clock.
    pub wall_clock: WallClock,
    /// What a listener serves that other hosts can reach.
    pub beyond: Serves,
    /// What is looked at on an interval.
    pub collectors: Vec<&'static dyn Collects>,
    /// How many times faster alerts of the program's own wait and stay, and are said again.
    pub hurry: u32,
}

impl Default for Environment {
    fn default() -> Self {
        Self {
            probed_roots: install::PROBED_ROOTS.iter().map(PathBuf::from).collect(),
            proc_root: PathBuf::from("/proc"),
            wall_clock: Clock::host(),
            beyond: Serves::Numbers,
            collectors: COLLECTORS.to_vec(),
            hurry: 1,
        }
    }
}

impl Environment {
    /// The same where the configuration says something else of it.
    #[must_use]
    pub fn with(mut self, config: &Config) -> Self {
        if let Some(proc_root) = &config.mta.proc {
            self.proc_root.clone_from(proc_root);
        }
        self
    }
}

/// Everything that runs. It ends with [`Running::serve`].
pub struct Running {
    listener: (TcpListener, Entrance),
    web: Arc<Web>,
    watching: Option<web::Watching>,
    observed: Arc<Observed>,
    router: Router,
    descriptors: u64,
    sources: Arc<Sources>,
    alerting: Alerting,
    log_ended: oneshot::Receiver<()>,
    deaths: mpsc::UnboundedReceiver<&'static str>,
}

impl Prepared {
    /// Starts every thread; to be called within a runtime, which the listener needs.
    ///
    /// # Errors
    ///
    /// A thread cannot be started.
    pub fn start(self) -> anyhow::Result<Running> {
        let Self { config, environment, install, user, listener, address, descriptors, .. } = self;
        let (state, saved, (web, work)) = (self.state, self.saved, self.web);
        let listener = TcpListener::from_std(listener).context("cannot use the listener")?;
        let clock = Clock::reading(environment.wall_clock);
        let seed = new_seed();
        let clients = ClientDisplay { label: config.clients.label, top: config.clients.top, seed };
        let clients: Clients = Arc::new(RwLock::new(clients));
        let paths = logs::paths(&config, &install);
        let (waker, wakeups) = wakeup::channel(paths, config.logs.poll, Arc::new(wakeup::watch));
        tracing::info!(
            %address,
            root = %install.root.display(),
            logs = %install.log_directory.display(),
            queue = %install.queue_directory.display(),
            "serving metrics"
        );
        let timezone = time_zone(&config);
        let logs = LogBook {
            history: Mutex::new(saved.history),
            baseline: Mutex::new(saved.baseline),
            ..log_book(&config, seed, &timezone, saved.totals, !saved.positions.is_empty())
        };
        // It is there before the first tick, since the first state is saved before that.
        let earlier = saved.alerts.restored(clock.unix()).silencing(config.alerting.silenced.clone());
        let collected = collectors::readings(&environment.collectors, &install, clock);
        let limits = config.limits();
        let observed = Arc::new(Observed {
            user: user.map(Into::into).unwrap_or_default(),
            state: Mutex::new(saved.health),
            history: Mutex::new(saved.history_health),
            baseline: Mutex::new(saved.baseline_health),
            wakeups: wakeups.counts(),
            alerts: Mutex::new(Arc::new(Standing::restored(&earlier))),
            notified: notify::receivers(&config)
                .after(saved.alerts.told(), saved.alerts.goes_on(clock.unix())),
            usual: Mutex::new(saved.alerts.usual()),
            ..Observed::new(clock, timezone, install, limits, collected, logs)
        });
        let (died, deaths) = mpsc::unbounded_channel();
        let site = Site {
            observed: Arc::clone(&observed),
            exposition: exposition(&observed, &environment.collectors, Arc::clone(&clients))?,
            clients: Arc::clone(&clients),
            bound: address,
            token: state.token(),
            state_directory: config.state.directory.clone(),
            web: Arc::clone(&web),
        };
        let watching = work.map(|work| web::spawn(work, &observed, &died)).transpose();
        let watching = watching.map_err(|error| no_thread(&error))?;
        let (log, log_ended) =
            logs::spawn(&config, Arc::clone(&observed), (waker, wakeups), state, died.clone())
                .map_err(|error| no_thread(&error))?;
        let start = Start {
            config: &config,
            proc_root: &environment.proc_root,
            observed: &observed,
            turn: &Turn::default(),
            kept: &Kept::default(),
        };
        let collectors =
            collectors::spawn(&environment.collectors, &start, &died).map_err(|error| no_thread(&error))?;
        let alerting = Alerting::spawn(Arc::clone(&observed), earlier, environment.hurry, died.clone())
            .map_err(|error| no_thread(&error))?;
        let notice = || DeathNotice::new("notify", died.clone());
        let resend = notify::RESEND / environment.hurry;
        notify::spawn(&config, &observed, &alerting.subscribe(), resend, notice);
        let router = serve_pages(site, &died).map_err(|error| no_thread(&error))?;
        let listener = (listener, Entrance::plain(address, environment.beyond));
        let first = Generation { config, log, collectors };
        let proc_root = environment.proc_root;
        let sources = Sources::new(Arc::clone(&observed), clients, proc_root, first);
        Ok(Running {
            listener,
            web,
            watching,
            observed,
            router,
            descriptors,
            sources,
            alerting,
            log_ended,
            deaths,
        })
    }
}

impl Running {
    /// What is read, to be exchanged while it runs.
    pub fn sources(&self) -> Arc<Sources> {
        Arc::clone(&self.sources)
    }

    /// The alerts of the program's own, while it runs.
    pub fn alerting(&self) -> &Alerting {
        &self.alerting
    }

    /// Answers until `shutdown`, and stops.
    ///
    /// # Errors
    ///
    /// When a thread dies, which is a fault of this program.
    pub async fn serve(mut self, shutdown: impl Future<Output = ()> + Send) -> anyhow::Result<()> {
        let (stop_http, stopping) = watch::channel(());
        let (counts, clock) = (Arc::clone(&self.observed.connections), self.observed.clock);
        let server =
            server::serve(self.listener, (self.router, self.web), counts, self.descriptors, clock, stopping);
        let mut server = tokio::spawn(server);
        let failure = tokio::select! {
            () = shutdown => None,
            thread = self.deaths.recv() => Some(format!("the thread {} died", thread.unwrap_or("?"))),
            ended = &mut server => Some(format!("the HTTP server ended: {ended:?}")),
        };
        drop((stop_http, self.watching));
        self.sources.stop();
        // Both at once: whatever hangs, the program ends in time.
        let (ended, _) = tokio::join!(
            tokio::time::timeout(GRACE, self.log_ended),
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
}

/// By which the times in the logs are read; it is said where nothing tells it.
fn time_zone(config: &Config) -> LogZone {
    let timezone = LogZone::find(config.mta.timezone.as_ref());
    if let Some(problem) = timezone.problem() {
        tracing::warn!("{problem}");
    }
    timezone
}

/// The sums of an earlier run, or none so far.
fn log_book(
    config: &Config,
    seed: u64,
    timezone: &LogZone,
    totals: Option<Totals>,
    catching_up: bool,
) -> LogBook {
    let totals = totals.unwrap_or_else(|| Totals::new(seed));
    LogBook::new(Aggregate::new(totals, timezone.zone.clone(), config.mta.block_size), catching_up)
}

/// Starts the thread that makes pages; their routes.
fn serve_pages(site: Site, died: &mpsc::UnboundedSender<&'static str>) -> io::Result<Router> {
    let (router, renderer) = http::routes(site);
    let notice = DeathNotice::new("pages", died.clone());
    std::thread::Builder::new().name("pages".into()).spawn(move || {
        let _notice = notice;
        renderer.run();
    })?;
    Ok(router)
}

/// A start without all of its threads would be half a service.
fn no_thread(error: &io::Error) -> anyhow::Error {
    let hint = if error.kind() == io::ErrorKind::WouldBlock {
        "; the limit of processes of this user, or of tasks of the unit or container, is reached"
    } else {
        ""
    };
    anyhow::anyhow!("cannot start a thread: {error}{hint}")
}

/// One registry whose pages are built from what has been observed.
fn exposition(
    observed: &Arc<Observed>,
    collectors: &[&'static dyn Collects],
    clients: Clients,
) -> anyhow::Result<Exposition> {
    let exposition = Exposition::default();
    let (source, collectors) = (Arc::clone(observed), collectors.to_vec());
    exposition
        .publish(Feed::ALL, move |page| {
            let clients = clients.read();
            metrics::observed::fill(page, &source, &clients);
            for row in &collectors {
                row.fill(page, &source, &clients);
            }
        })
        .context("the catalogue cannot be registered")?;
    Ok(exposition)
}
