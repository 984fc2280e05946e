//! The busiest of each kind: who, how often, and how far that may be from the truth. Gauges show the first few of them,
//! the page `/top` shows more.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Serialize;

use super::catalogue as metric;
use super::client_display::ClientDisplay;
use super::family::{Gauge, Metric};
use super::page::Page;
pub use super::top_table::TopTable;
use crate::aggregate::Totals;
use crate::aggregate::busiest::Ranking;
use crate::aggregate::client::{ClientActivity, network};
use crate::aggregate::time::Time;
use crate::observed::Observed;
use crate::record::code::Action;
use crate::record::option::LogOption;
use crate::source::sockets::{SocketSnapshot, StateCounts, TcpState};

/// Who is ranked, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ranked {
    Clients(ClientActivity),
    Networks(ClientActivity),
    Senders,
    Destinations,
    ClientsBySockets,
    NetworksBySockets,
}

/// The gauge of the first few of a table, where one number says all of each.
type First = Option<&'static Metric<Gauge, 1>>;
/// The gauge of its greatest count, however clients are shown.
type Greatest = &'static Metric<Gauge, 0>;

impl TopTable {
    /// THE table of what each is: who is ranked, and the gauges that show it, which say what the log has to show.
    fn row(self) -> (Ranked, First, Greatest) {
        use ClientActivity::{AuthenticationFailures, BadCommands, Connections, Rejections};
        use Ranked::{Clients, ClientsBySockets, Destinations, Networks, NetworksBySockets, Senders};
        match self {
            Self::Connections => {
                (Clients(Connections), Some(&metric::CLIENT_CONNECTIONS), &metric::CLIENT_CONNECTIONS_MAX)
            }
            Self::NetworkConnections => (
                Networks(Connections),
                Some(&metric::CLIENT_NETWORK_CONNECTIONS),
                &metric::CLIENT_NETWORK_CONNECTIONS_MAX,
            ),
            Self::Rejections => {
                (Clients(Rejections), Some(&metric::CLIENT_REJECTIONS), &metric::CLIENT_REJECTIONS_MAX)
            }
            Self::NetworkRejections => (Networks(Rejections), None, &metric::CLIENT_NETWORK_REJECTIONS_MAX),
            Self::BadCommands => {
                (Clients(BadCommands), Some(&metric::CLIENT_BAD_COMMANDS), &metric::CLIENT_BAD_COMMANDS_MAX)
            }
            Self::NetworkBadCommands => {
                (Networks(BadCommands), None, &metric::CLIENT_NETWORK_BAD_COMMANDS_MAX)
            }
            Self::AuthenticationFailures => (
                Clients(AuthenticationFailures),
                Some(&metric::CLIENT_AUTHENTICATION_FAILURES),
                &metric::CLIENT_AUTHENTICATION_FAILURES_MAX,
            ),
            Self::NetworkAuthenticationFailures => {
                (Networks(AuthenticationFailures), None, &metric::CLIENT_NETWORK_AUTHENTICATION_FAILURES_MAX)
            }
            Self::Senders => (Senders, Some(&metric::SENDER_ENQUEUES), &metric::SENDER_ENQUEUES_MAX),
            Self::Destinations => (
                Destinations,
                Some(&metric::DESTINATION_OPEN_CONNECTIONS),
                &metric::DESTINATION_OPEN_CONNECTIONS_MAX,
            ),
            Self::Sockets => (ClientsBySockets, None, &metric::CLIENT_SOCKETS_MAX),
            Self::NetworkSockets => (NetworksBySockets, None, &metric::CLIENT_NETWORK_SOCKETS_MAX),
        }
    }

    /// What its rows are.
    pub fn who(self) -> &'static str {
        match self.row().0 {
            Ranked::Clients(_) | Ranked::ClientsBySockets => "Client",
            Ranked::Networks(_) | Ranked::NetworksBySockets => "Network",
            Ranked::Senders => "Sender",
            Ranked::Destinations => "Destination",
        }
    }

    /// Whether its rows are clients, each of which may be shown by its network.
    pub fn is_of_clients(self) -> bool {
        self.who() == "Client"
    }

    /// What the MTA has to log for it: one of these, as its gauges need it; nothing for what no log tells.
    pub fn needs(self) -> &'static [LogOption] {
        self.row().2.family.needs
    }

    /// Whether the log shows what it counts: else nobody knows, and 0 would be wrong.
    fn is_known(self, totals: &Totals) -> bool {
        self.needs().iter().any(|&option| shows(totals, option))
    }
}

