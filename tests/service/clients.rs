//! Clients that harm: silent ones, ones that read nothing, too many; and a host that is out of something.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use super::harness::{Install, PROGRAM, Service, available, now, run, value_of, wait_for};

const CROWD: usize = 200;
const GET: &[u8] = b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
/// What a test machine that does other things can be expected to do.
const GENEROUS: Duration = Duration::from_secs(5);

/// The program where 256 files may be open, and a log.
fn start(install: &Install) -> Service {
    install.append("mail.log_current", "");
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 256 && exec \"$@\"", "sh", PROGRAM]);
    install.arguments(&mut command);
    let service = Service::start(command);
    service.wait_for_sample("imsimta_exporter_ready", 1.0);
    service
}

/// One page, from another address than the crowd.
fn scrape(address: SocketAddr) -> String {
    let start = now();
    let socket = rustix::net::socket(rustix::net::AddressFamily::INET, rustix::net::SocketType::STREAM, None)
        .expect("a socket");
    rustix::net::bind(&socket, &SocketAddr::from(([127, 0, 0, 2], 0))).expect("bound");
    rustix::net::connect(&socket, &address).expect("connected");
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(GENEROUS)).expect("set");
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        .expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("a page");
    let (head, page) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(now() - start < GENEROUS, "{:?}", now() - start);
    page.to_owned()
}

/// While a crowd is there: pages come, the log is read, all collectors work, files and memory are bounded.
fn unharmed(install: &Install, service: &Service, lines: &mut f64) {
    let (before, fds) = (*lines, "process_open_fds");
    while *lines < before + 10.0 {
        install.append(
            "mail.log_current",
            "19-Feb-2026 17:02:26.65 l                          D 1 a@b rfc822;c@d c\n",
        );
        *lines += 1.0;
        let page = scrape(service.address);
        assert!(value_of(&page, "imsimta_exporter_http_connections").is_some_and(|open| open <= 32.0));
        for sample in [fds, "process_resident_memory_bytes"] {
            assert!(value_of(&page, sample).is_some(), "{sample}");
        }
    }
    let counted = format!(r#"imsimta_log_lines_total{{log="mail.log_current"}} {lines}"#);
    wait_for("every line is counted", GENEROUS, || scrape(service.address).contains(&counted).then_some(()));
    let page = scrape(service.address);
    for collector in ["log", "queue", "sockets", "processes", "filesystems"] {
        let success = format!("imsimta_collector_success{{collector=\"{collector}\"}}");
        assert_eq!(value_of(&page, &success), Some(1.0), "{page}");
    }
    assert!(value_of(&page, fds).is_some_and(|fds| fds < 80.0), "{:?}", value_of(&page, fds));
    let memory = value_of(&page, "process_resident_memory_bytes").expect("memory");
    assert!(memory < f64::from(64 << 20), "{memory}");
    let listen = service.address.to_string();
    let (code, _, said) = run(Command::new(PROGRAM).args(["healthcheck", "--listen", &listen]));
    assert_eq!(code, 0, "{said}");
}

/// Connections that are held open, each with something to say.
fn crowd(address: SocketAddr, says: &[u8]) -> Vec<TcpStream> {
    let connect = || {
        let mut stream = TcpStream::connect(address).expect("connected");
        // Where the server has closed it already, that is all the same.
        stream.write_all(says).ok();
        stream
    };
    (0..CROWD).map(|_| connect()).collect()
}

#[test]
fn a_crowd_of_silent_clients_takes_no_files_and_no_scrape() {
    let install = Install::new();
    let service = start(&install);
    let mut lines = 0.0;
    for says in [&b""[..], b"GET /met", b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: b\r\n"] {
        let silent = crowd(service.address, says);
        unharmed(&install, &service, &mut lines);
        drop(silent);
    }
    let page = scrape(service.address);
    let displaced = value_of(&page, r#"imsimta_exporter_http_cut_total{cause="displaced"}"#);
    assert!(displaced.is_some_and(|cut| cut >= 3.0 * 150.0), "{displaced:?}");
    assert_eq!(value_of(&page, "imsimta_exporter_http_accept_failures_total"), Some(0.0));
}

#[test]
fn a_crowd_that_reads_nothing_holds_up_nobody() {
    let install = Install::new();
    let service = start(&install);
    let mut lines = 0.0;
    let greedy = crowd(service.address, &GET.repeat(50));
    unharmed(&install, &service, &mut lines);
    drop(greedy);
}

#[test]
fn a_crowd_of_scrapers_shares_pages() {
    let install = Install::new();
    let service = start(&install);
    let mut lines = 0.0;
    let address = service.address;
    let (stop, stopped) = std::sync::mpsc::sync_channel::<()>(0);
    let stopped = std::sync::Arc::new(std::sync::Mutex::new(stopped));
    let scrapers: Vec<_> = (0..20)
        .map(|_| {
            let stopped = std::sync::Arc::clone(&stopped);
            std::thread::spawn(move || {
                let going = || {
                    let told = stopped.lock().expect("no panic").try_recv();
                    told == Err(std::sync::mpsc::TryRecvError::Empty)
                };
                while going() {
                    // Ten pages after each other; one that is told to come back does.
                    let Ok(mut stream) = TcpStream::connect(address) else { continue };
                    stream.write_all(&GET.repeat(10)).ok();
                    stream.shutdown(std::net::Shutdown::Write).ok();
                    stream.read_to_end(&mut Vec::new()).ok();
                }
            })
        })
        .collect();
    unharmed(&install, &service, &mut lines);
    drop(stop);
    for scraper in scrapers {
        scraper.join().expect("no panic");
    }
}

/// Sets a limit of the running program, as its own user.
fn limit(service: &Service, user: u32, limit: &str) {
    let (user, id) = (user.to_string(), service.id().to_string());
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &user, "--regid", &user, "--clear-groups", "prlimit", "--pid", &id, limit]);
    let (code, _, said) = run(&mut command);
    assert_eq!(code, 0, "{said}");
}

