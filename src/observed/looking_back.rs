//! What is looked at each second, so that it is known what it was like some minutes ago.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::lately::{Lately, SUMS, Seen, Sum};
use super::log_book::LogBook;
use super::queue::Queue;
use super::situation::{FRESH, delivered, delivered_within};
use super::{Now, Observed};
use crate::aggregate::Totals;
use crate::aggregate::busiest::Ranking;
use crate::aggregate::client::ClientActivity;
use crate::aggregate::time::Time;
use crate::findings::channels::is_store;
use crate::findings::measure::{Measure, Measured};
use crate::findings::situation::{CAPPED, Compared, NEEDED, Situation};
use crate::findings::source::Source;
use crate::record::Direction;
use crate::record::authentication::AuthenticationFailure;
use crate::record::reason::Reason;
use crate::source::processes::ProcessSnapshot;
use crate::source::sockets::{ListenQueue, SocketSnapshot, TcpState};

/// What guesses at passwords are not: a directory that is away, a client that goes away or asks for what there is not.
const NO_GUESSES: [AuthenticationFailure; 4] = [
    AuthenticationFailure::Unavailable,
    AuthenticationFailure::Aborted,
    AuthenticationFailure::Mechanism,
    AuthenticationFailure::Policy,
];

/// Measures in their order.
const ALL: [Measure; 6] = [
    Measure::Connections,
    Measure::Client,
    Measure::Network,
    Measure::RelayDenied,
    Measure::Guesses,
    Measure::Sender,
];
/// For so long somebody has to have looked before growth is compared.
const MINUTE: Duration = Duration::from_mins(1);

impl Observed {
    /// Takes note of what sums are like now; to be called each second.
    pub fn look(&self, now: Now) {
        let at = now.monotonic;
        let queue = self.collected.found::<Queue>().map(|queue| {
            let channels = queue.snapshot.channels.iter();
            channels.map(|(name, channel)| (name.clone(), channel.messages)).collect()
        });
        let save_failures = self.state.lock().failures;
        let seen = {
            let book = self.logs();
            let present = now.shown(&book.aggregate).now();
            let lines = book.aggregate.totals.accounts.all().iter();
            let lines = lines.map(|account| (account.name.clone(), [account.unparsed.sum(), account.lines]));
            let sums = book.is_read_until(present).then(|| sums(&book.aggregate.totals));
            let capped = capped(&book.aggregate.totals);
            let (sockets, starts) = (self.collected.found::<SocketSnapshot>(), self.starts());
            let overflows = sockets.as_ref().and_then(|sockets| Some(sockets.drops.as_ref()?.overflows));
            let listen_queues = sockets.map(|sockets| listen_queues(&sockets)).unwrap_or_default();
            self.look_at_losses(&book, present);
            Seen {
                sums,
                lines: lines.collect(),
                queue,
                save_failures,
                overflows,
                listen_queues,
                starts,
                capped,
            }
        };
        let known = seen.sums.is_some();
        self.lately.lock().note(at, seen);
        self.look_at_the_busiest(now, known);
        self.look_at_quarters(now, known);
        self.look_at_space(now);
    }

    /// How often what is needed was started, as far as the table of processes was read.
    fn starts(&self) -> Option<[u64; NEEDED.len()]> {
        let found = self.collected.found::<ProcessSnapshot>()?;
        Some(NEEDED.map(|process| found.processes.get(process).map_or(0, |group| group.starts_total)))
    }

    fn look_at_losses(&self, book: &LogBook, now: Time) {
        let accounts = book.aggregate.totals.accounts.all().iter();
        let losses = accounts.map(|account| (account.name.as_str(), account.gaps + account.truncations));
        let set_aside = self.state.lock().set_aside;
        self.usual.lock().losses.note(now, losses, set_aside);
    }

