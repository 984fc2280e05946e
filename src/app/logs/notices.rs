//! The MTA's notices in a syslog: one more followed file, of which a single text is counted.
//!
//! It is no log of entries. It has no account, nobody waits for it before the sums of the logs are
//! shown, and lines that are lost here cost those sums nothing.

use std::path::Path;
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use memchr::memmem::Finder;

use super::followed;
use crate::app::clock::Now;
use crate::app::complaints::Complaints;
use crate::app::observed::LogBook;
use crate::app::state::Positions;
use crate::config::Logs;
use crate::source::follow::{Begin, Event, FollowError, Follower, Position};
use crate::source::lines::lines;

/// What the MTA writes when a message has more `Received:` lines than it allows and its option
/// `held_sndopr` is on. syslog and the option `sndopr_prefix` put text in front.
const NOTICE: &str = "Received count exceeded; message held.";

/// The syslog that the MTA writes its notices to.
#[derive(Debug)]
pub struct Notices {
    follower: Follower,
    notice: Finder<'static>,
    problem: Option<FollowError>,
    truncations: Complaints,
}

impl Notices {
    /// Those in the file at `syslog`, from where `saved` says, else from its end.
    pub fn new(syslog: &Path, logs: &Logs, saved: &Positions) -> Self {
        let begin = saved.get(&place_name(syslog)).cloned().map_or(Begin::End, Begin::Resume);
        Self {
            follower: Follower::new(syslog.to_owned(), followed::options(logs), begin),
            notice: Finder::new(NOTICE),
            problem: None,
            truncations: Complaints::with("syslog", "notices not read by then are lost"),
        }
    }

    /// Reads a block and counts what comes; whether there may be more.
    pub fn step(&mut self, book: &RwLock<LogBook>, now: Now) -> bool {
        loop {
            let more = self.step_once(book, now);
            // Places are past what was noticed: both are saved, or neither.
            if !self.follower.has_noticed() {
                return more;
            }
        }
    }

    fn step_once(&mut self, book: &RwLock<LogBook>, now: Now) -> bool {
        let event = match self.follower.step(now.monotonic) {
            Ok(event) => event,
            Err(problem) => {
                self.problem = Some(problem);
                return false;
            }
        };
        self.problem = None;
        match event {
            Event::Idle => return false,
            Event::Lines(block) => {
                let notices = lines(block).filter(|line| self.notice.find(line.text).is_some()).count();
                write(book).aggregate.totals.notices += notices as u64;
            }
            // A notice is a short line.
            Event::Skipped { .. } | Event::Rotated => {}
            Event::Truncated { .. } => {
                let problem = "the syslog was cut or written anew in place";
                self.truncations.note(Some(problem), now.monotonic);
            }
            Event::Gap { known_bytes } => {
                // A sum that goes on would be a little too low, and nobody could see it.
                write(book).aggregate.totals.notices = 0;
                tracing::warn!(
                    known_bytes,
                    "the place in the syslog where reading stopped is gone; notices after it are lost and their \
                     counter begins at 0"
                );
            }
        }
        true
    }

    /// Lets the count be shown once all has been read that was there when the file was found: a count
    /// that is still behind the one that an earlier run has shown would be taken for a reset.
    pub fn show(&self, book: &mut LogBook) {
        book.notices_shown |= self.follower.is_caught_up();
    }

    /// What keeps the file from being read.
    pub fn problem(&self) -> Option<String> {
        self.problem.as_ref().map(|problem| format!("held.syslog: {problem}"))
    }

    /// The places to save with the sums, and their name.
    pub fn place(&self) -> Option<(String, Vec<Position>)> {
        Some((place_name(self.follower.path()), self.follower.positions()?))
    }
}

/// No base name of a log has a slash, so none is the same.
fn place_name(syslog: &Path) -> String {
    format!("syslog:{}", syslog.display())
}

fn write(book: &RwLock<LogBook>) -> RwLockWriteGuard<'_, LogBook> {
    book.write().unwrap_or_else(PoisonError::into_inner)
}
