//! `imsimta qm`, as far as the exporter's `[commands]` ask it: a script that prints what the synthetic MTA
//! has last counted (Administration Reference, "imsimta qm"; the forms of its outputs are in
//! `source::commands`).

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::message::Channel;

/// The program, below the root.
const PROGRAM: &str = "bin/imsimta";
/// Where its answers lie, below the root.
const ANSWERS: &str = "data/answers";
/// `$0` is a whole path; anything that is not asked here has no answer.
const SCRIPT: &str = "#!/bin/sh\n\
    # imsimta of the demo: prints what its synthetic MTA counts.\n\
    [ \"$1\" = qm ] && exec cat \"${0%/*}/../data/answers/$2\"\n\
    echo 'the demo answers qm summarize, qm jobs and qm counters alone' >&2\n\
    exit 1\n";

/// From so many messages on a channel has a job that waits for its turn.
const MUCH: u64 = 100;

/// What the queue manager knows of a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages that wait and are not held.
    pub waiting: u64,
    /// Messages that left it.
    pub delivered: u64,
    /// Messages that were tried and stay.
    pub requeued: u64,
    /// Whether somebody has stopped it.
    pub stopped: bool,
}

/// All channels, in the order of [`Channel::ALL`].
pub type AllCounters = [Counters; Channel::ALL.len()];

/// Puts the program where the MTA has it.
///
/// # Errors
///
/// As the system says.
pub fn install(root: &Path) -> io::Result<()> {
    let program = root.join(PROGRAM);
    for directory in program.parent().into_iter().chain([root.join(ANSWERS).as_path()]) {
        fs::create_dir_all(directory)?;
    }
    fs::write(&program, SCRIPT)?;
    fs::set_permissions(&program, Permissions::from_mode(0o755))
}

/// Writes what it is to answer. Each answer is whole at any time.
///
/// # Errors
///
/// As the system says.
pub fn answer(root: &Path, counters: &AllCounters) -> io::Result<()> {
    let directory = root.join(ANSWERS);
    let answers =
        [("summarize", summarize(counters)), ("jobs", jobs(counters)), ("counters", show(counters))];
    for (name, text) in answers {
        let new: PathBuf = directory.join(format!("{name}.new"));
        fs::write(&new, text)?;
        fs::rename(new, directory.join(name))?;
    }
    Ok(())
}

fn of_channels(counters: &AllCounters) -> impl Iterator<Item = (&'static str, &Counters)> {
    Channel::ALL.iter().map(|channel| channel.name()).zip(counters)
}

fn summarize(counters: &AllCounters) -> String {
    let mut text = String::new();
    for (channel, of) in of_channels(counters) {
        let name = if of.stopped { format!("{channel} (stopped)") } else { channel.to_owned() };
        writeln!(text, "{name:<32}{:>9}{:>11}.0", of.waiting, of.waiting * 4).ok();
    }
    text
}

fn jobs(counters: &AllCounters) -> String {
    let mut text = String::new();
    let mut active = 0;
    for (number, (channel, of)) in (1..).zip(of_channels(counters)) {
        if of.stopped || of.waiting + of.delivered == 0 {
            continue;
        }
        active += 1;
        writeln!(text, "channel {channel}").ok();
        writeln!(text, "   job {}", 12_000 + number).ok();
        writeln!(text, "     processed messages: {}", of.delivered).ok();
        writeln!(text, "     failed processing attempts: {}", of.requeued).ok();
        writeln!(text, "  1 JOBS ACTIVE FOR CHANNEL {channel}").ok();
        writeln!(text, "  {} JOBS PENDING FOR CHANNEL {channel}", u64::from(of.waiting > MUCH)).ok();
    }
    writeln!(text, " {active} ACTIVE CHANNELS").ok();
    text
}

fn show(counters: &AllCounters) -> String {
    let mut text = String::from(
        "Channel                Messages   Recipients Blocks\n\
         ---------------------- ---------- ---------- ----------\n",
    );
    for (channel, of) in of_channels(counters) {
        writeln!(text, "{channel}").ok();
        let rows = [
            ("Received", of.waiting + of.delivered),
            ("Stored", of.waiting),
            ("Delivered", of.delivered),
            ("Submitted", 0),
        ];
        for (row, messages) in rows {
            writeln!(text, "   {row:<10}{messages:>15}{messages:>11}{:>11}", messages * 4).ok();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{Counters, answer, install};
    use crate::demo::message::Channel;

    #[test]
    fn the_program_prints_what_was_counted() {
        let root = tempfile::tempdir().expect("temp dir");
        install(root.path()).expect("installed");
        let mut counters = [Counters::default(); Channel::ALL.len()];
        counters[0] = Counters { waiting: 12, delivered: 17, requeued: 2, stopped: true };
        counters[4] = Counters { waiting: 101, delivered: 18, ..Counters::default() };
        answer(root.path(), &counters).expect("written");
        let print = |arguments: &[&str]| {
            let output = Command::new(root.path().join("bin/imsimta"))
                .args(arguments)
                .env_clear()
                .current_dir("/")
                .output()
                .expect("it runs");
            (output.status.success(), String::from_utf8(output.stdout).expect("text"))
        };
        let (fine, text) = print(&["qm", "summarize", "-noheading", "-notrailing"]);
        assert!(
            fine && text.starts_with("tcp_local (stopped)                    12         48.0\n"),
            "{text}"
        );
        let (fine, text) = print(&["qm", "jobs", "-nohosts", "-nomessages"]);
        assert!(fine && text.contains("     processed messages: 18\n"), "{text}");
        assert!(text.ends_with("  1 JOBS PENDING FOR CHANNEL ims-ms\n 1 ACTIVE CHANNELS\n"), "{text}");
        let (fine, text) = print(&["qm", "counters", "show"]);
        assert!(fine && text.contains("tcp_local\n   Received               29"), "{text}");
        assert!(!print(&["process"]).0 && !print(&["qm", "unknown"]).0);
    }
}
