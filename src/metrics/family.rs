//! What the catalogue says about a metric, and the type that keeps its kind and the number of its labels.

use std::marker::PhantomData;

use crate::record::labelled;
use crate::record::option::LogOption;

/// What kind of value a metric has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only goes up, from 0 after a reset.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts in buckets.
    Histogram,
}

impl Kind {
    /// The word of the exposition format.
    pub fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A [`Kind`] as a type, so that a sample of another kind does not compile.
pub trait OfKind {
    /// The same as a value.
    const KIND: Kind;
}

/// Kinds whose samples are one number.
pub trait Number: OfKind {}

/// [`Kind::Counter`]
#[derive(Debug)]
pub enum Counter {}
/// [`Kind::Gauge`]
#[derive(Debug)]
pub enum Gauge {}
/// [`Kind::Histogram`]
#[derive(Debug)]
pub enum Histogram {}

impl OfKind for Counter {
    const KIND: Kind = Kind::Counter;
}
impl OfKind for Gauge {
    const KIND: Kind = Kind::Gauge;
}
impl OfKind for Histogram {
    const KIND: Kind = Kind::Histogram;
}
impl Number for Counter {}
impl Number for Gauge {}

labelled! {
    /// Where a metric's values come from, in the order of the documentation: the name of the collector, and the heading.
    Feed {
        Logs = "log": "From the entries of the mail and connection logs";
        Queue = "queue": "From the queue directories";
        Sockets = "sockets": "From the kernel's sockets";
        Dispatcher = "dispatcher": "From the configuration of the MTA's Dispatcher";
        Processes = "processes": "From the MTA's processes";
        DaemonLogs = "daemon_logs": "From the logs of daemons";
        Filesystems = "filesystems": "From file systems and files";
        Probe = "probe": "From a look from outside";
        Commands = "commands": "From the MTA's own commands";
        Following = "following": "About following the logs";
        Exporter = "exporter": "About the exporter";
    }
}

impl Feed {
    /// Those that are values of the label `collector`.
    pub fn collectors() -> Vec<Self> {
        let others = [Self::Following, Self::Exporter];
        Self::ALL.iter().copied().filter(|feed| !others.contains(feed)).collect()
    }
}

/// A label and what bounds the number of its values.
#[derive(Clone, Copy, Debug)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// Which values it can have, for people: from the caps and the closed sets of those that give them.
    pub bound: fn() -> String,
}

/// One family of series.
#[derive(Debug)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// What kind of value it has.
    pub kind: Kind,
    /// Its labels, in the order in which samples give their values.
    pub labels: &'static [Label],
    /// Where it comes from.
    pub feed: Feed,
    /// One or two sentences.
    pub help: &'static str,
    /// What must be switched on in the MTA: one of these, or nothing.
    pub needs: &'static [LogOption],
    /// A query that shows what it is for.
    pub query: &'static str,
}

/// A family of kind `K` whose samples have `N` label values.
#[derive(Debug)]
pub struct Metric<K, const N: usize> {
    /// What the catalogue says about it.
    pub family: Family,
    /// Its place in the catalogue.
    pub(super) place: usize,
    kind: PhantomData<K>,
}

impl<K: OfKind, const N: usize> Metric<K, N> {
    /// The row at a place of the catalogue; does not compile where the row says another kind or other labels.
    pub(super) const fn new(place: usize, family: Family) -> Self {
        assert!(family.labels.len() == N, "as many label values as labels");
        assert!(family.kind as u8 == K::KIND as u8, "the kind of the row");
        Self { family, place, kind: PhantomData }
    }
}
