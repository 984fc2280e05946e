//! The names stand for other files than before: which of them was the log, and where reading goes on.

use std::time::Duration;

use super::cumulative::Cumulative;
use super::file::LogFile;
use super::position::{Appended, FileId, Role};
use super::renamed::Since;
use super::{FollowError, Follower, Step};

impl Follower {
    /// Looks whether the path still names the file that we read; `None` when there is a new one to read.
    pub(super) fn look(&mut self, now: Duration) -> Result<Option<Step<'static>>, FollowError> {
        if self.begin.is_some() {
            self.attach(now)?;
            return Ok(self.noticed.pop_front());
        }
        let seen = self.chain.look_at_current().map_err(|source| self.error(source))?;
        let at_path = seen.map(|(id, _)| id);
        let yesterday = self.chain.yesterday_id();
        if let Some(current) = &mut self.current
            && let Some((id, written)) = seen
            && current.id() == id
        {
            current.is_current(written);
            self.never_the_log = yesterday.filter(|&id| !self.knows(id));
            self.forget_names(yesterday);
            if self.unreadable {
                // All of it that is there has been read, but a restart could not.
                self.chain.open_yesterday(now)?;
                self.unreadable = false;
            }
            return Ok(Some(Step::Idle));
        }
        let moved = self.current.as_ref().is_some_and(|current| Some(current.id()) == yesterday);
        let unknown = yesterday.filter(|&id| !self.knows(id) && Some(id) != self.never_the_log);
        if at_path.is_none() && !moved && unknown.is_none() {
            // Between two files after a rotation there is none; else the log was deleted, or its file
            // system is gone. What is open of it is still read.
            let between = self.old.iter().any(|file| Some(file.id()) == yesterday);
            return match &self.current {
                None if between => Ok(Some(Step::Idle)),
                _ => Err(FollowError::Missing { path: self.chain.current.clone() }),
            };
        }
        self.rotate(now)
    }

    /// A renamed file that was deleted or replaced has no name any more.
    fn forget_names(&mut self, yesterday: Option<FileId>) {
        let start = self.appended.bytes;
        let renamed = self.old.iter_mut().filter(|file| file.role() == Role::Renamed);
        let lost = renamed.filter(|file| Some(file.id()) != yesterday);
        lost.for_each(|file| file.becomes(Role::Nameless, start));
    }

    /// Takes up the files that the names stand for now.
    fn rotate(&mut self, now: Duration) -> Result<Option<Step<'static>>, FollowError> {
        // In this order: whatever is renamed meanwhile is then seen twice, not missed.
        let mut at_path = self.chain.open_current(now)?;
        if let (Some(at_path), Some(current)) = (&at_path, &self.current)
            && at_path.id() == current.id()
        {
            return Ok(Some(Step::Idle));
        }
        let mut yesterday = match self.open_yesterday(now) {
            Ok(yesterday) => yesterday,
            Err(error) => return self.go_ahead(at_path, error),
        };
        self.pass_on_ahead(at_path.iter_mut().chain(&mut yesterday));
        let named = [&yesterday, &at_path].map(|file| file.as_ref().map(LogFile::id));
        let known = |id| self.knows(id) || Some(id) == self.never_the_log || Some(id) == named[1];
        yesterday = yesterday.filter(|file| !known(file.id()));
        let between = match &yesterday {
            // Two rotations or more since we looked: what lies between is in the cumulative log. As long as
            // that cannot be read nothing is given up.
            Some(next) => match self.between(named, next, now) {
                Ok(between) => Some(between),
                Err(error) => return self.go_ahead(at_path, error),
            },
            None => None,
        };
        at_path = at_path.map(|file| self.take_back(file));
        let had_current = self.current.is_some();
        // What there is when a file that was renamed before, and has lost that name, has been appended.
        let lost = self.old.iter().find(|file| file.role() == Role::Renamed && Some(file.id()) != named[0]);
        let copied = self.appended.bytes + lost.and_then(|file| file.size().ok()).unwrap_or(0);
        self.forget_names(named[0]);
        let since = self.current_was_renamed(named[0], copied, at_path.is_some());
        self.read_on_without_name(named);
        if let Some(since) = since {
            self.take_up_renamed(since, [at_path.as_ref(), yesterday.as_ref()], now);
        }
        if let (Some(mut yesterday), Some(between)) = (yesterday, between) {
            self.noticed.extend(between.is_gap.then_some(Step::Gap { known_bytes: 0 }));
            self.old.extend(between.parts);
            self.appended = between.appended;
            yesterday.becomes(Role::Renamed, 0);
            self.old.push_back(yesterday);
        } else {
            let renamed = self.old.iter().find(|file| file.role() == Role::Renamed);
            self.appended = self.appended_before(renamed, Some(copied), now);
        }
        self.current = at_path;
        Ok(had_current.then_some(Step::Rotated))
    }

    /// A file that was the log before and is it again goes on where it was.
    fn take_back(&mut self, at_path: LogFile) -> LogFile {
        let index = self.old.iter().position(|file| file.id() == at_path.id());
        let Some(mut returned) = index.and_then(|index| self.old.remove(index)) else { return at_path };
        returned.becomes(Role::Current, 0);
        returned
    }

    /// What was read ahead and has none of the names any more is read to its end.
    fn read_on_without_name(&mut self, named: [Option<FileId>; 2]) {
        let ahead = self.ahead.take().filter(|file| file.offset() > 0);
        if let Some(mut ahead) = ahead.filter(|file| !named.contains(&Some(file.id()))) {
            ahead.becomes(Role::Nameless, 0);
            self.old.push_back(ahead);
        }
    }

    /// The file that was the log is an old one from now on; others may have been the log after it, or since it was
    /// looked for in vain.
    fn current_was_renamed(
        &mut self,
        yesterday: Option<FileId>,
        copied: u64,
        is_there: bool,
    ) -> Option<Since> {
        let Some(mut current) = self.current.take() else {
            return self.nowhere_since.take_if(|_| is_there);
        };
        let renamed = Some(current.id()) == yesterday;
        current.becomes(if renamed { Role::Renamed } else { Role::Nameless }, copied);
        let since = Since::new(current.position(0, Appended::default()), !renamed);
        self.old.push_back(current);
        Some(since)
    }

    /// How far the cumulative log goes, but for a copy of yesterday's file that is being made just now;
    /// when it goes just as far as expected, there is none.
    pub(super) fn appended_before(
        &self,
        yesterday: Option<&LogFile>,
        expected: Option<u64>,
        now: Duration,
    ) -> Appended {
        let Ok(opened) = self.chain.open_cumulative(now) else {
            return Appended::unseen(expected.unwrap_or(0));
        };
        let cumulative = opened.and_then(|file| Cumulative::new(file).ok());
        let Some(cumulative) = cumulative else { return Appended::default() };
        let unexpected = yesterday.filter(|_| expected != Some(cumulative.size()));
        let end = unexpected.and_then(|yesterday| cumulative.end_before(yesterday).ok());
        cumulative.until(end.unwrap_or(cumulative.size())).unwrap_or_default()
    }
}
