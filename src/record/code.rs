//! Entry codes: one action letter, then a set of modifier letters (`EEC` = enqueue, ESMTP, chunking).
//!
//! [`ACTIONS`] and [`MODIFIERS`] are THE tables of codes; what a code means anywhere else in the
//! program starts here. Sources: Administration Guide, table "Logging Entry Codes" (2005Q4 and
//! 6.3); PMDF System Manager's Guide for the connection letters.

/// What kind of entry an action letter stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An entry about one recipient of one message in one channel.
    Message,
    /// An entry about a connection (`+` inbound, `-` outbound).
    Connection,
}

/// A row of the table of actions.
#[derive(Clone, Copy, Debug)]
pub struct ActionCode {
    /// The letter in the log.
    pub letter: u8,
    /// Where it stands.
    pub kind: Kind,
    /// What the MTA did, in the manual's terms.
    pub meaning: &'static str,
}

/// A row of the table of modifiers.
#[derive(Clone, Copy, Debug)]
pub struct ModifierCode {
    /// The letter in the log.
    pub letter: u8,
    /// Its label value.
    pub label: &'static str,
    /// What it says about the session.
    pub meaning: &'static str,
}

const fn message(letter: u8, meaning: &'static str) -> ActionCode {
    ActionCode { letter, kind: Kind::Message, meaning }
}

const fn connection(letter: u8, meaning: &'static str) -> ActionCode {
    ActionCode { letter, kind: Kind::Connection, meaning }
}

const fn modifier(letter: u8, label: &'static str, meaning: &'static str) -> ModifierCode {
    ModifierCode { letter, label, meaning }
}

/// Every documented action, by letter. Other letters are counted under their own letter as well:
/// there are only 26.
pub const ACTIONS: [ActionCode; 16] = [
    message(b'B', "bad command sent to the SMTP server"),
    connection(b'C', "connection closed"),
    message(b'D', "successful dequeue"),
    message(b'E', "enqueue"),
    connection(b'I', "ETRN command received"),
    message(b'J', "rejection of an attempted enqueue"),
    message(b'K', "recipient rejected or timed out, without a notification"),
    connection(b'O', "connection opened"),
    message(b'Q', "temporary failure to dequeue"),
    message(b'R', "recipient rejected on dequeue, a notification was sent"),
    connection(b'U', "SMTP authentication succeeded or failed"),
    message(b'V', "transaction abnormally aborted"),
    message(b'W', "warning sent: not delivered yet"),
    connection(b'X', "connection rejected"),
    connection(b'Y', "connection attempt failed before being established"),
    message(b'Z', "temporary failure of this recipient, others succeeded; re-enqueued"),
];

/// The modifiers with a label of their own, sorted by letter. Any other letter is `other`.
pub const MODIFIERS: [ModifierCode; 8] = [
    modifier(b'A', "A", "SASL authentication"),
    modifier(b'C', "C", "chunking (BDAT)"),
    modifier(b'E', "E", "ESMTP (EHLO)"),
    modifier(b'L', "L", "LMTP"),
    modifier(b'P', "P", "through a proxy (MMP)"),
    modifier(b'Q', "Q", "pipelining"),
    modifier(b'S', "S", "TLS"),
    modifier(b'U', "U", "SMTPUTF8"),
];

/// The label of a modifier that [`MODIFIERS`] does not list.
pub const OTHER_MODIFIER: &str = "other";

/// An action letter and the set of its modifier letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Action {
    /// The action letter, `A` to `Z`.
    pub letter: u8,
    /// Bit `n` is set when the letter `A + n` follows the action letter.
    modifiers: u32,
}

impl Action {
    /// Splits a code: 1 to 8 upper-case letters, the first the action. `DEQ` is a dequeue.
    pub fn parse(code: &[u8]) -> Option<Self> {
        let (&letter, modifiers) = code.split_first()?;
        if code.len() > 8 || !letter.is_ascii_uppercase() {
            return None;
        }
        let add = |set, modifier: &u8| modifier.is_ascii_uppercase().then(|| set | 1 << (modifier - b'A'));
        Some(Self { letter, modifiers: modifiers.iter().try_fold(0, add)? })
    }

