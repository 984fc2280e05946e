//! The name of a file in a queue directory: `CC<unique>.<ext>`.
//!
//! `CC` counts delivery attempts as two complemented base-36 digits (`ZZ` = 0, `ZY` = 1, `Z0` = 35,
//! `YZ` = 36); the extension is two letters or digits, usually `00`, or `HELD` for a message that
//! is not eligible for delivery (Administration Guide, "Diagnosing and Cleaning up .HELD
//! Messages"; PMDF System Manager's Guide, "Message file names"). Since 6.3 the unique part is drawn from
//! letters, digits and at least `_` (Administration Guide 6.3, example 25-7). Which characters there are
//! besides is written nowhere, so any may stand there that does not end a name.

use std::ops::RangeInclusive;

use crate::record::bytes;

/// What the name of a queued message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueFile {
    /// Delivery attempts made so far, 0 to 1295.
    pub attempts: u16,
    /// Whether the extension is `.HELD`.
    pub held: bool,
}

/// How long the unique part may be; with the attempts, all of it is looked at at once.
const UNIQUE_BYTES: RangeInclusive<usize> = 2..=60;

/// Reads a base name, or `None` for anything that is not a queued message: copies that an operator
/// left (`.KEEP1`), temporary files (`$…`), directories of other programs.
pub fn parse(name: &[u8]) -> Option<QueueFile> {
    let dot = bytes::find::<b'.'>(name)?;
    let (stem, extension) = (&name[..dot], &name[dot + 1..]);
    let held = extension == b"HELD";
    let two = matches!(extension, [a, b] if a.is_ascii_alphanumeric() && b.is_ascii_alphanumeric());
    if !(UNIQUE_BYTES.contains(&stem.len().checked_sub(2)?) && bytes::is_plain_name(stem) && (held || two)) {
        return None;
    }
    let attempts = (35 - digit(stem[0])?) * 36 + (35 - digit(stem[1])?);
    Some(QueueFile { attempts, held })
}

/// The base name of a path as the log writes it, whole or relative to the queue directory.
pub fn base_name(path: &[u8]) -> &[u8] {
    bytes::find_last::<b'/'>(path).map_or(path, |slash| &path[slash + 1..])
}

fn digit(byte: u8) -> Option<u16> {
    let digit = char::from(byte).to_digit(36).filter(|_| !byte.is_ascii_lowercase())?;
    u16::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use super::{QueueFile, parse};

    #[track_caller]
    fn check(name: &str, expected: Option<(u16, bool)>) {
        let expected = expected.map(|(attempts, held)| QueueFile { attempts, held });
        assert_eq!(parse(name.as_bytes()), expected, "{name}");
    }

    #[test]
    fn names_of_the_manuals() {
        check("ZZ01IWFY9ELGWM00094D.00", Some((0, false)));
        check("ZY01IS3D2ZP7FQ9UN54R.00", Some((1, false)));
        check("ZX01IS67NY4RRK9UN7GP.00", Some((2, false)));
        check("ZZf0r4i0Wdy51.01", Some((0, false)));
        check("ZZ0HXZ00G0EBRBCP.HELD", Some((0, true)));
        check("ZZf0r4i0WkN_y0.00", Some((0, false)));
        check("ZYf0r4i0WkN_y0.01", Some((1, false)));
        check("ZXf0r4i0WkN_y0.HELD", Some((2, true)));
    }

    /// Nobody has written down the alphabet of the unique part, so a name is a message's unless it cannot be.
    #[test]
    fn whatever_the_unique_part_is_drawn_from() {
        for unique in [
            "f0a1-2cDe0",
            "-f0a12cDe0",
            "f0a12cDe0_",
            "____",
            "f0+1b2cD~e0",
            "f0$a1",
            "f0@a1=",
            "f0a1,b2:c3",
            "f0%41\\",
            "ab",
            "(ab)",
            "f0\u{e9}a1",
            "\u{2603}\u{2603}",
            "01IWFY9ELGWM00094D01IWFY9ELGWM00094D_-",
        ] {
            check(&format!("ZY{unique}.00"), Some((1, false)));
            check(&format!("ZY{unique}.zZ"), Some((1, false)));
            check(&format!("ZX{unique}.HELD"), Some((2, true)));
            check(&format!("ZX{unique}.KEEP1"), None);
        }
        for (bytes, expected) in
            [(&b"ZZ\xff\xfe.00"[..], true), (b"ZZ\x80_\xc3.HELD", true), (b"\xd8Z\xff\xfe.00", false)]
        {
            assert_eq!(parse(bytes).is_some(), expected, "{}", bytes.escape_ascii());
        }
        check(&format!("ZZ{}.00", "_".repeat(60)), Some((0, false)));
        check(&format!("ZZ{}.00", "_".repeat(61)), None);
    }

    proptest::proptest! {
        /// Two of 64 letters are neither letters nor digits, which is a seventh of all names.
        #[test]
        fn names_of_the_six_bit_alphabet(name in "[0-9A-Z]{2}[0-9A-Za-z_-]{2,60}\\.([0-9A-Za-z]{2}|HELD)") {
            proptest::prop_assert!(parse(name.as_bytes()).is_some());
        }

        /// A byte that ends a name or a word, wherever it is.
        #[test]
        fn no_blank_no_slash_no_control(byte in 0_u8..=b' ', at in 0_usize..16) {
            for byte in [byte, 0x7f, b'/'] {
                let mut name = b"ZZf0r4i0Wdy_1.00".to_vec();
                name[at] = byte;
                proptest::prop_assert_eq!(parse(&name), None);
            }
        }
    }

    #[test]
    fn attempts_count_in_complemented_base_36() {
        check("ZA0HXZ00G0EBRBCP.00", Some((25, false)));
        check("Z90HXZ00G0EBRBCP.00", Some((26, false)));
        check("Z00HXZ00G0EBRBCP.00", Some((35, false)));
        check("YZ0HXZ00G0EBRBCP.00", Some((36, false)));
        check("000HXZ00G0EBRBCP.00", Some((1295, false)));
    }

    #[test]
    fn a_held_message_released_under_another_extension() {
        check("ZZ0HXZ00G0EBRBCP.06", Some((0, false)));
    }

    #[test]
    fn what_is_not_a_queued_message() {
        for name in [
            "",
            ".",
            "ZZ",
            "ZZ.00",
            "ZZa.00",
            "$temp0001",
            "$ZZf0r4i0Wdy51.00",
            "$$f0r4i0Wdy51.00",
            "Z$f0r4i0Wdy51.00",
            "spool",
            "ZZ f0r4i0Wdy51.00",
            "ZZf0r4i0\tdy51.00",
            "ZZf0r4i0\u{7f}dy51.00",
            "ZZf0/4i0Wdy51.00",
            ".ZZf0r4i0Wdy51.00",
            "ZZf0r4i0Wdy51.0_",
            "ZZf0r4i0Wdy51.",
            "ZZ01IWFY9ELGWM00094D.KEEP1",
            "ZZ01IWFY9ELGWM00094D.held",
            "ZZ01IWFY9ELGWM00094D",
            "zz01IWFY9ELGWM00094D.00",
            "ZZ01IWFY9ELGWM00094D.00.bak",
            "ZZ01IWFY9ELGWM00094D.000",
        ] {
            check(name, None);
        }
    }
}
