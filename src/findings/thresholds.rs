//! THE thresholds: from where on something is a finding, on the status page, in a report, and for an alert.
//!
//! `alerts/thresholds.yml` has them all, with units, and is compiled in; `table.rs` reads it. Here each of those that a
//! finding looks at gets its type. `[alerting.thresholds]` of the configuration is a table with other values.

mod table;
mod unit;

use std::collections::BTreeMap;
use std::time::Duration;

pub use table::{AlertRow, Row, Table, table};
pub use unit::{Unit, Value};

use super::share;

/// What a field is made of.
trait Field: Sized {
    fn of(value: Value) -> Option<Self>;
}

impl Field for u64 {
    fn of(value: Value) -> Option<Self> {
        if let Value::Count(count) = value { Some(count) } else { None }
    }
}

impl Field for f64 {
    fn of(value: Value) -> Option<Self> {
        match value {
            Value::Share(value) | Value::Times(value) => Some(value),
            Value::Count(_) | Value::Duration(_) => None,
        }
    }
}

impl Field for Duration {
    fn of(value: Value) -> Option<Self> {
        if let Value::Duration(duration) = value { Some(duration) } else { None }
    }
}

macro_rules! thresholds {
    ($($name:ident: $type:ty,)*) => {
        /// Those that findings look at.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Thresholds {
            $(#[doc = concat!("`", stringify!($name), "` of `alerts/thresholds.yml`.")] pub $name: $type,)*
            /// `spike_window` as the rules of this site have it: where scrapes are rare it is longer.
            pub scraped_spike_window: Duration,
            /// Those of single channels, where they have others.
            pub by_channel: BTreeMap<String, Self>,
        }

        impl Thresholds {
            /// The fields, by the names of their rows.
            pub const NAMES: &[&str] = &[$(stringify!($name)),*];

            /// Those of a table.
            ///
            /// # Errors
            ///
            /// Names the field whose row is missing, or has a unit of another type.
            pub fn of(table: &Table) -> Result<Self, String> {
                let limits = Self {
                    $($name: field(table, stringify!($name))?,)*
                    scraped_spike_window: Duration::ZERO,
                    by_channel: BTreeMap::new(),
                };
                Ok(Self { scraped_spike_window: limits.spike_window, ..limits })
            }
        }
    };
}

thresholds! {
    attempts: u64,
    failing_share: f64,
    spike_window: Duration,
    small_attempts: u64,
    small_share: f64,
    failing_domains: u64,
    hour_deliveries: u64,
    one_domain_share: f64,
    domains: u64,
    many_domains: u64,
    many_domains_share: f64,
    one_domain_failures: u64,
    one_domain_failing_share: f64,
    dead_destination_attempts: u64,
    dead_destination_share: f64,
    store_failures: u64,
    store_failures_share: f64,
    skipped_attempts: u64,
    skipped_attempts_share: f64,
    over_quota: u64,
    over_quota_share: f64,
    rate_limited: u64,
    rate_limited_share: f64,
    stuck_messages: u64,
    standstill: Duration,
    untried_share: f64,
    untried_messages: u64,
    growth_messages: u64,
    growth_share: f64,
    internal_age: Duration,
    slow_age: Duration,
    slow_recipients: u64,
    held_messages: u64,
    held_surge: u64,
    relay_denials: u64,
    relay_denials_share: f64,
    authentication_failures: u64,
    authentication_failures_share: f64,
    few_clients: u64,
    few_clients_share: f64,
    bad_commands: u64,
    bad_commands_share: f64,
    process_gone: Duration,
    planned_stop: Duration,
    connections_share: f64,
    overaged_grace: Duration,
    failed_looks: u64,
    slow_banner: Duration,
    free_share: f64,
    free_share_critical: f64,
    rotation_age: Duration,
    change_shown: Duration,
    daemon_errors: u64,
    unparsed_share: f64,
    unusual_factor: f64,
    flood_connections: u64,
    rate_window: Duration,
    connections_taken: f64,
    listen_overflows: u64,
    client_connections: u64,
    network_connections: u64,
    client_share: f64,
    client_window: Duration,
    relay_surge: u64,
    guesses: u64,
    abuse_window: Duration,
    sender_surge: u64,
    sender_surge_unknown: u64,
    same_hours_share: f64,
    same_hours_window: Duration,
    same_hours_offset: Duration,
    usual_known: Duration,
    baseline_offset: Duration,
    usual_lately_known: Duration,
    usual_lately_offset: Duration,
    listen_window: Duration,
    undelivered_window: Duration,
    undelivered_messages: u64,
    usual_deliveries: u64,
    silent_window: Duration,
    silent_changes: u64,
    log_lag: Duration,
    unparsed_lines: u64,
    unparsed_window: Duration,
    save_failures: u64,
    save_window: Duration,
    notify_window: Duration,
    half_open: u64,
    half_open_share: f64,
    traffic_window: Duration,
    steady_enqueues: u64,
    enqueue_surge: u64,
    baseline_messages: u64,
    store_messages: u64,
    store_share: f64,
    store_window: Duration,
    remote_age: Duration,
    other_files: u64,
    other_files_share: f64,
    listen_share: f64,
    process_starts: u64,
    starts_window: Duration,
    logs_ahead: Duration,
    labels_capped: u64,
    labels_window: Duration,
    loss_window: Duration,
    elevated_share: f64,
    elevated_failures: u64,
    elevated_unknown_share: f64,
    bounce_surge: u64,
    slow_floor: Duration,
    slow_quantile: f64,
    filling_share: f64,
    filling_window: Duration,
    filling_ahead: Duration,
    filling_share_critical: f64,
    filling_window_critical: Duration,
    filling_ahead_critical: Duration,
}

