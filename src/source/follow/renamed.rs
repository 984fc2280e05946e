//! Files that were the log between two looks and lie under other names now: the log was rotated by hand, or by
//! a tool that has its own names, more than once while nobody looked.
//!
//! Such a file was made after the log had last been written where we saw it, and no later than the file that
//! is the log now. It is read when its name begins as the log's does and its lines begin as those of the log. A
//! file with another name may as well be another program's, so it is not read, and a gap says that lines may be lost.
//! It says so once, though the directory is looked at again when the log comes late, or after a restart before it has.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::chain::Chain;
use super::file::LogFile;
use super::position::{FileId, Position, Role, written_at};
use super::{Follower, Step};

/// More entries of the directory are not looked at.
const MAX_LISTED: usize = 20_000;
/// More files are not opened at once.
const MAX_FILES: usize = 64;
/// A directory that changes while it is listed is listed again, so often at most.
const LISTINGS: usize = 3;
/// So much of a file's beginning tells what it is.
const SAMPLE_BYTES: usize = 4096;
/// So much of a line's beginning: a date, a count, or the tag of an element.
const SHAPE_BYTES: usize = 8;

/// Times of files are that coarse, nanoseconds: a tick of the kernel's clock.
const TICK: u128 = 10_000_000;

/// When the files were made that are looked for, nanoseconds since 1970.
#[derive(Clone, Copy, Debug)]
struct Window {
    /// The log had last been written then, as far as we saw.
    from: u128,
    /// The file was made then that is the log now.
    until: u128,
}

/// What was the log before the files that are looked for, and what was said of them.
#[derive(Debug)]
pub(super) struct Since {
    /// Where it stood.
    place: Position,
    /// Whether it got a name that is not looked at, and no gap was said yet.
    by_hand: bool,
    /// Whether it was said that the file after it was written over.
    overwritten: bool,
}

impl Since {
    pub(super) fn new(place: Position, by_hand: bool) -> Self {
        Self { place, by_hand, overwritten: false }
    }

    /// Sees to it that the places to save tell the same after a restart: a file that got yesterday's name since then may
    /// have been written after others came and went.
    pub(super) fn tell(&self, places: &mut Vec<Position>) {
        match places.iter_mut().rfind(|place| place.was_log()) {
            Some(last) => last.written = self.place.written,
            None => places.push(self.place.clone()),
        }
    }
}

/// What was found.
#[derive(Debug, Default)]
struct Found {
    /// The files, oldest first.
    files: Vec<LogFile>,
    /// That there were more, with the bytes that are known.
    lost: Option<u64>,
    /// Behind the time at which the last of them was made.
    lost_until: u128,
    /// Whether the directory came to rest while it was listed.
    settled: bool,
}

impl Found {
    fn lose(&mut self, bytes: u64) {
        self.lost = Some(self.lost.unwrap_or(0) + bytes);
    }

    fn lose_file(&mut self, file: &Candidate) {
        self.lose(file.bytes);
        self.lost_until = self.lost_until.max(file.made + 1);
    }
}

/// A file that was made at the right time.
#[derive(Debug)]
struct Candidate {
    path: PathBuf,
    id: FileId,
    bytes: u64,
    /// When it was made, as far as anything says so.
    made: u128,
    /// When it was last written.
    written: u128,
    /// Whether its name begins as the log's does.
    named_alike: bool,
}

impl Follower {
    /// Takes up files that were the log after another, and got names that are not looked at. Where there is no log
    /// yet, there may be more of them when it comes. `named` have the names now, the log's first.
    pub(super) fn take_up_renamed(&mut self, mut since: Since, named: [Option<&LogFile>; 2], now: Duration) {
        self.look_for_renamed(&mut since, named, now);
        self.nowhere_since = named[0].is_none().then_some(since);
    }

