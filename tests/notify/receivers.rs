//! Who is told without an Alertmanager: a webhook, a command and a syslog, as they should be and as they should not.

use std::collections::BTreeMap;
use std::fs::{Permissions, read_to_string, set_permissions, write};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use imsimta_exporter::observed::notified::{Failure, Said};
use serde::Deserialize;
use tempfile::TempDir;

use super::hostile::{wrong, wrong_with_time};
use super::site::{INSTANCE, NAME, Sender, file};
use crate::service::harness::{DEADLINE, wait_for};

/// What Alertmanager sends, all of it and nothing else.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Message {
    version: String,
    group_key: String,
    truncated_alerts: u64,
    status: String,
    receiver: String,
    group_labels: BTreeMap<String, String>,
    common_labels: BTreeMap<String, String>,
    common_annotations: BTreeMap<String, String>,
    #[serde(rename = "externalURL")]
    external_url: String,
    alerts: Vec<Alert>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Alert {
    status: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    starts_at: String,
    ends_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: String,
    fingerprint: String,
}

impl Message {
    /// `status: channels` in short.
    fn short(&self) -> String {
        let alerts = self.alerts.iter().map(|alert| format!(" {}={}", alert.labels["channel"], alert.status));
        self.status.clone() + ":" + &alerts.collect::<String>()
    }
}

/// A webhook that takes everything.
pub struct Taker {
    pub url: String,
    taken: Arc<Mutex<Vec<(String, String)>>>,
}

impl Taker {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let taken = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&taken);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                shared.lock().expect("no panics").extend(take(stream));
            }
        });
        Self { url, taken }
    }

    pub fn heads(&self) -> Vec<String> {
        self.taken.lock().expect("no panics").iter().map(|(head, _)| head.clone()).collect()
    }

    fn messages(&self) -> Vec<Message> {
        let taken = self.taken.lock().expect("no panics");
        taken.iter().map(|(_, body)| serde_json::from_str(body).expect(body)).collect()
    }

    #[track_caller]
    pub fn wait_until_taken(&self, expected: &[&str]) {
        wait_for(&format!("{expected:?}"), DEADLINE, || {
            let short: Vec<_> = self.messages().iter().map(Message::short).collect();
            (short == expected).then_some(())
        });
    }
}

/// The head and the body of a POST, which is answered.
fn take(stream: TcpStream) -> Option<(String, String)> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head).ok().filter(|read| *read > 0)?;
    }
    let length = head.to_ascii_lowercase().split_once("content-length: ")?.1.lines().next()?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    reader.into_inner().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").ok()?;
    Some((head, String::from_utf8(body).ok()?))
}

const SOON: &str = "group_wait = \"300ms\"\n";

