//! The banner: `220 host …`, or several lines of which all but the last have a hyphen behind the code (RFC 5321, 4.2.1).

use super::ProbeError;

/// The most that is read of a banner. A line is 512 bytes at most (RFC 5321, 4.5.3.1.5).
const MOST_BYTES: usize = 8 * 1024;

/// The most of it that is shown.
const MOST_SAID: usize = 120;

/// What has come of a banner.
#[derive(Debug, Default)]
pub(super) struct Banner {
    /// The line that has not ended.
    line: Vec<u8>,
    read: usize,
}

impl Banner {
    /// Whether it is whole with these bytes.
    ///
    /// # Errors
    ///
    /// It is none, or one that does not welcome.
    pub(super) fn is_whole(&mut self, bytes: &[u8]) -> Result<bool, ProbeError> {
        for &byte in bytes {
            self.read += 1;
            if byte == b'\n' {
                if is_last(&self.line)? {
                    return Ok(true);
                }
                self.line.clear();
            } else if self.read >= MOST_BYTES {
                return Err(ProbeError::NoBanner(said(&self.line)));
            } else {
                self.line.push(byte);
            }
        }
        Ok(false)
    }
}

/// Whether a line of a welcome is its last.
fn is_last(line: &[u8]) -> Result<bool, ProbeError> {
    let line = line.trim_ascii_end();
    let (code, rest) = line.split_at_checked(3).unwrap_or((line, b""));
    let is_reply = code.len() == 3 && code.iter().all(u8::is_ascii_digit);
    match rest.first() {
        _ if !is_reply => Err(ProbeError::NoBanner(said(line))),
        None | Some(b' ' | b'-') if code != b"220" => Err(ProbeError::NotServed(said(line))),
        None | Some(b' ') => Ok(true),
        Some(b'-') => Ok(false),
        Some(_) => Err(ProbeError::NoBanner(said(line))),
    }
}

/// A line printable and short.
fn said(line: &[u8]) -> String {
    let shown = |&byte: &u8| if (b' '..=b'~').contains(&byte) { char::from(byte) } else { '?' };
    line.iter().take(MOST_SAID).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::super::ProbeFailure;
    use super::Banner;

    /// What comes in which pieces, and what it is after the last.
    #[test]
    fn a_banner_is_whole_with_its_last_line() {
        let long = "220-".to_owned() + &"x".repeat(9000);
        let lines = "220-more\r\n".repeat(1000);
        for (pieces, expected) in [
            (&["220 mail.example.com -- Server ESMTP\r\n"][..], Ok(true)),
            (&["220\n"], Ok(true)),
            (&["2", "2", "0", " a\r", "\n"], Ok(true)),
            (&["220 a\r"], Ok(false)),
            (&["220-a\r\n220-b\r\n"], Ok(false)),
            (&["220-a\r\n220 b\r\n"], Ok(true)),
            (&["421 4.3.2 try later\r\n"], Err(ProbeFailure::NotServed)),
            (&["554-no\r\n"], Err(ProbeFailure::NotServed)),
            (&["HTTP/1.1 400 Bad Request\r\n"], Err(ProbeFailure::NoBanner)),
            (&["* OK IMAP4 ready\r\n"], Err(ProbeFailure::NoBanner)),
            (&["220x\r\n"], Err(ProbeFailure::NoBanner)),
            (&["\r\n"], Err(ProbeFailure::NoBanner)),
            (&[&long], Err(ProbeFailure::NoBanner)),
            (&[&lines], Err(ProbeFailure::NoBanner)),
        ] {
            let mut banner = Banner::default();
            let found = pieces.iter().try_fold(false, |_, piece| banner.is_whole(piece.as_bytes()));
            assert_eq!(found.map_err(|error| error.reason()), expected, "{pieces:?}");
        }
        let said = Banner::default().is_whole(b"5\x1b[31m\xff\n").expect_err("no reply").to_string();
        assert_eq!(said, "what was said is no banner: 5?[31m?");
    }
}
