//! Where reading stopped in a line that is not understood: a second look, by what the reader said.
//!
//! It knows the shapes of the formats and not the reader's way through them; what it cannot place
//! stops at the beginning of the entry.

use crate::record::code::EntryCode;
use crate::record::{Unparsed, timestamp};

/// Where reading stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stop {
    /// Bytes of the line in front of it.
    pub at: usize,
    /// What should stand there.
    pub expected: String,
}

impl Stop {
    fn new(at: usize, expected: &str) -> Self {
        Self { at, expected: expected.to_owned() }
    }
}

const STAMP: &str = "a time stamp such as 19-Jan-2024 19:16:57.64, or <en, <co, <he or {";
const CODE: &str = "an entry code such as E, D or Q, with the size behind it or + or - in front of it, after at \
                    most node, process id and two channels";
const RECIPIENT: &str =
    "envelope From:, then original envelope To: with its type, such as rfc822;adam@sesta.com";

const COUNTED: &str =
    "each text with its length in front of it, such as 13:adam@acme.com, and a blank behind it";

/// How far into a line an entry may begin, as for the reader.
const MAX_PREFIX_BYTES: usize = 320;

/// Finds the place where a line stops to be one.
pub(super) fn find(line: &[u8], reason: Unparsed) -> Stop {
    if reason == Unparsed::Torn {
        return Stop::new(line.len(), "the rest of the entry, which was cut here");
    }
    let start = line.iter().take_while(|&&byte| byte == b' ').count();
    match line.get(start) {
        // A priority of syslog is no element.
        Some(b'<') if !line.get(start + 1).is_some_and(u8::is_ascii_digit) => return element(line, start),
        Some(b'{') => return object(line, start),
        _ => {}
    }
    let head = &line[..line.len().min(MAX_PREFIX_BYTES)];
    let found = (0..head.len()).find_map(|at| Some((at, timestamp::text(&line[at..])?)));
    if let Some((_, (_, rest))) = found {
        return entry(line, line.len() - rest.len(), reason);
    }
    let tag = |name: &[u8; 4]| memchr::memmem::find(head, name);
    if let Some(at) = [b"<en ", b"<co ", b"<he "].into_iter().find_map(tag) {
        return element(line, at);
    }
    if reason == Unparsed::Binary {
        return Stop::new(first_control(line), "text");
    }
    before_stamp(line, start)
}

/// What of a time stamp is there.
fn before_stamp(line: &[u8], start: usize) -> Stop {
    let shape = b"00-aaa-0000 00:00:00";
    let fits = |(byte, wanted): &(&u8, &u8)| match wanted {
        b'0' => byte.is_ascii_digit(),
        b'a' => byte.is_ascii_alphabetic(),
        wanted => byte == wanted,
    };
    // A day of one digit stands without its blank.
    let shape = if line.get(start + 1) == Some(&b'-') { &shape[1..] } else { &shape[..] };
    let read = line[start..].iter().zip(shape).take_while(fits).count();
    if read == shape.len() {
        Stop::new(start, "a date and time that exist")
    } else if read >= 3 {
        Stop::new(start + read, STAMP)
    } else {
        Stop::new(start, STAMP)
    }
}

fn first_control(line: &[u8]) -> usize {
    let control = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
    line.iter().position(control).unwrap_or(line.len())
}

/// The words of a line from a place on, each with where it starts.
fn words(line: &[u8], from: usize) -> Vec<(usize, &[u8])> {
    let mut words = Vec::new();
    let mut at = from;
    for word in line[from..].split(|&byte| byte == b' ') {
        if !word.is_empty() {
            words.push((at, word));
        }
        at += word.len() + 1;
    }
    words
}

/// An entry of a text log behind its time stamp.
fn entry(line: &[u8], from: usize, reason: Unparsed) -> Stop {
    if reason == Unparsed::Binary {
        return Stop::new(first_control(line).max(from), "text");
    }
    let words = words(line, from);
    let number = |word: Option<&(usize, &[u8])>| {
        word.is_some_and(|(_, word)| word.len() <= 18 && word.iter().all(u8::is_ascii_digit))
    };
    let is_code = |index: &usize| index > &0 && EntryCode::parse(words[*index].1).is_some();
    // Node, process id and two channels; a code may be the word behind these.
    let candidates: Vec<usize> = (0..words.len().min(6)).filter(is_code).collect();
    let code = candidates.iter().find(|&&index| number(words.get(index + 1)));
    match (code, reason) {
        (Some(index), Unparsed::NoAction) => {
            let place = words.first().map_or(from, |word| word.0);
            let count = index.to_string();
            Stop::new(
                place,
                &format!("one or two channels, with node and process id in front of them, not {count} words"),
            )
        }
        (Some(index), _) => {
            let behind = words[index + 1];
            let expected = if reason == Unparsed::MalformedCount { COUNTED } else { RECIPIENT };
            Stop::new((behind.0 + behind.1.len() + 1).min(line.len()), expected)
        }
        (None, _) => match candidates.first() {
            Some(&index) => {
                let place = words.get(index + 1).map_or(line.len(), |word| word.0);
                Stop::new(
                    place,
                    "the size in blocks behind what looks like an entry code, or + or - in front of it",
                )
            }
            None => Stop::new(words.get(1).map_or(line.len(), |word| word.0), CODE),
        },
    }
}

