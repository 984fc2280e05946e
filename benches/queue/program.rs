//! The real program on the tree: how soon it shows all of it, and how long its pages take meanwhile.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::costs::median;
use super::tree::Tree;
use super::{instant, say};

/// The program, until it is dropped.
struct Program {
    child: Child,
    address: String,
    /// Taken right before it was started.
    start: Instant,
}

impl Program {
    /// Without a saved state. `settings` are its environment.
    fn start(tree: &Tree, settings: &[(&str, &str)]) -> Self {
        drop(std::fs::remove_dir_all(tree.root().join("state")));
        let mut command = Command::new(env!("CARGO_BIN_EXE_imsimta-exporter"));
        command.args(["run", "--as-root", "--listen", "127.0.0.1:0", "--root"]).arg(tree.root());
        command.arg("--state-dir").arg(tree.root().join("state")).stderr(Stdio::piped());
        command.envs(settings.iter().copied());
        let start = instant();
        let mut child = command.spawn().expect("started");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok);
        let address = lines.find_map(|line| {
            line.split("address=").nth(1).and_then(|rest| rest.split(' ').next()).map(str::to_owned)
        });
        // What it says goes on being read, or it could not say it.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address: address.expect("an address"), start }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("connected");
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").expect("asked");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// The metrics, and how long they took.
    fn page(&self) -> (String, Duration) {
        let start = instant();
        let page = self.get("/metrics");
        (page, start.elapsed())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The messages of all channels on a page.
fn messages(page: &str) -> usize {
    let samples = page.lines().filter(|line| line.starts_with("imsimta_queue_messages{"));
    samples.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok()).sum()
}

/// How long after a start, by the settings that it comes with, the page has every message of every channel, and when
/// the program calls itself ready; beside `find`.
pub fn first_picture(tree: &Tree, files: usize, find: Duration) {
    let program = Program::start(tree, &[]);
    let (mut exact, mut ready) = (None, None);
    while exact.is_none() || ready.is_none() {
        if ready.is_none() && program.get("/-/ready").starts_with("HTTP/1.0 200") {
            ready = Some(program.start.elapsed());
            // A page is shared by all who ask within a quarter of a second, so the next one may be older than this.
            let asked = instant();
            while messages(&program.page().0) != files {
                assert!(asked.elapsed() < Duration::from_millis(300), "ready, and not all is shown");
            }
        }
        if exact.is_none() && messages(&program.page().0) == files {
            exact = Some(program.start.elapsed());
        }
        assert!(program.start.elapsed() < Duration::from_mins(5), "exact {exact:?}, ready {ready:?}");
    }
    say(&format!(
        "first picture: all {files} messages after {:?} (at most 5 s; find {find:?}), ready after {:?}",
        exact.unwrap_or_default(),
        ready.unwrap_or_default()
    ));
}

/// Fetches page after page while the program scans the tree for the first time, then as many when it has; how long
/// they took.
pub fn pages(tree: &Tree) {
    // The whole tree in one scan, also where it takes long.
    let program = Program::start(tree, &[("IMSIMTA_EXPORTER__QUEUE__BUDGET", "1h")]);
    let mut during = Vec::new();
    loop {
        let (page, took) = program.page();
        during.push(took);
        if page.contains("imsimta_queue_scan_partial 0") {
            break;
        }
    }
    let after = during.iter().map(|_| program.page().1).collect();
    report("during the first scan (at most 50 ms)", during);
    report("after it", after);
}

fn report(when: &str, times: Vec<Duration>) {
    let (pages, slowest) = (times.len(), times.iter().max().copied().unwrap_or_default());
    say(&format!("{pages} pages {when}: median {:?}, slowest {slowest:?}", median(times)));
}
