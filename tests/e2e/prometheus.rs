//! A Prometheus on loopback that ends with the test, and what its HTTP API answers.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::service::harness::{DEADLINE, now, pause, request, wait_for};

/// A process that is stopped, and then killed, when the test ends.
pub struct Process(Child);

impl Process {
    /// Takes over a process that has been started.
    pub fn new(child: Child) -> Self {
        Self(child)
    }

    /// Starts a program whose output nobody reads.
    pub fn start(program: &str, arguments: &[String]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("started"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(id) = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw) {
            rustix::process::kill_process(id, rustix::process::Signal::TERM).ok();
        }
        let end = now() + Duration::from_secs(5);
        while now() < end && matches!(self.0.try_wait(), Ok(None)) {
            pause();
        }
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A Prometheus with its data in a directory of the test.
pub struct Prometheus {
    _process: Process,
    address: String,
}

impl Prometheus {
    /// Starts it with a configuration and further flags, and waits until it answers queries.
    pub fn start(configuration: &Path, data: &Path, more: &[String]) -> Self {
        let address = free_address("127.0.0.1");
        let mut arguments = vec![
            argument("config.file", configuration),
            argument("storage.tsdb.path", data),
            format!("--web.listen-address={address}"),
        ];
        arguments.extend_from_slice(more);
        let process = Process::start("prometheus", &arguments);
        wait_for_ready(&address);
        Self { _process: process, address }
    }

    /// The series that a query gives now; `None` while nobody answers.
    pub fn ask(&self, query: &str) -> Option<Vec<Value>> {
        ask(&self.address, query, None)
    }
}

/// The series that a query gives at a time, or now, wherever it is asked as Prometheus is; `None` while nobody answers.
pub fn ask(address: &str, query: &str, time: Option<f64>) -> Option<Vec<Value>> {
    let encoded = query.bytes().fold(String::new(), |mut text, byte| {
        write!(text, "%{byte:02X}").expect("a string takes all");
        text
    });
    let time = time.map(|time| format!("&time={time:.3}")).unwrap_or_default();
    let page = get(address, &format!("/api/v1/query?query={encoded}{time}"));
    let mut answer: Value = serde_json::from_str(&page).ok()?;
    assert_eq!(answer["status"], "success", "{query}: {answer}");
    serde_json::from_value(answer["data"]["result"].take()).ok()
}

/// `--name=path`.
pub fn argument(name: &str, value: &Path) -> String {
    format!("--{name}={}", value.display())
}

/// Waits until a Prometheus or Alertmanager serves.
pub fn wait_for_ready(address: &str) {
    wait_for(&format!("{address} is ready"), DEADLINE, || {
        Some(get(address, "/-/ready")).filter(|page| !page.is_empty())
    });
}

/// An address of this host whose port was free a moment ago.
pub fn free_address(host: &str) -> String {
    let listener = std::net::TcpListener::bind((host, 0)).expect("bound");
    listener.local_addr().expect("bound").to_string()
}

/// The body of a page; empty when nobody answers.
pub fn get(address: &str, path: &str) -> String {
    request(address, "GET", path).map(|(_, body)| body).unwrap_or_default()
}
