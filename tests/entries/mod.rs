//! Random entries in every format, written by a writer of its own and read back.
//!
//! `IMSIMTA_EXPORTER_ENTRIES=1000000 cargo test --test integration entries::` reads more of them.

mod differential;
mod random;
mod switched;
mod writer;

use fastrand::Rng;
use imsimta_exporter::aggregate::{Aggregate, Totals};
use imsimta_exporter::counting::LogReader;
use imsimta_exporter::record::option::{self, OptionSet};
use imsimta_exporter::record::{self, Dialect, Direction, Line, Reader, Skip};
use random::field;
use writer::{Connection, FORMATS, Format, Message, OPTIONS, Style};

/// Option sets a format.
const SETS: usize = 200;

/// How many entries are read back in all.
fn entries() -> usize {
    let wanted = std::env::var("IMSIMTA_EXPORTER_ENTRIES").ok();
    wanted.map_or(50_000, |number| number.parse().expect("a number of entries"))
}

fn pinned(style: &Style) -> OptionSet {
    let on = OPTIONS.iter().zip(style.on).filter(|&(_, on)| on);
    on.fold(OptionSet::default(), |set, ((name, _), _)| set.and(option::parse(name).expect("an option")))
}

fn millis(time: [u32; 7], style: &Style) -> i64 {
    let [year, month, day, hour, minute, second, hundredths] =
        time.map(|number| i16::try_from(number).expect("small"));
    let [month, day, hour, minute, second] =
        [month, day, hour, minute, second].map(|number| i8::try_from(number).expect("small"));
    let time = jiff::civil::date(year, month, day).at(hour, minute, second, 0);
    let seconds = time.to_zoned(jiff::tz::TimeZone::UTC).expect("in range").timestamp().as_second();
    let shown = matches!(style.format, Format::Xml | Format::Json | Format::FlatJson) || !style.old_dates;
    seconds * 1000 + if shown { i64::from(hundredths) * 10 } else { 0 }
}

/// `(name, what the MTA wrote, what was read)` of everything that the style can carry.
type Pairs<'a> = Vec<(&'static str, Vec<u8>, &'a [u8])>;

fn mandatory<'a>(entry: &Message, style: &Style, read: &'a record::Message<'_>) -> Pairs<'a> {
    assert_eq!(read.time.civil_millis, millis(entry.time, style));
    assert_eq!(read.blocks, entry.blocks);
    assert_eq!(entry.code.chars().next(), Some(read.code.action.letter()));
    let modifiers: String = read.code.modifier_letters().collect();
    let mut written: Vec<char> = entry.code.chars().skip(1).collect();
    written.sort_unstable();
    assert_eq!(modifiers, String::from_iter(written));
    vec![
        ("sc", entry.source.clone(), read.source_channel),
        ("dc", entry.destination.clone(), read.destination_channel),
        ("so", entry.from.clone(), read.from),
        ("od", entry.original_to.clone(), read.original_to),
        ("de", entry.to.clone(), read.to),
    ]
}

fn optional<'a>(entry: &Message, style: &Style, read: &'a record::Message<'_>) -> Pairs<'a> {
    let number = |text: &[u8]| -> Option<f64> { std::str::from_utf8(text).ok()?.parse().ok() };
    let written = |name: &str| {
        let field = field(name);
        if style.on[field] { entry.fields[field].clone() } else { Vec::new() }
    };
    assert_eq!(read.notary.map(f64::from), number(&written("rf")), "rf");
    assert_eq!(read.queue_seconds, number(&written("qt")), "qt");
    let mut pairs: Pairs<'a> = vec![
        ("no", written("no"), read.node),
        ("pi", written("pi"), read.process),
        ("fi", written("fi"), read.filename),
        ("ei", written("ei"), read.envelope_id),
        ("mi", written("mi"), read.message_id),
        ("us", written("us"), read.username),
        ("ss", written("ss"), read.source_system),
        ("se", written("se"), read.sensitivity),
        ("pr", written("pr"), read.priority),
        ("in", written("in"), read.intermediate),
        ("ia", written("ia"), read.initial),
        ("fl", written("fl"), read.filter),
        ("re", written("re"), read.reason),
        ("di", written("di"), read.diagnostic),
        ("rm", written("rm"), read.remote_mta),
        ("ap", written("ap"), read.application),
    ];
    // Without transport information the tuple in the delivery status stands for it.
    let diagnostic = String::from_utf8_lossy(&written("di")).into_owned();
    let inner =
        diagnostic.split_once("(TCP|").and_then(|(_, rest)| Some(format!("TCP|{}", rest.split_once(')')?.0)));
    let transport = written("tr");
    let transport = if transport.is_empty() { inner.unwrap_or_default().into_bytes() } else { transport };
    pairs.push(("tr", transport, read.transport));
    pairs
}

