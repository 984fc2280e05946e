//! Realistic entries for every class, and pairs that are easily taken for each other.

use super::codes::{ANY, CODES};
use super::derived::DERIVED;
use super::families::FAMILIES;
use super::stretch::MOST_CLASSES;
use super::vocabulary::VOCABULARY;
use super::{Action, Basis, Failure, Reason, classify, evidence};

mod pairs;

use pairs::PAIRS;

/// Class, action letter, diagnostic.
const TEXTS: &[(Reason, char, &str)] = &[
    (
        Reason::HostSkipped,
        'Q',
        "Too many failures to this host during this run; skipping this host: Dead (unresponsive) host",
    ),
    (Reason::HostSkipped, 'Q', "Too many failures to this host during this run; skipping this host"),
    (
        Reason::HostSkipped,
        'Q',
        "Too many failures to this host during this run; skipping this host: TCP active open: Failed connect() \
         Error: connection timed out",
    ),
    (Reason::RelayDenied, 'J', "550 5.7.1 Relaying not permitted: alan@very.bogus.com"),
    (Reason::RelayDenied, 'R', "smtp;554 5.7.1 <a@b.example>: Relay access denied"),
    (Reason::RelayDenied, 'R', "smtp;550 5.7.1 Unable to relay for a@b.example"),
    (
        Reason::RelayDenied,
        'R',
        "smtp;550-5.7.1 <a@b.example>... Relaying denied. Proper authentication required.",
    ),
    (Reason::AuthFailed, 'J', "535 5.7.8 Bad username or password (Authentication failed)."),
    (Reason::AuthFailed, 'R', "smtp;530 5.7.0 Authentication required"),
    (Reason::AuthFailed, 'Q', "smtp;535 5.7.3 Authentication unsuccessful"),
    (Reason::AuthFailed, 'J', "538 5.7.11 not like this"),
    (Reason::Tls, 'Q', "454 4.7.1 TLS library initialization failure"),
    (Reason::Tls, 'Q', "smtp;454 4.7.0 TLS not available due to temporary reason"),
    (Reason::Tls, 'R', "smtp;550 5.7.5 certificate has expired"),
    (Reason::Tls, 'Q', "smtp;451 4.7.5 SSL handshake failed"),
    (Reason::Tls, 'Q', "smtp;454 4.7.0 not now"),
    (Reason::OverQuota, 'R', "smtp;522 5.2.0 Delivery failed: Over quota"),
    (Reason::OverQuota, 'R', "smtp;550 5.2.2 <x@example.com>... Mailbox Full"),
    (Reason::OverQuota, 'R', "4.2.2 Over quota"),
    (Reason::OverQuota, 'Q', "smtp;422 4.2.2 <x@example.com>"),
    (Reason::OverQuota, 'R', "smtp;552 Requested mail action aborted: exceeded storage allocation"),
    (Reason::MailboxBusy, 'Q', "Mailbox is busy"),
    (Reason::MailboxBusy, 'Q', "smtp;420 4.2.0 mailbox locked"),
    (Reason::MailboxBusy, 'Q', "smtp;420 4.2.0 mailbox has a bad format"),
    (Reason::MailboxBusy, 'Q', "message store is not enabled!"),
    (Reason::DnsNoSuchDomain, 'R', "Illegal host/domain name found"),
    (Reason::DnsNoSuchDomain, 'R', "5.1.10 host/domain does not accept mail"),
    (
        Reason::DnsNoSuchDomain,
        'R',
        "smtp;550 5.1.2 <a@b.example>... Host unknown (Name server: b.example: host not found)",
    ),
    (Reason::DnsNoSuchDomain, 'R', "5.4.4 (unable to route)"),
    (Reason::DnsTemporary, 'Q', "smtp;451 4.4.3 temporary"),
    (Reason::DnsTemporary, 'Q', "TCP active open: Failed gethostbyname() Error: try again"),
    (Reason::DnsTemporary, 'Q', "Temporary error returned by name server"),
    (Reason::DnsTemporary, 'Q', "Error in DNS lookup"),
    (Reason::DnsTemporary, 'Q', "Temporary error from name server; cannot resolve host"),
    (Reason::DnsTemporary, 'Q', "cannot resolve host"),
    (Reason::DnsTemporary, 'Q', "could not resolve mx.example.net"),
    (Reason::DnsTemporary, 'Q', "Host name could not be resolved: name server did not answer"),
    (Reason::DnsTemporary, 'Q', "No answer from any name server"),
    (Reason::DnsTemporary, 'Q', "unable to resolve host: temporary failure in name resolution"),
    (Reason::DnsTemporary, 'Q', "smtp;450 4.1.8 cannot resolve the domain"),
    (Reason::NoRoute, 'Q', "TCP active open: Failed connect()    Error: no route to host"),
    (Reason::NoRoute, 'Q', "TCP active open: Failed connect() Error: Network is unreachable"),
    (Reason::NoRoute, 'Y', "TCP active open: Failed connect() Error: Host is down"),
    (Reason::ConnRefused, 'Q', "TCP active open: Failed connect() Error: connection refused"),
    (Reason::ConnRefused, 'Y', "TCP active open: Failed connect()    Error: Connection refused"),
    (Reason::ConnRefused, 'Q', "os_smtp_open: Connection refused"),
    (Reason::ConnTimeout, 'Q', "TCP active open: Failed connect() Error: connection timed out"),
    (Reason::ConnTimeout, 'Q', "os_smtp_read: Timeout reading SMTP reply"),
    (Reason::ConnTimeout, 'Q', "smtp;421 4.4.2 mx.example.net Error: timeout exceeded"),
    (Reason::ConnLost, 'J', "data/big_smtp_read Error reading SMTP packet"),
    (Reason::ConnLost, 'Q', "os_smtp_write: Broken pipe"),
    (Reason::ConnLost, 'Q', "os_smtp_read: Connection reset by peer"),
    (Reason::ConnLost, 'Q', "4.4.2 see you"),
    (Reason::Remote4xx, 'Q', "smtp;421 4.4.2 see you"),
    (Reason::ConnOther, 'Q', "Fatal error from smtp_open"),
    (Reason::ConnOther, 'Q', "Dead (unresponsive) host"),
    (Reason::ConnOther, 'Y', "TCP active open: Failed connect() Error: Permission denied"),
    (Reason::ConnOther, 'Q', "4.4.1 no answer"),
    (Reason::Greylisted, 'J', "4.4.3 Please try again later"),
    (
        Reason::Greylisted,
        'Q',
        "smtp;450 4.2.0 <a@b.example>: Recipient address rejected: Greylisted, see the help",
    ),
    (Reason::Greylisted, 'Q', "smtp;451 4.7.1 Greylisting in action, please come back in 00:05:00"),
    (Reason::Greylisted, 'Q', "smtp;421 4.7.0 Try again later, closing connection."),
    (Reason::UserUnknown, 'J', "unknown or illegal alias: x@example.com"),
    (Reason::UserUnknown, 'R', "smtp; 553 unknown or illegal user: nonesuch@siroe.com"),
    (Reason::UserUnknown, 'R', "smtp;550 5.1.1 <a@b.example>... User Unknown"),
    (Reason::UserUnknown, 'R', "smtp;550 : User unknown"),
    (Reason::UserUnknown, 'R', "smtp;550-5.1.1 The email account that you tried to reach does not exist."),
    (Reason::AccountDisabled, 'R', "smtp;550 5.2.1 disabled"),
    (
        Reason::AccountDisabled,
        'R',
        "smtp;550 5.1.1 <a@b.example>: Recipient address rejected: account suspended",
    ),
    (Reason::AccountDisabled, 'J', "525 5.7.13 user disabled; cannot receive new mail: a@b.example"),
    (Reason::RateLimited, 'R', "smtp;550 5.4.5 Daily user sending quota exceeded"),
    (Reason::RateLimited, 'Q', "smtp;421 4.7.0 too many connections from your host"),
    (Reason::RateLimited, 'J', "452 4.5.3 Too many recipients specified"),
    (Reason::SenderRejected, 'R', "smtp;501 5.1.8 sender"),
    (Reason::SenderRejected, 'R', "Server rejected MAIL FROM address"),
    (Reason::SenderRejected, 'J', "550 5.1.8 invalid/host-not-in-DNS return address not allowed"),
    (Reason::SenderRejected, 'R', "smtp;553 <a@b.example>: Sender address rejected: not owned by user"),
    (Reason::Policy, 'R', "smtp;554 5.7.1 message refused"),
    (Reason::Policy, 'J', "4.2.1 Host temporarily blocked"),
    (Reason::Policy, 'R', "smtp;550 This message looks like spam"),
    (
        Reason::Policy,
        'R',
        "smtp;552-5.7.0 This message was blocked because its content presents a security issue.",
    ),
    (Reason::Expired, 'R', "unable to deliver this message after 1 day"),
    (Reason::Expired, 'R', "4.4.7 (delivery time expired)"),
    (Reason::Expired, 'K', "5.4.7 unable to deliver this message after 4 days"),
    (Reason::Size, 'R', "smtp;552 5.3.4 Message size exceeds fixed maximum message size"),
    (Reason::Size, 'R', "smtp;500 message too big"),
    (Reason::Size, 'J', "552 too much"),
    (Reason::Size, 'R', "smtp;550 5.2.3 longer than allowed"),
    (Reason::Loop, 'R', "smtp;554 5.4.6 Too many hops"),
    (Reason::Loop, 'R', "smtp;554 5.0.0 mail loops back to me"),
    (Reason::Loop, 'R', "smtp;554 5.4.14 Hop count exceeded - possible mail loop"),
    (Reason::Loop, 'J', "554 5.4.6 you again"),
    (Reason::Remote4xx, 'Q', "smtp;450 busy now"),
    (Reason::Remote4xx, 'Q', "smtp;452 4.3.1 Insufficient system storage"),
    (Reason::Remote4xx, 'Q', "smtp;421 4.3.2 Service not available"),
    (Reason::MailboxBusy, 'Q', "smtp;450 4.2.0 Requested action not taken: mailbox unavailable"),
    (Reason::Remote5xx, 'R', "smtp;554 no"),
    (Reason::Remote5xx, 'R', "smtp;550 5.3.0 odd"),
    (Reason::Remote5xx, 'R', "Remote SMTP server has rejected address"),
    (Reason::Remote5xx, 'R', "SMTP transmission failure has occurred"),
    (Reason::Local4xx, 'J', "452 4.3.1 no space"),
    (Reason::Local4xx, 'J', "452 4.7.1 Filter syntax error"),
    (Reason::Local4xx, 'X', "400 can't connect now"),
    (Reason::Local4xx, 'J', "4.7.1 Filter syntax error: a@b.example"),
    (Reason::Local5xx, 'X', "500 can't connect now"),
    (Reason::Local5xx, 'J', "550 no"),
    (Reason::Local5xx, 'J', "553 5.1.3 not an address"),
    (Reason::None, 'Q', ""),
    (Reason::None, 'Q', "dns;mx.example.net"),
    (Reason::None, 'Q', "dns;mx.example.net (TCP|192.0.2.1|1|192.0.2.2|25) (mx.example.net ESMTP timeout)"),
    (Reason::Other, 'Q', "something new"),
    (Reason::Other, 'R', "smtp;250 2.1.5 ok"),
    (Reason::Other, 'Q', "5501 messages"),
];

