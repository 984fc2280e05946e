//! `[logs]`: which transaction and connection logs are followed, and how.

use std::time::Duration;

use ::config::Value;

use super::error::quoted;
use super::keys::section;
use super::value::{Refusal, duration, many, one, optional, size, some};
use crate::record::format::Format;
use crate::record::option::{self, OptionSet};

/// The most logs that can be followed at once; each is a label value and an open file.
pub const MOST_FILES: usize = 16;
/// More options than the MTA has.
const MOST_OPTIONS: usize = 64;
/// The longest file name on any file system that Linux has.
const FILE_NAME_BYTES: usize = 255;
/// The files that the message return job appends each renamed log to.
const CUMULATIVE: [&str; 2] = ["mail.log", "connection.log"];

section! {
    logs: Logs "Which transaction and connection logs are followed, and how.";

    files: Vec<String> = some(MOST_FILES, file),
        expects "a list of 1 to 16 base names such as [\"mail.log_current\"]",
        default vec!["mail.log_current".to_owned(), "connection.log_current".to_owned()] =>
            "[\"mail.log_current\", \"connection.log_current\"]",
        "The logs to follow, by base name; the first has to be there, the others may be switched off in the MTA; never the cumulative `mail.log` and `connection.log`, \
         which would count every line twice.";

    max_line_bytes: u64 = one(|text| size(text, 1 << 10, 1 << 20)),
        expects "a size from 1KiB to 1MiB such as \"64KiB\"",
        default 64 << 10 => "\"64KiB\"",
        "A longer line is skipped and counted.";

    start: Start = one(start),
        expects "\"end\" or \"beginning\"",
        default Start::End => "\"end\"",
        "Where reading begins when there is no state of an earlier run.";

    poll: Duration = one(|text| duration(text, Duration::from_millis(100), Duration::from_mins(1))),
        expects "a duration from 100ms to 60s such as \"1s\"",
        default Duration::from_secs(1) => "\"1s\"",
        "How often a log is looked at when no event came, as on network file systems.";

    drain: Duration = one(|text| duration(text, Duration::from_secs(10), Duration::from_hours(24))),
        expects "a duration from 10s to 24h such as \"10m\"",
        default Duration::from_mins(10) => "\"10m\"",
        "How long a log that has lost its names is still read after it last grew.";

    options: Option<OptionSet> = options,
        expects "a list of the LOG_* options that are on, such as [\"log_filename\", \"log_connection=3\"]",
        found "inferred from the first 200 entries of each log" =>
            "[\"log_filename\", \"log_message_id\", \"log_connection=3\"]",
        "The options of the MTA that add fields to entries of `LOG_FORMAT` 1, 2 and 3, whose fields are known by \
         position alone; XML and JSON name theirs. One whose field has no known place, such as `log_auth`, is taken \
         where `logs.format` is 4, 5 or 6.";

    format: Option<Format> = optional(format),
        expects "a LOG_FORMAT from 1 to 6",
        found "told by each line" => "1",
        "`LOG_FORMAT` of the MTA: 1 or 2 keeps an address such as `13:adam@sesta.com` from being taken for a \
         counted field of format 3.";
}

/// Where reading begins when there is no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the end: only what is written from now on counts.
    End,
    /// At the beginning: what the log already holds counts too.
    Beginning,
}

fn start(text: &str) -> Result<Start, Refusal> {
    match text {
        "end" => Ok(Start::End),
        "beginning" => Ok(Start::Beginning),
        _ => Err(Refusal::new("there is no such place to start")),
    }
}

fn options(value: Value) -> Result<Option<OptionSet>, Refusal> {
    let sets = many(MOST_OPTIONS, |item| {
        let set = option::parse(item).ok_or_else(|| Refusal::new("is no LOG_* option that adds a field"))?;
        Ok((item.to_owned(), set))
    })(value)?;
    Ok(Some(sets.into_iter().fold(OptionSet::default(), |all, (_, set)| all.and(set))))
}

