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

/// What a table is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Address(ClientActivity),
    Network(ClientActivity),
    Sender,
    Destination,
    Socket,
    SocketOfNetwork,
}

impl TopTable {
    fn of(self) -> Of {
        match self {
            Self::Connections => Of::Address(ClientActivity::Connections),
            Self::NetworkConnections => Of::Network(ClientActivity::Connections),
            Self::Rejections => Of::Address(ClientActivity::Rejections),
            Self::NetworkRejections => Of::Network(ClientActivity::Rejections),
            Self::BadCommands => Of::Address(ClientActivity::BadCommands),
            Self::NetworkBadCommands => Of::Network(ClientActivity::BadCommands),
            Self::AuthenticationFailures => Of::Address(ClientActivity::AuthenticationFailures),
            Self::NetworkAuthenticationFailures => Of::Network(ClientActivity::AuthenticationFailures),
            Self::Senders => Of::Sender,
            Self::Destinations => Of::Destination,
            Self::Sockets => Of::Socket,
            Self::NetworkSockets => Of::SocketOfNetwork,
        }
    }

    /// What its rows are.
    pub fn who(self) -> &'static str {
        match self.of() {
            Of::Address(_) | Of::Socket => "Client",
            Of::Network(_) | Of::SocketOfNetwork => "Network",
            Of::Sender => "Sender",
            Of::Destination => "Destination",
        }
    }

    /// Whether its rows are clients, each of which may be shown by its network.
    pub fn is_of_clients(self) -> bool {
        self.who() == "Client"
    }

    /// What the MTA has to log for it: one of these.
    pub fn needs(self) -> &'static [LogOption] {
        match self.of() {
            Of::Address(deed) | Of::Network(deed) => gauges(deed).0.family.needs,
            Of::Sender => metric::SENDER_ENQUEUES.family.needs,
            Of::Destination => metric::DESTINATION_OPEN_CONNECTIONS.family.needs,
            Of::Socket | Of::SocketOfNetwork => &[],
        }
    }

    /// Whether the log shows what it counts: else nobody knows, and 0 would be wrong.
    fn is_known(self, totals: &Totals) -> bool {
        let options = totals.options;
        let clients = options.has(LogOption::Connection) || options.has(LogOption::Transport);
        match self.of() {
            Of::Address(ClientActivity::Connections)
            | Of::Network(ClientActivity::Connections)
            | Of::Destination => options.connection_entries(),
            Of::Address(ClientActivity::Rejections) | Of::Network(ClientActivity::Rejections) => {
                clients || options.connection_entries()
            }
            Of::Address(ClientActivity::BadCommands) | Of::Network(ClientActivity::BadCommands) => clients,
            Of::Address(ClientActivity::AuthenticationFailures)
            | Of::Network(ClientActivity::AuthenticationFailures) => {
                totals.entries.actions().any(|(action, count)| action == Action::Authentication && count > 0)
            }
            Of::Sender => options.has(LogOption::Username),
            Of::Socket | Of::SocketOfNetwork => true,
        }
    }
}

/// The gauges of a deed: of the busiest clients, and of the busiest one however clients are shown.
fn gauges(deed: ClientActivity) -> (&'static Metric<Gauge, 1>, &'static Metric<Gauge, 0>) {
    match deed {
        ClientActivity::Connections => (&metric::CLIENT_CONNECTIONS, &metric::CLIENT_CONNECTIONS_MAX),
        ClientActivity::Rejections => (&metric::CLIENT_REJECTIONS, &metric::CLIENT_REJECTIONS_MAX),
        ClientActivity::BadCommands => (&metric::CLIENT_BAD_COMMANDS, &metric::CLIENT_BAD_COMMANDS_MAX),
        ClientActivity::AuthenticationFailures => {
            (&metric::CLIENT_AUTHENTICATION_FAILURES, &metric::CLIENT_AUTHENTICATION_FAILURES_MAX)
        }
    }
}

/// The gauge of the busiest network.
fn network_gauge(deed: ClientActivity) -> &'static Metric<Gauge, 0> {
    match deed {
        ClientActivity::Connections => &metric::CLIENT_NETWORK_CONNECTIONS_MAX,
        ClientActivity::Rejections => &metric::CLIENT_NETWORK_REJECTIONS_MAX,
        ClientActivity::BadCommands => &metric::CLIENT_NETWORK_BAD_COMMANDS_MAX,
        ClientActivity::AuthenticationFailures => &metric::CLIENT_NETWORK_AUTHENTICATION_FAILURES_MAX,
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
    let networks = |deed| {
        let ranking = clients.networks[deed].ranking(now, asked);
        Top::new(table, ranking, |&first| display.network(first))
    };
    let mut top = match table.of() {
        Of::Address(deed) => {
            let ranking = clients.addresses[deed].ranking(now, asked);
            let top = Top::new(table, ranking, |&client| display.value(client));
            // What could be told apart of a network's addresses is less than what the network did.
            if display.shows_networks() { top.rolled_up(networks(deed)) } else { top }
        }
        Of::Network(deed) => networks(deed),
        Of::Sender => Top::new(table, totals.senders.ranking(now, asked), |user| display.user(user)),
        Of::Destination => destinations(totals, display, now),
        Of::Socket | Of::SocketOfNetwork => return None,
    };
    top.rows.truncate(most);
    Some(top)
}

fn destinations(totals: &Totals, display: &ClientDisplay, now: Time) -> Top {
    let open = totals.open_destinations.counts(now);
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
        match top.table.of() {
            Of::Address(deed) => {
                let (clients, max) = gauges(deed);
                fill(page, &top, Some(clients), max);
            }
            Of::Network(deed) => {
                let networks =
                    (deed == ClientActivity::Connections).then_some(&metric::CLIENT_NETWORK_CONNECTIONS);
                fill(page, &top, networks, network_gauge(deed));
            }
            Of::Sender => fill(page, &top, Some(&metric::SENDER_ENQUEUES), &metric::SENDER_ENQUEUES_MAX),
            Of::Destination => {
                let rows = Some(&metric::DESTINATION_OPEN_CONNECTIONS);
                fill(page, &top, rows, &metric::DESTINATION_OPEN_CONNECTIONS_MAX);
            }
            Of::Socket | Of::SocketOfNetwork => {}
        }
    }
}

/// Puts the clients of sockets on the page of metrics.
pub fn fill_sockets(page: &mut Page, snapshot: &SocketSnapshot, display: &ClientDisplay) {
    let [clients, networks] = of_sockets(snapshot, display, display.top);
    fill(page, &clients, None, &metric::CLIENT_SOCKETS_MAX);
    fill(page, &networks, None, &metric::CLIENT_NETWORK_SOCKETS_MAX);
    for row in &clients.rows {
        for (state, &count) in &row.states {
            page.count(&metric::CLIENT_SOCKETS, &[&row.name, state], count);
        }
    }
}

fn fill(page: &mut Page, top: &Top, rows: Option<&Metric<Gauge, 1>>, max: &Metric<Gauge, 0>) {
    if let Some(rows) = rows {
        for row in &top.rows {
            page.count(rows, &[&row.name], row.count);
        }
    }
    page.count(max, &[], top.max);
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