#[track_caller]
fn agree(pairs: &Pairs<'_>, line: &[u8], style: &Style) {
    for (name, written, read) in pairs {
        assert!(
            written == read,
            "{name}: wrote {:?}, read {:?}, of {}\n{style:?}",
            written.escape_ascii().to_string(),
            read.escape_ascii().to_string(),
            line.escape_ascii()
        );
    }
}

#[track_caller]
fn check_message(entry: &Message, style: &Style, reader: &mut Reader) {
    let line = style.message(entry);
    let read = reader.read(&line);
    let Line::Message(message) = read else { panic!("{read:?} of {}\n{style:?}", line.escape_ascii()) };
    agree(&mandatory(entry, style, &message), &line, style);
    agree(&optional(entry, style, &message), &line, style);
}

#[track_caller]
fn check_connection(entry: &Connection, style: &Style, reader: &mut Reader) {
    let line = style.connection(entry);
    let read = reader.read(&line);
    let Line::Connection(read) = read else { panic!("{read:?} of {}\n{style:?}", line.escape_ascii()) };
    assert_eq!(read.time.civil_millis, millis(entry.time, style));
    assert_eq!(read.direction == Direction::In, entry.inbound);
    assert_eq!(entry.code.chars().next(), Some(read.code.action.letter()));
    let tuple = read.transport.map_or(&[][..], |ends| ends.tuple);
    let mut pairs = vec![
        ("no", entry.node.clone(), read.node),
        ("pi", entry.process.clone(), read.process),
        ("sc", entry.channel.clone(), read.channel),
        ("tr", entry.transport.clone(), tuple),
        ("ap", entry.application.clone(), read.application),
    ];
    if matches!(style.format, Format::Text | Format::NonNull) {
        // Nothing tells the texts of a connection entry apart there.
        let texts = [&entry.text[..], &entry.username, &entry.diagnostic];
        let texts: Vec<&[u8]> = texts.into_iter().filter(|text| !text.is_empty()).collect();
        pairs.push(("di", texts.join(&b' '), read.diagnostic));
    } else {
        pairs.push(("mi", entry.text.clone(), read.text));
        pairs.push(("us", entry.username.clone(), read.username));
        pairs.push(("di", entry.diagnostic.clone(), read.diagnostic));
    }
    agree(&pairs, &line, style);
}

/// What every positional entry without a recipient of its own is: a bad command is text that the reply
/// follows without a mark, so that only formats that delimit their fields keep the two apart.
fn is_delimited(entry: &Message, style: &Style) -> bool {
    !entry.code.starts_with('B') || !matches!(style.format, Format::Text | Format::NonNull)
}

/// What is never written is never read back.
#[test]
fn the_writer_knows_every_option_with_a_field() {
    let fields = option::ROWS.iter().filter_map(|row| row.field);
    let read: Vec<String> =
        fields.map(|field| String::from_utf8_lossy(&field.letters).into_owned()).collect();
    assert_eq!(read, OPTIONS.map(|(_, letters)| letters), "OPTIONS of the writer, in the order of the table");
}

#[test]
fn every_field_is_read_back() {
    let mut rng = Rng::with_seed(5);
    let each = entries().div_ceil(FORMATS.len() * SETS);
    for format in FORMATS {
        for _ in 0..SETS {
            let style = random::style(&mut rng, format);
            let dialect = Dialect { options: Some(pinned(&style)), ..Dialect::default() };
            let mut reader = Reader::new(dialect);
            for _ in 0..each {
                let entry = random::message(&mut rng, &style);
                if is_delimited(&entry, &style) {
                    check_message(&entry, &style, &mut reader);
                }
            }
            let connection = random::connection(&mut rng, &style);
            check_connection(&connection, &style, &mut reader);
            let text = b"Subject: 19-Jan-1998 19:16:57.64 l D 1 a@b rfc822;c@d c@d <en ts=\"x\"/>";
            let header = style.header(connection.time, &connection.node, &connection.process, text);
            assert_eq!(reader.read(&header), Line::Skipped(Skip::Header), "{}", header.escape_ascii());
        }
    }
}

