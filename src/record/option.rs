//! The `LOG_*` options of the MTA, and sets of them.
//!
//! Most options add one field to every entry. What a log is made of is a set of options: pinned in the
//! configuration, or told by the entries themselves. It is plain data; nothing here guesses.

labelled! {
    /// An option that adds a field to message entries, by the manual's name; the three bits of
    /// `log_connection` that do are rows of their own.
    LogOption {
        Connection = "log_connection": "the sending or remote system (bit 0 of `log_connection`)";
        Filename = "log_filename": "the queue file";
        MessageId = "log_message_id": "the message id";
        Username = "log_username": "the process or authenticated user";
        Process = "log_process": "process id, thread and sequence number";
        Node = "log_node": "the host that wrote the entry";
        Notary = "log_notary": "NOTARY flags";
        EnvelopeId = "log_envelope_id": "the envelope id";
        Sensitivity = "log_sensitivity": "the sensitivity";
        Priority = "log_priority": "the priority";
        Intermediate = "log_intermediate": "the intermediate address (bit 0 of `log_intermediate`)";
        Filter = "log_filter": "what Sieve filters did";
        Reason = "log_reason": "why a recipient was given up";
        Diagnostics = "log_diagnostics": "the delivery status";
        QueueTime = "log_queue_time": "seconds in the queue";
        Initial = "log_intermediate+2": "the initial address (bit 1 of `log_intermediate`)";
        RemoteMta = "log_remote_mta": "the remote host, apart from the delivery status";
        Transport = "log_connection+32": "transport information (bit 5 of `log_connection`)";
        Application = "log_connection+64": "application information (bit 6 of `log_connection`)";
    }
}

impl LogOption {
    /// Whether this is an option and not a further bit of one.
    pub fn is_whole(self) -> bool {
        !self.label().contains('+')
    }

    /// The label of the option that this is, or is a further bit of.
    pub fn whole_label(self) -> &'static str {
        self.label().split('+').next().unwrap_or_default()
    }
}

/// A set of options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OptionSet(u32);

impl OptionSet {
    /// The set of these options.
    pub fn of(options: &[LogOption]) -> Self {
        options.iter().fold(Self::default(), |set, &option| set.with(option))
    }

    /// The set with one more option.
    #[must_use]
    pub const fn with(self, option: LogOption) -> Self {
        Self(self.0 | 1 << option as u32)
    }

    /// All options of both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Adds an option when its field is there.
    pub(crate) fn note(&mut self, option: LogOption, there: bool) {
        self.0 |= u32::from(there) << option as u32;
    }

    /// Whether the option is in the set.
    pub const fn has(self, option: LogOption) -> bool {
        self.0 & 1 << option as u32 != 0
    }

    /// The options in the order of the table.
    pub fn all(self) -> impl Iterator<Item = LogOption> {
        LogOption::ALL.iter().copied().filter(move |&option| self.has(option))
    }

    /// As a number, one bit an option, to be saved.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// From a saved number; bits that no option has are dropped.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits & ((1 << LogOption::ALL.len()) - 1))
    }
}

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
    let bit = |bit: u32, option: LogOption| {
        if value & 1 << bit == 0 { OptionSet::default() } else { OptionSet::default().with(option) }
    };
    match name.as_str() {
        "log_connection" => Some(
            bit(0, LogOption::Connection)
                .and(bit(5, LogOption::Transport))
                .and(bit(6, LogOption::Application)),
        ),
        "log_intermediate" => Some(bit(0, LogOption::Intermediate).and(bit(1, LogOption::Initial))),
        name if name.contains('+') => None,
        name if is_unplaced(name) => Some(OptionSet::default()),
        name => {
            let option = LogOption::ALL.iter().find(|option| option.label() == name)?;
            Some(if value == 0 { OptionSet::default() } else { OptionSet::default().with(*option) })
        }
    }
}

/// The fields behind the recipients, in the order in which the MTA writes them.
pub(super) const FIELDS: [LogOption; 17] = [
    LogOption::Notary,
    LogOption::Filename,
    LogOption::EnvelopeId,
    LogOption::MessageId,
    LogOption::Username,
    LogOption::Connection,
    LogOption::Sensitivity,
    LogOption::Priority,
    LogOption::Intermediate,
    LogOption::Initial,
    LogOption::Filter,
    LogOption::Reason,
    LogOption::Diagnostics,
    LogOption::RemoteMta,
    LogOption::Transport,
    LogOption::Application,
    LogOption::QueueTime,
];

/// How many of [`FIELDS`] stand in front of the texts, and how many texts there are.
const WORDS: usize = 11;
const TEXTS: usize = 2;

/// What of [`FIELDS`] a set of options adds to the entries of a log: found once, not for each entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    options: OptionSet,
    /// Those in front of the texts, then those behind them.
    by_place: [LogOption; FIELDS.len()],
    words: usize,
    all: usize,
}

impl Fields {
    /// Those of a set of options.
    pub(super) fn of(options: OptionSet) -> Self {
        let mut of = Self { options, by_place: FIELDS, words: 0, all: 0 };
        for (place, field) in FIELDS.into_iter().enumerate().filter(|&(_, field)| options.has(field)) {
            if !(WORDS..WORDS + TEXTS).contains(&place) {
                of.by_place[of.all] = field;
                of.all += 1;
                of.words += usize::from(place < WORDS);
            }
        }
        of
    }

    /// The options that they are for.
    pub(super) fn options(&self) -> OptionSet {
        self.options
    }

    /// The fields in front of the texts, in the order in which the MTA writes them.
    pub(super) fn words(&self) -> &[LogOption] {
        &self.by_place[..self.words]
    }

    /// The fields behind the texts, in the same order.
    pub(super) fn tail(&self) -> &[LogOption] {
        &self.by_place[self.words..self.all]
    }
}

#[cfg(test)]
mod tests {
    use super::{LogOption, OptionSet, parse};

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

    #[test]
    fn sets_survive_as_numbers() {
        let all = OptionSet::of(LogOption::ALL);
        assert_eq!(OptionSet::from_bits(all.bits()), all);
        assert_eq!(OptionSet::from_bits(u32::MAX), all);
        assert_eq!(all.all().count(), LogOption::ALL.len());
    }
}
