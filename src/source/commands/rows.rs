//! What a command prints, read by a table of the rows that it is known to print. A row that is in no table is counted,
//! and does no harm.

use std::collections::BTreeMap;

use super::{ChannelTold, Told};
use crate::record::label;
use crate::source::spool::MAX_CHANNELS;

/// A row that a command prints.
///
/// Its pattern has words: `#` is a whole number, `.#` a number with a decimal point, `*` any word, `(*)` any word in
/// brackets, `-` a ruler, `…` whatever follows, `a|b` one of two words, and any other itself, whatever its case. `^` in
/// front: the row does not begin with a blank.
#[derive(Debug)]
pub(super) struct Row {
    pattern: &'static str,
    /// Whether it shows that this is what the command prints: a single word could be anything.
    proves: bool,
    take: fn(&mut Reader, &Found<'_>),
}

/// A row that tells something.
pub(super) const fn row(pattern: &'static str, take: fn(&mut Reader, &Found<'_>)) -> Row {
    Row { pattern, proves: true, take }
}

/// A row that is known and tells nothing that is kept.
pub(super) const fn known(pattern: &'static str) -> Row {
    Row { pattern, proves: true, take: |_, _| {} }
}

/// A row that could be anything; the rows that follow show what it is.
pub(super) const fn perhaps(pattern: &'static str, take: fn(&mut Reader, &Found<'_>)) -> Row {
    Row { pattern, proves: false, take }
}

/// What a pattern found in a row.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found<'a> {
    /// The first word that could be any.
    pub(super) word: &'a str,
    /// The first whole number.
    pub(super) number: i64,
}

impl Found<'_> {
    /// The number where it is a count.
    pub(super) fn count(&self) -> Option<u64> {
        u64::try_from(self.number).ok()
    }
}

/// What has been read so far.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// The channel that the next rows are about.
    channel: Option<String>,
    pub(super) told: Told,
    /// Rows that show that this is what the command prints.
    pub(super) understood: u64,
    /// The first error message.
    pub(super) complaint: Option<String>,
}

impl Reader {
    /// The rows that follow are about this channel.
    pub(super) fn go_on_with(&mut self, channel: &str) {
        self.channel = Some(label::channel(channel.as_bytes()));
    }

    /// Something is told of the channel that the rows are about.
    pub(super) fn tell(&mut self, tell: impl FnOnce(&mut ChannelTold)) {
        match self.channel.take() {
            Some(channel) => {
                self.tell_of(&channel, tell);
                self.channel = Some(channel);
            }
            None => self.told.unknown += 1,
        }
    }

    /// Something is told of a channel.
    pub(super) fn tell_of(&mut self, channel: &str, tell: impl FnOnce(&mut ChannelTold)) {
        let label = label::channel(channel.as_bytes());
        let channels: &mut BTreeMap<_, _> = &mut self.told.channels;
        if channels.len() < MAX_CHANNELS || channels.contains_key(&label) {
            tell(channels.entry(label).or_default());
        } else {
            self.told.left_out += 1;
        }
    }
}

/// Reads what was printed by the first row of the table that fits each line.
pub(super) fn read(rows: &[Row], printed: &str) -> Reader {
    let mut reader = Reader::default();
    for line in printed.lines().filter(|line| !line.trim().is_empty()) {
        if is_complaint(line) {
            reader.complaint.get_or_insert_with(|| line.to_owned());
            continue;
        }
        let fitting = rows.iter().find_map(|row| Some((row, found(row.pattern, line)?)));
        match fitting {
            Some((row, found)) => {
                reader.understood += u64::from(row.proves);
                (row.take)(&mut reader, &found);
            }
            None => reader.told.unknown += 1,
        }
    }
    reader
}

/// The first error message of the MTA.
pub(super) fn complaint(printed: &str) -> Option<&str> {
    printed.lines().find(|line| is_complaint(line))
}

/// What a pattern finds in a line, if it fits.
fn found<'a>(pattern: &str, line: &'a str) -> Option<Found<'a>> {
    let (at_the_edge, pattern) = pattern.strip_prefix('^').map_or((false, pattern), |rest| (true, rest));
    if at_the_edge && line.starts_with(char::is_whitespace) {
        return None;
    }
    let (mut word, mut number, mut words) = (None, None, line.split_whitespace());
    for part in pattern.split(' ') {
        if part == "…" {
            return Some(Found { word: word.unwrap_or_default(), number: number.unwrap_or_default() });
        }
        let next = words.next()?;
        let fits = match part {
            "#" => next.parse().map(|found| number.get_or_insert(found)).is_ok(),
            ".#" => next.contains('.') && next.parse::<f64>().is_ok(),
            "*" => !word.get_or_insert(next).is_empty(),
            "(*)" => next.starts_with('(') && next.ends_with(')'),
            "-" => next.bytes().all(|byte| byte == b'-'),
            _ => part.split('|').any(|part| part.eq_ignore_ascii_case(next)),
        };
        if !fits {
            return None;
        }
    }
    let whole = words.next().is_none();
    whole.then(|| Found { word: word.unwrap_or_default(), number: number.unwrap_or_default() })
}

/// Whether it is an error message of the MTA, such as `%QM-E-NOTSTOPPED, unable to stop the channel`; `F` is a fatal one.
fn is_complaint(line: &str) -> bool {
    let word = line.split_whitespace().next().unwrap_or_default();
    let word = word.strip_prefix('%').unwrap_or(word).trim_end_matches([',', ':']);
    let mut parts = word.split('-');
    let name = |part: Option<&str>| {
        part.is_some_and(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_uppercase()))
    };
    name(parts.next())
        && matches!(parts.next(), Some("E" | "F"))
        && name(parts.next())
        && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::{Found, found, is_complaint};

    #[test]
    fn patterns_fit_what_they_say() {
        for (pattern, line, expected) in [
            ("* (stopped) # …", "tcp_bounceit (Stopped)   1    0.0", Some(("tcp_bounceit", 1))),
            ("* (stopped) # …", "tcp_bounceit 1 0.0", None),
            ("* # .# …", "  l   12\t0.5 and more", Some(("l", 12))),
            ("* # .# …", "l 12 5", None),
            ("* # .# …", "l 12", None),
            ("# job|jobs active for channel *", " 2 JOBS ACTIVE FOR CHANNEL foo", Some(("foo", 2))),
            ("# job|jobs active for channel *", " 2 JOBS ACTIVE FOR CHANNEL foo bar", None),
            ("stored # # # …", "   Stored   61  113  -2004  (2)", Some(("", 61))),
            ("delivered # …", "Delivered -362", Some(("", -362))),
            ("delivered # …", "Delivered 99999999999999999999", None),
            ("^*", "tcp_local", Some(("tcp_local", 0))),
            ("^*", " tcp_local", None),
            ("- …", "---- --- -", Some(("", 0))),
            ("* (*) # …", "l (waiting) 3", Some(("l", 3))),
        ] {
            let expected = expected.map(|(word, number)| Found { word, number });
            assert_eq!(found(pattern, line), expected, "{pattern}: {line}");
        }
    }

    #[test]
    fn error_messages_are_told_from_rows() {
        for (line, complaint) in [
            ("%QM-E-NOTSTOPPED, unable to stop the channel; cannot update the hold list", true),
            ("QM-F-ERROR: no", true),
            ("%QM-I-DELETED, deleted the message file", false),
            ("tcp-e-x 1 0.0", false),
            ("tcp_local 1 0.0", false),
            ("A-E-", false),
        ] {
            assert_eq!(is_complaint(line), complaint, "{line}");
        }
    }
}
