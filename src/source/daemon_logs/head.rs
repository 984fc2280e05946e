//! What a file begins with: a copy beside a log, as of who moves logs aside, holds nothing new.

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Read as _};

use rustix::fd::BorrowedFd;
use rustix::fs::{Mode, OFlags, openat};

use crate::record::daemon_log::{Record, Written};
use crate::source::follow::single::Seen;

/// So much of each file that is looked at is known, in bytes; 2 MiB of all together, at most.
const HEAD_BYTES: usize = 1024;

/// The beginning of a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    bytes: Vec<u8>,
    /// Whether its lines tell of more than one time. Daemons may say the same, but not at the same times.
    has_times: bool,
    /// Whether the file was cut since. What it was may stand beside it, so it is kept from one listing to the next.
    is_cut: bool,
}

impl Head {
    /// Looks at a file, which was `before` when it was last looked at. One that cannot be read begins with nothing.
    pub(super) fn look(&mut self, directory: BorrowedFd<'_>, name: &CStr, before: Option<Seen>, seen: Seen) {
        let was_cut = self.is_cut;
        self.is_cut = !was_cut && seen.bytes < self.bytes.len() as u64;
        let has_more = self.bytes.len() < HEAD_BYTES && (before != Some(seen) || self.bytes.is_empty());
        if !self.is_cut && seen.bytes > 0 && (was_cut || has_more) {
            self.bytes = read(directory, name).unwrap_or_default();
            self.has_times = has_times(&self.bytes);
        }
    }

    /// Whether this is the beginning of a copy of another.
    pub(super) fn is_copy_of(&self, other: &Self) -> bool {
        let (copied, all) = if other.is_cut { (other, self) } else { (self, other) };
        copied.has_times && all.bytes.starts_with(&copied.bytes)
    }
}

/// Whether lines tell of more than one time.
fn has_times(text: &[u8]) -> bool {
    let mut times = text
        .split(|&byte| byte == b'\n')
        .map(|line| Record::of(line).written)
        .filter(|&at| at != Written::Unknown);
    times.next().is_some_and(|first| times.any(|at| at != first))
}

fn read(directory: BorrowedFd<'_>, name: &CStr) -> io::Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(openat(directory, name, flags, Mode::empty())?);
    let mut bytes = Vec::new();
    file.take(HEAD_BYTES as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
