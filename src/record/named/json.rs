//! `LOG_FORMAT` 5 and 6: one JSON object a line, with the names of the XML attributes.
//!
//! Format 5 wraps the fields in a member `en`, `co` or `he`; format 6, "flat", has them in the outer
//! object, and a member whose value is one of these words, or else the fields themselves, say what the
//! entry is. The manuals name both formats but print neither, so only what tells them apart matters
//! here: member order, further members and the spelling of numbers do not. A scanner and not a general
//! parser, since a value is only looked at where it lies (wiki page `Log_format`).

use super::{Always, Attribute, Element, MAX_LINE_BYTES, Spans, Values};
use crate::record::format::Format;
use crate::record::{Line, Skip, Unparsed, bytes};

/// Reads an object that starts the line; strings with escapes are decoded into `buffer`.
pub(in crate::record) fn read<'a>(line: &'a [u8], buffer: &'a mut Vec<u8>) -> Line<'a> {
    buffer.clear();
    let mut scanner = Scanner { line, position: 0, buffer };
    match scanner.line() {
        Some(object) => entry(object, line, buffer),
        None => Line::Unparsed(Unparsed::MalformedJson),
    }
}

/// Where the entry that a text starts with ends, if it is whole.
pub(in crate::record) fn end_of_entry(text: &[u8]) -> Option<usize> {
    let mut decoded = Vec::new();
    let mut scanner = Scanner { line: text, position: 0, buffer: &mut decoded };
    let object = scanner.object()?;
    let end = scanner.position;
    let entry = entry(object, text, &decoded);
    matches!(entry, Line::Message(_) | Line::Connection(_) | Line::Skipped(Skip::Header)).then_some(end)
}

fn entry<'a>(object: Object, line: &'a [u8], decoded: &'a [u8]) -> Line<'a> {
    let Object { element, nested, other_log, spans } = object;
    let element = match element {
        Some(element) => element,
        None if other_log => return Line::Skipped(Skip::OtherElement),
        None if spans.has(Always::HeaderLine) => Element::Header,
        None if spans.has(Always::Direction) => Element::Connection,
        None => Element::Message,
    };
    let format = if nested { Format::Json } else { Format::FlatJson };
    Values { line, decoded, spans, format }.entry(element, Unparsed::MalformedJson)
}

/// What was found of the entry.
struct Object {
    /// What the entry says that it is.
    element: Option<Element>,
    /// Whether the fields are in an object of their own.
    nested: bool,
    /// Whether an object of another log's name is there.
    other_log: bool,
    spans: Spans,
}

struct Scanner<'l, 'b> {
    line: &'l [u8],
    position: usize,
    buffer: &'b mut Vec<u8>,
}

/// A value, and where it lies in the line without its quotes.
enum Value {
    /// A string; `escaped` when it has to be decoded.
    String { start: usize, end: usize, escaped: bool },
    /// A number or a word.
    Plain { start: usize, end: usize },
    /// An object or array, behind which the scanner stands.
    Compound,
}

impl Scanner<'_, '_> {
    /// The object that starts here.
    fn object(&mut self) -> Option<Object> {
        let mut object = Object { element: None, nested: false, other_log: false, spans: Spans::new() };
        if self.line.len() > MAX_LINE_BYTES {
            return None;
        }
        self.members(&mut object, true)?;
        Some(object)
    }

    /// The whole line.
    fn line(&mut self) -> Option<Object> {
        let object = self.object()?;
        let behind = &self.line[self.position..];
        let ended = behind.iter().all(|byte| byte.is_ascii_whitespace() || *byte == b',');
        ended.then_some(object)
    }

