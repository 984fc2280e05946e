//! Options that the postmaster switches while a log grows: what was inferred from its first entries
//! stays, and reads no later entry wrong.

use fastrand::Rng;
use imsimta_exporter::record::code::Action;
use imsimta_exporter::record::option::OptionSet;
use imsimta_exporter::record::{Dialect, Line, Message as Read, Reader, reason};

use super::differential::of_lines;
use super::random::{self, field};
use super::writer::{Format, Message, NODE, OPTIONS, Style};

/// Sets of options that sites use, and that are inferred whole but for what is told line by line.
const SITES: [&[&str]; 7] = [
    &["di"],
    &["us", "di"],
    &["us", "ss", "di"],
    &["fi", "mi", "us", "di"],
    &["fi", "mi", "us", "ss", "fl", "di"],
    &["fi", "mi", "us", "ss", "fl", "re", "di"],
    &["no", "pi", "rf", "fi", "mi", "us", "ss", "di"],
];

type On = [bool; OPTIONS.len()];

fn style(format: Format, on: On, trimmed: bool) -> Style {
    Style { format, on, old_dates: false, trimmed, characters: false, always: false, prefix: "" }
}

fn site(names: &[&str]) -> On {
    std::array::from_fn(|option| names.contains(&OPTIONS[option].1))
}

/// The set with one to `most` options switched. A node is told by the columns in front of the addresses,
/// never by what was inferred.
fn switch(rng: &mut Rng, mut on: On, first: usize, most: usize) -> On {
    let more = (1..rng.usize(1..=most)).map(|_| rng.usize(NODE + 1..OPTIONS.len()));
    for option in std::iter::once(first).chain(more.collect::<Vec<_>>()) {
        on[option] = !on[option];
    }
    on
}

/// Whether `LOG_FORMAT` 1 leaves open what a field is that the log did not have at first;
/// `docs/log-formats.md` has the rules, and `record::fields_that_were_off_at_first` their rows.
fn is_open(entry: &Message, before: &On, style: &Style) -> bool {
    let after = &style.on;
    let line = style.message(entry);
    let shows = |name: &str| if after[field(name)] { &entry.fields[field(name)][..] } else { &[] };
    let since = |name: &str| after[field(name)] && !before[field(name)];
    let tried = !entry.code.starts_with('E');
    let ends_with_digit = matches!(line[..], [.., b' ', b' ', digit] if digit.is_ascii_digit());
    // A word that is no user of the MTA's own, and a bare host, in front of a text.
    since("us") && shows("us") == b"adam"
        || since("ss") && tried && !shows("ss").contains(&b'(')
        // An envelope id, brackets or not, without a message id behind it.
        || since("ei") && shows("mi").is_empty() && !shows("ei").is_empty()
        // Where blanks at the end are cut off: a level behind an empty field.
        || (since("se") || since("pr")) && shows("qt").is_empty() && ends_with_digit
        // A number behind a text.
        || after[field("qt")] != before[field("qt")]
            && !shows("qt").is_empty()
            && !(shows("di").is_empty() && shows("re").is_empty())
            && shows("tr").is_empty()
            && shows("ap").is_empty()
            && shows("rm").is_empty()
}

/// What metrics are made of, beside code, channels, size and addresses.
fn told(message: &Read<'_>) -> [(&'static str, String); 6] {
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    let why = reason::of_message(message).map(|why| (why.reason, why.reply.remote, why.reply.code));
    // Only of a rejected enqueue it is asked who sent it.
    let sender = if message.code.action == Action::Refusal { message.source_system } else { &[] };
    let transport = if message.code.action == Action::Refusal { message.transport } else { &[] };
    [
        ("queue file", text(message.filename)),
        ("message id", text(message.message_id)),
        ("source system", text(sender)),
        ("transport", text(transport)),
        ("seconds", format!("{:?}", message.queue_seconds)),
        ("reason", format!("{why:?}")),
    ]
}

/// Writes a log until its options are inferred.
fn inferred(rng: &mut Rng, style: &Style) -> OptionSet {
    let mut counted = super::Counted::new();
    loop {
        counted.line(&style.message(&random::message(rng, style)));
        if let Some(options) = counted.options() {
            return options;
        }
    }
}

