//! What the MTA's own commands tell, where they are switched on.

use std::sync::Arc;
use std::time::Duration;

use super::row::Verdict::{Fine, Problem};
use super::row::{Look, Remark, Start};
use crate::config::Commands;
use crate::observed::latest::{Latest, Turn};
use crate::observed::reading::{Reading, Run};
use crate::source::commands::{Command, CommandSnapshot, Failures, Ran, Runner, RunningCommand};

pub(super) fn start(start: &Start<'_>) -> Look<CommandSnapshot> {
    let Start { config, observed, turn, kept, .. } = start;
    let on = switched_on(&config.commands);
    if on.is_empty() {
        return Box::new(|| Run::Off);
    }
    let running = RunningCommand::default();
    let runner = Runner {
        root: observed.install.root.clone(),
        program: config.commands.program.clone(),
        timeout: config.commands.timeout,
        one: kept.common(),
        running: running.clone(),
    };
    // What runs would outlive this program.
    turn.at_end(move || running.end());
    let mut failures = kept.carried_over(Option::<Failures>::unwrap_or_default);
    let (observed, turn) = (Arc::clone(observed), (*turn).clone());
    Box::new(move || match observed.collected.latest() {
        Some(latest) => run(&on, &runner, failures.get(), latest, &turn),
        None => Run::Failed("has no place for what it finds".to_owned()),
    })
}

/// Those of the list that are to be run.
fn switched_on(config: &Commands) -> Vec<Command> {
    let is_on = |command: &Command| match command {
        Command::Summarize => config.summarize,
        Command::Jobs => config.jobs,
        Command::Counters => config.counters,
    };
    Command::ALL.iter().copied().filter(is_on).collect()
}

/// One after the other. Their looks at the clock are the signs of life.
fn run(
    on: &[Command],
    runner: &Runner,
    failures: &mut Failures,
    latest: &Latest<CommandSnapshot>,
    turn: &Turn,
) -> Run<CommandSnapshot> {
    let clock = || latest.alive(turn);
    let mut ran = Vec::new();
    for &command in on {
        let begun = clock();
        let told = runner.run(command, &clock);
        if turn.is_over() {
            return Run::Failed("was cut short".to_owned());
        }
        if let Err(error) = &told {
            failures[command as usize][error.reason() as usize] += 1;
        }
        ran.push((command, Ran { told, seconds: took(begun, clock()) }));
    }
    let snapshot = CommandSnapshot { ran, failures: *failures };
    let problem = snapshot.problem();
    Run::read(snapshot, problem)
}

fn took(begun: Duration, now: Duration) -> f64 {
    now.saturating_sub(begun).as_secs_f64()
}

/// Whether this user can run them, and what comes of it.
pub(super) fn remarks(reading: &Reading<CommandSnapshot>, _: &Start<'_>) -> Vec<Remark> {
    let Some(snapshot) = &reading.value else { return Vec::new() };
    let remark = |(command, ran): &(Command, Ran)| {
        let words = command.arguments().join(" ");
        match &ran.told {
            Ok(told) => {
                let unknown = match told.unknown {
                    0 => String::new(),
                    rows => format!(", {rows} rows not understood"),
                };
                let channels = told.channels.len();
                (Fine, format!("`imsimta {words}` can be run, and told of {channels} channels{unknown}"))
            }
            Err(error) => (Problem, format!("`imsimta {words}` {error}")),
        }
    };
    snapshot.ran.iter().map(remark).collect()
}