    /// One of the busiest each second, since it takes a walk through all that were told apart; each minute what is usual.
    fn look_at_the_busiest(&self, now: Now, known: bool) {
        let mut lately = self.lately.lock();
        if !known {
            lately.greatest = [None; 3];
            return;
        }
        let book = self.logs();
        let (at, totals) = (now.monotonic, &book.aggregate.totals);
        let now = now.shown(&book.aggregate).now();
        let connections = ClientActivity::Connections;
        let most = |ranking: Ranking<IpAddr>| ranking.rows.first().map_or(0, |&(_, count)| count);
        match at.as_secs() % 10 {
            1 => lately.greatest[0] = Some(most(totals.clients.addresses[connections].ranking(now, 1))),
            4 => lately.greatest[1] = Some(most(totals.clients.networks[connections].ranking(now, 1))),
            7 => {
                let senders = totals.senders.ranking(now, 1);
                lately.greatest[2] = Some(senders.rows.first().map_or(0, |(_, count)| *count));
            }
            _ => {}
        }
        let mut usual = self.usual.lock();
        if usual.has_noted(now) {
            return;
        }
        // What of which there was nothing at all teaches no 0: nobody logged, or the node was the passive one.
        let quiet = lately.lines(self.limits.rate_window).all(|(_, [_, lines])| lines == 0);
        let measured = self.measured(&lately);
        let connections =
            [Measure::Connections, Measure::Client, Measure::Network].map(|measure| measure as usize);
        let teaches = |(measure, seen): (usize, Option<u64>)| {
            seen.filter(|&seen| !quiet && (seen > 0 || !connections.contains(&measure)))
        };
        let mut taught = Measured::default();
        taught
            .iter_mut()
            .zip(measured.into_iter().enumerate())
            .for_each(|(taught, seen)| *taught = teaches(seen));
        usual.note(now, taught);
        let domains = totals.destinations.domains_of(now, |_| true);
        for (index, &domains) in domains.iter() {
            usual.note_domains(now, totals.channels.label(index), domains);
        }
        usual.forget_old_domains(now);
    }

    /// What is compared with what is usual.
    fn measured(&self, lately: &Lately) -> Measured {
        let limits = &self.limits;
        let [client, network, sender] = lately.greatest;
        let grew = |sum, window| lately.covers(MINUTE).then(|| lately.grew(sum, window));
        let mut measured = Measured::default();
        for (measure, seen) in [
            (Measure::Connections, grew(Sum::Connections, limits.rate_window)),
            (Measure::Client, client),
            (Measure::Network, network),
            (Measure::RelayDenied, grew(Sum::RelayDenied, limits.abuse_window)),
            (Measure::Guesses, grew(Sum::Guesses, limits.abuse_window)),
            (Measure::Sender, sender),
        ] {
            measured[measure as usize] = seen;
        }
        measured
    }

    /// The same beside what is usual.
    fn compare(&self, lately: &Lately, situation: &mut Situation, now: Now) {
        if !situation.known.has(Source::Logs) {
            return;
        }
        let limits = &self.limits;
        let now = {
            let book = self.logs();
            now.shown(&book.aggregate).now()
        };
        let usual = self.usual.lock();
        for (&measure, seen) in ALL.iter().zip(self.measured(lately)) {
            situation.compared[measure as usize] = seen.map(|seen| Compared {
                now: seen,
                usual: usual.usual(measure, now, limits),
                last_week: usual.same_hours(measure, now, limits),
            });
        }
        situation.enqueued_lately = lately.grew(Sum::Enqueued, limits.abuse_window);
        situation.authentications_lately = lately.grew(Sum::Authentications, limits.abuse_window);
        for (name, channel) in &mut situation.channels {
            let Some(traffic) = &mut channel.traffic else { continue };
            traffic.quarter = lately.quarters.get(name).copied().unwrap_or_default();
            if traffic.window.failed() + traffic.quarter.failing > 0 {
                traffic.domains_of_day = usual.domains_of_day(name);
            }
        }
    }

