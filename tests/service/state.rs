//! States that cannot be read, and signals that must not lose one.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use super::harness::{Install, PROGRAM, Service, available, run, value_of};

/// An ordinary user of nobody's, as `mailsrv` is one.
const USER: u32 = 21_437;

const LINE: &str =
    "19-Feb-2026 17:02:26.65 tcp_local    ims-ms       E 1 a@b.example rfc822;c@d.example c@ims-ms-daemon\n";
const LINES: &str = r#"imsimta_log_lines_total{log="mail.log_current"}"#;

/// Whether another user can be had; without it the test says what it leaves out.
pub fn has_users() -> bool {
    rustix::process::geteuid().is_root() && available("setpriv")
}

/// An installation that belongs to [`USER`], and the program where that user can start it.
pub struct Mailsrv {
    pub install: Install,
    program: PathBuf,
}

impl Mailsrv {
    pub fn new() -> Self {
        let install = Install::new();
        install.append("mail.log_current", "");
        let program = install.path("imsimta-exporter");
        fs::copy(PROGRAM, &program).expect("copied");
        let mailsrv = Self { install, program };
        mailsrv.give("");
        mailsrv
    }

    /// Gives the user what is below a path, whoever made it.
    pub fn give(&self, relative: &str) {
        let mut command = Command::new("chown");
        command.args(["-R", "-h", &format!("{USER}:{USER}")]).arg(self.install.path(relative));
        assert!(command.status().expect("started").success());
    }

    /// The program as that user.
    pub fn command(&self) -> Command {
        let mut command = Command::new("setpriv");
        let user = USER.to_string();
        command.args(["--reuid", &user, "--regid", &user, "--clear-groups", "--"]).arg(&self.program);
        self.install.arguments(&mut command);
        command
    }

    /// The program as root starts it by hand.
    pub fn as_root(&self) -> Command {
        let mut command = Command::new(&self.program);
        self.install.arguments(&mut command);
        command.env_remove("IMSIMTA_EXPORTER__MTA__AS_ROOT");
        command
    }

    pub fn append(&self, lines: usize) {
        self.install.append("mail.log_current", &LINE.repeat(lines));
    }

    pub fn owner(&self, relative: &str) -> u32 {
        self.install.path(relative).symlink_metadata().expect("there").uid()
    }
}

/// Runs a service until it has counted so many lines.
#[track_caller]
fn count(command: Command, lines: f64) {
    let service = Service::start(command);
    service.wait_for_sample("imsimta_exporter_ready", 1.0);
    let page = service.wait_for_sample(LINES, lines);
    assert_eq!(value_of(&page, "imsimta_exporter_state_set_aside_total"), Some(0.0));
    assert_eq!(value_of(&page, r#"imsimta_log_gaps_total{log="mail.log_current"}"#), Some(0.0));
    assert!(service.stop().0.success());
}

#[test]
fn a_run_by_hand_as_root_loses_nothing() {
    if !has_users() {
        return;
    }
    let mailsrv = Mailsrv::new();
    let ready = |command| {
        let service = Service::start(command);
        service.wait_for_sample("imsimta_exporter_ready", 1.0);
        assert!(service.stop().0.success());
    };
    ready(mailsrv.command());
    mailsrv.append(1000);
    count(mailsrv.command(), 1000.0);
    mailsrv.append(10);
    count(mailsrv.as_root(), 1010.0);
    // Where it insists on root it uses nothing of that user's, or leaves nothing of root's.
    mailsrv.append(10);
    let (code, _, said) = run(mailsrv.as_root().arg("--as-root"));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains(&format!("start the exporter as user {USER}")), "{said}");
    let mut insisting = mailsrv.as_root();
    insisting.arg("--as-root").env("IMSIMTA_EXPORTER__MTA__USER", USER.to_string());
    count(insisting, 1020.0);
    assert_eq!(mailsrv.owner("state/state"), USER);
    mailsrv.append(50);
    count(mailsrv.command(), 1070.0);
}

/// As a release that stayed root left it.
#[test]
fn a_state_of_another_user_stops_the_start_and_keeps_its_bytes() {
    if !has_users() {
        return;
    }
    let mailsrv = Mailsrv::new();
    mailsrv.append(5);
    let mut command = mailsrv.command();
    command.env("IMSIMTA_EXPORTER__LOGS__START", "beginning");
    count(command, 5.0);
    let state = mailsrv.install.path("state/state");
    std::os::unix::fs::chown(&state, Some(0), Some(0)).expect("given to root");
    let before = fs::read(&state).expect("there");
    let (code, _, said) = run(&mut mailsrv.command());
    assert_eq!(code, 1, "{said}");
    let mend = format!("chown {USER} {}", state.display());
    assert!(said.contains("belongs to user 0") && said.contains(&mend), "{said}");
    assert_eq!(fs::read(&state).expect("there"), before, "nothing is written over");
    // Root, becoming that user, mends it.
    mailsrv.append(5);
    count(mailsrv.as_root(), 10.0);
    assert_eq!(mailsrv.owner("state/state"), USER);
    count(mailsrv.command(), 10.0);
}

#[test]
fn a_state_directory_that_others_could_have_filled_is_refused() {
    let install = Install::new();
    install.append("mail.log_current", "");
    fs::create_dir(install.path("state")).expect("made");
    fs::set_permissions(install.path("state"), Permissions::from_mode(0o777)).expect("set");
    let victim = install.path("victim");
    fs::write(&victim, "precious").expect("written");
    std::os::unix::fs::symlink(&victim, install.path("state/state.new")).expect("linked");
    let (code, _, said) = run(&mut install.command());
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("others may write there") && said.contains("chmod go-w"), "{said}");
    assert_eq!(fs::read(victim).expect("there"), b"precious");
}