    fn look_for_renamed(&mut self, since: &mut Since, named: [Option<&LogFile>; 2], now: Duration) {
        let before = since.place.id;
        let window = Window {
            from: if since.place.written == 0 { before.born } else { since.place.written },
            until: named[0].map_or(u128::MAX, |log| log.id().born).max(1),
        };
        let known: Vec<&LogFile> = self.old.iter().chain(named.into_iter().flatten()).collect();
        let left = |id| self.left.contains(&id) || Some(id) == self.never_the_log || id == before;
        // A directory that may not be listed tells nothing.
        let Ok(found) = self.chain.find_renamed(window, &known, left, now) else { return };
        // The name that it got went to the file after it, which then lost it to one that was not there yet.
        let unlinked = self.old.iter().find(|file| file.id() == before).and_then(LogFile::unlinked_at);
        let next = found.files.first().map(|file| file.id().born);
        let overwritten = unlinked.zip(next).is_some_and(|(unlinked, next)| next + TICK > unlinked);
        let unsaid = overwritten && !since.overwritten || since.by_hand && !found.settled;
        let lost = found.lost.or(unsaid.then_some(0));
        since.overwritten |= overwritten;
        since.by_hand &= lost.is_none();
        since.place.written = since.place.written.max(found.lost_until);
        self.noticed.extend(lost.map(|known_bytes| Step::Gap { known_bytes }));
        for mut file in found.files {
            file.becomes(Role::Nameless, 0);
            self.noticed.push_back(Step::Rotated);
            self.old.push_back(file);
        }
    }
}

impl Chain {
    /// Looks for such files. `known` are never among them, nor is a file that `left` knows.
    fn find_renamed(
        &self,
        window: Window,
        known: &[&LogFile],
        left: impl Fn(FileId) -> bool,
        now: Duration,
    ) -> io::Result<Found> {
        let (mut candidates, settled, whole) = self.candidates(window)?;
        candidates.retain(|file| !left(file.id) && known.iter().all(|known| known.id() != file.id));
        candidates.sort_by_key(|file| file.id.born);
        let mut found = Found { settled, ..Found::default() };
        if !whole {
            found.lose(0);
        }
        let samples: Vec<Vec<u8>> = known.iter().flat_map(|file| samples(file)).collect();
        for candidate in candidates {
            let opened = LogFile::open(&candidate.path, now).ok().flatten();
            let Some(file) = opened.filter(|file| file.id() == candidate.id) else {
                if candidate.named_alike {
                    found.lose_file(&candidate);
                }
                continue;
            };
            match judge(&candidate, &sample(&file, 0), &samples) {
                Verdict::Ours if found.files.len() < MAX_FILES => found.files.push(file),
                Verdict::Perhaps if is_copy(&file, known) => {}
                Verdict::Ours | Verdict::Perhaps => found.lose_file(&candidate),
                Verdict::Other => {}
            }
        }
        Ok(found)
    }

    /// The files that were made at the right time, whether the directory came to rest, and whether all of it
    /// was listed.
    fn candidates(&self, window: Window) -> io::Result<(Vec<Candidate>, bool, bool)> {
        let directory = self.current.parent().unwrap_or(Path::new("."));
        let mut all: Vec<Candidate> = Vec::new();
        let mut whole = true;
        for _ in 0..LISTINGS {
            let before = std::fs::metadata(directory)?.modified()?;
            let others = self.other_logs(directory)?;
            for (listed, entry) in std::fs::read_dir(directory)?.enumerate() {
                whole &= listed < MAX_LISTED;
                if !whole {
                    break;
                }
                // What vanishes meanwhile has another name, and the directory is listed again.
                let candidate = entry.ok().and_then(|entry| self.candidate(&entry, window, &others));
                all.extend(candidate.filter(|new| all.iter().all(|seen| seen.id != new.id)));
            }
            if std::fs::metadata(directory)?.modified()? == before {
                return Ok((all, true, whole));
            }
        }
        Ok((all, false, whole))
    }

    /// What the names of other logs' files begin with: `connection.log` where there is
    /// `connection.log_current` or `connection.log_yesterday`.
    fn other_logs(&self, directory: &Path) -> io::Result<Vec<String>> {
        let mut others = Vec::new();
        for entry in std::fs::read_dir(directory)?.take(MAX_LISTED).flatten() {
            let name = entry.file_name();
            let name = name.to_str().unwrap_or_default();
            // Right after a rotation there is no current one yet.
            let base = name.strip_suffix("_current").or_else(|| name.strip_suffix("_yesterday"));
            others.extend(base.filter(|base| *base != self.base()).map(str::to_owned));
        }
        Ok(others)
    }

