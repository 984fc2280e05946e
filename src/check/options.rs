//! What the MTA's `LOG_*` options show, what the missing ones would unlock, and how each is switched on.

use std::fmt::Write as _;
use std::path::Path;

use crate::aggregate::Totals;
use crate::findings::options;
use crate::listing::{INDENT, Listing};
use crate::metrics::catalogue::METRICS;
use crate::text::escape;

/// An option, or one bit of it.
struct Switch {
    /// As the report names it.
    option: &'static str,
    /// The MTA's name.
    name: &'static str,
    /// Its value, or the bit to add to its value.
    value: u32,
    /// How the catalogue of metrics calls it.
    needs: &'static str,
}

const fn option(name: &'static str) -> Switch {
    Switch { option: name, name, value: 1, needs: name }
}

const fn connection(option: &'static str, value: u32, needs: &'static str) -> Switch {
    Switch { option, name: "log_connection", value, needs }
}

/// THE table of switches, in the order in which they are told.
const SWITCHES: [Switch; 19] = [
    connection("log_connection", 1, "log_connection"),
    connection("log_connection (+2)", 2, "log_connection, bit 1"),
    connection("log_connection (+4)", 4, "log_connection, bit 2"),
    connection("log_connection (+128)", 128, "log_connection, bit 7 (128)"),
    option("log_filename"),
    option("log_message_id"),
    option("log_queue_time"),
    Switch { needs: "log_diagnostics (on by default)", ..option("log_diagnostics") },
    option("log_username"),
    option("log_process"),
    option("log_reason"),
    option("log_node"),
    option("log_notary"),
    option("log_envelope_id"),
    option("log_sensitivity"),
    option("log_priority"),
    option("log_intermediate"),
    option("log_filter"),
    option("log_remote_mta"),
];

/// The bit for ETRN entries, of which the report says nothing.
const ETRN_ADDS: &str = "ETRN commands of hosts that fetch their mail";

/// The whole section.
pub(super) fn text(totals: &Totals, root: &Path) -> String {
    let told = options::shown(totals);
    let seen = |switch: &Switch| match told.iter().find(|told| told.option == switch.option) {
        Some(told) => told.seen,
        None => totals.channels.all().any(|(_, counts)| counts.etrn > 0),
    };
    let adds = |switch: &Switch| {
        told.iter().find(|told| told.option == switch.option).map_or(ETRN_ADDS, |told| told.adds)
    };
    let (shown, missing): (Vec<&Switch>, Vec<&Switch>) = SWITCHES.iter().partition(|switch| seen(switch));

    let mut listing = Listing::default();
    listing.text.push_str("\nLOG_* options of the MTA, by the last lines of its logs\n");
    let names: Vec<&str> = shown.iter().map(|switch| switch.option).collect();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    listing.wrapped("  shown: ", 4, &names);
    if missing.is_empty() {
        return listing.text;
    }
    let (useful, readable): (Vec<&Switch>, Vec<&Switch>) =
        missing.iter().partition(|switch| !unlocked(switch, &shown).is_empty());
    if !useful.is_empty() {
        listing.text.push_str("  not shown (off, or nothing showed it yet), and would give these metrics:\n");
        for switch in &useful {
            listing.words(switch.option, adds(switch));
            listing.wrapped(&" ".repeat(INDENT), INDENT, &unlocked(switch, &shown).join(", "));
        }
        how(&mut listing, &shown, &useful, root);
    }
    if !readable.is_empty() {
        listing.text.push_str("  not shown, and only for people who read the logs; they give no metric:\n");
        for switch in &readable {
            listing.words(switch.option, adds(switch));
        }
    }
    listing.text
}

/// The metrics that only this switch or another one that is missing brings.
fn unlocked(switch: &Switch, shown: &[&Switch]) -> Vec<&'static str> {
    let needs = |needs: &str, switch: &Switch| needs.split(", or ").any(|need| need == switch.needs);
    let missing = |all: &str| !shown.iter().any(|shown| needs(all, shown));
    let found = METRICS.iter().filter(|metric| needs(metric.needs, switch) && missing(metric.needs));
    found.map(|metric| metric.name).collect()
}

