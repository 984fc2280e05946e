//! Rows: real and printed lines in, fields out. The three fixtures hold every example entry of the
//! 2005Q4 guide, lines of a production site, and the XML entries that could be had; the `.fields`
//! files beside them are what each line is read to.

use std::fmt::Write as _;

use expect_test::{Expect, expect, expect_file};

use super::option::OptionSet;
use super::{Connection, Dialect, Line, Message, Reader};

mod lines;
mod pieces;
mod rules;

/// A line's fields as `name=value`, empty ones left out.
fn describe(line: &Line<'_>) -> String {
    match line {
        Line::Message(message) => describe_message(message),
        Line::Connection(connection) => describe_connection(connection),
        Line::Skipped(reason) => format!("skipped {}\n", reason.label()),
        Line::Unparsed(reason) => format!("unparsed {}\n", reason.label()),
    }
}

fn list(kind: &str, fields: &[(&str, &[u8])]) -> String {
    let mut text = format!("{kind}\n");
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(text, "  {name}={}", value.escape_ascii()).expect("a string takes all");
    }
    text
}

fn code(code: super::EntryCode) -> Vec<u8> {
    format!("{}+{}", code.action.letter(), code.modifier_letters().collect::<String>()).into_bytes()
}

fn time(time: super::Timestamp) -> Vec<u8> {
    let stamp = jiff::Timestamp::from_millisecond(time.civil_millis).expect("in range");
    format!("{}", stamp.strftime("%Y-%m-%dT%H:%M:%S%.3f")).into_bytes()
}

fn describe_message(message: &Message<'_>) -> String {
    let notary = message.notary.map(|flags| flags.to_string()).unwrap_or_default();
    let queue_seconds = message.queue_seconds.map(|seconds| seconds.to_string()).unwrap_or_default();
    list(
        "message",
        &[
            ("time", &time(message.time)),
            ("node", message.node),
            ("process", message.process),
            ("source_channel", message.source_channel),
            ("destination_channel", message.destination_channel),
            ("action", &code(message.code)),
            ("blocks", message.blocks.to_string().as_bytes()),
            ("from", message.from),
            ("original_to", message.original_to),
            ("to", message.to),
            ("notary", notary.as_bytes()),
            ("filename", message.filename),
            ("envelope_id", message.envelope_id),
            ("message_id", message.message_id),
            ("username", message.username),
            ("source_system", message.source_system),
            ("sensitivity", message.sensitivity),
            ("priority", message.priority),
            ("intermediate", message.intermediate),
            ("initial", message.initial),
            ("filter", message.filter),
            ("reason", message.reason),
            ("diagnostic", message.diagnostic),
            ("remote_mta", message.remote_mta),
            ("transport", message.transport),
            ("application", message.application),
            ("queue_seconds", queue_seconds.as_bytes()),
        ],
    )
}

fn describe_connection(connection: &Connection<'_>) -> String {
    let transport = connection.transport;
    let transport = transport.map_or(String::new(), |ends| {
        format!(
            "local {} remote {} {}",
            ends.local_port,
            ends.remote_address.escape_ascii(),
            ends.remote_port
        )
    });
    list(
        "connection",
        &[
            ("time", &time(connection.time)),
            ("node", connection.node),
            ("process", connection.process),
            ("channel", connection.channel),
            ("direction", connection.direction.label().as_bytes()),
            ("action", &code(connection.code)),
            ("transport", transport.as_bytes()),
            ("application", connection.application),
            ("text", connection.text),
            ("username", connection.username),
            ("diagnostic", connection.diagnostic),
        ],
    )
}

#[track_caller]
fn check(line: &[u8], expected: &Expect) {
    expected.assert_eq(&describe(&Reader::default().read(line)));
}

fn describe_file(lines: &str) -> String {
    let mut reader = Reader::new(Dialect::default());
    lines.lines().fold(String::new(), |mut text, line| {
        writeln!(text, "{line}\n{}", describe(&reader.read(line.as_bytes()))).expect("a string takes all");
        text
    })
}

#[test]
fn every_entry_of_the_manual() {
    expect_file!["../../tests/fixtures/manual-2005q4.fields"]
        .assert_eq(&describe_file(include_str!("../../tests/fixtures/manual-2005q4.log")));
}

#[test]
fn every_line_of_a_production_site() {
    expect_file!["../../tests/fixtures/production-2019.fields"]
        .assert_eq(&describe_file(include_str!("../../tests/fixtures/production-2019.log")));
}

#[test]
fn every_xml_entry() {
    expect_file!["../../tests/fixtures/xml.fields"]
        .assert_eq(&describe_file(include_str!("../../tests/fixtures/xml.log")));
}

