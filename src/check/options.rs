//! What the MTA's `LOG_*` options show, what the missing ones would unlock, and how each is switched on.

use std::fmt::Write as _;
use std::path::Path;

use crate::aggregate::Totals;
use crate::findings::options;
use crate::listing::{INDENT, Listing};
use crate::metrics::catalogue::METRICS;
use crate::record::option::LogOption;
use crate::text::escape;

/// What is told first: what most metrics need, and what helps most to read the logs.
const FIRST: [LogOption; 11] = [
    LogOption::Connection,
    LogOption::ConnectionEntries,
    LogOption::EtrnEntries,
    LogOption::AuthenticationEntries,
    LogOption::Filename,
    LogOption::MessageId,
    LogOption::QueueTime,
    LogOption::Diagnostics,
    LogOption::Username,
    LogOption::Process,
    LogOption::Reason,
];

/// The whole section.
pub(super) fn text(totals: &Totals, root: &Path) -> String {
    let (shown, missing): (Vec<LogOption>, Vec<LogOption>) =
        options::told(&FIRST).into_iter().partition(|&option| options::seen(option, totals));

    let mut listing = Listing::default();
    listing.text.push_str("\nLOG_* options of the MTA, by the last lines of its logs\n");
    let names: Vec<&str> = shown.iter().map(|option| option.label()).collect();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    listing.wrapped("  shown: ", 4, &names);
    if missing.is_empty() {
        return listing.text;
    }
    let (useful, readable): (Vec<LogOption>, Vec<LogOption>) =
        missing.iter().partition(|&&option| !unlocked(option, &shown).is_empty());
    if !useful.is_empty() {
        listing.text.push_str("  not shown (off, or nothing showed it yet), and would give these metrics:\n");
        for &option in &useful {
            listing.words(option.label(), option.row().adds);
            listing.wrapped(&" ".repeat(INDENT), INDENT, &unlocked(option, &shown).join(", "));
        }
        how(&mut listing, &shown, &useful, root);
    }
    if !readable.is_empty() {
        listing.text.push_str("  not shown, and only for people who read the logs; they give no metric:\n");
        for option in &readable {
            listing.words(option.label(), option.row().adds);
        }
    }
    listing.text
}

/// The metrics that only this option or another one that is missing brings.
fn unlocked(option: LogOption, shown: &[LogOption]) -> Vec<&'static str> {
    let missing = |needs: &[LogOption]| !shown.iter().any(|shown| needs.contains(shown));
    let found = METRICS.iter().filter(|metric| metric.needs.contains(&option) && missing(metric.needs));
    found.map(|metric| metric.name).collect()
}

fn how(listing: &mut Listing, shown: &[LogOption], missing: &[LogOption], root: &Path) {
    let mut settings: Vec<(&str, u32)> = Vec::new();
    for option in missing {
        let setting = option.row().setting;
        if settings.iter().all(|(name, _)| *name != setting) {
            // The bits that are on stay on.
            let bits =
                shown.iter().chain(missing).map(|other| other.row()).filter(|row| row.setting == setting);
            settings.push((setting, bits.fold(0, |value, row| value | row.value)));
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

    use super::{METRICS, options, text};
    use crate::aggregate::{Aggregate, Totals};
    use crate::counting::LogReader;
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
                                    imsimta_client_bad_commands,
                                    imsimta_client_bad_commands_max,
                                    imsimta_client_network_bad_commands_max
              log_connection (+4)   ETRN commands of hosts that fetch their mail
                                    imsimta_etrn_total
              log_connection (+128) authentications and who fails them
                                    imsimta_authentications_total,
                                    imsimta_authentication_failures_total,
                                    imsimta_client_authentication_failures,
                                    imsimta_client_authentication_failures_max,
                                    imsimta_client_network_authentication_failures_max
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
    fn what_metrics_need_is_told() {
        let told = options::told(&[]);
        assert!(METRICS.iter().all(|metric| metric.needs.iter().all(|option| told.contains(option))));
    }
}