    /// The members of the object that starts here.
    fn members(&mut self, object: &mut Object, outer: bool) -> Option<()> {
        self.take(b'{')?;
        if self.next_byte()? == b'}' {
            self.position += 1;
            return Some(());
        }
        loop {
            self.next_byte()?;
            let Value::String { start, end, .. } = self.string()? else { return None };
            let name = start..end;
            self.take(b':')?;
            self.member(object, name, outer)?;
            match self.next_byte()? {
                b',' => self.position += 1,
                b'}' => {
                    self.position += 1;
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    /// The value behind a name.
    fn member(&mut self, object: &mut Object, name: std::ops::Range<usize>, outer: bool) -> Option<()> {
        let name = &self.line[name];
        if outer && self.next_byte()? == b'{' {
            if let Some(element) = Element::named(name) {
                object.element = Some(element);
                object.nested = true;
                return self.members(object, false);
            }
            object.other_log |= name.len() == 2;
        }
        let value = self.value()?;
        let Some(attribute) = Attribute::named(name) else {
            if let Value::String { start, end, .. } = value
                && outer
                && object.element.is_none()
            {
                object.element = Element::named(&self.line[start..end]);
            }
            return Some(());
        };
        match value {
            Value::String { start, end, escaped: true } => {
                let first = self.buffer.len();
                decode(&self.line[start..end], self.buffer);
                object.spans.in_buffer(attribute, first, self.buffer.len());
            }
            Value::Plain { start, end } if &self.line[start..end] == b"null" => {}
            Value::String { start, end, .. } | Value::Plain { start, end } => {
                object.spans.in_line(attribute, start, end);
            }
            Value::Compound => {}
        }
        Some(())
    }

    fn value(&mut self) -> Option<Value> {
        match self.next_byte()? {
            b'"' => self.string(),
            b'{' | b'[' => self.compound(),
            _ => self.plain(),
        }
    }

    fn string(&mut self) -> Option<Value> {
        self.take(b'"')?;
        let start = self.position;
        let mut escaped = false;
        loop {
            let found = self.position + bytes::find_either::<b'"', b'\\'>(self.line.get(self.position..)?)?;
            if self.line[found] == b'"' {
                self.position = found + 1;
                return Some(Value::String { start, end: found, escaped });
            }
            escaped = true;
            self.position = found + 2;
        }
    }

    fn plain(&mut self) -> Option<Value> {
        let start = self.position;
        let word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        let length = self.line[start..].iter().take_while(|byte| word(byte)).count();
        self.position += length;
        (length > 0).then_some(Value::Plain { start, end: start + length })
    }

    /// Skips an object or array of any depth without going into it.
    fn compound(&mut self) -> Option<Value> {
        let mut depth = 0_usize;
        loop {
            match self.next_byte()? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.position += 1;
            if depth == 0 {
                return Some(Value::Compound);
            }
        }
    }

    /// The next byte that is no white space, which is not taken.
    fn next_byte(&mut self) -> Option<u8> {
        let rest = self.line.get(self.position..)?;
        self.position += rest.iter().position(|byte| !byte.is_ascii_whitespace())?;
        Some(self.line[self.position])
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        let found = self.next_byte()? == byte;
        self.position += usize::from(found);
        found.then_some(())
    }
}

/// Decodes the escapes of a string; what is none stays as it stands.
fn decode(text: &[u8], buffer: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(backslash) = memchr::memchr(b'\\', rest) {
        buffer.extend_from_slice(&rest[..backslash]);
        rest = &rest[backslash + 1..];
        let Some(&letter) = rest.first() else {
            buffer.push(b'\\');
            return;
        };
        let byte = match letter {
            b'"' | b'\\' | b'/' => letter,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                rest = unicode(rest, buffer);
                continue;
            }
            _ => {
                buffer.push(b'\\');
                continue;
            }
        };
        buffer.push(byte);
        rest = &rest[1..];
    }
    buffer.extend_from_slice(rest);
}

/// `uXXXX`, or two of them that are a surrogate pair; what follows.
fn unicode<'a>(text: &'a [u8], buffer: &mut Vec<u8>) -> &'a [u8] {
    let Some(first) = hexadecimal(text) else {
        buffer.push(b'\\');
        return text;
    };
    let (code, length) = match text.get(5..).and_then(|rest| rest.strip_prefix(b"\\")).and_then(hexadecimal) {
        Some(second @ 0xdc00..=0xdfff) if (0xd800..0xdc00).contains(&first) => {
            (0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00), 11)
        }
        _ => (first, 5),
    };
    let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    buffer.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    &text[length..]
}

/// The number of `uXXXX`.
fn hexadecimal(text: &[u8]) -> Option<u32> {
    let [b'u', digits @ ..] = text else { return None };
    let digits = digits.get(..4)?;
    digits.iter().try_fold(0, |code, &digit| Some(code * 16 + char::from(digit).to_digit(16)?))
}