/// As a user of its own, since root may start as many as it likes.
fn as_user(user: &str, install: &Install, processes: Option<u32>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", user, "--regid", user, "--clear-groups"]);
    if let Some(processes) = processes {
        command.args(["prlimit", &format!("--nproc={processes}")]);
    }
    command.arg(PROGRAM);
    install.arguments(&mut command);
    std::os::unix::fs::chown(install.path(""), user.parse().ok(), user.parse().ok()).expect("given");
    command
}

#[test]
fn at_the_limit_of_processes_scrapes_go_on() {
    if !rustix::process::geteuid().is_root() || !available("setpriv") {
        return;
    }
    let install = Install::new();
    install.append("mail.log_current", "");
    let service = Service::start(as_user("54321", &install, None));
    wait_for("ready", super::harness::DEADLINE, || service.get("/-/ready").0.contains(" 200 ").then_some(()));
    limit(&service, 54321, "--nproc=1");
    for path in ["/metrics", "/", "/-/ready", "/-/healthy"] {
        let (head, _) = service.get(path);
        assert!(head.contains(" 200 "), "{path}: {head}");
    }
    install.append(
        "mail.log_current",
        "19-Feb-2026 17:02:26.65 l                          D 1 a@b rfc822;c@d c\n",
    );
    service.wait_for_sample(r#"imsimta_log_entries_total{code="D"}"#, 1.0);
}

#[test]
fn a_start_without_threads_says_so() {
    if !rustix::process::geteuid().is_root() || !available("setpriv") {
        return;
    }
    let install = Install::new();
    for processes in [1, 3] {
        let (code, _, said) = run(&mut as_user("54322", &install, Some(processes)));
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("cannot start a thread") && said.contains("limit of processes"), "{said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

/// Accepting fails, is tried again without haste, is counted and said once, and health says it.
#[test]
fn without_file_descriptors_it_waits_for_some() {
    if !rustix::process::geteuid().is_root() || !available("setpriv") {
        return;
    }
    let install = Install::new();
    install.append("mail.log_current", "");
    let mut service = install.start();
    service.wait_for_sample("imsimta_exporter_ready", 1.0);
    // One connection that is there already can ask.
    let mut kept = TcpStream::connect(service.address).expect("connected");
    kept.set_read_timeout(Some(GENEROUS)).expect("set");
    let mut ask = |path: &str| {
        write!(kept, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").expect("written");
        let mut answer = vec![0; 64 * 1024];
        let mut length = 0;
        while !complete(&answer[..length]) {
            length += kept.read(&mut answer[length..]).expect("an answer");
        }
        String::from_utf8_lossy(&answer[..length]).into_owned()
    };
    assert!(ask("/-/healthy").contains(" 200 "));
    // The soft limit: the hard one could not be raised again.
    limit(&service, 0, "--nofile=3:");
    let waiting = TcpStream::connect(service.address).expect("in the backlog");
    wait_for("health says it", super::harness::DEADLINE, || {
        ask("/-/healthy").contains("connections cannot be accepted").then_some(())
    });
    service.wait_for_log("no connection can be accepted");
    let answer = ask("/metrics");
    let (_, page) = answer.split_once("\r\n\r\n").expect("a head");
    let failures = value_of(page, "imsimta_exporter_http_accept_failures_total");
    assert!(failures.is_some_and(|failures| (2.0..100.0).contains(&failures)), "{failures:?}");
    limit(&service, 0, "--nofile=1024:");
    wait_for("well again", super::harness::DEADLINE, || ask("/-/healthy").contains(" 200 ").then_some(()));
    assert!(!service.heard().contains("panicked"));
    drop(waiting);
}

/// Whether a whole answer is there, by its Content-Length.
fn complete(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let head = head.to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
    length.is_some_and(|length: usize| body.len() >= length)
}
