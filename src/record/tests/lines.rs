//! What stands around entries: headers of syslog; and entries that have no recipient.

use super::describe;
use crate::record::{Line, Reader};

const TEXT: &str = "20-Feb-2024 14:17:08.24 tcp_local    ims-ms       EE 4 a@example.com rfc822;u@example.net u@ims-ms-daemon";
const XML: &str = r#"<en ts="2024-02-20T14:17:08.24" sc="tcp_local" dc="ims-ms" ac="EE" sz="4" so="a@example.com" od="rfc822;u@example.net" de="u@ims-ms-daemon"/>"#;
const JSON: &str = r#"{"en":{"ts":"2024-02-20T14:17:08.24","sc":"tcp_local","dc":"ims-ms","ac":"EE","sz":4,"so":"a@example.com","od":"rfc822;u@example.net","de":"u@ims-ms-daemon"}}"#;
const FLAT: &str = r#"{ "ts":"2024-02-20T14:17:08.24","sc":"tcp_local","dc":"ims-ms","ac":"EE","sz":4,"so":"a@example.com","od":"rfc822;u@example.net","de":"u@ims-ms-daemon"}"#;

/// Headers of RFC 3164 and 5424 as daemons, rsyslog's and syslog-ng's templates write them.
const HEADERS: [&str; 36] = [
    "",
    "<22>",
    "<22>1 2024-02-20T14:17:08.240Z mta1 imta 4711 - - ",
    "<0>1 2024-02-20T14:17:08Z mta1.example.net imta - - - ",
    "<191>1 2024-02-20T14:17:08.240123+01:00 192.0.2.1 imta 4711 ID47 - ",
    "<22>1 2024-02-20T14:17:08.240Z mta1 imta 4711 - - \u{feff}",
    "<22>1 2024-02-20T14:17:08-03:30 2001:db8::25 imta 4711 - - ",
    "<22>1 2024-02-20T14:17:08.240Z mta1 imta 4711 - [exampleSDID@32473 iut=\"3\" eventSource=\"App\"] ",
    "<22>1 2024-02-20T14:17:08.240Z mta1 imta 1 - [a@1 b=\"{\\\"en\\\":{\"][c@1 d=\"<en ts=\\\"x\\\"\\]\"] \u{feff}",
    "<22>1 2024-02-20T14:17:08.240Z mta1 imta 1 - [timeQuality tzKnown=\"1\" isSynced=\"1\" syncAccuracy=\"21000\"] ",
    "<22>1 - - - - - - ",
    "<22>1 2024-02-20T14:17:08.240Z mta1 imta 4711 - -  ",
    "<22>1 2024-02-20T14:17:08.240Z mta1 imta 4711 - - @cee: ",
    "1 2024-02-20T14:17:08.240Z mta1 imta 4711 - - ",
    "187 <22>1 2024-02-20T14:17:08.240Z mta1 imta 4711 - - ",
    "<22>Feb 20 14:17:08 mta1 imta: ",
    "<22>Feb  2 14:17:08 mta1 imta[4711]: ",
    "Feb 20 14:17:08 mta1 imta: ",
    "Feb 20 14:17:08 mta1 imta[4711]:",
    "Feb 20 14:17:08 mta1 tcp_smtp_server[4711]: ",
    "Feb 20 14:17:08 2001:db8::25 imta: ",
    "Feb 20 14:17:08 fe80::1%eth0 imta[4711]: ",
    "Feb 20 14:17:08 [2001:db8::25] imta: ",
    "Feb 20 2024 14:17:08 mta1 imta: ",
    "2024 Feb 20 14:17:08 mta1 imta: ",
    "<22>Feb 20 2024 14:17:08 mta1 : imta: ",
    "Feb 20 14:17:08.240 mta1 imta: ",
    "Feb 20 14:17:08 CET mta1 imta: ",
    "Feb 20 14:17:08 mta1 ",
    "2024-02-20T14:17:08.240123+01:00 mta1 imta[4711]: ",
    "2024-02-20T14:17:08Z mta1 imta: ",
    "<22>2024-02-20T14:17:08.240123+01:00 mta1 imta: ",
    "2024-02-20T14:17:08+01:00 s_sys@mta1/192.0.2.1 imta[4711]: ",
    "2024-02-20 14:17:08 mta1 imta: ",
    "\u{feff}",
    "mail.info: Feb 20 14:17:08 mta1 imta[4711]: ",
];

#[test]
fn entries_behind_any_header_of_syslog() {
    for entry in [TEXT, XML, JSON, FLAT] {
        let expected = describe(&Reader::default().read(entry.as_bytes()));
        assert!(expected.contains("action=E+E"), "{expected}");
        for header in HEADERS {
            let line = format!("{header}{entry}");
            assert_eq!(describe(&Reader::default().read(line.as_bytes())), expected, "{line}");
        }
        let data = format!("[a@1 b=\"{}\"]", "x".repeat(3000));
        let line = format!("<22>1 2024-02-20T14:17:08Z {0} {0} {0} {0} {data} {entry}", "h".repeat(120));
        assert_eq!(describe(&Reader::default().read(line.as_bytes())), expected, "{line}");
        let line = format!("<22>Feb 20 14:17:08 {} imta: {entry}", "h".repeat(255));
        assert_eq!(describe(&Reader::default().read(line.as_bytes())), expected, "{line}");
    }
}

