//! The status page begins with one sentence: whether mail flows.

use std::fmt::Write as _;

use super::harness::{DEADLINE, Install, Service, now, pause, wait_for};

/// What the page says before anything was logged.
const UNKNOWN: &str = "note: It is not known yet whether mail flows: nothing was logged in the ";

/// The first sentence of the page, with its class. A host whose disk is nearly full says so before it says that all
/// is well, and this may be one: what is no alarm may then stand further down.
fn sentence(service: &Service) -> String {
    let (_, page) = service.get("/");
    let body = page.split_once("<main>").expect("a page").1;
    let heading = body.strip_prefix("<h1 class=\"").expect("the sentence comes first");
    let (first, others) = heading.split_once("</h1>").expect("a sentence");
    let well =
        others.split("<span class=\"").skip(1).find(|one| one.starts_with("note") || one.starts_with("good"));
    let shown = match well {
        Some(well) if first.contains("The file system of") => well.split("</span>").next().unwrap_or(well),
        _ => first,
    };
    shown.replace("\">", ": ")
}

#[track_caller]
fn wait_for_sentence(service: &Service, wanted: &str) {
    let deadline = now() + DEADLINE;
    loop {
        let found = sentence(service);
        if found.contains(wanted) {
            return;
        }
        assert!(now() < deadline, "never: {wanted}, but: {found}");
        pause();
    }
}

/// Entries of now, one a recipient.
fn entries(count: usize, channel: &str, code: &str, end: &str) -> String {
    let now = jiff::Zoned::now().strftime("%d-%b-%Y %H:%M:%S.00").to_string();
    let mut text = String::new();
    for number in 0..count {
        let to = format!("b{number}@d{}.example", number % 10);
        writeln!(text, "{now} {channel} {code} 1 a@siroe.example rfc822;{to} {to}{end}").expect("in memory");
    }
    text
}

#[test]
fn the_sentence_follows_what_happens() {
    let install = Install::new();
    install.append("mail.log_current", "");
    // What a real process table has, nobody here does.
    let mut command = install.command();
    command.env("IMSIMTA_EXPORTER__PROCESSES__NAMES", "nothing");
    let service = Service::start(command);
    wait_for_sentence(&service, UNKNOWN);

    install.append("mail.log_current", &entries(30, "ims-ms", "D", ""));
    wait_for_sentence(&service, "good: Mail is going out.");

    let dns = " DNS lookup failed: temporary error from nameserver";
    install.append("mail.log_current", &entries(60, "tcp_local", "Q", dns));
    wait_for_sentence(
        &service,
        "critical: tcp_local: 100 % of attempts failed in the last minute, mostly dns_temporary.",
    );

    // Programs read the same, and the page of the channel plots it.
    let told = wait_for("the sentence as JSON", DEADLINE, || {
        let told: serde_json::Value = serde_json::from_str(&service.get("/api/status").1).expect("JSON");
        Some(told).filter(|told| told["severity"] == "critical")
    });
    let row =
        told["channels"].as_array().and_then(|rows| rows.iter().find(|row| row["channel"] == "tcp_local"));
    let row = row.expect("a row");
    assert_eq!((&row["attempts"], &row["main_reason"]), (&60.into(), &"dns_temporary".into()), "{told}");
    assert_eq!(told["findings"][0]["runbook"], "/runbooks/ImsMtaDeliveryFailureSpike", "{told}");
    wait_for("a plot", DEADLINE, || service.get("/channel/tcp_local").1.contains("<svg").then_some(()));

    std::fs::rename(install.queue(""), install.path("root/data/elsewhere")).expect("renamed");
    install.append("mail.log_current", &entries(90, "tcp_local", "D", ""));
    wait_for_sentence(&service, "critical: The queue cannot be read: cannot open the queue directory");
    let (_, page) = service.get("/");
    assert!(page.contains("Mail is going out."), "{page}");
    assert!(page.contains("is read") && !page.contains(">works"), "{page}");
}

/// What a site sets in `[alerting.thresholds]` decides, and what to do goes by the reason.
#[test]
fn a_threshold_of_the_configuration_changes_the_sentence() {
    for (share, wanted) in [
        ("0.5", "good: Mail is going out."),
        ("0.25", "critical: tcp_local: 30 % of attempts failed in the last minute, mostly dns_temporary."),
    ] {
        let install = Install::new();
        install.append("mail.log_current", "");
        let mut command = install.command();
        command.env("IMSIMTA_EXPORTER__PROCESSES__NAMES", "nothing");
        command.env("IMSIMTA_EXPORTER__ALERTING__THRESHOLDS__FAILING_SHARE", share);
        let service = Service::start(command);
        wait_for_sentence(&service, UNKNOWN);
        let dns = " DNS lookup failed: temporary error from nameserver";
        let failed = entries(30, "tcp_local", "Q", dns);
        install.append("mail.log_current", &(entries(70, "tcp_local", "D", "") + &failed));
        wait_for_sentence(&service, wanted);
        if share == "0.25" {
            let (_, page) = service.get("/");
            assert!(page.contains("Look at the resolvers of this host"), "{page}");
            assert!(page.contains("Runbook: <a href=\"/runbooks/ImsMtaDeliveryFailureSpike\">"), "{page}");
        }
    }
}

