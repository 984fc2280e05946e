//! The rules by which lines are told apart, and fields where a format leaves them open.

use expect_test::expect;

use super::{check, describe};
use crate::record::format::Format;
use crate::record::option::{LogOption, OptionSet};
use crate::record::{Dialect, Line, Reader, Skip, Unparsed};

/// Lines of other logs of the product, given by mistake, with what they have on further lines.
#[test]
fn lines_of_other_logs_are_skipped_as_what_they_are() {
    for (lines, expected) in [
        (include_str!("../../../tests/fixtures/nslog.log"), Skip::Nslog),
        (include_str!("../../../tests/fixtures/debug.log"), Skip::DebugLog),
    ] {
        let mut reader = Reader::default();
        for line in lines.lines().filter(|line| !line.is_empty()) {
            assert_eq!(reader.read(line.as_bytes()), Line::Skipped(expected), "{line}");
        }
        // An entry ends what belonged to the other log.
        let entry = b"19-Jan-2019 19:16:57.64 l                         D 1  rfc822;a@b a@b";
        assert!(matches!(reader.read(entry), Line::Message(_)));
        assert_eq!(reader.read(b"hello"), Line::Unparsed(Unparsed::NoTimestamp));
    }
}

/// What two rules decide where `LOG_FORMAT` 1 leaves a field open, and what a pinned option settles.
#[test]
fn ambiguous_entries_are_read_by_the_documented_rules() {
    let options =
        OptionSet::of(&[LogOption::Filter, LogOption::Reason, LogOption::Diagnostics, LogOption::QueueTime]);
    let read = |text: &str, options: Option<OptionSet>| {
        let line = format!("19-Jan-2019 19:16:57.64 tcp_local                 {text}");
        let mut reader = Reader::new(Dialect { options, ..Dialect::default() });
        let Line::Message(message) = reader.read(line.as_bytes()) else { panic!("{line}") };
        let fields = [message.filter, message.reason, message.diagnostic];
        let fields = fields.map(|field| String::from_utf8_lossy(field).into_owned());
        let [filter, reason, diagnostic] = fields;
        format!("{filter}|{reason}|{diagnostic}|{}", message.queue_seconds.unwrap_or(-1.0))
    };
    for (text, expected) in [
        // A number at the end is the queue time where that is on, also of a reply that ends in one.
        (
            "D 1 a@b rfc822;c@d c@d '' dns;e.example smtp;250 ok 1547 qp 25 7",
            "||dns;e.example smtp;250 ok 1547 qp 25|7",
        ),
        (
            "D 1 a@b rfc822;c@d c@d '' dns;e.example smtp;250 ok 1547 qp 25",
            "||dns;e.example smtp;250 ok 1547 qp|25",
        ),
        // Unless its blank is still there.
        ("D 1 a@b rfc822;c@d c@d '' dns;e.example smtp;250 ok 25 ", "||dns;e.example smtp;250 ok 25|-1"),
        // A reason ends where a host, a reply or a tuple begins, or takes all.
        (
            "R 1 a@b rfc822;c@d c@d '' unable to deliver dns;e.example smtp;550 no 7",
            "|unable to deliver|dns;e.example smtp;550 no|7",
        ),
        ("R 1 a@b rfc822;c@d c@d '' unable to deliver smtp;550 no 7", "|unable to deliver|smtp;550 no|7"),
        ("R 1 a@b rfc822;c@d c@d '' Mailbox is busy, no more tries 7", "|Mailbox is busy, no more tries||7"),
        ("R 1 a@b rfc822;c@d c@d ''  Mailbox is busy 7", "||Mailbox is busy|7"),
        // Only R and K have a reason.
        ("Q 1 a@b rfc822;c@d c@d '' Mailbox is busy 7", "||Mailbox is busy|7"),
        // A list ends at the first quote with a blank behind it.
        ("D 1 a@b rfc822;c@d c@d 'fileinto 'x' keep' 7", "fileinto 'x||keep'|7"),
    ] {
        let read = read(text, Some(options));
        assert_eq!(read, expected, "{text}");
    }
    // Without the option a number at the end belongs to the reply.
    assert_eq!(
        read("D 1 a@b rfc822;c@d c@d dns;e.example smtp;250 ok 25", Some(OptionSet::default())),
        "||dns;e.example smtp;250 ok 25|-1"
    );
}

