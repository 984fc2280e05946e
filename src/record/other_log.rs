//! Lines of other logs of the product, which were given by mistake.

use super::{Line, Skip, Unparsed};

/// Which other log a line is from, by what stands in front of it.
pub(super) fn of(line: &[u8]) -> Option<Skip> {
    let digits = |range: std::ops::Range<usize>| {
        line.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    let at = |position: usize, byte: u8| line.get(position) == Some(&byte);
    let clock =
        |separator: u8| digits(0..2) && at(2, separator) && digits(3..5) && at(5, separator) && digits(6..8);
    // `[12/Jun/2019:05:16:02 +0200] host ims_master[11468]: …`
    if at(0, b'[') && digits(1..3) && at(3, b'/') && at(7, b'/') && digits(8..12) && at(12, b':') {
        return Some(Skip::Nslog);
    }
    // `08:56:39.33: …`, in other releases `08.56.39.33: …`
    let debug = (clock(b':') || clock(b'.')) && at(8, b'.') && digits(9..11);
    debug.then_some(Skip::DebugLog)
}

/// What a line is that is neither an entry nor of another log. Texts of other logs may have line ends
/// in them: what follows one of their lines and is nothing by itself belongs to it.
pub(super) fn rest(line: &[u8], before: Option<Skip>) -> Line<'static> {
    if line.is_empty() {
        return Line::Skipped(Skip::Blank);
    }
    if let Some(log) = before {
        return Line::Skipped(log);
    }
    let control = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
    Line::Unparsed(if line.iter().any(control) { Unparsed::Binary } else { Unparsed::NoTimestamp })
}
