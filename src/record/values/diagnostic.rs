//! The diagnostic of an entry: `dns;<host> (TCP|…) (<banner>) smtp;<code> [<x.y.z>] <text>` for a
//! reply of another host, `<code> [<x.y.z>] <text>` for our own reply, else a text of the MTA.
//!
//! A status may stand behind the text instead: `550 sorry, no mailbox here by that name. (#5.1.1)`.
//!
//! A banner may hold nested or unbalanced brackets and text that looks like a reply, so the last
//! `smtp;` with a code behind it counts (2005Q4 guide, examples 21-1 to 21-9).

use crate::record::bytes;

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
    /// What the MTA says in front of the host: the reason text, where a text log has it there.
    pub preface: &'a [u8],
}

impl Reply<'_> {
    /// The reply class: 2, 4 or 5, from the code, else from the status.
    pub fn class(&self) -> Option<u16> {
        self.code.map(|code| code / 100).or(self.status.map(|status| status.class))
    }

    /// Whether nothing is said: no text, no code.
    pub fn is_silent(&self) -> bool {
        self.text.is_empty() && self.preface.is_empty() && self.class().is_none()
    }
}

/// Reads a diagnostic; any bytes give a reply.
pub fn parse(diagnostic: &[u8]) -> Reply<'_> {
    match host_start(diagnostic) {
        Some(start) => {
            let (preface, host) = diagnostic.split_at(start);
            Reply { preface: preface.trim_ascii(), ..behind_host(host) }
        }
        None => match last_smtp_reply(diagnostic, |_| true) {
            Some((start, reply)) => Reply { preface: plain_preface(&diagnostic[..start]), ..reply },
            None => own_reply(diagnostic),
        },
    }
}

/// Where `dns;<host>` starts, or the transport where `LOG_REMOTE_MTA` took the host away. A
/// semicolon in somebody's prose is neither.
fn host_start(diagnostic: &[u8]) -> Option<usize> {
    if diagnostic.starts_with(b"dns;") || diagnostic.starts_with(b"(TCP|") {
        return Some(0);
    }
    for semicolon in memchr::memchr_iter(b';', diagnostic) {
        let (before, behind) = (&diagnostic[..semicolon], &diagnostic[semicolon + 1..]);
        if before.ends_with(b"smtp") && codes(behind.trim_ascii_start()).is_some() {
            return memchr::memmem::find(before, b" (TCP|").map(|blank| blank + 1);
        }
        if before.ends_with(b" dns") {
            let behind = behind.trim_ascii_start();
            let host = memchr::memchr(b' ', behind).unwrap_or(behind.len());
            let follows = &behind[host..];
            if host > 0
                && (follows.is_empty() || follows.starts_with(b" (") || follows.starts_with(b" smtp;"))
            {
                return Some(semicolon - 3);
            }
        }
    }
    None
}

/// Text in front of a reply without a host; with a parenthesis in it, it may be a banner.
fn plain_preface(text: &[u8]) -> &[u8] {
    if memchr::memchr(b'(', text).is_some() { &[] } else { text.trim_ascii() }
}

/// The last `smtp;` with a code behind it, of those whose start is `wanted`.
fn last_smtp_reply(text: &[u8], wanted: impl Fn(usize) -> bool) -> Option<(usize, Reply<'_>)> {
    memchr::memrchr_iter(b';', text).find_map(|semicolon| {
        let start = semicolon.checked_sub(4).filter(|&start| &text[start..semicolon] == b"smtp")?;
        let reply = codes(text[semicolon + 1..].trim_ascii_start())?;
        wanted(start).then_some((start, Reply { remote: true, ..reply }))
    })
}

/// A reply of our own, or a text of the MTA.
fn own_reply(text: &[u8]) -> Reply<'_> {
    codes(text).unwrap_or_else(|| {
        let (status, text) = status(text).map_or((None, text), |(status, rest)| (Some(status), rest));
        Reply { status, text, ..Reply::default() }
    })
}

/// The reply code that a text begins with.
pub fn code(text: &[u8]) -> Option<u16> {
    codes(text)?.code
}

/// The last reply code in a text that something follows: `… *user 535 5.7.8 Bad …`.
pub fn last_code(text: &[u8]) -> Option<u16> {
    last_reply(text)?.code
}

/// The enhanced status behind the [last reply code](last_code).
pub fn last_status(text: &[u8]) -> Option<Status> {
    last_reply(text)?.status
}

fn last_reply(text: &[u8]) -> Option<Reply<'_>> {
    let starts = memchr::memchr_iter(b' ', text).map(|blank| blank + 1);
    starts.rev().find_map(|start| codes(&text[start..]).filter(|_| text[start..].len() > 3))
}

/// `550 5.1.1 text`, `550-5.1.1 text`, `550 #5.1.1 text`, `550`.
fn codes(text: &[u8]) -> Option<Reply<'_>> {
    let [a @ b'2'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] = text else { return None };
    let rest = match rest {
        [] => rest,
        [b' ' | b'-', rest @ ..] => rest,
        _ => return None,
    };
    let digit = |byte: u8| u16::from(byte - b'0');
    let code = digit(*a) * 100 + digit(*b) * 10 + digit(*c);
    let (status, text) = match status(rest) {
        Some((status, text)) => (Some(status), text),
        None => (status_behind(rest, code / 100), rest),
    };
    Some(Reply { code: Some(code), status, text, ..Reply::default() })
}

/// A status behind the text stands in its last bytes.
const STATUS_BEHIND: usize = 64;