/// Held messages that come by the dozen page, as the alert about them does; those that are there do not.
#[test]
fn a_mail_loop_that_goes_on_is_critical() {
    let install = Install::new();
    install.append("mail.log_current", "");
    let directory = install.queue("tcp_local/000");
    std::fs::create_dir_all(&directory).expect("created");
    let hold = |numbers: std::ops::Range<u32>| {
        for number in numbers {
            let name = format!("ZZ0PF1100E2P4{number:03}.HELD");
            std::fs::write(directory.join(name), "m;a@b.example\n").expect("written");
        }
    };
    hold(0..20);
    let mut command = install.command();
    command.env("IMSIMTA_EXPORTER__PROCESSES__NAMES", "nothing");
    command.env("IMSIMTA_EXPORTER__QUEUE__INTERVAL", "1s");
    command.env("IMSIMTA_EXPORTER__ALERTING__THRESHOLDS__HELD_SURGE", "11");
    let service = Service::start(command);
    wait_for_sentence(
        &service,
        "warning: tcp_local: 20 held messages, which nothing delivers until somebody looks.",
    );
    hold(20..31);
    wait_for_sentence(&service, "warning: tcp_local: 31 held messages");
    hold(31..32);
    wait_for_sentence(
        &service,
        "critical: tcp_local: 12 more held messages than ten minutes ago, as in a mail loop.",
    );
    let (_, page) = service.get("/");
    assert!(
        page.contains("32 are there.") && page.contains("<code>imsimta qm stop tcp_local</code>"),
        "{page}"
    );
    assert!(page.contains("Runbook: <a href=\"/runbooks/ImsMtaHeldMessagesSurge\">"), "{page}");
}

#[test]
fn mail_that_comes_in_and_goes_not_out_is_said() {
    let install = Install::new();
    install.append("mail.log_current", "");
    let mut command = install.command();
    command.env("IMSIMTA_EXPORTER__PROCESSES__NAMES", "nothing");
    let service = Service::start(command);
    wait_for_sentence(&service, UNKNOWN);
    install.append("mail.log_current", &entries(25, "tcp_local ims-ms", "E", ""));
    wait_for_sentence(&service, "critical: Mail waits in ims-ms and no delivery was tried so far.");
}

#[test]
fn a_host_without_its_processes_says_which() {
    let install = Install::new();
    install.append("mail.log_current", "");
    let service = install.start();
    wait_for_sentence(&service, "critical: The MTA is down: no job_controller runs, and no dispatcher.");
}

#[test]
fn logs_that_cannot_be_read_are_no_mail_that_flows() {
    let install = Install::new();
    std::fs::create_dir(install.log("mail.log_current")).expect("made");
    let mut command = install.command();
    command.env("IMSIMTA_EXPORTER__PROCESSES__NAMES", "nothing");
    let service = Service::start(command);
    wait_for_sentence(&service, "critical: The logs cannot be read: ");
}

/// Names of channels and files come from outside.
#[test]
fn hostile_names_are_text() {
    let install = Install::new();
    std::fs::create_dir_all(install.queue("<script>alert(1)<\\script>")).expect("made");
    std::fs::write(install.queue("<script>alert(1)<\\script>/ZZ0f4i0Wdy51.00"), "").expect("written");
    install.append("mail.log_current", "");
    let service = install.start();
    service.wait_for_sample("imsimta_exporter_ready", 1.0);
    install.append("mail.log_current", &entries(30, "<b>bold</b>", "Q", " Mailbox is busy"));
    let page = wait_for("the channels", DEADLINE, || {
        Some(service.get("/").1).filter(|page| page.contains("script") && page.contains("bold"))
    });
    let page = page.replacen("<script src=\"/live.js\"", "", 1);
    assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
    // The page of the channel is found under its name, and shows that as text.
    let link = page.split("href=\"/channel/").skip(1).map(|rest| rest.split('"').next().unwrap_or_default());
    let link = link.into_iter().find(|link| link.contains("bold")).expect("a link to the channel");
    let (head, page) = service.get(&format!("/channel/{link}"));
    let page = page.replacen("<script src=\"/live.js\"", "", 1);
    assert!(head.contains(" 200 ") && page.contains("bold"), "{head}{page}");
    assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
    for nothing in ["/channel/", "/channel/nothing", "/channel/a/b", "/channel/..%2F..%2Fetc"] {
        assert!(service.get(nothing).0.contains(" 404 "), "{nothing}");
    }
}
