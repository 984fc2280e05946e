//! `[commands]`: commands of the MTA that are run.

use std::path::PathBuf;
use std::time::Duration;

use super::keys::{INTERVAL, section};
use super::value::{Refusal, duration, interval, one, optional, path, yes_or_no};

section! {
    commands: Commands "Commands of the MTA that are run on an interval: three of a fixed list, each only where it is switched on, one at a time and without a shell. They are for the MTA's own user.";

    summarize: bool = one(yes_or_no),
        expects "true or false",
        default false,
        "Whether `imsimta qm summarize -noheading -notrailing` is run: which channels are stopped. It walks the queue.";

    jobs: bool = one(yes_or_no),
        expects "true or false",
        default false,
        "Whether `imsimta qm jobs -nohosts -nomessages` is run: the delivery jobs of each channel, and what they did.";

    counters: bool = one(yes_or_no),
        expects "true or false",
        default false,
        "Whether `imsimta qm counters show` is run: what each channel delivered since the MTA's counters were made.";

    program: Option<PathBuf> = optional(absolute),
        expects "the absolute path of a program",
        found "`bin/imsimta`, else `sbin/imsimta`, else `imsimta`, below the root" =>
            "\"/opt/sun/comms/messaging64/bin/imsimta\"",
        "The program `imsimta`. One that everybody may write to is not run; root runs only what \
         root alone may write to, as all directories above it.";

    interval: Duration = one(interval),
        expects INTERVAL,
        default Duration::from_mins(1) => "\"1m\"",
        "The time between two runs of those that are switched on. They run at most a twentieth of the time: after one \
         that took long the next waits longer.";

    timeout: Duration = one(timeout),
        expects "a duration from 100ms to 1m such as \"10s\"",
        default Duration::from_secs(10) => "\"10s\"",
        "How long a command may take; then it is killed, with all that it started.";
}

fn absolute(text: &str) -> Result<PathBuf, Refusal> {
    let path = path(text)?;
    if path.is_absolute() { Ok(path) } else { Err(Refusal::new("it does not begin with a slash")) }
}

fn timeout(text: &str) -> Result<Duration, Refusal> {
    duration(text, Duration::from_millis(100), Duration::from_mins(1))
}
