//! Finding the log for the first time, and the files in which saved places lie.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use super::cumulative::Cumulative;
use super::file::LogFile;
use super::position::{Appended, Position, Role};
use super::renamed::Since;
use super::{Begin, FollowError, Follower, Step};

/// The files that have a name, until a saved place has been found in them.
struct Named {
    current: Option<LogFile>,
    yesterday: Option<LogFile>,
}

/// Why files that have a name cannot be read.
#[derive(Default)]
struct Hidden {
    current: Option<FollowError>,
    yesterday: Option<FollowError>,
}

impl Follower {
    /// Finds the files to begin with.
    pub(super) fn attach(&mut self, now: Duration) -> Result<(), FollowError> {
        match self.begin.clone() {
            Some(Begin::Resume(_)) => {
                let positions = self.positions().unwrap_or_default();
                if let Err(error) = self.find_places(&positions, now) {
                    self.resume_ahead(&positions, now);
                    return Err(error);
                }
                self.ahead = None;
            }
            begin => {
                let current = self.chain.open_current(now)?;
                let yesterday = self.yesterday_from_its_end(now);
                let Some(mut current) = current else {
                    return Err(self.missing_from_the_start(yesterday.as_ref(), now));
                };
                if matches!(begin, Some(Begin::End)) {
                    current.seek_to_end(&mut self.buffer).map_err(|source| self.error(source))?;
                }
                self.appended = self.appended_before(yesterday.as_ref(), None, now);
                self.current = Some(current);
                self.old.extend(yesterday);
            }
        }
        self.begin = None;
        Ok(())
    }

    /// Opens the files that have a name, and goes on from the saved places in them.
    fn find_places(&mut self, positions: &[Position], now: Duration) -> Result<(), FollowError> {
        let (current, yesterday) = (self.chain.open_current(now), self.open_yesterday(now));
        if let (Ok(None), Ok(None)) = (&current, &yesterday) {
            return Err(FollowError::Missing { path: self.chain.current.clone() });
        }
        let mut hidden = Hidden::default();
        let current = current.unwrap_or_else(|error| {
            hidden.current = Some(error);
            None
        });
        let yesterday = yesterday.unwrap_or_else(|error| {
            hidden.yesterday = Some(error);
            None
        });
        let is_ours = hidden.yesterday.is_none();
        self.resume(positions, Named { current, yesterday }, hidden, now)?;
        self.unreadable &= is_ours;
        Ok(())
    }

    /// Late entries still come there. That it cannot be read keeps nobody from following the log.
    fn yesterday_from_its_end(&mut self, now: Duration) -> Option<LogFile> {
        let mut yesterday = self.chain.open_yesterday(now).ok().flatten()?;
        yesterday.seek_to_end(&mut self.buffer).ok()?;
        yesterday.becomes(Role::Renamed, 0);
        Some(yesterday)
    }

    /// All entries of a log that is not there at the start are new, once its directory is there. A
    /// directory that is not there may yet be mounted, with a log that another host has written.
    fn missing_from_the_start(&mut self, yesterday: Option<&LogFile>, now: Duration) -> FollowError {
        if let Some(written) = self.chain.directory_changed() {
            let appended = self.appended_before(yesterday, None, now);
            let place = match yesterday {
                Some(file) => Position { written, ..file.position(appended.bytes, appended) },
                None => Position::nothing(appended, written),
            };
            self.begin = Some(Begin::Resume(vec![place]));
        }
        FollowError::Missing { path: self.chain.current.clone() }
    }

