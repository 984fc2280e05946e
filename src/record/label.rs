//! Turning bytes from outside into label values: bounded in length, printable, one spelling.

/// The longest label value taken from outside, in bytes. Channel names of at least 40 bytes occur.
pub const MAX_BYTES: usize = 64;

/// The label value of a channel, from a log entry or a directory name. Channel names are not case
/// sensitive (SMS channel configuration, 2005Q4), so the label is lower case.
pub fn channel(name: &[u8]) -> String {
    printable(name)
}

/// The label value of a destination domain: lower case, as DNS names are compared without case.
pub fn domain(name: &[u8]) -> String {
    printable(name)
}

/// Lower case; every byte that is not a plain printable ASCII character becomes `?`, so that hostile
/// input can neither break a line nor hide in look-alike characters; cut at [`MAX_BYTES`].
fn printable(bytes: &[u8]) -> String {
    let cut = &bytes[..bytes.len().min(MAX_BYTES)];
    cut.iter()
        .map(|&byte| match byte {
            b'"' | b'\\' | b'<' | b'>' | b'&' => '?',
            b'!'..=b'~' => char::from(byte.to_ascii_lowercase()),
            _ => '?',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::channel;

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
}
