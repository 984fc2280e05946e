//! Appends lines and notes when.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// Between two looks at what is due: lines come as evenly as this.
const STEP: Duration = Duration::from_micros(200);

pub struct Writer<'a> {
    log: File,
    lines: &'a [Vec<u8>],
    /// When each line had been written.
    written: Vec<Instant>,
    /// Lines whose times are not noted.
    more: u64,
}

impl<'a> Writer<'a> {
    pub fn new(log: &Path, lines: &'a [Vec<u8>]) -> Self {
        let log = OpenOptions::new().append(true).create(true).open(log).expect("a log");
        Self { log, lines, written: Vec::new(), more: 0 }
    }

    pub fn one(&mut self) {
        let line = &self.lines[self.written.len() % self.lines.len()];
        self.log.write_all(line).expect("written");
        self.written.push(Instant::now());
    }

    /// Lines at a rate, by one write each, as the processes of the MTA do it.
    pub fn at_rate(&mut self, rate: u32, duration: Duration) {
        let start = Instant::now();
        let lines = u64::from(rate) * duration.as_secs();
        self.written.reserve(usize::try_from(lines).unwrap_or(0));
        loop {
            let passed = start.elapsed().min(duration);
            let due = passed.as_micros() * u128::from(rate) / 1_000_000;
            while (self.written.len() as u128) < due {
                self.one();
            }
            if passed == duration {
                return;
            }
            std::thread::sleep(STEP);
        }
    }

    /// So many bytes of lines, as fast as the file takes them.
    pub fn burst(&mut self, bytes: usize) {
        let block = self.lines.concat();
        let mut written = 0;
        while written < bytes {
            self.log.write_all(&block).expect("written");
            written += block.len();
            self.more += self.lines.len() as u64;
        }
    }

    pub fn count(&self) -> u64 {
        self.written.len() as u64 + self.more
    }

    pub fn ended(&self) -> Instant {
        *self.written.last().expect("a line")
    }

    /// From each append to the first report that counts the line, in order of size. A report comes
    /// through a pipe after the fact, so that this is never less than the truth.
    pub fn latencies(&self, reports: &[(Instant, u64)]) -> Vec<Duration> {
        let mut latencies = Vec::with_capacity(self.written.len());
        let mut reports = reports.iter().peekable();
        for (index, written) in self.written.iter().enumerate() {
            while reports.peek().is_some_and(|(_, lines)| *lines <= index as u64) {
                reports.next();
            }
            let (counted, _) = reports.peek().expect("every line has been counted");
            latencies.push(counted.saturating_duration_since(*written));
        }
        latencies.sort_unstable();
        latencies
    }
}
