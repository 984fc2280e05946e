//! `imsimta-exporter report`: whole files once, no state.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::aggregate::{Aggregate, Totals};
use crate::config::Config;
use crate::metrics::catalogue::Feed;
use crate::metrics::logs::{ClientDisplay, fill};
use crate::metrics::{Exposition, Page};
use crate::record::{Dialect, Line, Reader, Skip};
use crate::source::lines::{Block, BlockReader, lines};

/// Why a file could not be reported on.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The samples cannot be encoded.
    #[error("the exposition cannot be encoded: {0}")]
    Encode(#[from] prometheus::Error),
}

/// Reads files one after the other into one set of sums.
pub struct Report {
    aggregate: Aggregate,
    reader: Reader,
    max_line_bytes: usize,
    clients: ClientDisplay,
}

impl Report {
    /// Nothing read yet. `seed` keys the hash tables.
    pub fn new(config: &Config, seed: u64) -> Self {
        let zone = config.mta.timezone.clone().unwrap_or_else(jiff::tz::TimeZone::system);
        let run_users = config.mta.user.iter().map(|user| user.clone().into_bytes()).collect();
        Self {
            aggregate: Aggregate::new(Totals::new(seed), zone, config.mta.block_size),
            reader: Reader::new(Dialect { run_users }),
            max_line_bytes: usize::try_from(config.logs.max_line_bytes).unwrap_or(usize::MAX),
            clients: ClientDisplay { label: config.clients.label, top: config.clients.top, seed },
        }
    }

    /// Reads a file to its end; `-` is standard input.
    ///
    /// # Errors
    ///
    /// When it cannot be opened or read. What was read until then is counted.
    pub fn read_file(&mut self, path: &Path) -> Result<(), ReportError> {
        let failed = |source| ReportError::Read { path: path.to_owned(), source };
        if path.as_os_str() == "-" {
            return self.read_stream("stdin", io::stdin().lock()).map_err(failed);
        }
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        let file = File::open(path).map_err(failed)?;
        self.read_stream(&name, file).map_err(failed)
    }

    fn read_stream(&mut self, log: &str, stream: impl Read) -> io::Result<()> {
        let log = self.aggregate.totals.accounts.index(log);
        let mut blocks = BlockReader::new(stream, self.max_line_bytes);
        while let Some(block) = blocks.next_block()? {
            match block {
                Block::Lines(block) => {
                    for (bytes, line) in lines(block) {
                        count(&mut self.aggregate, &mut self.reader, log, line, bytes, self.max_line_bytes);
                    }
                }
                Block::LastLine(line) => {
                    count(&mut self.aggregate, &mut self.reader, log, line, line.len(), self.max_line_bytes);
                }
                Block::Skipped { reason, bytes, ends } => {
                    self.aggregate.skipped_bytes(log, reason, bytes, ends);
                }
            }
        }
        Ok(())
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

fn count(
    aggregate: &mut Aggregate,
    reader: &mut Reader,
    log: usize,
    line: &[u8],
    bytes: usize,
    max_line_bytes: usize,
) {
    let entry = if line.len() > max_line_bytes { Line::Skipped(Skip::TooLong) } else { reader.read(line) };
    aggregate.line(log, &entry, bytes, None);
}