/// An element of an XML log.
fn element(line: &[u8], start: usize) -> Stop {
    let name = line[start + 1..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let mut at = start + 1 + name;
    let element = &line[start + 1..at];
    if !matches!(element, b"en" | b"co" | b"he") {
        return Stop::new(start, "an element en, co or he that ends with />");
    }
    let mut names: Vec<&[u8]> = Vec::new();
    loop {
        at += line[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        if at >= line.len() {
            return Stop::new(line.len(), "an attribute, or /> at the end");
        }
        if line[at..].starts_with(b"/>") || line[at] == b'>' {
            return missing(element, start, &names);
        }
        let Some(equals) = memchr::memchr(b'=', &line[at..]) else {
            return Stop::new(at, "an attribute such as sc=\"tcp_local\"");
        };
        let value = at + equals + 1;
        let Some(&quote) = line.get(value).filter(|byte| matches!(byte, b'"' | b'\'')) else {
            return Stop::new(value.min(line.len()), "a value in quotes");
        };
        let ends = |end: &usize| {
            let behind = line.get(value + 1 + end + 1);
            behind.is_some_and(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>'))
        };
        let Some(end) = memchr::memchr_iter(quote, &line[value + 1..]).find(ends) else {
            return Stop::new(value, "a value that ends with its quote");
        };
        names.push(&line[at..at + equals]);
        at = value + 1 + end + 1;
    }
}

/// All attributes can be read: one that every entry has is missing or has no sense.
fn missing(element: &[u8], start: usize, names: &[&[u8]]) -> Stop {
    let needed: &[&str] =
        if element == b"en" { &["ts", "sc", "ac", "od or de"] } else { &["ts", "ac", "dr"] };
    let has = |name: &str| names.contains(&name.as_bytes());
    let absent = needed.iter().find(|needed| !needed.split(" or ").any(has));
    let expected = match absent {
        Some(absent) => format!("the attribute {absent}"),
        None => format!("values of {} as the manual has them", needed.join(", ")),
    };
    Stop { at: start, expected }
}

/// An object of a JSON log.
fn object(line: &[u8], start: usize) -> Stop {
    match serde_json::from_slice::<serde::de::IgnoredAny>(&line[start..]) {
        Err(error) => {
            let why = error.to_string();
            let why = why.split(" at line ").next().unwrap_or_default();
            Stop::new(
                (start + error.column().saturating_sub(1)).min(line.len()),
                &format!("JSON; its reader says: {why}"),
            )
        }
        Ok(_) => Stop::new(start, "an object with the keys of an entry: ts, sc, ac, and od or de, or dr"),
    }
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::record::{Dialect, Line, Reader};

    #[track_caller]
    fn check(line: &str, at: usize, expected: &str) {
        let mut reader = Reader::new(Dialect::default());
        let Line::Unparsed(reason) = reader.read(line.as_bytes()) else { panic!("{line} is understood") };
        let stop = find(line.as_bytes(), reason);
        assert_eq!(stop.at, at, "{line}: {}", stop.expected);
        assert!(stop.expected.contains(expected), "{line}: {}", stop.expected);
    }

    #[test]
    fn text() {
        check("nothing", 0, "a time stamp");
        check("19-Jan-20", 9, "a time stamp");
        check("  9-Jan-2024T", 12, "a time stamp");
        check("19-Jan-2024 24:16:57.64 l D 1", 0, "that exist");
        check("19-Jan-2024 19:16:57.64", 23, "an entry code");
        check("19-Jan-2024 19:16:57.64 tcp_local", 33, "an entry code");
        check("19-Jan-2024 19:16:57.64 tcp_local l x y z", 34, "an entry code");
        check("19-Jan-2024 19:16:57.64 tcp_local Q many a@b", 36, "the size");
        check("19-Jan-2024 19:16:57.64 tcp_local Q", 35, "the size");
        check("19-Jan-2024 19:16:57.64 tcp_local Q 12 a@b c@d", 39, "original envelope To:");
        check("Jun 11 09:07:57 h mta: 19-Jan-2024 19:16:57.64 tcp_local Q 12", 61, "original envelope To:");
        check("19-Jan-2024 19:16:57.64 a b c d e Q 12 x rfc822;y y", 24, "not 5 words");
        check("19-Jan-2024 19:16:57.64 a\u{1}", 25, "text");
        check("abc\u{2}", 3, "text");
        check("19-Jan-2024 19:16:57.64 tcp_local Q 12 3:a@b 12:rfc822;y y", 39, "with its length");
    }

    #[test]
    fn xml() {
        check("<en ts=\"2024-01-19T19:16:57\" sc=\"a\" ac=\"Q", 39, "ends with its quote");
        check("<en ts=\"2024-01-19T19:16:57\" sc=a ac=\"Q\"/>", 32, "in quotes");
        check("<en ts=\"2024-01-19T19:16:57\" sc=\"a\" ", 36, "/>");
        check("<en ts=\"2024-01-19T19:16:57\" sc=\"a\" ac=\"Q\"/>", 0, "attribute od or de");
        check("<co ts=\"2024-01-19T19:16:57\" sc=\"a\" ac=\"O\"/>", 0, "attribute dr");
        check("<en ts=\"yesterday\" sc=\"a\" ac=\"Q\" od=\"x\"/>", 0, "as the manual has them");
    }

    proptest::proptest! {
        #[test]
        fn any_line_has_a_place(line in r#"(19-Jan-2024 19:16:57 |<en |<co |\{|"|[a-z]{2}="|Q |D|12 |tcp_local |rfc822;a |[ =/>+-]|\PC){0,14}"#) {
            let mut reader = Reader::new(Dialect::default());
            if let Line::Unparsed(reason) = reader.read(line.as_bytes()) {
                let stop = find(line.as_bytes(), reason);
                proptest::prop_assert!(stop.at <= line.len() && !stop.expected.is_empty());
            }
        }
    }
}
