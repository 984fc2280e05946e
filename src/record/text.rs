//! `LOG_FORMAT` 1 and 2: fields by position.
//!
//! `date time [node] [pid] source destination code size from original-to to [optional …]`; channels
//! are padded to 12 columns, every other enabled field contributes exactly one blank, and an empty
//! one leaves nothing between two blanks. So the columns before the size are split on runs of
//! blanks, what follows on single ones (2005Q4 guide, "Understanding the MTA Log Entry Format").
//! Which optional fields are there is not written anywhere: each is known by its shape.

use super::address::token_end;
use super::code::Action;
use super::timestamp::Timestamp;
use super::{Connection, Dialect, Direction, Line, Message, Skip, Unparsed, queue_file, transport};

/// The users that the product's installers make for the MTA (Administration Guide, all releases).
const RUN_USERS: [&[u8]; 4] = [b"mailsrv", b"inetmail", b"inetuser", b"mailsrv2"];

/// A channel column is padded to 12 characters and followed by one blank: a wider gap in front of
/// the code means that the destination column is empty.
const EMPTY_COLUMN_GAP: usize = 13;

/// Reads the part behind the time stamp.
pub(super) fn read<'a>(time: Timestamp, rest: &'a [u8], dialect: &Dialect) -> Line<'a> {
    let Some(columns) = Columns::read(rest) else {
        let control = rest.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t');
        return Line::Unparsed(if control { Unparsed::Binary } else { Unparsed::NoAction });
    };
    match columns.kind {
        ColumnsKind::Header => Line::Skipped(Skip::Header),
        ColumnsKind::Connection(direction) => read_connection(time, &columns, direction),
        ColumnsKind::Message { blocks } => read_message(time, &columns, blocks, dialect),
    }
}

enum ColumnsKind {
    Header,
    Connection(Direction),
    Message { blocks: u64 },
}

/// Everything up to the code (and size), and what follows.
struct Columns<'a> {
    node: &'a [u8],
    process: &'a [u8],
    source: &'a [u8],
    destination: &'a [u8],
    action: Action,
    kind: ColumnsKind,
    rest: &'a [u8],
}

/// Node, process, source, and destination or direction.
const MAX_COLUMNS: usize = 4;

impl<'a> Columns<'a> {
    fn read(text: &'a [u8]) -> Option<Self> {
        let mut tokens: [&[u8]; MAX_COLUMNS] = [&[]; MAX_COLUMNS];
        let (mut count, mut position) = (0, 0);
        loop {
            let gap = text[position..].iter().position(|&byte| byte != b' ')?;
            let start = position + gap;
            let end = memchr::memchr(b' ', &text[start..]).map_or(text.len(), |blank| start + blank);
            let (token, rest) = (&text[start..end], &text[end..]);
            if token == b">" && count <= 2 {
                return Self::new(&[], 0, Action::default(), ColumnsKind::Header, rest);
            }
            if let Some(found) = Self::at_code(&tokens[..count], gap, token, rest) {
                return Some(found);
            }
            *tokens.get_mut(count)? = token;
            count += 1;
            position = end;
        }
    }

    /// The columns when `token` is the code. Channel names may be in upper case too, so a code is
    /// one only behind a direction or in front of a size.
    fn at_code(tokens: &[&'a [u8]], gap: usize, token: &[u8], rest: &'a [u8]) -> Option<Self> {
        let action = Action::parse(token)?;
        let (last, before) = tokens.split_last()?;
        let direction = match *last {
            b"+" => Some(Direction::In),
            b"-" => Some(Direction::Out),
            _ => None,
        };
        if let Some(direction) = direction {
            return Self::new(before, EMPTY_COLUMN_GAP, action, ColumnsKind::Connection(direction), rest);
        }
        let (blocks, rest) = size(rest)?;
        // Every enqueue names its destination, however wide the gap behind a short name is.
        let gap = if action.letter == b'E' { 0 } else { gap };
        Self::new(tokens, gap, action, ColumnsKind::Message { blocks }, rest)
    }

    /// Gives the leading tokens their names. `None` when they are too many or too few.
    fn new(
        tokens: &[&'a [u8]],
        gap: usize,
        action: Action,
        kind: ColumnsKind,
        rest: &'a [u8],
    ) -> Option<Self> {
        let process = tokens.iter().take(2).position(|token| is_process(token));
        let first_channel = match (process, tokens.len()) {
            (Some(position), _) => position + 1,
            (None, 3) => 1,
            (None, 2) if gap >= EMPTY_COLUMN_GAP => 1,
            (None, _) => 0,
        };
        let node = if first_channel > 0 && process != Some(0) { tokens[0] } else { &[] };
        let process = process.map_or(&[][..], |position| tokens[position]);
        let (source, destination) = match (&tokens[first_channel..], &kind) {
            ([source], _) => (*source, &[][..]),
            ([source, destination], ColumnsKind::Message { .. }) => (*source, *destination),
            ([], ColumnsKind::Header) => (&[][..], &[][..]),
            _ => return None,
        };
        Some(Self { node, process, source, destination, action, kind, rest })
    }
}

/// `<hex process id>[.<hex thread id>].<decimal sequence number>` (`LOG_PROCESS`).
fn is_process(token: &[u8]) -> bool {
    let mut parts = token.rsplit(|&byte| byte == b'.');
    let hex = |part: &[u8]| (1..=8).contains(&part.len()) && part.iter().all(u8::is_ascii_hexdigit);
    let sequence = parts.next().is_some_and(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit));
    sequence && parts.next().is_some_and(hex) && parts.next().is_none_or(hex) && parts.next().is_none()
}

/// The size behind one or more blanks, and what follows it.
fn size(rest: &[u8]) -> Option<(u64, &[u8])> {
    let (token, rest) = first_token(behind_blanks(rest));
    Some((integer(token)?, rest))
}

fn integer(token: &[u8]) -> Option<u64> {
    if token.is_empty() || token.len() > 18 {
        return None;
    }
    token.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + u64::from(byte - b'0')))
}

