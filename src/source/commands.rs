//! What the MTA's own commands say: those of a fixed list, one at a time, and never through a shell.
//!
//! `program.rs` finds the program, which [`child`] runs; `rows.rs` reads what it prints by the tables in `summarize.rs`, `jobs.rs` and
//! `counters.rs`.

mod counters;
mod jobs;
mod program;
mod rows;
mod summarize;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

pub use program::{PLACES, Program, ProgramError, find};
use rows::Row;

use super::child::{self, Ended, Printed, Run, first_line};
use crate::record::labelled;

/// What ends a command that runs.
pub use super::child::Running as RunningCommand;

/// The most that is read of what a command prints, on both outputs. A channel is some lines of a few hundred bytes.
pub const MOST_OUTPUT: usize = 1 << 20;

labelled! {
    /// What may be run.
    Command {
        Summarize = "summarize": "Which channels are stopped.";
        Jobs = "jobs": "Which delivery jobs the Job Controller has, and what they did.";
        Counters = "counters": "What channels delivered since the MTA's counters were made.";
    }
}

labelled! {
    /// Why a command told nothing.
    FailureReason {
        Program = "program": "There is none, or this user may not or should not run it.";
        Start = "start": "The system could not start it.";
        ExitStatus = "exit_status": "It ended with another exit status than 0, or by a signal.";
        Timeout = "timeout": "It did not end in time.";
        Output = "too_much_output": "It printed more than is read.";
        Complaint = "complaint": "It printed an error message of the MTA.";
        NotUnderstood = "not_understood": "Nothing that it printed was understood.";
        Busy = "busy": "A command that was killed before has not ended.";
    }
}

impl Command {
    /// What stands behind the name of the program: THE list of what is ever run. The words are those of the manual
    /// ("imsimta qm" of the Administration Reference).
    pub fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Summarize => &["qm", "summarize", "-noheading", "-notrailing"],
            Self::Jobs => &["qm", "jobs", "-nohosts", "-nomessages"],
            Self::Counters => &["qm", "counters", "show"],
        }
    }

    /// The rows that it prints.
    fn rows(self) -> &'static [Row] {
        match self {
            Self::Summarize => summarize::ROWS,
            Self::Jobs => jobs::ROWS,
            Self::Counters => counters::ROWS,
        }
    }

    /// Whether printing nothing tells something: where there is no job there may be no row.
    fn may_be_silent(self) -> bool {
        self == Self::Jobs
    }
}

/// What a command told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// By channel, as labels.
    pub channels: BTreeMap<String, ChannelTold>,
    /// Channels beyond the cap, of which nothing is kept.
    pub left_out: u64,
    /// Rows that are in no table.
    pub unknown: u64,
}

/// What a command told of a channel. What it did not is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelTold {
    /// Whether `imsimta qm stop` stopped it.
    pub stopped: Option<bool>,
    /// Jobs at work.
    pub active: Option<u64>,
    /// Jobs that wait.
    pub pending: Option<u64>,
    /// Messages that the jobs at work have dequeued.
    pub processed: Option<u64>,
    /// Messages that they put back for another attempt.
    pub requeued: Option<u64>,
    /// Messages that were dequeued since the MTA's counters were made. Updates may be lost, so it can be less than 0.
    pub delivered: Option<i64>,
}

/// Why a command told nothing.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// There is no program to run.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// It could not be started or waited for.
    #[error("{} cannot be run: {error}", program.display())]
    Start {
        /// What was to run.
        program: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It failed.
    #[error("ended with {status}{}", quoted(said))]
    ExitStatus {
        /// How it ended.
        status: ExitStatus,
        /// The first that it said.
        said: String,
    },
    /// It did not end in time, and was killed.
    #[error("did not end within {timeout:?} and was killed (commands.timeout)")]
    Timeout {
        /// Its time.
        timeout: Duration,
    },
    /// It printed too much, and was killed.
    #[error("printed more than {MOST_OUTPUT} bytes and was killed")]
    Output,
    /// It printed an error message.
    #[error("complained{}", quoted(said))]
    Complaint {
        /// The message.
        said: String,
    },
    /// No row is in its table.
    #[error("printed nothing that is understood{}", quoted(said))]
    NotUnderstood {
        /// The first row.
        said: String,
    },
    /// There is one at most at a time.
    #[error("waits for a command that was killed before and has not ended")]
    Busy,
}

