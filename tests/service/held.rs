//! Why messages are held: the system calls of the real program on a queue full of them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CString;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use imsimta_exporter::source::held::message::ReceivedLimits;
use imsimta_exporter::source::held::{Answer, Budget, Inspector};
use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

use super::harness::{DEADLINE, Install, PROGRAM, Service, available, now, pause, run};

const HOST: &str = "mta1.siroe.example";

/// The most that is read of a file.
const HEAD_BYTES: u64 = 64 * 1024;

/// What a file holds, and why it is held; one kind after the other.
fn kinds() -> Vec<(&'static str, Vec<u8>)> {
    let message = |header: String| {
        format!("m;a@b.example\nBoundary_(ID_x)\n{header}Subject: x\n\nReceived: no\n").into_bytes()
    };
    let lines = |line: &str, count| message(format!("{line}\n id <1@x>;\n\tFri\n").repeat(count));
    vec![
        ("loop", lines("Received: from a by MTA1.siroe.example", 11)),
        ("other", lines("Received: from a by mta1.siroe.example", 10)),
        ("loop", lines("Received: from a by b", 51)),
        ("other", lines("Received: from a by b", 50)),
        ("loop", lines("MR-Received: x", 21)),
        ("loop", lines("X400-Received: x", 51)),
        ("other", message(String::new())),
        ("unclassified", b"no boundary\n".repeat(20)),
        ("unclassified", vec![0; 3000]),
        ("unclassified", Vec::new()),
        // Endless lines, and an envelope without an end.
        ("loop", lines("Received: from a by b", 5000)),
        ("unclassified", b"f;a@b.example\na@b.example\n".repeat(4000)),
    ]
}

/// So many held files below `tcp_local`; how many there are for each reason.
fn fill(install: &Install, files: usize) -> BTreeMap<&'static str, usize> {
    let mut expected = BTreeMap::from([("unclassified", 1)]);
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_hours(400_000);
    let put = |path: &Path, contents: &[u8]| {
        fs::write(path, contents).expect("written");
        let file = fs::File::options().write(true).open(path).expect("a file");
        file.set_modified(long_ago).expect("a time");
        file
    };
    let kinds = kinds();
    for number in 1..files {
        let (reason, contents) = &kinds[number % kinds.len()];
        put(&held_file(install, number), contents);
        *expected.entry(reason).or_default() += 1;
    }
    let sparse = put(&held_file(install, 0), b"");
    sparse.set_len(1 << 30).expect("sparse");
    sparse.set_modified(long_ago).expect("a time");
    fs::create_dir_all(install.queue("hold")).expect("made");
    put(&install.queue("hold/ZZ0HOLD0.HELD"), &kinds[0].1);
    expected
}

fn held_file(install: &Install, number: usize) -> PathBuf {
    let directory = install.queue(&format!("tcp_local/{:03}", number % 20));
    fs::create_dir_all(&directory).expect("made");
    directory.join(format!("ZZ0A{number:05}.HELD"))
}

/// What looks like held files and is none; nobody may open it, or what is behind it.
fn traps(install: &Install) {
    fs::create_dir_all(install.path("outside")).expect("made");
    fs::write(install.path("outside/secret"), "m;\n\x01\x01\nReceived: x\n\n").expect("written");
    let trap = |name: &str| install.queue("tcp_local/000").join(format!("ZZ0{name}.HELD"));
    symlink(install.path("outside/secret"), trap("TRAPLINK")).expect("linked");
    let mode = Mode::RUSR | Mode::WUSR;
    mknodat(CWD, trap("TRAPFIFO"), FileType::Fifo, mode, 0).expect("FIFO");
    // Who may not make devices tests without one.
    mknodat(CWD, trap("TRAPZERO"), FileType::CharacterDevice, mode, makedev(1, 5)).ok();
    symlink(install.path("outside"), install.queue("TRAPCHANNEL")).expect("linked");
}

/// A program under a tracer. The tracer is a grandchild, so that signals and exit status are those
/// of the program.
fn traced(program: &Path, trace: &Path) -> Command {
    let mut command = Command::new("strace");
    command.args([
        "-D",
        "-f",
        "--seccomp-bpf",
        "-y",
        "-s",
        "0",
        "-e",
        "trace=open,openat,openat2,creat,read",
    ]);
    command.arg("-o").arg(trace).arg(program);
    command
}

#[test]
fn the_program_opens_held_files_once_and_nothing_else() {
    if !available("strace") {
        return;
    }
    let install = Install::new();
    install.append("mail.log_current", "");
    let expected = fill(&install, 240);
    traps(&install);
    let trace = install.path("trace");
    let mut command = traced(Path::new(PROGRAM), &trace);
    install.arguments(&mut command);
    command.env("IMSIMTA_EXPORTER__HELD__HOST", HOST);
    let service = Service::start(command);
    for (reason, &count) in &expected {
        let sample = format!("imsimta_queue_held_messages{{channel=\"tcp_local\",reason=\"{reason}\"}}");
        service.wait_for_sample(&sample, f64::from(u32::try_from(count).expect("few")));
    }
    service.wait_for_sample("imsimta_queue_held_messages{channel=\"hold\",reason=\"status_hold\"}", 1.0);
    assert!(service.stop().0.success());
    let opened = check(&install, &finished(&trace));
    assert_eq!(opened, (0..240).map(|number| held_file(&install, number)).collect());
}

/// The queue of the one who is traced, in the environment of this test's own program.
const TRACED_QUEUE: &str = "IMSIMTA_TEST_TRACED_QUEUE";