    /// Puts every saved place on the file that holds it.
    fn resume(
        &mut self,
        saved: &[Position],
        mut named: Named,
        hidden: Hidden,
        now: Duration,
    ) -> Result<(), FollowError> {
        let positions = &named.without_ahead(saved);
        let mut found: Vec<Option<LogFile>> = positions.iter().map(|_| None).collect();
        for by_contents in [false, true] {
            for (position, found) in positions.iter().zip(&mut found).filter(|(_, found)| found.is_none()) {
                *found = named.take(position, by_contents);
            }
        }
        hidden.holds_nothing(positions, &found)?;
        for (position, found) in positions.iter().zip(&mut found).filter(|(_, found)| found.is_none()) {
            *found = self.find_elsewhere(position, now).map_err(|source| self.error(source))?;
        }
        let goes_on = found.iter().flatten().any(LogFile::is_log);
        let recovered = self.recover(positions, &found, named.yesterday.as_ref(), now)?;
        self.noticed = recovered.gaps.into_iter().map(|known_bytes| Step::Gap { known_bytes }).collect();
        // The saved sums do not have them, even if they were counted before the program was killed.
        let was_log = positions.iter().zip(&found).filter(|(position, _)| position.role == Role::Current);
        for (_, found) in was_log.filter(|(_, found)| !found.as_ref().is_some_and(LogFile::is_log)) {
            let times = match found {
                Some(_) => 1,
                None if self.noticed.is_empty() => 2,
                None => 0,
            };
            self.noticed.extend(std::iter::repeat_n(Step::Rotated, times));
        }
        self.old = recovered.parts;
        for file in found.into_iter().flatten() {
            match file.role() {
                Role::Current => self.current = Some(file),
                _ => self.old.push_back(file),
            }
        }
        // An older release did not say since when there was no log.
        let is_unknown = |last: &&Position| last.is_nothing() && last.written == 0;
        let last = saved.iter().rfind(|position| position.was_log()).filter(|last| !is_unknown(last));
        if let Some(last) = last.filter(|_| !goes_on) {
            let by_hand = self.old.iter().any(|file| file.id() == last.id && file.role() == Role::Nameless);
            let since = Since::new(last.clone(), by_hand);
            self.take_up_renamed(since, [named.current.as_ref(), named.yesterday.as_ref()], now);
        }
        // A file that has yesterday's name while the log itself goes on never was the log.
        if let Some(mut yesterday) = named.yesterday.filter(|_| !goes_on) {
            yesterday.becomes(Role::Renamed, 0);
            self.old.push_back(yesterday);
        }
        if self.current.is_none() {
            self.current = named.current;
        }
        let unrotated = positions.first().filter(|_| goes_on).map(|position| position.appended);
        self.appended = unrotated.unwrap_or(recovered.appended);
        Ok(())
    }

    /// Looks in the cumulative log for what is in no file that has a name. `unknown` is yesterday's file, where no place
    /// is in it.
    fn recover(
        &self,
        positions: &[Position],
        found: &[Option<LogFile>],
        unknown: Option<&LogFile>,
        now: Duration,
    ) -> Result<Recovered, FollowError> {
        let by_hand = renamed_by_hand(positions, found).filter(|_| unknown.is_some());
        let mut files =
            positions.iter().zip(found).filter_map(|(position, file)| Some((position, file.as_ref()?)));
        let renamed = files.find(|(_, file)| file.role() == Role::Renamed);
        match self.chain.open_cumulative(now) {
            Ok(cumulative) => {
                let yesterday = renamed.map(|(_, file)| file).or(unknown);
                recover_from(cumulative, positions, found, (yesterday, by_hand), now)
                    .map_err(|source| self.error(source))
            }
            // What is missing may be in it: it is tried again before anything is given up.
            Err(error) if by_hand.is_some() || gone(positions, found).next().is_some() => Err(error),
            Err(_) => {
                let bytes = renamed.map_or(0, |(position, _)| position.copy_start);
                Ok(Recovered { appended: Appended::unseen(bytes), ..Recovered::default() })
            }
        }
    }

    /// A part of the cumulative log, or a file that somebody renamed by hand.
    fn find_elsewhere(&self, position: &Position, now: Duration) -> io::Result<Option<LogFile>> {
        let file = match position.role {
            Role::Cumulative { end } if position.offset <= end => {
                let cumulative = self.chain.open_cumulative(now).ok().flatten();
                let cumulative = cumulative.filter(|file| file.id() == position.id);
                cumulative.map(|file| file.part(position.offset..end, now)).transpose()?
            }
            Role::Cumulative { .. } => None,
            Role::Current | Role::Ahead | Role::Renamed | Role::Nameless => {
                self.chain.open_by_id(position.id, now).map(|mut file| {
                    file.becomes(Role::Nameless, 0);
                    file
                })
            }
        };
        Ok(file.filter(|file| file.holds(position, 0).unwrap_or(false)).map(|mut file| {
            file.resume(position);
            file
        }))
    }
}

/// Places that are in no file that has a name.
fn gone<'a>(
    positions: &'a [Position],
    found: &'a [Option<LogFile>],
) -> impl DoubleEndedIterator<Item = &'a Position> {
    let gone = positions.iter().zip(found).filter(|(_, found)| found.is_none());
    gone.map(|(position, _)| position).filter(|position| position.matters())
}

/// Those of them behind which there certainly are lines: unread ones, or those of the last place, which
/// was in the log itself or in the file that had been it.
fn missing<'a>(
    positions: &'a [Position],
    found: &'a [Option<LogFile>],
) -> impl Iterator<Item = &'a Position> {
    gone(positions, found).filter(|position| is_missed(position, positions))
}

fn is_missed(position: &Position, positions: &[Position]) -> bool {
    let last = positions.last().filter(|last| !last.is_nothing());
    position.unread() > 0 || last == Some(position)
}

