//! THE table of labels: the name of each, and which values it can have, as the documentation says it. The bounds come from
//! the closed sets and caps themselves.

use crate::aggregate::Totals;
use crate::aggregate::channel::{self, TryBand};
use crate::aggregate::labels::OTHER_LABEL;
use crate::aggregate::{destination, reply};
use crate::config;
use crate::observed::connections::Cut;
use crate::observed::notified::{Failure, Said};
use crate::record::application::Cipher;
use crate::record::authentication::{AuthenticationFailure, AuthenticationResult};
use crate::record::closing::Closing;
use crate::record::code::{MODIFIERS, OTHER_MODIFIER, Outcome};
use crate::record::daemon_log::{DaemonLog, EventClass};
use crate::record::reason::Reason;
use crate::record::rejection::Rejection;
use crate::record::{Direction, Skip, Unparsed};
use crate::source::commands::{Command, FailureReason};
use crate::source::filesystems::configuration::Stale;
use crate::source::filesystems::critical::Wrong;
use crate::source::filesystems::{CRITICAL, PATHS};
use crate::source::probe::ProbeFailure;
use crate::source::spool::held_files::HeldReason;
use crate::source::spool::{AGE_BANDS, ATTEMPT_BANDS, ErrorKind, MAX_CHANNELS};
use crate::source::wakeup::{Restart, Wakeup};

use super::family::{Feed, Label};
use super::top_table::TopTable;

/// The values of a closed set.
fn each<T: Copy>(values: &[T], label: fn(T) -> &'static str) -> String {
    values.iter().map(|&value| format!("`{}`", label(value))).collect::<Vec<_>>().join(", ")
}