/// Entries that do not fit what was inferred, since an option was switched: what is certain is read, and
/// the rules decide what `LOG_FORMAT` 1 leaves open.
#[test]
fn fields_that_were_off_at_first() {
    use LogOption::{Application, Connection, Diagnostics, MessageId, QueueTime, Username};
    let read = |text: &str, on: &[LogOption]| {
        let line = format!("19-Jan-2019 19:16:57.64 tcp_local                 {text}");
        let mut reader = Reader::new(Dialect::default());
        reader.learn(Some(OptionSet::of(on).with(Diagnostics)));
        let Line::Message(message) = reader.read(line.as_bytes()) else { panic!("{line}") };
        let seconds = message.queue_seconds.map(|seconds| seconds.to_string()).unwrap_or_default();
        let fields = [
            message.message_id,
            message.username,
            message.source_system,
            message.priority,
            message.intermediate,
            message.diagnostic,
            message.remote_mta,
            message.application,
            seconds.as_bytes(),
        ];
        fields.map(|field| field.escape_ascii().to_string()).join("|")
    };
    for (on, text, expected) in [
        // The user was on and is off: a word of a text is no name.
        (&[Username][..], "Q 1 a@b rfc822;c@d c@d Mailbox is busy", "|||||Mailbox is busy|||"),
        (&[Username], "W 1 a@b rfc822;c@d c@d unable to deliver", "|||||unable to deliver|||"),
        (&[Username], "Q 1 a@b rfc822;c@d c@d msg Mailbox is busy", "|msg||||Mailbox is busy|||"),
        (&[Username], "J 1 a@b rfc822;c@d c@d 550 5.7.1 no", "|||||550 5.7.1 no|||"),
        // A user since: one of the MTA's own, or any word in lower case right in front of a reply.
        (&[], "Q 1 a@b rfc822;c@d c@d mailsrv Mailbox is busy", "|mailsrv||||Mailbox is busy|||"),
        (&[], "J 1 a@b rfc822;c@d c@d adam 550 5.7.1 no", "|adam||||550 5.7.1 no|||"),
        (&[], "Q 1 a@b rfc822;c@d c@d adam Mailbox is busy", "|||||adam Mailbox is busy|||"),
        // A source system since: with its address, or a bare host in front of a reply.
        (
            &[],
            "J 1 a@b rfc822;c@d c@d e.f (e.f [192.0.2.1]) 4.4.3 later",
            "||e.f (e.f [192.0.2.1])|||4.4.3 later|||",
        ),
        (&[Username], "J 1 a@b rfc822;c@d c@d mailsrv e.f 4.4.3 later", "|mailsrv|e.f|||4.4.3 later|||"),
        (&[Username], "J 1 a@b rfc822;c@d c@d mailsrv e.f refused it", "|mailsrv||||e.f refused it|||"),
        // It was on and is off: a status is no host.
        (&[Username, Connection], "J 1 a@b rfc822;c@d c@d adam 4.4.3 later", "|adam||||4.4.3 later|||"),
        // One level is the priority, a word with an at sign an address.
        (&[Username], "Q 1 a@b rfc822;c@d c@d msg 2 4.4.3 later", "|msg||2||4.4.3 later|||"),
        (&[Username], "R 1 a@b rfc822;c@d c@d msg e@f 5.1.1 no", "|msg|||e@f|5.1.1 no|||"),
        // One id in brackets is the message id.
        (&[], "D 1 a@b rfc822;c@d c@d <1@b> smtp;250 ok", "<1@b>|||||smtp;250 ok|||"),
        (&[MessageId], "D 1 a@b rfc822;c@d c@d e@f <1@b> smtp;250 ok", "<1@b>|||||smtp;250 ok|||"),
        // What stands behind a text since is no part of it, but for a bare number.
        (&[], "Q 1 a@b rfc822;c@d c@d smtp;450 no dns;e.f", "|||||smtp;450 no|dns;e.f||"),
        (&[], "Q 1 a@b rfc822;c@d c@d 450 4.2.1 no SMTP/TLS-128-RC4", "|||||450 4.2.1 no||SMTP/TLS-128-RC4|"),
        (&[], "Q 1 a@b rfc822;c@d c@d smtp;450 no TCP|a|25|b|1 SMTP 7", "|||||smtp;450 no||SMTP|7"),
        (&[], "D 1 a@b rfc822;c@d c@d smtp;250 ok 7", "|||||smtp;250 ok 7|||"),
        (&[Username], "D 1 a@b rfc822;c@d c@d mailsrv  7", "|mailsrv|||||||7"),
        // It belongs to the text where nothing says that it was on, and to the option where it was.
        (&[QueueTime], "D 1 a@b rfc822;c@d c@d smtp;250 ok 7", "|||||smtp;250 ok|||7"),
        (&[Application], "Q 1 a@b rfc822;c@d c@d no such SMTP", "|||||no such||SMTP|"),
        // A digit behind two blanks at the end is the queue time, not a level behind an empty field.
        (&[], "D 1 a@b rfc822;c@d c@d mailsrv  4", "|mailsrv|||||||4"),
    ] {
        assert_eq!(read(text, on), expected, "{on:?}: {text}");
    }
}

