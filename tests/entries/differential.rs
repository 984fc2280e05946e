//! The same entries in all six formats give the same metrics.

use fastrand::Rng;
use imsimta_exporter::config::Config;
use imsimta_exporter::record::option::OptionSet;
use imsimta_exporter::report::Report;
use imsimta_exporter::report::progress::Progress;

use super::random;
use super::writer::{Connection, FORMATS, Format, Message, OPTIONS, Style};

/// What depends on how an entry is written and not on what it says: its length, and which fields it
/// shows.
const OF_THE_FORMAT: [&str; 2] = ["imsimta_log_bytes_total", "imsimta_exporter_option_seen"];

fn style(format: Format) -> Style {
    Style {
        format,
        on: [true; OPTIONS.len()],
        old_dates: false,
        trimmed: false,
        characters: false,
        always: false,
        prefix: "",
    }
}

fn exposition(style: &Style, messages: &[Message], connections: &[Connection]) -> String {
    let messages = messages.iter().map(|entry| style.message(entry));
    let connections = connections.iter().map(|entry| style.connection(entry));
    let lines: Vec<Vec<u8>> = messages.chain(connections).collect();
    of_lines(&lines, Some(super::pinned(style)))
}

/// What a log adds up to, but for [`OF_THE_FORMAT`].
pub fn of_lines(lines: &[Vec<u8>], options: Option<OptionSet>) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("mail.log");
    std::fs::write(&path, [lines.join(&b'\n'), b"\n".to_vec()].concat()).expect("written");
    let mut config = Config::default();
    config.mta.timezone = Some(jiff::tz::TimeZone::UTC);
    config.logs.options = options;
    let mut report = Report::new(&config, 1);
    report.read_file(&path, &mut Progress::default()).expect("a readable log");
    let page = String::from_utf8(report.exposition().expect("an exposition")).expect("text");
    let kept = page.lines().filter(|line| !OF_THE_FORMAT.iter().any(|name| line.starts_with(name)));
    kept.collect::<Vec<_>>().join("\n")
}

#[test]
fn all_formats_give_the_same_metrics() {
    let mut rng = Rng::with_seed(8);
    let text = style(Format::Text);
    let mut messages: Vec<Message> = (0..1500).map(|_| random::message(&mut rng, &text)).collect();
    // The text formats do not delimit a bad command.
    messages.retain(|entry| super::is_delimited(entry, &text));
    let connections: Vec<Connection> = (0..500).map(|_| random::connection(&mut rng, &text)).collect();
    let expected = exposition(&text, &messages, &connections);
    assert!(expected.contains("imsimta_log_entries_total"), "{expected}");
    for format in FORMATS {
        let page = exposition(&style(format), &messages, &connections);
        let differs = page.lines().zip(expected.lines()).find(|(one, other)| one != other);
        assert_eq!(differs, None, "{format:?}");
        assert_eq!(page.lines().count(), expected.lines().count(), "{format:?}");
    }
}
