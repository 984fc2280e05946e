//! `imsimta-exporter report`: whole files once, no state.
//!
//! Lines go through the same [`Aggregate`] as in the service, and beside it into a [`breakdown`] over
//! whole files that only a report keeps; a `pipeline` of threads digests them. [`summary`] brings both together as plain data, [`findings`](crate::findings)
//! says what stands out of it, [`text`] and [`json`] spell it.

pub mod breakdown;
pub mod json;
mod pipeline;
pub mod progress;
pub mod summary;
pub mod text;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use breakdown::Breakdown;
use pipeline::{Reading, Work};
use progress::{Counted, Progress};
use summary::{NotRead, Summary};

use crate::aggregate::digest::Batch;
use crate::aggregate::timeline::Present;
use crate::aggregate::{Aggregate, Totals};
use crate::config::Config;
use crate::findings::Thresholds;
use crate::metrics::ClientDisplay;
use crate::metrics::catalogue::Feed;
use crate::metrics::logs::fill;
use crate::metrics::{Exposition, Page};
use crate::source::compressed;
use crate::source::timezone::LogZone;
use crate::text::escape;

/// The longest reason of the system that is shown.
const PROBLEM_WIDTH: usize = 200;

/// Why a file could not be reported on.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file cannot be read.
    #[error("{}: {source}", escape::path(.path))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The samples cannot be encoded.
    #[error("the exposition cannot be encoded: {0}")]
    Encode(#[from] prometheus::Error),
    /// The summary cannot be encoded.
    #[error("the summary cannot be encoded: {0}")]
    Json(#[from] serde_json::Error),
}

/// Threads that are used at most.
pub const MAX_THREADS: u8 = 8;

/// Reads files one after the other into one set of sums.
pub struct Report {
    aggregate: Aggregate,
    /// Not there for an exposition, which shows nothing of it.
    breakdown: Option<Breakdown>,
    reading: Reading,
    works: Vec<Work>,
    seed: u64,
    clients: ClientDisplay,
    limits: Thresholds,
    not_read: Vec<NotRead>,
}

impl Report {
    /// Nothing read yet; one thread. `seed` keys the hash tables.
    pub fn new(config: &Config, seed: u64) -> Self {
        let zone = LogZone::find(config.mta.timezone.as_ref()).zone;
        let aggregate = Aggregate::new(Totals::new(seed), zone, config.mta.block_size);
        let reading = Reading {
            threads: 1,
            max_line_bytes: usize::try_from(config.logs.max_line_bytes).unwrap_or(usize::MAX),
            dialect: config.dialect(),
            digester: aggregate.digester(),
        };
        Self {
            aggregate,
            breakdown: Some(Breakdown::new(seed)),
            reading,
            works: Vec::new(),
            seed,
            clients: ClientDisplay { label: config.clients.label, top: config.clients.top, seed },
            limits: (&config.thresholds).into(),
            not_read: Vec::new(),
        }
    }

    /// Digests lines on so many threads, 1 to [`MAX_THREADS`]. What is reported is the same.
    #[must_use]
    pub fn threads(mut self, threads: u8) -> Self {
        self.reading.threads = usize::from(threads.clamp(1, MAX_THREADS));
        self
    }

    /// Keeps only what [`Report::exposition`] shows, which costs less; the summary will lack all else.
    #[must_use]
    pub fn exposition_only(mut self) -> Self {
        self.breakdown = None;
        self
    }

    /// Reads a file to its end; `-` is standard input. gzip and zstd are read as what they hold.
    ///
    /// # Errors
    ///
    /// When it cannot be opened or read. What was read until then is counted.
    pub fn read_file(&mut self, path: &Path, progress: &mut Progress) -> Result<(), ReportError> {
        let result = if path.as_os_str() == "-" {
            self.read_stream("stdin", Counted { stream: io::stdin(), progress })
        } else {
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
            File::open(path).and_then(|stream| self.read_stream(&name, Counted { stream, progress }))
        };
        result.map_err(|source| {
            let problem = escape::escaped(source.to_string().as_bytes(), PROBLEM_WIDTH);
            self.not_read.push(NotRead { path: escape::path(path), problem });
            ReportError::Read { path: path.to_owned(), source }
        })
    }

    fn read_stream(&mut self, log: &str, stream: impl Read + Send) -> io::Result<()> {
        let log = self.aggregate.totals.accounts.index(log);
        let inference = self.aggregate.totals.accounts.at(log).inference;
        let (aggregate, breakdown) = (&mut self.aggregate, &mut self.breakdown);
        let mut before = 0;
        let count = |batch: &Batch| {
            aggregate.apply(log, batch, None);
            if let Some(breakdown) = breakdown {
                breakdown.add(log, before, batch);
            }
            before += batch.begun();
        };
        pipeline::read(compressed::text_of(stream)?, inference, &self.reading, &mut self.works, count)
    }

    /// What the files say, as plain data.
    pub fn summary(&self) -> Summary {
        let nothing = Breakdown::new(self.seed);
        let breakdown = self.breakdown.as_ref().unwrap_or(&nothing);
        Summary::new(&self.aggregate.totals, breakdown, &self.clients, &self.limits, self.not_read.clone())
    }

    /// The exposition of all metrics that logs feed. Windows of the last minutes end with the newest
    /// entry.
    ///
    /// # Errors
    ///
    /// When a sample cannot be encoded.
    pub fn exposition(self) -> Result<Vec<u8>, ReportError> {
        let exposition = Exposition::default();
        let totals = Arc::new(self.aggregate.totals);
        let clients = self.clients;
        let end = totals.accounts.all().iter().filter_map(|account| account.last_entry).max();
        let end = Present::of_entry(end.unwrap_or_default());
        exposition.publish(&[Feed::Logs], move |page: &mut Page| fill(page, &totals, &clients, end))?;
        Ok(exposition.encode()?)
    }
}