/// Any character may stand in a queue file's name, but users, ids and protocols with a slash in them are no
/// queue files, whatever is known of the options.
#[test]
fn a_queue_file_is_no_user_name_and_no_id() {
    use LogOption::{EnvelopeId, Filename, MessageId, Username};
    let read = |text: &str, on: &[LogOption]| {
        let line = format!("19-Jan-2019 19:16:57.64 tcp_local                 Q 1 a@b rfc822;c@d c@d {text}");
        let mut reader = Reader::default();
        if !on.is_empty() {
            reader.learn(Some(OptionSet::of(on)));
        }
        let Line::Message(message) = reader.read(line.as_bytes()) else { panic!("{line}") };
        let fields = [message.filename, message.envelope_id, message.message_id, message.username];
        fields.map(|field| String::from_utf8_lossy(field).into_owned()).join("|")
    };
    let all = [Filename, EnvelopeId, MessageId, Username];
    for on in [&[][..], &all] {
        for (text, expected) in [
            ("tcp_local/ZZf0_1-2.00 <1@b> mailsrv 4.4.3 no", "tcp_local/ZZf0_1-2.00||<1@b>|mailsrv"),
            ("l/ZZ~+.HELD x/ZZb_c@b.de <1@b> mailsrv 4.4.3 no", "l/ZZ~+.HELD|x/ZZb_c@b.de|<1@b>|mailsrv"),
            ("/q/000/ZZf0$1.00 x@b <a/ZZb_c@b> mailsrv 4.4.3 no", "/q/000/ZZf0$1.00|x@b|<a/ZZb_c@b>|mailsrv"),
            ("/q/ZZf0_1.00  <1@b> *D/AB_user@b.de 4.4.3 no", "/q/ZZf0_1.00||<1@b>|*D/AB_user@b.de"),
        ] {
            // Without the option, a second blank stands in front of an id.
            assert_eq!(read(text, on), expected, "{on:?}: {text}");
        }
    }
    for text in ["x/ZZb_c@b.de <1@b> 4.4.3 no", "x/ZZb_c@b.de mailsrv 4.4.3 no"] {
        assert!(read(text, &[]).starts_with("|x/ZZb_c@b.de|"), "{}", read(text, &[]));
    }
    assert!(read("*D/AB_user@b.de 4.4.3 no", &[]).ends_with("|*D/AB_user@b.de"));
    assert!(read("D/AB_user;x.de 4.4.3 no", &[]).starts_with('|'));
}