#[test]
fn a_webhook_gets_one_firing_and_one_resolved() {
    let (taker, directory) = (Taker::start(), tempfile::tempdir().expect("a temporary directory"));
    let url = file(directory.path(), "url", format!("{}/hook/secret-word?a=b\n", taker.url).as_bytes());
    let token = file(directory.path(), "token", b"correct-horse\n");
    let sender = Sender::start(
        &[],
        &format!("[alerting.webhook]\nurl_file = {url:?}\ntoken_file = {token:?}\ngroup_wait = \"1s\"\n"),
    );
    sender.fires(&["tcp_local"]);
    sender.fires(&["ims-ms", "tcp_local"]);
    taker.wait_until_taken(&["firing: ims-ms=firing tcp_local=firing"]);
    let head = taker.heads().remove(0);
    assert!(head.starts_with("POST /hook/secret-word?a=b HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("authorization: Bearer correct-horse\r\n"), "{head}");
    assert!(head.contains("content-type: application/json\r\n"), "{head}");
    sender.fires(&[]);
    let resolved = "resolved: ims-ms=resolved tcp_local=resolved";
    taker.wait_until_taken(&["firing: ims-ms=firing tcp_local=firing", resolved]);
    let messages = taker.messages();
    // It has its answer an instant later.
    let told = wait_for("it is counted", DEADLINE, || {
        let told = sender.told(0);
        ((told.said(Said::Firing), told.said(Said::Resolved)) == (2, 2)).then_some(told)
    });
    assert!(told.last_success.is_some() && told.problem.is_none());

    let [firing, ended] = &messages[..] else { panic!("{messages:?}") };
    assert_eq!((firing.version.as_str(), firing.receiver.as_str()), ("4", "webhook"));
    assert_eq!((firing.group_key.as_str(), firing.truncated_alerts), (ended.group_key.as_str(), 0));
    let group = [("alertname", NAME), ("cluster", "eu"), ("instance", INSTANCE), ("severity", "critical")];
    let group: BTreeMap<_, _> = group.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    assert_eq!(firing.group_labels, group);
    assert_eq!(firing.common_labels["job"], "imsimta");
    assert!(!firing.common_labels.contains_key("channel"));
    assert_eq!(firing.common_annotations["description"], "Nothing is attempted.");
    assert_eq!(firing.external_url, "http://mx1:9797");
    let (alert, end) = (&firing.alerts[0], &ended.alerts[0]);
    assert_eq!(alert.annotations["summary"], "mx1:9797: ims-ms: 20 messages wait.");
    assert_eq!(
        (alert.ends_at.as_str(), alert.generator_url.as_str()),
        ("0001-01-01T00:00:00Z", "http://mx1:9797/")
    );
    assert_eq!((&alert.fingerprint, alert.fingerprint.len()), (&end.fingerprint, 16));
    let time = |text: &str| text.parse::<jiff::Timestamp>().expect(text);
    assert!(time(&end.ends_at) >= time(&end.starts_at));

    // One that comes later is the next that is told: nothing else was to come.
    sender.fires(&["later"]);
    wait_for("the third", DEADLINE, || (taker.messages().len() >= 3).then_some(()));
    assert_eq!(taker.messages()[2].short(), "firing: later=firing");
}

/// Told by an earlier run, ended before this one; and one that goes on.
#[test]
fn a_restart_is_no_second_page_and_loses_no_end() {
    let taker = Taker::start();
    let webhook = format!("[alerting.webhook]\nurl = \"{}\"\n{SOON}", taker.url);
    let sender = Sender::start(&[], &webhook);
    sender.fires(&["ends", "stays"]);
    taker.wait_until_taken(&["firing: ends=firing stays=firing"]);
    let saved = wait_for("what was told", DEADLINE, || {
        (sender.told(0).said(Said::Firing) == 2).then(|| sender.saved())
    });
    drop(sender);
    let sender = Sender::start_after(&saved, &["ends", "stays"], &webhook);
    sender.fires(&["stays"]);
    taker.wait_until_taken(&["firing: ends=firing stays=firing", "firing: stays=firing ends=resolved"]);
    let saved = wait_for("what was told", DEADLINE, || {
        (sender.told(0).said(Said::Resolved) == 1).then(|| sender.saved())
    });
    drop(sender);
    let sender = Sender::start_after(&saved, &["stays"], &webhook);
    sender.fires(&[]);
    wait_for("its end", DEADLINE, || (sender.told(0).said(Said::Resolved) == 1).then_some(()));
    assert_eq!(taker.messages().last().expect("one").short(), "resolved: stays=resolved");
    assert_eq!(taker.messages().len(), 3);
}

/// A syslog of this host, beside a receiver that does something wrong.
struct Beside {
    directory: TempDir,
    socket: UnixDatagram,
}

impl Beside {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let socket = UnixDatagram::bind(directory.path().join("log")).expect("bound");
        socket.set_read_timeout(Some(DEADLINE)).expect("set");
        Self { directory, socket }
    }

    fn section(&self) -> String {
        format!("[alerting.syslog]\nto = \"{}/log\"\n{SOON}", self.directory.path().display())
    }

    #[track_caller]
    fn line(&self) -> String {
        let mut bytes = [0; 4096];
        let length = self.socket.recv(&mut bytes).expect("a line");
        String::from_utf8(bytes[..length].to_vec()).expect("text")
    }

    /// Another hears all the same.
    #[track_caller]
    fn hears(&self, word: &str) {
        let (line, expected) = (self.line(), format!("{word} {NAME} channel=tcp_local"));
        assert!(line.contains(&expected), "{line}");
    }
}

/// Its failure is counted and said without secrets, while another hears all.
#[track_caller]
fn fails(beside: &Beside, sender: &Sender, what: &str, failure: Failure) {
    beside.hears("firing");
    let time = Duration::from_secs(40);
    wait_for(&format!("{what}: {failure:?}"), time, || (sender.told(0).failed(failure) > 0).then_some(()));
    let told = sender.told(0);
    let problem = told.problem.clone().expect("it is said");
    assert!(!problem.contains("correct-horse") && !problem.contains("secret-word"), "{problem}");
    assert_eq!((told.said(Said::Firing), told.last_success), (0, None), "{what}");
    sender.fires(&[]);
    beside.hears("resolved");
}

#[test]
fn what_a_webhook_does_wrong_is_counted_and_the_rest_goes_on() {
    let start = |(url, failure): (String, Failure)| {
        let beside = Beside::new();
        let secret = file(beside.directory.path(), "url", format!("{url}/secret-word").as_bytes());
        let token = file(beside.directory.path(), "token", b"correct-horse");
        let lines = format!("[alerting.webhook]\nurl_file = {secret:?}\ntoken_file = {token:?}\n{SOON}");
        let sender = Sender::start(&[], &(lines + &beside.section()));
        sender.fires(&["tcp_local"]);
        (beside, sender, url, failure)
    };
    let nowhere = ("no URL".to_owned(), Failure::Secret);
    let all: Vec<_> = wrong().into_iter().chain([wrong_with_time(), nowhere]).map(start).collect();
    for (beside, sender, url, failure) in &all {
        fails(beside, sender, url, *failure);
    }
}

/// While nobody answers nothing is piled up: what is told in the end is what is so then.
#[test]
fn a_webhook_that_was_away_hears_what_is_so() {
    let (taker, directory) = (Taker::start(), tempfile::tempdir().expect("a temporary directory"));
    let url = file(directory.path(), "url", b"http://127.0.0.1:1/");
    let sender = Sender::start(&[], &format!("[alerting.webhook]\nurl_file = {url:?}\n{SOON}"));
    sender.fires(&["ends", "stays"]);
    wait_for("a failure", DEADLINE, || (sender.told(0).failed(Failure::Connect) > 0).then_some(()));
    sender.fires(&["stays", "begins"]);
    file(directory.path(), "url", taker.url.as_bytes());
    taker.wait_until_taken(&["firing: begins=firing stays=firing"]);
    wait_for("it is told", DEADLINE, || sender.told(0).problem.is_none().then_some(()));
}

/// No socket, one that nobody reads, and no host.
#[test]
fn what_a_syslog_does_wrong_is_counted_and_the_rest_goes_on() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("full");
    let _full = UnixDatagram::bind(&path).expect("bound");
    let filler = UnixDatagram::unbound().expect("a socket");
    filler.set_nonblocking(true).expect("set");
    while filler.send_to(b"x", &path).is_ok() {}
    let start = |(to, failure): (String, Failure)| {
        let taker = Taker::start();
        let webhook = format!("[alerting.webhook]\nurl = \"{}\"\n{SOON}", taker.url);
        let sender = Sender::start(&[], &format!("{webhook}[alerting.syslog]\nto = \"{to}\"\n{SOON}"));
        sender.fires(&["tcp_local"]);
        (taker, sender, to, failure)
    };
    let all = [
        (directory.path().join("none").display().to_string(), Failure::Connect),
        (path.display().to_string(), Failure::Timeout),
        ("tcp://127.0.0.1:1".to_owned(), Failure::Connect),
        ("udp://no-such-host.invalid".to_owned(), Failure::Connect),
    ]
    .map(start);
    for (taker, sender, to, failure) in &all {
        taker.wait_until_taken(&["firing: tcp_local=firing"]);
        wait_for(&format!("{to}: {failure:?}"), DEADLINE, || {
            (sender.told(1).failed(*failure) > 0).then_some(())
        });
        let told = sender.told(1);
        assert!(told.problem.is_some() && told.said(Said::Firing) == 0, "{to}: {told:?}");
    }
}

