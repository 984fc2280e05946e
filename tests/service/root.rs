//! A service that root starts.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::harness::{Install, Service, run, value_of};
use super::state::{Mailsrv, has_users};

/// A line of `/proc/PID/status`, without its name.
fn status(service: &Service, name: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{}/status", service.id())).expect("it runs");
    let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("a line");
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn root_becomes_the_owner_of_the_queue() {
    if !has_users() {
        return;
    }
    let mailsrv = Mailsrv::new();
    let service = Service::start(mailsrv.as_root());
    let page = service.wait_for_sample("imsimta_exporter_ready", 1.0);
    let user = mailsrv.owner("root/data/queue");
    let four = [user; 4].map(|id| id.to_string()).join(" ");
    assert_eq!(status(&service, "Uid:"), four);
    assert_eq!(status(&service, "Gid:"), four);
    assert_eq!(status(&service, "Groups:"), user.to_string());
    assert_eq!(status(&service, "NoNewPrivs:"), "1");
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"] {
        assert_eq!(status(&service, set).trim_start_matches('0'), "", "{set}");
    }
    // Every thread, and it still knows itself.
    for thread in fs::read_dir(format!("/proc/{}/task", service.id())).expect("it runs") {
        let text = fs::read_to_string(thread.expect("a thread").path().join("status")).expect("read");
        assert!(text.contains(&format!("Uid:\t{user}\t{user}\t{user}\t{user}")), "{text}");
    }
    assert!(value_of(&page, "process_open_fds").is_some_and(|fds| fds > 0.0), "{page}");
    // A directory that was not there is that user's.
    assert_eq!(mailsrv.owner("state"), user);
    assert!(service.stop().0.success());
    assert_eq!(mailsrv.owner("state/state"), user);
}

/// Whoever owns the log directory can put a link there.
#[test]
fn a_link_to_a_file_of_root_shows_nothing_of_it() {
    if !has_users() {
        return;
    }
    let mailsrv = Mailsrv::new();
    let secret = mailsrv.install.path("secret");
    fs::write(&secret, "root:$6$hash:19000:0:99999:7:::\n").expect("written");
    fs::set_permissions(&secret, PermissionsExt::from_mode(0o600)).expect("set");
    fs::remove_file(mailsrv.install.log("mail.log_current")).expect("removed");
    symlink(&secret, mailsrv.install.log("mail.log_current")).expect("linked");
    let mut command = mailsrv.as_root();
    command.env("IMSIMTA_EXPORTER__LOGS__START", "beginning");
    let service = Service::start(command);
    service.wait_for_sample(r#"imsimta_collector_success{collector="log"}"#, 0.0);
    for path in ["/metrics", "/", "/debug/unparsed"] {
        let (_, body) = service.get(path);
        assert!(!body.contains("hash"), "{path}: {body}");
    }
    let page = service.page();
    assert_eq!(value_of(&page, r#"imsimta_log_lines_total{log="mail.log_current"}"#), None, "{page}");
}

#[test]
fn root_with_nobody_to_become_is_told_what_to_do() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let install = Install::new();
    install.append("mail.log_current", "");
    let start = |change: fn(&mut std::process::Command)| {
        let mut command = install.command();
        command.env_remove("IMSIMTA_EXPORTER__MTA__AS_ROOT");
        change(&mut command);
        run(&mut command)
    };
    for (change, why) in [
        (
            (|command| {
                command.env("IMSIMTA_EXPORTER__MTA__USER", "root");
            }) as fn(&mut std::process::Command),
            "mta.user is root",
        ),
        (|_| {}, "root owns the MTA's directories"),
    ] {
        let (code, _, said) = start(change);
        assert_eq!(code, 64, "{said}");
        assert!(
            said.contains(why) && said.contains("sudo -u mailsrv") && said.contains("--as-root"),
            "{said}"
        );
    }
    fs::remove_dir_all(install.path("root/data")).expect("removed");
    let (code, _, said) = start(|_| {});
    assert_eq!(code, 64, "{said}");
    assert!(said.contains("can be looked at"), "{said}");
    assert!(!install.path("state").exists(), "nothing was made");
}

#[test]
fn staying_root_is_said() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let install = Install::new();
    install.append("mail.log_current", "");
    let mut service = install.start();
    assert!(
        service.heard().contains("WARN") && service.heard().contains("running as root"),
        "{}",
        service.heard()
    );
    service.signal(rustix::process::Signal::TERM);
    service.wait();
}