/// A number behind the recipients is the flags of `LOG_NOTARY`, unless a reply goes on behind it.
#[test]
fn flags_are_told_from_reply_codes() {
    for (text, flags, diagnostic) in [
        ("Q 1 a@b rfc822;c@d c@d 450 4.2.2 over quota", None, "450 4.2.2 over quota"),
        ("R 1 a@b rfc822;c@d c@d 550 mailbox unavailable", None, "550 mailbox unavailable"),
        ("J 1 a@b rfc822;c@d c@d 550 5.7.1 no", None, "550 5.7.1 no"),
        ("Q 1 a@b rfc822;c@d c@d 450 /queue/l/ZZg0x1y2z3w4.00 4.2.2 full", Some(450), "4.2.2 full"),
        ("Q 1 a@b rfc822;c@d c@d 450 mailsrv 4.2.2 full", Some(450), "4.2.2 full"),
        ("Q 1 a@b rfc822;c@d c@d 450  4.2.2 full", Some(450), "4.2.2 full"),
        ("Q 1 a@b rfc822;c@d c@d 450 dns;e.example smtp;450 no", Some(450), "dns;e.example smtp;450 no"),
        ("Q 1 a@b rfc822;c@d c@d 276 450 4.2.2 full", Some(276), "450 4.2.2 full"),
        ("D 1 a@b rfc822;c@d c@d 22 smtp;250 ok", Some(22), "smtp;250 ok"),
    ] {
        let line = format!("19-Jan-2019 19:16:57.64 tcp_local                 {text}");
        let mut reader = Reader::default();
        let Line::Message(message) = reader.read(line.as_bytes()) else { panic!("{line}") };
        let found = (message.notary, String::from_utf8_lossy(message.diagnostic).into_owned());
        assert_eq!(found, (flags, diagnostic.to_owned()), "{text}");
    }
}

/// A node without a process id is told from a channel by the width of the columns, and by its pinned
/// option where relays have collapsed the blanks.
#[test]
fn a_pinned_node_needs_no_columns() {
    let line = b"19-Jan-2019 19:16:57.64 mail1 tcp_local D 1 a@b rfc822;c@d c@d";
    let fields = |options: Option<OptionSet>| {
        let mut reader = Reader::new(Dialect { options, ..Dialect::default() });
        let Line::Message(message) = reader.read(line) else { panic!("a message") };
        [message.node, message.source_channel, message.destination_channel]
            .map(<[u8]>::escape_ascii)
            .map(|field| field.to_string())
    };
    assert_eq!(fields(None), ["", "mail1", "tcp_local"]);
    assert_eq!(fields(Some(OptionSet::of(&[LogOption::Node]))), ["mail1", "tcp_local", ""]);
}

/// A From that looks like a counted field is one only where the lengths of all three addresses fit,
/// and never where another format is pinned.
#[test]
fn counted_fields_are_told_from_addresses() {
    let from = |line: &str, format: Option<Format>| {
        let mut reader = Reader::new(Dialect { format, ..Dialect::default() });
        let line = format!("19-Jan-2019 19:16:57.64 l                         D 1 {line}");
        let Line::Message(message) = reader.read(line.as_bytes()) else { panic!("{line}") };
        format!("{} {}", message.format.label(), String::from_utf8_lossy(message.from))
    };
    assert_eq!(from("3:a@b 10:rfc822;c@d 3:c@d", None), "3 a@b");
    assert_eq!(from("3:a@b rfc822;c@d c@d", None), "1 3:a@b");
    assert_eq!(from("0: 10:rfc822;c@d 3:c@d", None), "3 ");
    assert_eq!(from("4:\u{e9}@b 10:rfc822;c@d 3:c@d", None), "3 \u{e9}@b");
    assert_eq!(from("3:\u{e9}@b 10:rfc822;c@d 3:c@d", None), "3 \u{e9}@b");
    assert_eq!(from("3:a@b rfc822;c@d c@d", Some(Format::Text)), "1 3:a@b");
}