/// Whether the log has shown what an option adds.
fn shows(totals: &Totals, option: LogOption) -> bool {
    let options = totals.options;
    match option {
        LogOption::ConnectionEntries => options.connection_entries(),
        LogOption::AuthenticationEntries => {
            totals.entries.actions().any(|(action, count)| action == Action::Authentication && count > 0)
        }
        // Transport information has the client's address as well.
        LogOption::Connection => options.has(LogOption::Connection) || options.has(LogOption::Transport),
        other => options.has(other),
    }
}

/// One of the busiest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Who, as clients are shown.
    pub name: String,
    /// How often.
    pub count: u64,
    /// The same by state, of sockets.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub states: BTreeMap<&'static str, u64>,
}

impl Row {
    fn of_sockets(name: String, states: &StateCounts) -> Self {
        let counted = TcpState::ALL.iter().zip(states).filter(|&(_, &count)| count > 0);
        let by_state = counted.map(|(state, &count)| (state.label(), count)).collect();
        Self { name, count: states.iter().sum(), states: by_state }
    }
}

/// The busiest of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Top {
    /// Which.
    pub table: TopTable,
    /// The greatest count first; empty where clients are not shown.
    pub rows: Vec<Row>,
    /// The greatest count, whoever it is.
    pub max: u64,
    /// The sum of all counts, shown or not.
    pub all: u64,
    /// How much less than the truth a count may be.
    pub error_bound: u64,
}

impl Top {
    fn new<N>(table: TopTable, ranking: Ranking<N>, name: impl Fn(&N) -> Option<String>) -> Self {
        let Ranking { rows, events, error_bound } = ranking;
        let max = rows.first().map_or(0, |row| row.1);
        let row =
            |(key, count): &(N, u64)| Some(Row { name: name(key)?, count: *count, states: BTreeMap::new() });
        Self { table, rows: rows.iter().filter_map(row).collect(), max, all: events, error_bound }
    }

    /// The same with the rows of networks.
    fn rolled_up(self, networks: Self) -> Self {
        Self { rows: networks.rows, error_bound: self.error_bound.max(networks.error_bound), ..self }
    }
}

/// The tables that logs feed, with `most` rows each; those of which the log tells nothing are not there.
pub fn of_logs(totals: &Totals, display: &ClientDisplay, now: Time, most: usize) -> Vec<Top> {
    let known = TopTable::ALL.iter().copied().filter(|table| table.is_known(totals));
    known.filter_map(|table| of_log(table, totals, display, now, most)).collect()
}

fn of_log(table: TopTable, totals: &Totals, display: &ClientDisplay, now: Time, most: usize) -> Option<Top> {
    // One is needed for the maximum.
    let asked = most.max(1);
    let clients = &totals.clients;
    let networks = |activity| {
        let ranking = clients.networks[activity].ranking(now, asked);
        Top::new(table, ranking, |&first| display.network(first))
    };
    let mut top = match table.row().0 {
        Ranked::Clients(activity) => {
            let ranking = clients.addresses[activity].ranking(now, asked);
            let top = Top::new(table, ranking, |&client| display.value(client));
            // What could be told apart of a network's addresses is less than what the network did.
            if display.shows_networks() { top.rolled_up(networks(activity)) } else { top }
        }
        Ranked::Networks(activity) => networks(activity),
        Ranked::Senders => Top::new(table, totals.senders.ranking(now, asked), |user| display.user(user)),
        Ranked::Destinations => destinations(totals, display, now),
        Ranked::ClientsBySockets | Ranked::NetworksBySockets => return None,
    };
    top.rows.truncate(most);
    Some(top)
}

fn destinations(totals: &Totals, display: &ClientDisplay, now: Time) -> Top {
    let open = totals.connections.counts_by_destination(&totals.open_destinations, now);
    let mut by_name: BTreeMap<String, u64> = BTreeMap::new();
    for (destination, count) in open {
        *by_name.entry(display.host(destination)).or_insert(0) += count;
    }
    let mut rows: Vec<_> = by_name.into_iter().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.1));
    let events = rows.iter().map(|row| row.1).sum();
    let error_bound = totals.open_destinations.left_out_before(now);
    Top::new(TopTable::Destinations, Ranking { rows, events, error_bound }, |name| Some(name.clone()))
}

