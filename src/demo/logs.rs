//! The two log files, and how the return job turns them over.
//!
//! It appends `mail.log_yesterday` to `mail.log` and renames `mail.log_current` to
//! `mail.log_yesterday`; processes that have the old file open go on writing to it, and the new one
//! appears with its first entry (2005Q4 guide, "Managing MTA Message and Connection Logs").

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use super::action::Log;

/// The cumulative log is begun anew beyond this: sites have a job for that, too.
const MOST_CUMULATIVE_BYTES: u64 = 256 << 20;

/// Both logs.
#[derive(Debug)]
pub struct LogFiles {
    mail: LogFile,
    connection: LogFile,
}

impl LogFiles {
    /// Logs in `directory`; nothing is made before the first entry.
    pub fn new(directory: &Path) -> Self {
        let log = |name: &str| LogFile { path: directory.join(name), current: None, old: None };
        Self { mail: log("mail.log"), connection: log("connection.log") }
    }

    /// Makes the files, as an entry would.
    ///
    /// # Errors
    ///
    /// As the system says.
    pub fn open(&mut self) -> io::Result<()> {
        self.mail.write(false, b"")?;
        self.connection.write(false, b"")
    }

    /// Writes an entry; `late` to the file that was renamed. It may stay in memory until a flush.
    ///
    /// # Errors
    ///
    /// As the system says.
    pub fn write(&mut self, log: Log, late: bool, line: &[u8]) -> io::Result<()> {
        match log {
            Log::Mail => self.mail.write(late, line),
            Log::Connection => self.connection.write(late, line),
        }
    }

    /// Hands everything to the system.
    ///
    /// # Errors
    ///
    /// As the system says.
    pub fn flush(&mut self) -> io::Result<()> {
        self.mail.flush()?;
        self.connection.flush()
    }

    /// Does what the return job does.
    ///
    /// # Errors
    ///
    /// As the system says.
    pub fn roll_over(&mut self) -> io::Result<()> {
        self.mail.roll_over()?;
        self.connection.roll_over()
    }
}

#[derive(Debug)]
struct LogFile {
    /// The cumulative log; the others have its name with something behind it.
    path: PathBuf,
    current: Option<BufWriter<File>>,
    old: Option<BufWriter<File>>,
}

impl LogFile {
    fn write(&mut self, late: bool, line: &[u8]) -> io::Result<()> {
        if late && let Some(old) = &mut self.old {
            return old.write_all(line);
        }
        if self.current.is_none() {
            let file = OpenOptions::new().create(true).append(true).open(self.sibling("_current"))?;
            self.current = Some(BufWriter::new(file));
        }
        self.current.as_mut().map_or(Ok(()), |current| current.write_all(line))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.old.iter_mut().chain(&mut self.current).try_for_each(BufWriter::flush)
    }

    fn roll_over(&mut self) -> io::Result<()> {
        self.flush()?;
        let Some(current) = self.current.take() else { return Ok(()) };
        self.append_yesterday()?;
        fs::rename(self.sibling("_current"), self.sibling("_yesterday"))?;
        self.old = Some(current);
        Ok(())
    }

    fn append_yesterday(&self) -> io::Result<()> {
        let mut yesterday = match File::open(self.sibling("_yesterday")) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut cumulative = OpenOptions::new().create(true).append(true).open(&self.path)?;
        if cumulative.metadata()?.len() > MOST_CUMULATIVE_BYTES {
            cumulative.set_len(0)?;
        }
        io::copy(&mut yesterday, &mut cumulative).map(drop)
    }

    fn sibling(&self, suffix: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(suffix);
        PathBuf::from(path)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::LogFiles;
    use crate::demo::action::Log;

    #[test]
    fn rollovers_keep_every_line_and_late_writers_their_file() {
        let directory = tempfile::tempdir().expect("temp dir");
        let mut logs = LogFiles::new(directory.path());
        let read = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap_or_default();
        logs.roll_over().expect("nothing to do");
        logs.write(Log::Mail, true, b"1\n").expect("write");
        logs.roll_over().expect("rollover");
        assert!(!directory.path().join("mail.log_current").exists());
        logs.write(Log::Mail, true, b"2\n").expect("write");
        logs.write(Log::Mail, false, b"3\n").expect("write");
        logs.flush().expect("flush");
        assert_eq!((read("mail.log_yesterday"), read("mail.log_current")), ("1\n2\n".into(), "3\n".into()));
        logs.roll_over().expect("rollover");
        assert_eq!((read("mail.log"), read("mail.log_yesterday")), ("1\n2\n".into(), "3\n".into()));
        assert!(!directory.path().join("connection.log_current").exists());
    }
}
