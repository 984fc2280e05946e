//! What is looked at each second, so that it is known what it was like some minutes ago.

use std::time::Duration;

use super::Observed;
use super::lately::{SUMS, Seen, Sum};
use super::log_book::LogBook;
use super::queue::Queue;
use super::situation::{FRESH, delivered};
use crate::aggregate::Totals;
use crate::aggregate::time::Time;
use crate::findings::situation::Situation;
use crate::findings::source::Source;
use crate::record::Direction;
use crate::record::authentication::AuthenticationFailure;
use crate::record::reason::Reason;
use crate::source::sockets::{SocketSnapshot, TcpState};

/// What guesses at passwords are not: a directory that is away, a client that goes away or asks for what there is not.
const NO_GUESSES: [AuthenticationFailure; 4] = [
    AuthenticationFailure::Unavailable,
    AuthenticationFailure::Aborted,
    AuthenticationFailure::Mechanism,
    AuthenticationFailure::Policy,
];

impl Observed {
    /// Takes note of what sums are like now; to be called each second.
    pub fn look(&self) {
        let at = self.clock.monotonic();
        let queue = self.collected.found::<Queue>().map(|queue| {
            let channels = queue.snapshot.channels.iter();
            channels.map(|(name, channel)| (name.clone(), channel.messages)).collect()
        });
        let save_failures = self.state.lock().failures;
        let seen = {
            let book = self.logs();
            let now = self.clock.now().shown(&book.aggregate).now();
            let lines = book.aggregate.totals.accounts.all().iter();
            let lines = lines.map(|account| (account.name.clone(), [account.unparsed.sum(), account.lines]));
            let sums = book.is_read_until(now).then(|| sums(&book.aggregate.totals));
            Seen { sums, lines: lines.collect(), queue, save_failures }
        };
        self.lately.lock().note(at, seen);
    }

    /// What was noted of the last minutes.
    pub(super) fn look_back(&self, situation: &mut Situation) {
        let limits = &self.limits;
        let lately = self.lately.lock();
        let (window, shown) = (limits.silent_window, &mut situation.lately);
        let silent = lately.covers(window)
            && [Sum::Attempts, Sum::Enqueued].iter().all(|&sum| lately.grew(sum, window) == 0);
        shown.unlogged_changes = silent.then(|| lately.grew(Sum::QueueChanges, window));
        let lines = lately.lines(limits.unparsed_window);
        shown.lines = lines.map(|(log, [unparsed, lines])| (log.to_owned(), unparsed, lines)).collect();
        shown.save_failures = lately.save_failures(limits.save_window);
        drop(lately);
        situation.lately.lagging = self.lagging();
        situation.state_problem.clone_from(&self.state.lock().problem);
        if let Some(sockets) = self.collected.found::<SocketSnapshot>() {
            let of = |port, state| sockets.states.get(&(port, state)).copied().unwrap_or_default();
            let half_open = sockets
                .states
                .keys()
                .map(|&(port, _)| (port, (of(port, TcpState::SynRecv), of(port, TcpState::Established))));
            situation.half_open = half_open.collect();
        }
        self.look_at_deliveries(limits.undelivered_window, situation);
    }

    /// Logs that are not read to their end, and since when.
    fn lagging(&self) -> Vec<(String, f64)> {
        let (book, now) = (self.logs(), self.clock.steady_seconds());
        let behind = book.following.iter().filter(|log| log.lag_bytes.is_some_and(|lag| lag > 0));
        behind.filter_map(|log| Some((log.log.clone(), now - log.caught_up_at?))).collect()
    }

    /// What channels delivered in which new messages wait.
    fn look_at_deliveries(&self, window: Duration, situation: &mut Situation) {
        if !situation.known.has(Source::Logs) {
            return;
        }
        let book = self.logs();
        let (now, history) = (self.clock.now().shown(&book.aggregate).now(), book.history.lock());
        for (name, channel) in &mut situation.channels {
            let queue = channel.queue.as_mut().filter(|queue| queue.new >= self.limits.undelivered_messages);
            if let Some(queue) = queue {
                queue.delivered = delivered(&history, name, window, now);
            }
        }
    }
}

impl LogBook {
    /// Whether all that the logs say up to now has been counted, or nearly so.
    pub(super) fn is_read_until(&self, now: Time) -> bool {
        let until = self.history.lock().known_until();
        self.shown
            && !self.catching_up
            && self.reading.runs > 0
            && until.is_some_and(|until| now.since(until) < FRESH)
    }
}

fn sums(totals: &Totals) -> [u64; SUMS] {
    let mut sums = [0; SUMS];
    let mut add = |sum: Sum, count: u64| sums[sum as usize] += count;
    for (_, channel) in totals.channels.all() {
        add(Sum::RelayDenied, channel.rejections.get(Reason::RelayDenied));
        let others = NO_GUESSES.iter().map(|&failure| channel.authentication_failures.get(failure));
        add(Sum::Guesses, channel.authentication_failures.sum() - others.sum::<u64>());
        add(Sum::Authentications, channel.authentications.sum());
        add(Sum::Connections, channel.connections[Direction::In].opened);
        add(Sum::Attempts, channel.attempts);
    }
    add(Sum::Enqueued, totals.enqueues.pairs().iter().map(|pair| pair.recipients).sum());
    sums
}
