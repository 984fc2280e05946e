//! A log that is mounted as a single file, as into a container: a mount holds the file and not its name, so that the
//! new log after the first rotation is out of reach, and nothing fails.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Where the kernel lists what is mounted for this process (`proc_pid_mountinfo(5)`).
const MOUNTS: &str = "/proc/self/mountinfo";

/// The first of the files that is a mount point of its own, or has no name any more where it comes from. What
/// cannot be looked at is none.
#[must_use]
pub fn find<'a>(files: impl IntoIterator<Item = &'a Path>) -> Option<PathBuf> {
    let mounts = std::fs::read(MOUNTS).unwrap_or_default();
    files.into_iter().find(|file| is_single(file, &mounts)).map(Path::to_owned)
}

/// The same as a sentence.
#[must_use]
pub fn problem<'a>(files: impl IntoIterator<Item = &'a Path>) -> Option<String> {
    let file = find(files)?;
    Some(format!(
        "{} is mounted as a single file: after the next rotation the new log is out of reach, and nothing will say \
         so; mount its directory",
        file.display()
    ))
}

fn is_single(file: &Path, mounts: &[u8]) -> bool {
    let Ok(metadata) = std::fs::metadata(file) else { return false };
    let Ok(place) = file.canonicalize() else { return false };
    let place = escaped(place.as_os_str().as_bytes());
    let mut points =
        mounts.split(|&byte| byte == b'\n').filter_map(|line| line.split(|&byte| byte == b' ').nth(4));
    metadata.is_file() && (metadata.nlink() == 0 || points.any(|point| point == place))
}

/// A path as the kernel lists it.
fn escaped(path: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(path.len());
    for &byte in path {
        match byte {
            b' ' | b'\t' | b'\n' | b'\\' => text.extend(format!("\\{byte:03o}").bytes()),
            _ => text.push(byte),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::is_single;

    #[test]
    fn a_file_is_looked_for_among_the_mount_points() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let directory = place.path().canonicalize().expect("there");
        let (log, link) = (directory.join("mail log"), directory.join("link"));
        std::fs::write(&log, "").expect("written");
        std::os::unix::fs::symlink(&log, &link).expect("linked");
        let mount = |point: &str| format!("36 35 98:0 /m {point} rw - ext3 /dev/root rw\n");
        let listed = directory.display().to_string();
        let (of_log, of_directory) = (mount(&format!("{listed}/mail\\040log")), mount(&listed));
        for (file, mounts, expected) in [
            (&log, &of_log, true),
            (&link, &of_log, true),
            (&log, &of_directory, false),
            (&directory, &of_directory, false),
        ] {
            assert_eq!(is_single(file, mounts.as_bytes()), expected, "{} in {mounts}", file.display());
        }
    }
}