/// Options of the MTA whose field has no known place in entries of a format that does not name its fields: why
/// they cannot be pinned there. `format` is what is configured.
pub(super) fn misplaced(value: Value, format: Option<Format>) -> Option<String> {
    if format.is_some_and(|format| !format.is_positional()) {
        return None;
    }
    let named = many(MOST_OPTIONS, |item| Ok((item.to_owned(), option::unplaced(item))))(value).ok()?;
    let named: Vec<String> = named.into_iter().filter_map(|(_, name)| name).collect();
    (!named.is_empty()).then(|| {
        format!(
            "the MTA has {}, but where the field stands in entries of LOG_FORMAT 1, 2 and 3 is documented nowhere: \
             set logs.format to 4, 5 or 6 if it is one of these, else leave logs.options out, and what is on is \
             inferred",
            named.join(", ")
        )
    })
}

fn format(text: &str) -> Result<Format, Refusal> {
    let format = Format::ALL.iter().find(|format| format.label() == text);
    format.copied().ok_or_else(|| Refusal::new("there is no such LOG_FORMAT"))
}

fn file(text: &str) -> Result<String, Refusal> {
    let base = text.rsplit('/').next().unwrap_or(text);
    if let Some(log) = CUMULATIVE.into_iter().find(|log| could_match(base, log)) {
        let names = if base == log { "is" } else { "would match" };
        return Err(Refusal(format!(
            "{} {names} the cumulative file {log} that the return job appends to, \
             following it would count every line twice",
            quoted(text)
        )));
    }
    let refused = if text.is_empty() || base == "." || base == ".." {
        "names no file"
    } else if text.contains('/') {
        "is a path; the directory is mta.log_directory"
    } else if text.ends_with("_yesterday") {
        "is what a log is renamed to: it is read to its end all the same, following it too would count its lines twice"
    } else if text.contains(['*', '?', '[', ']', '{', '}']) {
        "has a wildcard; name each log"
    } else if text.len() > FILE_NAME_BYTES || text.contains(char::is_control) {
        "cannot be the name of a log"
    } else {
        return Ok(text.to_owned());
    };
    Err(Refusal(format!("{} {refused}", quoted(text))))
}

/// Whether a shell could expand the pattern to the name. `[…]` counts as any one character and `{…}`
/// as any text: both are refused anyway, the answer only chooses the better explanation.
fn could_match(pattern: &str, name: &str) -> bool {
    // reached[n]: what was read of the pattern matches the first n bytes of the name.
    let mut reached = vec![false; name.len() + 1];
    reached[0] = true;
    let mut rest = pattern.as_bytes();
    while let Some((&token, after)) = rest.split_first() {
        let closing = match token {
            b'[' => after.iter().position(|&byte| byte == b']'),
            b'{' => after.iter().position(|&byte| byte == b'}'),
            _ => None,
        };
        rest = closing.map_or(after, |end| &after[end + 1..]);
        let bracket = closing.is_some();
        if token == b'*' || (token == b'{' && bracket) {
            let first = reached.iter().position(|&yes| yes).unwrap_or(reached.len());
            reached[first..].fill(true);
            continue;
        }
        let any = token == b'?' || (token == b'[' && bracket);
        for at in (0..name.len()).rev() {
            reached[at + 1] = reached[at] && (any || name.as_bytes()[at] == token);
        }
        reached[0] = false;
    }
    reached[name.len()]
}

#[cfg(test)]
mod tests {
    use super::file;
    use crate::record::option::LogOption;

    #[test]
    fn plain_base_names_are_taken() {
        for name in ["mail.log_current", "connection.log_current", "MAIL.LOG_CURRENT", "mail.log.1", "x,y"] {
            assert_eq!(file(name), Ok(name.to_owned()));
        }
    }