fn quoted(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

impl CommandError {
    /// The label for it.
    pub fn reason(&self) -> FailureReason {
        match self {
            Self::Program(_) => FailureReason::Program,
            Self::Start { .. } => FailureReason::Start,
            Self::ExitStatus { .. } => FailureReason::ExitStatus,
            Self::Timeout { .. } => FailureReason::Timeout,
            Self::Output => FailureReason::Output,
            Self::Complaint { .. } => FailureReason::Complaint,
            Self::NotUnderstood { .. } => FailureReason::NotUnderstood,
            Self::Busy => FailureReason::Busy,
        }
    }
}

/// Runs commands, one at a time over all copies.
#[derive(Clone, Debug, Default)]
pub struct OneAtATime(Arc<Mutex<()>>);

/// How a command is run.
#[derive(Clone, Debug)]
pub struct Runner {
    /// The installation.
    pub root: PathBuf,
    /// The configured program.
    pub program: Option<PathBuf>,
    /// How long a command may take.
    pub timeout: Duration,
    /// The one that runs.
    pub one: OneAtATime,
    /// What ends it.
    pub running: RunningCommand,
}

impl Runner {
    /// Runs a command; what it told. `clock` is a monotonic clock, and is looked at again and again.
    ///
    /// # Errors
    ///
    /// It told nothing.
    pub fn run(&self, command: Command, clock: &dyn Fn() -> Duration) -> Result<Told, CommandError> {
        let _one = self.one.0.try_lock().ok_or(CommandError::Busy)?;
        let program = find(&self.root, self.program.as_deref())?;
        let what = Run {
            path: &program.path,
            name: &program.name,
            arguments: command.arguments(),
            input: &[],
            timeout: self.timeout,
            most_output: MOST_OUTPUT,
        };
        let failed = |error| CommandError::Start { program: program.name.clone(), error };
        let (ended, printed) = child::run(&what, &self.running, clock).map_err(failed)?;
        match ended {
            Ended::Itself(status) if status.success() => read(command, &printed),
            Ended::Itself(status) => Err(CommandError::ExitStatus { status, said: printed.first_line() }),
            Ended::TooMuch => Err(CommandError::Output),
            Ended::TooLong => Err(CommandError::Timeout { timeout: self.timeout }),
        }
    }
}

/// What a command told that printed this and ended well: an error message may be on either output.
fn read(command: Command, printed: &Printed) -> Result<Told, CommandError> {
    let error = String::from_utf8_lossy(&printed.error);
    let read = rows::read(command.rows(), &String::from_utf8_lossy(&printed.out));
    if let Some(complaint) = read.complaint.as_deref().or_else(|| rows::complaint(&error)) {
        return Err(CommandError::Complaint { said: first_line(complaint.as_bytes()) });
    }
    let silent = printed.first_line().is_empty();
    if read.understood == 0 && !(silent && command.may_be_silent()) {
        return Err(CommandError::NotUnderstood { said: printed.first_line() });
    }
    Ok(read.told)
}

/// How a command fared when it last ran.
#[derive(Debug)]
pub struct Ran {
    /// What it told.
    pub told: Result<Told, CommandError>,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// How often each command failed, by reason.
pub type Failures = [[u64; FailureReason::ALL.len()]; Command::ALL.len()];

/// What is known of the commands that are switched on.
#[derive(Debug, Default)]
pub struct CommandSnapshot {
    /// How each ran last, in the order of the list.
    pub ran: Vec<(Command, Ran)>,
    /// How often each has failed since the start.
    pub failures: Failures,
}

impl CommandSnapshot {
    /// What went wrong, for people; nothing where nothing did.
    pub fn problem(&self) -> Option<String> {
        let failed = self.ran.iter().filter_map(|(command, ran)| {
            let error = ran.told.as_ref().err()?;
            Some(format!("`imsimta {}` {error}", command.arguments().join(" ")))
        });
        let problems: Vec<String> = failed.collect();
        (!problems.is_empty()).then(|| problems.join("; "))
    }

    /// Which channels are stopped, where that was told.
    pub fn stopped(&self) -> impl Iterator<Item = (&str, bool)> {
        let told = self.ran.iter().filter_map(|(_, ran)| ran.told.as_ref().ok());
        let channels = told.flat_map(|told| &told.channels);
        channels.filter_map(|(channel, told)| Some((channel.as_str(), told.stopped?)))
    }
}
