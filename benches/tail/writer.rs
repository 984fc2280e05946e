//! Appends lines and notes when.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// Between two looks at what is due: lines come as evenly as this.
const STEP: Duration = Duration::from_micros(200);
/// Times that are noted of a run at a rate, about: of more lines each so many'th.
const NOTED: u64 = 1_000_000;

pub struct Writer<'a> {
    log: File,
    lines: &'a [Vec<u8>],
    /// How many have been written.
    count: u64,
    /// When each line of some had been written, and how many with it.
    written: Vec<(u64, Instant)>,
}

impl<'a> Writer<'a> {
    pub fn new(log: &Path, lines: &'a [Vec<u8>]) -> Self {
        let log = OpenOptions::new().append(true).create(true).open(log).expect("a log");
        Self { log, lines, count: 0, written: Vec::new() }
    }

    pub fn one(&mut self) {
        self.one_of(1);
    }

    /// Lines at once, whose times are not noted.
    pub fn text(&mut self, lines: &[u8]) {
        self.log.write_all(lines).expect("written");
        self.count += lines.split_inclusive(|&byte| byte == b'\n').count() as u64;
    }

    /// One line, whose time is noted if its number is a multiple.
    fn one_of(&mut self, every: u64) {
        let at = self.count % self.lines.len() as u64;
        let line = &self.lines[usize::try_from(at).expect("a place")];
        self.log.write_all(line).expect("written");
        self.count += 1;
        if self.count.is_multiple_of(every) {
            self.written.push((self.count, Instant::now()));
        }
    }

    /// Lines at a rate, by one write each, as the processes of the MTA do it.
    pub fn at_rate(&mut self, rate: u32, duration: Duration) {
        let (start, first) = (Instant::now(), self.count);
        let lines = u64::from(rate) * duration.as_secs();
        let every = lines / NOTED + 1;
        self.written.reserve(usize::try_from(lines / every).unwrap_or(0));
        loop {
            let passed = start.elapsed().min(duration);
            let due = passed.as_micros() * u128::from(rate) / 1_000_000;
            while u128::from(self.count - first) < due {
                self.one_of(every);
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
            self.count += self.lines.len() as u64;
        }
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn ended(&self) -> Instant {
        self.written.last().expect("a line").1
    }

    /// From each append that was noted to the first report that counts the line, in order of size. A report comes
    /// through a pipe after the fact, so that this is never less than the truth.
    pub fn latencies(&self, reports: &[(Instant, u64)]) -> Vec<Duration> {
        let mut latencies = Vec::with_capacity(self.written.len());
        let mut reports = reports.iter().peekable();
        for (count, written) in &self.written {
            while reports.peek().is_some_and(|(_, lines)| lines < count) {
                reports.next();
            }
            let (counted, _) = reports.peek().expect("every line has been counted");
            latencies.push(counted.saturating_duration_since(*written));
        }
        latencies.sort_unstable();
        latencies
    }
}
