//! The diagnostic of an entry: `dns;<host> (TCP|…) (<banner>) smtp;<code> [<x.y.z>] <text>` for a
//! reply of another host, `<code> [<x.y.z>] <text>` for our own reply, else a text of the MTA.
//!
//! A banner may hold nested or unbalanced brackets and text that looks like a reply, so the last
//! `smtp;` with a code behind it counts (2005Q4 guide, examples 21-1 to 21-9).

/// An enhanced status code `x.y.z` (RFC 3463).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Status {
    /// 2, 4 or 5.
    pub class: u16,
    /// The second part, at most three digits.
    pub subject: u16,
    /// The third part, at most three digits.
    pub detail: u16,
}

impl std::fmt::Display for Status {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// What a diagnostic says, without the host, transport and banner in front of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Reply<'a> {
    /// Whether another host said it (`smtp;`).
    pub remote: bool,
    /// The three-digit reply code. Codes outside the lists of RFC 5321 occur (LMTP's 420, 422).
    pub code: Option<u16>,
    /// The enhanced status code.
    pub status: Option<Status>,
    /// The text behind the codes.
    pub text: &'a [u8],
}

impl Reply<'_> {
    /// The reply class: 2, 4 or 5, from the code, else from the status.
    pub fn class(&self) -> Option<u16> {
        self.code.map(|code| code / 100).or(self.status.map(|status| status.class))
    }
}

/// Reads a diagnostic; any bytes give a reply.
pub fn parse(diagnostic: &[u8]) -> Reply<'_> {
    if let Some(reply) = last_smtp_reply(diagnostic) {
        return reply;
    }
    let text = behind_host(diagnostic);
    codes(text).unwrap_or_else(|| {
        let (status, text) = status(text).map_or((None, text), |(status, rest)| (Some(status), rest));
        Reply { remote: false, code: None, status, text }
    })
}

fn last_smtp_reply(diagnostic: &[u8]) -> Option<Reply<'_>> {
    let mut end = diagnostic.len();
    while let Some(start) = memchr::memmem::rfind(&diagnostic[..end], b"smtp;") {
        if let Some(reply) = codes(diagnostic[start + 5..].trim_ascii_start()) {
            return Some(Reply { remote: true, ..reply });
        }
        end = start;
    }
    None
}

/// `550 5.1.1 text`, `550-5.1.1 text`, `550`.
fn codes(text: &[u8]) -> Option<Reply<'_>> {
    let [a @ b'2'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] = text else { return None };
    let rest = match rest {
        [] => rest,
        [b' ' | b'-', rest @ ..] => rest,
        _ => return None,
    };
    let digit = |byte: u8| u16::from(byte - b'0');
    let code = digit(*a) * 100 + digit(*b) * 10 + digit(*c);
    let (status, text) = status(rest).map_or((None, rest), |(status, rest)| (Some(status), rest));
    Some(Reply { remote: false, code: Some(code), status, text })
}

fn status(text: &[u8]) -> Option<(Status, &[u8])> {
    let text = text.trim_ascii_start();
    let end = text.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.').unwrap_or(text.len());
    let mut parts = text[..end].split(|&byte| byte == b'.').map(|part| {
        let bounded = (1..=3).contains(&part.len());
        bounded.then(|| part.iter().fold(0, |value, digit| value * 10 + u16::from(digit - b'0')))
    });
    let (class, subject, detail) = (parts.next()??, parts.next()??, parts.next()??);
    let valid = parts.next().is_none() && matches!(class, 2 | 4 | 5);
    valid.then(|| (Status { class, subject, detail }, text[end..].trim_ascii_start()))
}

/// What follows `dns;<host>` and the groups in parentheses behind it; the whole text where it does
/// not start so. An unbalanced group swallows the rest: it is a banner.
fn behind_host(diagnostic: &[u8]) -> &[u8] {
    let Some(rest) = diagnostic.strip_prefix(b"dns;") else { return diagnostic };
    let rest = rest.trim_ascii_start();
    let mut rest = memchr::memchr(b' ', rest).map_or(&[][..], |blank| rest[blank..].trim_ascii_start());
    while rest.first() == Some(&b'(') {
        let mut depth = 0_u32;
        let end = rest.iter().position(|byte| {
            match byte {
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        rest = end.map_or(&[][..], |end| rest[end + 1..].trim_ascii_start());
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[track_caller]
    fn check(diagnostic: &str, expected: &str) {
        let reply = parse(diagnostic.as_bytes());
        let shown = format!(
            "{} {} {} {}",
            if reply.remote { "remote" } else { "local" },
            reply.code.map_or("-".into(), |code| code.to_string()),
            reply.status.map_or("-".into(), |status| status.to_string()),
            String::from_utf8_lossy(reply.text)
        );
        assert_eq!(shown, expected, "{diagnostic}");
    }

    #[test]
    fn replies_of_the_manual() {
        check(
            "dns;thor.siroe.com (TCP|206.184.139.12|2788|192.160.253.66|25) (THOR.SIROE.COM -- Server ESMTP \
             [iMS V5.0 #8694]) smtp;250 2.1.5 marlowe@siroe.com and options OK.",
            "remote 250 2.1.5 marlowe@siroe.com and options OK.",
        );
        check(
            "dns;thor.siroe.com (TCP|206.184.139.12|2788|192.160.253.66|25) (THOR.SIROE.COM -- Server ESMTP \
             [iMS V5.0 #8694]) smtp; 553 unknown or illegal user: nonesuch@siroe.com",
            "remote 553 - unknown or illegal user: nonesuch@siroe.com",
        );
        check(
            "550 5.7.1 Relaying not permitted: alan@very.bogus.com",
            "local 550 5.7.1 Relaying not permitted: alan@very.bogus.com",
        );
        check("Illegal host/domain name found", "local - - Illegal host/domain name found");
    }

    #[test]
    fn banners_are_not_replies() {
        check(
            "dns; mailbox0.d5.example.org (TCP|192.0.2.225|34321|192.0.2.12|25) (x4.d5.example.org -- ESMTP \
             (x4.d5.example.org) smtp;421 4.3.2 later",
            "remote 421 4.3.2 later",
        );
        check("dns;mx.example.net (TCP|a|1|b|25) (smtp;550 fake) smtp;450 busy", "remote 450 - busy");
        check("dns;mx.example.net (TCP|a|1|b|25) (550 banner) lost connection", "local - - lost connection");
        check("dns;mx.example.net (unbalanced (banner) lost connection", "local - - ");
        check("dns;mx.example.net", "local - - ");
    }

    #[test]
    fn codes_and_statuses() {
        check("4.4.3 Please try again later", "local - 4.4.3 Please try again later");
        check("smtp;422 4.2.2 quota", "remote 422 4.2.2 quota");
        check("smtp;550-5.1.1 <x>... User Unknown", "remote 550 5.1.1 <x>... User Unknown");
        check("smtp;550 : User unknown", "remote 550 - : User unknown");
        check("smtp;250", "remote 250 - ");
        check("5501 messages", "local - - 5501 messages");
        check("smtp;550 10.0.0.1 refused", "remote 550 - 10.0.0.1 refused");
        check("smtp;550 5.7.1.9 x", "remote 550 - 5.7.1.9 x");
        check("smtp; nothing", "local - - smtp; nothing");
        check("", "local - - ");
    }
}
