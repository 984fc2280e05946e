//! What is refused, and with which words.

use std::path::PathBuf;

use super::{SyslogFormat, SyslogPlace};
use crate::config::Flags;
use crate::config::tests::load_text;

#[test]
fn what_cannot_be_told_is_refused() {
    for (lines, expected) in [
        ("[alerting.webhook]\nurl = \"https://pager/a\"\nuser = \"a\"\npassword_file = \"/p\"", ""),
        ("[alerting.webhook]\nurl_file = \"/u\"\ntoken_file = \"/t\"\nseverities = [\"critical\"]", ""),
        (
            "[alerting.webhook]\nurl = \"pager\"",
            "alerting.webhook.url: found \"pager\": it begins with neither",
        ),
        ("[alerting.webhook]\nurl = \"http://u:secret@pager\"", "a name of a user is in it"),
        ("[alerting.webhook]\nurl = \"http://pager/?t=s\"", "which url_file is for"),
        ("[alerting.webhook]\nuser = \"a\"", "user and password_file go together"),
        ("[alerting.webhook]\nclient_key_file = \"/k\"", "client_cert_file and client_key_file go together"),
        ("[alerting.webhook]\nseverities = []", "it is empty"),
        ("[alerting.webhook]\nseverities = [\"info\"]", "no alert has the severity \"info\""),
        ("[alerting.webhook]\ngroup_wait = \"11m\"", "it is more than 10m"),
        ("[alerting.webhook]\nrepeat_interval = \"1s\"", "it is less than 1m"),
        ("[alerting.webhook]\nper_minute = 0", "0 is not from 1 to 60"),
        ("[alerting.command]\nargv = [\"/bin/page\", \"-v\", \"-v\"]", ""),
        ("[alerting.command]\nargv = [\"page\"]", "it does not begin with a slash"),
        ("[alerting.command]\nargv = [\"/p\"]\ntimeout = \"6m\"", "it is more than 5m"),
        ("[alerting.syslog]\nto = \"/dev/log\"\nfacility = \"local3\"", ""),
        ("[alerting.syslog]\nto = \"dev/log\"", "it does not begin with a slash"),
        ("[alerting.syslog]\nto = \"http://loghost\"", "it begins with neither udp:// nor tcp://"),
        ("[alerting.syslog]\nto = \"udp://loghost:514/a\"", "more than host and port is in it"),
        ("[alerting.syslog]\nfacility = \"kern\"", "there is no such facility"),
        ("[alerting.syslog]\nformat = \"json\"", "there is no such format"),
        (
            "[alerting.sislog]\nto = \"/dev/log\"",
            "unknown section [alerting.sislog]; did you mean [alerting.syslog]?",
        ),
    ] {
        match load_text(&format!("{lines}\n"), &[], Flags::default()) {
            Ok(_) => assert_eq!(expected, "", "{lines}"),
            Err(found) => {
                assert!(!expected.is_empty() && found.contains(expected), "{lines}: {found}");
                assert!(!found.contains("secret"), "{found}");
            }
        }
    }
}

#[test]
fn a_syslog_is_a_socket_or_a_host() {
    for (to, expected, format) in [
        ("/dev/log", SyslogPlace::Local(PathBuf::from("/dev/log")), SyslogFormat::Local),
        ("udp://loghost", SyslogPlace::Udp("loghost".to_owned(), 514), SyslogFormat::Rfc5424),
        ("tcp://[::1]:6514", SyslogPlace::Tcp("::1".to_owned(), 6514), SyslogFormat::Rfc5424),
    ] {
        let text = format!("[alerting.syslog]\nto = \"{to}\"\n");
        let config = load_text(&text, &[], Flags::default()).expect("valid");
        assert_eq!((config.syslog.to.as_ref(), config.syslog.format()), (Some(&expected), format));
    }
    let variables = [("IMSIMTA_EXPORTER__ALERTING__COMMAND__ARGV", "/bin/page,-v,-v")];
    let config = load_text("", &variables, Flags::default()).expect("valid");
    assert_eq!(config.command.argv, ["/bin/page", "-v", "-v"]);
}
