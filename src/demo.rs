//! A synthetic MTA: it writes logs, queue files and connections as the real one leaves them behind,
//! so that the exporter can be seen at work without a Messaging Server.
//!
//! It is a writer only: it does not read the logs, and it speaks no SMTP. [`traffic`] decides what
//! happens, and is pure; [`performer`] carries it out, with [`site`], [`logs`] and, beside files, a
//! [`host`]. [`incident`] is THE table of what can go wrong.

pub mod action;
mod arguments;
pub mod configuration;
pub mod connections;
pub mod curve;
pub mod entry;
pub mod filling;
pub mod format;
pub mod greeter;
pub mod half_open;
pub mod host;
pub mod incident;
pub mod logs;
pub mod message;
pub mod mount;
pub mod ownership;
pub mod performer;
pub mod process_log;
pub mod processes;
pub mod queue_manager;
pub mod site;
pub mod traffic;
pub mod world;

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

pub use arguments::Arguments;

use crate::app::{self, Environment, Serves};
use crate::config::{
    Alerting, Commands, Config, Files, Held, Http, Logs, Mta, Probe, Processes as ProcessKeys, Queue,
    Sockets, Start, State, Threshold,
};
use crate::observed::Clock;
use connections::Connections;
use greeter::Greeter;
use host::Host;
use performer::{Order, Performer};
use processes::Processes;
use site::Site;
use traffic::Traffic;

/// Between two looks at queue, sockets and processes: shorter than usual, for those who watch.
const INTERVAL: Duration = Duration::from_secs(3);

/// Writes logs and queue files of a stretch of simulated time, and leaves them.
///
/// # Errors
///
/// The directory cannot be used, or a file not written.
pub fn write(arguments: &Arguments) -> anyhow::Result<()> {
    let site = Site::new(arguments.dir.as_deref())?.kept();
    let traffic = Traffic::new(arguments.traffic(Timestamp::UNIX_EPOCH, &TimeZone::UTC));
    let end = arguments.duration.unwrap_or_default();
    Performer::files_only(&site)
        .hurry(traffic, end)
        .with_context(|| format!("cannot write below {}", site.root().display()))
}

/// Writes as many entries of both logs as [`Arguments::lines`] says, in one stream as the MTA has them
/// unless `SEPARATE_CONNECTION_LOG` is set.
///
/// # Errors
///
/// As the stream says. That its reader has seen enough is none.
pub fn write_lines(arguments: &Arguments, stream: impl io::Write) -> io::Result<()> {
    let mut stream = io::BufWriter::new(stream);
    let traffic = Traffic::new(arguments.traffic(Timestamp::UNIX_EPOCH, &TimeZone::UTC));
    let entries = traffic.filter_map(|event| match event.action {
        action::Action::Write { line, .. } => Some(line),
        _ => None,
    });
    let result = entries
        .take(arguments.lines.unwrap_or_default())
        .try_for_each(|line| stream.write_all(&line))
        .and_then(|()| stream.flush());
    result.or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
}

/// Runs the synthetic MTA with the exporter on it until SIGTERM or SIGINT, and leaves nothing
/// behind. What is worth reading goes to `tell`.
///
/// # Errors
///
/// The start fails, or a file cannot be written.
pub async fn serve(arguments: &Arguments, mut tell: impl FnMut(&str) + Send + 'static) -> anyhow::Result<()> {
    let signals = app::signals(app::Hangup::Ends).context("cannot wait for signals")?;
    // Dropped in the reverse order: first what writes into the directory, then the directory.
    let site = Site::new(arguments.dir.as_deref())?;
    let connections =
        Connections::listen().context("cannot open a listener for the demo's own connections")?;
    let greeter =
        Greeter::listen((Ipv4Addr::LOCALHOST, 0).into()).context("cannot open a port that greets")?;
    let processes = Processes::start(&site.programs()).context("cannot start the demo's processes")?;
    let life = configuration::life(arguments.incident.map(|incident| incident.trouble));
    configuration::write(site.root(), connections.port(), life)
        .context("cannot write the demo's configuration")?;
    // Names of a synthetic MTA are nobody's.
    let environment = Environment { beyond: Serves::Names, hurry: arguments.hurry, ..Environment::default() };
    let prepared = app::prepare(
        configuration(arguments, &site, connections.port(), greeter.address().port()),
        environment,
    )?;
    let address = prepared.address();
    let (failed, failure) = oneshot::channel();
    let (orders, received) = channel();
    let rollovers = roll_over_on_signal(orders)?;

    let host = Host::new(&site, connections, greeter, processes);
    let mut performer = Performer::whole(&site, host).context("cannot make the logs")?;
    let (place, arguments) = (site.root().display().to_string(), arguments.clone());
    let running = prepared.start()?;
    let performing = perform(failed, move || {
        tell(&introduction(&arguments, address, &place));
        let now = Timestamp::try_from(Clock::start().wall()).unwrap_or_default();
        let traffic = Traffic::new(arguments.traffic(now, &TimeZone::system()));
        performer.live(traffic, &received, tell)
    })?;

    let mut broken = None;
    let shutdown = async {
        tokio::select! {
            () = signals => {}
            // Until it is told to, the thread ends only with an error, or by a panic, which its join tells.
            error = failure => broken = error.ok(),
        }
    };
    let result = running.serve(shutdown).await;
    // Aborting it drops the sender, which ends the thread.
    rollovers.abort();
    drop(rollovers.await);
    performing.join().map_err(|_| anyhow::anyhow!("the thread of the synthetic MTA died"))?;
    drop(site);
    result?;
    broken.map_or(Ok(()), |error| Err(anyhow::Error::new(error).context("the synthetic MTA cannot write")))
}