fn action(letter: u8) -> Action {
    Action::of(letter).expect("a letter")
}

#[track_caller]
fn check(expected: Reason, letter: u8, diagnostic: &str, reason_text: &str) {
    let failure = Failure {
        action: action(letter),
        diagnostic: diagnostic.as_bytes(),
        reason_text: reason_text.as_bytes(),
        channel: b"",
    };
    let found = failure.classify();
    let weighed = evidence::of(&failure, &found);
    let letter = char::from(letter);
    assert_eq!(found.reason, expected, "{letter}: {diagnostic} | {reason_text}: {weighed:?}");
    let shown = weighed.decided.is_some();
    assert_eq!(
        shown,
        !matches!(found.basis, Basis::Silence | Basis::Class),
        "{diagnostic}: {:?}",
        found.basis
    );
}

#[track_caller]
fn check_all(rows: &[(Reason, char, &str)]) {
    for &(expected, letter, diagnostic) in rows {
        check(expected, u8::try_from(letter).expect("a letter"), diagnostic, "");
    }
}

#[test]
fn every_class_has_realistic_texts() {
    check_all(TEXTS);
    for &reason in Reason::ALL {
        let rows = TEXTS.iter().filter(|row| row.0 == reason).count();
        assert!(rows >= 3, "{} has {rows} rows", reason.label());
    }
}

