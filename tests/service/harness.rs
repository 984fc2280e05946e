//! A tree like a real install, the program on it, and pages fetched from it. Nothing sleeps for a
//! guess: what is awaited is polled, with a deadline.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub use crate::exposition::value_of;

/// Long enough for a loaded machine; nothing waits for it that goes well.
pub const DEADLINE: Duration = Duration::from_secs(30);

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_imsimta-exporter");

/// The directories of an installation, with a state directory beside it.
pub struct Install {
    directory: TempDir,
}

impl Install {
    pub fn new() -> Self {
        let install = Self { directory: tempfile::tempdir().expect("a temporary directory") };
        for directory in
            ["root/data/log", "root/data/queue/tcp_local/000", "root/data/queue/ims-ms", "root/lib"]
        {
            std::fs::create_dir_all(install.path(directory)).expect("made");
        }
        // As on real hosts: log is a link into data.
        std::os::unix::fs::symlink("data/log", install.path("root/log")).expect("linked");
        install
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.directory.path().join(relative)
    }

    pub fn log(&self, name: &str) -> PathBuf {
        self.path("root/data/log").join(name)
    }

    pub fn queue(&self, relative: &str) -> PathBuf {
        self.path("root/data/queue").join(relative)
    }

    pub fn append(&self, name: &str, text: &str) {
        append(&self.log(name), text);
    }

    /// The state directory, whatever the umask is, for what an earlier run left there.
    pub fn make_state_directory(&self) {
        let mut directory = std::fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut directory, 0o700);
        directory.create(self.path("state")).expect("made");
    }

    /// The program's command line for this installation.
    pub fn command(&self) -> Command {
        let mut command = Command::new(PROGRAM);
        self.arguments(&mut command);
        command
    }

    /// Adds the arguments to a command line that ends with the program.
    pub fn arguments(&self, command: &mut Command) {
        self.arguments_at("127.0.0.1:0", command);
    }

    /// The same for an exporter that has an address of its own.
    pub fn arguments_at(&self, address: &str, command: &mut Command) {
        command
            .args(["run", "--listen", address])
            .arg("--root")
            .arg(self.path("root"))
            .arg("--state-dir")
            .arg(self.path("state"))
            // Where the tests run as root, the tree is root's, and there is nobody else to become.
            .env("IMSIMTA_EXPORTER__MTA__AS_ROOT", "true")
            // Quick looks, so that no test waits for an interval.
            .env("IMSIMTA_EXPORTER__QUEUE__INTERVAL", "1s")
            .env("IMSIMTA_EXPORTER__PROCESSES__INTERVAL", "1s")
            .env("IMSIMTA_EXPORTER__SOCKETS__INTERVAL", "1s")
            .env("IMSIMTA_EXPORTER__DAEMON_LOGS__INTERVAL", "1s")
            .env("IMSIMTA_EXPORTER__FILES__INTERVAL", "1s")
            .env("IMSIMTA_EXPORTER__STATE__INTERVAL", "1s")
            .stdin(Stdio::null());
    }

    /// The command line of `check` for this installation.
    pub fn check(&self) -> Command {
        let mut command = Command::new(PROGRAM);
        self.check_arguments(&mut command);
        command
    }

    /// Adds the arguments of `check` to a command line that ends with the program.
    pub fn check_arguments(&self, command: &mut Command) {
        command
            .args(["check", "--listen", "127.0.0.1:0"])
            .arg("--root")
            .arg(self.path("root"))
            .arg("--state-dir")
            .arg(self.path("state"))
            .env("IMSIMTA_EXPORTER__MTA__AS_ROOT", "true");
    }

    pub fn start(&self) -> Service {
        Service::start(self.command())
    }
}

pub fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).expect("a log");
    file.write_all(text.as_bytes()).expect("written");
}

/// A running program. It is killed when the test ends.
pub struct Service {
    child: Child,
    pub address: SocketAddr,
    log: Receiver<String>,
    heard: String,
}

impl Service {
    /// Starts the program and waits until it serves.
    pub fn start(command: Command) -> Self {
        let mut service = Self::spawn(command);
        let line = service.wait_for_log("address=");
        let address = line.split("address=").nth(1).and_then(|rest| rest.split(' ').next());
        service.address = address.expect("an address").parse().expect("an address");
        service
    }