    #[test]
    fn the_cumulative_logs_are_refused_by_name() {
        for (name, log) in [
            ("mail.log", "is the cumulative file mail.log"),
            ("mail.log_yesterday", "is what a log is renamed to"),
            ("connection.log", "is the cumulative file connection.log"),
            ("/var/log/mail.log", "is the cumulative file mail.log"),
            ("mail.log*", "would match the cumulative file mail.log"),
            ("*.log", "would match the cumulative file mail.log"),
            ("*", "would match the cumulative file mail.log"),
            ("conn*.log", "would match the cumulative file connection.log"),
            ("connection.lo?", "would match the cumulative file connection.log"),
            ("mail.[a-l]og", "would match the cumulative file mail.log"),
            ("{mail,connection}.log", "would match the cumulative file mail.log"),
            ("mail.log{,_current}", "would match the cumulative file mail.log"),
            ("../log/*.l*g*", "would match the cumulative file mail.log"),
            (&"*?*".repeat(80), "has a wildcard"),
        ] {
            let refusal = file(name).expect_err(name).to_string();
            assert!(refusal.contains(log), "{name}: {refusal}");
        }
    }

    /// Options whose field has no known place can be pinned where entries name their fields.
    #[test]
    fn options_without_a_known_place() {
        let load = |toml: &str| crate::config::tests::load_text(toml, &[], crate::config::Flags::default());
        for option in [
            "log_auth",
            "LOG_AUTH=1",
            "log_delivery_flags",
            "log_imap_flags",
            "log_conversion_tag",
            "log_tracking",
            "log_mailbox_uid",
            "log_local=3",
            "log_uid",
            "log_isc_status",
            "log_headers_maxchars=80",
            "log_header_options",
        ] {
            for format in [4, 5, 6] {
                let toml = format!("[logs]\nformat = {format}\noptions = [\"log_filename\", \"{option}\"]");
                let options = load(&toml).expect(&toml).logs.options.expect("pinned");
                assert_eq!(options.all().collect::<Vec<_>>(), [LogOption::Filename], "{toml}");
            }
            for format in ["", "format = 1", "format = 2", "format = \"3\""] {
                let toml = format!("[logs]\n{format}\noptions = [\"log_filename\", \"{option}\"]");
                let error = load(&toml).expect_err(&toml);
                let name = option.split('=').next().unwrap_or_default().to_ascii_lowercase();
                let said = format!(
                    "the MTA has {name}, but where the field stands in entries of LOG_FORMAT 1, 2 and 3"
                );
                assert!(error.contains(&said) && error.lines().count() == 1, "{toml}: {error}");
            }
        }
        load("[logs]\noptions = [\"log_filename\", \"log_auth=0\"]").expect("switched off");
        for wrong in ["log_authentication", "log_everything", "log_auth=yes", "log_isc+2"] {
            for format in [1, 5] {
                let error =
                    load(&format!("[logs]\nformat = {format}\noptions = [\"{wrong}\"]")).expect_err(wrong);
                assert!(error.contains("is no LOG_* option that adds a field"), "{error}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_taken_is_plain_and_not_cumulative(name in r"(mail|connection|[*?{}\[\],./a])*(\.log)?") {
            if let Ok(name) = file(&name) {
                let plain = !name.contains(['*', '?', '[', ']', '{', '}', '/']);
                proptest::prop_assert!(plain && name != "mail.log" && name != "connection.log");
            }
        }
    }

    #[test]
    fn what_is_no_plain_base_name_is_refused() {
        for (name, reason) in [
            ("", "\"\" names no file"),
            ("..", "\"..\" names no file"),
            ("log/mail.log_current", "is a path; the directory is mta.log_directory"),
            ("mail.log_*", "has a wildcard; name each log"),
            ("mail.log_current[", "has a wildcard"),
            ("mail\nlog", "cannot be the name of a log"),
            (&"x".repeat(256), "cannot be the name of a log"),
        ] {
            let refusal = file(name).expect_err(name).to_string();
            assert!(refusal.contains(reason), "{name}: {refusal}");
        }
    }
}