fn first_token(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(memchr::memchr(b' ', text).unwrap_or(text.len()))
}

fn behind_blanks(text: &[u8]) -> &[u8] {
    super::behind_blanks(text)
}

fn read_connection<'a>(time: Timestamp, columns: &Columns<'a>, direction: Direction) -> Line<'a> {
    let rest = behind_blanks(columns.rest);
    let (token, behind) = first_token(rest);
    let transport = transport::parse(token);
    let rest = if transport.is_some() { behind_blanks(behind) } else { rest };
    let (token, behind) = first_token(rest);
    let protocols: [&[u8]; 4] = [b"SMTP", b"LMTP", b"SUBMIT", b"ESMTP"];
    let application = protocols.iter().any(|protocol| {
        token.strip_prefix(*protocol).is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
    });
    let (application, diagnostic) =
        if application { (token, behind_blanks(behind)) } else { (&[][..], rest) };
    Line::Connection(Connection {
        time,
        node: columns.node,
        process: columns.process,
        channel: columns.source,
        direction,
        action: columns.action,
        transport,
        application,
        text: &[],
        username: &[],
        diagnostic,
    })
}

fn read_message<'a>(time: Timestamp, columns: &Columns<'a>, blocks: u64, dialect: &Dialect) -> Line<'a> {
    let mut message = Message {
        time,
        node: columns.node,
        process: columns.process,
        source_channel: columns.source,
        destination_channel: columns.destination,
        action: columns.action,
        blocks,
        ..Message::default()
    };
    let rest = columns.rest;
    if rest.first().is_some_and(|byte| *byte != b' ') {
        return Line::Unparsed(Unparsed::NoRecipient);
    }
    let Some(anchor) = original_to(rest) else {
        // A bad command stands where the recipient would, with our reply behind it.
        if columns.action.letter == b'B' {
            message.diagnostic = rest.trim_ascii();
            return Line::Message(message);
        }
        return Line::Unparsed(counted_or_missing(rest));
    };
    message.from = without_brackets(rest[..anchor].trim_ascii());
    let end = token_end(rest, anchor);
    message.original_to = &rest[anchor..end];
    if let Some(behind) = rest.get(end + 1..) {
        let end = token_end(behind, 0);
        message.to = without_brackets(&behind[..end]);
        Optional { rest: &behind[end..] }.read(&mut message, dialect);
    }
    Line::Message(message)
}

/// `LOG_FORMAT` 2 writes an empty address as `<>`.
fn without_brackets(address: &[u8]) -> &[u8] {
    if address == b"<>" { &[] } else { address }
}

/// Where the original recipient starts: the first token behind a blank with an address type and a
/// semicolon. It is the best anchor of a message entry: all in front of it is the envelope From.
fn original_to(rest: &[u8]) -> Option<usize> {
    let mut position = 0;
    while let Some(found) = memchr::memchr(b';', &rest[position..]) {
        let semicolon = position + found;
        let start = memchr::memrchr(b' ', &rest[..semicolon])? + 1;
        let kind = &rest[start..semicolon];
        if kind == b"rfc822" || (2..=12).contains(&kind.len()) && kind.iter().all(u8::is_ascii_alphanumeric) {
            return Some(start);
        }
        position = semicolon + 1;
    }
    None
}

