//! What the head of a held message file says about why it is held: pure, over bytes.
//!
//! A message file begins with the envelope, lines of one letter and a semicolon; a boundary ends it,
//! then come header, an empty line, the body, and the boundary again (PMDF System Manager's Guide,
//! "Message file format", which warns that the format may change: nothing is taken from the envelope,
//! it is skipped up to the boundary). Neither the file nor its name says why it is held. The MTA holds a message
//! as looping when its header has more `Received:` lines of one kind than the option for that kind
//! allows; everything else that is held looked suspicious to somebody (Administration Guide,
//! "Diagnosing and Cleaning up .HELD Messages").

use aho_corasick::AhoCorasick;
use memchr::memchr;

use crate::source::spool::held_files::HeldReason;

/// How the boundary between envelope and header begins.
const BOUNDARY: &[u8] = b"Boundary_(";

/// The other way to end an envelope.
const TWO_CONTROL_A: &[u8] = b"\x01\x01";

/// How many header lines of each kind a message may have. It is held when it has more (PMDF System
/// Manager's Guide, option `MAX_LOCAL_RECEIVED_LINES` and its siblings).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceivedLimits {
    /// `MAX_RECEIVED_LINES`: lines `Received:`.
    pub received: u32,
    /// `MAX_LOCAL_RECEIVED_LINES`: those of them that hold the official local host name.
    pub local: u32,
    /// `MAX_MR_RECEIVED_LINES`: lines `MR-Received:`.
    pub mr: u32,
    /// `MAX_X400_RECEIVED_LINES`: lines `X400-Received:`.
    pub x400: u32,
    /// `MAX_TOTAL_RECEIVED_LINES`: lines of these three names together.
    pub total: u32,
}

impl Default for ReceivedLimits {
    /// The MTA's own defaults.
    fn default() -> Self {
        Self { received: 50, local: 10, mr: 20, x400: 50, total: 100 }
    }
}

/// How many header lines of each kind there are; folded ones count once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceivedLines {
    /// `Received:`
    pub received: u32,
    /// `Received:` with the official local host name anywhere in it.
    pub local: u32,
    /// `MR-Received:`
    pub mr: u32,
    /// `X400-Received:`
    pub x400: u32,
}

impl ReceivedLines {
    /// Whether there are more of any kind than are allowed.
    pub fn exceed(&self, limits: &ReceivedLimits) -> bool {
        self.received > limits.received
            || self.local > limits.local
            || self.mr > limits.mr
            || self.x400 > limits.x400
            || self.received + self.mr + self.x400 > limits.total
    }
}

/// The official local host name, to be found in header lines whatever its case.
#[derive(Clone, Debug)]
pub struct OwnHost(AhoCorasick);

impl OwnHost {
    /// A host of this name; none for an empty or absurdly long one.
    pub fn new(name: &str) -> Option<Self> {
        let name = name.trim();
        if name.is_empty() {
            return None;
        }
        AhoCorasick::builder().ascii_case_insensitive(true).build([name]).ok().map(Self)
    }

    fn is_in(&self, text: &[u8]) -> bool {
        self.0.is_match(text)
    }
}

/// What was found in the head of a message file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Why the message is held, as far as these bytes tell.
    pub reason: HeldReason,
    /// The lines counted. Nothing else of the content is kept.
    pub received: ReceivedLines,
    /// Whether the bytes hold the whole header. If not, more of the file could tell more.
    pub whole: bool,
}

/// Judges a held message by the first bytes of its file. Without the name of the own host, lines of
/// its own are not told apart.
///
/// Any bytes give a verdict: where there is no boundary, or no end of the header and not yet too many
/// lines, it is [`HeldReason::Unclassified`]. So is a head that is all envelope: so many recipients make the
/// keyword `holdlimit` likely, but no source says that such a message cannot loop.
pub fn classify(head: &[u8], limits: &ReceivedLimits, own_host: Option<&OwnHost>) -> Verdict {
    let mut received = ReceivedLines::default();
    let Some((boundary, header)) = header(head) else {
        return Verdict { reason: HeldReason::Unclassified, received, whole: false };
    };
    let mut fields = Fields { rest: header, boundary };
    for field in fields.by_ref() {
        count(field, own_host, &mut received);
    }
    let whole = !fields.rest.is_empty();
    let reason = if received.exceed(limits) {
        HeldReason::Loop
    } else if whole {
        HeldReason::Other
    } else {
        HeldReason::Unclassified
    };
    Verdict { reason, received, whole }
}

