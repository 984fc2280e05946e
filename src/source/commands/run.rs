//! A program that prints: started without a shell, with nothing of this program's, read up to a cap, ended in time.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::{CommandError, Program, RunningCommand};

/// The most that is read of what a command prints, on both outputs. A channel is some lines of a few hundred bytes.
pub const MOST_OUTPUT: usize = 1 << 20;

/// The most of a line that is shown.
const MOST_SAID: usize = 160;

/// Between two looks whether it has ended; what it prints is awaited meanwhile.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// The program is a script on some systems, so it has to find the tools of the system, and nothing else of an
/// environment that somebody may have chosen.
const ENVIRONMENT: [(&str, &str); 2] = [("PATH", "/usr/bin:/bin"), ("LC_ALL", "C")];

/// What a program prints that ends well and in time.
///
/// # Errors
///
/// It does not.
pub(super) fn output(
    program: &Program,
    arguments: &[&str],
    timeout: Duration,
    running: &RunningCommand,
    clock: &dyn Fn() -> Duration,
) -> Result<Printed, CommandError> {
    let failed = |error| CommandError::Start { program: program.name.clone(), error };
    let deadline = clock() + timeout;
    let mut child = running.start(&mut command(program, arguments)).map_err(failed)?;
    let mut printed = Printed::default();
    let heard = listen(&mut child, &mut printed, deadline, clock);
    let status = running.finish(child).map_err(failed)?;
    match heard.map_err(failed)? {
        Heard::All if status.success() => Ok(printed),
        Heard::All => Err(CommandError::ExitStatus { status, said: printed.first_line() }),
        Heard::TooMuch => Err(CommandError::Output),
        Heard::TooLong => Err(CommandError::Timeout { timeout }),
    }
}

fn command(program: &Program, arguments: &[&str]) -> Command {
    let mut command = Command::new(&program.path);
    command.arg0(&program.name).args(arguments).env_clear().envs(ENVIRONMENT).current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// How listening ended.
enum Heard {
    /// The program has ended, and this was all.
    All,
    TooMuch,
    TooLong,
}

/// What it printed, on both outputs.
#[derive(Debug, Default)]
pub(super) struct Printed {
    pub(super) out: Vec<u8>,
    pub(super) error: Vec<u8>,
}

impl Printed {
    /// What it says of a failure.
    pub(super) fn first_line(&self) -> String {
        let said = first_line(&self.error);
        if said.is_empty() { first_line(&self.out) } else { said }
    }
}

/// Reads what it prints until it has ended. What it started and left behind may hold its outputs open for ever, so their
/// ends are not awaited.
fn listen(
    child: &mut Child,
    printed: &mut Printed,
    deadline: Duration,
    clock: &dyn Fn() -> Duration,
) -> io::Result<Heard> {
    let pid = Pid::from_child(child);
    let mut out = Pipe::new(child.stdout.take())?;
    let mut error = Pipe::new(child.stderr.take())?;
    loop {
        if clock() >= deadline {
            return Ok(Heard::TooLong);
        }
        // Asked before reading: what it printed before it ended is there to be read.
        let ended = has_ended(pid)?;
        let read = out.read(&mut printed.out)? + error.read(&mut printed.error)?;
        if printed.out.len() + printed.error.len() > MOST_OUTPUT {
            return Ok(Heard::TooMuch);
        }
        if read > 0 {
            continue;
        }
        if ended {
            return Ok(Heard::All);
        }
        wait(&[out.descriptor(), error.descriptor()])?;
    }
}

/// Whether it has ended. It is not waited for, so its number stays its own.
fn has_ended(pid: Pid) -> io::Result<bool> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    Ok(waitid(WaitId::Pid(pid), options)?.is_some())
}

/// Until there is something to read, for a tick at most.
fn wait(descriptors: &[Option<BorrowedFd<'_>>]) -> io::Result<()> {
    let open = descriptors.iter().flatten();
    let mut open: Vec<_> =
        open.map(|descriptor| PollFd::from_borrowed_fd(*descriptor, PollFlags::IN)).collect();
    match poll(&mut open, Some(&TICK)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// An output until its end.
struct Pipe<R>(Option<R>);

type Out = ChildStdout;
type Error = ChildStderr;

/// Both kinds of outputs.
trait Output: Read + AsFd {}
impl Output for Out {}
impl Output for Error {}

impl<R: Output> Pipe<R> {
    fn new(output: Option<R>) -> io::Result<Self> {
        if let Some(output) = &output {
            fcntl_setfl(output, OFlags::NONBLOCK)?;
        }
        Ok(Self(output))
    }

    /// Adds what is there now; how much that was.
    fn read(&mut self, to: &mut Vec<u8>) -> io::Result<usize> {
        let Some(output) = &mut self.0 else { return Ok(0) };
        let mut buffer = [0; 16 * 1024];
        match output.read(&mut buffer) {
            Ok(0) => {
                self.0 = None;
                Ok(0)
            }
            Ok(read) => {
                to.extend_from_slice(&buffer[..read]);
                Ok(read)
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                Ok(0)
            }
            Err(error) => Err(error),
        }
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.0.as_ref().map(AsFd::as_fd)
    }
}

/// The first line that is not blank, printable and short.
pub(super) fn first_line(printed: &[u8]) -> String {
    let mut lines = printed.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    let line = lines.find(|line| !line.is_empty()).unwrap_or_default();
    let shown = |&byte: &u8| if (b' '..=b'~').contains(&byte) { char::from(byte) } else { '?' };
    line.iter().take(MOST_SAID).map(shown).collect()
}