#[test]
fn the_state_directory_of_another_user_is_refused() {
    if !has_users() {
        return;
    }
    let mailsrv = Mailsrv::new();
    fs::create_dir(mailsrv.install.path("state")).expect("made");
    std::os::unix::fs::chown(mailsrv.install.path("state"), Some(USER + 1), Some(USER + 1)).expect("given");
    for mut command in [mailsrv.command(), mailsrv.as_root()] {
        let (code, _, said) = run(&mut command);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains(&format!("belongs to user {}", USER + 1)), "{said}");
    }
}

#[test]
fn a_fifo_named_as_the_state_stops_the_start_and_hangs_nothing() {
    let install = Install::new();
    install.append("mail.log_current", "");
    fs::create_dir(install.path("state")).expect("made");
    let state = install.path("state/state");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &state, rustix::fs::FileType::Fifo, mode, 0).expect("made");
    let (code, _, said) = run(&mut install.command());
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("no regular file"), "{said}");
}

#[test]
fn a_cleaner_lets_no_second_instance_in() {
    let install = Install::new();
    install.append("mail.log_current", "");
    let service = install.start();
    service.wait_for("a saved state", |page| {
        value_of(page, "imsimta_exporter_state_last_save_timestamp_seconds").is_some()
    });
    for name in ["lock", "state"] {
        fs::remove_file(install.path("state").join(name)).ok();
        let (code, _, said) = run(&mut install.command());
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("in use by another running imsimta-exporter"), "{said}");
    }
    install.append("mail.log_current", LINE);
    service.wait_for_sample(LINES, 1.0);
    assert!(service.stop().0.success());
    assert!(install.path("state/state").exists());
}

#[test]
fn signals_end_it_with_a_last_save_or_not_at_all() {
    let install = Install::new();
    install.append("mail.log_current", "");
    let mut counted = 0_u32;
    let ending = [Signal::QUIT, Signal::XCPU, Signal::POWER, Signal::STKFLT, Signal::TERM];
    let ignored = [
        Signal::HUP,
        Signal::USR1,
        Signal::USR2,
        Signal::ALARM,
        Signal::VTALARM,
        Signal::PROF,
        Signal::IO,
        Signal::XFSZ,
    ];
    for end in ending {
        let mut command = install.command();
        // Only the last save knows the lines.
        command.env("IMSIMTA_EXPORTER__STATE__INTERVAL", "1h");
        let mut service = Service::start(command);
        service.wait_for_sample("imsimta_exporter_ready", 1.0);
        for signal in ignored {
            service.signal(signal);
        }
        service.wait_for_log("SIGHUP is ignored");
        install.append("mail.log_current", LINE);
        counted += 1;
        service.wait_for_sample(LINES, f64::from(counted));
        service.signal(end);
        let (status, _) = service.wait();
        assert!(status.success(), "{end:?}: {status}");
    }
    let service = install.start();
    service.wait_for_sample(LINES, f64::from(counted));
}

#[test]
fn a_log_level_that_is_none_is_said() {
    let install = Install::new();
    for command in ["run", "demo"] {
        let mut program = Command::new(PROGRAM);
        program.args([command, "--listen", "127.0.0.1:0"]).env("IMSIMTA_EXPORTER_LOG", "verbose");
        if command == "run" {
            program.arg("--root").arg(install.path("root"));
        }
        let (code, _, said) = run(program.stdin(Stdio::null()));
        assert_eq!(code, 64, "{said}");
        assert!(said.contains("IMSIMTA_EXPORTER_LOG: \"verbose\" is no level"), "{said}");
    }
}
