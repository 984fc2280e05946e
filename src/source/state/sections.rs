//! The frame of a state file: named sections, each with a version and a checksum of its own, so that one that is
//! damaged, missing or unknown leaves the others alone.
//!
//! Layout: a line `imsimta-exporter state 3`, then for each section a line
//! `section <name> <version> <keep|drop> <bytes of the body> <XXH3, hex>`, its body and a line end. The checksum is
//! that of the line in front of it and of the body.

use xxhash_rust::xxh3::Xxh3;

/// What a file of this frame begins with.
pub const MAGIC: &[u8] = b"imsimta-exporter state 3\n";
/// A line in front of a section is shorter.
const MAX_LINE: usize = 160;
/// More sections than that are none of ours.
const MAX_SECTIONS: usize = 64;

/// What becomes of a section that a program does not know, since a newer one wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// It is written again as it is: it says something that stays true.
    Keep,
    /// It is left out: it is of use only together with what was counted since.
    Drop,
}

impl Unknown {
    fn word(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Drop => "drop",
        }
    }
}

/// One section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its name: lower-case letters and `_`.
    pub name: String,
    /// The version of its body, which its owner knows.
    pub version: u32,
    /// What a program does that does not know it.
    pub unknown: Unknown,
    /// What its owner made.
    pub body: Vec<u8>,
}

/// What a file holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// The sections that are whole.
    pub sections: Vec<Section>,
    /// What was wrong with others, by name; `?` for what has none.
    pub damaged: Vec<(String, String)>,
}

/// A file of these sections.
pub fn encode<'a>(sections: impl IntoIterator<Item = &'a Section>) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    for section in sections {
        let head = head(section);
        let sum = checksum(&head, &section.body);
        bytes.extend_from_slice(format!("{head} {sum:016x}\n").as_bytes());
        bytes.extend_from_slice(&section.body);
        bytes.push(b'\n');
    }
    bytes
}

/// Reads a file; `None` when it is none of this frame.
pub fn decode(bytes: &[u8]) -> Option<Frame> {
    let mut rest = bytes.strip_prefix(MAGIC)?;
    let mut frame = Frame::default();
    while !rest.is_empty() {
        if frame.sections.len() + frame.damaged.len() == MAX_SECTIONS {
            frame.damaged.push(("?".to_owned(), format!("more than {MAX_SECTIONS} sections")));
            break;
        }
        match next(&mut rest) {
            Ok(Ok(section)) => frame.sections.push(section),
            Ok(Err((name, why))) => frame.damaged.push((name, why)),
            // Where the next one begins is not known.
            Err(why) => {
                frame.damaged.push(("?".to_owned(), why));
                break;
            }
        }
    }
    Some(frame)
}

/// The body of the section that a file beside the state consists of.
///
/// # Errors
///
/// What is wrong with the file: it is damaged, another one, or of a newer program than one that reads this `version`.
pub fn the_one(bytes: &[u8], name: &str, version: u32) -> Result<Vec<u8>, String> {
    let frame = decode(bytes).ok_or("it is of a version that this program does not know")?;
    if let Some((name, why)) = frame.damaged.first() {
        return Err(format!("{name}: {why}"));
    }
    let section = frame.sections.into_iter().find(|section| section.name == name);
    let section = section.ok_or_else(|| format!("it has no {name}"))?;
    if section.version > version {
        return Err(format!("it has version {}, this program reads {version}", section.version));
    }
    Ok(section.body)
}

/// A section that is damaged: its name, and why.
type Damage = (String, String);

