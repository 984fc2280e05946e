//! What was written to files that came and went between two looks at the names: it is in the cumulative log.

use std::io;
use std::time::Duration;

use super::cumulative::Cumulative;
use super::file::LogFile;
use super::position::{Appended, FileId, Role};
use super::{FollowError, Follower};

/// What came and went between two looks at the names.
pub(super) struct Between {
    /// Its lines, in the cumulative log.
    pub parts: Vec<LogFile>,
    /// Whether they were not found.
    pub is_gap: bool,
    /// How far the cumulative log goes.
    pub appended: Appended,
}

impl Default for Between {
    fn default() -> Self {
        Self { parts: Vec::new(), is_gap: true, appended: Appended::default() }
    }
}

impl Follower {
    /// Finds what was written to files that came and went between those that have none of the names `kept`
    /// any more and `next`, which has one now.
    pub(super) fn between(
        &self,
        kept: [Option<FileId>; 2],
        next: &LogFile,
        now: Duration,
    ) -> Result<Between, FollowError> {
        let Some(cumulative) = self.chain.open_cumulative(now)? else { return Ok(Between::default()) };
        self.between_in(cumulative, kept, next, now).map_err(|source| self.error(source))
    }

    fn between_in(
        &self,
        cumulative: LogFile,
        kept: [Option<FileId>; 2],
        next: &LogFile,
        now: Duration,
    ) -> io::Result<Between> {
        let cumulative = Cumulative::new(cumulative)?;
        let end = cumulative.end_before(next)?;
        let mut between = Between { appended: cumulative.until(end)?, ..Between::default() };
        let Some(mut copied) = self.copied_until(&cumulative, kept)? else { return Ok(between) };
        // What was read ahead and has lost its names since then is not read again.
        let ahead = self.ahead.as_ref().filter(|file| !kept.contains(&Some(file.id())) && file.offset() > 0);
        if let Some(ahead) = ahead {
            let place = ahead.position(ahead.copy_start(), Appended::default());
            let Some(start) = cumulative.copy_of(&place)? else { return Ok(between) };
            between.parts.extend(cumulative.part(copied..start, now)?);
            copied = start + place.offset;
            copied += cumulative.common_lines(copied, ahead, place.offset)?;
        }
        between.parts.extend(cumulative.part(copied..end, now)?);
        between.is_gap = false;
        Ok(between)
    }

    /// Where the copies of the files end in the cumulative log that had a name and have none of `kept`.
    fn copied_until(&self, cumulative: &Cumulative, kept: [Option<FileId>; 2]) -> io::Result<Option<u64>> {
        let mut at = cumulative.moved(self.appended.bytes, self.appended)?;
        let files = self.old.iter().chain(&self.current);
        let named = files.filter(|file| matches!(file.role(), Role::Renamed | Role::Current));
        for file in named.filter(|file| !kept.contains(&Some(file.id()))) {
            let place = file.named_position(at, Appended::default());
            if place.offset > 0 {
                let Some(start) = cumulative.copy_of(&place)? else { return Ok(None) };
                at = start + place.offset;
            }
            at += cumulative.common_lines(at, file, place.offset)?;
        }
        Ok((at <= cumulative.size()).then_some(at))
    }
}
