//! Lines that are more than one: entries that were cut, with whole ones glued behind, and blocks of NUL bytes.

use proptest::prelude::*;

use crate::record::{Dialect, Line, RawLine, Reader, option::OptionSet};

const MOST: usize = 64 << 10;

/// What a line is read as: for each piece its length and what it is, an entry by code, channel and recipient.
fn pieces_by(reader: &mut Reader, line: &[u8], bytes: usize) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let raw = RawLine { bytes, ..RawLine::whole(line) };
    reader.pieces(&raw, MOST, |piece, bytes, entry| {
        assert!(bytes >= piece.len() && bytes - piece.len() <= raw.bytes - line.len());
        found.push((bytes, said(entry)));
    });
    assert_eq!(found.iter().map(|(bytes, _)| bytes).sum::<usize>(), bytes, "{}", line.escape_ascii());
    found
}

fn said(entry: &Line<'_>) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match entry {
        Line::Message(message) => {
            format!("{} {} {}", message.code.action.letter(), text(message.source_channel), text(message.to))
        }
        Line::Connection(entry) => format!("{} {}", entry.code.action.letter(), text(entry.channel)),
        Line::Skipped(reason) => reason.label().to_owned(),
        Line::Unparsed(reason) => reason.label().to_owned(),
    }
}

fn pieces(line: &[u8]) -> Vec<String> {
    pieces_by(&mut Reader::default(), line, line.len() + 1).into_iter().map(|(_, said)| said).collect()
}

/// Entries of all formats and kinds, whole, each with what it is read as.
const ENTRIES: [(&str, &str); 15] = [
    (
        "20-Feb-2024 14:17:08.24 tcp_local    ims-ms       EE 4 a@example.com rfc822;u@example.net u@ims-ms-daemon",
        "E tcp_local u@ims-ms-daemon",
    ),
    (
        "20-Feb-2024 14:17:09.24 tcp_local                 Q 4 b@example.com rfc822;v@example.net v@example.net smtp;450 4.2.1 slow",
        "Q tcp_local v@example.net",
    ),
    (
        "20-FEB-2024 14:17:09 mta1 2e2d.2.1 tcp_intranet_of_us l E 1  rfc822;adam@sesta.com adam 276 /imta/queue/l/ZZ01IW_FY9-ELG.00 <01IWF@siroe.com> mailsrv siroe.com (siroe.com [192.160.253.66])",
        "E tcp_intranet_of_us adam",
    ),
    (
        "20-Feb-2024 14:17:09.24 ims-ms                    D 5 <> rfc822;p@example.net s@ims-ms-daemon mailsrv",
        "D ims-ms s@ims-ms-daemon",
    ),
    (
        "20-Feb-2024 14:17:09.24 tcp_local                 R 5 a@b rfc822;p@d.example p@d.example /q/queue/tcp_local/ZZf0a1b2c.00 <1@b> mailsrv dns;mx.d.example (TCP|192.0.2.1|4711|203.0.113.9|25) (mx ESMTP) smtp;550 5.1.1 unknown: 20-Feb-2024 14:17",
        "R tcp_local p@d.example",
    ),
    (
        "20-Feb-2024 14:17:09.24 tcp_local    ims-ms       EE 4 13:a@example.com 20:rfc822;u@example.net 15:u@ims-ms-daemon 6:<1@ex>",
        "E tcp_local u@ims-ms-daemon",
    ),
    (
        "20-Feb-2024 14:17:09.24 tcp_local    +            O TCP|192.0.2.1|25|203.0.113.9|4299 SMTP",
        "O tcp_local",
    ),
    (
        "20-Feb-2024 14:17:09.24 tcp_local    -            C TCP|192.0.2.1|25|203.0.113.9|4299 SMTP/a.example/mx.example quit",
        "C tcp_local",
    ),
    (
        r#"<en ts="2024-02-20T14:17:08.24" sc="tcp_local" dc="ims-ms" ac="EE" sz="4" so="a@example.com" od="rfc822;u@example.net" de="u@ims-ms-daemon"/>"#,
        "E tcp_local u@ims-ms-daemon",
    ),
    (
        r#"<en ts="2024-02-20T14:17:08.24" no="mta1" pi="2e2d.2.1" sc="ims-ms" dc="" ac="D" sz="4" so="" od="rfc822;u@example.net" de="u@ims-ms-daemon" mi="&lt;1@b&gt;" di="a 'b' <c>"/>"#,
        "D ims-ms u@ims-ms-daemon",
    ),
    (
        r#"<co ts="2024-02-20T14:17:08.24" sc="tcp_local" dr="+" ac="O" tr="TCP|192.0.2.1|25|203.0.113.9|4299" ap="SMTP"/>"#,
        "O tcp_local",
    ),
    (
        r#"{"en":{"ts":"2024-02-20T14:17:08.24","sc":"tcp_local","dc":"ims-ms","ac":"EE","sz":4,"so":"a@example.com","od":"rfc822;u@example.net","de":"u@ims-ms-daemon"}}"#,
        "E tcp_local u@ims-ms-daemon",
    ),
    (
        r#"{"ts":"2024-02-20T14:17:08.24","sc":"ims-ms","ac":"D","sz":4,"so":"","od":"rfc822;u@example.net","de":"u@ims-ms-daemon","di":"\"x\" {1}"}"#,
        "D ims-ms u@ims-ms-daemon",
    ),
    (
        r#"{"co":{"ts":"2024-02-20T14:17:08.24","sc":"tcp_local","dr":"-","ac":"C","tr":"TCP|192.0.2.1|25|203.0.113.9|4299"}}"#,
        "C tcp_local",
    ),
    (
        "Feb 20 14:17:08 mta1 imta: 20-Feb-2024 14:17:09.24 l            ims-ms       E 4 a@b rfc822;u@c u@c",
        "E l u@c",
    ),
];