#[test]
fn entries_with_other_options_are_read_as_if_these_were_known() {
    let mut rng = Rng::with_seed(11);
    let each = (super::entries() / 2500).max(4);
    for format in [Format::Text, Format::NonNull] {
        for names in SITES {
            let (before, trimmed) = (site(names), rng.bool());
            let mut reader = Reader::default();
            reader.learn(Some(inferred(&mut rng, &style(format, before, trimmed))));
            for round in 0..4 * OPTIONS.len() {
                let first = round % OPTIONS.len();
                if first == NODE {
                    continue;
                }
                let after = switch(&mut rng, before, first, if round < OPTIONS.len() { 1 } else { 4 });
                // And back again: nothing is kept of what came in between.
                for on in [after, before] {
                    check(&mut rng, &mut reader, &before, &style(format, on, trimmed), each);
                }
            }
        }
    }
}

#[track_caller]
fn check(rng: &mut Rng, reader: &mut Reader, before: &On, style: &Style, entries: usize) {
    let options = Some(super::pinned(style));
    let mut pinned = Reader::new(Dialect { options, ..Dialect::default() });
    for _ in 0..entries {
        let entry = random::message(rng, style);
        if !super::is_delimited(&entry, style) || is_open(&entry, before, style) {
            continue;
        }
        let line = style.message(&entry);
        let (Line::Message(read), Line::Message(expected)) = (reader.read(&line), pinned.read(&line)) else {
            panic!("{}", line.escape_ascii());
        };
        super::agree(&super::mandatory(&entry, style, &read), &line, style);
        for ((name, read), (_, expected)) in told(&read).into_iter().zip(told(&expected)) {
            let switched = (0..OPTIONS.len()).filter(|&option| style.on[option] != before[option]);
            let switched: Vec<_> = switched.map(|option| OPTIONS[option]).collect();
            assert_eq!(read, expected, "{name} of {}, switched {switched:?}", line.escape_ascii());
        }
    }
}

/// A log with a switch in the middle adds up to what its entries add up to where fields have names.
#[test]
fn a_switch_in_the_middle_changes_no_metric() {
    let mut rng = Rng::with_seed(12);
    for names in SITES {
        for option in ["fi", "mi", "us", "ss", "fl", "re", "rm", "rf", "pr", "tr", "in"].map(field) {
            let before = site(names);
            let mut after = before;
            after[option] = !after[option];
            let nothing = [false; OPTIONS.len()];
            let (mut text, mut xml) = (Vec::new(), Vec::new());
            for (on, known, entries) in
                [(before, &nothing, 250), (after, &before, 100), (before, &before, 50)]
            {
                let positional = style(Format::Text, on, false);
                let mut left = entries;
                while left > 0 {
                    let entry = random::message(&mut rng, &positional);
                    if super::is_delimited(&entry, &positional) && !is_open(&entry, known, &positional) {
                        text.push(positional.message(&entry));
                        xml.push(style(Format::Xml, on, false).message(&entry));
                        left -= 1;
                    }
                }
            }
            let (read, expected) = (of_lines(&text, None), of_lines(&xml, None));
            let told = |page: &str| -> Vec<String> {
                page.lines().filter(|line| !is_of_no_sender(line)).map(str::to_owned).collect()
            };
            let (read, expected) = (told(&read), told(&expected));
            let differs: Vec<_> = read.iter().zip(&expected).filter(|(one, other)| one != other).collect();
            assert_eq!(read.len(), expected.len(), "{names:?} {:?}", OPTIONS[option]);
            assert!(differs.is_empty(), "{names:?} {:?}: {differs:#?}", OPTIONS[option]);
        }
    }
}

/// Whether a line tells of senders and that there is none. One last word of an enqueue may be a user or a host, so the log
/// may seem to name users where it names hosts.
fn is_of_no_sender(line: &str) -> bool {
    line.contains(" imsimta_sender_enqueues_max ")
        || line == "imsimta_sender_enqueues_max 0"
        || line == "imsimta_top_error_bound{table=\"sender_enqueues\"} 0"
}