/// A thread that performs, and hands out why it could not go on.
fn perform(
    failed: oneshot::Sender<io::Error>,
    performance: impl FnOnce() -> io::Result<()> + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("demo".into()).spawn(move || {
        if let Err(error) = performance() {
            failed.send(error).ok();
        }
    })
}

/// Turns SIGUSR1 into an order for a rollover, as long as somebody takes orders.
fn roll_over_on_signal(orders: Sender<Order>) -> anyhow::Result<tokio::task::JoinHandle<()>> {
    let mut signals = signal(SignalKind::user_defined1()).context("cannot wait for signals")?;
    Ok(tokio::spawn(async move {
        while signals.recv().await.is_some() && orders.send(Order::RollOver).is_ok() {}
    }))
}

/// The exporter's configuration for this MTA.
fn configuration(arguments: &Arguments, site: &Site, port: u16, greets: u16) -> Config {
    let mut config = Config {
        mta: Mta {
            root: Some(site.root().to_owned()),
            // Said, since an incident gives away the directories that would tell it.
            user: Some(rustix::process::geteuid().as_raw().to_string()),
            timezone: Some(TimeZone::system()),
            as_root: true,
            ..Mta::default()
        },
        logs: Logs { start: Start::Beginning, ..Logs::default() },
        queue: Queue {
            interval: INTERVAL,
            stuck_after: arguments.stuck_after.unwrap_or(Queue::default().stuck_after),
            ..Queue::default()
        },
        held: Held { host: Some(world::LOCAL_HOST.to_owned()), ..Held::default() },
        sockets: Sockets { ports: Some(vec![port]), interval: INTERVAL },
        processes: ProcessKeys { interval: INTERVAL, ..ProcessKeys::default() },
        files: Files { interval: INTERVAL * 5, ..Files::default() },
        probe: Probe { ports: vec![greets], interval: INTERVAL, ..Probe::default() },
        commands: Commands {
            summarize: true,
            jobs: true,
            counters: true,
            interval: INTERVAL,
            ..Commands::default()
        },
        http: Http { listen: arguments.listen, web_config: None },
        alerting: Alerting {
            alertmanagers: arguments.alertmanager.iter().cloned().collect(),
            labels: vec![("instance".to_owned(), arguments.listen.to_string())],
            ..Alerting::default()
        },
        state: State { directory: site.state(), interval: Duration::from_secs(10) },
        ..Config::default()
    };
    // A server that is stuck shows when it is too old, and not an hour later.
    config.thresholds.set("overaged_grace", Threshold::Duration(Duration::ZERO));
    config
}

/// What there is to see, and where.
fn introduction(arguments: &Arguments, address: SocketAddr, place: &str) -> String {
    let mut text = format!(
        "A synthetic MTA lives in {place}\n\
         \n\
         Metrics:  http://{address}/metrics\n\
         Status:   http://{address}/\n\
         Busiest:  http://{address}/top\n\
         \n\
         Look at:  imsimta_enqueued_recipients_total and imsimta_dequeued_recipients_total (logs),\n          \
         imsimta_queue_messages and imsimta_queue_held_messages (queue directories),\n          \
         imsimta_smtp_sockets (connections), imsimta_processes (processes)\n"
    );
    if let Some(incident) = arguments.incident {
        write!(
            text,
            "\nIncident: {}, {} s from now: {}.\n          Look at {}.\n          With alerts/rules: {}.\n",
            incident.name,
            arguments.incident_after.as_secs(),
            incident.what,
            incident.signs(),
            incident.expected()
        )
        .ok();
    }
    text.push_str("\nSIGUSR1 turns the logs over; Ctrl-C ends the demo and removes all of it.\n");
    text
}