/// `LOG_FORMAT` 3 puts the length in front of a field: `13:adam@acme.com 24:rfc822;…`.
fn counted_or_missing(rest: &[u8]) -> Unparsed {
    let (token, _) = first_token(behind_blanks(rest));
    let digits = token.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits > 0 && token.get(digits) == Some(&b':') {
        Unparsed::UnsupportedFormat
    } else {
        Unparsed::NoRecipient
    }
}

/// The optional fields behind the recipients, in the order in which the MTA writes them. `rest` is
/// empty or starts with the blank in front of the next field.
struct Optional<'a> {
    rest: &'a [u8],
}

impl<'a> Optional<'a> {
    fn read(mut self, message: &mut Message<'a>, dialect: &Dialect) {
        message.notary = self.notary(message.action);
        message.filename = self.take_if(is_queue_file);
        self.ids(message);
        message.username = self.username(message.action, dialect);
        message.source_system = self.source_system();
        self.skip_empty_source_system();
        if !message.source_system.is_empty() || self.starts_with_two_levels() {
            message.sensitivity = self.take_if(is_small_integer);
            message.priority = self.take_if(is_small_integer);
        }
        message.filter = self.filter();
        let remainder = self.rest.trim_ascii();
        // An enqueue has no diagnostic: one last word is the user or the sending channel's host.
        if message.action.letter == b'E' && !remainder.is_empty() && memchr::memchr(b' ', remainder).is_none()
        {
            let unset = message.username.is_empty() && memchr::memchr(b'.', remainder).is_none();
            let field = if unset { &mut message.username } else { &mut message.source_system };
            *field = remainder;
            return;
        }
        let (diagnostic, transport, behind) = behind_diagnostic(remainder);
        message.diagnostic = diagnostic;
        message.transport = match transport {
            Some(transport) => transport,
            None => transport::find(diagnostic).map_or(&[], |found| found.tuple),
        };
        let (application, behind) = first_token(behind);
        message.application = application;
        message.queue_seconds =
            std::str::from_utf8(behind.trim_ascii()).ok().and_then(|text| text.parse().ok());
    }

    /// The next token without taking it; `None` at the end.
    fn peek(&self) -> Option<(&'a [u8], &'a [u8])> {
        self.rest.strip_prefix(b" ").map(first_token)
    }

