//! One channel directory with its subdirectories.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CStr, CString, OsStr};
use std::ops::Bound;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{AtFlags, FileType, fstat, statat};
use rustix::io::Errno;

use super::directory::{Directory, Location, Stop};
use super::freshness::Stamp;
use super::held_files::HOLD_CHANNEL;
use super::pass::Pass;
use super::tree::{open_below, too_many};
use super::{ChannelQueue, DirectoryFailure};

/// What is known about one channel directory.
#[derive(Debug, Default)]
pub(super) struct Channel {
    top: Directory,
    subdirectories: BTreeMap<CString, Directory>,
    /// Where a pass that ran out of time goes on.
    next: Option<CString>,
    /// Whether the directories are those of one finished pass.
    whole: bool,
    /// When the last pass that was finished began, since the epoch.
    finished: Option<Duration>,
    /// What it held then.
    values: Option<ChannelQueue>,
    /// Why it could not be read when it was last tried.
    pub(super) failure: Option<Arc<DirectoryFailure>>,
}

impl Channel {
    /// Reads it, from where the last pass ran out of time.
    pub(super) fn read(
        &mut self,
        root: &OwnedFd,
        name: &CStr,
        label: &Arc<str>,
        pass: &mut Pass<'_>,
    ) -> Result<(), (Arc<Path>, Stop)> {
        let path: Arc<Path> = Arc::from(Path::new(OsStr::from_bytes(name.to_bytes())));
        let location = Location {
            channel: Arc::clone(label),
            holds_on_purpose: &**label == HOLD_CHANNEL,
            path: Arc::clone(&path),
        };
        let opened = match open_below(root, name) {
            Ok(Some(opened)) => opened,
            Ok(None) => return Err((path, Stop::Vanished)),
            Err(error) => return Err((path, error.into())),
        };
        if self.next.is_none() {
            self.read_top(&opened, &location, pass).map_err(|stop| (path, stop))?;
        }
        self.read_subdirectories(&opened, &location, pass)?;
        (self.whole, self.finished, self.failure) = (true, Some(pass.began), None);
        Ok(())
    }

    fn read_top(&mut self, opened: &OwnedFd, location: &Location, pass: &mut Pass<'_>) -> Result<(), Stop> {
        if self.top.holds(&Stamp::from(&fstat(opened)?), pass) {
            pass.counts.skipped += 1;
            return Ok(());
        }
        self.whole = false;
        let mut names = BTreeSet::new();
        self.top.list(opened, location, Some(&mut names), pass)?;
        let before = self.subdirectories.len();
        self.subdirectories.retain(|name, _| names.contains(name));
        pass.directories_left += before - self.subdirectories.len();
        for name in names {
            if self.subdirectories.contains_key(&name) {
                continue;
            }
            let left = pass.directories_left.checked_sub(1);
            pass.directories_left = left.ok_or_else(|| too_many(super::MAX_SUBDIRECTORIES))?;
            self.subdirectories.insert(name, Directory::default());
        }
        Ok(())
    }

    fn read_subdirectories(
        &mut self,
        opened: &OwnedFd,
        location: &Location,
        pass: &mut Pass<'_>,
    ) -> Result<(), (Arc<Path>, Stop)> {
        let from = self.next.take().map_or(Bound::Unbounded, Bound::Included);
        let mut vanished = Vec::new();
        let mut end = Ok(());
        for (name, directory) in self.subdirectories.range_mut((from, Bound::Unbounded)) {
            match read_subdirectory(opened, name, directory, location, &mut self.whole, pass) {
                Ok(()) => {}
                Err((_, Stop::Vanished)) => vanished.push(name.clone()),
                Err(stop) => {
                    self.next = matches!(stop.1, Stop::OutOfTime).then(|| name.clone());
                    end = Err(stop);
                    break;
                }
            }
        }
        for name in vanished {
            self.subdirectories.remove(&name);
            self.whole = false;
        }
        end
    }

    /// What the channel held when it was last read as a whole; the ages of its messages are those at
    /// `now` if it was read in the last pass.
    pub(super) fn values(&mut self, now: u32, stuck_before: u32) -> Option<&ChannelQueue> {
        self.sum_up(now, stuck_before);
        self.values.as_ref()
    }

    /// Keeps the counts of what has been read whole, for as long as it is not read whole again.
    pub(super) fn keep_values(&mut self) {
        self.sum_up(0, 0);
    }

    fn sum_up(&mut self, now: u32, stuck_before: u32) {
        if self.whole {
            let scanned_at = self.finished.unwrap_or_default().as_secs_f64();
            let mut queue = ChannelQueue { scanned_at, ..ChannelQueue::default() };
            for directory in self.directories() {
                directory.summary().add_to(&mut queue, now, stuck_before);
            }
            self.values = Some(queue);
        }
    }

    /// Takes note of why it cannot be read: nothing is known about it until it can.
    pub(super) fn fails(&mut self, failure: DirectoryFailure) {
        (self.whole, self.values, self.failure) = (false, None, Some(Arc::new(failure)));
    }

    /// Where the pass under way stopped.
    pub(super) fn next(&self) -> Option<&CString> {
        self.next.as_ref()
    }

    /// Whether the size and time of each of its messages has been asked for.
    pub(super) fn is_asked(&self) -> bool {
        self.directories().all(|directory| directory.summary().unasked == 0)
    }

    pub(super) fn subdirectories(&self) -> usize {
        self.subdirectories.len()
    }

    pub(super) fn remembered(&self) -> usize {
        self.directories().map(Directory::remembered).sum()
    }

    /// The directory at a path below this one; the empty path is this one.
    pub(super) fn directory_mut(&mut self, below: &[u8]) -> Option<&mut Directory> {
        if below.is_empty() {
            return Some(&mut self.top);
        }
        self.subdirectories.get_mut(&CString::new(below).ok()?)
    }

    fn directories(&self) -> impl Iterator<Item = &Directory> {
        std::iter::once(&self.top).chain(self.subdirectories.values())
    }
}

/// Reads one subdirectory where its times say that it has changed.
fn read_subdirectory(
    parent: &OwnedFd,
    name: &CStr,
    directory: &mut Directory,
    location: &Location,
    whole: &mut bool,
    pass: &mut Pass<'_>,
) -> Result<(), (Arc<Path>, Stop)> {
    let path = || -> Arc<Path> { Arc::from(location.path.join(OsStr::from_bytes(name.to_bytes()))) };
    if pass.is_over() {
        return Err((path(), Stop::OutOfTime));
    }
    match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) if FileType::from_raw_mode(found.st_mode) != FileType::Directory => {
            return Err((path(), Stop::Vanished));
        }
        Ok(found) if directory.holds(&Stamp::from(&found), pass) => {
            pass.counts.skipped += 1;
            return Ok(());
        }
        Ok(_) => {}
        Err(Errno::NOENT) => return Err((path(), Stop::Vanished)),
        Err(error) => return Err((path(), error.into())),
    }
    *whole = false;
    let location = Location { channel: Arc::clone(&location.channel), path: path(), ..*location };
    let read = match open_below(parent, name) {
        Ok(Some(opened)) => directory.list(&opened, &location, None, pass),
        Ok(None) => Err(Stop::Vanished),
        Err(error) => Err(error.into()),
    };
    read.map_err(|stop| (location.path, stop))
}
