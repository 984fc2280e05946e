//! The MTA's notices in a syslog: one more followed file, of which a single text is counted.
//!
//! It is no log of entries. It has no account, nobody waits for it before the sums of the logs are
//! shown, and lines that are lost here cost those sums nothing.

use memchr::memmem::Finder;

use super::follow::{Counting, Sink};
use crate::observed::LogBook;
use crate::source::follow::Step;
use crate::source::lines::lines;

/// What the MTA writes when a message has more `Received:` lines than it allows and its option
/// `held_sndopr` is on. syslog and the option `sndopr_prefix` put text in front.
const NOTICE: &str = "Received count exceeded; message held.";

/// Counts notices.
#[derive(Debug)]
pub(super) struct Notices(Finder<'static>);

impl Default for Notices {
    fn default() -> Self {
        Self(Finder::new(NOTICE))
    }
}

impl Sink for Notices {
    fn take(&mut self, found: Step<'_>, counting: &mut Counting<'_>) {
        match found {
            Step::Lines(block) => {
                let notices = lines(block).filter(|line| self.0.find(line.text).is_some()).count();
                counting.write().aggregate.totals.notices += notices as u64;
            }
            Step::Gap { known_bytes } => {
                // A sum that goes on would be a little too low, and nobody could see it.
                counting.write().aggregate.totals.notices = 0;
                tracing::warn!(
                    known_bytes,
                    "the place in the syslog where reading stopped is gone; notices after it are lost and their \
                     counter begins at 0"
                );
            }
            // A notice is a short line.
            Step::Skipped { .. } | Step::Rotated | Step::Truncated { .. } | Step::Idle => {}
        }
    }

    /// A count that is still behind the one that an earlier run has shown would be taken for a reset.
    fn caught_up(&self, book: &mut LogBook) {
        book.notices_shown = true;
    }
}