/// Options that fit entries of the table, so that these are read by position.
fn readers() -> Vec<Reader> {
    let sets: [&[&str]; 5] = [
        &["log_diagnostics"],
        &["log_username", "log_diagnostics"],
        &["log_filename", "log_message_id", "log_username", "log_diagnostics"],
        &[
            "log_node",
            "log_process",
            "log_notary",
            "log_filename",
            "log_message_id",
            "log_username",
            "log_connection",
        ],
        &["log_username", "log_queue_time", "log_diagnostics"],
    ];
    let set = |names: &[&str]| {
        let options = names.iter().filter_map(|name| crate::record::option::parse(name));
        options.fold(OptionSet::default(), OptionSet::and)
    };
    let learned = sets.iter().map(|names| {
        let mut reader = Reader::default();
        reader.learn(Some(set(names)));
        reader
    });
    let pinned =
        sets.iter().map(|names| Reader::new(Dialect { options: Some(set(names)), ..Dialect::default() }));
    std::iter::once(Reader::default()).chain(learned).chain(pinned).collect()
}

#[test]
fn whole_entries_are_one_piece() {
    for (entry, expected) in ENTRIES {
        assert_eq!(pieces(entry.as_bytes()), [expected], "{entry}");
        for reader in &mut readers() {
            assert_eq!(pieces_by(reader, entry.as_bytes(), entry.len()).len(), 1, "{entry}");
        }
    }
}

/// Wherever an entry is cut, the whole one behind it is read, and the piece is seen.
#[test]
fn an_entry_behind_a_cut_one() {
    let (mut missed, mut readers) = (Vec::new(), readers());
    let count = readers.len();
    for (front, _) in ENTRIES {
        for (back, expected) in &ENTRIES[..14] {
            for cut in 1..front.len() {
                let line = format!("{}{back}", &front[..cut]);
                let reader = &mut readers[(cut + back.len()) % count];
                let found = pieces_by(reader, line.as_bytes(), line.len());
                let last = found.last().map(|(_, said)| said.as_str());
                // What is not even a time stamp is read as a prefix is.
                let short = cut <= "20-Feb-2024 14:17:08.24 ".len() || front.starts_with("Feb") && cut < 52;
                // A text may quote an entry.
                let quoted = front[..cut].ends_with([' ', '(', '[', '<'])
                    && [" smtp;", " dns;", " SMTP/"].iter().any(|text| front[..cut].contains(text));
                if (last != Some(*expected) || found.len() < 2 && !short) && !quoted {
                    missed.push(format!("{found:?}: {line}"));
                }
            }
        }
    }
    let all = ENTRIES.iter().map(|(front, _)| front.len()).sum::<usize>() * 14;
    assert!(missed.is_empty(), "{} of {all}:\n{}", missed.len(), missed[..missed.len().min(60)].join("\n"));
}

