//! What may be wrong at a site.

/// All that is wrong in a minute; nothing by default.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each may be wrong by itself")]
pub struct Trouble {
    /// A channel whose attempts fail: which, the share of them, for which reason.
    pub failing: Option<(&'static str, f64, &'static str)>,
    /// They fail at one domain of many.
    pub one_domain: bool,
    /// A channel that tries nothing.
    pub idle: Option<&'static str>,
    /// It was stopped by hand.
    pub stopped: bool,
    pub dispatcher_down: bool,
    pub job_controller_down: bool,
    /// Starts of the Dispatcher in this minute.
    pub starts: f64,
    /// Servers that are too old.
    pub overaged: f64,
    /// A second Job Controller.
    pub duplicated: bool,
    /// An error in a daemon's log: how many.
    pub fork_failed: f64,
    /// Messages that are held in this minute.
    pub held: f64,
    /// The queue directory is empty.
    pub queue_lost: bool,
    /// Bytes that something writes to the disk in this minute.
    pub written: f64,
    /// Files that belong to root.
    pub wrong_files: f64,
    /// The return job does not run.
    pub not_rotated: bool,
    /// Nothing is logged.
    pub log_off: bool,
    /// The exporter does not answer.
    pub exporter_down: bool,
    /// Inbound connections beside those of usual clients, and whether they are of one.
    pub connections: f64,
    pub one_client: bool,
    /// Connections that are half open.
    pub syn: f64,
    /// Recipients that are refused as relaying, and logins that fail.
    pub relaying: f64,
    pub guesses: f64,
    /// Recipients that somebody sends to, and whether one account does.
    pub flood: f64,
    pub one_sender: bool,
    /// Recipients of a mailing that is not planned, and the share of what goes out that bounces.
    pub mailing: f64,
    pub bounces: f64,
    /// No port gives a banner.
    pub no_banner: bool,
}
