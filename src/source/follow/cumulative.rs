//! Finding in the cumulative log what was rotated away before it was read.
//!
//! The return job appends each renamed log to it as a whole. So a file that is gone stands in it from the
//! place that the sizes of the files before it give, or a little behind, where late writers went on; and
//! a place in that file stands as far behind the copy's beginning as it stood in the file.

use std::io;
use std::ops::Range;
use std::time::Duration;

use super::file::LogFile;
use super::position::{Anchor, Appended, Position};

/// A search goes through at most so much of the cumulative log, which holds years.
const SEARCHED_BYTES: u64 = 64 << 20;
/// What is appended to it comes in blocks of at least so many bytes.
const APPENDED_BYTES: u64 = 4096;
/// Read at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// The cumulative log as it was when it was opened.
#[derive(Debug)]
pub(super) struct Cumulative {
    file: LogFile,
    size: u64,
}

impl Cumulative {
    pub(super) fn new(file: LogFile) -> io::Result<Self> {
        Ok(Self { size: file.size()?, file })
    }

    /// How much there is.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// How far it goes when what follows `end` is left out.
    pub(super) fn until(&self, end: u64) -> io::Result<Appended> {
        Ok(Appended { bytes: end, anchor: self.file.anchor_of(end)? })
    }

    /// Where a place lies now that was computed when it went as far as `appended`: somebody may have
    /// removed it, so that it began anew.
    pub(super) fn moved(&self, place: u64, appended: Appended) -> io::Result<u64> {
        // It could not be read then where nothing is known of its end.
        let unseen = appended.anchor.bytes == 0;
        let same = appended.bytes <= self.size
            && (unseen || self.file.anchor_of(appended.bytes)? == appended.anchor);
        Ok(if same { place } else { place.saturating_sub(appended.bytes) })
    }

    /// Where the copy of the file begins in which the place was saved.
    pub(super) fn copy_of(&self, position: &Position) -> io::Result<Option<u64>> {
        let expected = self.moved(position.copy_start, position.appended)?;
        if self.holds(position, expected)? {
            return Ok(Some(expected));
        }
        if position.offset == 0 && !position.is_telling() {
            return Ok(None);
        }
        // Late entries in the files before it push it back.
        let around = SEARCHED_BYTES / 2;
        let expected = if expected > self.size { 0 } else { expected };
        let holds = |start| self.holds(position, start);
        let behind = self.find(position.head, expected..expected.saturating_add(around), holds)?;
        match behind {
            Some(start) => Ok(Some(start)),
            None => self.find(position.head, expected.saturating_sub(around)..expected, holds),
        }
    }

    /// Where the copy of `file` begins that is being appended just now; the end when none is.
    pub(super) fn end_before(&self, file: &LogFile) -> io::Result<u64> {
        let mut head = vec![0; Anchor::MAX_BYTES];
        let filled = file.bytes_at(&mut head, 0)?;
        head.truncate(filled);
        let by_chance = self.ends_before(file)?;
        let is_copy = |start: u64| {
            let is_same = self.common_bytes(start, file, 0)? == self.size - start;
            Ok::<_, io::Error>(is_same && !(by_chance && self.size - start < APPENDED_BYTES))
        };
        let mut bytes = vec![0; CHUNK_BYTES];
        // A line may lack its end before the copy, so it need not begin behind one.
        let mut at = self.size.saturating_sub(SEARCHED_BYTES.min(file.size()?));
        while at < self.size && !head.is_empty() {
            let filled = self.file.bytes_at(&mut bytes, at)?;
            for start in memchr::memmem::find_iter(&bytes[..filled], &head) {
                if is_copy(at + start as u64)? {
                    return Ok(at + start as u64);
                }
            }
            let passed = filled.saturating_sub(head.len() - 1);
            if passed == 0 {
                break;
            }
            at += passed as u64;
        }
        // Less was copied so far than the beginning that was looked for. So little can be there by
        // chance, unless it begins a line.
        let from = self.size.saturating_sub(head.len() as u64);
        let filled = self.file.bytes_at(&mut bytes[..head.len()], from)?;
        let tail = &bytes[..filled];
        let newlines = memchr::memchr_iter(b'\n', tail).map(|newline| newline + 1);
        let first = (from == 0).then_some(0);
        let mut starts = first.into_iter().chain(newlines).filter(|&start| start < filled);
        let begins = starts.find(|&start| head.starts_with(&tail[start..]));
        let begins = begins.filter(|_| !by_chance);
        Ok(begins.map_or(self.size, |start| from + start as u64))
    }