/// The test runs itself under a tracer: there it asks the inspector for all files, traps included, as if
/// each had become what it is after it was listed.
#[test]
fn ten_thousand_held_files_are_told_within_the_budget() {
    if let Some(queue) = std::env::var_os(TRACED_QUEUE) {
        return inspect_all(queue.into());
    }
    if !available("strace") {
        return;
    }
    let install = Install::new();
    let expected = fill(&install, 10_000);
    traps(&install);
    let trace = install.path("trace");
    let mut command = traced(&std::env::current_exe().expect("this program"), &trace);
    command.args([
        "--exact",
        "service::held::ten_thousand_held_files_are_told_within_the_budget",
        "--nocapture",
    ]);
    let (code, said, _) = run(command.env(TRACED_QUEUE, install.queue("")));
    assert_eq!(code, 0, "{said}");
    for (reason, count) in expected {
        // The traps that are not there or lead elsewhere are asked for again and again.
        let count = count + if reason == "unclassified" { said.matches("trap ").count() } else { 0 };
        assert!(said.contains(&format!("\n{reason} {count}\n")), "{reason} {count}: {said}");
    }
    let opened = check(&install, &finished(&trace));
    let told = opened.iter().filter(|path| !path.display().to_string().contains("TRAP"));
    assert!(told.eq((0..10_000).map(|number| held_file(&install, number)).collect::<BTreeSet<_>>().iter()));
}

/// Asks for every held file of `tcp_local`, round by round, and prints how many have which reason.
fn inspect_all(queue: PathBuf) {
    let mut waiting = Vec::new();
    for number in 0..20 {
        let directory = PathBuf::from(format!("tcp_local/{number:03}"));
        for entry in fs::read_dir(queue.join(&directory)).expect("a directory") {
            let name = entry.expect("an entry").file_name().into_encoded_bytes();
            waiting.push((directory.clone(), CString::new(name).expect("a name")));
        }
    }
    let budget = Budget::default();
    let mut inspector = Inspector::new(queue, ReceivedLimits::default(), Some(HOST), budget);
    let mut told: BTreeMap<&str, usize> = BTreeMap::new();
    let mut out = String::from("\n");
    while !waiting.is_empty() {
        let start = now();
        let later = SystemTime::UNIX_EPOCH + Duration::from_hours(1_000_000);
        let mut round = inspector.round(later, || now() - start);
        waiting.retain(|(directory, name)| match round.inspect(directory, name) {
            Answer::Reason(reason) => {
                if name.to_bytes().windows(4).any(|part| part == b"TRAP") {
                    out.push_str("trap ");
                }
                *told.entry(reason.label()).or_default() += 1;
                false
            }
            Answer::Later => true,
        });
        let effort = round.finish();
        assert!(effort.files <= budget.files && effort.bytes <= budget.bytes && effort.unreadable == 0);
    }
    out.push('\n');
    for (reason, count) in told {
        writeln!(out, "{reason} {count}").expect("text");
    }
    std::io::stdout().write_all(out.as_bytes()).expect("printed");
}

/// The whole trace: the tracer ends after the program.
fn finished(trace: &Path) -> String {
    let deadline = now() + DEADLINE;
    loop {
        let text = fs::read_to_string(trace).expect("a trace");
        let first = text.split_whitespace().next().unwrap_or_default();
        let last = text.strip_suffix('\n').and_then(|text| text.lines().last()).unwrap_or_default();
        // The thread that began is the last one to end.
        if last.split_whitespace().next() == Some(first) && last.ends_with("+++ exited with 0 +++") {
            return text;
        }
        assert!(now() < deadline, "the trace of {first} never ends, but: {last}");
        pause();
    }
}

/// What was opened in the queue beside directories: each file once, with the right flags, and no more
/// of it read than its head. Nothing outside was opened and no trap read, whoever asked.
fn check(install: &Install, trace: &str) -> BTreeSet<PathBuf> {
    let queue = install.queue("").display().to_string();
    let outside = install.path("outside").display().to_string();
    let mut opened = BTreeSet::new();
    let mut read: BTreeMap<String, u64> = BTreeMap::new();
    for line in &whole_calls(trace) {
        assert!(!line.contains(&outside), "{line}");
        let Some((call, result)) = line.rsplit_once(" = ") else { continue };
        if call.starts_with("read(") {
            let Some(path) = path_of(call).filter(|path| path.starts_with(&queue)) else { continue };
            assert!(!path.contains("TRAP"), "{line}");
            *read.entry(path.to_owned()).or_default() += result.parse::<u64>().expect("bytes");
        } else if let Some(path) = path_of(result).filter(|path| path.starts_with(&queue))
            && !Path::new(path).is_dir()
        {
            for flag in ["O_RDONLY", "O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY"] {
                assert!(call.contains(flag), "{line}");
            }
            assert!(opened.insert(PathBuf::from(path)), "opened again: {line}");
        }
    }
    assert!(!read.is_empty() && read.values().all(|&bytes| bytes <= HEAD_BYTES), "no more than the head");
    opened
}

/// The calls of a trace, one a line; strace writes a call in two lines when another thread comes between.
fn whole_calls(trace: &str) -> Vec<String> {
    let mut begun: BTreeMap<&str, &str> = BTreeMap::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let (thread, call) = line.split_once(' ').expect("a thread and a call");
        // Short numbers of threads have more than one blank behind them.
        let call = call.trim_start();
        if let Some(beginning) = call.strip_suffix(" <unfinished ...>") {
            begun.insert(thread, beginning);
        } else if let Some((_, end)) = call.split_once(" resumed>") {
            calls.push(format!("{}{end}", begun.remove(thread).expect("its beginning")));
        } else {
            calls.push(call.to_owned());
        }
    }
    calls
}

/// The path that strace shows behind a file descriptor.
fn path_of(text: &str) -> Option<&str> {
    let start = text.find("</")? + 1;
    let end = start + text[start..].find('>')?;
    Some(&text[start..end])
}
