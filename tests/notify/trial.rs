//! `alerts --test` and what `check` says of receivers: the program, a real Alertmanager, and receivers that are none.

use std::process::Command;

use serde_json::Value;

use super::hostile::serve;
use super::prometheus::{free_address, get};
use super::site::{Alertmanager, INSTANCE, Sender, file, has_alertmanager};
use super::webhook::Webhook;
use crate::service::harness::{Install, PROGRAM, run};

const NAME: &str = "ImsMtaHeldMessages";

/// With an Alertmanager, an address where nobody is, and a beat that counts.
#[test]
fn a_test_goes_to_all_who_are_told_and_says_what_each_answered() {
    if !has_alertmanager() {
        return;
    }
    let alertmanager = Alertmanager::start();
    let nobody = free_address("127.0.0.1");
    let (beaten, beats) = std::sync::mpsc::channel();
    let url = serve(
        move |_| {
            beaten.send(()).ok();
        },
        false,
    );
    let directory = tempfile::tempdir().expect("a temporary directory");
    let beat = file(directory.path(), "beat", format!("{url}/secret-word\n").as_bytes());
    let config = |alertmanagers: &[&str]| {
        let text = format!(
            "[alerting]\nalertmanagers = {alertmanagers:?}\nlabels = [\"instance={INSTANCE}\", \"cluster=eu\"]\nbeat_url_file = {beat:?}\n"
        );
        file(directory.path(), "exporter.toml", text.as_bytes())
    };
    let sent = |config: &str| run(Command::new(PROGRAM).args(["alerts", "--test", NAME, "--config", config]));

    let (url, nowhere) = (alertmanager.url(), format!("http://{nobody}"));

    // `check` asks, and sends nothing.
    let install = Install::new();
    install.append("mail.log_current", "19-Jan-2024 19:16:57.64 tcp_local D 1 a@b rfc822;c@d c@d\n");
    let checked = |config: &str| {
        let (_, text, _) = run(install.check().args(["--config", config]));
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let text = checked(&config(&[&url, &nowhere]));
    let answers = format!("ok alerting {}: it answers, and shows no alert", alertmanager.address);
    assert!(text.contains(&answers), "{text}");
    assert!(text.contains(&format!("PROBLEM alerting {nobody}: no connection")), "{text}");
    assert!(
        text.contains("ok alerting beat: its URL can be reached") && !text.contains("secret-word"),
        "{text}"
    );
    let (whole, right) = (config(&[&url]), std::fs::read(&beat).expect("written"));
    file(directory.path(), "beat", b"\n");
    assert!(checked(&whole).contains("PROBLEM alerting beat: "), "{text}");
    file(directory.path(), "beat", &right);
    assert_eq!(get(&alertmanager.address, "/api/v2/alerts").trim(), "[]");

    let (status, text, said) = sent(&config(&[&url, &nowhere]));
    assert_eq!((status, said.as_str()), (1, ""), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[0].starts_with("ok ") && lines[0].contains("it goes to page"), "{text}");
    assert!(lines[1].starts_with("FAILED ") && lines[1].contains("no connection"), "{text}");
    assert!(lines[2].contains("left out") && !text.contains("secret-word"), "{text}");
    // What people get says that it is a test, and Alertmanager ends it, whoever is there then.
    alertmanager.wait_until_said("", &["firing"]);
    let notice = alertmanager.webhook.notices().pop().expect("a notice");
    assert!(notice.alert == NAME && notice.summary.contains("TEST, nothing is wrong"), "{notice:?}");
    let shown: Value = serde_json::from_str(&get(&alertmanager.address, "/api/v2/alerts")).expect("JSON");
    let time = |name: &str| {
        let text = shown[0][name].as_str().expect("a time");
        text.parse::<jiff::Timestamp>().expect("a time").as_second()
    };
    assert_eq!(time("endsAt") - time("startsAt"), 120, "{shown}");
    assert!(shown[0]["labels"]["test"].is_string(), "{shown}");
    // The service ends what it finds to be its own, and a test is none.
    let service = Sender::start(&[&url], "");
    for channel in ["tcp_local", "ims-ms", "process"] {
        service.fires(&[channel]);
        alertmanager.wait_until_said(channel, &["firing"]);
        service.fires(&[]);
        alertmanager.wait_until_said(channel, &["firing", "resolved"]);
    }
    let notices = alertmanager.webhook.notices().into_iter().filter(|notice| notice.alert == NAME);
    assert_eq!(notices.map(|notice| notice.status).collect::<Vec<_>>(), ["firing"]);
    drop(service);

    let (status, text, _) = sent(&config(&[&url]));
    assert_eq!(status, 0, "{text}");
    assert!(beats.try_recv().is_err(), "nobody asked for the URL");
}

/// Without any Alertmanager: somebody who takes it, a program that fails, and a syslog that is not there.
#[test]
fn receivers_of_other_kinds_hear_of_a_test_and_of_its_end() {
    let webhook = Webhook::start();
    let directory = tempfile::tempdir().expect("a temporary directory");
    let text = format!(
        "[alerting.webhook]\nurl = \"http://{}/hook\"\n[alerting.command]\nargv = [\"/usr/bin/false\"]\n\
         [alerting.syslog]\nto = \"{}/nobody\"\nseverities = [\"critical\"]\n",
        webhook.address,
        directory.path().display()
    );
    let config = file(directory.path(), "exporter.toml", text.as_bytes());
    let (_, text, _) = run(Install::new().check().args(["--config", &config]));
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for wanted in [
        "ok alerting webhook: it can be reached",
        "ok alerting command: /usr/bin/false is there; it was not run",
        "PROBLEM alerting syslog: ",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is not in {text}");
    }
    assert!(webhook.notices().is_empty());
    for (name, severity, wanted) in [
        (
            "ImsMtaQueueStuck",
            "critical",
            ["ok      webhook  took it", "FAILED  command  ", "FAILED  syslog   "],
        ),
        (
            "ImsMtaHeldMessages",
            "warning",
            ["ok      webhook  took it", "FAILED  command  ", "ok      syslog   left out"],
        ),
    ] {
        let before = webhook.notices().len();
        let (status, text, said) =
            run(Command::new(PROGRAM).args(["alerts", "--test", name, "--config", &config]));
        assert_eq!((status, said.as_str()), (1, ""), "{text}");
        assert_eq!(text.lines().count(), wanted.len(), "{text}");
        for (line, wanted) in text.lines().zip(wanted) {
            assert!(line.starts_with(wanted), "{severity}: {line}");
        }
        let notices = webhook.notices().split_off(before);
        let said: Vec<_> =
            notices.iter().map(|notice| (notice.alert.as_str(), notice.status.as_str())).collect();
        assert_eq!(said, [(name, "firing"), (name, "resolved")]);
    }
}
