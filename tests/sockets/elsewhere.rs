//! The network of the MTA's host where this process has another one.

use std::net::TcpListener;
use std::process::Command;

use expect_test::expect_file;

use crate::service::harness::{Install, PROGRAM, Service, available, words_of};

/// Tables of a network as the kernel writes them: a `proc` whose process 1 has another network than this one.
const PROC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/proc");

fn install() -> Install {
    let install = Install::new();
    install.append("mail.log_current", "");
    std::fs::create_dir(install.path("root/config")).expect("made");
    let cnf = include_str!("../fixtures/dispatcher/dispatcher.cnf");
    std::fs::write(install.path("root/config/dispatcher.cnf"), cnf).expect("written");
    install
}

#[test]
fn a_page_from_tables_of_another_network() {
    let install = install();
    let mut command = install.command();
    command.args(["--proc", PROC]);
    let service = Service::start(command);
    let page = service.wait_for("sockets and services", |page| {
        page.contains(r#"imsimta_connections_used{service="lmtpss"}"#)
            && page.contains("imsimta_tcp_listen_drops_total ")
    });
    let ours = [
        "imsimta_smtp_sockets",
        "imsimta_smtp_outbound",
        "imsimta_smtp_listen",
        "imsimta_smtp_ports",
        "imsimta_client_sockets",
        "imsimta_tcp_",
        "imsimta_connections_used",
        "imsimta_connections_limit",
        "imsimta_service_",
        "imsimta_services_",
    ];
    let lines = page
        .lines()
        .filter(|line| ours.iter().any(|name| line.trim_start_matches("# TYPE ").starts_with(name)));
    let shown: String = lines.flat_map(|line| [line, "\n"]).collect();
    expect_file!["elsewhere.prom"].assert_eq(&shown);
}

#[test]
fn check_says_what_cannot_be_known_there() {
    let (_, text) = words_of(install().check().env("IMSIMTA_EXPORTER__MTA__PROC", PROC));
    for part in [
        "somebody listens on 25, 587",
        "nobody listens on 225, 465 (sockets.ports)",
        "the MTA's host has another network than this process, so its sockets are read from",
        "how long listen queues may get is not known there",
        "limits are known of smtp (100 connections), smtp_submit (200 connections)",
        "how many connections lmtpss takes at once is not known (MAX_CONNS of lmtpss is unclear)",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// The loopback of this process is not that of the MTA's host: nothing is said of its ports.
#[test]
fn ports_of_another_network_are_not_probed() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a listener");
    let port = listener.local_addr().expect("an address").port().to_string();
    let install = install();
    let mut command = install.command();
    command.args(["--proc", PROC]).env("IMSIMTA_EXPORTER__PROBE__PORTS", &port);
    let service = Service::start(command);
    let page = service.wait_for_sample("imsimta_collector_success{collector=\"probe\"}", 0.0);
    assert!(!page.contains("imsimta_probe_"), "{page}");
    let mut command = install.check();
    command.env("IMSIMTA_EXPORTER__MTA__PROC", PROC).env("IMSIMTA_EXPORTER__PROBE__PORTS", port);
    let (_, text) = words_of(&mut command);
    let said = "PROBLEM probe the MTA's host has another network than this process, so its ports cannot be reached by \
                loopback";
    assert!(text.contains(said), "{text}");
    listener.set_nonblocking(true).expect("set");
    assert!(listener.accept().is_err(), "somebody has asked");
}

/// Netlink would answer for the network of who asks.
#[test]
fn who_has_a_network_of_its_own_sees_that_of_the_host() {
    if !available("unshare") || !rustix::process::geteuid().is_root() {
        return;
    }
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a listener");
    let port = listener.local_addr().expect("an address").port();
    let mut command = Command::new("unshare");
    command.args(["--net", PROGRAM]).env("IMSIMTA_EXPORTER__SOCKETS__PORTS", port.to_string());
    let install = install();
    install.check_arguments(&mut command);
    let (_, text) = words_of(&mut command);
    assert!(text.contains(&format!("somebody listens on {port}")), "{text}");
    assert!(text.contains("the MTA's host has another network than this process"), "{text}");
}