/// Quoted dates and times, and what looks like the columns behind them, cut nothing where the entry is whole.
#[test]
fn dates_in_texts_ids_and_addresses_cut_nothing() {
    let quotes = [
        "20-Feb-2024 14:17:09",
        "20-Feb-2024 14:17:09.24",
        "since 20-Feb-2024 14:17:09 tcp_local",
        "(20-Feb-2024 14:17:09.24 tcp_local Q 4)",
        "at=20-Feb-2024 14:17:09.24 tcp_local                 Q 4 b@example.com",
        "log 20-Feb-2024 14:17:09.24 tcp_local                 Q 4 b@example.com rfc822;v@example.net v@example.net",
        "\"20-Feb-2024 14:17:09.24 tcp_local                 Q 4 b@example.com rfc822;v@example.net v@example.net\"",
        "x20-Feb-2024 14:17:09.24 and tcp_local Q 4 b@example.com rfc822;v@example.net v@example.net",
        "x20-Feb-2024 14:17:09.24 tcp_local Q size rfc822;v@example.net",
        "a <en ts=\"x\"/>",
        "a {\"en\":1}",
        "<en ts=\"2024-02-20T14:17:08.24\" sc=\"l\" ac=\"D\"/>",
    ];
    for quote in quotes {
        for entry in [
            format!(
                "20-Feb-2024 14:17:08.24 tcp_local                 Q 4 a@b rfc822;u@c u@c smtp;450 4.2.1 {quote}"
            ),
            format!(
                "20-Feb-2024 14:17:08.24 tcp_local                 R 4 a@b rfc822;u@c u@c mailsrv dns;c smtp;550 {quote} so"
            ),
            format!(
                "20-Feb-2024 14:17:08.24 tcp_local                 J 0 a@b rfc822;u@c u@c mailsrv c (c [192.0.2.1]) 550 5.7.1 no: {quote}"
            ),
            format!(
                "20-Feb-2024 14:17:08.24 tcp_local                 B 0  {quote} 500 5.5.1 Unknown command"
            ),
            format!(
                "20-Feb-2024 14:17:08.24 tcp_local    +            X TCP|192.0.2.1|25|203.0.113.9|4299 SMTP 500 no: {quote}"
            ),
        ] {
            let said = pieces(entry.as_bytes());
            assert!(said.len() == 1 && said[0].as_bytes()[1] == b' ', "{said:?}: {entry}");
            for reader in &mut readers() {
                assert_eq!(pieces_by(reader, entry.as_bytes(), entry.len()).len(), 1, "{entry}");
            }
        }
    }
    for (entry, expected) in [
        (
            "20-Feb-2024 14:17:08.24 l            l            E 1 20-Feb-2024@b rfc822;x-20-Feb-2024@c 20-Feb-2024@c <20-Feb-2024@b>",
            "E l 20-Feb-2024@c",
        ),
        (
            "20-Feb-2024 14:17:08.24 l            l            E 1 \"20-Feb-2024 14:17:09\"@b rfc822;\"x 20-Feb-2024 14:17:09.24 l D 1\"@c \"20-Feb-2024 14:17:09.24\"@c",
            "E l \"20-Feb-2024 14:17:09.24\"@c",
        ),
        (
            "20-Feb-2024 14:17:08.24 l            l            E 1 a@b rfc822;a-2024 14:17@c <1@b-2024>",
            "E l 14:17@c",
        ),
        (
            "20-Feb-2024 14:17:08.24 l                         D 1 a@b rfc822;c@d-2024 c@d-2024 14:17 smtp;250 ok",
            "D l c@d-2024",
        ),
        (
            "20-Feb-2024 14:17:08.24 > Subject: x20-Feb-2024 14:17:09.24 l            l            E 1 a@b rfc822;c@d c@d",
            "header",
        ),
    ] {
        assert_eq!(pieces(entry.as_bytes()), [expected], "{entry}");
    }
    // Values of XML and JSON hold no quotes that are not escaped.
    for entry in [
        r#"<en sc="l" ts="2024-02-20T14:17:08.24" ac="D" de="c@d" di="20-Feb-2024 14:17:09.24 l D 1 a@b rfc822;c@d c@d"/>"#,
        r#"<en ts="2024-02-20T14:17:08.24" zz="new" sc="l" ac="D" de="c@d" di="<en ts=&quot;2024-02-20T14:17:08.24&quot;/>"/>"#,
        r#"{"en":{"ts":"2024-02-20T14:17:08.24","sc":"l","ac":"D","de":"c@d","di":"x20-Feb-2024 14:17:09.24 l D 1 a@b rfc822;c@d c@d {\"en\":{}}"}}"#,
    ] {
        assert_eq!(pieces(entry.as_bytes()), ["D l c@d"], "{entry}");
    }
}