    fn take_if(&mut self, wanted: fn(&[u8]) -> bool) -> &'a [u8] {
        match self.peek() {
            Some((token, rest)) if wanted(token) => {
                self.rest = rest;
                token
            }
            _ => &[],
        }
    }

    /// Flags such as 276; not the reply code of our own rejection (`550 5.7.1 …`).
    fn notary(&mut self, action: Action) -> Option<u32> {
        let (token, rest) = self.peek()?;
        let flags = u32::try_from(integer(token)?).ok()?;
        let next = first_token(behind_blanks(rest)).0;
        let of_a_message = is_queue_file(next) || next.first() == Some(&b'<');
        let own_reply = matches!(action.letter, b'B' | b'J' | b'V') && (200..600).contains(&flags);
        if own_reply && !of_a_message {
            return None;
        }
        self.rest = rest;
        Some(flags)
    }

    /// Envelope id and message id. A message id may be followed by text without a blank in between,
    /// and a field that is off in between may leave a second blank in front of it.
    fn ids(&mut self, message: &mut Message<'a>) {
        if let Some((first, rest)) = self.peek()
            && first.first() != Some(&b'<')
            && rest.starts_with(b" <")
            && (first.is_empty() || !message.filename.is_empty() && memchr::memchr(b'@', first).is_some())
        {
            message.envelope_id = first;
            self.rest = rest;
        }
        message.message_id = self.id();
        if message.envelope_id.is_empty() && !message.message_id.is_empty() {
            let second = self.id();
            if !second.is_empty() {
                message.envelope_id = std::mem::replace(&mut message.message_id, second);
            }
        }
    }

    /// `<id>` or `<new>,<original>`.
    fn id(&mut self) -> &'a [u8] {
        let Some(text) = self.rest.strip_prefix(b" ").filter(|text| text.starts_with(b"<")) else {
            return &[];
        };
        let Some(mut end) = memchr::memchr2(b'>', b' ', text).filter(|&end| text[end] == b'>') else {
            return &[];
        };
        if text[end + 1..].starts_with(b",<")
            && let Some(second) = memchr::memchr2(b'>', b' ', &text[end + 1..])
            && text[end + 1 + second] == b'>'
        {
            end += 1 + second;
        }
        // `<user@host>: reason` and `<user@host>... reason` start a diagnostic.
        if matches!(text.get(end + 1), Some(b':' | b'.')) {
            return &[];
        }
        let (id, rest) = text.split_at(end + 1);
        self.rest = rest;
        id
    }

    /// A known run user, or an authenticated one behind `*`. The fields in front of it may all be
    /// empty, which leaves a blank each.
    fn username(&mut self, action: Action, dialect: &Dialect) -> &'a [u8] {
        let (token, rest) = first_token(behind_blanks(self.rest));
        let known = RUN_USERS.contains(&token) || dialect.run_users.iter().any(|user| user == token);
        let authenticated = token.len() > 1 && token[0] == b'*';
        if known || authenticated || self.is_local_user(action) {
            self.rest = rest;
            return token;
        }
        &[]
    }

    /// A local submission carries any user's name, in front of a source system.
    fn is_local_user(&self, action: Action) -> bool {
        let Some((token, rest)) = self.peek() else { return false };
        matches!(action.letter, b'E' | b'J' | b'V' | b'B')
            && !token.is_empty()
            && Self { rest: self.rest }.source_system().is_empty()
            && !Self { rest }.source_system().is_empty()
    }

    /// `name (name [ip])`, `name ([ip])`, or the bare host name in front of `dns;` on a dequeue.
    fn source_system(&mut self) -> &'a [u8] {
        let Some((name, rest)) = self.peek() else { return &[] };
        if name.is_empty() || name.starts_with(b"(") || memchr::memchr(b';', name).is_some() {
            return &[];
        }
        if rest.starts_with(b" dns;") {
            self.rest = rest;
            return name;
        }
        let Some(group) = rest.strip_prefix(b" (") else { return &[] };
        let Some(close) = memchr::memmem::find(group, b"])") else { return &[] };
        let inner = &group[..close];
        let nested = memchr::memchr2(b'(', b')', inner).is_some();
        if nested || memchr::memchr(b'[', inner).is_none() {
            return &[];
        }
        let text = &self.rest[1..];
        let (field, rest) = text.split_at(name.len() + 2 + close + 2);
        self.rest = rest;
        field
    }

    /// Q, R and K have no source system: its blank stands alone in front of sensitivity and priority.
    fn skip_empty_source_system(&mut self) {
        if let Some(rest) = self.rest.strip_prefix(b" ")
            && (Self { rest }).starts_with_two_levels()
        {
            self.rest = rest;
        }
    }

    /// Whether sensitivity and priority come next: two single digits.
    fn starts_with_two_levels(&self) -> bool {
        matches!(self.rest, [b' ', b'0'..=b'9', b' ', b'0'..=b'9', rest @ ..] if matches!(rest, [] | [b' ', ..]))
    }

    /// A list in single quotes, `''` when empty.
    fn filter(&mut self) -> &'a [u8] {
        let Some(text) = self.rest.strip_prefix(b" '") else { return &[] };
        let mut ends = memchr::memchr_iter(b'\'', text);
        let Some(end) = ends.find(|&end| matches!(text.get(end + 1), None | Some(b' '))) else { return &[] };
        self.rest = &text[end + 1..];
        &text[..end]
    }
}

/// Cuts off what `LOG_CONNECTION` bits 5 and 6 and `LOG_QUEUE_TIME` put behind the diagnostic: a
/// bare transport tuple (one in parentheses is part of the diagnostic), application information,
/// and seconds. Their words, such as `SMTP/TLS-…`, say nothing about why an attempt failed.
fn behind_diagnostic(remainder: &[u8]) -> (&[u8], Option<&[u8]>, &[u8]) {
    let start = match memchr::memmem::rfind(remainder, b" TCP|") {
        Some(blank) => blank + 1,
        None if remainder.starts_with(b"TCP|") => 0,
        None => return (remainder, None, &[]),
    };
    let (tuple, behind) = first_token(&remainder[start..]);
    match transport::parse(tuple) {
        Some(_) => (remainder[..start].trim_ascii(), Some(tuple), behind_blanks(behind)),
        None => (remainder, None, &[]),
    }
}

/// A path whose base name is one of a queue file, or that lies in a queue directory.
fn is_queue_file(token: &[u8]) -> bool {
    let base = queue_file::base_name(token);
    base.len() < token.len()
        && (queue_file::parse(base).is_some() || memchr::memmem::find(token, b"/queue/").is_some())
}

fn is_small_integer(token: &[u8]) -> bool {
    token.len() == 1 && token[0].is_ascii_digit()
}
