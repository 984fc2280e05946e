//! What is known from where: a rule that finds nothing says so only where its sources could be looked at.

use crate::record::labelled;

labelled! {
    /// Where something is known from.
    Source {
        Logs = "logs": "the mail and connection logs, read up to now";
        Queue = "queue": "the queue directories";
        Scan = "scan": "the root of the queue";
        Processes = "processes": "the table of processes";
        Sockets = "sockets": "the kernel's sockets";
        Dispatcher = "dispatcher": "the configuration of the Dispatcher";
        Probe = "probe": "a look from outside";
        Files = "files": "file systems and files";
        Commands = "commands": "the MTA's own commands";
        Daemons = "daemons": "the logs of daemons";
    }
}

/// A set of sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Sources(u16);

impl Sources {
    /// These.
    pub const fn of(sources: &[Source]) -> Self {
        let (mut set, mut index) = (0, 0);
        while index < sources.len() {
            set |= 1 << sources[index] as u16;
            index += 1;
        }
        Self(set)
    }

    /// With one more, where that `is` so.
    #[must_use]
    pub fn with(self, source: Source, is: bool) -> Self {
        if is { Self(self.0 | Self::of(&[source]).0) } else { self }
    }

    /// Those that are in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether one is among them.
    pub fn has(self, source: Source) -> bool {
        self.and(Self::of(&[source])) != Self::default()
    }

    /// Whether all of another set are among them.
    pub fn has_all(self, other: Self) -> bool {
        self.and(other) == other
    }

    /// Those that are not in another set.
    pub fn without(self, other: Self) -> impl Iterator<Item = Source> {
        Source::ALL.iter().copied().filter(move |&source| self.has(source) && !other.has(source))
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Source> {
        self.without(Self::default())
    }
}

#[cfg(test)]
mod tests {
    use super::{Source, Sources};

    #[test]
    fn sets_of_sources() {
        let both = Sources::of(&[Source::Logs, Source::Queue]);
        let logs = Sources::default().with(Source::Logs, true).with(Source::Probe, false);
        assert!(both.has_all(logs) && !logs.has_all(both) && logs.has_all(Sources::default()));
        assert_eq!(both.without(logs).collect::<Vec<_>>(), [Source::Queue]);
        assert_eq!(both.and(logs), logs);
    }
}