/// Several entries in one line, and pieces that nothing whole follows.
#[test]
fn more_than_two_pieces() {
    let [text, q, _, d, _, _, connection, _, xml, _, _, json, flat, _, prefixed] =
        ENTRIES.map(|(entry, _)| entry);
    for (line, expected) in [
        (format!("{xml}{xml}"), &["E tcp_local u@ims-ms-daemon", "E tcp_local u@ims-ms-daemon"][..]),
        (
            format!("{json}{flat}{xml}"),
            &["E tcp_local u@ims-ms-daemon", "D ims-ms u@ims-ms-daemon", "E tcp_local u@ims-ms-daemon"],
        ),
        (format!("{xml}{text}"), &["E tcp_local u@ims-ms-daemon", "E tcp_local u@ims-ms-daemon"]),
        (format!("{}{}{q}", &text[..90], &d[..70]), &["torn", "Q tcp_local v@example.net"]),
        (format!("{}{d}{q}", &text[..60]), &["torn", "torn", "Q tcp_local v@example.net"]),
        (format!("{text}{q}"), &["torn", "Q tcp_local v@example.net"]),
        (format!("{}{}", &text[..90], &prefixed), &["torn", "E l u@c"]),
        (
            format!("{}<22>1 2024-02-20T14:17:08Z mta1 imta 1 - - {q}", &text[..90]),
            &["torn", "Q tcp_local v@example.net"],
        ),
        (format!("{}{connection}", &connection[..70]), &["torn", "O tcp_local"]),
        (format!("{}{}", &text[..90], &q[..50]), &["torn"]),
        (format!("20-Feb-2024 14:17:08 mta1 imta: {text}"), &["E tcp_local u@ims-ms-daemon"]),
        (format!("{json} trailing"), &["malformed_json"]),
        (
            format!("<he ts=\"2024-02-20T14:17:08.24\" va=\"Subject: x{xml}"),
            &["torn", "E tcp_local u@ims-ms-daemon"],
        ),
    ] {
        assert_eq!(pieces(line.as_bytes()), expected, "{line}");
    }
}

/// Blocks of NUL bytes in front of, between, in and behind entries.
#[test]
fn blocks_of_nul_bytes() {
    let [text, q, .., json, _, _, _] = ENTRIES.map(|(entry, _)| entry);
    for nuls in [1, 100, 4096, 70_000] {
        let hole = "\0".repeat(nuls);
        for (line, expected) in [
            (format!("{hole}{text}"), &["nul", "E tcp_local u@ims-ms-daemon"][..]),
            (format!("{hole}{json}"), &["nul", "E tcp_local u@ims-ms-daemon"]),
            (format!("{}{hole}{q}", &text[..90]), &["torn", "nul", "Q tcp_local v@example.net"]),
            (format!("{text}{hole}{q}"), &["torn", "nul", "Q tcp_local v@example.net"]),
            (
                format!("{json}{hole}{q}"),
                &["E tcp_local u@ims-ms-daemon", "nul", "Q tcp_local v@example.net"],
            ),
            (format!("{}{hole}{q}", &json[..80]), &["torn", "nul", "Q tcp_local v@example.net"]),
            (format!("{text}{hole}"), &["E tcp_local u@ims-ms-daemon", "nul"]),
            (hole.clone(), &["nul"]),
            (
                format!("{hole}{text}{hole}{q}{hole}"),
                &["nul", "torn", "nul", "Q tcp_local v@example.net", "nul"],
            ),
            (
                format!("{hole}tail of one{hole}{q}"),
                &["nul", "no_timestamp", "nul", "Q tcp_local v@example.net"],
            ),
            (format!("{hole}{}{q}", &text[..90]), &["nul", "torn", "Q tcp_local v@example.net"]),
            (format!("\x7fELF{hole}x"), &["binary"]),
        ] {
            assert_eq!(pieces(line.as_bytes()), expected, "{nuls}: {}", line.replace('\0', ""));
        }
    }
}

proptest! {
    /// Whatever is glued together: no byte is lost, and the last entry, which is whole, is read.
    #[test]
    fn whole_entries_behind_anything(
        fronts in prop::collection::vec((0..ENTRIES.len(), any::<prop::sample::Index>(), 0_usize..3), 0..6),
        noise: Vec<u8>,
        last in 0..14_usize,
    ) {
        let mut line = Vec::new();
        for (row, cut, nuls) in fronts {
            let front = ENTRIES[row].0.as_bytes();
            line.extend_from_slice(&front[..cut.index(front.len())]);
            line.resize(line.len() + nuls * 3, 0);
        }
        let noise: Vec<u8> = noise.iter().copied().filter(|byte| *byte != b'\n').collect();
        pieces(&[&line[..], &noise].concat());
        line.extend_from_slice(b"\0");
        line.extend_from_slice(ENTRIES[last].0.as_bytes());
        let found = pieces(&line);
        prop_assert_eq!(found.last().map(String::as_str), Some(ENTRIES[last].1), "{:?}: {}", found, line.escape_ascii());
    }
}
