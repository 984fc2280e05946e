//! When lines were last lost, which happens once: an alert says so for a while, also after a restart.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::aggregate::time::{Millis, Time};

/// Losses of the logs, and of the saved state.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Losses {
    logs: BTreeMap<String, Loss>,
    /// When a state was last set aside.
    state: Option<Time>,
    /// How many were in this run.
    #[serde(skip)]
    set_aside: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Loss {
    /// How many were counted when somebody last looked, in an earlier run perhaps.
    count: u64,
    /// When there were more than before.
    at: Option<Time>,
}

impl Losses {
    /// Takes how often lines of each log may have been lost so far, and how many states were set aside in this run. A log
    /// that is seen for the first time has lost nothing that anybody knows of.
    pub fn note<'a>(&mut self, now: Time, logs: impl IntoIterator<Item = (&'a str, u64)>, set_aside: u64) {
        let before = std::mem::take(&mut self.logs);
        for (log, count) in logs {
            let last = before.get(log).copied().unwrap_or(Loss { count, at: None });
            let at = if count > last.count { Some(now) } else { last.at.map(|at| at.min(now)) };
            self.logs.insert(log.to_owned(), Loss { count, at });
        }
        let more = std::mem::replace(&mut self.set_aside, set_aside) < set_aside;
        self.state = if more { Some(now) } else { self.state.map(|at| at.min(now)) };
    }

    /// Where there was a loss in a time until now: a log, or nothing for the saved state.
    pub fn within(&self, window: Duration, now: Time) -> impl Iterator<Item = Option<&str>> {
        let recent = move |at: Option<Time>| at.is_some_and(|at| now.since(at) < Millis::from(window));
        let logs = self.logs.iter().filter(move |(_, loss)| recent(loss.at));
        logs.map(|(log, _)| Some(log.as_str())).chain(recent(self.state).then_some(None))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Losses;
    use crate::aggregate::time::Time;

    const WINDOW: Duration = Duration::from_mins(15);

    fn minute(number: i64) -> Time {
        Time::of(1_795_000_000_000 + number * 60_000)
    }

    #[test]
    fn a_loss_is_said_for_a_while_and_what_was_there_before_is_none() {
        let mut losses = Losses::default();
        let within = |losses: &Losses, at| {
            losses.within(WINDOW, minute(at)).map(|log| log.unwrap_or("state").to_owned()).collect::<Vec<_>>()
        };
        losses.note(minute(0), [("mail.log_current", 3)], 0);
        assert_eq!(within(&losses, 0), [""; 0]);
        losses.note(minute(1), [("mail.log_current", 4)], 0);
        assert_eq!(within(&losses, 15), ["mail.log_current"]);
        assert_eq!(within(&losses, 16), [""; 0]);
        // A restart goes on with it, and sees what was lost meanwhile; a state that was set aside begins anew.
        let bytes = rmp_serde::to_vec_named(&losses).expect("saved");
        let mut restarted: Losses = rmp_serde::from_slice(&bytes).expect("read");
        assert_eq!(within(&restarted, 2), ["mail.log_current"]);
        restarted.note(minute(20), [("mail.log_current", 5), ("connection.log_current", 9)], 0);
        assert_eq!(within(&restarted, 20), ["mail.log_current"]);
        let mut begun = Losses::default();
        begun.note(minute(20), [("mail.log_current", 0)], 1);
        begun.note(minute(21), [("mail.log_current", 0)], 1);
        assert_eq!((within(&begun, 34), within(&begun, 35)), (vec!["state".to_owned()], vec![]));
        // A clock that was ahead does not make it last.
        begun.note(minute(-99), [("mail.log_current", 0)], 1);
        assert_eq!(within(&begun, -84), [""; 0]);
    }
}
