//! The program itself, with an Alertmanager and without a Prometheus.

use std::time::Duration;

use serde_json::Value;

use super::prometheus::get;
use super::receivers::{Taker, is_gone, program};
use super::site::{Alertmanager, US, file, has_alertmanager};
use crate::service::harness::{DEADLINE, Install, Service, now, wait_for};

const SPIKE: &str = "ImsMtaDeliveryFailureSpike";

fn start(install: &Install, alertmanager: &Alertmanager) -> Service {
    let mut command = install.command();
    command
        .env("IMSIMTA_EXPORTER__PROCESSES__NAMES", "nothing")
        .env("IMSIMTA_EXPORTER__ALERTING__ALERTMANAGERS", alertmanager.url())
        .env("IMSIMTA_EXPORTER__ALERTING__LABELS", "instance=mx1:9797,cluster=eu");
    Service::start(command)
}

fn failures(channel: &str, count: usize) -> String {
    let stamp = jiff::Zoned::now().strftime("%d-%b-%Y %H:%M:%S.00").to_string();
    let line = |number: usize| {
        let to = format!("b@d{number}.example");
        format!("{stamp} {channel} Q 1 a@siroe.example rfc822;{to} {to} No route to host\n")
    };
    (0..count).map(line).collect()
}

/// The spike, as the API of Alertmanager has it.
fn spike(alertmanager: &Alertmanager) -> Option<Value> {
    let alerts: Vec<Value> = serde_json::from_str(&get(&alertmanager.address, "/api/v2/alerts")).ok()?;
    alerts.into_iter().find(|alert| alert["labels"]["alertname"] == SPIKE)
}

/// From the entry that makes it true to the API of Alertmanager; a kill and a restart are no news to it.
#[test]
fn without_prometheus_a_spike_is_there_within_three_seconds_and_a_kill_ends_nothing() {
    if !has_alertmanager() {
        return;
    }
    let (install, alertmanager) = (Install::new(), Alertmanager::start());
    install.append("mail.log_current", "");
    let service = start(&install, &alertmanager);
    let reached = format!(
        "imsimta_notification_last_success_timestamp_seconds{{receiver=\"{}\"}}",
        alertmanager.address
    );
    service.wait_for("it reaches Alertmanager", |page| page.contains(&reached));
    service.wait_for_sample(
        &format!("imsimta_alert_state{{alertname=\"{SPIKE}\",channel=\"\",severity=\"critical\"}}"),
        0.0,
    );
    install.append("mail.log_current", &failures("tcp_local", 40));
    let began = now();
    let alert = wait_for("the spike", DEADLINE, || spike(&alertmanager));
    let took = began.elapsed();
    assert!(took < Duration::from_secs(3), "{took:?}");
    drop(std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("spike after {took:?}\n")));
    assert_eq!(alert["generatorURL"], US);
    let labels = serde_json::json!({"alertname": SPIKE, "severity": "critical", "channel": "tcp_local", "job": "imsimta",
                                    "instance": "mx1:9797", "cluster": "eu"});
    assert_eq!(alert["labels"], labels);
    let annotations = &alert["annotations"];
    assert_eq!(annotations["runbook_url"], format!("http://mx1:9797/runbooks/{SPIKE}"));
    let summary = annotations["summary"].as_str().expect("words");
    assert!(summary.starts_with("mx1:9797: tcp_local: 100 % of attempts failed in "), "{summary}");
    alertmanager.wait_until_said("tcp_local", &["firing"]);
    let (_, page) = service.get("/");
    assert!(page.contains("Who is told of alerts") && page.contains("is told"), "{page}");

    service.wait_for("a state with it", |_| {
        let state = std::fs::read(install.path("state").join("state")).unwrap_or_default();
        state.windows(SPIKE.len()).any(|part| part == SPIKE.as_bytes())
    });
    service.kill();
    let service = start(&install, &alertmanager);
    service.wait_for("it reaches Alertmanager", |page| page.contains(&reached));
    assert_eq!(spike(&alertmanager).expect("it goes on")["generatorURL"], US);
    assert_eq!(alertmanager.said("tcp_local"), ["firing"]);
}

