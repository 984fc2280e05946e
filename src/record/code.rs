//! Entry codes: one action letter, then a set of modifier letters (`EEC` = enqueue, ESMTP, chunking).
//!
//! [`ACTIONS`] and [`MODIFIERS`] are THE tables of codes; what a code means anywhere else in the
//! program starts here, and no other file names a letter. Sources: Administration Guide, table "Logging Entry
//! Codes" (2005Q4 and 6.3); PMDF System Manager's Guide for the connection letters and those of its requests.

labelled! {
    /// How a delivery attempt ended, when not well.
    Outcome {
        Deferred = "deferred": "Q: stays in the queue";
        Partial = "partial": "Z: others of the message succeeded, this one is queued anew";
        Rejected = "rejected": "R: given up, the sender is told";
        Unnotified = "unnotified": "K: given up, nobody is told";
    }
}

/// What an action is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A recipient that a client offers, or what else it says: nothing is in a queue.
    Offered,
    /// A recipient that comes into the queue of another channel.
    Queued,
    /// A recipient in the queue of the channel that wrote the entry.
    Waiting,
    /// A connection (`+` inbound, `-` outbound).
    Connection,
    /// Not documented.
    Unknown,
}

/// What an action says to have failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// An attempt to deliver, with this outcome.
    Attempt(Outcome),
    /// What a client offered: refused, for good or not, as the reply says.
    Offer,
    /// A connection was rejected, for good or not, as the reply says.
    Connection,
    /// A connection could not be made; it is tried again.
    Connecting,
}

/// A row of the table of actions.
#[derive(Clone, Copy, Debug)]
pub struct ActionRow {
    /// The letter in the log.
    pub letter: u8,
    /// What the MTA did, in the manual's terms; `None` where no manual of the MTA has the letter. These are counted
    /// under their letter as well: there are only 26.
    pub meaning: Option<&'static str>,
    /// What it is about.
    pub stage: Stage,
    /// Whether it tells of an attempt to deliver.
    pub tries: bool,
    /// Whether the recipient leaves this host's care when the channel does: there is no more to come.
    pub ends: bool,
    /// What failed, if anything.
    pub failed: Option<Failed>,
    /// Whether it may be about no recipient: bad commands, and what channels of PMDF log about a request, whether
    /// it was aborted, failed or succeeded (PMDF System Manager's Guide, "Log Entry Codes").
    pub may_lack_recipient: bool,
}

const fn unlisted(letter: u8) -> ActionRow {
    ActionRow {
        letter,
        meaning: None,
        stage: Stage::Unknown,
        tries: false,
        ends: false,
        failed: None,
        may_lack_recipient: false,
    }
}

const fn row(letter: u8, stage: Stage, meaning: &'static str) -> ActionRow {
    ActionRow { stage, meaning: Some(meaning), ..unlisted(letter) }
}

const fn offered(letter: u8, meaning: &'static str) -> ActionRow {
    row(letter, Stage::Offered, meaning)
}

const fn queued(letter: u8, meaning: &'static str) -> ActionRow {
    row(letter, Stage::Queued, meaning)
}

const fn waiting(letter: u8, meaning: &'static str) -> ActionRow {
    row(letter, Stage::Waiting, meaning)
}

const fn connection(letter: u8, meaning: &'static str) -> ActionRow {
    row(letter, Stage::Connection, meaning)
}

impl ActionRow {
    const fn tries(self) -> Self {
        Self { tries: true, ..self }
    }

    const fn ends(self) -> Self {
        Self { ends: true, ..self }
    }

    const fn fails(self, failed: Failed) -> Self {
        Self { failed: Some(failed), ..self }
    }

    const fn may_lack_recipient(self) -> Self {
        Self { may_lack_recipient: true, ..self }
    }
}

macro_rules! actions {
    ($($action:ident: $row:expr;)*) => {
        /// The first letter of a code: what happened. A letter without a meaning is named by itself.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Action {
            $(#[doc = "See its row in [`ACTIONS`]."] $action,)*
        }

        impl Action {
            /// Every action, by letter.
            pub const ALL: [Action; 26] = [$(Action::$action,)*];
        }

        /// THE table of actions: a row for every letter, in their order.
        pub const ACTIONS: [ActionRow; 26] = [$($row,)*];
    };
}

