//! `[state]`: what survives a restart.

use std::path::PathBuf;
use std::time::Duration;

use super::keys::{DIRECTORY, INTERVAL, section};
use super::value::{interval, one, path};

section! {
    state: State "What survives a restart.";

    directory: PathBuf = one(path), flag "--state-dir",
        expects DIRECTORY,
        default PathBuf::from("/var/lib/imsimta-exporter") => "\"/var/lib/imsimta-exporter\"",
        "The only directory that the program writes to.";

    interval: Duration = one(interval),
        expects INTERVAL,
        default Duration::from_secs(30) => "\"30s\"",
        "How often the state is written when something changed.";
}
