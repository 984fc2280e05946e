//! The columns at the start of a positional entry: `[node] [pid] source destination code [size]`.
//!
//! Channels are padded to 12 columns, so these are split on runs of blanks (2005Q4 guide,
//! "Understanding the MTA Log Entry Format").

use super::Known;
use super::blanks::{Blanks, Word};
use crate::record::code::{Action, EntryCode};
use crate::record::option::{LogOption, OptionSet};
use crate::record::values::timestamp::{ends_with_year, is_clock};
use crate::record::{Direction, bytes, number};

/// A channel column is padded to 12 characters and followed by one blank: a wider gap in front of
/// the code means that the destination column is empty.
const EMPTY_COLUMN_GAP: usize = 13;

/// What the columns stand in front of.
#[derive(Clone, Copy, Default)]
pub(super) enum ColumnsKind {
    /// A header line.
    #[default]
    Header,
    /// A connection.
    Connection(Direction),
    /// A message.
    Message { blocks: u64 },
}

/// Everything up to the code (and size), and what follows.
#[derive(Default)]
pub(super) struct Columns<'a> {
    pub(super) node: &'a [u8],
    pub(super) process: &'a [u8],
    pub(super) source: &'a [u8],
    pub(super) destination: &'a [u8],
    pub(super) code: EntryCode,
    pub(super) kind: ColumnsKind,
    /// Behind the code, or behind the size of a message.
    pub(super) rest: &'a [u8],
}

/// Node, process, source, and destination or direction.
const MAX_COLUMNS: usize = 4;

impl<'a> Columns<'a> {
    /// Reads them from behind the time stamp. Pinned options say which of node and process id are
    /// there; without, a process id is known by its shape and a node by the number of columns.
    pub(super) fn read(text: &'a [u8], known: &Known<'_>) -> Option<Self> {
        let mut columns = [Word::default(); MAX_COLUMNS];
        let mut words = known.blanks.words(text);
        for count in 0..=MAX_COLUMNS {
            let word = words.next();
            if word.length == 0 {
                return None;
            }
            let before = &columns[..count];
            match word.start[0] {
                b'>' if word.length == 1 && count <= 2 => {
                    return Some(Self { rest: word.rest(), ..Self::default() });
                }
                b'A'..=b'Z' => {
                    if let Some(candidate) = Candidate::read(before, &word, known.blanks)
                        && let Some(found) =
                            Self::named(&before[..candidate.columns], &candidate, known.dialect.options)
                    {
                        return Some(found);
                    }
                }
                _ => {}
            }
            *columns.get_mut(count)? = word;
        }
        None
    }