actions! {
    RequestAborted: unlisted(b'A').may_lack_recipient();
    BadCommand: offered(b'B', "bad command sent to the SMTP server").may_lack_recipient();
    Close: connection(b'C', "connection closed");
    Dequeue: waiting(b'D', "successful dequeue").tries().ends();
    Enqueue: queued(b'E', "enqueue");
    RequestFailed: unlisted(b'F').may_lack_recipient();
    G: unlisted(b'G');
    H: unlisted(b'H');
    Etrn: connection(b'I', "ETRN command received");
    Refusal: offered(b'J', "rejection of an attempted enqueue").fails(Failed::Offer);
    SilentRejection: waiting(b'K', "recipient rejected or timed out, without a notification")
        .ends()
        .fails(Failed::Attempt(Outcome::Unnotified));
    L: unlisted(b'L');
    M: unlisted(b'M');
    N: unlisted(b'N');
    Open: connection(b'O', "connection opened");
    P: unlisted(b'P');
    Deferral: waiting(b'Q', "temporary failure to dequeue").tries().fails(Failed::Attempt(Outcome::Deferred));
    Rejection: waiting(b'R', "recipient rejected on dequeue, a notification was sent")
        .tries()
        .ends()
        .fails(Failed::Attempt(Outcome::Rejected));
    RequestSucceeded: unlisted(b'S').may_lack_recipient();
    T: unlisted(b'T');
    Authentication: connection(b'U', "SMTP authentication succeeded or failed");
    Abort: offered(b'V', "transaction abnormally aborted");
    DelayWarning: waiting(b'W', "warning sent: not delivered yet");
    ConnectionRejection: connection(b'X', "connection rejected").fails(Failed::Connection);
    ConnectionFailure: connection(b'Y', "connection attempt failed before being established")
        .fails(Failed::Connecting);
    PartialDeferral: waiting(b'Z', "temporary failure of this recipient, others succeeded; re-enqueued")
        .tries()
        .fails(Failed::Attempt(Outcome::Partial));
}

impl Action {
    /// The action of a letter, if it is one from `A` to `Z`.
    pub fn of(letter: u8) -> Option<Self> {
        Self::ALL.get(usize::from(letter.wrapping_sub(b'A'))).copied()
    }

    /// What the table says of it.
    #[inline]
    pub fn row(self) -> &'static ActionRow {
        &ACTIONS[self as usize]
    }

    /// Its letter in the log.
    pub fn letter(self) -> char {
        char::from(self.row().letter)
    }

    /// Whether the recipient has a queue file, and the message an id.
    pub fn has_file(self) -> bool {
        matches!(self.row().stage, Stage::Queued | Stage::Waiting)
    }

    /// Whether it is about what a client hands in, taken or not.
    pub fn is_submission(self) -> bool {
        matches!(self.row().stage, Stage::Offered | Stage::Queued)
    }

    /// Whether a manual of the MTA has it as one about a recipient.
    pub fn is_of_message(self) -> bool {
        self.has_file() || self.is_submission()
    }

    /// Whether it is about a recipient in the queue of the channel that wrote the entry.
    pub fn is_waiting(self) -> bool {
        self.row().stage == Stage::Waiting
    }

    /// Whether what failed is tried again.
    pub fn tries_again(self) -> bool {
        match self.row().failed {
            Some(Failed::Attempt(_)) => !self.row().ends,
            failed => failed == Some(Failed::Connecting),
        }
    }

    /// Whether a recipient is given up.
    pub fn gives_up(self) -> bool {
        self.row().ends && self.row().failed.is_some()
    }
}

/// A row of the table of modifiers.
#[derive(Clone, Copy, Debug)]
pub struct ModifierRow {
    /// The letter in the log.
    pub letter: u8,
    /// Its label value.
    pub label: &'static str,
    /// What it says about the session.
    pub meaning: &'static str,
}