/// A kill while it fires is no second page, and what comes later finds its group as it was told.
#[test]
fn a_webhook_hears_once_of_what_fires_over_a_kill() {
    let (install, taker) = (Install::new(), Taker::start());
    let start = || {
        let mut command = install.command();
        command
            .env("IMSIMTA_EXPORTER__PROCESSES__NAMES", "nothing")
            .env("IMSIMTA_EXPORTER__ALERTING__WEBHOOK__URL", &taker.url)
            .env("IMSIMTA_EXPORTER__ALERTING__WEBHOOK__SEVERITIES", "critical")
            .env("IMSIMTA_EXPORTER__ALERTING__WEBHOOK__GROUP_WAIT", "1s");
        Service::start(command)
    };
    let state = |channel: &str| {
        format!("imsimta_alert_state{{alertname=\"{SPIKE}\",channel=\"{channel}\",severity=\"critical\"}}")
    };
    install.append("mail.log_current", "");
    let service = start();
    service.wait_for_sample(&state(""), 0.0);
    install.append("mail.log_current", &failures("tcp_local", 40));
    taker.wait_until_taken(&["firing: tcp_local=firing"]);
    let head = &taker.heads()[0];
    assert!(head.starts_with("POST / HTTP/1.1\r\n"), "{head}");
    // A label stands in the state where it is what was told.
    service.wait_for("a state with it", |_| {
        let state = std::fs::read(install.path("state").join("state")).unwrap_or_default();
        state.windows(9).any(|part| part == b"alertname")
    });
    service.kill();
    let service = start();
    service.wait_for_sample(&state("tcp_local"), 2.0);
    install.append("mail.log_current", &failures("tcp_intranet", 40));
    service.wait_for_sample(&state("tcp_intranet"), 2.0);
    taker.wait_until_taken(&["firing: tcp_local=firing", "firing: tcp_intranet=firing tcp_local=firing"]);
    let sent = "imsimta_notifications_sent_total{receiver=\"webhook\",state=\"firing\"}";
    service.wait_for_sample(sent, 2.0);
    let (_, page) = service.get("/");
    assert!(page.contains("Who is told of alerts") && page.contains("webhook"), "{page}");
}

/// Neither on a page nor in the log; and a command that hangs holds up no end.
#[test]
fn secrets_are_shown_nowhere_and_what_runs_ends_with_the_program() {
    let install = Install::new();
    let directory = tempfile::tempdir().expect("a temporary directory");
    let page = program(
        directory.path(),
        r#"echo $$ >"${0%/*}/part"; mv "${0%/*}/part" "${0%/*}/pid"; sleep 1000 & wait"#,
    );
    let mut command = install.command();
    command
        .env("IMSIMTA_EXPORTER_LOG", "trace")
        .env("IMSIMTA_EXPORTER__PROCESSES__NAMES", "nothing")
        .env(
            "IMSIMTA_EXPORTER__ALERTING__WEBHOOK__URL_FILE",
            file(directory.path(), "url", b"http://127.0.0.1:1/secret-word"),
        )
        .env(
            "IMSIMTA_EXPORTER__ALERTING__WEBHOOK__TOKEN_FILE",
            file(directory.path(), "token", b"secret-word"),
        )
        .env("IMSIMTA_EXPORTER__ALERTING__WEBHOOK__GROUP_WAIT", "0s")
        .env("IMSIMTA_EXPORTER__ALERTING__COMMAND__ARGV", format!("{page},--team,mail"))
        .env("IMSIMTA_EXPORTER__ALERTING__COMMAND__GROUP_WAIT", "0s");
    install.append("mail.log_current", "");
    let mut service = Service::start(command);
    service.wait_for("a first look", |page| page.contains("imsimta_alert_state{"));
    install.append("mail.log_current", &failures("tcp_local", 40));
    service.wait_for_log("is not told of alerts");
    let pid = wait_for("it runs", DEADLINE, || std::fs::read_to_string(directory.path().join("pid")).ok());
    for path in ["/", "/metrics", "/api/alerts"] {
        let (_, page) = service.get(path);
        assert!(!page.contains("secret-word") && !page.is_empty(), "{path}: {page}");
    }
    assert!(service.get("/").1.contains("cannot be told"));
    assert!(!service.heard().contains("secret-word"), "{}", service.heard());
    let (status, took) = service.stop();
    assert!(status.success() && took < Duration::from_secs(2), "{status}, {took:?}");
    wait_for("its end", DEADLINE, || is_gone(&pid).then_some(()));
}
