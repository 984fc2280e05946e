//! Options as `logs.options` names them.

use super::{LogOption, OptionSet};

/// Options that are named, and whose field in entries of `LOG_FORMAT` 1, 2 and 3 stands nobody says where (wiki
/// page `Transaction_logging`). XML and JSON entries name it, and it is left out.
const UNPLACED: [&str; 10] = [
    "log_auth",
    "log_conversion_tag",
    "log_delivery_flags",
    "log_header_options",
    "log_headers_maxchars",
    "log_imap_flags",
    "log_local",
    "log_mailbox_uid",
    "log_tracking",
    "log_uid",
];
/// The same for all options that begin so.
const UNPLACED_FAMILY: &str = "log_isc";

/// The name of the option that one item of `logs.options` switches on, if the place of its field is not known.
pub fn unplaced(item: &str) -> Option<String> {
    let (name, value) = name_and_value(item)?;
    (value != 0 && is_unplaced(&name)).then_some(name)
}

fn is_unplaced(name: &str) -> bool {
    let plain = || name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    UNPLACED.contains(&name) || name.starts_with(UNPLACED_FAMILY) && plain()
}

fn name_and_value(item: &str) -> Option<(String, u32)> {
    let (name, value) = item.split_once('=').unwrap_or((item, "1"));
    Some((name.trim().to_ascii_lowercase(), value.trim().parse::<u32>().ok()?))
}

/// Adds the options that one item of `logs.options` names: `log_filename`, or with a value
/// `log_connection=35`, whose bits are those of the manual; none for one whose field has no known place. `None`
/// for what is not an option.
pub fn parse(item: &str) -> Option<OptionSet> {
    let (name, value) = name_and_value(item)?;
    if is_unplaced(&name) {
        return Some(OptionSet::default());
    }
    let options: Vec<LogOption> =
        LogOption::ALL.iter().copied().filter(|option| option.row().setting == name).collect();
    // Any value switches on what has no bits.
    let is_on = |option: LogOption| value & option.row().value != 0 || options.len() == 1 && value != 0;
    let on = options.iter().copied().filter(|&option| option.field().is_some() && is_on(option));
    (!options.is_empty()).then(|| on.fold(OptionSet::default(), OptionSet::with))
}

#[cfg(test)]
mod tests {
    use super::{LogOption, OptionSet, parse};

    #[test]
    fn what_has_a_row_has_a_place() {
        for option in LogOption::ALL {
            let setting = option.row().setting;
            assert!(!super::is_unplaced(setting), "{setting} has a row: strike it from UNPLACED");
        }
    }

    #[test]
    fn options_are_named_as_the_manual_names_them() {
        for (item, expected) in [
            ("log_filename", Some(&[LogOption::Filename][..])),
            ("LOG_FILENAME", Some(&[LogOption::Filename])),
            ("log_filename=0", Some(&[])),
            ("log_connection", Some(&[LogOption::Connection])),
            ("log_connection=2", Some(&[])),
            (
                "log_connection=99",
                Some(&[LogOption::Connection, LogOption::Transport, LogOption::Application]),
            ),
            ("log_intermediate = 3", Some(&[LogOption::Intermediate, LogOption::Initial])),
            ("log_connection+32", None),
            ("log_filename=yes", None),
            ("log_everything", None),
            ("log_auth", Some(&[])),
            ("LOG_TRACKING=1", Some(&[])),
            ("log_isc_status=3", Some(&[])),
            ("log_isc+2", None),
            ("log_auth=on", None),
            ("", None),
        ] {
            assert_eq!(parse(item), expected.map(OptionSet::of), "{item}");
        }
    }
}