    fn candidate(&self, entry: &std::fs::DirEntry, window: Window, others: &[String]) -> Option<Candidate> {
        let path = entry.path();
        let metadata = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
        if self.names(&path) {
            return None;
        }
        let id = FileId::of(&metadata);
        let written = written_at(&metadata);
        let made = if id.born == 0 { written } else { id.born };
        if !(window.from..=window.until).contains(&made) {
            return None;
        }
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let named_alike = name.starts_with(self.base());
        let of_another = others.iter().any(|other| name.starts_with(other.as_str()));
        let is_log = name.ends_with("_current") || name.ends_with("_yesterday");
        let candidate = Candidate { path, id, bytes: metadata.len(), made, written, named_alike };
        (named_alike || !of_another && !is_log).then_some(candidate)
    }
}

enum Verdict {
    /// It was the log.
    Ours,
    /// It may have been.
    Perhaps,
    /// It was not.
    Other,
}

/// Tells a file that was the log from copies of it and from files of other programs.
fn judge(candidate: &Candidate, beginning: &[u8], samples: &[Vec<u8>]) -> Verdict {
    let made_by_name = if candidate.named_alike { Verdict::Ours } else { Verdict::Perhaps };
    if beginning.is_empty() {
        // Writers may still have it open.
        return if candidate.named_alike { Verdict::Ours } else { Verdict::Other };
    }
    let begins_alike = |known: &Vec<u8>| {
        let common = known.len().min(beginning.len());
        common > 0 && known[..common] == beginning[..common]
    };
    if samples.iter().any(begins_alike) {
        // A copy that keeps times is older than itself. Any other may be a copy, or a log with the same lines: it
        // is not read, since no line may count twice.
        return if candidate.written < candidate.id.born { Verdict::Other } else { Verdict::Perhaps };
    }
    let known: Vec<Vec<u8>> = samples.iter().flat_map(|sample| shapes(sample)).collect();
    let is_alike = shapes(beginning).any(|shape| known.contains(&shape));
    let unknown = known.is_empty() && candidate.named_alike && !beginning.contains(&0);
    if is_alike || unknown { made_by_name } else { Verdict::Other }
}

/// Whether an older file, which is read to its end in any case, holds all that this one does. Entries have times: those
/// that are the same at the beginning and at the end, in the same places, are no others in between. What is
/// shorter may be no more than all logs begin with.
fn is_copy(file: &LogFile, known: &[&LogFile]) -> bool {
    let offset = file.size().ok().and_then(|size| size.checked_sub(SAMPLE_BYTES as u64));
    let Some(offset) = offset else { return false };
    let ends = |file: &LogFile| [0, offset].map(|offset| sample(file, offset));
    let ours = ends(file);
    let is_original = |known: &LogFile| {
        let is_read_whole = !matches!(known.role(), Role::Cumulative { .. });
        is_read_whole && known.id().born <= file.id().born && ends(known) == ours
    };
    // A hole has no lines, so no times.
    ours.iter().all(|bytes| bytes.contains(&b'\n')) && known.iter().any(|known| is_original(known))
}

/// What a file begins with, and what was read of it last.
fn samples(file: &LogFile) -> [Vec<u8>; 2] {
    let offset = file.offset().saturating_sub(SAMPLE_BYTES as u64);
    let end = sample(file, offset);
    // It begins within a line.
    let whole = memchr::memchr(b'\n', &end).map_or(end.len(), |newline| newline + 1);
    [sample(file, 0), if offset == 0 { Vec::new() } else { end[whole..].to_vec() }]
}

fn sample(file: &LogFile, offset: u64) -> Vec<u8> {
    let mut bytes = vec![0; SAMPLE_BYTES];
    // What cannot be read tells nothing.
    let filled = file.bytes_at(&mut bytes, offset).unwrap_or(0);
    bytes.truncate(filled);
    bytes
}

/// How lines begin: digits are all one digit, letters one letter.
fn shapes(lines: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    lines.split(|&byte| byte == b'\n').filter(|line| line.len() >= SHAPE_BYTES).map(|line| {
        let shape = |&byte: &u8| match byte {
            b'0'..=b'9' => b'9',
            b'A'..=b'Z' | b'a'..=b'z' => b'a',
            other => other,
        };
        line[..SHAPE_BYTES].iter().map(shape).collect()
    })
}
