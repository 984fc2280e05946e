//! THE table of what is followed beside the logs of entries.

use std::path::PathBuf;

use super::follow::{Kind, Sink};
use super::notices::Notices;
use crate::config::Config;

/// A kind of files, and what becomes of what is found in them.
#[derive(Debug)]
pub(super) struct Beside {
    /// How they are named.
    pub(super) kind: Kind,
    /// Which are to be followed.
    pub(super) paths: fn(&Config) -> Vec<PathBuf>,
    /// What counts in one of them.
    pub(super) sink: fn() -> Box<dyn Sink>,
}

/// THE table. Each file is read from where it was left, else from its end.
pub(super) static BESIDE: [Beside; 1] = [Beside {
    kind: Kind { name: "syslog", key: "held.syslog", loss: "notices not read by then are lost" },
    paths: |config| config.held.syslog.iter().cloned().collect(),
    sink: || Box::new(Notices::default()),
}];
