//! The ends of the logs: whether they can be read, and what they show.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::{Duration, SystemTime};

use jiff::tz::TimeZone;
use rustix::fs::{Mode, OFlags, open};

use super::Checked;
use super::Verdict::{Fine, Note, Problem};
use crate::aggregate::log_clock::zone_question;
use crate::aggregate::time::UnixTime;
use crate::aggregate::timeline::Present;
use crate::aggregate::{Aggregate, Totals};
use crate::app::logs;
use crate::config::Config;
use crate::counting::LogReader;
use crate::source::install::Install;
use crate::source::seed::new_seed;
use crate::source::single_mount;
use crate::source::timezone::{LogZone, Origin};
use crate::text::denied;

/// How much of the end of each log is read.
const TAIL_BYTES: u64 = 4 << 20;
/// A log whose last write is older is not looked at for its time zone: it may be a copy.
const BEING_WRITTEN: Duration = Duration::from_mins(10);
/// A shorter log was begun lately: the one before it is read, too.
const SHORT_BYTES: u64 = 256 << 10;

/// Reads the ends of all followed logs; what they add up to, unless there is no line in them.
pub(super) fn read(
    checked: &mut Checked,
    config: &Config,
    install: &Install,
    now: SystemTime,
) -> Option<Totals> {
    let zone = timezone(checked, config);
    let mut aggregate = Aggregate::new(Totals::new(new_seed()), zone, config.mta.block_size);
    for (index, name) in config.logs.files.iter().enumerate() {
        let path = install.log_directory.join(name);
        if let Some(problem) = single_mount::problem([path.as_path()]) {
            checked.note(Problem, "log", problem);
        }
        let tail = match tail(&path) {
            Ok(tail) => tail,
            Err(error) => {
                missing_or_denied(checked, index, &path, &error);
                continue;
            }
        };
        let before = (tail.size < SHORT_BYTES).then(|| rotated(name)).flatten();
        if let Some(Ok(older)) = before.map(|name| self::tail(&install.log_directory.join(name))) {
            count(&mut aggregate, config, name, &older.bytes);
        }
        count(&mut aggregate, config, name, &tail.bytes);
        verdict(checked, &aggregate.totals, name, &path, tail.size);
        clock_question(checked, &aggregate.totals, name, tail.written, now);
    }
    let any = aggregate.totals.accounts.all().iter().any(|account| account.lines > 0);
    any.then_some(aggregate.totals)
}

/// By which zone times are read.
fn timezone(checked: &mut Checked, config: &Config) -> TimeZone {
    let found = LogZone::find(config.mta.timezone.as_ref());
    let (verdict, text) = match (found.problem(), &found.origin) {
        (Some(problem), Origin::Misnamed(_)) => (Problem, problem),
        (Some(problem), _) => (Note, problem),
        (None, Origin::Configured) => (Fine, format!("{}, as configured", found.name())),
        (None, _) => (Fine, format!("{}, as the host's", found.name())),
    };
    checked.note(verdict, "time zone", text);
    found.zone
}

/// Says it when the entries of a log that is being written are by a time zone off the clock. What its file
/// says of the last write is by the clock, whatever the zone.
fn clock_question(checked: &mut Checked, totals: &Totals, name: &str, written: SystemTime, now: SystemTime) {
    let account = totals.accounts.all().iter().find(|account| account.name == name);
    let Some(last_entry) = account.and_then(|account| account.last_entry) else { return };
    let quiet = now.duration_since(written).unwrap_or_default();
    let written = jiff::Timestamp::try_from(written).ok().map(|stamp| UnixTime::of(stamp.as_millisecond()));
    let ahead = written.map(|written| Present::of_entry(last_entry).unix.since(written));
    if let Some(question) = ahead.filter(|_| quiet < BEING_WRITTEN).and_then(zone_question) {
        checked.note(Problem, "log", format!("{name}: {question}"));
    }
}

/// Whether the files that are followed beside the logs can be read.
pub(super) fn beside(checked: &mut Checked, config: &Config) {
    for (name, path) in logs::beside(config) {
        if let Some(problem) = single_mount::problem([path.as_path()]) {
            checked.note(Problem, name, problem);
        }
        match tail(&path) {
            Ok(tail) => checked.note(Fine, name, format!("{}: {} bytes", path.display(), tail.size)),
            Err(error) => checked.note(Problem, name, denied(&path, &error)),
        }
    }
}

/// The first log has to be there; the others may be switched off in the MTA.
fn missing_or_denied(checked: &mut Checked, index: usize, path: &Path, error: &io::Error) {
    if index > 0 && error.kind() == io::ErrorKind::NotFound {
        let text = format!(
            "{} is not there: connections are logged in the first log, or not at all, unless the MTA's option \
             separate_connection_log is 1",
            path.display()
        );
        checked.note(Note, "log", text);
    } else {
        checked.note(Problem, "log", denied(path, error));
    }
}

fn verdict(checked: &mut Checked, totals: &Totals, name: &str, path: &Path, size: u64) {
    let path = path.display();
    let Some(account) = totals.accounts.all().iter().find(|account| account.name == name) else {
        return checked.note(Note, "log", format!("{path} can be read and is empty"));
    };
    let (records, unparsed) = (account.records(), account.unparsed.sum());
    let text = format!("{path}: {size} bytes; in the last lines, {records} entries");
    if records == 0 && account.lines > 0 {
        let text = format!("{text}, and {} lines that are none: this is not the MTA's log", account.lines);
        checked.note(Problem, "log", text);
    } else if unparsed > 0 {
        let text = format!("{text}, {unparsed} lines not understood; imsimta-exporter explain says why");
        checked.note(Note, "log", text);
    } else {
        checked.note(Fine, "log", text);
    }
}

fn count(aggregate: &mut Aggregate, config: &Config, name: &str, lines: &[u8]) {
    // A log without a line has no account.
    if !lines.is_empty() {
        let most = usize::try_from(config.logs.max_line_bytes).unwrap_or(usize::MAX);
        let log = aggregate.totals.accounts.index(name);
        LogReader::new(config.dialect(), most).count(lines, aggregate, log, None);
    }
}

/// What the return job renames a log to.
fn rotated(name: &str) -> Option<String> {
    Some(format!("{}_yesterday", name.strip_suffix("_current")?))
}

/// The end of a log.
struct Tail {
    /// Bytes of the whole log.
    size: u64,
    /// When it was last written.
    written: SystemTime,
    /// Its last complete lines.
    bytes: Vec<u8>,
}

fn tail(path: &Path) -> io::Result<Tail> {
    // A FIFO would be waited for.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut file = File::from(open(path, flags, Mode::empty())?);
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let (size, written) = (metadata.len(), metadata.modified()?);
    let start = size.saturating_sub(TAIL_BYTES);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    let first =
        if start == 0 { 0 } else { memchr::memchr(b'\n', &bytes).map_or(bytes.len(), |newline| newline + 1) };
    let end = memchr::memrchr(b'\n', &bytes).map_or(first, |newline| newline + 1);
    Ok(Tail { size, written, bytes: bytes.get(first..end).unwrap_or_default().to_vec() })
}
