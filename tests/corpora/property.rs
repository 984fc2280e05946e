//! What must hold for any bytes, by fuzz target. The targets in `fuzz/` share this file.
#![allow(dead_code, reason = "each fuzz target uses one of the properties")]

use imsimta_exporter::record::code::Action;
use imsimta_exporter::record::format::Format;
use imsimta_exporter::record::option::{LogOption, OptionSet};
use imsimta_exporter::record::{Dialect, Line, RawLine, Reader, reason};

/// A line is read without a panic whatever is known of the options, and what is not known of them
/// never changes code, channels, size and addresses.
pub fn line(data: &[u8]) {
    pieces(data);
    let all = OptionSet::of(LogOption::ALL);
    let columns = OptionSet::of(&[LogOption::Node, LogOption::Process]);
    let mut by_shape = Reader::default();
    let shape = by_shape.read(data);
    for learned in [OptionSet::default(), all, columns, OptionSet::of(&[LogOption::Username])] {
        let mut reader = Reader::default();
        reader.learn(Some(learned));
        agree(&shape, &reader.read(data));
        for format in [None, Some(Format::Text), Some(Format::Counted)] {
            let dialect = Dialect { options: Some(learned), format, ..Dialect::default() };
            std::hint::black_box(Reader::new(dialect).read(data));
        }
    }
}

/// The pieces of a line are all of it, in order, and each is what it is by itself.
pub fn pieces(data: &[u8]) {
    let (mut end, mut left) = (0, data.len() + 1);
    let line = RawLine { bytes: data.len() + 1, ..RawLine::whole(data) };
    Reader::default().pieces(&line, 4096, |piece, bytes, entry| {
        assert_eq!(&data[end..end + piece.len()], piece);
        end += piece.len();
        left -= bytes;
        assert!(piece.len() <= 4096 || matches!(entry, Line::Skipped(_) | Line::Unparsed(_)));
    });
    assert_eq!((end, left), (data.len(), 0));
}

fn agree(one: &Line<'_>, other: &Line<'_>) {
    match (one, other) {
        (Line::Message(one), Line::Message(other)) => {
            assert_eq!((one.time, one.code, one.blocks), (other.time, other.code, other.blocks));
            assert_eq!(
                (one.source_channel, one.destination_channel, one.from, one.original_to, one.to),
                (other.source_channel, other.destination_channel, other.from, other.original_to, other.to)
            );
        }
        _ => assert_eq!(one, other),
    }
}

/// An XML entry with these bytes behind the element's name is read, and read alike a second time by
/// the same reader.
pub fn xml(data: &[u8]) {
    for element in ["<en ", "<co ", "<he ", "<"] {
        twice(&[element.as_bytes(), data].concat());
        pieces(&[element.as_bytes(), data].concat());
    }
}

/// A JSON entry with these bytes behind the brace is read, and read alike a second time by the same
/// reader.
pub fn json(data: &[u8]) {
    for start in ["{", "{\"en\":{", "{\"co\":{"] {
        twice(&[start.as_bytes(), data].concat());
        pieces(&[start.as_bytes(), data].concat());
    }
}

fn twice(line: &[u8]) {
    let mut reader = Reader::default();
    let first = format!("{:?}", reader.read(line));
    assert_eq!(first, format!("{:?}", reader.read(line)));
}

/// Any two texts have a class on every entry that gets one, and what another host says in its banner
/// never changes the class of its reply.
pub fn classifier(data: &[u8]) {
    let line_end = data.iter().position(|&byte| byte == b'\n').unwrap_or(data.len());
    let (diagnostic, text) = data.split_at(line_end);
    let with_banner = |action: Action, banner: &[u8]| {
        let reply = [b"dns;h.example (", banner, b") smtp;550 5.1.1 User unknown"].concat();
        reason::classify(action, &reply, b"").reason
    };
    for action in Action::ALL.into_iter().filter(|action| action.row().failed.is_some()) {
        std::hint::black_box(reason::classify(action, diagnostic, text));
        assert_eq!(with_banner(action, data), with_banner(action, b""));
    }
}
