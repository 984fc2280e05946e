//! What of the MTA is on this host: on the passive node of a pair nothing is.

use std::io;
use std::path::Path;

/// Whether there is anything in a directory. A mount point on which nothing is mounted is empty, or is not
/// there. One that cannot be looked into is there: what keeps somebody out is no absence.
#[must_use]
pub fn holds_anything(directory: &Path) -> bool {
    match std::fs::read_dir(directory) {
        Ok(mut entries) => entries.any(|entry| entry.map_or(true, |entry| entry.file_name() != "lost+found")),
        Err(error) => !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory),
    }
}

#[cfg(test)]
mod tests {
    use super::holds_anything;

    #[test]
    fn what_is_empty_or_not_there_holds_nothing() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let path = |name: &str| place.path().join(name);
        for name in ["empty", "made/lost+found", "logs"] {
            std::fs::create_dir_all(path(name)).expect("made");
        }
        std::fs::write(path("logs/mail.log_current"), "").expect("written");
        for (link, target) in [("nowhere", "gone"), ("circle", "circle"), ("linked", "logs")] {
            std::os::unix::fs::symlink(path(target), path(link)).expect("linked");
        }
        for (name, expected) in [
            ("empty", false),
            ("gone", false),
            ("made", false),
            ("nowhere", false),
            ("logs/mail.log_current", false),
            ("circle", true),
            ("linked", true),
            ("logs", true),
        ] {
            assert_eq!(holds_anything(&path(name)), expected, "{name}");
        }
    }
}
