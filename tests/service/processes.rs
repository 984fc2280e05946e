//! Processes of the MTA, told from all others, by a process file system that a test writes, and by real ones; and its
//! files.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use expect_test::expect_file;

use super::harness::{DEADLINE, Install, PROGRAM, Service, available, left_out, value_of, wait_for};

/// Another user than any that the tests run as.
const STRANGER: u32 = 4242;

/// A process file system below an installation, in which the system has run for 200,000 seconds.
struct ProcTree {
    root: PathBuf,
}

/// One process of it. Times are seconds since the start of the system.
struct Fake<'a> {
    started_as: &'a Path,
    executed: &'a Path,
    namespace: &'a str,
    user: u32,
    parent: u32,
    start: u64,
    open: u32,
}

impl ProcTree {
    fn new(install: &Install) -> Self {
        let tree = Self { root: install.path("proc") };
        fs::create_dir_all(&tree.root).expect("made");
        tree.write("stat", "cpu  1 2 3 4\nbtime 1700000000\n");
        tree.write("uptime", "200000.00 1.00\n");
        symlink("1", tree.root.join("self")).expect("linked");
        let exporter = Path::new(PROGRAM);
        tree.put(1, &Fake { started_as: exporter, executed: exporter, ..Fake::of(exporter) });
        tree
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        fs::write(path, text).expect("written");
    }

    fn put(&self, pid: u32, fake: &Fake<'_>) {
        let ticks = fake.start * rustix::param::clock_ticks_per_second();
        let pages = 3 * 1024 * 1024 / rustix::param::page_size();
        let Fake { parent, user, open, .. } = fake;
        let stat = format!(
            "{pid} (any name) S {parent} 1 1 0 -1 4194560 1200 0 11 0 25 75 3 4 20 0 7 0 {ticks} 104857600 {pages} 1 1 1\n"
        );
        self.write(&format!("{pid}/stat"), &stat);
        self.write(&format!("{pid}/cmdline"), &format!("{}\0-x\0", fake.started_as.display()));
        let status = format!("Name:\tany\nUid:\t{user}\t{user}\t{user}\t{user}\nGid:\t7\t7\t7\t7\n");
        self.write(&format!("{pid}/status"), &status);
        let limits = "Limit  Soft Limit  Hard Limit  Units\nMax open files            10   4096   files\n";
        self.write(&format!("{pid}/limits"), limits);
        for descriptor in 0..*open {
            self.write(&format!("{pid}/fd/{descriptor}"), "");
        }
        fs::create_dir_all(self.root.join(format!("{pid}/ns"))).expect("made");
        symlink(fake.namespace, self.root.join(format!("{pid}/ns/mnt"))).expect("linked");
        symlink(fake.executed, self.root.join(format!("{pid}/exe"))).expect("linked");
    }
}

impl<'a> Fake<'a> {
    /// A program that is what it says.
    fn of(program: &'a Path) -> Self {
        let user = rustix::process::geteuid().as_raw();
        Self {
            started_as: program,
            executed: program,
            namespace: "mnt:[1]",
            user,
            parent: 1,
            start: 190_000,
            open: 3,
        }
    }
}

/// A file of the installation.
fn program(install: &Install, path: &str) -> PathBuf {
    let path = install.path(path);
    fs::create_dir_all(path.parent().expect("a directory")).expect("made");
    fs::write(&path, "").expect("written");
    path.canonicalize().expect("a path")
}