/// The tables of sockets, with `most` rows each.
pub fn of_sockets(snapshot: &SocketSnapshot, display: &ClientDisplay, most: usize) -> [Top; 2] {
    let sockets = snapshot.states.iter().filter(|((_, state), _)| *state != TcpState::Listen);
    let all: u64 = sockets.map(|row| row.1).sum();
    let told_apart: u64 = snapshot.clients.iter().flat_map(|(_, states)| states).sum();
    let top = |table,
               error_bound,
               mut rows: Vec<(IpAddr, StateCounts)>,
               name: &dyn Fn(IpAddr) -> Option<String>| {
        let count = |row: &(IpAddr, StateCounts)| row.1.iter().sum::<u64>();
        rows.sort_by_key(|row| (std::cmp::Reverse(count(row)), row.0));
        let max = rows.first().map_or(0, count);
        let named = rows.iter().filter_map(|row| Some(Row::of_sockets(name(row.0)?, &row.1)));
        Top { table, rows: named.take(most).collect(), max, all, error_bound }
    };
    // Whoever is not among the clients may be in a network.
    let networks = top(
        TopTable::NetworkSockets,
        all.saturating_sub(told_apart),
        rolled_up(snapshot, network),
        &|first| display.network(first),
    );
    let clients =
        top(TopTable::Sockets, snapshot.clients_left_out, rolled_up(snapshot, |client| client), &|client| {
            display.value(client)
        });
    if display.shows_networks() {
        return [clients.rolled_up(networks.clone()), networks];
    }
    [clients, networks]
}

fn rolled_up(snapshot: &SocketSnapshot, key: fn(IpAddr) -> IpAddr) -> Vec<(IpAddr, StateCounts)> {
    let mut sums = BTreeMap::new();
    for (client, states) in &snapshot.clients {
        let sum: &mut StateCounts = sums.entry(key(*client)).or_default();
        sum.iter_mut().zip(states).for_each(|(sum, count)| *sum += count);
    }
    sums.into_iter().collect()
}

/// Everything that is known of them now, with `most` rows each.
pub fn all(observed: &Observed, display: &ClientDisplay, most: usize) -> Vec<Top> {
    let mut tables = Vec::new();
    {
        let book = observed.logs();
        if book.shown {
            let now = observed.clock.now().shown(&book.aggregate).now();
            tables = of_logs(&book.aggregate.totals, display, now, most);
        }
    }
    if let Some(snapshot) = observed.collected.found::<SocketSnapshot>() {
        tables.extend(of_sockets(&snapshot, display, most));
    }
    tables
}

/// Puts the tables that logs feed on the page of metrics.
pub fn fill_logs(page: &mut Page, totals: &Totals, display: &ClientDisplay, now: Time) {
    for top in of_logs(totals, display, now, display.top) {
        fill(page, &top);
    }
}

/// Puts the clients of sockets on the page of metrics.
pub fn fill_sockets(page: &mut Page, snapshot: &SocketSnapshot, display: &ClientDisplay) {
    let [clients, networks] = of_sockets(snapshot, display, display.top);
    fill(page, &clients);
    fill(page, &networks);
    for row in &clients.rows {
        for (state, &count) in &row.states {
            page.count(&metric::CLIENT_SOCKETS, &[&row.name, state], count);
        }
    }
}