    /// Starts a program that may never serve; it has no address.
    pub fn spawn(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("started");
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let (sender, log) = channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)), log, heard: String::new() }
    }

    /// The first line of the program's log, from now on, that holds `text`.
    pub fn wait_for_log(&mut self, text: &str) -> String {
        let deadline = now() + DEADLINE;
        loop {
            let left = deadline.saturating_duration_since(now());
            let Ok(line) = self.log.recv_timeout(left) else {
                panic!("the program never said {text:?}, only:\n{}", self.heard)
            };
            self.heard.push_str(&line);
            self.heard.push('\n');
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Everything that was read of the program's log so far.
    pub fn heard(&self) -> &str {
        &self.heard
    }

    /// Reads the program's log no more; the next line that it writes closes the pipe.
    pub fn stop_reading_the_log(&mut self) {
        self.log = channel().1;
    }

    /// Status line and body of a page.
    pub fn get(&self, path: &str) -> (String, String) {
        self.request("GET", path)
    }

    pub fn request(&self, method: &str, path: &str) -> (String, String) {
        request(&self.address.to_string(), method, path).expect("an answer")
    }

    pub fn page(&self) -> String {
        let (head, body) = self.get("/metrics");
        assert!(head.contains(" 200 "), "{head}");
        body
    }

    /// Polls the page until it satisfies `wanted`.
    #[track_caller]
    pub fn wait_for(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let deadline = now() + DEADLINE;
        loop {
            let page = self.page();
            if wanted(&page) {
                return page;
            }
            assert!(now() < deadline, "never: {what}, but:\n{page}");
            pause();
        }
    }

    /// Polls until a sample has a value.
    #[track_caller]
    pub fn wait_for_sample(&self, sample: &str, value: f64) -> String {
        self.wait_for(&format!("{sample} {value}"), |page| value_of(page, sample) == Some(value))
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.child.id()).expect("a process id");
        let id = rustix::process::Pid::from_raw(id).expect("a process id");
        rustix::process::kill_process(id, signal).expect("signalled");
    }

    /// Waits for the end; how the program ended and how long that took.
    pub fn wait(&mut self) -> (ExitStatus, Duration) {
        let start = now();
        loop {
            if let Some(status) = self.child.try_wait().expect("waited") {
                return (status, now() - start);
            }
            assert!(now() - start < DEADLINE, "the program never ends");
            pause();
        }
    }

    /// Stops the program as an init system does, and waits.
    pub fn stop(mut self) -> (ExitStatus, Duration) {
        self.signal(rustix::process::Signal::TERM);
        self.wait()
    }

    /// Kills the program as a crash does.
    pub fn kill(mut self) {
        self.signal(rustix::process::Signal::KILL);
        self.wait();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Head and body of a page; HTTP/1.0, so that no body comes in chunks. `None` when nobody answers.
pub fn request(address: &str, method: &str, path: &str) -> Option<(String, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(DEADLINE)).ok()?;
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.to_owned(), body.to_owned()))
}

/// Runs a program to its end: exit status, standard output, standard error.
pub fn run(command: &mut Command) -> (i32, String, String) {
    let output = command.stdin(Stdio::null()).output().expect("started");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code().expect("an exit status"), text(output.stdout), text(output.stderr))
}

/// Runs a program to its end: exit status, and standard output as one line of words.
pub fn words_of(command: &mut Command) -> (i32, String) {
    let (status, text, _) = run(command);
    (status, text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Whether a program that a test needs is there. Without it the test fails in CI, and says loudly
/// what it leaves out elsewhere.
pub fn available(program: &str) -> bool {
    let found = std::env::var_os("PATH").is_some_and(|paths| {
        std::env::split_paths(&paths).any(|directory| directory.join(program).is_file())
    });
    if !found {
        left_out(&format!("{program} is missing"));
    }
    found
}

/// Says loudly that a part of the tests is left out, and why; in CI none is.
pub fn left_out(why: &str) {
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{why}");
    drop(writeln!(std::io::stderr(), "SKIPPED: a part of the tests, since {why}"));
}

#[expect(clippy::disallowed_methods, reason = "deadlines of tests")]
pub fn now() -> Instant {
    Instant::now()
}

/// Polls until `wanted` gives something.
#[track_caller]
pub fn wait_for<T>(what: &str, deadline: Duration, mut wanted: impl FnMut() -> Option<T>) -> T {
    let end = now() + deadline;
    loop {
        if let Some(found) = wanted() {
            return found;
        }
        assert!(now() < end, "never: {what}");
        pause();
    }
}

/// Between two polls.
#[expect(clippy::disallowed_methods, reason = "the pause of a poll that has a deadline")]
pub fn pause() {
    std::thread::sleep(Duration::from_millis(5));
}
