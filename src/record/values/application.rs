//! Application information: `SMTP`, `SMTP/TLS-128-RC4` and, outbound, `SMTP/<initial host>/<host>` with the same behind it
//! (2005Q4 guide, example 21-9; `TLS-<bits>-<cipher>` in logs of real systems). The hosts are chosen by other people, so TLS is
//! told by the last part alone, and by its shape.

labelled! {
    /// How a connection was encrypted when it ended.
    Cipher {
        None = "none": "not encrypted";
        Legacy = "legacy": "RC4, DES, 3DES, MD5, less than 128 bits, no authentication of the host, SSL, TLS before 1.2";
        Modern = "modern": "AES or another cipher of today";
        Unknown = "unknown": "TLS with a cipher that the entry does not name, or that is not known";
    }
}

/// Parts of names of ciphers that are not to be used any more, as [`packed`].
const LEGACY: [u64; 16] = [
    packed(b"RC2"),
    packed(b"RC4"),
    packed(b"DES"),
    packed(b"3DES"),
    packed(b"IDEA"),
    packed(b"SEED"),
    packed(b"MD5"),
    packed(b"NULL"),
    packed(b"EXP"),
    packed(b"EXPORT"),
    packed(b"EXP1024"),
    packed(b"ADH"),
    packed(b"AECDH"),
    packed(b"ANON"),
    packed(b"FORTEZZA"),
    packed(b"NONE"),
];

/// A word of at most eight letters in one number, whatever their case, and 0 for a longer one: every connection with TLS
/// is asked for all of its words.
const fn packed(word: &[u8]) -> u64 {
    if word.len() > 8 {
        return 0;
    }
    let (mut packed, mut at) = (0, 0);
    while at < word.len() {
        packed = packed << 8 | word[at].to_ascii_uppercase() as u64;
        at += 1;
    }
    packed
}

/// What parts of names of the others begin with.
const MODERN: [&str; 4] = ["AES", "CHACHA20", "CAMELLIA", "ARIA"];

/// How the connection was encrypted; `None` where the entry has no application information.
pub fn cipher(application: &[u8]) -> Option<Cipher> {
    if application.is_empty() {
        return None;
    }
    let last = memchr::memrchr(b'/', application).map_or(&b""[..], |slash| &application[slash + 1..]);
    Some(match last.strip_prefix(b"TLS") {
        Some(rest) => of_tls(rest),
        None if last.starts_with(b"SSLv") && !last.contains(&b'.') => Cipher::Legacy,
        None => Cipher::None,
    })
}

/// By what follows `TLS`: a version, the bits of the key, the name of the cipher. All of them may be missing.
fn of_tls(text: &[u8]) -> Cipher {
    let (version, rest) = version(text);
    // What has a dot behind the version, or goes on otherwise, is the name of a host.
    if rest.contains(&b'.') || !matches!(rest.first(), None | Some(b'-' | b'_' | b':')) {
        return Cipher::None;
    }
    let mut parts =
        rest.split(|byte| !byte.is_ascii_alphanumeric()).filter(|part| !part.is_empty()).peekable();
    let bits = parts.peek().and_then(|part| bits(part));
    let mut modern = version == Some(3);
    if matches!(version, Some(0 | 1)) || bits.is_some_and(|bits| bits < 128) {
        return Cipher::Legacy;
    }
    for part in parts {
        if LEGACY.contains(&packed(part)) {
            return Cipher::Legacy;
        }
        modern |= MODERN.iter().any(|name| begins(part, name.as_bytes()));
    }
    if modern {
        Cipher::Modern
    } else if rest.is_empty() || bits.is_some() || version.is_some() {
        Cipher::Unknown
    } else {
        Cipher::None
    }
}

fn begins(part: &[u8], name: &[u8]) -> bool {
    part.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
}

fn bits(part: &[u8]) -> Option<u32> {
    std::str::from_utf8(part).ok()?.parse().ok()
}

/// The minor version of `v1.2` or `1.2`, and what is behind it.
fn version(text: &[u8]) -> (Option<u8>, &[u8]) {
    let number = text.strip_prefix(b"v").unwrap_or(text);
    match number {
        [b'1', b'.' | b'_', minor @ b'0'..=b'9', rest @ ..] => (Some(minor - b'0'), rest),
        [b'1', rest @ ..] if matches!(rest.first(), None | Some(b'-')) => (Some(0), rest),
        _ => (None, text),
    }
}

#[cfg(test)]
mod tests {
    use super::cipher;

    #[test]
    fn ciphers_by_class() {
        for (application, expected) in [
            ("SMTP", "none"),
            ("SMTP/mail.example.com", "none"),
            ("SMTP/d.example/mx.d.example", "none"),
            ("LMTP/store.example", "none"),
            ("SMTP/TLS-128-RC4", "legacy"),
            ("SMTP/d.example/mx.d.example/TLS-192-DES-CBC3-SHA", "legacy"),
            ("SMTP/TLS-56-AES", "legacy"),
            ("SMTP/TLS-0-NULL-SHA256", "legacy"),
            ("SMTP/TLS-128-ADH-AES128-SHA", "legacy"),
            ("SMTP/TLSv1-256-AES256-SHA", "legacy"),
            ("SMTP/TLSv1.1-256-AES256-SHA", "legacy"),
            ("SMTP/SSLv3-256-AES256-SHA", "legacy"),
            ("SMTP/TLS-256-AES256-GCM-SHA384", "modern"),
            ("SMTP/TLS-128-AES-128", "modern"),
            ("SMTP/TLS-256-CHACHA20-POLY1305-SHA256", "modern"),
            ("SMTP/h.example/TLS-128-ECDHE-RSA-AES128-GCM-SHA256", "modern"),
            ("SMTP/TLS_RSA_WITH_AES_128_CBC_SHA", "modern"),
            ("SMTP/TLSv1.3", "modern"),
            ("SMTP/TLSv1.3-256-TLS_AES_256_GCM_SHA384", "modern"),
            ("SMTP/TLSv1.2", "unknown"),
            ("SMTP/TLS", "unknown"),
            ("SMTP/TLS-256-GOST2012", "unknown"),
            // Names of hosts that look like it.
            ("SMTP/TLS-256-AES.example/TLS-256-AES.example", "none"),
            ("SMTP/TLSGATE", "none"),
            ("SMTP/TLS-GW", "none"),
            ("SMTP/TLS-128-RC4/mx.example", "none"),
            ("TLS-128-RC4", "none"),
            ("SMTP/\u{e9}", "none"),
            ("SMTP/TLS-AES\u{e9}", "modern"),
        ] {
            assert_eq!(
                cipher(application.as_bytes()).map(super::Cipher::label),
                Some(expected),
                "{application}"
            );
        }
        assert_eq!(cipher(b""), None);
        assert_eq!(cipher(b"SMTP/TLS-\xff").map(super::Cipher::label), Some("none"));
    }
}