    /// Whether it ends with a whole line, and was written before `file` was last renamed: of that nothing was
    /// appended then. The file may still begin with the lines that end here, where two entries are the same.
    fn ends_before(&self, file: &LogFile) -> io::Result<bool> {
        Ok(self.size > 0 && self.ends_line(self.size)? && self.file.written()? <= file.changed()?)
    }

    /// How far what stands here from `at` on is the same as what stands in `file` from `offset` on, in
    /// whole lines where the two part.
    pub(super) fn common_lines(&self, at: u64, file: &LogFile, offset: u64) -> io::Result<u64> {
        let common = self.common_bytes(at, file, offset)?;
        if at + common == self.size || offset + common == file.size()? {
            return Ok(common);
        }
        let mut bytes = vec![0; CHUNK_BYTES];
        let mut end = common;
        while end > 0 {
            let wanted = usize::try_from(end).unwrap_or(usize::MAX).min(CHUNK_BYTES);
            let filled = self.file.bytes_at(&mut bytes[..wanted], at + end - wanted as u64)?;
            end -= wanted as u64;
            if let Some(newline) = memchr::memrchr(b'\n', &bytes[..filled]) {
                return Ok(end + newline as u64 + 1);
            }
        }
        Ok(0)
    }

    /// A part of it, to be read; none when there is nothing in it.
    pub(super) fn part(&self, range: Range<u64>, now: Duration) -> io::Result<Option<LogFile>> {
        (range.start < range.end).then(|| self.file.part(range, now)).transpose()
    }

    fn holds(&self, position: &Position, start: u64) -> io::Result<bool> {
        Ok(start.saturating_add(position.offset) <= self.size && self.file.holds(position, start)?)
    }

    fn common_bytes(&self, at: u64, file: &LogFile, offset: u64) -> io::Result<u64> {
        let (mut ours, mut theirs) = (vec![0; CHUNK_BYTES], vec![0; CHUNK_BYTES]);
        let mut common = 0;
        loop {
            let here = at + common;
            let wanted =
                usize::try_from(self.size.saturating_sub(here)).unwrap_or(usize::MAX).min(CHUNK_BYTES);
            let filled = self.file.bytes_at(&mut ours[..wanted], here)?;
            let other = file.bytes_at(&mut theirs[..wanted], offset + common)?;
            let same = ours[..filled].iter().zip(&theirs[..other]).take_while(|(a, b)| a == b).count();
            common += same as u64;
            if same < CHUNK_BYTES {
                return Ok(common);
            }
        }
    }

    /// The first line start in the range at which the bytes with this hash stand and `holds` agrees.
    fn find(
        &self,
        head: Anchor,
        range: Range<u64>,
        holds: impl Fn(u64) -> io::Result<bool>,
    ) -> io::Result<Option<u64>> {
        let end = range.end.min(self.size);
        let mut bytes = vec![0; CHUNK_BYTES + Anchor::MAX_BYTES];
        let mut at = range.start;
        let mut behind_newline = at == 0 || self.ends_line(at)?;
        while at < end {
            let filled = self.file.bytes_at(&mut bytes, at)?;
            let here = filled.min(CHUNK_BYTES);
            let newlines = memchr::memchr_iter(b'\n', &bytes[..here]).map(|newline| newline + 1);
            for start in behind_newline.then_some(0).into_iter().chain(newlines) {
                let candidate = at + start as u64;
                if let Some(found) = bytes[..filled].get(start..start + head.bytes)
                    && candidate < end
                    && head.matches(found)
                    && holds(candidate)?
                {
                    return Ok(Some(candidate));
                }
            }
            if here == 0 {
                break;
            }
            at += here as u64;
            behind_newline = false;
        }
        Ok(None)
    }

    fn ends_line(&self, at: u64) -> io::Result<bool> {
        let mut last = [0];
        Ok(self.file.bytes_at(&mut last, at - 1)? == 1 && last[0] == b'\n')
    }
}
