//! One directory of a channel: what is known about it, and listing it anew.

use std::collections::BTreeSet;
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, RawDir, fstat, statat};
use rustix::io::Errno;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::freshness::{Listing, Stamp};
use super::held_files::{HeldFile, HeldKey, HeldReason};
use super::known_files::{HeldClass, KnownFile, KnownFiles};
use super::pass::{Pass, TimeLeft};
use super::summary::Summary;
use super::tree::{collect, kind};
use crate::record::queue_file;

/// Age in seconds from which a file is taken to be written completely.
const SETTLED_AFTER: u32 = 60;

/// A subdirectory that holds temporary files of the channel program, not messages (PMDF System
/// Manager's Guide, channels MAILSERV and PRINTER).
const TEMPORARY_DIRECTORY: &CStr = c"spool";

/// Why a listing ended before its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// The budget is used up.
    OutOfTime,
    /// The directory was removed meanwhile.
    Vanished,
    /// It cannot be read.
    Failed(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Errno> for Stop {
    fn from(error: Errno) -> Self {
        Self::Failed(error.into())
    }
}

/// Where a directory is.
#[derive(Debug)]
pub(super) struct Location {
    /// The label of its channel.
    pub(super) channel: Arc<str>,
    /// Its path below the root.
    pub(super) path: Arc<Path>,
    /// Whether everything held in it is held on purpose.
    pub(super) holds_on_purpose: bool,
}

/// What is known about one directory.
#[derive(Debug, Default)]
pub(super) struct Directory {
    known: KnownFiles,
    summary: Summary,
    /// The listing that `summary` is of; none when it has to be listed anew.
    listing: Option<Listing>,
    /// When the first of the files that were too young is old enough, Unix seconds.
    settles_at: Option<u32>,
    /// Whether there are held files still to be handed out.
    held_waiting: bool,
}

impl Directory {
    /// Whether all that is known still holds for the directory that has the stamp `found` now.
    pub(super) fn holds(&self, found: &Stamp, pass: &Pass<'_>) -> bool {
        self.listing.is_some_and(|listing| listing.holds(found, pass.at()))
            && self.settles_at.is_none_or(|at| pass.now() < at)
            && !self.held_waiting
            && (self.summary.unknown == 0 || pass.room == 0)
            && (self.summary.unasked == 0 || !pass.will_ask())
    }

    pub(super) fn summary(&self) -> &Summary {
        &self.summary
    }

    pub(super) fn remembered(&self) -> usize {
        self.known.len()
    }

    /// Reads all names. Where that ends early, what was learned about files is kept, and the sums are
    /// those of the listing before.
    pub(super) fn list(
        &mut self,
        opened: &OwnedFd,
        location: &Location,
        subdirectories: Option<&mut BTreeSet<CString>>,
        pass: &mut Pass<'_>,
    ) -> Result<(), Stop> {
        let listing = Listing { stamp: Stamp::from(&fstat(opened)?), began: pass.began, at: pass.at() };
        self.listing = None;
        pass.counts.read += 1;
        let room = pass.room + self.known.len();
        let mut buffer = std::mem::take(&mut pass.buffer);
        let mut reader = Reader {
            opened,
            location,
            known: &mut self.known,
            summary: Summary::default(),
            settles_at: None,
            held_waiting: false,
            pass,
        };
        let end = reader.entries(&mut buffer, subdirectories);
        let Reader { mut summary, settles_at, held_waiting, .. } = reader;
        pass.buffer = buffer;
        match end {
            Ok(()) => self.known.keep_listed(),
            Err(_) => self.known.keep_all(),
        }
        pass.room = room.saturating_sub(self.known.len());
        end?;
        summary.finish();
        (self.summary, self.settles_at, self.held_waiting) = (summary, settles_at, held_waiting);
        self.listing = Some(listing);
        Ok(())
    }

    /// Takes the answer about a held file.
    pub(super) fn classified(&mut self, file: u64, reason: HeldReason) {
        let Some(file) = self.known.find(file) else { return };
        let before = std::mem::replace(&mut file.held, HeldClass::Is(reason)).reason();
        // Sums of a listing before the present one are made anew before they are shown.
        if self.listing.is_some() {
            self.summary.held[before as usize] = self.summary.held[before as usize].saturating_sub(1);
            self.summary.held[reason as usize] += 1;
        }
    }

    /// Has a held file handed out again.
    pub(super) fn put_back(&mut self, file: u64) {
        if let Some(file) = self.known.find(file)
            && file.held == HeldClass::Asked
        {
            file.held = HeldClass::New;
            self.held_waiting = true;
        }
    }
}

/// A listing under way.
struct Reader<'a, 'pass> {
    opened: &'a OwnedFd,
    location: &'a Location,
    known: &'a mut KnownFiles,
    summary: Summary,
    settles_at: Option<u32>,
    held_waiting: bool,
    pass: &'a mut Pass<'pass>,
}

impl Reader<'_, '_> {
    fn entries(
        &mut self,
        buffer: &mut Vec<u8>,
        mut subdirectories: Option<&mut BTreeSet<CString>>,
    ) -> Result<(), Stop> {
        let opened = self.opened;
        let mut entries = RawDir::new(opened, buffer.spare_capacity_mut());
        loop {
            if entries.is_buffer_empty() && self.pass.is_over() {
                return Err(Stop::OutOfTime);
            }
            let entry = match entries.next() {
                None => return Ok(()),
                Some(Err(Errno::NOENT)) => return Err(Stop::Vanished),
                Some(entry) => entry?,
            };
            let (name, inode) = (entry.file_name(), entry.ino());
            match kind(opened, name, entry.file_type())? {
                None => {}
                Some(FileType::Directory) => {
                    if let Some(names) = subdirectories.as_deref_mut() {
                        collect(names, name, TEMPORARY_DIRECTORY)?;
                    }
                }
                Some(kind) => self.file(name, inode, kind)?,
            }
        }
    }

    /// Counts one entry that is not a directory.
    fn file(&mut self, name: &CStr, inode: u64, kind: FileType) -> Result<(), Stop> {
        self.pass.counts.files += 1;
        let message = match kind {
            FileType::RegularFile => queue_file::parse(name.to_bytes()),
            _ => None,
        };
        let key = || xxh3_64_with_seed(name.to_bytes(), self.pass.seed ^ inode);
        match message {
            None => self.summary.other_files += 1,
            Some(message) if !message.held => return self.message(name, key(), message.attempts),
            Some(_) if self.location.holds_on_purpose => {
                self.summary.held[HeldReason::StatusHold as usize] += 1;
            }
            Some(_) => self.held(name, key()),
        }
        Ok(())
    }

    fn message(&mut self, name: &CStr, key: u64, attempts: u16) -> Result<(), Stop> {
        let now = self.pass.now();
        let known = self.known.find(key).map(|file| {
            file.listed = true;
            *file
        });
        match known {
            Some(file) if file.settled || now < settles_at(file.modified) => {
                self.count(attempts, &file);
                return Ok(());
            }
            None if self.pass.room == 0 => {
                self.summary.add_name(attempts);
                return Ok(());
            }
            _ => {}
        }
        match self.pass.time_left() {
            TimeLeft::ForFiles => {}
            TimeLeft::ForNames => {
                match known {
                    // It counts as it was when it was young.
                    Some(file) => self.count(attempts, &file),
                    None => self.summary.add_unasked(attempts),
                }
                return Ok(());
            }
            TimeLeft::None => return Err(Stop::OutOfTime),
        }
        let Some(file) = ask(self.opened, name, key, now)? else { return Ok(()) };
        if let Some(known) = self.known.find(key) {
            *known = file;
        } else {
            self.known.add(file);
            self.pass.room -= 1;
        }
        self.count(attempts, &file);
        Ok(())
    }

    fn count(&mut self, attempts: u16, file: &KnownFile) {
        self.summary.add(attempts, file.size, file.modified);
        if !file.settled {
            let at = settles_at(file.modified);
            self.settles_at = Some(self.settles_at.map_or(at, |first| first.min(at)));
        }
    }

    /// Counts a held file, and hands it out where it is a new one. Beyond the bound of the table
    /// nothing can be remembered about it: it is not handed out.
    fn held(&mut self, name: &CStr, key: u64) {
        let mut file =
            KnownFile { key, size: 0, modified: 0, held: HeldClass::New, settled: true, listed: true };
        let known = self.known.find(key);
        if let Some(known) = &known {
            file.held = known.held;
        } else if self.pass.room == 0 {
            self.summary.held[HeldReason::Unclassified as usize] += 1;
            return;
        }
        if file.held == HeldClass::New {
            if self.pass.can_hand_out() {
                let key = HeldKey { directory: Arc::clone(&self.location.path), file: key };
                let channel = Arc::clone(&self.location.channel);
                self.pass.held_found.push(HeldFile { key, channel, name: name.to_owned() });
                file.held = HeldClass::Asked;
            } else {
                self.held_waiting = true;
            }
        }
        self.summary.held[file.held.reason() as usize] += 1;
        if let Some(known) = known {
            *known = file;
        } else {
            self.known.add(file);
            self.pass.room -= 1;
        }
    }
}

/// When a file modified at this time is old enough.
fn settles_at(modified: u32) -> u32 {
    modified.saturating_add(SETTLED_AFTER)
}

/// Size and time of a file; none where it has vanished since it was listed, which is normal in a
/// busy queue.
fn ask(directory: &OwnedFd, name: &CStr, key: u64, now: u32) -> Result<Option<KnownFile>, Errno> {
    let found = match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) if FileType::from_raw_mode(found.st_mode) == FileType::RegularFile => found,
        Ok(_) | Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(error),
    };
    let modified = u32::try_from(found.st_mtime.max(0)).unwrap_or(u32::MAX);
    Ok(Some(KnownFile {
        key,
        size: u64::try_from(found.st_size).unwrap_or(0),
        modified,
        held: HeldClass::New,
        // A young file may still be written, so it is asked for again when it has settled.
        settled: now >= settles_at(modified),
        listed: true,
    }))
}
