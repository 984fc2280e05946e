//! `[files]`: file systems, log sizes and ownership.

use std::time::Duration;

use super::keys::{INTERVAL, section};
use super::value::{interval, one};

section! {
    files: Files "The view of file systems, log sizes and directory owners.";

    interval: Duration = one(interval),
        expects INTERVAL,
        default Duration::from_mins(1) => "\"60s\"",
        "The time between two looks at file systems, log sizes and owners.";
}
