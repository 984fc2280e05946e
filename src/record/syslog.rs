//! What syslog writes in front of an entry: a priority, and the header of RFC 5424.
//!
//! Headers of RFC 3164 have no structure to rely on (RFC 3164, 4 and 5.4): there the first entry in the line
//! is looked for. Those of RFC 5424 are read, since host, names and structured data may be long and may hold
//! anything.

use super::bytes::first_token;
use super::values::timestamp;

/// What is behind `<PRI>` at the start; a count of bytes may stand in front of it (RFC 6587, 3.4.1).
pub(super) fn behind_priority(line: &[u8]) -> Option<&[u8]> {
    let (count, rest) = digits(line, 9);
    let rest = if count.is_empty() { rest } else { rest.strip_prefix(b" ")? };
    let (priority, rest) = digits(rest.strip_prefix(b"<")?, 3);
    rest.strip_prefix(b">").filter(|_| !priority.is_empty())
}

/// The message behind a header of RFC 5424: `<PRI>VERSION TIMESTAMP HOST APP PROCID MSGID DATA MESSAGE`, with
/// or without the priority; `None` where there is no such header.
pub(super) fn message(line: &[u8]) -> Option<&[u8]> {
    let behind = behind_priority(line);
    let (version, rest) = digits(behind.unwrap_or(line), 2);
    let (time, rest) = first_token(rest.strip_prefix(b" ").filter(|_| !version.is_empty())?);
    let no_time = time == b"-" && behind.is_some();
    if !no_time && timestamp::iso(time).is_none() {
        return None;
    }
    let mut rest = rest;
    for _ in 0..4 {
        let (word, behind) = first_token(rest.strip_prefix(b" ")?);
        rest = (!word.is_empty()).then_some(behind)?;
    }
    let text = structured_data(rest.strip_prefix(b" ")?);
    let text = text.trim_ascii_start();
    Some(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text))
}

/// In front of a message in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What is behind the structured data: `-`, or elements in brackets. Where there is none, all of it is.
fn structured_data(text: &[u8]) -> &[u8] {
    if let [b'-'] | [b'-', b' ', ..] = text {
        return &text[1..];
    }
    let mut rest = text;
    while rest.first() == Some(&b'[') {
        let Some(behind) = element(rest) else { return text };
        rest = behind;
    }
    rest
}

/// What is behind an element `[id name="value" …]`; brackets may stand in values.
fn element(text: &[u8]) -> Option<&[u8]> {
    let mut quoted = false;
    let mut bytes = text.iter().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' if quoted => drop(bytes.next()),
            b'"' => quoted = !quoted,
            b']' if !quoted => return Some(&text[at + 1..]),
            _ => {}
        }
    }
    None
}

/// At most so many digits at the start, and what is behind them.
fn digits(text: &[u8], most: usize) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count())
}

#[cfg(test)]
mod tests {
    use super::{behind_priority, message};

    #[test]
    fn messages_behind_headers() {
        for (line, expected) in [
            ("<22>1 2024-02-20T14:17:08.240Z mta1 imta 4711 - - x y", Some("x y")),
            ("<22>1 2024-02-20T14:17:08+01:00 mta1 imta 4711 ID47 - \u{feff}x", Some("x")),
            ("<0>1 - - - - - - x", Some("x")),
            ("1 2024-02-20T14:17:08.240123-03:30 2001:db8::25 imta 4711 - - x", Some("x")),
            ("152 <22>1 2024-02-20T14:17:08Z mta1 imta - - - x", Some("x")),
            (
                r#"<22>1 2024-02-20T14:17:08Z mta1 imta 1 - [a@1 b="c\"]\\" d="]["][e f="{\"en\""] x"#,
                Some("x"),
            ),
            ("<22>1 2024-02-20T14:17:08Z mta1 imta 1 - [timeQuality tzKnown=\"1\"] x", Some("x")),
            ("<22>1 2024-02-20T14:17:08Z mta1 imta 1 - [a b=\"c", Some("[a b=\"c")),
            ("<22>1 2024-02-20T14:17:08Z mta1 imta 1 - x", Some("x")),
            ("<22>1 2024-02-20T14:17:08Z mta1 imta 1 - -", Some("")),
            ("1 - mta1 imta 1 - - x", None),
            ("<22>Feb 20 14:17:08 mta1 imta: x", None),
            ("<22>1 2024-02-20T14:17:08Z mta1 imta", None),
            ("<22>1 yesterday mta1 imta 1 - - x", None),
            ("20-Feb-2024 14:17:08.24 x", None),
            ("", None),
        ] {
            assert_eq!(message(line.as_bytes()), expected.map(str::as_bytes), "{line}");
        }
    }

    #[test]
    fn priorities() {
        for (line, expected) in [
            ("<0>x", Some("x")),
            ("<191>x", Some("x")),
            ("17 <22>x", Some("x")),
            ("<1910>x", None),
            ("<>x", None),
            ("<en>x", None),
            ("<22", None),
            ("17<22>x", None),
        ] {
            assert_eq!(behind_priority(line.as_bytes()), expected.map(str::as_bytes), "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_have_a_message_or_none(line: Vec<u8>, header in "(<22>)?1 2024-02-20T14:17:08Z a b c d [\\[\\]\\\\\"x -]{0,20}") {
            message(&line);
            message(&[header.as_bytes(), &line].concat());
        }
    }
}
