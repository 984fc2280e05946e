//! `imsimta-exporter report`: whole files once, no state.
//!
//! Lines go through the same [`Aggregate`] as in the service, and beside it into a [`breakdown`] over
//! whole files that only a report keeps. [`summary`] brings both together as plain data, [`findings`]
//! says what stands out of it, [`text`] and [`json`] spell it.

pub mod breakdown;
pub mod escape;
pub mod findings;
pub mod json;
pub mod options;
pub mod progress;
pub mod summary;
pub mod text;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use breakdown::Breakdown;
use progress::{Counted, Progress};
use summary::{NotRead, Summary};

use crate::aggregate::{Aggregate, Totals};
use crate::config::Config;
use crate::metrics::catalogue::Feed;
use crate::metrics::logs::{ClientDisplay, fill};
use crate::metrics::{Exposition, Page};
use crate::record::{Line, Reader, Skip};
use crate::source::compressed;
use crate::source::lines::{Block, BlockReader, lines};

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

/// Reads files one after the other into one set of sums.
pub struct Report {
    aggregate: Aggregate,
    breakdown: Breakdown,
    reader: Reader,
    max_line_bytes: usize,
    clients: ClientDisplay,
    not_read: Vec<NotRead>,
}

impl Report {
    /// Nothing read yet. `seed` keys the hash tables.
    pub fn new(config: &Config, seed: u64) -> Self {
        let zone = config.mta.timezone.clone().unwrap_or_else(jiff::tz::TimeZone::system);
        Self {
            aggregate: Aggregate::new(Totals::new(seed), zone, config.mta.block_size),
            breakdown: Breakdown::new(seed),
            reader: Reader::new(config.dialect()),
            max_line_bytes: usize::try_from(config.logs.max_line_bytes).unwrap_or(usize::MAX),
            clients: ClientDisplay { label: config.clients.label, top: config.clients.top, seed },
            not_read: Vec::new(),
        }
    }

    /// Reads a file to its end; `-` is standard input. gzip and zstd are read as what they hold.
    ///
    /// # Errors
    ///
    /// When it cannot be opened or read. What was read until then is counted.
    pub fn read_file(&mut self, path: &Path, progress: &mut Progress) -> Result<(), ReportError> {
        let result = if path.as_os_str() == "-" {
            self.read_stream("stdin", Counted { stream: io::stdin().lock(), progress })
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

    fn read_stream(&mut self, name: &str, stream: impl Read) -> io::Result<()> {
        let log = self.aggregate.totals.accounts.index(name);
        let mut blocks = BlockReader::new(compressed::text_of(stream)?, self.max_line_bytes);
        let mut number = 0;
        while let Some(block) = blocks.next_block()? {
            match block {
                Block::Lines(block) => {
                    for (bytes, line) in lines(block) {
                        number += 1;
                        self.count((log, name), number, line, bytes);
                    }
                }
                Block::LastLine(line) => {
                    number += 1;
                    self.count((log, name), number, line, line.len());
                }
                Block::Skipped { reason, bytes, ends } => {
                    number += u64::from(ends);
                    self.aggregate.skipped_bytes(log, reason, bytes, ends);
                }
            }
        }
        Ok(())
    }

    fn count(&mut self, (log, name): (usize, &str), number: u64, line: &[u8], bytes: usize) {
        let entry = if line.len() > self.max_line_bytes {
            Line::Skipped(Skip::TooLong)
        } else {
            self.reader.learn(self.aggregate.totals.accounts.inferred(log));
            self.reader.read(line)
        };
        self.aggregate.line(log, &entry, bytes, None);
        self.breakdown.line(name, number, &entry, line);
    }

    /// What the files say, as plain data.
    pub fn summary(&self) -> Summary {
        Summary::new(&self.aggregate.totals, &self.breakdown, &self.clients, self.not_read.clone())
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
        let end = totals.accounts.all().iter().filter_map(|account| account.last_entry).max().unwrap_or(0);
        exposition.publish(&[Feed::Logs], move |page: &mut Page| fill(page, &totals, &clients, end))?;
        Ok(exposition.encode()?)
    }
}