    /// 0 for `A` to 25 for `Z`.
    pub fn index(self) -> usize {
        usize::from(self.letter.saturating_sub(b'A')).min(25)
    }

    /// Whether a modifier letter is in the set.
    pub fn has(self, modifier: u8) -> bool {
        modifier.is_ascii_uppercase() && self.modifiers & 1 << (modifier - b'A') != 0
    }

    /// Whether it is an enqueue, which has no text.
    pub fn is_enqueue(self) -> bool {
        self.letter == b'E'
    }

    /// Whether it is a bad command, which is text of a client.
    pub fn is_bad_command(self) -> bool {
        self.letter == b'B'
    }

    /// Whether entries with this letter may be about no recipient: bad commands, and what channels of PMDF log
    /// about a request, whether it was aborted, failed or succeeded (PMDF System Manager's Guide, "Log Entry
    /// Codes").
    pub fn may_lack_recipient(self) -> bool {
        matches!(self.letter, b'A' | b'B' | b'F' | b'S')
    }

    /// Whether any letter follows the action letter.
    pub fn is_modified(self) -> bool {
        self.modifiers != 0
    }

    /// The modifiers as positions in [`MODIFIERS`], `MODIFIERS.len()` for all others together.
    pub fn modifier_positions(self) -> impl Iterator<Item = usize> {
        let mut known = self.modifiers & LISTED;
        let listed = std::iter::from_fn(move || {
            let lower = known.checked_sub(1)? & !known;
            known &= known - 1;
            Some((LISTED & lower).count_ones() as usize)
        });
        listed.chain((self.modifiers & !LISTED != 0).then_some(MODIFIERS.len()))
    }
}

/// The letters of [`MODIFIERS`], a bit each: as many as are lower than one's are the rows in front of its.
const LISTED: u32 = {
    let (mut listed, mut row) = (0, 0);
    while row < MODIFIERS.len() {
        listed |= 1 << (MODIFIERS[row].letter - b'A');
        row += 1;
    }
    listed
};

#[cfg(test)]
mod tests {
    use super::{ACTIONS, Action, MODIFIERS};

    #[track_caller]
    fn check(code: &str, action: char, modifiers: &str) {
        let parsed = Action::parse(code.as_bytes()).expect(code);
        assert_eq!(char::from(parsed.letter), action, "{code}");
        let labels: Vec<&str> = parsed
            .modifier_positions()
            .map(|position| MODIFIERS.get(position).map_or("other", |row| row.label))
            .collect();
        assert_eq!(labels.join(","), modifiers, "{code}");
    }

    #[test]
    fn a_code_is_an_action_and_a_set() {
        check("E", 'E', "");
        check("EEC", 'E', "C,E");
        check("EEPA", 'E', "A,E,P");
        check("EEQ", 'E', "E,Q");
        check("VEA", 'V', "A,E");
        check("DSA", 'D', "A,S");
        check("DAS", 'D', "A,S");
        check("DEQ", 'D', "E,Q");
        check("QXYZ", 'Q', "other");
    }

    #[test]
    fn what_is_not_a_code() {
        for code in ["", "e", "E1", "ENQUEUEDTO", "tcp_local", "\u{c9}"] {
            assert_eq!(Action::parse(code.as_bytes()), None, "{code}");
        }
    }

    #[test]
    fn tables_are_sorted_and_unique() {
        assert!(ACTIONS.windows(2).all(|pair| pair[0].letter < pair[1].letter));
        assert!(MODIFIERS.windows(2).all(|pair| pair[0].letter < pair[1].letter));
        assert!(MODIFIERS.iter().all(|row| row.label.as_bytes() == [row.letter]));
    }
}