fn field<T: Field>(table: &Table, name: &str) -> Result<T, String> {
    let row = table.row(name).ok_or_else(|| format!("{name}: there is no such row"))?;
    T::of(row.value).ok_or_else(|| format!("{name}: the field has another type than the unit of its row"))
}

impl Thresholds {
    /// Those of a channel.
    pub fn of_channel(&self, channel: &str) -> &Self {
        self.by_channel.get(channel).unwrap_or(self)
    }

    /// The same at a site where Prometheus scrapes so often: its rules are rendered for that.
    #[must_use]
    pub fn scraped(mut self, interval: Duration) -> Self {
        let scrapes = table().row("spike_window").and_then(|row| row.scrapes).unwrap_or_default();
        for limits in self.by_channel.values_mut() {
            limits.scraped_spike_window = limits.spike_window.max(interval * scrapes);
        }
        self.scraped_spike_window = self.spike_window.max(interval * scrapes);
        self
    }

    /// Whether a channel fails as a whole: so many of so many attempts.
    pub fn fails(&self, failed: u64, attempts: u64) -> bool {
        failed > 0 && attempts >= self.attempts && share(failed, attempts) >= self.failing_share
    }
}

/// Those of the file.
impl Default for Thresholds {
    fn default() -> Self {
        Self::from(table())
    }
}

/// Those of the file, with other values.
impl From<&Table> for Thresholds {
    fn from(table: &Table) -> Self {
        Self::of(table).expect("invariant: a test reads alerts/thresholds.yml, and a value keeps its kind")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Thresholds, Value, table};

    /// As the page, the report and `ImsMtaDeliveryFailureSpike` have it.
    #[test]
    fn a_channel_fails_from_its_share_of_enough_attempts_on() {
        let limits = Thresholds { attempts: 20, failing_share: 0.5, ..Thresholds::default() };
        let none = Thresholds { attempts: 0, failing_share: 0.0, ..limits.clone() };
        for (limits, failed, attempts, expected) in [
            (&limits, 10, 20, true),
            (&limits, 9, 20, false),
            (&limits, 19, 19, false),
            (&none, 0, 20, false),
            (&none, 1, 20, true),
        ] {
            assert_eq!(limits.fails(failed, attempts), expected, "{failed} of {attempts}");
        }
    }

    /// Rules look at four scrapes at least, whatever the interval.
    #[test]
    fn the_window_of_the_rules_holds_their_scrapes() {
        for (interval, expected) in [(10, 40), (15, 60), (60, 240)] {
            let limits = Thresholds::default().scraped(Duration::from_secs(interval));
            assert_eq!(limits.scraped_spike_window, Duration::from_secs(expected));
        }
    }

    fn other(value: Value) -> Value {
        match value {
            Value::Count(count) => Value::Count(count + 1),
            Value::Share(share) => Value::Share(share / 2.0),
            Value::Times(times) => Value::Times(times / 2.0),
            Value::Duration(duration) => Value::Duration(duration * 2),
        }
    }

    #[test]
    fn every_row_with_findings_is_a_field_and_a_field_can_be_overridden() {
        let with_findings: Vec<&str> = table().of_findings().map(|row| row.name.as_str()).collect();
        let mut names = Thresholds::NAMES.to_vec();
        assert_eq!(names.len(), with_findings.len());
        names.retain(|name| !with_findings.contains(name));
        assert_eq!(names, [""; 0], "fields without findings in their row");
        for row in table().of_findings() {
            let mut changed = table().clone();
            changed.set(&row.name, other(row.value));
            assert_ne!(Thresholds::from(&changed), Thresholds::default(), "{}", row.name);
            changed.set(&row.name, row.value);
            assert_eq!(Thresholds::from(&changed), Thresholds::default(), "{}", row.name);
        }
    }

    #[test]
    fn a_value_of_another_kind_is_not_taken() {
        let mut changed = table().clone();
        changed.set("attempts", Value::Share(0.5));
        changed.set("no_such_threshold", Value::Count(1));
        assert_eq!(&changed, table());
    }

    /// A row that no rule reads would be a promise that nothing keeps.
    #[test]
    fn findings_read_their_thresholds() {
        let sources = [
            include_str!("rules.rs"),
            include_str!("delivery.rs"),
            include_str!("delivery/now.rs"),
            include_str!("delivery/chance.rs"),
            include_str!("queue.rs"),
            include_str!("queue/now.rs"),
            include_str!("queue/ages.rs"),
            include_str!("queue/scan.rs"),
            include_str!("clients.rs"),
            include_str!("clients/now.rs"),
            include_str!("measure.rs"),
            include_str!("../observed/looking_back.rs"),
            include_str!("host.rs"),
            include_str!("files.rs"),
            include_str!("outside.rs"),
            include_str!("daemons.rs"),
            include_str!("reading.rs"),
            include_str!("usual.rs"),
            include_str!("traffic.rs"),
            include_str!("../observed/quarters.rs"),
        ];
        for row in table().of_findings() {
            let field = format!(".{}", row.name);
            let ends =
                |rest: &str| !rest.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_');
            let read = sources.iter().any(|source| source.split(&field).skip(1).any(ends));
            assert!(read, "no rule reads {}", row.name);
        }
    }
}