pub fn program(directory: &Path, script: &str) -> String {
    let path = directory.join("page");
    write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
    set_permissions(&path, Permissions::from_mode(0o755)).expect("set");
    path.to_str().expect("text").to_owned()
}

#[test]
fn what_a_command_does_wrong_is_counted_and_the_rest_goes_on() {
    let start = |(script, failure, said): (&'static str, Failure, &'static str)| {
        let beside = Beside::new();
        let path = match script {
            "" => "/nowhere/page".to_owned(),
            script => program(beside.directory.path(), script),
        };
        let lines =
            format!("[alerting.command]\nargv = [{path:?}, \"-v\", \"-v\"]\ntimeout = \"1s\"\n{SOON}");
        let sender = Sender::start(&[], &(lines + &beside.section()));
        sender.fires(&["tcp_local"]);
        (beside, sender, script, failure, said)
    };
    let all = [
        ("sleep 1000 & sleep 1000", Failure::Timeout, "did not end within 1 s and was killed"),
        (
            "exec /usr/bin/head -c 1000000000 /dev/zero",
            Failure::Answer,
            "printed more than 65536 bytes and was killed",
        ),
        ("exec /usr/bin/head -c 1000000000 /dev/zero >&2", Failure::Answer, "printed more than 65536 bytes"),
        ("", Failure::Connect, "/nowhere/page: No such file or directory"),
        ("echo secret-word >&2; exit 3", Failure::ExitStatus, "it ended with exit status: 3"),
        ("kill -KILL $$", Failure::ExitStatus, "it ended with signal: 9 (SIGKILL)"),
    ]
    .map(start);
    for (beside, sender, script, failure, said) in &all {
        wait_for(&format!("{script}: {said}"), DEADLINE, || {
            sender.told(0).problem.filter(|found| found.contains(said))
        });
        fails(beside, sender, script, *failure);
    }
}

