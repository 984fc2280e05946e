//! A real Prometheus beside this program, with rules that make the same alerts.

use super::prometheus::{Process, argument, free_address};
use super::site::{Alertmanager, NAME, RESEND, Sender, US, file, has_alertmanager};
use crate::service::harness::{DEADLINE, available, wait_for};

/// `CHANNEL: expression` of each alert.
fn start(directory: &std::path::Path, alertmanager: &Alertmanager, alerts: &[(&str, String)]) -> Process {
    let rule = |(channel, expression): &(&str, String)| {
        format!(
            "{{alert: {NAME}, expr: '{expression}', labels: {{severity: critical, job: imsimta, \
             instance: 'mx1:9797', cluster: eu, channel: {channel}}}}}"
        )
    };
    let rules: Vec<_> = alerts.iter().map(rule).collect();
    let rules = format!("groups: [{{name: g, interval: 1s, rules: [{}]}}]\n", rules.join(", "));
    let rules = file(directory, "rules.yml", rules.as_bytes());
    let configuration = format!(
        "rule_files: [{rules}]\nalerting: {{alertmanagers: [{{static_configs: [{{targets: ['{}']}}]}}]}}\n",
        alertmanager.address
    );
    file(directory, "prometheus.yml", configuration.as_bytes());
    let arguments = [
        argument("config.file", &directory.join("prometheus.yml")),
        argument("storage.tsdb.path", &directory.join("data")),
        format!("--rules.alert.resend-delay={}s", RESEND.as_secs()),
        format!("--web.listen-address={}", free_address("127.0.0.1")),
    ];
    Process::start("prometheus", &arguments)
}

#[test]
fn one_page_whoever_is_first_and_when_prometheus_dies() {
    if !has_alertmanager() || !available("prometheus") {
        return;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let alertmanager = Alertmanager::start();
    let sender = Sender::start(&[&alertmanager.url()], "");
    sender.fires(&["ours_first"]);
    alertmanager.wait_for_speaker("ours_first", Some(US));

    let end = jiff::Timestamp::now().as_second() + 20;
    let always = "vector(1)".to_owned();
    let prometheus = start(
        directory.path(),
        &alertmanager,
        &[("ours_first", always.clone()), ("ends", format!("vector(time()) < {end}")), ("dies", always)],
    );
    let theirs = |channel: &str| {
        wait_for(&format!("{channel}: Prometheus speaks"), DEADLINE, || {
            alertmanager.speaker(channel).filter(|speaker| speaker != US).map(drop)
        });
    };
    let all = ["ours_first", "ends", "dies"];
    theirs("ends");
    theirs("dies");
    sender.fires(&all);
    all.into_iter().for_each(theirs);
    wait_for("it keeps still", RESEND * 5, || (sender.told(0).of_another == Some(3)).then_some(()));
    // Prometheus says that it has ended, again and again, while it still holds here.
    alertmanager.wait_until_said("ends", &["firing", "resolved"]);

    drop(prometheus);
    for channel in ["ours_first", "dies"] {
        alertmanager.wait_for_speaker(channel, Some(US));
        assert_eq!(alertmanager.said(channel), ["firing"]);
    }
    sender.fires(&[]);
    for channel in all {
        alertmanager.wait_until_said(channel, &["firing", "resolved"]);
    }
}