#[test]
fn enabled_but_empty_fields_leave_two_blanks() {
    check(
        b"19-Jan-2019 19:16:57.64 tcp_local    tcp_local    VEA 0 logaction1@example.com rfc822;logaction2 \
          logaction2@ims-ms-daemon   *logaction1@example.com [127.0.0.1] ([127.0.0.1]) '' data/big_smtp_read \
          Error reading SMTP packet",
        &expect![[r#"
            message
              time=2019-01-19T19:16:57.640
              source_channel=tcp_local
              destination_channel=tcp_local
              action=V+AE
              blocks=0
              from=logaction1@example.com
              original_to=rfc822;logaction2
              to=logaction2@ims-ms-daemon
              username=*logaction1@example.com
              source_system=[127.0.0.1] ([127.0.0.1])
              diagnostic=data/big_smtp_read Error reading SMTP packet
        "#]],
    );
}

#[test]
fn a_node_without_a_process_id() {
    check(b"19-Jan-2019 19:16:57.64 mail1 tcp_local                 D 1 a@b.example rfc822;c@d.example c@d.example", &expect![[r#"
        message
          time=2019-01-19T19:16:57.640
          node=mail1
          source_channel=tcp_local
          action=D+
          blocks=1
          from=a@b.example
          original_to=rfc822;c@d.example
          to=c@d.example
    "#]]);
    check(b"19-Jan-2019 19:16:57.64 mail1 tcp_local    l            E 1 a@b.example rfc822;c@d.example c@d.example", &expect![[r#"
        message
          time=2019-01-19T19:16:57.640
          node=mail1
          source_channel=tcp_local
          destination_channel=l
          action=E+
          blocks=1
          from=a@b.example
          original_to=rfc822;c@d.example
          to=c@d.example
    "#]]);
}

#[test]
fn quoted_local_parts_and_format_2() {
    check(b"19-Jan-2019 19:16:57.64 tcp_local    l            E 1 <> rfc822;\"a b\"@d.example \"a b\"@d.example mailsrv", &expect![[r#"
        message
          time=2019-01-19T19:16:57.640
          source_channel=tcp_local
          destination_channel=l
          action=E+
          blocks=1
          original_to=rfc822;\"a b\"@d.example
          to=\"a b\"@d.example
          username=mailsrv
    "#]]);
}

#[test]
fn a_local_user_in_front_of_a_source_system() {
    check(b"19-Jan-2019 19:16:57.64 l            tcp_local    E 1 a@b.example rfc822;c@d.example c@d.example adam siroe.com (siroe.com [192.160.253.66])", &expect![[r#"
        message
          time=2019-01-19T19:16:57.640
          source_channel=l
          destination_channel=tcp_local
          action=E+
          blocks=1
          from=a@b.example
          original_to=rfc822;c@d.example
          to=c@d.example
          username=adam
          source_system=siroe.com (siroe.com [192.160.253.66])
    "#]]);
}

#[test]
fn authentications_and_rejected_connections() {
    check(b"19-Jan-2019 19:16:57.64 72a9.3b4.1 tcp_local    +            U TCP|192.0.2.1|25|192.0.2.9|4299 SMTP Bad password *nic@d.example 535 5.7.8 Bad username or password", &expect![[r#"
        connection
          time=2019-01-19T19:16:57.640
          process=72a9.3b4.1
          channel=tcp_local
          direction=in
          action=U+
          transport=local 25 remote 192.0.2.9 4299
          application=SMTP
          diagnostic=Bad password *nic@d.example 535 5.7.8 Bad username or password
    "#]]);
    check(b"19-Jan-2019 19:16:57.64 tcp_local    +            X TCP|192.0.2.1|25|192.0.2.9|4299 SMTP 500 can't connect now", &expect![[r#"
        connection
          time=2019-01-19T19:16:57.640
          channel=tcp_local
          direction=in
          action=X+
          transport=local 25 remote 192.0.2.9 4299
          application=SMTP
          diagnostic=500 can\'t connect now
    "#]]);
}

#[test]
fn sensitivity_and_priority_without_a_source_system() {
    check(
        b"19-Jan-2019 19:16:57.64 tcp_local                 Q 1 a@b.example rfc822;c@d.example c@d.example mailsrv  0 3 '' 4.4.3 Please try again later",
        &expect![[r#"
            message
              time=2019-01-19T19:16:57.640
              source_channel=tcp_local
              action=Q+
              blocks=1
              from=a@b.example
              original_to=rfc822;c@d.example
              to=c@d.example
              username=mailsrv
              sensitivity=0
              priority=3
              diagnostic=4.4.3 Please try again later
        "#]],
    );
}

#[test]
fn transport_application_and_queue_time_are_no_part_of_the_diagnostic() {
    check(
        b"19-Jan-2019 19:16:57.64 tcp_local                 J 0 a@b.example rfc822;c@d.example c@d.example mailsrv x.example (x.example [192.0.2.9]) '' 550 5.1.1 unknown or illegal alias: c@d.example TCP|192.0.2.1|25|192.0.2.9|4299 SMTP/TLS-256-AES256-GCM 12",
        &expect![[r#"
            message
              time=2019-01-19T19:16:57.640
              source_channel=tcp_local
              action=J+
              blocks=0
              from=a@b.example
              original_to=rfc822;c@d.example
              to=c@d.example
              username=mailsrv
              source_system=x.example (x.example [192.0.2.9])
              diagnostic=550 5.1.1 unknown or illegal alias: c@d.example
              transport=TCP|192.0.2.1|25|192.0.2.9|4299
              application=SMTP/TLS-256-AES256-GCM
              queue_seconds=12
        "#]],
    );
}

#[test]
fn bad_commands_have_no_recipient() {
    check(b"19-Jan-2019 19:16:57.64 tcp_local                 B 0  GET / HTTP/1.1 500 5.5.1 Unknown command \"GET\" specified", &expect![[r#"
        message
          time=2019-01-19T19:16:57.640
          source_channel=tcp_local
          action=B+
          blocks=0
          diagnostic=GET / HTTP/1.1 500 5.5.1 Unknown command \"GET\" specified
    "#]]);
}

#[test]
fn xml_with_entities_new_attributes_and_raw_brackets() {
    check(
        b"<en ts=\"2019-06-02T22:02:13.94\" sc='ims-ms' zz=\"new\" ac=\"Q\" sz=\"1\" so=\"\" od=\"rfc822;a&amp;b@c.example\" \
          de=\"a&#38;b@c.example\" mi=\"&lt;1@c>\" qt=\"12.5\" di=\"AT&T &bogus; &quot;x&quot; &#xe9;\"/>",
        &expect![[r#"
            message
              time=2019-06-02T22:02:13.940
              source_channel=ims-ms
              action=Q+
              blocks=1
              original_to=rfc822;a&b@c.example
              to=a&b@c.example
              message_id=<1@c>
              diagnostic=AT&T &bogus; \"x\" \xc3\xa9
              queue_seconds=12.5
        "#]],
    );
}

#[test]
fn lines_that_are_not_understood_and_lines_of_other_logs() {
    for (line, expected) in [
        (&b""[..], "skipped blank"),
        (b"   ", "skipped blank"),
        (b"19-Jan-2019 19:16:57.64", "unparsed no_action"),
        (b"19-Jan-2019 19:16:57.64 tcp_local", "unparsed no_action"),
        (b"19-Jan-2019 19:16:57.64 tcp_local E", "unparsed no_action"),
        (b"19-Jan-2019 19:16:57.64 a b c d e f E 1 x rfc822;y y", "unparsed no_action"),
        (b"19-Jan-2019 19:16:57.64 tcp_local l E 1", "unparsed no_recipient"),
        (b"19-Jan-2019 19:16:57.64 tcp_local l E 1 a@b c@d", "unparsed no_recipient"),
        (
            b"19-Jan-2024 19:16:57.64 a b E 1 13:adam@acme.com 24:rfc822;marlowe@siroe.com 17:x",
            "unparsed malformed_count",
        ),
        (b"{\"ts\":\"2024\"}", "unparsed no_action"),
        (b"{\"en\":{\"ts\":\"2024\"", "unparsed malformed_json"),
        (b"<en ts=\"2014-06-02T22:02:13.94\" sc=\"l\" ac=\"E\"", "unparsed malformed_xml"),
        (b"<en ts=\"2014-06-02T22:02:13.94\" sc=\"l\" ac=\"E\"/>", "unparsed no_recipient"),
        (b"<en ts=\"then\" sc=\"l\" ac=\"D\" de=\"a\"/>", "unparsed no_timestamp"),
        (b"<co ts=\"2014-06-02T22:02:13.94\" sc=\"l\" ac=\"O\"/>", "unparsed malformed_xml"),
        (b"<me sn=\"imap\"/>", "skipped other_element"),
        (b"<", "unparsed malformed_xml"),
        (b"<en", "unparsed malformed_xml"),
        (
            b"[12/Jun/2019:05:16:02 +0200] host ims_master[11468]: General Notice: starting up",
            "skipped nslog",
        ),
        (
            b"08:56:39.33: Mapping 5 applied to TCP|127.0.0.2|25|127.0.0.2|48088|SMTP/|MAIL|tc",
            "skipped debug_log",
        ),
        (b"\x7fELF\x02\x01\x01\0\0", "unparsed binary"),
        (b"hello", "unparsed no_timestamp"),
        (b"19-Jan-2019 19:16:57.64 HOSTA 2e2d.2.1 > Subject: E 1 x", "skipped header"),
        (b"Jun 11 09:07:57 host mta: 05-Jun-2019 10:08:29.74 > Received: x", "skipped header"),
    ] {
        assert_eq!(describe(&Reader::default().read(line)).trim(), expected, "{}", line.escape_ascii());
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read(line in proptest::collection::vec(proptest::arbitrary::any::<u8>(), 0..300)) {
        describe(&Reader::default().read(&line));
    }

    #[test]
    fn any_damage_to_a_real_entry_is_read(at in 0_usize..400, byte: u8, cut in 0_usize..400, row in 0_usize..64, learned: Option<u32>) {
        let lines = concat!(
            include_str!("../../tests/fixtures/manual-2005q4.log"),
            include_str!("../../tests/fixtures/xml.log")
        );
        let rows: Vec<&str> = lines.lines().collect();
        let mut line = rows[row % rows.len()].as_bytes().to_vec();
        let at = at % line.len();
        line[at] = byte;
        line.truncate(cut.max(1));
        let mut reader = Reader::default();
        reader.learn(learned.map(OptionSet::from_bits));
        describe(&reader.read(&line));
    }
}
