//! The programs that are measured, from outside: their CPU time, memory, and what they have counted.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub const EXPORTER: &str = env!("CARGO_BIN_EXE_imsimta-exporter");
const MTAIL_PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/mtail/mta.mtail");
/// What mtail calls the lines that its program has taken in.
const MTAIL_LINES: &str = "mtail_vm_line_processing_duration_seconds_count{prog=\"mta.mtail\"}";
const PAUSE: Duration = Duration::from_millis(1);

/// The real program on an installation of its own. What it has counted is read from its own log: at
/// level trace it says so after each look, which costs it a line and no scrape.
pub struct Exporter {
    process: Process,
    address: SocketAddr,
    log: PathBuf,
    reports: Arc<Mutex<Vec<(Instant, u64)>>>,
    _directory: TempDir,
}

impl Exporter {
    /// Starts it, and waits until it is ready and has been quiet for a while.
    pub fn start(queued: usize) -> Self {
        Self::beside(queued, |_| Vec::new())
    }

    /// The same beside what `furnish` puts into the installation, with the environment that it gives.
    pub fn beside(queued: usize, furnish: impl FnOnce(&Path) -> Vec<(&'static str, String)>) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let root = directory.path().join("root");
        for path in ["data/log", "data/queue", "lib"] {
            fs::create_dir_all(root.join(path)).expect("made");
        }
        std::os::unix::fs::symlink("data/log", root.join("log")).expect("linked");
        queue(&root.join("data/queue"), queued);
        for log in ["mail.log_current", "connection.log_current"] {
            fs::write(root.join("data/log").join(log), "").expect("written");
        }
        let environment = furnish(&root);
        let mut child = Command::new(EXPORTER)
            .args(["run", "--listen", "127.0.0.1:0", "--root"])
            .arg(&root)
            .arg("--state-dir")
            .arg(directory.path().join("state"))
            .env("IMSIMTA_EXPORTER__MTA__AS_ROOT", "true")
            .env("IMSIMTA_EXPORTER_LOG", "info,imsimta_exporter::app::logs=trace")
            .envs(environment)
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        let mut said = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok);
        let line = said.find(|line| line.contains("address=")).expect("an address");
        let address = line.split("address=").nth(1).and_then(|rest| rest.split(' ').next());
        let address: SocketAddr = address.expect("an address").parse().expect("an address");
        let reports = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&reports);
        std::thread::spawn(move || {
            for line in said {
                if let Some(lines) = line.split("counted lines=").nth(1) {
                    let report = (Instant::now(), lines.trim().parse().expect("a number"));
                    heard.lock().expect("no panic").push(report);
                }
            }
        });
        let process = Process(child);
        wait_until(Duration::from_mins(1), || {
            get(address, "/-/ready").is_some_and(|page| page.contains(" 200 "))
        });
        std::thread::sleep(Duration::from_secs(2));
        let log = root.join("data/log/mail.log_current");
        Self { process, address, log, reports, _directory: directory }
    }

    /// The name of the first of its own alerts that fires.
    pub fn wait_for_alert(&self, deadline: Duration) -> String {
        let firing = || {
            let page = self.page();
            let mut alerts = page.lines().filter(|line| line.starts_with("imsimta_alert_state{"));
            let line = alerts.find(|line| line.ends_with(" 2"))?;
            line.split('"').nth(1).map(str::to_owned)
        };
        wait_until(deadline, || firing().is_some());
        firing().expect("it goes on")
    }

    /// Its metrics.
    pub fn page(&self) -> String {
        get(self.address, "/metrics").expect("a page")
    }

    pub fn log(&self) -> &Path {
        &self.log
    }

    pub fn reports(&self) -> Vec<(Instant, u64)> {
        self.reports.lock().expect("no panic").clone()
    }

    pub fn wait_for(&self, lines: u64, deadline: Duration) {
        wait_until(deadline, || {
            self.reports.lock().expect("no panic").last().is_some_and(|report| report.1 >= lines)
        });
    }

    pub fn cpu(&self) -> Duration {
        self.process.cpu()
    }

    /// How often its threads have waited for something so far.
    pub fn switches(&self) -> u64 {
        let threads = fs::read_dir(self.process.proc("task")).expect("threads");
        let status = threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("status")).ok());
        status.filter_map(|status| number(&status, "voluntary_ctxt_switches:")).sum()
    }

    /// A size of its `status` in bytes.
    pub fn memory(&self, name: &str) -> u64 {
        let status = fs::read_to_string(self.process.proc("status")).expect("a status");
        number(&status, name).expect("a size") << 10
    }
}

/// mtail with a program that counts what the exporter's main metrics count.
pub struct Mtail {
    process: Process,
    log: PathBuf,
    address: SocketAddr,
    _directory: TempDir,
}

impl Mtail {
    /// `None`, said aloud, where it is not installed.
    pub fn start() -> Option<Self> {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let log = directory.path().join("mail.log_current");
        fs::write(&log, "").expect("written");
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = free.local_addr().expect("an address");
        drop(free);
        let child = Command::new("mtail")
            .args(["--progs", MTAIL_PROGRAM, "--address", "127.0.0.1", "--port", &address.port().to_string()])
            .arg("--logs")
            .arg(&log)
            .stderr(Stdio::null())
            .spawn();
        let Some(child) = child.ok().filter(|_| Path::new(MTAIL_PROGRAM).is_file()) else {
            println!("without mtail: it is not installed, or {MTAIL_PROGRAM} is missing");
            return None;
        };
        let mtail = Self { process: Process(child), log, address, _directory: directory };
        wait_until(Duration::from_mins(1), || get(address, "/metrics").is_some());
        std::thread::sleep(Duration::from_secs(2));
        Some(mtail)
    }

    pub fn log(&self) -> &Path {
        &self.log
    }

    pub fn cpu(&self) -> Duration {
        self.process.cpu()
    }

    pub fn lines(&self) -> u64 {
        let page = get(self.address, "/metrics").unwrap_or_default();
        page.lines().filter_map(|line| line.strip_prefix(MTAIL_LINES)?.trim().parse::<u64>().ok()).sum()
    }

    /// Waits until so many lines are counted, or for `patience`; how many are.
    pub fn counted(&self, lines: u64, patience: Duration) -> u64 {
        let end = Instant::now() + patience;
        let mut counted = 0;
        loop {
            // It may be too busy to answer.
            counted = self.lines().max(counted);
            if counted >= lines || Instant::now() > end {
                return counted;
            }
            // Each question costs it something.
            std::thread::sleep(Duration::from_millis(500));
        }
    }
}

/// A process that is killed when it is dropped.
struct Process(Child);

impl Process {
    fn proc(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.0.id()))
    }

    /// User and system time of all its threads, also of those that have ended.
    fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(self.proc("stat")).expect("a status");
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Queue files in four channels.
fn queue(directory: &Path, files: usize) {
    for (channel, name) in ["tcp_local", "ims-ms", "conversion", "process"].into_iter().enumerate() {
        let directory = directory.join(name).join("000");
        fs::create_dir_all(&directory).expect("made");
        for file in 0..files / 4 {
            fs::write(directory.join(format!("ZZ0fZ{channel}{file:07}.00")), "x").expect("written");
        }
    }
}

fn number(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn wait_until(deadline: Duration, done: impl Fn() -> bool) {
    let end = Instant::now() + deadline;
    while !done() {
        assert!(Instant::now() < end, "it never happens");
        std::thread::sleep(PAUSE);
    }
}

fn get(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").ok()?;
    let mut page = String::new();
    stream.read_to_string(&mut page).ok()?;
    Some(page)
}
