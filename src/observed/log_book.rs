//! What the log thread publishes.

use std::sync::Arc;

use parking_lot::Mutex;

use super::daemon_log::DaemonEvents;
use super::history::History;
use super::reading::Reading;
use crate::aggregate::Aggregate;
use crate::aggregate::baseline::Baseline;
use crate::aggregate::time::{Millis, UnixTime};
use crate::aggregate::unparsed::LastUnparsed;

/// How far a log has been read, now. Moments are Unix seconds of the clock that nobody has set since the start.
#[derive(Clone, Debug, Default)]
pub struct Following {
    /// The log's base name.
    pub log: String,
    /// Bytes that are not counted yet; `None` while the log is not there.
    pub lag_bytes: Option<u64>,
    /// When everything in the log had been counted, Unix seconds.
    pub caught_up_at: Option<f64>,
    /// When lines were last read, Unix seconds.
    pub last_read: Option<f64>,
    /// How far entries are ahead of the clock when they are written; `None` while none was seen being written.
    pub clock_offset: Option<Millis>,
    /// Since when a line has been waiting for its end, Unix seconds.
    pub partial_line_since: Option<f64>,
}

/// Where and when a line was read.
#[derive(Clone, Debug)]
pub struct ReadAt {
    /// The log's base name.
    pub log: Arc<str>,
    /// By the host's clock.
    pub time: UnixTime,
}

/// What the log thread publishes. It is the only writer, but for the history.
#[derive(Debug)]
pub struct LogBook {
    /// The sums.
    pub aggregate: Aggregate,
    /// How far each log has been read.
    pub following: Vec<Following>,
    /// Whether the sums may be shown: the first log has been found, and all that were found have been
    /// caught up with. Once true it stays.
    pub shown: bool,
    /// Whether the count of notices may be shown: the syslog has been found and caught up with. Once true
    /// it stays.
    pub notices_shown: bool,
    /// Whether a log that was found is still being caught up with.
    pub catching_up: bool,
    /// How the last round went.
    pub reading: Reading<()>,
    /// The last lines that were not understood, since this start.
    pub unparsed: LastUnparsed<ReadAt>,
    /// What daemons said of errors, since this start.
    pub daemon_events: DaemonEvents,
    /// What happened lately. The thread of the queue writes in it, too.
    pub history: Mutex<History>,
    /// What is usual. Whoever knows that something is wrong says so in it.
    pub baseline: Mutex<Baseline>,
}

impl LogBook {
    /// Nothing read yet; `catching_up` says that an earlier run had.
    pub fn new(aggregate: Aggregate, catching_up: bool) -> Self {
        Self {
            aggregate,
            following: Vec::new(),
            shown: false,
            notices_shown: false,
            catching_up,
            reading: Reading::default(),
            unparsed: LastUnparsed::default(),
            daemon_events: DaemonEvents::default(),
            history: Mutex::default(),
            baseline: Mutex::default(),
        }
    }
}
