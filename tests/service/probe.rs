//! The look from outside, by the real program at real listeners.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};

use super::harness::{DEADLINE, Install, Service, now, run, value_of};

/// Serves every client of a port; what each said, or that it went.
fn serve(greeting: &'static str) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let port = listener.local_addr().expect("an address").port();
    let (sender, said) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            if sender.send(talk(stream, greeting)).is_err() {
                return;
            }
        }
    });
    (port, said)
}

fn talk(mut stream: TcpStream, greeting: &str) -> String {
    drop(stream.write_all(greeting.as_bytes()));
    let mut line = String::new();
    drop(BufReader::new(&stream).read_line(&mut line));
    drop(stream.write_all(b"221 2.3.0 Bye\r\n"));
    line
}

fn probing(command: &mut Command, ports: &str) {
    command.env("IMSIMTA_EXPORTER__PROBE__PORTS", ports).env("IMSIMTA_EXPORTER__PROBE__INTERVAL", "1s");
}

fn install() -> Install {
    let install = Install::new();
    install.append("mail.log_current", "");
    install
}

#[test]
fn ports_are_looked_at_as_a_client_would() {
    let install = install();
    let ((good, heard), (silent, gone)) = (serve("220 mail.example.com ESMTP\r\n"), serve(""));
    let mut command = install.command();
    probing(&mut command, &format!("{good},{silent}"));
    // A port that says nothing is given up soon; where all of them answer, a slow machine has its time.
    command.env("IMSIMTA_EXPORTER__PROBE__TIMEOUT", "1s");
    // That no Dispatcher runs would explain it.
    command.env("IMSIMTA_EXPORTER__PROCESSES__NAMES", "ims_master");
    let service = Service::start(command);
    let of = |metric: &str, port: u16| format!("imsimta_probe_{metric}{{port=\"{port}\"}}");
    // One look at the port that answers may be given up, too, where the machine is slow.
    let page = service.wait_for("one answers, one does not", |page| {
        value_of(page, &of("success", silent)) == Some(0.0)
            && value_of(page, &of("success", good)) == Some(1.0)
    });
    assert_eq!(value_of(&page, &of("failed_looks", good)), Some(0.0));
    assert!(value_of(&page, &of("failed_looks", silent)) >= Some(1.0));
    assert_eq!(value_of(&page, "imsimta_collector_success{collector=\"probe\"}"), Some(1.0));
    assert!(value_of(&page, &of("banner_seconds", good)).is_some_and(|seconds| seconds < 5.0));
    assert!(value_of(&page, &of("connect_seconds", silent)).is_some());
    assert_eq!(value_of(&page, &of("banner_seconds", silent)), None);
    let failure = format!("imsimta_probe_failure{{port=\"{silent}\",reason=\"silent\"}}");
    assert_eq!(value_of(&page, &failure), Some(1.0));
    let takes_leave = |_| heard.recv_timeout(DEADLINE).expect("a client") == "QUIT\r\n";
    assert!((0..3).any(takes_leave), "clients just went");
    // A look that waits a second makes the next no rarer: at a twentieth of the time these would take a minute.
    let begun = now();
    for _ in 0..4 {
        let left = DEADLINE.saturating_sub(now() - begun);
        assert_eq!(gone.recv_timeout(left).expect("a client"), "");
    }
    let (_, status) = service.get("/");
    let said = format!("Clients get no banner at port {silent}: no banner came within 1s.");
    assert!(status.contains(&said), "{status}");
    assert!(service.stop().0.success());
}

#[test]
fn without_ports_nobody_is_asked() {
    let install = install();
    let service = Service::start(install.command());
    let page = service.wait_for_sample("imsimta_exporter_ready", 1.0);
    assert!(!page.contains("probe"), "{page}");
}

#[test]
fn check_says_what_a_client_meets() {
    let install = install();
    let ((good, _heard), (refusing, _)) = (serve("220 a\r\n"), serve("554 <no>\r\n"));
    let mut command = install.check();
    probing(&mut command, &format!("{good},{refusing}"));
    let (code, said, _) = run(&mut command);
    assert_eq!(code, 1, "{said}");
    for expected in [
        format!("ok      probe         port {good}: a banner after "),
        format!("PROBLEM probe         port {refusing}: the server does not serve: 554 <no>"),
    ] {
        assert!(said.contains(&expected), "{said}");
    }
}
