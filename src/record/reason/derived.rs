//! THE table of words that turn with what stands in front of them: "known" behind "not" is "unknown".

#[allow(clippy::wildcard_imports, reason = "a table of words")]
use super::vocabulary::*;

/// A word of one class that stands behind a word of another makes a third.
pub(super) struct Derived {
    /// What stands in front.
    pub before: Classes,
    /// What stands behind it.
    pub behind: Classes,
    /// At most so many words further.
    pub within: u16,
    /// What the second then is, too.
    pub makes: Classes,
}

const fn makes(before: Classes, behind: Classes, within: u16, makes: Classes) -> Derived {
    Derived { before, behind, within, makes }
}

/// The table.
pub(super) const DERIVED: &[Derived] = &[
    makes(NEG, KNOWN, 4, UNKNOWN),
    makes(NEG, LOCAL, 2, UNKNOWN),
    makes(NEG, RECIPIENT | USER | MAILBOX | ACCOUNT | ALIAS, 1, UNKNOWN),
    makes(NEG, LONGER, 1, UNKNOWN),
    makes(NEG, ACTIVE, 3, DISABLED),
    makes(NEG, ALLOWED, 4, REJECTED),
    makes(NEG, ACCESS, 1, REJECTED),
    makes(NEG, AVAILABLE, 3, UNAVAILABLE),
    makes(NEG, ROUTE | RESOLVE, 3, UNROUTABLE),
    makes(NEG, VERIFIED, 3, UNVERIFIED),
    makes(NEG, SPACE, 3, SHORT),
    makes(BLACK, LIST, 1, LISTED | OWNLIST),
    makes(BEFORE, TIME, 1, SEEN),
    makes(REJECTED | DISABLED, OUT, 1, DISABLED),
    makes(OUT, SPACE | SYSTEM, 2, SHORT),
    makes(TOO, MANY, 2, EXCESS),
    makes(MESSAGE, FILE, 1, MAILBOX),
    makes(RETURN | REVERSE, PATH, 1, SENDER),
    makes(RETURN, ADDRESS, 1, SENDER),
    makes(FROM, MAILADDRESS | ADDRESS | DOMAIN, 2, SENDER),
    makes(NULL, MX, 1, NULL),
];

/// A row has a bit.
type Rows = u32;

const _: () = assert!(DERIVED.len() <= Rows::BITS as usize, "a bit for each row");

/// By class, the rows for which it stands behind, and those for which it stands in front.
static BEHIND: [Rows; CLASSES] = by_class(true);
static IN_FRONT: [Rows; CLASSES] = by_class(false);
const CLASSES: usize = Classes::BITS as usize;

/// The classes that turn with what stands in front of them.
pub(super) const TURNED: Classes = any(&BEHIND);
/// The classes that turn what stands behind them.
const TURNING: Classes = any(&IN_FRONT);

const fn by_class(behind: bool) -> [Rows; CLASSES] {
    let mut rows = [0; CLASSES];
    let mut row = 0;
    while row < DERIVED.len() {
        let mut classes = if behind { DERIVED[row].behind } else { DERIVED[row].before };
        while classes != 0 {
            rows[classes.trailing_zeros() as usize] |= 1 << row;
            classes &= classes - 1;
        }
        row += 1;
    }
    rows
}

const fn any(by_class: &[Rows; CLASSES]) -> Classes {
    let (mut all, mut class) = (0, 0);
    while class < CLASSES {
        all |= ((by_class[class] != 0) as Classes) << class;
        class += 1;
    }
    all
}

fn rows(by_class: &[Rows; CLASSES], classes: Classes) -> Rows {
    numbers(classes).fold(0, |rows, class| rows | by_class[class])
}

/// What a word is, too, by the words in front of it, the nearest first, and how far away they are.
pub(super) fn of(classes: Classes, before: impl Iterator<Item = (Classes, u16)>) -> Classes {
    let behind = rows(&BEHIND, classes & TURNED);
    let mut makes = 0;
    for (before, away) in before.take_while(|&(_, away)| away <= 4) {
        let both = behind & rows(&IN_FRONT, before & TURNING);
        for row in numbers(both.into()).map(|row| &DERIVED[row]).filter(|row| away <= row.within) {
            makes |= row.makes;
        }
    }
    makes
}
