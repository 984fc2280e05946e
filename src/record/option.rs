//! The `LOG_*` options of the MTA, and sets of them.
//!
//! Most options add one field to every entry; a row of [`ROWS`] says all about one: reading, inference, explanations,
//! the check and the catalogue of metrics ask the row. What a log is made of is a set of options: pinned in the
//! configuration, or told by the entries themselves. It is plain data; nothing here guesses.

mod setting;

use super::code::Action;
pub use setting::{parse, unplaced};

/// Where a field stands in the entries of `LOG_FORMAT` 1, 2 and 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// In the columns at the start.
    Columns,
    /// Behind the recipients, as a word or with marks of its own.
    Words,
    /// A text behind these, without marks.
    Texts,
    /// Behind the texts.
    Tail,
}

/// How the first entries of a log tell that an option is on: a score that is above 0 in the end.
#[derive(Clone, Copy, Debug)]
pub struct Inference {
    /// Whether entries with an action can show it.
    pub by: fn(Action) -> bool,
    /// What an entry adds that shows it; one that does not takes 1 away.
    pub shown: i32,
}

/// Most entries show the field when it is on.
const MOST: i32 = 1;
/// One entry in ten is enough: the field is empty in many, or looks like something else there.
const SOME: i32 = 9;
/// One entry in fifty is enough.
const FEW: i32 = 49;

/// The field that an option adds to message entries.
#[derive(Clone, Copy, Debug)]
pub struct AddedField {
    /// What the manual calls it.
    pub name: &'static str,
    /// Its name in XML and JSON.
    pub letters: [u8; 2],
    /// Where it stands.
    pub part: Part,
    /// Whether it is a number, which has no length in front of it in `LOG_FORMAT` 3.
    pub is_number: bool,
    /// `None` where nothing is inferred: the columns in front of the addresses are never read by what was inferred,
    /// and the delivery status is on unless it was switched off.
    pub inference: Option<Inference>,
}

/// A row of the table of options.
#[derive(Clone, Copy, Debug)]
pub struct OptionRow {
    /// The manual's name of the option.
    pub setting: &'static str,
    /// What switches it on: the value of the option, or the bit to add to it.
    pub value: u32,
    /// The name that is shown and saved: the option, with the bit where it is a further one.
    pub label: &'static str,
    /// Whether the MTA has it on unless it is switched off.
    pub by_default: bool,
    /// What can be known with it; empty where another row of the option says so.
    pub adds: &'static str,
    /// The field that it adds; `None` for bits that add entries.
    pub field: Option<AddedField>,
}

const fn option(setting: &'static str) -> OptionRow {
    bit(setting, 1, setting)
}

const fn bit(setting: &'static str, value: u32, label: &'static str) -> OptionRow {
    OptionRow { setting, value, label, by_default: false, adds: "", field: None }
}

const fn text(name: &'static str, letters: [u8; 2], part: Part) -> AddedField {
    AddedField { name, letters, part, is_number: false, inference: None }
}

const fn number(name: &'static str, letters: [u8; 2], part: Part) -> AddedField {
    AddedField { is_number: true, ..text(name, letters, part) }
}

impl OptionRow {
    const fn adds(self, adds: &'static str) -> Self {
        Self { adds, ..self }
    }

    const fn field(self, field: AddedField) -> Self {
        Self { field: Some(field), ..self }
    }

    const fn by_default(self) -> Self {
        Self { by_default: true, ..self }
    }
}

impl AddedField {
    /// Entries with these actions show it when it is on, in that share.
    const fn shown_by(self, by: fn(Action) -> bool, shown: i32) -> Self {
        Self { inference: Some(Inference { by, shown }), ..self }
    }
}

macro_rules! options {
    ($($option:ident: $row:expr;)*) => {
        /// An option by the manual's name; further bits of one are rows of their own.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum LogOption {
            $(#[doc = "See its row in [`ROWS`]."] $option,)*
        }

        impl LogOption {
            /// Every option, in the order of their rows.
            pub const ALL: &'static [LogOption] = &[$(LogOption::$option,)*];
        }

        /// THE table of options. Those with a field stand in the order in which the MTA writes these.
        pub const ROWS: [OptionRow; LogOption::ALL.len()] = [$($row,)*];
    };
}