    /// Gives the words in front of a code their names. `None` when they are too many or too few.
    fn named(columns: &[Word<'a>], found: &Candidate<'a>, pinned: Option<OptionSet>) -> Option<Self> {
        if columns.len() > 2 && hold_stamp(columns) {
            return None;
        }
        let (process, first_channel) = leading(columns, found.gap, pinned);
        let node = if first_channel > 0 && process != Some(0) { columns.first()?.token() } else { &[] };
        let process = process.and_then(|position| columns.get(position)).map_or(&[][..], Word::token);
        let (source, destination) = match (columns.get(first_channel..)?, &found.kind) {
            ([source], _) => (source.token(), &[][..]),
            ([source, destination], ColumnsKind::Message { .. }) => (source.token(), destination.token()),
            _ => return None,
        };
        Some(Self {
            node,
            process,
            source,
            destination,
            code: found.code,
            kind: found.kind,
            rest: found.rest,
        })
    }
}

/// Whether date and clock of another entry stand in the columns of one that was cut: one or two channels are
/// behind them.
#[inline]
fn hold_stamp(columns: &[Word<'_>]) -> bool {
    columns[1..].iter().any(|word| word.start.get(2) == Some(&b':')) && hold_date_and_clock(columns)
}

#[cold]
fn hold_date_and_clock(columns: &[Word<'_>]) -> bool {
    columns.windows(2).any(|pair| is_clock(pair[1].token()) && ends_with_year(pair[0].token()))
}

/// A word that may be the code.
struct Candidate<'a> {
    /// How many words are in front of it, without the direction.
    columns: usize,
    /// The width of the blanks between them and it.
    gap: usize,
    code: EntryCode,
    kind: ColumnsKind,
    /// Behind it, and behind the size.
    rest: &'a [u8],
}

impl<'a> Candidate<'a> {
    /// Channel names may be in upper case too, so a code is one only behind a direction or in front of a
    /// size.
    fn read(before: &[Word<'a>], word: &Word<'a>, blanks: &Blanks) -> Option<Self> {
        let code = EntryCode::parse(word.token())?;
        let columns = before.len();
        let direction = match before.last()?.token() {
            b"+" => Some(Direction::In),
            b"-" => Some(Direction::Out),
            _ => None,
        };
        if let Some(direction) = direction {
            let kind = ColumnsKind::Connection(direction);
            return Some(Self { columns: columns - 1, gap: EMPTY_COLUMN_GAP, code, kind, rest: word.rest() });
        }
        let (blocks, rest) = size(word.rest(), blanks)?;
        // Every enqueue names its destination, however wide the gap behind a short name is.
        let gap = if code.action == Action::Enqueue { 0 } else { word.gap };
        Some(Self { columns, gap, code, kind: ColumnsKind::Message { blocks }, rest })
    }
}

/// Where the process id stands, and where the channels begin.
fn leading(columns: &[Word<'_>], gap: usize, pinned: Option<OptionSet>) -> (Option<usize>, usize) {
    if let Some(set) = pinned {
        let node = usize::from(set.has(LogOption::Node));
        let process = set.has(LogOption::Process).then_some(node);
        let first_channel = process.map_or(node, |position| position + 1);
        // One channel or two behind them; before 6.3 an empty node left only a blank.
        if matches!(columns.len().checked_sub(first_channel), Some(1 | 2)) {
            return (process, first_channel);
        }
    }
    let process = columns.iter().take(2).position(is_process);
    let first_channel = match (process, columns.len()) {
        (Some(position), _) => position + 1,
        (None, 3) => 1,
        (None, 2) if gap >= EMPTY_COLUMN_GAP => 1,
        (None, _) => 0,
    };
    (process, first_channel)
}

/// The longest process id with its thread and sequence number.
const MAX_PROCESS_BYTES: usize = 8 + 1 + 8 + 1 + 20;

/// Whether a word is `<hex process id>[.<hex thread id>].<decimal sequence number>` (`LOG_PROCESS`).
fn is_process(word: &Word<'_>) -> bool {
    let length = word.length;
    if length > MAX_PROCESS_BYTES {
        return false;
    }
    // A bit for each byte.
    let all = !(u64::MAX << length);
    let dots = bytes::bits_at_start(word.start, length, bytes::equal::<b'.'>);
    let hex = bytes::bits_at_start(word.start, length, bytes::hex_digits);
    let digits = bytes::bits_at_start(word.start, length, bytes::digits);
    let first = dots.trailing_zeros();
    let behind = dots.unbounded_shr(first + 1);
    let second = behind.trailing_zeros();
    let (thread, sequence) = if behind == 0 { (first, first + 1) } else { (second, first + second + 2) };
    hex | dots == all
        && (1..=8).contains(&first)
        && (1..=8).contains(&thread)
        && (behind == 0 || behind >> thread == 1)
        && all >> sequence != 0
        && digits >> sequence == all >> sequence
}

/// The size behind one or more blanks, and what follows it.
fn size<'a>(rest: &'a [u8], blanks: &Blanks) -> Option<(u64, &'a [u8])> {
    let size = blanks.words(rest).next();
    Some((number::at_start(size.start, size.length)?, size.rest()))
}

#[cfg(test)]
mod tests {
    use super::{Word, is_process};

    #[test]
    fn process_ids() {
        for (token, expected) in [
            ("2c0f.3.12", true),
            ("7B3D.A.1", true),
            ("2c0f.12", true),
            ("12345678.12345678.12345678901234567890", true),
            ("123456789.1.1", false),
            ("1.123456789.1", false),
            ("1.1.123456789012345678901", true),
            ("1.1.1234567890123456789012345678901234567890", false),
            ("2c0f", false),
            ("2c0f.", false),
            ("2c0f.3.", false),
            (".3.12", false),
            ("2c0f..12", false),
            ("2c0f.3.1a", false),
            ("2c0f.3a", false),
            ("2c0f.3.1.2", false),
            ("2g0f.3.1", false),
            ("2c0f.z.1", false),
            ("mail.example.com", false),
            (".", false),
            ("", false),
        ] {
            for behind in ["", " tcp_local            E", ".12"] {
                let text = format!("{token}{behind}");
                let word = Word { gap: 0, start: text.as_bytes(), length: token.len() };
                assert_eq!(is_process(&word), expected, "{text}");
            }
        }
    }
}