fn fill(page: &mut Page, top: &Top) {
    let (_, first, greatest) = top.table.row();
    if let Some(first) = first {
        for row in &top.rows {
            page.count(first, &[&row.name], row.count);
        }
    }
    page.count(greatest, &[], top.max);
    page.count(&metric::TOP_ERROR_BOUND, &[top.table.label()], top.error_bound);
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{ClientDisplay, Row, Top, TopTable, of_logs, of_sockets};
    use crate::aggregate::time::Time;
    use crate::aggregate::{Aggregate, Totals};
    use crate::config::ClientLabel;
    use crate::counting::LogReader;
    use crate::record::Dialect;
    use crate::source::sockets::{SocketSnapshot, TcpState};

    fn display(label: ClientLabel) -> ClientDisplay {
        ClientDisplay { label, top: 2, seed: 3 }
    }

    fn names(top: &Top) -> Vec<(&str, u64)> {
        top.rows.iter().map(|row| (row.name.as_str(), row.count)).collect()
    }

    /// 3,000 addresses of one network once each, and one of another a few times.
    fn flooded() -> (Totals, Time) {
        let mut aggregate = Aggregate::new(Totals::new(3), jiff::tz::TimeZone::UTC, 1024);
        let log = aggregate.totals.accounts.index("mail.log_current");
        let line = |client: String| {
            format!("19-Jan-2026 19:00:00.00 tcp_local + O TCP|192.0.2.1|25|{client}|4000 SMTP\n")
        };
        let crowd = (0..3000).map(|n| line(format!("2001:db8::{n:x}")));
        let lines: String = crowd.chain((0..5).map(|_| line("192.0.2.7".to_owned()))).collect();
        LogReader::new(Dialect::default(), usize::MAX).count(lines.as_bytes(), &mut aggregate, log, None);
        let now = aggregate.totals.accounts.newest_entry().expect("entries");
        (aggregate.totals, now)
    }

    #[test]
    fn what_is_shown_is_within_the_bound_however_clients_are_shown() {
        let (totals, now) = flooded();
        let [address, network, off] =
            [ClientLabel::Address, ClientLabel::Network, ClientLabel::Off].map(|label| {
                let tables = of_logs(&totals, &display(label), now, 2);
                let table = |table| tables.iter().find(|top| top.table == table).expect("known").clone();
                [table(TopTable::Connections), table(TopTable::NetworkConnections)]
            });
        assert_eq!(names(&address[0])[0], ("192.0.2.7", 5));
        let networks = [("2001:db8::/64", 3000), ("192.0.2.0/24", 5)];
        for top in [&address[1], &network[0], &network[1]] {
            assert_eq!((names(top).as_slice(), top.all), (&networks[..], 3005), "{:?}", top.table);
        }
        for [clients, networks] in [&address, &network, &off] {
            // The maximum and its bound are of single addresses, whatever is shown.
            assert_eq!((clients.max, clients.error_bound), (5, 1));
            assert_eq!((networks.max, networks.error_bound), (3000, 0));
        }
        assert!(off.iter().all(|top| top.rows.is_empty()));
    }

    #[test]
    fn of_an_empty_log_nothing_is_known() {
        assert!(of_logs(&Totals::new(3), &display(ClientLabel::Address), Time::of(0), 2).is_empty());
    }

    #[test]
    fn sockets_have_states_and_a_bound_for_networks() {
        let mut snapshot = SocketSnapshot { clients_left_out: 4, ..SocketSnapshot::default() };
        snapshot.states.insert((25, TcpState::Established), 20);
        snapshot.states.insert((25, TcpState::Listen), 1);
        for (client, established, waiting) in
            [("192.0.2.1", 5, 0), ("192.0.2.2", 4, 1), ("203.0.113.1", 6, 0)]
        {
            let mut states = [0; TcpState::ALL.len()];
            (states[TcpState::Established as usize], states[TcpState::CloseWait as usize]) =
                (established, waiting);
            snapshot.clients.push((client.parse::<IpAddr>().expect("an address"), states));
        }
        let [clients, networks] = of_sockets(&snapshot, &display(ClientLabel::Address), 2);
        assert_eq!(names(&clients), [("203.0.113.1", 6), ("192.0.2.1", 5)]);
        assert_eq!((clients.max, clients.all, clients.error_bound), (6, 20, 4));
        let states = [("close_wait", 1), ("established", 9)].into();
        assert_eq!(networks.rows[0], Row { name: "192.0.2.0/24".to_owned(), count: 10, states });
        assert_eq!((networks.max, networks.error_bound), (10, 4), "16 of 20 are of clients that are known");
        let [clients, _] = of_sockets(&snapshot, &display(ClientLabel::Network), 2);
        assert_eq!((names(&clients)[0], clients.max), (("192.0.2.0/24", 10), 6));
        let [clients, networks] = of_sockets(&snapshot, &display(ClientLabel::Off), 2);
        assert_eq!((clients.rows.len(), networks.rows.len(), networks.max), (0, 0, 10));
    }
}
