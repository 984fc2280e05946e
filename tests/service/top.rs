//! The page of the busiest, as a person sees it.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::harness::{Install, Service, available, now, wait_for};
use super::pages::{ask, get};

/// From the entry to the page: what a person at 03:00 waits for.
const SOON: Duration = Duration::from_secs(10);

/// Entries of now: a flood from one address, one from a network, a guesser, a stolen account, and names that are programs.
fn flood(install: &Install) {
    let stamp = jiff::Zoned::now()
        .with_time_zone(jiff::tz::TimeZone::UTC)
        .strftime("%d-%b-%Y %H:%M:%S.00")
        .to_string();
    let mut lines = Vec::new();
    for n in 0..40 {
        lines.push(format!("{stamp} tcp_local + O TCP|192.0.2.1|25|198.51.100.77|{} SMTP", 2000 + n));
    }
    for n in 0..60 {
        lines.push(format!("{stamp} tcp_local + O TCP|192.0.2.1|25|203.0.113.{n}|4000 SMTP"));
    }
    for n in 0..5 {
        lines.push(format!(
            "{stamp} tcp_local + U TCP|192.0.2.1|25|192.0.2.66|{} SMTP Bad password *root 535 5.7.8 Bad username",
            3000 + n
        ));
        lines.push(format!(
            "{stamp} tcp_local - O TCP|192.0.2.1|{}|198.51.100.9|25 SMTP/<img/src=x/onerror=alert(1)>/mx.example",
            5000 + n
        ));
        lines.push(format!(
            "{stamp} tcp_submit   tcp_local    EEA 4 a@b.example rfc822;c@d.example c@d.example \
             /q/queue/tcp_local/ZZ{n:014}.00 <{n}@b.example> *<script>alert('{n}')</script> b.example (b.example [192.0.2.1])"
        ));
    }
    for n in 0..8 {
        lines.push(format!(
            "{stamp} tcp_submit   tcp_local    EEA 4 a@b.example rfc822;c@d.example c@d.example \
             /q/queue/tcp_local/ZY{n:014}.00 <{n}@c.example> *stolen@b.example b.example (b.example [192.0.2.1])"
        ));
    }
    install.append("mail.log_current", &(lines.join("\n") + "\n"));
}

fn started(label: &str) -> (Install, Service) {
    let install = Install::new();
    install.append("mail.log_current", "");
    let mut command = install.command();
    command.env("TZ", "UTC").env("IMSIMTA_EXPORTER__CLIENTS__LABEL", label);
    let service = Service::start(command);
    service.wait_for_sample("imsimta_exporter_ready", 1.0);
    (install, service)
}

/// A table of `/top.json`.
fn table(service: &Service, name: &str) -> Option<serde_json::Value> {
    let (_, body) = service.get("/top.json");
    let page: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    let tables = page["tables"].as_array().expect("tables").clone();
    tables.into_iter().find(|table| table["table"] == name)
}

fn first(service: &Service, name: &str) -> Option<(String, u64)> {
    let table = table(service, name)?;
    let row = table["rows"].get(0)?;
    Some((row["name"].as_str()?.to_owned(), row["count"].as_u64()?))
}

#[test]
fn the_busiest_of_every_kind_is_on_the_page() {
    let (install, service) = started("address");
    assert_eq!(table(&service, "client_connections"), None, "nobody knows before the log shows it");
    assert!(service.get("/top").1.contains("the log has not shown log_connection (+2) yet"));
    flood(&install);
    let row = |name: &str, count| Some((name.to_owned(), count));
    wait_for("the flood", SOON, || {
        (first(&service, "client_connections") == row("198.51.100.77", 40)).then_some(())
    });
    for (table, expected) in [
        ("client_network_connections", row("203.0.113.0/24", 60)),
        ("client_authentication_failures", row("192.0.2.66", 5)),
        ("client_network_authentication_failures", row("192.0.2.0/24", 5)),
        ("client_rejections", None),
        ("sender_enqueues", row("stolen@b.example", 8)),
        ("destination_open_connections", row("?img", 5)),
    ] {
        assert_eq!(first(&service, table), expected, "{table}");
    }
    let connections = table(&service, "client_connections").expect("known");
    let rows = connections["rows"].as_array().expect("rows");
    assert_eq!(
        (&connections["all"], &connections["max"], &connections["error_bound"], rows.len()),
        (&100.into(), &40.into(), &0.into(), 61)
    );
    let sockets = table(&service, "client_sockets").expect("sockets are read");
    assert_eq!(sockets["error_bound"], 0);
    let page = service.page();
    for sample in [
        r#"imsimta_client_connections{client="198.51.100.77"} 40"#,
        r#"imsimta_client_network_connections{network="203.0.113.0/24"} 60"#,
        "imsimta_client_network_connections_max 60",
        "imsimta_client_authentication_failures_max 5",
        "imsimta_client_network_authentication_failures_max 5",
        "imsimta_destination_open_connections_max 5",
        r#"imsimta_sender_enqueues{sender="stolen@b.example"} 8"#,
        "imsimta_sender_enqueues_max 8",
        r#"imsimta_top_error_bound{table="client_connections"} 0"#,
    ] {
        assert!(page.lines().any(|line| line == sample), "{sample} is not in {page}");
    }
}