/// Prefixes: the first entry in a line is the entry, whatever stands in it.
#[test]
fn entries_behind_prefixes() {
    for (line, expected) in [
        (
            "Jun 11 09:07:57 mail1 mta: <he ts=\"x\" va=\"<en 19-Jan-2019 19:16:57.64 l D 1\"/>",
            "skipped header",
        ),
        ("mail.log:{\"he\":{\"va\":\"<en \"}}", "skipped header"),
        ("mail.log-19-Jan-2019 19:16:57.64 > {\"en\":1}", "skipped header"),
        ("12: 9-Jan-2019 19:16:57.64 > x", "skipped header"),
        ("32-Jan-2019 19:16:57.64 > x", "unparsed no_timestamp"),
        ("mail.log:32-Jan-2019 19:16:57.64 > x", "unparsed no_timestamp"),
        ("{\"me\":{\"sn\":\"imap\"}}", "skipped other_element"),
        ("{\"ts\":\"2024-01-02T03:04:05.06\",\"va\":\"x\"}", "skipped header"),
        ("{\"en\":{\"ts\":\"2024-01-02T03:04:05.06\"}} trailing", "unparsed malformed_json"),
        ("{\"en\":{\"ts\":\"2024-01-02T03:04:05.06\",\"ac\":\"D\"}}", "unparsed malformed_json"),
        ("{\"en\":{\"ts\":\"2024-01-02T03:04:05.06\",\"ac\":\"D\",\"sc\":\"l\"}}", "unparsed no_recipient"),
    ] {
        assert_eq!(describe(&Reader::default().read(line.as_bytes())).trim(), expected, "{line}");
    }
}

#[test]
fn json_with_escapes_new_members_and_numbers_as_either() {
    let fields = "\"ts\":\"2024-01-02T03:04:05.06\", \"zz\":[1,{\"a\":\"}]\"}], \"sc\":\"ims-ms\",\"dc\":null,\"ac\":\"DE\",\
                  \"sz\":12,\"so\":\"\",\"od\":\"rfc822;c@d\",\"de\":\"c@d\",\"rf\":\"22\",\"mi\":\"\\u003c1@a\\u003E\",\
                  \"di\":\"\\\"x\\\" \\\\ \\/ \\u00e9\\ud83d\\ude00\\ud800 \\q\\u12\",\"qt\":1.5";
    let nested = format!("{{ \"en\" : {{{fields}}} , \"host\":\"mail1\" }}");
    let flat = format!("{{\"type\":\"en\",{fields}}}");
    let expected = expect![[r#"
        message
          time=2024-01-02T03:04:05.060
          source_channel=ims-ms
          action=D+E
          blocks=12
          original_to=rfc822;c@d
          to=c@d
          notary=22
          message_id=<1@a>
          diagnostic=\"x\" \\ / \xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbd \\q\\u12
          queue_seconds=1.5
    "#]];
    check(nested.as_bytes(), &expected);
    check(flat.as_bytes(), &expected);
}

/// A line of the longest length that is read, in each format, gives its fields whole.
#[test]
fn lines_up_to_the_cap() {
    let long = "x".repeat((1 << 20) - 200);
    for line in [
        format!("19-Jan-2019 19:16:57.64 l                         Q 1  rfc822;c@d c@d {long}"),
        format!(
            "19-Jan-2019 19:16:57.64 l                         Q 1 0: 10:rfc822;c@d 3:c@d {}:{long}",
            long.len()
        ),
        format!("<en ts=\"2014-06-02T22:02:13.94\" sc=\"l\" ac=\"Q\" de=\"c@d\" di=\"{long}\"/>"),
        format!(
            "{{\"en\":{{\"ts\":\"2014-06-02T22:02:13.94\",\"sc\":\"l\",\"ac\":\"Q\",\"de\":\"c@d\",\"di\":\"{long}\"}}}}"
        ),
    ] {
        let mut reader = Reader::default();
        let Line::Message(message) = reader.read(line.as_bytes()) else { panic!("{:?}", line.get(..99)) };
        assert!(message.diagnostic == long.as_bytes() && message.to == b"c@d", "{:?}", line.get(..99));
    }
}
