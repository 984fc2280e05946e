//! What happens in the synthetic MTA, as orders to whoever carries them out.

use std::time::Duration;

use super::message::QueueFile;
use super::process_log::ProcessLog;
use super::queue_manager::AllCounters;

/// An action, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct TimedAction {
    /// When, since the start; never before the one in front of it.
    pub at: Duration,
    /// What.
    pub action: Action,
}

/// The two logs that are kept with `SEPARATE_CONNECTION_LOG`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// `mail.log_current`
    Mail,
    /// `connection.log_current`
    Connection,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A process writes an entry.
    Write {
        /// Where to.
        log: Log,
        /// The process still has the file open that was renamed at the last rollover.
        late: bool,
        /// The entry with its LF.
        line: Vec<u8>,
    },
    /// A daemon writes to its log.
    Daemon {
        /// Which log.
        log: ProcessLog,
        /// The record with its LF; empty where the file only appears.
        record: Vec<u8>,
    },
    /// An old log of a daemon goes.
    Purge {
        /// Which log.
        log: ProcessLog,
    },
    /// A message file appears in the queue.
    Create {
        /// Where.
        file: QueueFile,
        /// What is in it.
        contents: Vec<u8>,
    },
    /// A message file gets another name: a retry, or an operator holds it.
    Rename {
        /// The old name.
        from: QueueFile,
        /// The new name.
        to: QueueFile,
    },
    /// A message file is done with.
    Delete {
        /// Which.
        file: QueueFile,
    },
    /// The return job turns the logs over.
    RollOver,
    /// The queue manager counts.
    Answer {
        /// What it counts.
        counters: Box<AllCounters>,
    },
    /// Something happens to the host: nothing where only files are written.
    OnHost(HostAction),
    /// Something that the one who watches should know.
    Tell {
        /// What.
        message: String,
    },
}

/// What is to be done with connections, processes and the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostAction {
    /// A client connects.
    Connect {
        /// The number of the connection.
        id: u64,
        /// The last number of the client's address.
        client: u8,
    },
    /// A client begins to connect, and never goes on.
    HalfOpen {
        /// The number of the connection.
        id: u64,
        /// The last number of the client's address.
        client: u8,
    },
    /// The client of a connection leaves.
    Disconnect {
        /// The number of the connection.
        id: u64,
    },
    /// Processes end.
    Stop {
        /// The names of their programs.
        programs: &'static [&'static str],
    },
    /// Processes start again.
    Start {
        /// The names of their programs.
        programs: &'static [&'static str],
    },
    /// The Dispatcher puts new servers in the place of old ones.
    Renew {
        /// How many of them stay.
        but: usize,
    },
    /// The cumulative log grows far faster than it should.
    Fill,
    /// Somebody empties it.
    Empty,
    /// Somebody gives the queue directory away.
    GiveAway,
    /// And takes it back.
    TakeBack,
    /// The file system of the queue is gone, and the directory that it was mounted on is empty.
    LoseQueue,
    /// It is mounted again.
    FindQueue,
}