use Part::{Columns, Tail, Texts, Words};

options! {
    Node: option("log_node")
        .adds("which host wrote an entry, where logs are collected")
        .field(text("node", *b"no", Columns));
    Process: option("log_process")
        .adds("which server process wrote an entry")
        .field(text("process id", *b"pi", Columns));
    Notary: option("log_notary")
        .adds("which senders asked for delivery notifications")
        .field(number("NOTARY flags", *b"rf", Words).shown_by(Action::has_file, MOST));
    Filename: option("log_filename")
        .adds("numbers of attempts, time in the queue, held messages")
        .field(text("file name", *b"fi", Words).shown_by(Action::has_file, MOST));
    EnvelopeId: option("log_envelope_id")
        .adds("the sender's own id of a message")
        .field(text("envelope id", *b"ei", Words).shown_by(Action::has_file, FEW));
    MessageId: option("log_message_id")
        .adds("time from arrival to delivery across channels")
        .field(text("message id", *b"mi", Words).shown_by(Action::has_file, MOST));
    Username: option("log_username")
        .adds("which entries authenticated users caused")
        .field(text("username", *b"us", Words).shown_by(Action::is_of_message, FEW));
    Connection: option("log_connection")
        .adds("(+1) the sending host: which clients are rejected")
        .field(text("source system", *b"ss", Words).shown_by(Action::is_of_message, FEW));
    Sensitivity: option("log_sensitivity")
        .adds("the sensitivity of messages")
        .field(number("sensitivity", *b"se", Words).shown_by(Action::is_of_message, SOME));
    Priority: option("log_priority")
        .adds("the priority of messages")
        .field(number("priority", *b"pr", Words).shown_by(Action::is_of_message, SOME));
    Intermediate: option("log_intermediate")
        .adds("addresses before and after aliases and lists")
        .field(text("intermediate address", *b"in", Words).shown_by(Action::is_of_message, FEW));
    Initial: bit("log_intermediate", 2, "log_intermediate+2")
        .field(text("initial address", *b"ia", Words).shown_by(Action::is_of_message, FEW));
    Filter: option("log_filter")
        .adds("what Sieve filters did")
        .field(text("filter", *b"fl", Words).shown_by(Action::is_of_message, SOME));
    Reason: option("log_reason")
        .adds("why a recipient was given up (only R and K entries have it)")
        .field(text("reason", *b"re", Texts).shown_by(Action::gives_up, SOME));
    Diagnostics: option("log_diagnostics")
        .adds("reasons of failures and rejections: without it all are `none`")
        .by_default()
        .field(text("delivery status", *b"di", Texts));
    RemoteMta: option("log_remote_mta")
        .adds("the remote host apart from its reply")
        .field(text("remote host", *b"rm", Tail).shown_by(Action::is_waiting, SOME));
    Transport: bit("log_connection", 32, "log_connection+32")
        .field(text("transport information", *b"tr", Tail).shown_by(Action::is_of_message, FEW));
    Application: bit("log_connection", 64, "log_connection+64")
        .field(text("application info", *b"ap", Tail).shown_by(Action::is_of_message, FEW));
    QueueTime: option("log_queue_time")
        .adds("exact time in the queue, also for mail older than the log")
        .field(number("queue time, seconds", *b"qt", Tail).shown_by(Action::is_waiting, MOST));
    ConnectionEntries: bit("log_connection", 2, "log_connection (+2)")
        .adds("connections: opened, rejected, failed; busiest clients");
    EtrnEntries: bit("log_connection", 4, "log_connection (+4)")
        .adds("ETRN commands of hosts that fetch their mail");
    AuthenticationEntries: bit("log_connection", 128, "log_connection (+128)")
        .adds("authentications and who fails them");
}

