//! Envelope addresses: which destination a recipient belongs to.

use crate::record::bytes;

/// The domain that delivery goes to: the first host of a source route (`@relay:user@host`), else
/// what follows the last `@`. `None` for a bare local part.
pub fn destination(address: &[u8]) -> Option<&[u8]> {
    let domain = if let Some(route) = address.strip_prefix(b"@") {
        route.split(|byte| matches!(byte, b':' | b',')).next()?
    } else {
        &address[bytes::find_last::<b'@'>(address)? + 1..]
    };
    let domain = domain.strip_suffix(b">").unwrap_or(domain);
    let domain = domain.strip_suffix(b".").unwrap_or(domain);
    (!domain.is_empty()).then_some(domain)
}

/// The end of the address token that starts at `start`: the next blank outside double quotes. A
/// quote that nothing closes is an ordinary character.
pub fn token_end(text: &[u8], start: usize) -> usize {
    let mut position = start;
    while let Some(found) = bytes::find_either::<b' ', b'"'>(&text[position..]) {
        let found = position + found;
        if text[found] == b' ' {
            return found;
        }
        match closing_quote(&text[found + 1..]) {
            Some(length) => position = found + 1 + length + 1,
            None => return memchr::memchr(b' ', &text[found..]).map_or(text.len(), |blank| found + blank),
        }
    }
    text.len()
}

/// Where the quoted string ends, honouring `\"`.
fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut position = 0;
    while let Some(found) = bytes::find_either::<b'"', b'\\'>(&text[position..]) {
        if text[position + found] == b'"' {
            return Some(position + found);
        }
        position += found + 2;
        if position > text.len() {
            break;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{destination, token_end};

    #[test]
    fn destinations() {
        for (address, expected) in [
            ("marlowe@siroe.com", Some("siroe.com")),
            ("sdubois2@ims-ms-daemon", Some("ims-ms-daemon")),
            ("@hostmtadmz.my-domain.fr:adminmtadmz@my-domain.fr", Some("hostmtadmz.my-domain.fr")),
            ("@a.example,@b.example:user@c.example", Some("a.example")),
            ("\"a@b\"@siroe.com", Some("siroe.com")),
            ("user@siroe.com.", Some("siroe.com")),
            ("adam", None),
            ("user@", None),
            ("", None),
        ] {
            let domain = destination(address.as_bytes()).map(String::from_utf8_lossy);
            assert_eq!(domain.as_deref(), expected, "{address}");
        }
    }

    #[test]
    fn tokens_end_at_blanks_outside_quotes() {
        for (text, expected) in [
            ("adam@sesta.com rest", 14),
            ("adam", 4),
            ("\"a b\"@c rest", 7),
            ("\"a \\\" b\"@c rest", 10),
            ("\"open rest", 5),
            ("rfc822;\"a b\"@c x", 14),
            ("\"a\\", 3),
            ("", 0),
        ] {
            assert_eq!(token_end(text.as_bytes(), 0), expected, "{text}");
        }
    }
}