#[test]
fn a_process_file_system_gives_these_metrics() {
    let install = Install::new();
    install.append("mail.log_current", "");
    let ours = |name: &str| program(&install, &format!("root/lib/{name}"));
    let (dispatcher, server) = (ours("dispatcher"), ours("tcp_smtp_server"));
    let theirs = |name: &str| program(&install, &format!("other/lib/{name}"));
    let (other_dispatcher, other_server) = (theirs("dispatcher"), theirs("tcp_smtp_server"));
    fs::create_dir_all(install.path("root/config")).expect("made");
    let limits = "MAX_LIFE_TIME=3600\n[SERVICE=SMTP]\nPORT=25\nIMAGE=IMTA_BIN:tcp_smtp_server\n";
    fs::write(install.path("root/config/dispatcher.cnf"), limits).expect("written");
    let tree = ProcTree::new(&install);
    tree.put(10, &Fake { start: 100, open: 5, ..Fake::of(&dispatcher) });
    tree.put(11, &Fake { start: 101, ..Fake::of(&ours("job_controller")) });
    // One server within its life, one beyond it and what is allowed besides, which has nearly all files that it may.
    tree.put(12, &Fake { start: 199_000, parent: 10, ..Fake::of(&server) });
    tree.put(13, &Fake { start: 150_000, parent: 10, open: 9, ..Fake::of(&server) });
    // Newer releases have other names.
    tree.put(14, &Fake { parent: 11, ..Fake::of(&ours("smtp_client")) });
    tree.put(15, &Fake { parent: 11, ..Fake::of(&ours("ims_master")) });
    tree.put(16, &Fake { parent: 11, ..Fake::of(&ours("lmtp_client")) });
    // The same names: under another path, of another user, with another file in another container, and with another
    // program.
    tree.put(20, &Fake::of(&other_dispatcher));
    tree.put(21, &Fake { user: STRANGER, ..Fake::of(&server) });
    tree.put(22, &Fake { executed: &other_server, namespace: "mnt:[2]", ..Fake::of(&server) });
    tree.put(23, &Fake { executed: &other_dispatcher, ..Fake::of(&dispatcher) });
    // One that ends between two reads of it.
    tree.put(30, &Fake::of(&server));
    fs::remove_file(tree.root.join("30/stat")).expect("removed");

    let mut command = install.command();
    command.arg("--proc").arg(&tree.root);
    let service = Service::start(command);
    let success = r#"imsimta_collector_success{collector="processes"}"#;
    service.wait_for_sample(success, 1.0);
    // Its life is known when the Dispatcher's configuration has been read.
    let page = service.wait_for_sample(r#"imsimta_process_overaged{process="tcp_smtp_server"}"#, 1.0);
    assert_eq!(value_of(&page, success), Some(1.0));
    let lines: Vec<&str> = page.lines().filter(|line| line.contains("imsimta_process")).collect();
    let found = lines.join("\n") + "\n";
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/service/processes.txt");
    expect_file![golden].assert_eq(&found);
}

/// A real process, for as long as this lives.
struct Daemon(Child);

impl Daemon {
    fn start(mut command: Command) -> Self {
        Self(command.stdin(Stdio::null()).spawn().expect("started"))
    }

    /// Waits until it executes this file; before, it is a program on its way there. `false` where that program ends
    /// first, since the system refuses what it was to do.
    fn is(&mut self, file: &Path) -> bool {
        let identity = |path: &Path| fs::metadata(path).ok().map(|file| (file.dev(), file.ino()));
        let executed = PathBuf::from(format!("/proc/{}/exe", self.0.id()));
        wait_for("the program", DEADLINE, || {
            if self.0.try_wait().expect("waited").is_some() {
                left_out("the system refuses a process of another user or container");
                return Some(false);
            }
            (identity(&executed).is_some_and(|found| identity(file) == Some(found))).then_some(true)
        })
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// An installation whose programs are all a sleep, and that everybody may enter.
fn asleep(names: &[&str]) -> Install {
    let install = Install::new();
    install.append("mail.log_current", "");
    for name in names {
        fs::copy("/bin/sleep", install.path("root/lib").join(name)).expect("copied");
    }
    fs::set_permissions(install.path(""), fs::Permissions::from_mode(0o755)).expect("set");
    install
}

fn running(name: &str) -> String {
    format!(r#"imsimta_processes{{process="{name}"}}"#)
}

#[test]
fn processes_of_other_users_and_containers_are_others() {
    if !rustix::process::geteuid().is_root() || !available("setpriv") || !available("unshare") {
        return;
    }
    let install = asleep(&["dispatcher", "job_controller", "tcp_smtp_server"]);
    let path = |name: &str| install.path("root/lib").join(name);
    let mut ours = Command::new(path("dispatcher"));
    ours.arg("1000");
    let user = STRANGER.to_string();
    let mut stranger = Command::new("setpriv");
    stranger.args(["--reuid", &user, "--regid", &user, "--clear-groups", "--"]);
    stranger.arg(path("job_controller")).arg("1000");
    // Another installation at the same path.
    let other = install.path("other");
    fs::create_dir(&other).expect("made");
    fs::copy("/bin/sleep", other.join("tcp_smtp_server")).expect("copied");
    let script = r#"mount --bind "$1" "$2" && exec "$2/tcp_smtp_server" 1000"#;
    let mut container = Command::new("unshare");
    container.args(["--mount", "sh", "-c", script, "sh"]).arg(&other).arg(install.path("root/lib"));
    let (stranger, container) = (Daemon::start(stranger), Daemon::start(container));
    let others = [(stranger, path("job_controller")), (container, other.join("tcp_smtp_server"))];
    let others = others.map(|(mut daemon, file)| (daemon.is(&file), daemon));
    let service = install.start();
    service.wait_for_sample(&running("dispatcher"), 0.0);
    let _ours = Daemon::start(ours);
    let page = service.wait_for_sample(&running("dispatcher"), 1.0);
    for name in ["job_controller", "tcp_smtp_server"] {
        assert_eq!(value_of(&page, &running(name)), Some(0.0), "{name}");
    }
    for (runs, mut other) in others {
        assert_eq!(other.0.try_wait().expect("waited").is_none(), runs, "it ran until the page was made");
    }
}

#[test]
fn what_the_kernel_refuses_is_absent() {
    if !rustix::process::geteuid().is_root() || !available("setpriv") {
        return;
    }
    let install = asleep(&["dispatcher"]);
    let user = STRANGER.to_string();
    let mut process = Command::new("setpriv");
    process.args(["--reuid", &user, "--regid", &user, "--clear-groups", "--"]);
    process.arg(install.path("root/lib/dispatcher")).arg("1000");
    let _process = Daemon::start(process);
    for (dropped, is_shown) in [("-chown", true), ("-dac_override,-dac_read_search,-sys_ptrace", false)] {
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set", dropped, "--inh-caps", dropped, "--"]).arg(PROGRAM);
        install.arguments(&mut command);
        command.env("IMSIMTA_EXPORTER__MTA__USER", &user);
        let service = Service::start(command);
        let page = service.wait_for_sample(&running("dispatcher"), 1.0);
        for (metric, shown) in [
            ("imsimta_process_open_fds", is_shown),
            ("imsimta_process_fds_worst_ratio", is_shown),
            ("imsimta_process_max_fds", true),
            ("imsimta_process_threads", true),
        ] {
            let value = value_of(&page, &format!(r#"{metric}{{process="dispatcher"}}"#));
            assert_eq!(value.is_some_and(|value| value > 0.0), shown, "{metric} with {dropped}: {value:?}");
            assert!(value != Some(0.0), "{metric} is 0");
        }
    }
}

/// The user is the queue's and the logs' owner; a queue that was given to root by mistake does not make the MTA's own
/// processes strangers.
#[test]
fn a_queue_of_roots_is_a_mistake_and_no_end_of_the_mta() {
    if !rustix::process::geteuid().is_root() || !available("setpriv") {
        return;
    }
    let install = asleep(&["dispatcher"]);
    let user = Some(STRANGER);
    for path in ["root/data/log", "root/data/log/mail.log_current"] {
        std::os::unix::fs::chown(install.path(path), user, user).expect("given");
    }
    let user = STRANGER.to_string();
    let mut process = Command::new("setpriv");
    process.args(["--reuid", &user, "--regid", &user, "--clear-groups", "--"]);
    process.arg(install.path("root/lib/dispatcher")).arg("1000");
    let _process = Daemon::start(process);
    let service = install.start();
    service.wait_for_sample(&running("dispatcher"), 1.0);
    service.wait_for_sample(r#"imsimta_directory_ownership_ok{path="queue"}"#, 0.0);
    let wrong = r#"imsimta_critical_files_wrong{path="queue",what="owner"}"#;
    // The queue and the directories of its channels; a subdirectory is among the files.
    let page = service.wait_for_sample(wrong, 3.0);
    assert_eq!(value_of(&page, &wrong.replace("queue", "queue_files")), Some(1.0));
    assert_eq!(value_of(&page, r#"imsimta_critical_files_wrong{path="log",what="owner"}"#), Some(0.0));
    let (_, status) = service.get("/");
    for words in ["do not belong to the user 4242", "directories of the queue such as", "ls -l -p -d"] {
        assert!(status.contains(words), "{words}: {status}");
    }
}

/// What nobody has compiled has no effect, and the page says what to do.
#[test]
fn a_configuration_without_effect_is_said() {
    let install = Install::new();
    install.append("mail.log_current", "");
    install.append("mail.log_yesterday", "");
    let image = install.path("root/config/advanced/config_data");
    fs::create_dir_all(image.parent().expect("a directory")).expect("made");
    let written = fs::File::create(&image).expect("made");
    let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_hours(24 * 365);
    written.set_times(fs::FileTimes::new().set_modified(long_ago)).expect("set");
    fs::write(install.path("root/config/imta.cnf"), "").expect("written");
    let service = install.start();
    let stale = r#"imsimta_configuration_stale{what="image"}"#;
    let page = service.wait_for_sample(stale, 1.0);
    // Nothing runs that could have read an older one.
    assert_eq!(value_of(&page, r#"imsimta_configuration_stale{what="dispatcher"}"#), None);
    let rotated = value_of(&page, r#"imsimta_log_rotated_timestamp_seconds{log="mail.log_yesterday"}"#);
    assert!(rotated.is_some_and(|at| at > 1_000_000_000.0), "{rotated:?}");
    let (_, status) = service.get("/");
    assert!(status.contains("imta.cnf was changed") && status.contains("imsimta cnbuild"), "{status}");
    fs::write(&image, "compiled").expect("written");
    service.wait_for_sample(stale, 0.0);
}
