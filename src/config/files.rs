//! `[files]`: file systems, log sizes and ownership.

use std::path::PathBuf;
use std::time::Duration;

use super::keys::{DIRECTORY, INTERVAL, section};
use super::value::{interval, one, optional, path};

section! {
    files: Files "The view of file systems, log files, critical files and the age of the configuration.";

    tmp_directory: Option<PathBuf> = optional(path),
        expects DIRECTORY,
        found "`/tmp`; with `mta.proc` nothing, since this program's own may be another" => "\"/tmp\"",
        "The directory of temporary files that the MTA shares with all programs; its Dispatcher may have a socket there.";

    interval: Duration = one(interval),
        expects INTERVAL,
        default Duration::from_mins(1) => "\"60s\"",
        "The time between two looks at them.";
}
