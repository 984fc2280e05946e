//! A program of this host that reads notifications. What it prints is counted and not kept: it may be a secret.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::aside::Aside;
use super::failed::Failed;
use crate::config::AlertCommand;
use crate::observed::Clock;
use crate::observed::notified::Failure;
use crate::source::child::{self, Ended, Running};
use crate::source::commands::{Program, find};

/// The most that it may print, on both outputs.
pub(super) const MOST_OUTPUT: usize = 64 * 1024;
/// What was killed ends within this, unless the system holds it.
const PATIENCE: Duration = Duration::from_secs(5);

/// One program. It ends with this, or before.
#[derive(Debug)]
pub(super) struct Command {
    argv: Vec<String>,
    timeout: Duration,
    clock: Clock,
    running: Ends,
    aside: Aside<(u64, Result<(), Failed>)>,
    /// How often it was to be run.
    runs: u64,
}

/// What runs would outlive this program.
#[derive(Debug, Default)]
struct Ends(Running);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Command {
    /// The configured one; nothing where none is.
    pub(super) fn new(command: &AlertCommand, clock: Clock) -> Option<Self> {
        let AlertCommand { argv, timeout, .. } = command;
        command.is_set().then(|| Self {
            argv: argv.clone(),
            timeout: *timeout,
            clock,
            running: Ends::default(),
            aside: Aside::new("command"),
            runs: 0,
        })
    }

    /// Whether it would be run.
    pub(super) async fn look(&mut self) -> Result<String, Failed> {
        let name = self.argv.first().map(PathBuf::from).unwrap_or_default();
        let said = format!("{} is there; it was not run", name.display());
        self.aside(PATIENCE, move || program(&name).map(drop)).await.map(|()| said)
    }

    /// Runs it with a notification to read.
    pub(super) async fn tell(&mut self, json: Vec<u8>) -> Result<(), Failed> {
        let (argv, timeout, clock) = (self.argv.clone(), self.timeout, self.clock);
        let running = self.running.0.clone();
        self.aside(timeout + PATIENCE, move || ran(&argv, &json, timeout, &running, clock)).await
    }

    /// On a thread of its own: a file system may hang.
    async fn aside(
        &mut self,
        patience: Duration,
        work: impl FnOnce() -> Result<(), Failed> + Send + 'static,
    ) -> Result<(), Failed> {
        self.runs += 1;
        let run = self.runs;
        let (of_run, result) = self.aside.run(patience, move || (run, work())).await.map_err(|error| {
            Failed::new(Failure::Timeout, format!("{}: {error}, though it was killed", self.argv[0]))
        })?;
        if of_run != run {
            let what = format!("{}: an earlier run has only now ended", self.argv[0]);
            return Err(Failed::new(Failure::Timeout, what));
        }
        result
    }
}

/// The program, if it may and should be run.
fn program(name: &Path) -> Result<Program, Failed> {
    find(Path::new("/"), Some(name)).map_err(|error| Failed::new(Failure::Connect, error.to_string()))
}

fn ran(
    argv: &[String],
    json: &[u8],
    timeout: Duration,
    running: &Running,
    clock: Clock,
) -> Result<(), Failed> {
    let name = argv.first().map(PathBuf::from).unwrap_or_default();
    let failed = |how, what: String| Failed::new(how, format!("{}: {what}", name.display()));
    let program = program(&name)?;
    let what = child::Run {
        path: &program.path,
        name: &program.name,
        arguments: &argv[1..],
        input: json,
        timeout,
        most_output: MOST_OUTPUT,
    };
    let (ended, _) = child::run(&what, running, &|| clock.monotonic())
        .map_err(|error| failed(Failure::Connect, format!("it cannot be run: {error}")))?;
    match ended {
        Ended::Itself(status) if status.success() => Ok(()),
        Ended::Itself(status) => Err(failed(Failure::ExitStatus, format!("it ended with {status}"))),
        Ended::TooMuch => {
            Err(failed(Failure::Answer, format!("it printed more than {MOST_OUTPUT} bytes and was killed")))
        }
        Ended::TooLong => {
            let seconds = timeout.as_secs_f64();
            Err(failed(Failure::Timeout, format!("it did not end within {seconds} s and was killed")))
        }
    }
}
