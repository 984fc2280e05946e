//! Reading on while a file that was the log before cannot be read.
//!
//! Where reading stopped before is kept as it is, and so are the names: as long as that file cannot be read
//! nothing is given up. The log itself is read at once, ahead of it. Once the file can be read, the place that
//! was come to in the log is one of the places to go on from, as after a restart.

use std::time::Duration;

use super::file::LogFile;
use super::position::{Position, Role};
use super::{Begin, FollowError, Follower, Step};

impl Follower {
    /// The file that was the log before. One that may not be read any more may still be open.
    pub(super) fn open_yesterday(&mut self, now: Duration) -> Result<Option<LogFile>, FollowError> {
        let opened = self.chain.open_yesterday(now);
        self.unreadable = opened.is_err();
        opened.or_else(|error| {
            let id = self.chain.yesterday_id();
            let open = self.files().find(|file| Some(file.id()) == id);
            open.and_then(|file| file.again(now).ok()).map(Some).ok_or(error)
        })
    }

    /// Whether a file cannot be read that others do not wait for.
    pub fn is_held_up(&self) -> bool {
        self.ahead.is_some() || self.unreadable
    }

    /// Begins to read the log at the path, although `error` keeps a file before it from being read.
    pub(super) fn go_ahead(
        &mut self,
        at_path: Option<LogFile>,
        error: FollowError,
    ) -> Result<Option<Step<'static>>, FollowError> {
        let Some(mut file) = at_path.filter(|_| self.ahead.is_none()) else { return Err(error) };
        let before = self.current.as_ref().map_or(0, |file| file.size().unwrap_or(0));
        let expected = self.appended.bytes + self.renamed_bytes() + before;
        file.becomes(Role::Ahead, expected + self.chain.yesterday_bytes().unwrap_or(0));
        self.ahead = Some(file);
        Ok(None)
    }

    /// The same where a start cannot find all of its saved places: those that the log holds are gone on from.
    pub(super) fn resume_ahead(&mut self, positions: &[Position], now: Duration) {
        if self.ahead.is_some() {
            return;
        }
        let Ok(Some(mut file)) = self.chain.open_current(now) else { return };
        let held = positions.iter().position(|position| position.is_in(&file));
        if let Some(position) = held.and_then(|index| positions.get(index)) {
            let is_ahead = position.role == Role::Ahead;
            file.becomes(if is_ahead { Role::Ahead } else { Role::Current }, position.copy_start);
            file.resume(position);
        } else if positions.iter().any(|position| position.id == file.id()) {
            // Written anew in place: there is nothing to go on from.
            return;
        } else {
            let last = positions.last().map_or(0, |last| last.copy_start + last.size);
            file.becomes(Role::Ahead, last);
        }
        let left = positions.iter().enumerate().filter(|(index, _)| Some(*index) != held);
        self.begin = Some(Begin::Resume(left.map(|(_, position)| position.clone()).collect()));
        self.ahead = Some(file);
    }

    /// The place that was come to ahead, with those of the files before it.
    pub(super) fn with_ahead(&self, mut places: Vec<Position>) -> Vec<Position> {
        if let Some(file) = self.ahead.as_ref().filter(|file| file.is_log() || file.offset() > 0) {
            let appended = places.first().map_or(self.appended, |place| place.appended);
            places.push(file.position(file.copy_start(), appended));
        }
        places
    }

    /// Gives the files that have the names now the place that was come to ahead.
    pub(super) fn pass_on_ahead<'a>(&self, named: impl Iterator<Item = &'a mut LogFile>) {
        let Some(ahead) = &self.ahead else { return };
        for file in named.filter(|file| file.id() == ahead.id()) {
            file.resume(&ahead.position(0, self.appended));
        }
    }

    /// Bytes behind the places in files that cannot be read; `None` where nobody can know.
    pub(super) fn hidden_bytes(&self) -> Option<u64> {
        match &self.begin {
            Some(Begin::Resume(positions)) if self.ahead.is_some() => {
                let behind = |position: &Position| {
                    Some(self.chain.bytes_of(position.id)?.saturating_sub(position.offset))
                };
                positions.iter().map(behind).sum()
            }
            None if self.ahead.is_some() => self.chain.yesterday_bytes(),
            _ => Some(0),
        }
    }
}

impl Position {
    /// Whether the file holds the place, by its inode or by what stands in it.
    pub(super) fn is_in(&self, file: &LogFile) -> bool {
        let alike =
            !matches!(self.role, Role::Cumulative { .. }) && (self.id == file.id() || self.is_telling());
        alike && file.holds(self, 0).unwrap_or(false)
    }
}
