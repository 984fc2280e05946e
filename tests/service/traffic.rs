//! What the pages show of a living MTA.

use std::process::{Command, Stdio};

use super::harness::{Install, PROGRAM, available, run, value_of};

const MANUAL: &str = include_str!("../fixtures/manual-2005q4.log");
const PRODUCTION: &str = include_str!("../fixtures/production-2019.log");
const XML: &str = include_str!("../fixtures/xml.log");

#[test]
fn counts_of_the_samples_and_gauges_of_the_queue() {
    let install = Install::new();
    install.append("mail.log_current", "");
    let service = install.start();
    service.wait_for_sample("imsimta_exporter_ready", 1.0);
    // Channels with a queue directory have counters before their first entry.
    service.wait_for_sample(r#"imsimta_delivery_attempts_total{channel="ims-ms"}"#, 0.0);

    install.append("mail.log_current", MANUAL);
    install.append("mail.log_current", XML);
    install.append("connection.log_current", PRODUCTION);
    std::fs::write(install.queue("tcp_local/000/ZZf0r4i0Wdy51.01"), "m;a@b.example").expect("written");
    std::fs::write(install.queue("tcp_local/000/ZYf0r4i0Wdy52.01"), "12345").expect("written");
    std::fs::write(install.queue("ims-ms/ZZ0HXZ00G0EBRBCP.HELD"), "").expect("written");

    let page = service.wait_for_sample(r#"imsimta_queue_messages{channel="tcp_local"}"#, 2.0);
    let page = if value_of(&page, r#"imsimta_log_lines_total{log="connection.log_current"}"#) == Some(15.0) {
        page
    } else {
        service.wait_for_sample(r#"imsimta_log_lines_total{log="connection.log_current"}"#, 15.0)
    };
    for (sample, value) in [
        (r#"imsimta_log_lines_total{log="mail.log_current"}"#, 57.0),
        (r#"imsimta_log_entries_total{code="E"}"#, 29.0),
        (r#"imsimta_log_entries_total{code="D"}"#, 19.0),
        (r#"imsimta_log_entries_total{code="Q"}"#, 5.0),
        (r#"imsimta_log_entries_total{code="R"}"#, 2.0),
        (r#"imsimta_log_entries_total{code="J"}"#, 1.0),
        (r#"imsimta_log_entries_total{code="U"}"#, 2.0),
        (r#"imsimta_log_skipped_lines_total{log="connection.log_current",reason="header"}"#, 4.0),
        (r#"imsimta_log_skipped_lines_total{log="mail.log_current",reason="header"}"#, 1.0),
        (r#"imsimta_log_unparsed_lines_total{log="mail.log_current",reason="no_action"}"#, 0.0),
        (r#"imsimta_enqueue_rejections_total{channel="tcp_local",reason="relay_denied"}"#, 1.0),
        (r#"imsimta_queue_attempt_messages{attempt="0",channel="tcp_local"}"#, 1.0),
        (r#"imsimta_queue_attempt_messages{attempt="1",channel="tcp_local"}"#, 1.0),
        (r#"imsimta_queue_bytes{channel="tcp_local"}"#, 18.0),
        (r#"imsimta_queue_held_messages{channel="ims-ms",reason="unclassified"}"#, 1.0),
        (r#"imsimta_queue_messages{channel="ims-ms"}"#, 0.0),
        (r#"imsimta_collector_success{collector="log"}"#, 1.0),
        (r#"imsimta_collector_success{collector="queue"}"#, 1.0),
        ("imsimta_mta_active", 1.0),
    ] {
        assert_eq!(value_of(&page, sample), Some(value), "{sample}");
    }

    // A retry renames, a delivery deletes, and a channel that vanishes vanishes from the page.
    let from = install.queue("tcp_local/000/ZZf0r4i0Wdy51.01");
    std::fs::rename(from, install.queue("tcp_local/000/ZYf0r4i0Wdy51.01")).expect("renamed");
    service.wait_for_sample(r#"imsimta_queue_attempt_messages{attempt="1",channel="tcp_local"}"#, 2.0);
    std::fs::remove_dir_all(install.queue("ims-ms")).expect("removed");
    service.wait_for("no ims-ms", |page| {
        value_of(page, r#"imsimta_queue_messages{channel="ims-ms"}"#).is_none()
    });
}

#[test]
fn promtool_accepts_the_page() {
    if !available("promtool") {
        return;
    }
    let install = Install::new();
    install.append("mail.log_current", "");
    let service = install.start();
    service.wait_for_sample("imsimta_exporter_ready", 1.0);
    install.append("mail.log_current", MANUAL);
    install.append("connection.log_current", PRODUCTION);
    std::fs::write(install.queue("tcp_local/000/ZZf0r4i0Wdy51.01"), "x").expect("written");
    service.wait_for_sample(r#"imsimta_log_lines_total{log="connection.log_current"}"#, 15.0);
    let page = service.wait_for_sample(r#"imsimta_queue_messages{channel="tcp_local"}"#, 1.0);

    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = promtool.spawn().expect("started");
    let mut stdin = child.stdin.take().expect("piped");
    std::io::Write::write_all(&mut stdin, page.as_bytes()).expect("written");
    drop(stdin);
    let output = child.wait_with_output().expect("ended");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
}

#[test]
fn processes_below_the_root_are_seen() {
    let install = Install::new();
    std::fs::copy("/bin/sleep", install.path("root/lib/dispatcher")).expect("copied");
    let mut dispatcher =
        Command::new(install.path("root/lib/dispatcher")).arg("1000").spawn().expect("started");
    let service = install.start();
    service.wait_for_sample(r#"imsimta_processes{process="dispatcher"}"#, 1.0);
    service.wait_for_sample(r#"imsimta_processes{process="job_controller"}"#, 0.0);
    dispatcher.kill().expect("killed");
    dispatcher.wait().expect("ended");
    service.wait_for_sample(r#"imsimta_processes{process="dispatcher"}"#, 0.0);
}

#[test]
fn pages_and_methods() {
    let install = Install::new();
    install.append("mail.log_current", "");
    let service = install.start();
    service.wait_for_sample("imsimta_exporter_ready", 1.0);
    for (method, path, status) in [
        ("GET", "/metrics", "200"),
        ("HEAD", "/metrics", "200"),
        ("POST", "/metrics", "405"),
        ("GET", "/", "200"),
        ("GET", "/-/healthy", "200"),
        ("GET", "/-/ready", "200"),
        ("DELETE", "/-/healthy", "405"),
        ("GET", "/nothing", "404"),
        ("GET", "/../../etc/passwd", "404"),
    ] {
        let (head, body) = service.request(method, path);
        assert!(head.contains(&format!(" {status} ")), "{method} {path}: {head}");
        assert_eq!(method == "HEAD", body.is_empty() && status == "200", "{method} {path}");
    }
    let (head, _) = service.get("/metrics");
    assert!(
        head.to_ascii_lowercase().contains("content-type: text/plain; version=0.0.4; charset=utf-8"),
        "{head}"
    );
    let healthcheck = |listen: &str| run(Command::new(PROGRAM).args(["healthcheck", "--listen", listen])).0;
    assert_eq!(healthcheck(&service.address.to_string()), 0);
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("bound").local_addr().expect("bound");
    assert_eq!(healthcheck(&free.to_string()), 1);
    let (_, status) = service.get("/");
    for text in ["mail.log_current", "connection.log_current", "no such file yet", "Ready.", "is read"] {
        assert!(status.contains(text), "{text}: {status}");
    }
}
