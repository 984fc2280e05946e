//! Turning bytes from outside into label values: bounded in length, printable, one spelling.

use super::diagnostic::Status;

/// The longest label value taken from outside, in bytes. Channel names of at least 40 bytes occur.
pub const MAX_BYTES: usize = 64;

/// The label value of a channel, from a log entry or a directory name. Channel names are not case
/// sensitive (SMS channel configuration, 2005Q4), so the label is lower case.
pub fn channel(name: &[u8]) -> String {
    printable(name).map(char::from).collect()
}

/// Appends the label value of a channel, or of a destination domain: ASCII, and lower case, as DNS
/// names are compared without case.
pub fn push(name: &[u8], text: &mut Vec<u8>) {
    text.extend(printable(name));
}

/// Appends the label value of an enhanced status code.
pub fn push_status(status: Status, text: &mut Vec<u8>) {
    for (index, part) in [status.class, status.subject, status.detail].into_iter().enumerate() {
        if index > 0 {
            text.push(b'.');
        }
        let digits = [part / 100 % 10, part / 10 % 10, part % 10].map(|digit| DIGITS[usize::from(digit)]);
        let leading = usize::from(part < 100) + usize::from(part < 10);
        text.extend_from_slice(&digits[leading..]);
    }
}

const DIGITS: &[u8; 10] = b"0123456789";

/// What each byte becomes: lower case; every byte that is not a plain printable ASCII character is
/// `?`, so that hostile input can neither break a line nor hide in look-alike characters.
static PRINTABLE: [u8; 256] = {
    let mut table = [b'?'; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        if !matches!(byte, b'"' | b'\\' | b'<' | b'>' | b'&') {
            table[byte as usize] = byte.to_ascii_lowercase();
        }
        byte += 1;
    }
    table
};

/// The bytes of a label value, cut at [`MAX_BYTES`].
fn printable(bytes: &[u8]) -> impl Iterator<Item = u8> + '_ {
    bytes[..bytes.len().min(MAX_BYTES)].iter().map(|&byte| PRINTABLE[usize::from(byte)])
}

#[cfg(test)]
mod tests {
    use super::channel;
    use crate::record::values::diagnostic::Status;

    #[test]
    fn label_values_are_printable_lower_case_and_bounded() {
        for (name, expected) in [
            (&b"tcp_local"[..], "tcp_local"),
            (b"TCP_LOCAL", "tcp_local"),
            (b"ims-ms", "ims-ms"),
            (b"a b\nc", "a?b?c"),
            (b"\xff\"\\<x>&", "????x??"),
        ] {
            assert_eq!(channel(name), expected);
        }
        assert_eq!(channel(&[b'x'; 500]).len(), super::MAX_BYTES);
    }

    #[test]
    fn statuses_are_written_as_they_are_shown() {
        for (class, subject, detail) in [(5, 1, 1), (4, 0, 10), (2, 100, 0), (5, 999, 99)] {
            let status = Status { class, subject, detail };
            let mut text = Vec::new();
            super::push_status(status, &mut text);
            assert_eq!(String::from_utf8_lossy(&text), status.to_string());
        }
    }
}
