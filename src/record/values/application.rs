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

/// Parts of names of ciphers that are not to be used any more.
const LEGACY: [&str; 16] = [
    "RC2", "RC4", "DES", "3DES", "IDEA", "SEED", "MD5", "NULL", "EXP", "EXPORT", "EXP1024", "ADH", "AECDH",
    "ANON", "FORTEZZA", "NONE",
];

/// What parts of names of the others begin with.
const MODERN: [&str; 4] = ["AES", "CHACHA20", "CAMELLIA", "ARIA"];

/// How the connection was encrypted; `None` where the entry has no application information.
pub fn cipher(application: &[u8]) -> Option<Cipher> {
    if application.is_empty() {
        return None;
    }
    let last = memchr::memrchr(b'/', application).map_or(&b""[..], |slash| &application[slash + 1..]);
    let text = std::str::from_utf8(last).unwrap_or_default();
    Some(match text.strip_prefix("TLS") {
        Some(rest) => of_tls(rest),
        None if text.starts_with("SSLv") && !text.contains('.') => Cipher::Legacy,
        None => Cipher::None,
    })
}

/// By what follows `TLS`: a version, the bits of the key, the name of the cipher. All of them may be missing.
fn of_tls(text: &str) -> Cipher {
    let (version, rest) = version(text);
    // What has a dot behind the version, or goes on otherwise, is the name of a host.
    if rest.contains('.') || !(rest.is_empty() || rest.starts_with(['-', '_', ':'])) {
        return Cipher::None;
    }
    let mut parts =
        rest.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    let bits = parts.clone().next().and_then(|part| part.parse::<u32>().ok());
    let legacy = |part: &str| LEGACY.iter().any(|name| part.eq_ignore_ascii_case(name));
    let modern = |part: &str| {
        MODERN.iter().any(|name| part.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)))
    };
    let old = matches!(version, Some(0 | 1)) || bits.is_some_and(|bits| bits < 128);
    if old || parts.clone().any(legacy) {
        Cipher::Legacy
    } else if version == Some(3) || parts.any(modern) {
        Cipher::Modern
    } else if rest.is_empty() || bits.is_some() || version.is_some() {
        Cipher::Unknown
    } else {
        Cipher::None
    }
}

/// The minor version of `v1.2` or `1.2`, and what is behind it.
fn version(text: &str) -> (Option<u32>, &str) {
    let number = text.strip_prefix('v').unwrap_or(text);
    let Some(rest) = number.strip_prefix('1') else { return (None, text) };
    let minor = rest.strip_prefix(['.', '_']).and_then(|rest| rest.split_at_checked(1));
    match minor.map(|(digit, rest)| (digit.parse(), rest)) {
        Some((Ok(minor), rest)) => (Some(minor), rest),
        _ if rest.is_empty() || rest.starts_with('-') => (Some(0), rest),
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