/// No log is no log that does not show something.
#[test]
fn before_the_logs_are_read_nobody_says_what_they_lack() {
    let install = Install::new();
    let mut command = install.command();
    command.env("TZ", "UTC");
    let service = Service::start(command);
    let page = service.get("/top").1;
    assert!(page.contains("not known: the logs have not been read yet"), "{page}");
    assert!(!page.contains("the log has not shown"), "{page}");
    install.append("mail.log_current", "");
    wait_for("the log", SOON, || {
        let page = service.get("/top").1;
        (page.contains("the log has not shown log_connection (+2) yet")
            && !page.contains("the logs have not been read"))
        .then_some(())
    });
}

/// Names, addresses among them, are for this host: others get neither page.
#[test]
fn the_page_is_of_names() {
    let (_install, service) = started("address");
    for path in ["/top", "/top.json"] {
        assert_eq!(ask(&service, &get(path, "Host: 127.0.0.1\r\n")).0, 200, "{path}");
        assert_eq!(ask(&service, &get(path, "Host: evil.example\r\n")).0, 421, "{path}");
    }
}

#[test]
fn where_clients_are_not_shown_the_maximum_is() {
    let (install, service) = started("off");
    flood(&install);
    service.wait_for_sample("imsimta_client_connections_max", 40.0);
    let page = service.page();
    assert!(
        !page.contains("imsimta_client_connections{") && !page.contains("imsimta_sender_enqueues{"),
        "{page}"
    );
    assert!(page.contains("imsimta_sender_enqueues_max 8\n"), "{page}");
    let top = service.get("/top").1;
    assert!(top.contains("not shown (<code>clients.label</code>)"), "{top}");
    for hidden in ["198.51.100", "203.0.113", "192.0.2", "stolen"] {
        assert!(!top.contains(hidden), "{hidden} is in {top}");
    }
}

/// What a browser makes of a page, without a network beside this host.
fn seen(service: &Service, path: &str) -> String {
    let profile = tempfile::tempdir().expect("a directory");
    let mut command = Command::new("chromium");
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--dump-dom"]);
    command.arg(format!("--user-data-dir={}", profile.path().display()));
    command.arg(format!("http://{}{path}", service.address)).stdin(Stdio::null()).stderr(Stdio::null());
    let output = command.output().expect("started");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_browser_shows_the_busiest_client_soon_and_hostile_names_as_text() {
    if !available("chromium") {
        return;
    }
    let (install, service) = started("address");
    // It has to be in memory once: what follows is what a person waits for.
    let before = seen(&service, "/top");
    let refresh =
        before.split(r#"http-equiv="refresh" content=""#).nth(1).and_then(|rest| rest.split('"').next());
    let refresh =
        refresh.and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs).expect("it looks again");
    assert!(!before.contains("198.51.100.77"), "{before}");
    flood(&install);
    let start = now();
    let served = SOON.checked_sub(refresh).expect("it looks again soon");
    wait_for("the flood in the page", served, || {
        service.get("/top").1.contains("<td>198.51.100.77</td><td class=\"n\">40</td>").then_some(())
    });
    let dom = seen(&service, "/top");
    let took = start.elapsed();
    drop(writeln!(
        std::io::stderr(),
        "from the log to the browser: {took:?}, and {refresh:?} at most until it looks"
    ));
    assert!(dom.contains("<td>198.51.100.77</td><td class=\"n\">40</td>"), "{dom}");
    // The browser has read the names as text: no element and no attribute came of them, and the page has one script.
    for dom in [dom, seen(&service, "/")] {
        assert!(dom.contains("?script?alert('") && dom.contains("?img"), "{dom}");
        // The one script of the page ran: its policy lets it.
        assert!(dom.contains("role=\"status\""), "{dom}");
        let dom = dom.replacen("<script src=\"/live.js\"", "", 1);
        for element in ["<script", "<img", "onerror=\""] {
            assert!(!dom.contains(element), "{element} is in {dom}");
        }
    }
}
