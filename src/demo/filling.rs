//! A log that fills the disk: real bytes, bounded by a small part of what is free, and gone in the end.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rustix::fs::statvfs;

/// Bytes that a step adds at most.
const STEP: u64 = 256 << 10;
/// Steps that a bound takes at least, so that it is no moment where little is free.
const STEPS: u64 = 128;
/// At most so many bytes.
const MOST: u64 = 512 << 20;
/// And at most this part of what is free.
const PART: u64 = 20;
/// An entry that nobody reads again.
const LINE: &[u8] = b"05-Jan-2026 09:00:00.00 tcp_local    ims-ms       EE 4 filler@loop.example \
rfc822;filler@siroe.example filler@ims-ms-daemon\n";

/// The cumulative log, `mail.log`, which grows until somebody empties it.
#[derive(Debug)]
pub struct Filling {
    path: PathBuf,
    /// Bytes that a step adds.
    step: u64,
    /// Bytes that may be added.
    left: u64,
}

impl Filling {
    /// The log in this directory. Where nobody can say what is free, nothing is added.
    pub fn new(log_directory: &Path) -> Self {
        let free = statvfs(log_directory).map_or(0, |space| space.f_bavail.saturating_mul(space.f_frsize));
        Self::up_to((free / PART).min(MOST), log_directory)
    }

    fn up_to(most: u64, log_directory: &Path) -> Self {
        Self { path: log_directory.join("mail.log"), step: (most / STEPS).min(STEP), left: most }
    }

    /// Adds some, as long as there may be more.
    ///
    /// # Errors
    ///
    /// As the system says.
    pub fn grow(&mut self) -> io::Result<()> {
        if self.left < self.step {
            return Ok(());
        }
        self.left -= self.step;
        let lines = LINE.repeat(usize::try_from(self.step).unwrap_or(0) / LINE.len());
        OpenOptions::new().create(true).append(true).open(&self.path)?.write_all(&lines)
    }

    /// Empties the log, as an administrator does whose disk is full.
    ///
    /// # Errors
    ///
    /// As the system says.
    pub fn empty(&self) -> io::Result<()> {
        OpenOptions::new().create(true).write(true).truncate(true).open(&self.path).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::{Filling, MOST, STEP, STEPS};

    #[test]
    fn a_log_grows_up_to_its_bound_and_is_emptied() {
        let directory = tempfile::tempdir().expect("temp dir");
        let size = || directory.path().join("mail.log").metadata().expect("a log").len();
        let most = 5_000_000;
        let mut filling = Filling::up_to(most, directory.path());
        filling.grow().expect("written");
        assert!(size() <= most / STEPS, "{}", size());
        for _ in 0..STEPS + 5 {
            filling.grow().expect("written");
        }
        // Of each step a part of a line is left out.
        assert!((most * 99 / 100..=most).contains(&size()), "{}", size());
        filling.empty().expect("emptied");
        assert_eq!(size(), 0);
        assert_eq!(Filling::up_to(MOST, directory.path()).step, STEP, "where there is enough");
    }
}