/// The boundary that ends the envelope, and what follows it.
fn header(head: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut rest = head;
    loop {
        let (line, after) = next_line(rest)?;
        if line.starts_with(BOUNDARY) || line == TWO_CONTROL_A {
            return Some((line, after));
        }
        rest = after;
    }
}

/// The next complete line without its end, and what follows it.
fn next_line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr(b'\n', text)?;
    let line = &text[..end];
    Some((line.strip_suffix(b"\r").unwrap_or(line), &text[end + 1..]))
}

/// The complete fields of a header, each with the lines that continue it. When they end, `rest` is
/// what the header ends with; it is empty where the end was not seen.
struct Fields<'a> {
    rest: &'a [u8],
    boundary: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.rest;
        let Some((first, mut after)) = next_line(text) else {
            self.rest = &[];
            return None;
        };
        // A message without a body may end with its header.
        if first.is_empty() || first == self.boundary {
            return None;
        }
        while matches!(after.first(), Some(b' ' | b'\t')) {
            let Some((_, next)) = next_line(after) else {
                // Cut in the middle of the field: what is there of it still counts.
                after = &[];
                break;
            };
            after = next;
        }
        self.rest = after;
        Some(&text[..text.len() - after.len()])
    }
}

/// Counts a field if it is one of those that count.
fn count(field: &[u8], own_host: Option<&OwnHost>, lines: &mut ReceivedLines) {
    let Some(colon) = memchr(b':', field) else { return };
    let name = field[..colon].trim_ascii_end();
    if name.eq_ignore_ascii_case(b"received") {
        lines.received += 1;
        lines.local += u32::from(own_host.is_some_and(|host| host.is_in(&field[colon..])));
    } else if name.eq_ignore_ascii_case(b"mr-received") {
        lines.mr += 1;
    } else if name.eq_ignore_ascii_case(b"x400-received") {
        lines.x400 += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{HeldReason, OwnHost, ReceivedLimits, ReceivedLines, Verdict, classify};

    const HOST: &str = "mta1.siroe.example";

    fn judge(head: &[u8]) -> Verdict {
        classify(head, &ReceivedLimits::default(), OwnHost::new(HOST).as_ref())
    }

    fn message(header: &str) -> Vec<u8> {
        let boundary = "Boundary_(ID_bNmDRTvfQNkeUUBbOugFTQ)";
        let envelope = "u;MIRANDA\nc;l\nm;miranda@siroe.example\nj;rfc822\nf;a@b.example\na@b.example\n";
        format!("{envelope}{boundary}\n{header}Subject: Woe the day\n\nReceived: in the body\n{boundary}\n")
            .into_bytes()
    }

    fn lines(name: &str, text: &str, count: usize) -> String {
        format!("{name}: {text}\n id <1@x>;\n\tFri\n").repeat(count)
    }

    #[track_caller]
    fn check(header: &str, reason: HeldReason, received: [u32; 4]) {
        let [all, local, mr, x400] = received;
        let received = ReceivedLines { received: all, local, mr, x400 };
        assert_eq!(judge(&message(header)), Verdict { reason, received, whole: true });
    }

    #[test]
    fn a_message_loops_when_it_has_more_lines_of_a_kind_than_its_limit() {
        use HeldReason::{Loop, Other};
        let from = "from a.example by b.example";
        let own = "from a.example by MTA1.Siroe.Example (x)";
        check("", Other, [0; 4]);
        check(&lines("Received", from, 50), Other, [50, 0, 0, 0]);
        check(&lines("Received", from, 51), Loop, [51, 0, 0, 0]);
        check(&lines("received ", own, 10), Other, [10, 10, 0, 0]);
        check(&lines("RECEIVED", own, 11), Loop, [11, 11, 0, 0]);
        check(&lines("MR-Received", own, 20), Other, [0, 0, 20, 0]);
        check(&lines("MR-Received", own, 21), Loop, [0, 0, 21, 0]);
        check(&lines("X400-Received", own, 50), Other, [0, 0, 0, 50]);
        check(&lines("X400-Received", own, 51), Loop, [0, 0, 0, 51]);
        let mixed = lines("Received", from, 40) + &lines("MR-Received", own, 15);
        check(&(mixed.clone() + &lines("X400-Received", own, 45)), Other, [40, 0, 15, 45]);
        check(&(mixed + &lines("X400-Received", own, 46)), Loop, [40, 0, 15, 46]);
    }

    #[test]
    fn the_own_name_counts_anywhere_in_a_folded_line() {
        let folded = "Received: from a.example\n by b.example (for\n\tx@mta1.siroe.example)\n";
        check(&folded.repeat(11), HeldReason::Loop, [11, 11, 0, 0]);
        let other = "X-Received: by mta1.siroe.example\nReceived-SPF: pass (mta1.siroe.example)\n";
        check(&other.repeat(60), HeldReason::Other, [0; 4]);
        // In a line that continues another field there is no field.
        check(&"Comments: a\n Received: x\n".repeat(60), HeldReason::Other, [0; 4]);
    }

    #[test]
    fn without_a_name_of_its_own_no_line_is_its_own() {
        let head = message(&lines("Received", "from a by b", 30));
        for host in [None, OwnHost::new(""), OwnHost::new(" ")] {
            let verdict = classify(&head, &ReceivedLimits::default(), host.as_ref());
            assert_eq!((verdict.reason, verdict.received.local), (HeldReason::Other, 0));
        }
    }

    #[test]
    fn envelopes_end_with_either_boundary() {
        let looped = lines("Received", "by mta1.siroe.example", 11);
        for (boundary, end) in [
            ("Boundary_(ID_x)", "\n"),
            ("Boundary_(ID_x)  ", "\n"),
            ("Boundary_(ID_x)", "\r\n"),
            ("\x01\x01", "\n"),
            ("\x01\x01", "\r\n"),
        ] {
            let looped = looped.replace('\n', end);
            let head = format!("m;{end}{boundary}{end}{looped}{end}body");
            assert_eq!(judge(head.as_bytes()).reason, HeldReason::Loop, "{head:?}");
            let head = format!("m;{end}{boundary}{end}Subject: x{end}{boundary}{end}{looped}");
            assert_eq!(judge(head.as_bytes()).reason, HeldReason::Other, "{head:?}");
        }
    }

    #[test]
    fn what_does_not_show_its_header_is_unclassified() {
        let looped = lines("Received", "by mta1.siroe.example", 11);
        for head in [
            "",
            "\n",
            "m;a@b.example\n",
            "m;a@b.example\nBoundary_(ID_x)",
            "m;a@b.example\nBoundary_(ID_x)\n",
            "m;a@b.example\nBoundary_(ID_x)\nReceived: by mta1.siroe.example\n",
            "m;a@b.example\n\x01\nReceived: x\n\n",
            // A header without an envelope is no message file.
            looped.as_str(),
        ] {
            let verdict = judge(head.as_bytes());
            assert_eq!((verdict.reason, verdict.whole), (HeldReason::Unclassified, false), "{head:?}");
        }
        assert_eq!(judge(&vec![0; 65_536]).reason, HeldReason::Unclassified);
        // Cut, but it has shown enough.
        let endless = format!("m;\n\x01\x01\n{}", lines("Received", "x", 5000));
        let verdict = judge(&endless.as_bytes()[..65_536]);
        assert_eq!((verdict.reason, verdict.whole), (HeldReason::Loop, false));
    }

    /// The lines of a message, one of each kind of thing that can stand there.
    fn any_line() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            Just(b"Boundary_(ID_x)\n".to_vec()),
            Just(b"\x01\x01\r\n".to_vec()),
            Just(b"\n".to_vec()),
            Just(b"m;a@b.example\n".to_vec()),
            Just(b"Received: by mta1.siroe.example\n".to_vec()),
            Just(b"MR-Received: x\n".to_vec()),
            Just(b"X400-Received: x\n".to_vec()),
            Just(b" folded mta1.siroe.example\n".to_vec()),
            Just(vec![0; 40]),
            proptest::collection::vec(any::<u8>(), 0..40),
        ]
    }

    /// The same by a slow and plain way: lines first, unfolded, then counted.
    fn model(head: &[u8]) -> (HeldReason, [u32; 3]) {
        let mut lines: Vec<Vec<u8>> =
            head.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
        let partial = lines.pop_if(|line| line.last() != Some(&b'\n'));
        for line in &mut lines {
            line.pop();
            line.pop_if(|byte| *byte == b'\r');
        }
        let Some(at) = lines.iter().position(|line| line.starts_with(b"Boundary_(") || line == b"\x01\x01")
        else {
            return (HeldReason::Unclassified, [0; 3]);
        };
        let (boundary, header) = (&lines[at], &lines[at + 1..]);
        let end = header.iter().position(|line| line.is_empty() || line == boundary);
        let mut fields: Vec<Vec<u8>> = Vec::new();
        for line in &header[..end.unwrap_or(header.len())] {
            match fields.last_mut() {
                Some(field) if line.starts_with(b" ") || line.starts_with(b"\t") => field.extend(line),
                _ => fields.push(line.clone()),
            }
        }
        let partial = partial.filter(|line| line.starts_with(b" ") || line.starts_with(b"\t"));
        if let (None, Some(field), Some(partial)) = (end, fields.last_mut(), partial) {
            field.extend(partial);
        }
        let starting = |name: &str| {
            let is = |field: &&Vec<u8>| {
                let colon = field.iter().position(|&byte| byte == b':').unwrap_or(0);
                field[..colon].trim_ascii_end().eq_ignore_ascii_case(name.as_bytes())
            };
            u32::try_from(fields.iter().filter(is).count()).expect("few")
        };
        let counts = [starting("received"), starting("mr-received"), starting("x400-received")];
        let looped = counts[0] > 5 || counts[1] > 2 || counts[2] > 3 || counts.iter().sum::<u32>() > 8;
        let reason = match (looped, end) {
            (true, _) => HeldReason::Loop,
            (false, Some(_)) => HeldReason::Other,
            (false, None) => HeldReason::Unclassified,
        };
        (reason, counts)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

        #[test]
        fn any_lines_are_judged_as_the_plain_way_does(lines in proptest::collection::vec(any_line(), 0..40)) {
            let head = lines.concat();
            let limits = ReceivedLimits { received: 5, local: u32::MAX, mr: 2, x400: 3, total: 8 };
            let verdict = classify(&head, &limits, OwnHost::new(HOST).as_ref());
            let ReceivedLines { received, local, mr, x400 } = verdict.received;
            prop_assert_eq!((verdict.reason, [received, mr, x400]), model(&head));
            prop_assert!(local <= received);
        }

        #[test]
        fn more_bytes_never_take_a_loop_back(lines in proptest::collection::vec(any_line(), 0..40), cut in any::<prop::sample::Index>()) {
            let head = lines.concat();
            let limits = ReceivedLimits { received: 5, local: 3, mr: 2, x400: 3, total: 8 };
            let host = OwnHost::new(HOST);
            let before = classify(&head[..cut.index(head.len() + 1)], &limits, host.as_ref());
            let after = classify(&head, &limits, host.as_ref());
            if before.reason != HeldReason::Unclassified {
                prop_assert_eq!(before.reason, after.reason);
            }
        }
    }
}