#[test]
fn confusing_pairs() {
    check_all(PAIRS);
}

/// A row's own text, on an entry that fits it.
fn decides(text: &str) -> Basis {
    let letter = if text.starts_with("smtp;4") || text.starts_with('4') { b'Q' } else { b'R' };
    let letters = [letter, b'Q', b'R', b'J'];
    let bases = letters.map(|letter| classify(action(letter), text.as_bytes(), b"").basis);
    let told = |basis: &&Basis| !matches!(basis, Basis::Class);
    *bases.iter().find(told).unwrap_or(&bases[0])
}

fn words_of(basis: Basis) -> Basis {
    if let Basis::OurWords(row) = basis { Basis::Words(row) } else { basis }
}

#[test]
fn every_row_decides_its_text() {
    let wrong: Vec<String> = FAMILIES
        .iter()
        .enumerate()
        .map(|(row, family)| (family.text, Basis::Words(row), words_of(decides(family.text))))
        .chain(
            CODES.iter().enumerate().map(|(row, codes)| (codes.text, Basis::Codes(row), decides(codes.text))),
        )
        .filter(|(_, expected, found)| expected != found)
        .map(|(text, expected, found)| format!("{text}: {found:?}, not {expected:?}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_reason_field_counts() {
    check(Reason::DnsNoSuchDomain, b'R', "", "Illegal host/domain name found");
    check(Reason::OverQuota, b'R', "smtp;550 no", "Over quota");
    check(
        Reason::Remote5xx,
        b'R',
        "dns;mx.example.net smtp;550 no",
        "Remote SMTP server has rejected address",
    );
    check(Reason::Expired, b'R', "smtp;451 4.7.1 Greylisted", "unable to deliver this message after 1 day");
}

#[test]
fn codes_of_lmtp_count_where_lmtp_speaks() {
    let lmtp = "dns;ims.example.net (TCP|192.0.2.1|4711|203.0.113.9|225) (ims.example.net -- Server LMTP) ";
    let smtp = "dns;mx.example.net (TCP|192.0.2.1|4711|203.0.113.9|25) (mx.example.net ESMTP) ";
    for (expected, channel, head, reply) in [
        (Reason::OverQuota, "tcp_local", lmtp, "smtp;422 odd"),
        (Reason::OverQuota, "tcp_lmtpcs", smtp, "smtp;422 odd"),
        (Reason::MailboxBusy, "tcp_lmtpcs", "", "smtp;420 odd"),
        (Reason::OverQuota, "ims-ms", "", "522 odd"),
        (Reason::Remote4xx, "tcp_local", smtp, "smtp;422 License Expired"),
        (Reason::Remote4xx, "tcp_local", smtp, "smtp;420 odd"),
        (Reason::Remote5xx, "tcp_local", smtp, "smtp;522 odd"),
    ] {
        let diagnostic = format!("{head}{reply}");
        let letter = if expected == Reason::Remote5xx { b'R' } else { b'Q' };
        let channel = channel.as_bytes();
        let failure =
            Failure { action: action(letter), diagnostic: diagnostic.as_bytes(), reason_text: b"", channel };
        assert_eq!(failure.classify().reason, expected, "{diagnostic}");
    }
}

#[test]
fn hostile_texts_cost_no_more_than_long_ones() {
    for part in
        ["a.", "a@", "<", "550 ", "(550 ", "User", "uSeR", "spam.example.com ", "not ", "[5.7.", "://"]
    {
        let text = format!("smtp;550 {}", part.repeat(1_000_000 / part.len()));
        let failure = Failure {
            action: action(b'R'),
            diagnostic: text.as_bytes(),
            reason_text: text.as_bytes(),
            channel: b"",
        };
        std::hint::black_box((0..20).map(|_| failure.classify().reason).collect::<Vec<_>>());
    }
}

#[test]
fn only_failures_have_a_reason() {
    let mut message = crate::record::Message { diagnostic: b"smtp;550 5.1.1 no", ..Default::default() };
    for letter in b'A'..=b'Z' {
        message.code.action = action(letter);
        assert_eq!(super::of_message(&message).is_some(), b"JKQRZ".contains(&letter), "{letter}");
    }
}

#[test]
fn a_text_without_end_is_looked_at_in_part() {
    // Each would look at the whole word, if neither names nor texts had a greatest length.
    for (word, expected) in [("spam ", Reason::Policy), ("spam@", Reason::Remote5xx)] {
        let text = format!("smtp;554 {}example.com", word.repeat(200_000));
        assert_eq!(classify(action(b'R'), text.as_bytes(), b"").reason, expected);
    }
}

#[test]
fn the_tables_are_sound() {
    for family in FAMILIES {
        assert!((1..=MOST_CLASSES).contains(&family.words.len()), "{}", family.text);
        let single = family.words.len() == 1;
        assert_eq!(family.within == 0, single, "a stretch of one word has no length: {}", family.text);
    }
    for row in CODES {
        assert!(row.replies.len() + row.statuses.len() > 0, "a row without a key");
        assert!(row.statuses.iter().all(|status| status.0 != 2 && (status.0 == ANY || status.0 < 6)));
    }
    let used = FAMILIES.iter().flat_map(|family| family.words).fold(0, |all, classes| all | classes)
        | DERIVED.iter().fold(0, |all, row| all | row.before | row.behind)
        | FAMILIES.iter().fold(0, |all, family| all | family.without);
    for &(class, name, text) in VOCABULARY {
        assert!(used & class != 0 || ["SAID", "FILLER"].contains(&name), "{name} is in no family");
        assert!(text == text.to_lowercase(), "{name}: lower case");
        let marked = |byte: u8| byte != b' ' && byte != b'/' && !byte.is_ascii_alphanumeric() && byte < 0x80;
        assert!(!text.bytes().any(marked), "{name}: a word has no marks in it");
    }
    let mut labels: Vec<_> = Reason::ALL.iter().map(|reason| reason.label()).collect();
    labels.sort_unstable();
    labels.dedup();
    assert_eq!(labels.len(), Reason::ALL.len());
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_classified_and_rows_show_their_match(
        diagnostic in r"(dns;[a-z.]{1,9} |\(TCP\|a\) |smtp;[245]50 ?|[45]\.[1-7]\.[0-9] |tls|spam|try again later|[<>@.:; ()]|\PC){0,12}",
        reason: Vec<u8>,
        letter in b'A'..=b'Z',
    ) {
        let failure = Failure { action: action(letter), diagnostic: diagnostic.as_bytes(), reason_text: &reason, channel: b"" };
        let found = failure.classify();
        let shown = evidence::of(&failure, &found).decided.is_some();
        proptest::prop_assert_eq!(shown, !matches!(found.basis, Basis::Silence | Basis::Class));
    }
}
