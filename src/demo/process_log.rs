//! Logs of the daemons: each start of a process begins one, `dispatcher.log-ID`, and it stays when the
//! process has gone (Administration Guide, "Check the Log Files").
//!
//! In the plain form a record has a time without a date, the number of the thread and a text; lines have
//! at most 79 columns, and what does not fit goes on below the text (wiki, "Dispatcher debugging and log
//! files").

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

use jiff::civil::DateTime;

/// Columns of a line, as the daemons write it.
const COLUMNS: usize = 79;

/// The log of one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessLog {
    /// The name of its program.
    pub program: &'static str,
    /// What makes the name of the file unique.
    pub id: String,
}

impl ProcessLog {
    /// The name of the file in the log directory.
    pub fn file_name(&self) -> String {
        format!("{}.log-{}", self.program, self.id)
    }

    /// Writes a record; without one the file only appears.
    ///
    /// # Errors
    ///
    /// As the system says.
    pub fn append(&self, directory: &Path, record: &[u8]) -> io::Result<()> {
        let path = directory.join(self.file_name());
        OpenOptions::new().create(true).append(true).open(path)?.write_all(record)
    }
}

/// A record in the plain form, with the LF of its last line.
pub fn record(time: DateTime, thread: u16, text: &str) -> Vec<u8> {
    let hundredths = time.subsec_nanosecond() / 10_000_000;
    let start = format!(
        "{:02}.{:02}.{:02}.{hundredths:02} ({thread:>4}): ",
        time.hour(),
        time.minute(),
        time.second()
    );
    let below = " ".repeat(start.len());
    let options = textwrap::Options::new(COLUMNS).initial_indent(&start).subsequent_indent(&below);
    let mut lines = textwrap::fill(text, options);
    lines.push('\n');
    lines.into_bytes()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::record;

    #[test]
    fn a_record_goes_on_below_its_text() {
        let time = date(2026, 1, 5).at(9, 2, 3, 45_600_000);
        let text = "PORT_ACCESS mapping denied the connection TCP|192.0.2.25|25|203.0.113.241|40123 from \
                    203.0.113.241";
        assert_eq!(
            String::from_utf8(record(time, 12, text)).expect("text"),
            "09.02.03.04 (  12): PORT_ACCESS mapping denied the connection\n                    \
             TCP|192.0.2.25|25|203.0.113.241|40123 from 203.0.113.241\n"
        );
        assert_eq!(record(time, 1, "short"), b"09.02.03.04 (   1): short\n");
    }
}