/// What is inferred about a log never changes code, channels, size and addresses.
#[test]
fn whatever_is_inferred_the_columns_and_addresses_are_read_back() {
    let mut rng = Rng::with_seed(6);
    let each = (entries() / 100).max(250);
    for format in [Format::Text, Format::NonNull, Format::Counted] {
        for _ in 0..10 {
            let style = random::style(&mut rng, format);
            let (mut reader, mut counted) = (Reader::default(), Counted::new());
            for _ in 0..each {
                let entry = random::message(&mut rng, &style);
                let line = style.message(&entry);
                reader.learn(counted.options());
                let read = reader.read(&line);
                let Line::Message(message) = &read else { panic!("{read:?} of {}", line.escape_ascii()) };
                if is_delimited(&entry, &style) {
                    agree(&mandatory(&entry, &style, message), &line, &style);
                }
                counted.line(&line);
            }
            assert!(counted.options().is_some());
        }
    }
}

/// The sets of options that sites use are inferred, and then every field is read back.
#[test]
fn the_options_of_real_sites_are_inferred() {
    let mut rng = Rng::with_seed(7);
    let everything = ["fi", "mi", "us", "ss", "fl", "di"];
    for format in [Format::Text, Format::NonNull, Format::Counted] {
        for names in [&["di"][..], &["us", "di"], &["us", "ss", "di"], &["fi", "mi", "us", "di"], &everything]
        {
            let mut style = random::style(&mut rng, format);
            style.on = std::array::from_fn(|option| names.contains(&OPTIONS[option].1));
            let (mut reader, mut counted) = (Reader::default(), Counted::new());
            for number in 0..600 {
                let entry = random::message(&mut rng, &style);
                if !is_delimited(&entry, &style) {
                    continue;
                }
                let inferred = counted.options();
                reader.learn(inferred);
                let line = style.message(&entry);
                let read = reader.read(&line);
                if let (Some(set), Line::Message(message)) = (inferred, &read) {
                    assert_eq!(set, pinned(&style), "{style:?}");
                    let pairs = optional(&entry, &style, message);
                    assert!(number >= 200);
                    agree(&pairs, &line, &style);
                }
                counted.line(&line);
            }
        }
    }
}

/// A log that is counted line by line.
struct Counted {
    aggregate: Aggregate,
    reader: LogReader,
}

impl Counted {
    fn new() -> Self {
        let aggregate = Aggregate::new(Totals::new(1), jiff::tz::TimeZone::UTC, 1024);
        Self { aggregate, reader: LogReader::new(Dialect::default(), usize::MAX) }
    }

    fn line(&mut self, line: &[u8]) {
        let log = self.aggregate.totals.accounts.index("mail.log_current");
        self.reader.count(&[line, b"\n"].concat(), &mut self.aggregate, log, None);
    }

    /// What is inferred of the log.
    fn options(&self) -> Option<OptionSet> {
        self.aggregate.totals.accounts.all().first()?.inference.options()
    }
}

/// Nothing is frozen that the MTA's options can change later: a field that was off is read by its shape.
#[test]
fn a_file_name_is_read_although_it_was_off_at_first() {
    let entry = |fields: &str| {
        format!(
            "22-Nov-2026 10:00:00.00 ims-ms                    D 2 a@b.example rfc822;c@d.example c@d.example {fields}"
        )
    };
    let path = "/opt/sun/comms/messaging64/data/queue/ims-ms/000/ZZ01ISF1Q7.0012";
    let (mut reader, mut counted) = (Reader::default(), Counted::new());
    let mut files = Vec::new();
    for fields in std::iter::repeat_n("mailsrv".to_owned(), 300).chain([format!("{path} mailsrv")]) {
        let line = entry(&fields);
        reader.learn(counted.options());
        let read = reader.read(line.as_bytes());
        if let Line::Message(message) = &read {
            files.extend((!message.filename.is_empty()).then(|| message.filename.to_vec()));
        }
        counted.line(line.as_bytes());
    }
    assert_eq!(files, [path.as_bytes().to_vec()]);
}