/// The next section; the outer error says that nothing behind it can be found.
fn next(rest: &mut &[u8]) -> Result<Result<Section, Damage>, String> {
    let line_end = memchr::memchr(b'\n', &rest[..rest.len().min(MAX_LINE)]);
    let (line, behind) = rest.split_at(line_end.ok_or("no line in front of a section")?);
    let line = std::str::from_utf8(line).map_err(|_| "the line in front of a section is not text")?;
    let (head, sum) = line.rsplit_once(' ').ok_or("the line in front of a section is too short")?;
    let mut fields = head.split(' ');
    let (word, name) = (fields.next(), fields.next().unwrap_or_default());
    let version = fields.next().and_then(|version| version.parse().ok());
    let unknown = match fields.next() {
        Some("keep") => Some(Unknown::Keep),
        Some("drop") => Some(Unknown::Drop),
        _ => None,
    };
    let bytes = fields.next().and_then(|bytes| bytes.parse::<usize>().ok());
    let (Some("section"), Some(version), Some(unknown), Some(bytes), None) =
        (word, version, unknown, bytes, fields.next())
    else {
        return Err("the line in front of a section is not one".to_owned());
    };
    let body = behind[1..].get(..bytes).ok_or_else(|| format!("{name} is cut short"))?;
    *rest = behind[1 + bytes..].strip_prefix(b"\n").ok_or_else(|| format!("{name} has no end"))?;
    if sum != format!("{:016x}", checksum(head, body)) {
        return Ok(Err((name.to_owned(), "the checksum differs".to_owned())));
    }
    Ok(Ok(Section { name: name.to_owned(), version, unknown, body: body.to_vec() }))
}

fn head(section: &Section) -> String {
    let Section { name, version, unknown, body } = section;
    format!("section {name} {version} {} {}", unknown.word(), body.len())
}

fn checksum(head: &str, body: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(head.as_bytes());
    hash.update(body);
    hash.digest()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{MAGIC, MAX_SECTIONS, Section, Unknown, decode, encode};

    fn section(name: &str, unknown: Unknown, body: &[u8]) -> Section {
        Section { name: name.to_owned(), version: 4, unknown, body: body.to_vec() }
    }

    fn three() -> [Section; 3] {
        [
            section("positions", Unknown::Drop, b"where"),
            section("sums", Unknown::Drop, b"\nsection sums 9\n\0"),
            section("alerts", Unknown::Keep, b""),
        ]
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        for sections in [&three()[..], &[]] {
            let frame = decode(&encode(sections)).expect("a frame");
            assert_eq!((frame.sections.as_slice(), frame.damaged.len()), (sections, 0));
        }
    }

    #[test]
    fn a_damaged_body_leaves_the_others_alone() {
        let mut bytes = encode(&three());
        let at = bytes.windows(5).position(|five| five == b"where").expect("there");
        bytes[at] ^= 1;
        let frame = decode(&bytes).expect("a frame");
        assert_eq!(frame.sections, three()[1..]);
        assert_eq!(frame.damaged, [("positions".to_owned(), "the checksum differs".to_owned())]);
    }

    #[test]
    fn a_file_that_is_cut_keeps_what_is_whole() {
        let bytes = encode(&three());
        let second = encode(&three()[..1]).len();
        let frame = decode(&bytes[..second + 40]).expect("a frame");
        assert_eq!((frame.sections.as_slice(), frame.damaged.len()), (&three()[..1], 1));
    }

    #[test]
    fn other_files_are_no_frames() {
        for bytes in [&b""[..], b"\n", b"imsimta-exporter state 2 5 0123\nabcde", &[0xff; 300]] {
            assert_eq!(decode(bytes), None);
        }
    }

    #[test]
    fn sections_without_end_are_bounded() {
        let many: Vec<_> = (0..=MAX_SECTIONS).map(|_| section("x", Unknown::Keep, b"")).collect();
        let frame = decode(&encode(&many)).expect("a frame");
        assert_eq!((frame.sections.len(), frame.damaged.len()), (MAX_SECTIONS, 1));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(behind in prop::collection::vec(any::<u8>(), 0..300)) {
            decode(&[MAGIC, &behind].concat());
        }

        #[test]
        fn no_damage_is_taken_for_a_section(at in 0_usize..400, to in any::<u8>()) {
            let mut bytes = encode(&three());
            let at = at % bytes.len();
            prop_assume!(bytes[at] != to);
            bytes[at] = to;
            let Some(frame) = decode(&bytes) else { return Ok(()) };
            prop_assert!(frame.sections.iter().all(|read| three().contains(read)));
            prop_assert!(!frame.damaged.is_empty());
        }
    }
}