impl LogOption {
    /// What the table says of it.
    pub const fn row(self) -> &'static OptionRow {
        &ROWS[self as usize]
    }

    /// The name that is shown and saved.
    pub const fn label(self) -> &'static str {
        self.row().label
    }

    /// The field that it adds to message entries.
    pub const fn field(self) -> Option<&'static AddedField> {
        self.row().field.as_ref()
    }

    /// Whether its field is a number.
    pub fn is_number(self) -> bool {
        self.field().is_some_and(|field| field.is_number)
    }

    /// Whether this is an option and not a further bit of one.
    pub fn is_whole(self) -> bool {
        self.label() == self.row().setting
    }

    /// How documentation calls what has to be on: `log_connection, bit 7 (128)`.
    pub fn need(self) -> String {
        let &OptionRow { setting, value, by_default, .. } = self.row();
        match (value.ilog2(), by_default) {
            (0, true) => format!("{setting} (on by default)"),
            (0, false) => setting.to_owned(),
            (bit @ 1..=3, _) => format!("{setting}, bit {bit}"),
            (bit, _) => format!("{setting}, bit {bit} ({value})"),
        }
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

/// How many options have a field there.
const fn count(columns: bool) -> usize {
    let (mut row, mut count) = (0, 0);
    while row < ROWS.len() {
        if let Some(field) = ROWS[row].field {
            count += (columns == matches!(field.part, Columns)) as usize;
        }
        row += 1;
    }
    count
}

/// The options with a field, which are the first.
pub(super) const WITH_FIELD: usize = count(true) + count(false);

/// The fields behind the recipients, in the order in which the MTA writes them.
pub(super) const FIELDS: [LogOption; count(false)] = {
    let mut fields = [LogOption::Notary; count(false)];
    let mut next = 0;
    while next < fields.len() {
        fields[next] = LogOption::ALL[count(true) + next];
        next += 1;
    }
    fields
};

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
        for option in FIELDS.into_iter().filter(|&option| options.has(option)) {
            let part = option.field().map(|field| field.part);
            if matches!(part, Some(Words | Tail)) {
                of.by_place[of.all] = option;
                of.all += 1;
                of.words += usize::from(part == Some(Words));
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
    use std::collections::BTreeSet;

    use super::{FIELDS, LogOption, OptionSet, Part, ROWS, WITH_FIELD};

    /// What reading relies on: those with a field come first, in the order of their parts, and names are those of one.
    #[test]
    fn rows_are_in_order_and_unique() {
        let parts: Vec<Option<Part>> = ROWS.iter().map(|row| row.field.map(|field| field.part)).collect();
        let rank = |part: Option<Part>| part.map_or(usize::MAX, |part| part as usize);
        assert!(parts.is_sorted_by_key(|&part| rank(part)), "{parts:?}");
        assert!(ROWS[..WITH_FIELD].iter().all(|row| row.field.is_some()));
        assert!(FIELDS.iter().all(|option| option.field().is_some_and(|field| field.part != Part::Columns)));
        let all = ROWS.len();
        assert_eq!(ROWS.iter().map(|row| row.label).collect::<BTreeSet<_>>().len(), all);
        assert_eq!(ROWS.iter().map(|row| (row.setting, row.value)).collect::<BTreeSet<_>>().len(), all);
        let letters = ROWS.iter().filter_map(|row| row.field).map(|field| field.letters);
        assert_eq!(letters.collect::<BTreeSet<_>>().len(), WITH_FIELD);
        // Of each option one row says what it adds.
        for row in &ROWS {
            let told = ROWS.iter().any(|other| other.setting == row.setting && !other.adds.is_empty());
            assert!(told && row.value.is_power_of_two(), "{}", row.label);
        }
    }

    #[test]
    fn needs_are_told_as_the_documentation_does() {
        for (option, need) in [
            (LogOption::Filename, "log_filename"),
            (LogOption::Diagnostics, "log_diagnostics (on by default)"),
            (LogOption::ConnectionEntries, "log_connection, bit 1"),
            (LogOption::AuthenticationEntries, "log_connection, bit 7 (128)"),
        ] {
            assert_eq!(option.need(), need);
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
