//! Child processes with the names of the MTA's own (Administration Guide, "Check that the Job
//! Controller and Dispatcher are Running").
//!
//! Each is this program, started through a link of that name, waiting for the end of its standard
//! input. The other end of that pipe is in this process alone, so they end with it however it ends.

use std::io::{self, Read as _};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The hidden command that a child runs.
pub const CHILD_COMMAND: &str = "demo-child";

/// What runs, one row a process.
const PROGRAMS: [&str; 7] = [
    "dispatcher",
    "job_controller",
    "tcp_smtp_server",
    "tcp_smtp_server",
    "tcp_smtp_server",
    "tcp_smtp_client",
    "ims_master",
];

/// All child processes.
#[derive(Debug)]
pub struct Processes {
    directory: PathBuf,
    running: Vec<(&'static str, Child)>,
}

impl Processes {
    /// Links for all programs in `directory`, and a process for each.
    ///
    /// # Errors
    ///
    /// As the system says.
    pub fn start(directory: &Path) -> io::Result<Self> {
        let program = std::env::current_exe()?;
        for name in PROGRAMS {
            match symlink(&program, directory.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        let mut processes = Self { directory: directory.to_owned(), running: Vec::new() };
        processes.launch(&PROGRAMS)?;
        Ok(processes)
    }

    /// Starts all processes of these programs that are not running.
    ///
    /// # Errors
    ///
    /// As the system says.
    pub fn launch(&mut self, programs: &[&str]) -> io::Result<()> {
        for name in PROGRAMS.iter().filter(|name| programs.contains(*name)) {
            let wanted = PROGRAMS.iter().filter(|program| *program == name).count();
            let there = self.running.iter().filter(|(running, _)| running == name).count();
            if there < wanted {
                self.running.push((*name, self.spawn(name)?));
            }
        }
        Ok(())
    }

    /// Ends all processes of these programs.
    pub fn end(&mut self, programs: &[&str]) {
        for (_, child) in self.running.extract_if(.., |(name, _)| programs.contains(name)) {
            end(child);
        }
    }

    /// Ends all processes of a program but the first ones, and starts others.
    ///
    /// # Errors
    ///
    /// As the system says.
    pub fn renew(&mut self, program: &str, but: usize) -> io::Result<()> {
        let mut stay = but;
        let leaves = |(name, _): &mut (&str, Child)| {
            let leaves = *name == program && stay == 0;
            stay -= usize::from(*name == program && !leaves);
            leaves
        };
        for (_, child) in self.running.extract_if(.., leaves) {
            end(child);
        }
        self.launch(&[program])
    }

    fn spawn(&self, name: &str) -> io::Result<Child> {
        Command::new(self.directory.join(name))
            .arg(CHILD_COMMAND)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C is for the parent, which then ends them in order.
            .process_group(0)
            .spawn()
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for (_, child) in self.running.drain(..) {
            end(child);
        }
    }
}

/// Killed, since nothing is lost with it, and waited for, so that no zombie stays.
fn end(mut child: Child) {
    child.kill().ok();
    child.wait().ok();
}

/// What a child does: nothing, until its parent has gone.
pub fn wait_for_parent() {
    let mut nothing = [0; 64];
    while let Ok(1..) = io::stdin().read(&mut nothing) {}
}