/// The same where they are text.
fn texts(values: &[&'static str]) -> String {
    each(values, |text| text)
}

/// What delivery jobs do.
pub(super) const JOB_STATES: [&str; 2] = ["active", "pending"];

/// Labels: `NAME = "name": expression of the text that says the bound;`.
macro_rules! labels {
    ($($id:ident = $name:literal: $bound:expr;)*) => {
        $(pub(super) const $id: Label = Label { name: $name, bound: || $bound.to_string() };)*
    };
}

labels! {
    CHANNEL = "channel": channels();
    SOURCE = "source_channel": channels();
    DESTINATION = "destination_channel": channels();
    ALERTNAME = "alertname": "the alerts that the exporter finds by itself, by the names of the rules";
    SEVERITY = "severity": "`critical` or `warning`, as the rule has it";
    CODE = "code": "one letter, A to Z";
    MODIFIER = "modifier":
        MODIFIERS.iter().fold(String::new(), |all, row| all + row.label + ", ") + &texts(&[OTHER_MODIFIER]);
    OUTCOME = "outcome": each(Outcome::ALL, Outcome::label);
    REASON = "reason": format!("the {} reasons listed below", Reason::ALL.len());
    DOMAIN = "domain":
        format!("{} domains that fail most, then `{OTHER_LABEL}`", destination::MAX_DOMAINS);
    DOMAIN_OUTCOME = "outcome": each(&[Outcome::Deferred, Outcome::Rejected], Outcome::label);
    CLASS = "class": texts(&reply::CLASSES);
    STATUS = "status": format!(
        "the {} most frequent enhanced codes x.y.z, `none` among them, then `{OTHER_LABEL}`",
        reply::MAX_STATUSES
    );
    TRY = "attempt": each(TryBand::ALL, TryBand::label);
    ATTEMPTS = "attempt": texts(&ATTEMPT_BANDS);
    DIRECTION = "direction": each(Direction::ALL, Direction::label);
    RESULT = "result": each(AuthenticationResult::ALL, AuthenticationResult::label);
    CLOSING = "reason": each(Closing::ALL, Closing::label);
    REJECTION = "reason": each(Rejection::ALL, Rejection::label);
    CIPHER = "cipher": each(Cipher::ALL, Cipher::label);
    AUTHENTICATION_FAILURE = "reason": each(AuthenticationFailure::ALL, AuthenticationFailure::label);
    CLIENT = "client":
        format!("the top {} (`clients.top`), as `clients.label` says", config::Clients::default().top);
    NETWORK = "network":
        format!("the top {} (`clients.top`) /24 and /64, as `clients.label` says", config::Clients::default().top);
    SENDER = "sender":
        format!("the top {} (`clients.top`), as `clients.label` says", config::Clients::default().top);
    DESTINATION_HOST = "destination":
        format!("the top {} (`clients.top`), addresses as `clients.label` says", config::Clients::default().top);
    TOP_TABLE = "table": each(TopTable::ALL, TopTable::label);
    HELD_REASON = "reason": each(&HeldReason::ALL, HeldReason::label);
    AGE = "age": texts(&AGE_BANDS.map(|(label, _)| label));
    SCAN_RESULT = "result": "`read`, `skipped`";
    SCAN_ERROR = "kind": each(&ErrorKind::ALL, ErrorKind::label);
    PORT = "port": format!("the ports of `sockets.ports`, or those that were found, at most {}", config::MOST_PORTS);
    SERVICE = "service":
        format!("services of the Dispatcher's configuration in lower case, such as `smtp`, at most {}", config::MOST_SERVICES);
    STATE = "state": "the kernel's TCP states";
    PROCESS = "process": format!("the names of `processes.names`, at most {}", config::MOST_NAMES);
    PATH = "path": texts(&PATHS);
    CRITICAL_PATH = "path": texts(&CRITICAL);
    WRONG = "what": each(&Wrong::ALL, Wrong::label);
    STALE = "what": each(&Stale::ALL, Stale::label);
    LOG = "log": format!("base names of the logs, at most {} followed", config::MOST_FILES);
    DAEMON_LOG = "log": each(DaemonLog::ALL, DaemonLog::label);
    EVENT_CLASS = "class": each(EventClass::ALL, EventClass::label);
    LOG_FILE = "log": "base names of the logs and of what they are rotated to";
    PROBED_PORT = "port": format!("the ports of `probe.ports`, at most {}", config::MOST_PROBED);
    PROBE_REASON = "reason": each(ProbeFailure::ALL, ProbeFailure::label);
    COMMAND_CHANNEL = "channel": format!("channels that the command names, at most {MAX_CHANNELS}");
    JOB_STATE = "state": texts(&JOB_STATES);
    COMMAND = "command": each(Command::ALL, Command::label);
    COMMAND_REASON = "reason": each(FailureReason::ALL, FailureReason::label);
    UNPARSED_REASON = "reason": each(Unparsed::ALL, Unparsed::label);
    SKIPPED_REASON = "reason": each(Skip::ALL, Skip::label);
    COLLECTOR = "collector": each(&Feed::collectors(), Feed::label);
    TABLE = "table": "the names of the capped tables";
    REPLACING_TABLE = "table":
        texts(&Totals::new(0).replaced().map(|(table, _)| table).collect::<Vec<_>>());
    OPTION = "option": "the `log_*` options that show in the log";
    WAKEUP = "cause": each(Wakeup::ALL, Wakeup::label);
    RESTART = "cause": each(Restart::ALL, Restart::label);
    CUT = "cause": each(Cut::ALL, Cut::label);
    RECEIVER = "receiver": format!(
        "host, port and path of each Alertmanager of `alerting.alertmanagers`, at most {}, and `beat`",
        config::MOST_ALERTMANAGERS
    );
    SAID = "state": each(Said::ALL, Said::label);
    NOTIFICATION_FAILURE = "reason": each(Failure::ALL, Failure::label);
    VERSION = "version": "one";
}

fn channels() -> String {
    format!("channels of the configuration, at most {}, then `{OTHER_LABEL}`", channel::MAX_CHANNELS)
}