/// What looks like a header is none, and what is behind one may be no entry.
#[test]
fn headers_without_entries() {
    for (line, expected) in [
        ("<22>1 2024-02-20T14:17:08.240Z mta1 imta 4711 - - hello", "unparsed no_timestamp"),
        ("<22>1 2024-02-20T14:17:08Z mta1 imta 1 - [a b=\"<en ts='x'/>\"] hello", "unparsed no_timestamp"),
        ("<22>Feb 20 14:17:08 mta1 last message repeated 3 times", "unparsed no_timestamp"),
        ("<22>", "unparsed no_timestamp"),
        ("<22><en ts=\"2024-02-20T14:17:08.24\"", "unparsed malformed_xml"),
        ("<22>Feb 20 14:17:08 mta1 imta: <he ts=\"x\" va=\"y\"/>", "skipped header"),
        ("<2222>1 2024-02-20T14:17:08Z mta1 imta 1 - - x", "unparsed malformed_xml"),
    ] {
        assert_eq!(describe(&Reader::default().read(line.as_bytes())).trim(), expected, "{line}");
    }
}

proptest::proptest! {
    /// Any names and structured data.
    #[test]
    fn entries_behind_any_header_of_rfc_5424(
        header in "(<[0-9]{1,3}>1|1) 2024-0[1-9]-20T14:17:08(\\.[0-9]{1,6})?(Z|[+-]0[0-9]:[0-5]0) [!-~]{1,60} [!-~]{1,48} [!-~]{1,30} [!-~]{1,32} ",
        data in "-|(\\[[a-z@0-9]{1,9}( [a-z]{1,9}=\"([ -!#-\\[^-~]|\\\\[\"\\]\\\\])*\")*\\]){1,3}",
    ) {
        for entry in [TEXT, XML, JSON, FLAT] {
            let line = format!("{header}{data} {entry}");
            proptest::prop_assert_eq!(
                describe(&Reader::default().read(line.as_bytes())),
                describe(&Reader::default().read(entry.as_bytes())),
                "{}", line
            );
        }
    }
}

/// PMDF's list server, printers and pagers: an address and what was asked for.
#[test]
fn entries_of_pmdf_without_recipients() {
    for (line, expected) in [
        (
            "29-NOV-2012 12:13:18 mailserv     121318121319 S 0 user@example.com SEND file.txt 1",
            "S|mailserv||user@example.com|SEND file.txt 1",
        ),
        (
            "29-NOV-2012 12:13:20 mailserv     121320121320 F 0 user@example.com SUBSCRIBE nosuchlist 0",
            "F|mailserv||user@example.com|SUBSCRIBE nosuchlist 0",
        ),
        (
            "29-NOV-2012 12:13:20.11 2e2d.2 mailserv     235959000001 S 0 \"a b\"@example.com HELP",
            "S|mailserv||\"a b\"@example.com|HELP",
        ),
        (
            "29-NOV-2012 12:13:20 mailserv     121320121320 F 0  LIST rfc822;x 0",
            "F|mailserv|||LIST rfc822;x 0",
        ),
        (
            "29-NOV-2012 12:13:20 mailserv     121320121320 S 0 u@x INDEX a;b rfc822;c@d 0",
            "S|mailserv||u@x|INDEX a;b rfc822;c@d 0",
        ),
        ("29-NOV-2012 12:13:20 mailserv                  S 0 u@x HELP 0", "S|mailserv||u@x|HELP 0"),
        (
            "29-NOV-2012 12:13:20 printer                   A 17 u@x print request failed",
            "A|printer||u@x|print request failed",
        ),
        ("29-NOV-2012 12:13:20 pager                     F 0 u@x", "F|pager||u@x|"),
        ("29-NOV-2012 12:13:20 printer                   S 17 u@x rfc822;lp@y lp@y", "S|printer||u@x|"),
    ] {
        let mut reader = Reader::default();
        let Line::Message(message) = reader.read(line.as_bytes()) else { panic!("{line}") };
        let fields = [message.source_channel, message.destination_channel, message.from, message.diagnostic];
        let fields = fields.map(|field| String::from_utf8_lossy(field).into_owned()).join("|");
        assert_eq!(format!("{}|{fields}", message.code.action.letter()), expected, "{line}");
    }
    for line in [
        "29-NOV-2012 12:13:20 mailserv     121320121320 S 0",
        "29-NOV-2012 12:13:20 mailserv     121320121320 D 0 u@x SEND file 1",
        "29-NOV-2012 12:13:20 printer                   A 17 ",
    ] {
        assert_eq!(
            describe(&Reader::default().read(line.as_bytes())).trim(),
            "unparsed no_recipient",
            "{line}"
        );
    }
    // Of servers for reading mail, letters of connections mean other things; they are counted by letter.
    for code in ["A", "O", "C", "X"] {
        let line =
            format!("29-NOV-2012 12:13:20 pop3         +            {code} TCP|192.0.2.1|110|192.0.2.9|4299");
        assert!(matches!(Reader::default().read(line.as_bytes()), Line::Connection(_)), "{line}");
    }
}