const fn modifier(letter: u8, label: &'static str, meaning: &'static str) -> ModifierRow {
    ModifierRow { letter, label, meaning }
}

/// THE table of the modifiers with a label of their own, sorted by letter. Any other letter is `other`.
pub const MODIFIERS: [ModifierRow; 8] = [
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

/// What a modifier letter says; `None` where no manual has it.
pub fn meaning_of_modifier(letter: char) -> Option<&'static str> {
    MODIFIERS.iter().find(|row| char::from(row.letter) == letter).map(|row| row.meaning)
}

/// An action and the set of its modifier letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryCode {
    /// The action.
    pub action: Action,
    /// Bit `n` is set when the letter `A + n` follows the action letter.
    modifiers: u32,
}

/// That of an entry that is not read yet.
impl Default for EntryCode {
    fn default() -> Self {
        Self { action: Action::Enqueue, modifiers: 0 }
    }
}

impl EntryCode {
    /// Splits a code: 1 to 8 upper-case letters, the first the action. `DEQ` is a dequeue.
    pub fn parse(code: &[u8]) -> Option<Self> {
        let (&letter, modifiers) = code.split_first()?;
        let action = Action::of(letter).filter(|_| code.len() <= 8)?;
        let add = |set, modifier: &u8| modifier.is_ascii_uppercase().then(|| set | 1 << (modifier - b'A'));
        Some(Self { action, modifiers: modifiers.iter().try_fold(0, add)? })
    }

    /// Whether any letter follows the action letter.
    pub fn is_modified(self) -> bool {
        self.modifiers != 0
    }

    /// The letters that follow the action letter, sorted.
    pub fn modifier_letters(self) -> impl Iterator<Item = char> {
        ('A'..='Z')
            .enumerate()
            .filter(move |&(bit, _)| self.modifiers & 1 << bit != 0)
            .map(|(_, letter)| letter)
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
    use super::{ACTIONS, Action, EntryCode, Failed, MODIFIERS};

    #[track_caller]
    fn check(code: &str, action: char, modifiers: &str) {
        let parsed = EntryCode::parse(code.as_bytes()).expect(code);
        assert_eq!(parsed.action.letter(), action, "{code}");
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
            assert_eq!(EntryCode::parse(code.as_bytes()), None, "{code}");
        }
    }

    #[test]
    fn tables_are_sorted_and_unique() {
        for ((letter, row), action) in (b'A'..=b'Z').zip(ACTIONS).zip(Action::ALL) {
            assert_eq!((row.letter, Action::of(letter)), (letter, Some(action)));
            assert_eq!((action.row().letter, action.letter()), (letter, char::from(letter)));
        }
        assert!(MODIFIERS.windows(2).all(|pair| pair[0].letter < pair[1].letter));
        assert!(MODIFIERS.iter().all(|row| row.label.as_bytes() == [row.letter]));
        assert_eq!(size_of::<Action>(), 1);
    }

    /// What the manuals say of each letter, written down once more.
    #[test]
    fn letters_with_a_property() {
        let letters = |has: fn(Action) -> bool| -> String {
            Action::ALL.into_iter().filter(|&action| has(action)).map(Action::letter).collect()
        };
        assert_eq!(letters(|action| action.row().meaning.is_some()), "BCDEIJKOQRUVWXYZ");
        assert_eq!(letters(Action::is_of_message), "BDEJKQRVWZ");
        assert_eq!(letters(Action::is_submission), "BEJV");
        assert_eq!(letters(Action::has_file), "DEKQRWZ");
        assert_eq!(letters(Action::is_waiting), "DKQRWZ");
        assert_eq!(letters(Action::tries_again), "QYZ");
        assert_eq!(letters(Action::gives_up), "KR");
        assert_eq!(letters(|action| action.row().tries), "DQRZ");
        assert_eq!(letters(|action| action.row().ends), "DKR");
        assert_eq!(letters(|action| matches!(action.row().failed, Some(Failed::Attempt(_)))), "KQRZ");
        assert_eq!(letters(|action| action.row().failed.is_some()), "JKQRXYZ");
        assert_eq!(letters(|action| action.row().may_lack_recipient), "ABFS");
    }
}
