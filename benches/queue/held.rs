//! Why messages are held: the inspector beside the least that reading the heads of files takes.

use std::ffi::CString;
use std::fs;
use std::path::Path;
use std::time::Duration;

use imsimta_exporter::source::held::message::ReceivedLimits;
use imsimta_exporter::source::held::{Answer, Budget, HEAD_BYTES, Inspector};
use rustix::fs::{CWD, Mode, OFlags, fstat, openat};
use tempfile::TempDir;

use super::costs::{Costs, cost};
use super::{instant, say, wall};

const HOST: &str = "mta1.siroe.example";

/// Compares both, files cached, in turns.
pub fn compare(files: usize, rounds: usize) {
    say(&format!("making {files} held files"));
    let root = TempDir::new().expect("a temporary directory");
    let names = fill(root.path(), files);
    let mut costs = Costs::default();
    let mut pieces = 0;
    for _ in 0..rounds {
        costs.add("openat, fstat, read, close", cost(|| read_heads(root.path(), &names)));
        costs.add("held files told", cost(|| pieces = tell(root.path(), &names)));
    }
    costs.report(&[
        ("openat, fstat, read, close", "openat, fstat, read, close", ""),
        ("held files told", "openat, fstat, read, close", "of the calls alone"),
    ]);
    say(&format!("{pieces} scans tell them all, each within its budget"));
}

/// Held files of each kind, in one directory: looped, suspicious with a small and with a large body, and with
/// more recipients than are read.
fn fill(root: &Path, files: usize) -> Vec<CString> {
    let received =
        format!("Received: from mx.example (mx.example [192.0.2.1])\n by {HOST}\n id <1@x>; Fri\n");
    let message = |received: &str, body: usize| {
        let other = "To: a@b.example\nSubject: x\n".repeat(20);
        format!("m;a@b.example\nBoundary_(ID_x)\n{received}{other}\n{}", "body body body\n".repeat(body))
    };
    let kinds = [
        message(&received.repeat(11), 100),
        message(&received.repeat(3), 100),
        message(&received.repeat(3), 10_000),
        "f;somebody@siroe.example\nsomebody@siroe.example\n".repeat(2000),
    ];
    fs::create_dir(root.join("tcp_local")).expect("made");
    let names = (0..files).map(|number| {
        let name = format!("ZZ0{number:011}_.HELD");
        fs::write(root.join("tcp_local").join(&name), &kinds[number % kinds.len()]).expect("written");
        CString::new(name).expect("a name")
    });
    names.collect()
}

/// Round after round with the usual budget until all are told; how many rounds.
fn tell(root: &Path, names: &[CString]) -> usize {
    let limits = ReceivedLimits::default();
    let mut inspector = Inspector::new(root.to_owned(), limits, Some(HOST), Budget::default());
    let mut left: Vec<&CString> = names.iter().collect();
    let mut rounds = 0;
    while !left.is_empty() {
        rounds += 1;
        let start = instant();
        let mut round = inspector.round(wall() + Duration::from_hours(1), || start.elapsed());
        left.retain(|name| round.inspect(Path::new("tcp_local"), name) == Answer::Later);
        assert_eq!(round.finish().unreadable, 0);
    }
    rounds
}

fn read_heads(root: &Path, names: &[CString]) {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = openat(CWD, root.join("tcp_local"), flags, Mode::empty()).expect("opened");
    let mut head = vec![0; HEAD_BYTES];
    for name in names {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(&directory, name, flags, Mode::empty()).expect("opened");
        std::hint::black_box(fstat(&file).expect("a status"));
        std::hint::black_box(rustix::io::read(&file, &mut head).expect("read"));
    }
}
