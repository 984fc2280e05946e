//! One directory `/proc/PID`: command line, `stat`, `status`, limits, open descriptors (kernel,
//! `Documentation/filesystems/proc.rst`; `proc(5)`).

use std::fs::File;
use std::io::{self, Read};

use procfs::ProcError;
use procfs::process::Process;
use rustix::fs::{OFlags, PROC_SUPER_MAGIC, RawDir, fstat, fstatfs};

/// Bytes read of a command line. The path of a program of the MTA is far shorter.
const MAX_COMMAND_LINE: u64 = 4096;

/// Bytes read of `stat`: about fifty numbers and a name of at most 64 bytes.
const MAX_STAT: u64 = 4096;

/// Bytes read of `status` and of `limits`. The list of groups, which may be longer, stands behind what is of use.
const MAX_TABLE: u64 = 8192;

/// What `/proc/PID/stat` says, in the kernel's own units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ProcessStat {
    /// One letter; `Z` for a zombie, `X` for one that is being removed.
    pub(super) state: u8,
    /// The process that started it.
    pub(super) parent: i32,
    /// Processor time in user and kernel mode, clock ticks.
    pub(super) cpu_ticks: u64,
    /// Threads.
    pub(super) threads: u64,
    /// Start, in clock ticks after the start of the system.
    pub(super) start_ticks: u64,
    /// Virtual memory in bytes.
    pub(super) virtual_bytes: u64,
    /// Memory in core, in pages.
    pub(super) resident_pages: u64,
}

impl ProcessStat {
    /// Whether the process has ended and only its exit status is left.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }
}

/// The first argument of a process, as bytes; none for a kernel thread or a zombie.
pub(super) fn first_argument(process: &Process) -> Result<Option<Vec<u8>>, ProcError> {
    let line = read(process, "cmdline", MAX_COMMAND_LINE)?;
    let argument = line.split(|&byte| byte == 0).next().unwrap_or_default();
    Ok((!argument.is_empty()).then(|| argument.to_vec()))
}

/// Reads `stat`; none where it has another form than the kernel writes.
pub(super) fn stat(process: &Process) -> Result<Option<ProcessStat>, ProcError> {
    Ok(parse_stat(&read(process, "stat", MAX_STAT)?))
}