/// Its words are those of the configuration, and what it reads is what a webhook gets.
#[test]
fn a_command_reads_what_a_webhook_gets() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let script =
        r#"cd "${0%/*}"; echo "$@" >words; export -p >environment; cat >"$$.part"; mv "$$.part" "$$.json""#;
    let path = program(directory.path(), script);
    let lines = format!("[alerting.command]\nargv = [{path:?}, \"-v\", \"-v\", \"$HOME\"]\n{SOON}");
    let sender = Sender::start(&[], &lines);
    sender.fires(&["tcp_local"]);
    wait_for("a page", DEADLINE, || (sender.told(0).said(Said::Firing) == 1).then_some(()));
    assert_eq!(read_to_string(directory.path().join("words")).expect("there"), "-v -v $HOME\n");
    let environment = read_to_string(directory.path().join("environment")).expect("there");
    assert!(!environment.contains("tcp_local") && !environment.contains(NAME), "{environment}");
    sender.fires(&[]);
    wait_for("its end", DEADLINE, || (sender.told(0).said(Said::Resolved) == 1).then_some(()));
    let read = std::fs::read_dir(directory.path()).expect("there").map(|entry| entry.expect("one").path());
    let read = read.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let messages = read.map(|path| read_to_string(path).expect("there"));
    let messages = messages.map(|text| serde_json::from_str::<Message>(&text).expect(&text));
    let mut short: Vec<_> =
        messages.map(|message| message.receiver.clone() + " " + &message.short()).collect();
    short.sort();
    assert_eq!(short, ["command firing: tcp_local=firing", "command resolved: tcp_local=resolved"]);
}

/// What runs is killed with all that it started when this program ends.
#[test]
fn a_command_ends_with_the_program() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = program(
        directory.path(),
        r#"sleep 1000 & echo $! >"${0%/*}/part"; mv "${0%/*}/part" "${0%/*}/pid"; wait"#,
    );
    let sender = Sender::start(&[], &format!("[alerting.command]\nargv = [{path:?}]\n{SOON}"));
    sender.fires(&["tcp_local"]);
    let pid = wait_for("it runs", DEADLINE, || read_to_string(directory.path().join("pid")).ok());
    drop(sender);
    wait_for("its end", DEADLINE, || is_gone(&pid).then_some(()));
}

/// What has ended and waits for its parent is gone, too.
pub fn is_gone(pid: &str) -> bool {
    let stat = read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit(") ").next().is_none_or(|rest| rest.is_empty() || rest.starts_with(['Z', 'X']))
}

#[test]
fn a_syslog_gets_a_line_for_each_alert() {
    let beside = Beside::new();
    let sender = Sender::start(&[], &(beside.section() + "facility = \"local3\"\n"));
    sender.fires(&["a", "b"]);
    for channel in ["a", "b"] {
        let (line, process) = (beside.line(), std::process::id());
        let expected = format!(
            " imsimta-exporter[{process}]: firing {NAME} channel={channel} severity=critical: \
             mx1:9797: {channel}: 20 messages wait. Nothing is attempted."
        );
        assert!(line.starts_with("<154>") && line.ends_with(&expected), "{line}");
    }
    sender.fires(&["b"]);
    assert!(beside.line().contains(" firing "), "the rest of the group");
    assert!(beside.line().starts_with("<157>"));
}

#[test]
fn a_log_host_gets_them_over_the_network() {
    let (udp, tcp) =
        (UdpSocket::bind("127.0.0.1:0").expect("bound"), TcpListener::bind("127.0.0.1:0").expect("bound"));
    udp.set_read_timeout(Some(DEADLINE)).expect("set");
    let to = |scheme: &str, address: std::net::SocketAddr| {
        let sender = Sender::start(&[], &format!("[alerting.syslog]\nto = \"{scheme}://{address}\"\n{SOON}"));
        sender.fires(&["a"]);
        sender
    };
    let over_udp = to("udp", udp.local_addr().expect("bound"));
    let mut bytes = [0; 4096];
    let length = udp.recv(&mut bytes).expect("a line");
    let line = String::from_utf8_lossy(&bytes[..length]).into_owned();
    assert!(
        line.starts_with("<26>1 20") && line.contains(&format!(" {NAME} - firing {NAME} channel=a")),
        "{line}"
    );
    drop(over_udp);
    let over_tcp = to("tcp", tcp.local_addr().expect("bound"));
    let mut framed = String::new();
    tcp.accept().expect("a connection").0.read_to_string(&mut framed).expect("text");
    let (length, line) = framed.split_once(' ').expect("a length");
    assert_eq!(length.parse(), Ok(line.len()), "{framed}");
    assert!(line.starts_with("<26>1 20"), "{framed}");
    wait_for("it is counted", DEADLINE, || (over_tcp.told(0).said(Said::Firing) == 1).then_some(()));
}
