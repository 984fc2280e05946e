//! Bytes from outside made fit for a terminal and a mail: no control character, no look-alike, no
//! text without end.

use std::fmt::Write as _;
use std::path::Path;

/// Printable ASCII as it is, everything else as `\xNN` (a backslash doubled), at most `width`
/// characters; `..` at the end says that there was more.
pub fn escaped(bytes: &[u8], width: usize) -> String {
    let mut text = String::new();
    let mut fits = 0;
    // One byte more than can fit says that there is more.
    for &byte in bytes.iter().take(width + 1) {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b'\t' => text.push_str("\\t"),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => {
                // Writing into a string cannot fail.
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
        if text.len() + 2 <= width {
            fits = text.len();
        }
    }
    if text.len() > width {
        text.truncate(fits);
        text.push_str("..");
    }
    text
}

/// A path as a message may show it.
pub fn path(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    escaped(path.as_os_str().as_bytes(), 4096)
}

/// A printable text in at most `width` characters: the middle is left out, since both ends of a
/// host name tell something.
pub fn middle_cut(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(2);
    let head: String = text.chars().take(kept / 2).collect();
    let tail: String = text.chars().skip(length - (kept - kept / 2)).collect();
    format!("{head}..{tail}")
}

#[cfg(test)]
mod tests {
    use super::{escaped, middle_cut};

    #[test]
    fn control_characters_and_foreign_bytes_are_spelled_out() {
        assert_eq!(escaped(b"\x1b[2Ja\tb\\c\x7f", 80), "\\x1b[2Ja\\tb\\\\c\\x7f");
        assert_eq!(escaped("\u{e9}\u{202e}".as_bytes(), 80), "\\xc3\\xa9\\xe2\\x80\\xae");
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(escaped(b"abcdef", 6), "abcdef");
        assert_eq!(escaped(b"abcdefg", 6), "abcd..");
        assert_eq!(escaped(b"abc\x1b\x1b", 6), "abc..");
        assert_eq!(middle_cut("mail.example", 12), "mail.example");
        assert_eq!(middle_cut("very-long-host.mail.example", 12), "very-..ample");
    }

    proptest::proptest! {
        #[test]
        fn nothing_but_printable_ascii(bytes: Vec<u8>, width in 2_usize..100) {
            let text = escaped(&bytes, width);
            proptest::prop_assert!(text.len() <= width);
            proptest::prop_assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        }
    }
}
