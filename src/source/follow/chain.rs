//! The names under which one log's files lie, oldest entries last in: `mail.log_current` becomes
//! `mail.log_yesterday`, and what was that before is appended to `mail.log` (2005Q4 guide, "Managing MTA
//! Message and Connection Logs").

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::FollowError;
use super::file::LogFile;
use super::position::{FileId, written_at};

/// Where the files of one log are looked for.
#[derive(Debug)]
pub(super) struct Chain {
    /// The log's path.
    pub current: PathBuf,
    /// What the return job renames it to, and what it appends that to; none for a log with another
    /// name than `…_current`.
    rotated: Option<(PathBuf, PathBuf)>,
}

impl Chain {
    pub(super) fn new(current: PathBuf) -> Self {
        let base = current.file_name().and_then(|name| name.to_str()?.strip_suffix("_current"));
        let rotated = base
            .map(|base| (current.with_file_name(format!("{base}_yesterday")), current.with_file_name(base)));
        Self { current, rotated }
    }

    /// The file that is the log now.
    pub(super) fn open_current(&self, now: Duration) -> Result<Option<LogFile>, FollowError> {
        LogFile::open(&self.current, now)
    }

    /// Which file is the log now, and when it was last written.
    pub(super) fn look_at_current(&self) -> std::io::Result<Option<(FileId, u128)>> {
        match std::fs::metadata(&self.current) {
            Ok(metadata) => Ok(Some((FileId::of(&metadata), written_at(&metadata)))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The file that was the log before.
    pub(super) fn open_yesterday(&self, now: Duration) -> Result<Option<LogFile>, FollowError> {
        open_optional(self.rotated.as_ref().map(|(yesterday, _)| yesterday.as_path()), now)
    }

    /// The file to which all older ones were appended.
    pub(super) fn open_cumulative(&self, now: Duration) -> Result<Option<LogFile>, FollowError> {
        open_optional(self.rotated.as_ref().map(|(_, cumulative)| cumulative.as_path()), now)
    }

    /// Which file has the name of yesterday's.
    pub(super) fn yesterday_id(&self) -> Option<FileId> {
        let (yesterday, _) = self.rotated.as_ref()?;
        FileId::of_path(yesterday).ok()?
    }

    /// How large yesterday's file is, whether it may be read or not.
    pub(super) fn yesterday_bytes(&self) -> Option<u64> {
        let (yesterday, _) = self.rotated.as_ref()?;
        Some(std::fs::metadata(yesterday).ok()?.len())
    }

    /// How large a file is that is the log or yesterday's, whether it may be read or not.
    pub(super) fn bytes_of(&self, id: FileId) -> Option<u64> {
        let yesterday = self.rotated.as_ref().map(|(yesterday, _)| yesterday);
        let files = yesterday.into_iter().chain([&self.current]);
        let mut found = files.filter_map(|path| std::fs::metadata(path).ok());
        found.find(|metadata| FileId::of(metadata) == id).map(|metadata| metadata.len())
    }

    /// A file of the log's directory that somebody renamed by hand.
    pub(super) fn open_by_id(&self, id: FileId, now: Duration) -> Option<LogFile> {
        let directory = self.current.parent()?;
        let named = |entry: std::io::Result<std::fs::DirEntry>| {
            let path = entry.ok()?.path();
            (FileId::of_path(&path).ok()? == Some(id)).then_some(path)
        };
        let path = std::fs::read_dir(directory).ok()?.find_map(named)?;
        // What was appended to it since then was read elsewhere.
        if self.rotated.as_ref().is_some_and(|(_, cumulative)| *cumulative == path) {
            return None;
        }
        LogFile::open(&path, now).ok()?.filter(|file| file.id() == id)
    }

    /// What the names of all its files begin with: `mail.log`.
    pub(super) fn base(&self) -> &str {
        let name = self.current.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.strip_suffix("_current").unwrap_or(name)
    }

    /// Whether the path is one of those that are looked at anyway.
    pub(super) fn names(&self, path: &Path) -> bool {
        let rotated = self.rotated.iter().flat_map(|(yesterday, cumulative)| [yesterday, cumulative]);
        rotated.chain([&self.current]).any(|name| name == path)
    }

    /// When names in the directory that should hold the log last changed; `None` when it is not there.
    pub(super) fn directory_changed(&self) -> Option<u128> {
        let directory = std::fs::metadata(self.current.parent()?).ok()?;
        directory.is_dir().then(|| written_at(&directory))
    }
}

/// What stands in the place of a rotated log and is no file is none of ours.
fn open_optional(path: Option<&Path>, now: Duration) -> Result<Option<LogFile>, FollowError> {
    let Some(path) = path else { return Ok(None) };
    match LogFile::open(path, now) {
        Err(FollowError::NotRegular { .. }) => Ok(None),
        opened => opened,
    }
}