fn how(listing: &mut Listing, shown: &[&Switch], missing: &[&Switch], root: &Path) {
    let mut settings: Vec<(&str, u32)> = Vec::new();
    for switch in missing {
        if settings.iter().all(|(name, _)| *name != switch.name) {
            // The bits that are on stay on.
            let bits = shown.iter().chain(missing).filter(|other| other.name == switch.name);
            settings.push((switch.name, bits.fold(0, |value, other| value | other.value)));
        }
    }
    let file = escape::path(&root.join("config/option.dat"));
    listing.text.push_str("  To switch these on, lines of the option file\n");
    listing.wrapped("    ", 4, &file);
    listing.text.push_str("  or, where the configuration is unified, commands:\n");
    for (name, value) in settings {
        // Writing into a string cannot fail.
        let _ = writeln!(
            listing.text,
            "    {:<24}msconfig set {name} {value}",
            format!("{}={value}", name.to_ascii_uppercase())
        );
    }
    listing.wrapped("  ",
        2,
        "Each makes every entry longer. log_connection is a sum: keep further bits that are set. The MTA's \
         processes take it when they start anew (imsimta restart; imsimta cnbuild before, where the configuration \
         is compiled).",
    );
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use expect_test::expect;

    use super::{METRICS, SWITCHES, text};
    use crate::aggregate::{Aggregate, Totals};
    use crate::counting::LogReader;
    use crate::findings::options;
    use crate::record::Dialect;

    fn totals(lines: &[&str]) -> Totals {
        let mut aggregate = Aggregate::new(Totals::new(1), jiff::tz::TimeZone::UTC, 1024);
        let log = aggregate.totals.accounts.index("mail.log");
        let text = [lines, &[""]].concat().join("\n");
        LogReader::new(Dialect::default(), usize::MAX).count(text.as_bytes(), &mut aggregate, log, None);
        aggregate.totals
    }

    #[test]
    fn what_is_missing_and_how_to_have_it() {
        let totals = totals(&[
            "19-Jan-2024 19:16:57.64 1a.2.3 tcp_local                 Q 0 a@b rfc822;c@d c@d 0 /q/queue/l/ZZ0f4i0Wdy51.01 \
             <x@b> mailsrv  0 3 '' smtp;450 no",
            "19-Jan-2024 19:16:58.64 tcp_local    +            O TCP|192.0.2.1|25|192.0.2.9|4299 SMTP",
        ]);
        let text = text(&totals, Path::new("/opt/sun/comms/messaging64"));
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
        expect![[r#"

            LOG_* options of the MTA, by the last lines of its logs
              shown: log_connection (+2), log_filename, log_message_id, log_diagnostics,
                log_username, log_process, log_notary, log_sensitivity, log_priority,
                log_filter
              not shown (off, or nothing showed it yet), and would give these metrics:
              log_connection        (+1) the sending host: which clients are rejected
                                    imsimta_client_rejections
              log_connection (+4)   ETRN commands of hosts that fetch their mail
                                    imsimta_etrn_total
              log_connection (+128) authentications and who fails them
                                    imsimta_authentications_total,
                                    imsimta_client_authentication_failures
              To switch these on, lines of the option file
                /opt/sun/comms/messaging64/config/option.dat
              or, where the configuration is unified, commands:
                LOG_CONNECTION=135      msconfig set log_connection 135
              Each makes every entry longer. log_connection is a sum: keep further bits that
              are set. The MTA's processes take it when they start anew (imsimta restart;
              imsimta cnbuild before, where the configuration is compiled).
              not shown, and only for people who read the logs; they give no metric:
              log_queue_time        exact time in the queue, also for mail older than the
                                    log
              log_reason            why a recipient was given up (only R and K entries have
                                    it)
              log_node              which host wrote an entry, where logs are collected
              log_envelope_id       the sender's own id of a message
              log_intermediate      addresses before and after aliases and lists
              log_remote_mta        the remote host apart from its reply
        "#]]
        .assert_eq(&text);
    }

    #[test]
    fn every_need_of_a_metric_has_a_switch() {
        for metric in METRICS.iter().filter(|metric| !metric.needs.is_empty()) {
            for need in metric.needs.split(", or ") {
                assert!(SWITCHES.iter().any(|switch| switch.needs == need), "{}: {need}", metric.name);
            }
        }
        for told in options::shown(&totals(&[])) {
            assert!(SWITCHES.iter().any(|switch| switch.option == told.option), "{}", told.option);
        }
    }
}
