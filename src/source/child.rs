//! A program that is run: started without a shell, with nothing of this program's but what it is given to read, heard up
//! to a cap, ended in time. `running.rs` is how this program's end is its own.

mod running;
#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::io::{self, Read, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

pub use running::Running;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// The most of a line that is shown.
const MOST_SAID: usize = 160;

/// Between two looks whether it has ended; what it prints is awaited meanwhile.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// The program is a script on some systems, so it has to find the tools of the system, and nothing else of an
/// environment that somebody may have chosen.
const ENVIRONMENT: [(&str, &str); 2] = [("PATH", "/usr/bin:/bin"), ("LC_ALL", "C")];

/// A program, and what it is run with.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a, A> {
    /// Where it is.
    pub path: &'a Path,
    /// What it is told to be called.
    pub name: &'a Path,
    /// What stands behind that.
    pub arguments: &'a [A],
    /// What it can read.
    pub input: &'a [u8],
    /// How long it may take.
    pub timeout: Duration,
    /// The most that it may print, on both outputs.
    pub most_output: usize,
}

/// How a program came to its end.
#[derive(Debug)]
pub enum Ended {
    /// By itself.
    Itself(ExitStatus),
    /// It printed too much, and was killed.
    TooMuch,
    /// It took too long, and was killed.
    TooLong,
}

/// Runs a program, and kills what is left of it. `clock` is a monotonic clock, and is looked at again and again.
///
/// # Errors
///
/// It could not be started or waited for.
pub fn run<A: AsRef<OsStr>>(
    what: &Run<'_, A>,
    running: &Running,
    clock: &dyn Fn() -> Duration,
) -> io::Result<(Ended, Printed)> {
    let deadline = clock() + what.timeout;
    let mut child = running.start(&mut command(what))?;
    let mut printed = Printed::default();
    let heard = attend(&mut child, what.input, &mut printed, what.most_output, deadline, clock);
    let status = running.finish(child)?;
    let ended = match heard? {
        Heard::All => Ended::Itself(status),
        Heard::TooMuch => Ended::TooMuch,
        Heard::TooLong => Ended::TooLong,
    };
    Ok((ended, printed))
}

fn command<A: AsRef<OsStr>>(what: &Run<'_, A>) -> Command {
    let mut command = Command::new(what.path);
    command.arg0(what.name).args(what.arguments).env_clear().envs(ENVIRONMENT).current_dir("/");
    command.stdin(if what.input.is_empty() { Stdio::null() } else { Stdio::piped() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
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
pub struct Printed {
    /// Where results go.
    pub out: Vec<u8>,
    /// Where complaints go.
    pub error: Vec<u8>,
}

impl Printed {
    /// What it says of a failure.
    pub fn first_line(&self) -> String {
        let said = first_line(&self.error);
        if said.is_empty() { first_line(&self.out) } else { said }
    }
}

/// Gives it what it can read, and reads what it prints, until it has ended. What it started and left behind may hold its
/// outputs open for ever, so their ends are not awaited.
fn attend(
    child: &mut Child,
    input: &[u8],
    printed: &mut Printed,
    most: usize,
    deadline: Duration,
    clock: &dyn Fn() -> Duration,
) -> io::Result<Heard> {
    let pid = Pid::from_child(child);
    let mut given = Given::new(child.stdin.take(), input)?;
    let mut out = Pipe::new(child.stdout.take())?;
    let mut error = Pipe::new(child.stderr.take())?;
    loop {
        if clock() >= deadline {
            return Ok(Heard::TooLong);
        }
        // Asked before reading: what it printed before it ended is there to be read.
        let ended = has_ended(pid)?;
        given.write()?;
        let read = out.read(&mut printed.out)? + error.read(&mut printed.error)?;
        if printed.out.len() + printed.error.len() > most {
            return Ok(Heard::TooMuch);
        }
        if read > 0 {
            continue;
        }
        if ended {
            return Ok(Heard::All);
        }
        wait(&[
            (out.descriptor(), PollFlags::IN),
            (error.descriptor(), PollFlags::IN),
            (given.descriptor(), PollFlags::OUT),
        ])?;
    }
}

/// Whether it has ended. It is not waited for, so its number stays its own.
fn has_ended(pid: Pid) -> io::Result<bool> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    Ok(waitid(WaitId::Pid(pid), options)?.is_some())
}

/// Until there is something to read, or room to write, for a tick at most.
fn wait(descriptors: &[(Option<BorrowedFd<'_>>, PollFlags)]) -> io::Result<()> {
    let open = descriptors.iter().filter_map(|(descriptor, awaited)| Some((descriptor.as_ref()?, *awaited)));
    let mut open: Vec<_> =
        open.map(|(descriptor, awaited)| PollFd::from_borrowed_fd(*descriptor, awaited)).collect();
    match poll(&mut open, Some(&TICK)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// What it can read, until all of it is written or it reads no more.
struct Given<'a> {
    pipe: Option<ChildStdin>,
    rest: &'a [u8],
}

impl<'a> Given<'a> {
    fn new(pipe: Option<ChildStdin>, input: &'a [u8]) -> io::Result<Self> {
        if let Some(pipe) = &pipe {
            fcntl_setfl(pipe, OFlags::NONBLOCK)?;
        }
        Ok(Self { pipe, rest: input })
    }

    /// Writes what there is room for. Who does not want to read it need not.
    fn write(&mut self) -> io::Result<()> {
        let Some(pipe) = &mut self.pipe else { return Ok(()) };
        match pipe.write(self.rest) {
            Ok(written) => self.rest = &self.rest[written..],
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.rest = &[],
            Err(error) => return Err(error),
        }
        if self.rest.is_empty() {
            self.pipe = None;
        }
        Ok(())
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
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
pub fn first_line(printed: &[u8]) -> String {
    let mut lines = printed.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    let line = lines.find(|line| !line.is_empty()).unwrap_or_default();
    let shown = |&byte: &u8| if (b' '..=b'~').contains(&byte) { char::from(byte) } else { '?' };
    line.iter().take(MOST_SAID).map(shown).collect()
}