/// The status that qmail and others write last: `sorry, no mailbox here by that name. (#5.1.1)`.
fn status_behind(text: &[u8], class: u16) -> Option<Status> {
    if !matches!(class, 4 | 5) || text.len() < "(5.0.0)".len() {
        return None;
    }
    let end = &text[text.len().saturating_sub(STATUS_BEHIND)..];
    let mut opened = memchr::memrchr3_iter(b'(', b'[', b'#', end);
    opened.find_map(|at| {
        status(&end[at + 1..]).map(|(status, _)| status).filter(|status| status.class == class)
    })
}

fn status(text: &[u8]) -> Option<(Status, &[u8])> {
    let text = text.trim_ascii_start();
    let (class, rest) = part(text.strip_prefix(b"#").unwrap_or(text))?;
    let (subject, rest) = part(rest.strip_prefix(b".")?)?;
    let (detail, rest) = part(rest.strip_prefix(b".")?)?;
    let valid = matches!(class, 2 | 4 | 5) && rest.first() != Some(&b'.');
    valid.then(|| (Status { class, subject, detail }, rest.trim_ascii_start()))
}

/// A number of one to three digits, and what is behind it.
fn part(text: &[u8]) -> Option<(u16, &[u8])> {
    let digits = text.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    let (part, rest) = text.split_at(digits);
    let value = part.iter().fold(0, |value, digit| value * 10 + u16::from(digit - b'0'));
    (1..=3).contains(&digits).then_some((value, rest))
}

/// What stands behind the host and the groups in parentheses that follow it. The banner may be
/// unbalanced and swallow what follows: then a `smtp;` right behind a closing parenthesis counts.
fn behind_host(host: &[u8]) -> Reply<'_> {
    let mut rest = host;
    if let Some(name) = host.strip_prefix(b"dns;") {
        let name = name.trim_ascii_start();
        rest = memchr::memchr(b' ', name).map_or(&[][..], |blank| name[blank..].trim_ascii_start());
    }
    while rest.first() == Some(&b'(') {
        rest = group_end(rest).map_or(&[][..], |end| rest[end + 1..].trim_ascii_start());
    }
    let reply = last_smtp_reply(rest, |_| true)
        .or_else(|| last_smtp_reply(host, |start| host[..start].ends_with(b") ")));
    reply.map_or_else(|| own_reply(rest), |(_, reply)| reply)
}

/// The parenthesis that closes the first one.
fn group_end(text: &[u8]) -> Option<usize> {
    let mut depth = 0_u32;
    bytes::places(text, bytes::equal_either::<b'(', b')'>).find(|&at| {
        if text[at] == b'(' {
            depth += 1;
        } else {
            depth -= 1;
        }
        depth == 0
    })
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
        check(
            "dns;mx.example.net (TCP|a|1|b|25) (smtp;550 fake) lost connection",
            "local - - lost connection",
        );
        check(
            "dns;mx.example.net (TCP|a|1|b|25) (x (x) smtp;550 5.1.1 no (see url) :) really",
            "remote 550 5.1.1 no (see url) :) really",
        );
        check("(TCP|a|1|b|25) (mx (timeout) ESMTP) smtp;450 busy", "remote 450 - busy");
    }

    #[track_caller]
    fn check_preface(diagnostic: &str, preface: &str, text: &str) {
        let reply = parse(diagnostic.as_bytes());
        assert_eq!(String::from_utf8_lossy(reply.preface), preface, "{diagnostic}");
        assert_eq!(String::from_utf8_lossy(reply.text), text, "{diagnostic}");
    }

    #[test]
    fn what_the_mta_says_in_front_of_the_host() {
        check_preface(
            "Remote SMTP server has rejected address dns;mx.example.net (TCP|a|1|b|25) (mx ESMTP) smtp;550 no",
            "Remote SMTP server has rejected address",
            "no",
        );
        check_preface(
            "Illegal host/domain name found dns;nowhere.example",
            "Illegal host/domain name found",
            "",
        );
        check_preface(
            "Server rejected MAIL FROM address smtp;501 no",
            "Server rejected MAIL FROM address",
            "no",
        );
        check_preface("mx.example.net (timeout) smtp;501 no", "", "no");
        check_preface("smtp;450 bad dns; try later", "", "bad dns; try later");
        check_preface("450 bad dns; try later", "", "bad dns; try later");
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
        check("smtp;550 #5.1.0 Address rejected", "remote 550 5.1.0 Address rejected");
        check("", "local - - ");
    }

    #[test]
    fn statuses_behind_the_text() {
        check("smtp;550 no mailbox. (#5.1.1)", "remote 550 5.1.1 no mailbox. (#5.1.1)");
        check("smtp;511 no (#5.1.1 - chkuser)", "remote 511 5.1.1 no (#5.1.1 - chkuser)");
        check("smtp;451 later [4.7.1]", "remote 451 4.7.1 later [4.7.1]");
        // The one in front counts, and one of another class is not this reply's.
        check("smtp;550 5.7.1 no (#5.1.1)", "remote 550 5.7.1 no (#5.1.1)");
        check("smtp;550 no (#4.1.1)", "remote 550 - no (#4.1.1)");
        check("smtp;250 yes (#5.1.1)", "remote 250 - yes (#5.1.1)");
        check("smtp;550 version (10.1.1)", "remote 550 - version (10.1.1)");
        check("smtp;550 host [5.1.1.9]", "remote 550 - host [5.1.1.9]");
    }
}