    /// What was noted of the last minutes.
    pub(super) fn look_back(&self, situation: &mut Situation, now: Now) {
        let limits = &self.limits;
        let lately = self.lately.lock();
        let (window, shown) = (limits.silent_window, &mut situation.lately);
        let silent = lately.covers(window)
            && [Sum::Attempts, Sum::Enqueued].iter().all(|&sum| lately.grew(sum, window) == 0);
        shown.unlogged_changes = silent.then(|| lately.grew(Sum::QueueChanges, window));
        let lines = lately.lines(limits.unparsed_window);
        shown.lines = lines.map(|(log, [unparsed, lines])| (log.to_owned(), unparsed, lines)).collect();
        shown.save_failures = lately.save_failures(limits.save_window);
        shown.starts = lately.starts(limits.starts_window);
        shown.listen_queues = lately.listen_queues(limits.listen_window).collect();
        shown.capped = lately.capped(limits.labels_window);
        situation.listen_overflows = lately.overflows(limits.listen_window);
        self.compare(&lately, situation, now);
        drop(lately);
        situation.lately.lagging = self.lagging(now);
        self.look_ahead(situation, now);
        let present = now.shown(&self.logs().aggregate).now();
        let usual = self.usual.lock();
        let losses = usual.losses.within(limits.loss_window, present);
        situation.lately.losses = losses.map(|log| log.map(str::to_owned)).collect();
        drop(usual);
        situation.state_problem.clone_from(&self.state.lock().problem);
        situation.untold = self.notified.untold(limits.notify_window, now.monotonic);
        if let Some(sockets) = self.collected.found::<SocketSnapshot>() {
            let of = |port, state| sockets.states.get(&(port, state)).copied().unwrap_or_default();
            let half_open = sockets
                .states
                .keys()
                .map(|&(port, _)| (port, (of(port, TcpState::SynRecv), of(port, TcpState::Established))));
            situation.half_open = half_open.collect();
        }
        self.look_at_deliveries(limits.undelivered_window, situation, now);
    }

    /// Logs that are not read to their end, and since when.
    fn lagging(&self, now: Now) -> Vec<(String, f64)> {
        let (book, now) = (self.logs(), now.steady_seconds);
        let behind = book.following.iter().filter(|log| log.lag_bytes.is_some_and(|lag| lag > 0));
        behind.filter_map(|log| Some((log.log.clone(), now - log.caught_up_at?))).collect()
    }

    /// What channels delivered in which new messages wait.
    fn look_at_deliveries(&self, window: Duration, situation: &mut Situation, now: Now) {
        if !situation.known.has(Source::Logs) {
            return;
        }
        let book = self.logs();
        let (now, history) = (now.shown(&book.aggregate).now(), book.history.lock());
        for (name, channel) in &mut situation.channels {
            let Some(queue) = &mut channel.queue else { continue };
            if queue.new >= self.limits.of_channel(name).undelivered_messages {
                queue.delivered = delivered(&history, name, window, now);
            }
            if queue.new >= self.limits.of_channel(name).store_messages && is_store(name) {
                queue.delivered_in_hour = delivered_within(&history, name, self.limits.store_window, now);
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

/// How full listen queues are whose limit is known.
fn listen_queues(sockets: &SocketSnapshot) -> BTreeMap<u16, f64> {
    let share = |queue: &ListenQueue| {
        queue.limit.filter(|&limit| limit > 0).map(|limit| f64::from(queue.used) / f64::from(limit))
    };
    sockets.listeners.iter().filter_map(|(&port, queue)| Some((port, share(queue)?))).collect()
}

/// Entries for which the tables of [`CAPPED`] had no room.
fn capped(totals: &Totals) -> [u64; CAPPED.len()] {
    let mut capped = [0; CAPPED.len()];
    for (table, left_out) in totals.left_out() {
        if let Some(place) = CAPPED.iter().position(|known| *known == table) {
            capped[place] += left_out;
        }
    }
    capped
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