/// The last place, where somebody renamed its file. What came between it and a file of yesterday that no place is in is
/// in the cumulative log alone.
fn renamed_by_hand<'a>(positions: &'a [Position], found: &[Option<LogFile>]) -> Option<&'a Position> {
    let last = positions.iter().zip(found).rfind(|(position, _)| position.was_log());
    let is_nameless = |file: &LogFile| file.role() == Role::Nameless;
    last.filter(|(_, file)| file.as_ref().is_some_and(is_nameless)).map(|(position, _)| position)
}

/// The same in the cumulative log, which holds nothing of `yesterday` that is to be read, nor of the file of a last
/// place that was renamed `by_hand`.
fn recover_from(
    cumulative: Option<LogFile>,
    positions: &[Position],
    found: &[Option<LogFile>],
    (yesterday, by_hand): (Option<&LogFile>, Option<&Position>),
    now: Duration,
) -> io::Result<Recovered> {
    let mut recovered = Recovered::default();
    let rotated = !found.iter().flatten().any(LogFile::is_log);
    if gone(positions, found).next().is_none() && !rotated {
        return Ok(recovered);
    }
    let Some(cumulative) = cumulative.map(Cumulative::new).transpose()? else {
        recovered.gaps = missing(positions, found).map(Position::unread).collect();
        return Ok(recovered);
    };
    let mut end = match yesterday {
        Some(yesterday) => cumulative.end_before(yesterday)?,
        None => cumulative.size(),
    };
    recovered.appended = cumulative.until(end)?;
    if let Some(last) = by_hand
        && cumulative.moved(last.copy_start, last.appended)? < end
    {
        // Where its part begins is not known.
        recovered.gaps.push_back(0);
    }
    // Where a file begins of which nothing was read: it need not be told from the one before it.
    let mut unread_from = None;
    for position in gone(positions, found).rev() {
        let copy = match position.role {
            // A part that is not there any more was cut off.
            Role::Cumulative { .. } => None,
            _ => cumulative.copy_of(position)?,
        };
        match copy {
            found if position.offset == 0 => {
                unread_from =
                    Some(found.unwrap_or(cumulative.moved(position.copy_start, position.appended)?));
            }
            Some(start) => {
                recovered.parts.extend(cumulative.part(start + position.offset..end, now)?);
                (end, unread_from) = (start, None);
            }
            None => {
                if is_missed(position, positions) || unread_from.take().is_some() {
                    recovered.gaps.push_front(position.unread());
                }
                // What was read of it must not be read again with a file before it.
                end = end.min(cumulative.moved(position.copy_start, position.appended)?);
            }
        }
    }
    if let Some(from) = unread_from {
        recovered.parts.extend(cumulative.part(from..end, now)?);
    }
    recovered.parts.make_contiguous().reverse();
    Ok(recovered)
}

/// What the cumulative log had.
#[derive(Default)]
struct Recovered {
    parts: VecDeque<LogFile>,
    /// Bytes known to be lost, for each place that was not found.
    gaps: VecDeque<u64>,
    /// How far it goes.
    appended: Appended,
}

impl Position {
    /// Whether anything can have been written behind the place that is not lost for good.
    fn matters(&self) -> bool {
        self.role != Role::Nameless || self.unread() > 0
    }
}

impl Hidden {
    /// Whether no place can be in a file that cannot be read, and no line that is to be read before the log's.
    fn holds_nothing(self, positions: &[Position], found: &[Option<LogFile>]) -> Result<(), FollowError> {
        let goes_on = found.iter().flatten().any(LogFile::is_log);
        match (self.yesterday, self.current) {
            (Some(error), _) if !goes_on || gone(positions, found).next().is_some() => Err(error),
            (_, Some(error)) if missing(positions, found).next().is_some() => Err(error),
            _ => Ok(()),
        }
    }
}

impl Named {
    /// The places but for one that was read ahead, where its file is the log: its place among the others is told by
    /// them.
    fn without_ahead(&mut self, positions: &[Position]) -> Vec<Position> {
        let mut positions = positions.to_vec();
        if let Some(ahead) = positions.pop_if(|position| position.role == Role::Ahead) {
            match &mut self.current {
                Some(file) if ahead.is_in(file) => file.resume(&ahead),
                _ => positions.push(Position { role: Role::Current, ..ahead }),
            }
        }
        positions
    }

    /// Takes the file that holds the place, by its inode or, for a copy, by what stands in it.
    fn take(&mut self, position: &Position, by_contents: bool) -> Option<LogFile> {
        if matches!(position.role, Role::Cumulative { .. }) {
            return None;
        }
        let holds = |file: &mut LogFile| {
            let alike = if by_contents { position.is_telling() } else { file.id() == position.id };
            alike && file.holds(position, 0).unwrap_or(false)
        };
        let (mut file, role) = match self.yesterday.take_if(holds) {
            Some(file) => (file, Role::Renamed),
            None => (self.current.take_if(holds)?, Role::Current),
        };
        file.becomes(role, 0);
        file.resume(position);
        Some(file)
    }
}