/// Whose a process is and as which group it works: the effective numbers, of which the directory tells nothing where a
/// process has changed its user and is closed to others since. None where the kernel does not say it.
pub(super) fn credentials(process: &Process) -> Result<Option<Credentials>, ProcError> {
    match read(process, "status", MAX_TABLE) {
        Ok(text) => {
            let effective = |name: &str| number_of_row(&text, name, 1).and_then(|id| u32::try_from(id).ok());
            let (user, group) = (effective("Uid:"), effective("Gid:"));
            Ok(user.zip(group).map(|(user, group)| Credentials { user, group }))
        }
        Err(ProcError::PermissionDenied(_) | ProcError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// As whom a process works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Credentials {
    /// The effective user.
    pub(super) user: u32,
    /// The effective group.
    pub(super) group: u32,
}

/// How many descriptors a process may open, its soft limit; none where that is not said or there is no limit.
pub(super) fn most_descriptors(process: &Process) -> Result<Option<u64>, ProcError> {
    match read(process, "limits", MAX_TABLE) {
        Ok(text) => Ok(number_of_row(&text, "Max open files", 0)),
        Err(ProcError::PermissionDenied(_) | ProcError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A number of the row that begins with `name`, by its place behind that.
fn number_of_row(text: &[u8], name: &str, place: usize) -> Option<u64> {
    let row = text.split(|&byte| byte == b'\n').find_map(|row| row.strip_prefix(name.as_bytes()))?;
    str::from_utf8(row).ok()?.split_ascii_whitespace().nth(place)?.parse().ok()
}

/// The number of open descriptors.
pub(super) fn open_descriptors(process: &Process) -> Result<u64, ProcError> {
    // Not procfs' fd_count: on kernels before 6.2 it counts `.` and `..` too.
    let directory =
        process.open_relative_flags("fd", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC)?;
    if let Some(count) = told_count(&directory) {
        return Ok(count);
    }
    let mut buffer = Vec::with_capacity(8 * 1024);
    let mut entries = RawDir::new(&directory, buffer.spare_capacity_mut());
    let mut count = 0;
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(io::Error::from)?;
        count += u64::from(entry.file_name().to_bytes().first().is_some_and(u8::is_ascii_digit));
    }
    Ok(count)
}

/// Since Linux 6.2 the size of the directory is their number; listing thousands of connections costs a thousand times
/// as much.
fn told_count(directory: &File) -> Option<u64> {
    let size = u64::try_from(fstat(directory).ok()?.st_size).ok().filter(|&size| size > 0)?;
    (fstatfs(directory).ok()?.f_type == PROC_SUPER_MAGIC).then_some(size)
}

fn read(process: &Process, name: &str, limit: u64) -> Result<Vec<u8>, ProcError> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file: File = process.open_relative_flags(name, flags)?;
    let mut bytes = Vec::new();
    match file.take(limit).read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        // The process ended after its directory was opened.
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) => {
            Err(ProcError::NotFound(None))
        }
        Err(error) => Err(error.into()),
    }
}

/// Reads the fields behind the name, which stands in parentheses and may itself hold any byte.
fn parse_stat(line: &[u8]) -> Option<ProcessStat> {
    let name_end = memchr::memrchr(b')', line)?;
    let fields = str::from_utf8(line.get(name_end + 1..)?).ok()?;
    let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
    // Field 3 of proc(5), the state, is the first one here.
    let field = |number: usize| fields.get(number - 3).copied();
    let number = |index: usize| field(index)?.parse::<u64>().ok();
    Some(ProcessStat {
        state: *field(3)?.as_bytes().first()?,
        parent: field(4)?.parse().ok()?,
        cpu_ticks: number(14)?.saturating_add(number(15)?),
        threads: number(20)?,
        start_ticks: number(22)?,
        virtual_bytes: number(23)?,
        resident_pages: number(24)?,
    })
}

#[cfg(test)]
mod tests {
    use super::{ProcessStat, number_of_row, parse_stat};

    const REAL: &str = " S 1 870 870 0 -1 4194560 1200 0 11 0 25 75 3 4 20 0 9 0 5000 104857600 2560 \
        18446744073709551615 1 1 0 0 0 0 0 4096 17479 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

    #[test]
    fn names_cannot_shift_the_fields() {
        let expected = ProcessStat {
            state: b'S',
            parent: 1,
            cpu_ticks: 100,
            threads: 9,
            start_ticks: 5000,
            virtual_bytes: 104_857_600,
            resident_pages: 2560,
        };
        for name in [&b"dispatcher"[..], b"", b"a b", b") R 1 (", b"((", b"\xff\n)", b") S 1 2 3)"] {
            let line = [b"870 (", name, b")", REAL.as_bytes()].concat();
            assert_eq!(parse_stat(&line), Some(expected), "{name:?}");
        }
    }

    #[test]
    fn numbers_of_rows() {
        let limits = b"Limit                     Soft Limit           Hard Limit           Units     \n\
            Max open files            1024                 524288               files     \n\
            Max locked memory         unlimited            unlimited            bytes     \n";
        for (text, name, place, expected) in [
            (&limits[..], "Max open files", 0, Some(1024)),
            (limits, "Max open files", 1, Some(524_288)),
            (limits, "Max locked memory", 0, None),
            (limits, "Max cpu time", 0, None),
            (b"Name:\tUid: 7 8 9\nUid:\t500\t501\t502\t503\n", "Uid:", 1, Some(501)),
            (b"Uid:\t500\n", "Uid:", 1, None),
            (b"Uid:\t500\t\xff\n", "Uid:", 1, None),
            (b"", "Uid:", 1, None),
        ] {
            assert_eq!(number_of_row(text, name, place), expected, "{name}");
        }
    }

    #[test]
    fn other_forms_give_nothing() {
        for line in [
            &b""[..],
            b")",
            b"1 (x)",
            b"1 (x) S 1 2 3",
            b"1 x S 1 870 870 0 -1 4194560 1200 0 11 0 25 75 3 4 20 0 9 0 5000 104857600 2560",
            b"1 (x) S 1 870 870 0 -1 4194560 1200 0 11 0 -1 75 3 4 20 0 9 0 5000 104857600 2560",
            b"1 (x) S 1 870 870 0 -1 4194560 1200 0 11 0 25 75 3 4 20 0 9 0 5000 104857600 99999999999999999999",
            b"1 (x) \xff 1 870 870 0 -1 4194560 1200 0 11 0 25 75 3 4 20 0 9 0 5000 104857600 2560",
        ] {
            assert_eq!(parse_stat(line), None, "{}", String::from_utf8_lossy(line));
        }
    }
}
