//! The columns at the start of a positional entry: `[node] [pid] source destination code [size]`.
//!
//! Channels are padded to 12 columns, so these are split on runs of blanks (2005Q4 guide,
//! "Understanding the MTA Log Entry Format").

use super::Direction;
use super::behind_blanks;
use super::code::Action;
use super::near;
use super::option::{LogOption, OptionSet};

/// A channel column is padded to 12 characters and followed by one blank: a wider gap in front of
/// the code means that the destination column is empty.
const EMPTY_COLUMN_GAP: usize = 13;

/// What the columns stand in front of.
pub(super) enum ColumnsKind {
    /// A header line.
    Header,
    /// A connection.
    Connection(Direction),
    /// A message.
    Message { blocks: u64 },
}

/// Everything up to the code (and size), and what follows.
pub(super) struct Columns<'a> {
    pub(super) node: &'a [u8],
    pub(super) process: &'a [u8],
    pub(super) source: &'a [u8],
    pub(super) destination: &'a [u8],
    pub(super) action: Action,
    pub(super) kind: ColumnsKind,
    /// Behind the code, or behind the size of a message.
    pub(super) rest: &'a [u8],
}

/// Node, process, source, and destination or direction.
const MAX_COLUMNS: usize = 4;

impl<'a> Columns<'a> {
    /// Reads them from behind the time stamp. Pinned options say which of node and process id are
    /// there; without, a process id is known by its shape and a node by the number of columns.
    pub(super) fn read(text: &'a [u8], pinned: Option<OptionSet>) -> Option<Self> {
        let mut tokens: [&[u8]; MAX_COLUMNS] = [&[]; MAX_COLUMNS];
        let (mut count, mut behind) = (0, text);
        loop {
            let start = behind_blanks(behind);
            let gap = behind.len() - start.len();
            let (token, rest) = first_token(start);
            if token.is_empty() {
                return None;
            }
            if token == b">" && count <= 2 {
                return Self::new(&[], 0, Action::default(), ColumnsKind::Header, rest, None);
            }
            if let Some(code) = Code::read(&tokens[..count], gap, token, rest) {
                let Code { columns, gap, action, kind, rest } = code;
                if let Some(found) = Self::new(columns, gap, action, kind, rest, pinned) {
                    return Some(found);
                }
            }
            *tokens.get_mut(count)? = token;
            count += 1;
            behind = rest;
        }
    }

    /// Gives the leading tokens their names. `None` when they are too many or too few.
    #[inline]
    fn new(
        tokens: &[&'a [u8]],
        gap: usize,
        action: Action,
        kind: ColumnsKind,
        rest: &'a [u8],
        pinned: Option<OptionSet>,
    ) -> Option<Self> {
        let (process, first_channel) = leading(tokens, gap, pinned);
        let node = if first_channel > 0 && process != Some(0) { *tokens.first()? } else { &[] };
        let process = process.and_then(|position| tokens.get(position).copied()).unwrap_or_default();
        let (source, destination) = match (tokens.get(first_channel..)?, &kind) {
            ([source], _) => (*source, &[][..]),
            ([source, destination], ColumnsKind::Message { .. }) => (*source, *destination),
            ([], ColumnsKind::Header) => (&[][..], &[][..]),
            _ => return None,
        };
        Some(Self { node, process, source, destination, action, kind, rest })
    }
}

/// A token that may be the code.
struct Code<'t, 'a> {
    /// In front of it, without the direction.
    columns: &'t [&'a [u8]],
    /// The width of the blanks between them and it.
    gap: usize,
    action: Action,
    kind: ColumnsKind,
    /// Behind it, and behind the size.
    rest: &'a [u8],
}

impl<'t, 'a> Code<'t, 'a> {
    /// Channel names may be in upper case too, so a code is one only behind a direction or in front of a
    /// size.
    fn read(tokens: &'t [&'a [u8]], gap: usize, token: &[u8], rest: &'a [u8]) -> Option<Self> {
        let action = Action::parse(token)?;
        let (last, before) = tokens.split_last()?;
        let direction = match *last {
            b"+" => Some(Direction::In),
            b"-" => Some(Direction::Out),
            _ => None,
        };
        if let Some(direction) = direction {
            let kind = ColumnsKind::Connection(direction);
            return Some(Self { columns: before, gap: EMPTY_COLUMN_GAP, action, kind, rest });
        }
        let (blocks, rest) = size(rest)?;
        // Every enqueue names its destination, however wide the gap behind a short name is.
        let gap = if action.letter == b'E' { 0 } else { gap };
        Some(Self { columns: tokens, gap, action, kind: ColumnsKind::Message { blocks }, rest })
    }
}

/// Where the process id stands, and where the channels begin.
fn leading(tokens: &[&[u8]], gap: usize, pinned: Option<OptionSet>) -> (Option<usize>, usize) {
    if let Some(set) = pinned {
        let node = usize::from(set.has(LogOption::Node));
        let process = set.has(LogOption::Process).then_some(node);
        let first_channel = process.map_or(node, |position| position + 1);
        // One channel or two behind them; before 6.3 an empty node left only a blank.
        if matches!(tokens.len().checked_sub(first_channel), Some(1 | 2)) {
            return (process, first_channel);
        }
    }
    let process = tokens.iter().take(2).position(|token| is_process(token));
    let first_channel = match (process, tokens.len()) {
        (Some(position), _) => position + 1,
        (None, 3) => 1,
        (None, 2) if gap >= EMPTY_COLUMN_GAP => 1,
        (None, _) => 0,
    };
    (process, first_channel)
}

static HEX: [bool; 256] = {
    let mut table = [false; 256];
    let mut digit = 0;
    while digit < HEX_DIGITS.len() {
        table[HEX_DIGITS[digit] as usize] = true;
        digit += 1;
    }
    table
};

const HEX_DIGITS: &[u8] = b"0123456789abcdefABCDEF";

/// `<hex process id>[.<hex thread id>].<decimal sequence number>` (`LOG_PROCESS`).
fn is_process(token: &[u8]) -> bool {
    let Some(dot) = near::find::<b'.'>(token) else { return false };
    let (process, behind) = (&token[..dot], &token[dot + 1..]);
    let (thread, sequence) = match near::find::<b'.'>(behind) {
        Some(dot) => (&behind[..dot], &behind[dot + 1..]),
        None => (process, behind),
    };
    let hex = |part: &[u8]| (1..=8).contains(&part.len()) && near::all(part, |byte| HEX[usize::from(*byte)]);
    hex(process) && hex(thread) && !sequence.is_empty() && near::all(sequence, u8::is_ascii_digit)
}

/// The size behind one or more blanks, and what follows it.
fn size(rest: &[u8]) -> Option<(u64, &[u8])> {
    let (token, rest) = first_token(behind_blanks(rest));
    Some((integer(token)?, rest))
}

pub(super) fn integer(token: &[u8]) -> Option<u64> {
    if token.is_empty() || token.len() > 18 {
        return None;
    }
    token.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + u64::from(byte - b'0')))
}

pub(super) fn first_token(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(near::find::<b' '>(text).unwrap_or(text.len()))
}
