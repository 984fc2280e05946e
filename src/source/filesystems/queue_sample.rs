//! Whose the files of the queue are: a bounded sample that goes around, so that every file has its turn.
//!
//! The manual lists the whole queue (`ls -l -p -R`), which costs too much where a million messages wait. Each look asks
//! for so many files, from where the last one stopped, and for those that were wrong before: what was found wrong stays
//! known until it is put right or has gone.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CStr, CString, OsStr};
use std::ops::Bound::{Excluded, Unbounded};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, SeekFrom, Stat, openat, seek, statat};
use rustix::io::Errno;

use super::critical::{Expected, Role, Wrong};

/// Files that a look asks for.
const FILES: usize = 256;
/// Files that a look asks for again, since they were wrong.
const WRONG_FILES: usize = 256;
/// Wrong files that are remembered.
const MOST_WRONG: usize = 1000;
/// Channel directories that are looked at, each time.
const MOST_CHANNELS: usize = 1000;
/// Bytes of directory entries asked for at once.
const BUFFER: usize = 8 * 1024;

/// What a look found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sampled {
    /// The wrong directories of channels, each with what is wrong.
    pub directories: BTreeMap<PathBuf, BTreeSet<Wrong>>,
    /// The wrong files and subdirectories of channels that are known, by their paths below the queue directory.
    pub files: BTreeMap<PathBuf, BTreeSet<Wrong>>,
    /// Wrong files and directories that this look met and nothing remembers, since there are too many.
    pub left_out: u64,
}

/// Where the next look goes on.
#[derive(Debug, Clone)]
struct Place {
    channel: CString,
    /// In the directory of the channel.
    after: u64,
    /// In a subdirectory of it, where the last one stopped in one.
    within: Option<(CString, u64)>,
}

/// Looks at a queue again and again.
#[derive(Debug, Default)]
pub(super) struct QueueSample {
    place: Option<Place>,
    wrong: BTreeMap<PathBuf, BTreeSet<Wrong>>,
    /// The wrong one that was asked for last.
    asked_again: Option<PathBuf>,
}

/// One look.
struct Look<'a> {
    expected: &'a Expected,
    left: usize,
    found: Sampled,
    wrong: &'a mut BTreeMap<PathBuf, BTreeSet<Wrong>>,
}

impl QueueSample {
    /// Looks at all directories of channels and at some files.
    ///
    /// # Errors
    ///
    /// If the root of the queue cannot be read. What vanishes meanwhile, and a channel that cannot be read, is no error:
    /// the scan of the queue says that.
    pub(super) fn look(&mut self, root: &Path, expected: &Expected) -> Result<Sampled, Errno> {
        let root = openat(CWD, root, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        self.ask_again(&root, expected);
        let mut look = Look { expected, left: 0, found: Sampled::default(), wrong: &mut self.wrong };
        let channels = look.channels(&root)?;
        // Those are looked at each time and take no turn of a file's.
        look.left = FILES;
        let first = self.place.as_ref().map(|place| &place.channel);
        let (before, after): (Vec<_>, Vec<_>) = channels.iter().partition(|name| Some(*name) < first);
        let mut place = self.place.take();
        for channel in after.into_iter().chain(before) {
            let from = place.take().filter(|place| place.channel == *channel);
            self.place = look.channel(&root, channel, from);
            if self.place.is_some() {
                break;
            }
        }
        let found = look.found;
        Ok(Sampled { files: self.wrong.clone(), ..found })
    }

    /// Asks for some of those that were wrong.
    fn ask_again(&mut self, root: &OwnedFd, expected: &Expected) {
        let from = self.asked_again.take().map_or(Unbounded, Excluded);
        let some: Vec<PathBuf> =
            self.wrong.range((from, Unbounded)).take(WRONG_FILES).map(|(path, _)| path.clone()).collect();
        self.asked_again = some.last().filter(|_| some.len() == WRONG_FILES).cloned();
        for path in some {
            let wrong = stat_below(root, &path).map(|found| Role::Own.wrong(&found, Some(expected)));
            match wrong {
                Some(wrong) if !wrong.is_empty() => _ = self.wrong.insert(path, wrong),
                _ => _ = self.wrong.remove(&path),
            }
        }
    }
}

impl Look<'_> {
    /// The directories of channels, with a look at each.
    fn channels(&mut self, root: &OwnedFd) -> Result<BTreeSet<CString>, Errno> {
        let mut channels = BTreeSet::new();
        let mut buffer = Vec::with_capacity(BUFFER);
        let mut entries = RawDir::new(root, buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry?;
            // File systems keep something of root's for themselves, and the MTA temporary files.
            let name = entry.file_name();
            let is_own = name != c"lost+found" && !name.to_bytes().starts_with(b"$");
            if !is_own || channels.len() >= MOST_CHANNELS {
                continue;
            }
            if self.note(root, name, Path::new("")) == Some(FileType::Directory) {
                channels.insert(name.to_owned());
            }
        }
        Ok(channels)
    }

    /// Asks for files of a channel until no more may be asked for: then, where to go on.
    fn channel(&mut self, root: &OwnedFd, name: &CStr, from: Option<Place>) -> Option<Place> {
        let place = |after, within| Some(Place { channel: name.to_owned(), after, within });
        let (mut after, within) = from.map_or((0, None), |place| (place.after, place.within));
        let directory = open_below(root, name)?;
        let path = path_of(name);
        if let Some((subdirectory, from)) = within
            && let Some(reached) = self.subdirectory(&directory, &subdirectory, &path, from)
        {
            return place(after, Some((subdirectory, reached)));
        }
        seek(&directory, SeekFrom::Start(after)).ok()?;
        let mut buffer = Vec::with_capacity(BUFFER);
        let mut entries = RawDir::new(&directory, buffer.spare_capacity_mut());
        while let Some(Ok(entry)) = entries.next() {
            if self.left == 0 {
                return place(after, None);
            }
            after = entry.next_entry_cookie();
            if self.note(&directory, entry.file_name(), &path) == Some(FileType::Directory)
                && let Some(reached) = self.subdirectory(&directory, entry.file_name(), &path, 0)
            {
                return place(after, Some((entry.file_name().to_owned(), reached)));
            }
        }
        None
    }

    /// The same for a subdirectory.
    fn subdirectory(&mut self, channel: &OwnedFd, name: &CStr, path: &Path, from: u64) -> Option<u64> {
        let directory = open_below(channel, name)?;
        let path = path.join(path_of(name));
        seek(&directory, SeekFrom::Start(from)).ok()?;
        let mut reached = from;
        let mut buffer = Vec::with_capacity(BUFFER);
        let mut entries = RawDir::new(&directory, buffer.spare_capacity_mut());
        while let Some(Ok(entry)) = entries.next() {
            if self.left == 0 {
                return Some(reached);
            }
            reached = entry.next_entry_cookie();
            self.note(&directory, entry.file_name(), &path);
        }
        None
    }

    /// Takes what is at a name; its type, unless it is a link or has vanished.
    fn note(&mut self, directory: &OwnedFd, name: &CStr, path: &Path) -> Option<FileType> {
        if name == c"." || name == c".." {
            return None;
        }
        self.left = self.left.saturating_sub(1);
        let found = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        let kind = FileType::from_raw_mode(found.st_mode);
        if kind != FileType::Directory && kind != FileType::RegularFile {
            return None;
        }
        let wrong = Role::Own.wrong(&found, Some(self.expected));
        // Each look asks for all directories of channels, and for some of what is in them.
        let is_channel = kind == FileType::Directory && path == Path::new("");
        let path = path.join(path_of(name));
        let known = if is_channel { &mut self.found.directories } else { &mut *self.wrong };
        if wrong.is_empty() {
            known.remove(&path);
        } else if known.len() < MOST_WRONG || known.contains_key(&path) {
            known.insert(path, wrong);
        } else {
            self.found.left_out += 1;
        }
        Some(kind)
    }
}

/// Opens a directory, never through a link; none where it has vanished or may not be read.
fn open_below(parent: &OwnedFd, name: &CStr) -> Option<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(parent, name, flags, Mode::empty()).ok()
}

/// What is at a path of at most three names, none of which is followed where it is a link.
fn stat_below(root: &OwnedFd, path: &Path) -> Option<Stat> {
    let (directory, name) = (path.parent()?, path.file_name()?);
    let mut parent = None;
    for name in directory {
        let name = CString::new(name.as_bytes()).ok()?;
        parent = Some(open_below(parent.as_ref().unwrap_or(root), &name)?);
    }
    statat(parent.as_ref().unwrap_or(root), name, AtFlags::SYMLINK_NOFOLLOW).ok()
}

fn path_of(name: &CStr) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(name.to_bytes()))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use std::path::{Path, PathBuf};

    use tempfile::TempDir;

    use super::{Expected, FILES, MOST_WRONG, QueueSample, Sampled, Wrong};

    fn expected(root: &Path) -> Expected {
        let found = fs::metadata(root).expect("metadata");
        Expected { user: found.uid(), name: String::new(), groups: BTreeSet::from([found.gid()]) }
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("mode");
    }

    /// A queue of two channels, one with subdirectories, so many files in each directory.
    fn queue(files: usize) -> (TempDir, Vec<PathBuf>) {
        let root = TempDir::new().expect("directory");
        let mut made = Vec::new();
        for directory in ["ims-ms", "tcp_local/000", "tcp_local/001"] {
            fs::create_dir_all(root.path().join(directory)).expect("directory");
            for file in 0..files {
                let path = Path::new(directory).join(format!("ZZ{file:06}.00"));
                fs::write(root.path().join(&path), "").expect("file");
                set_mode(&root.path().join(&path), 0o640);
                made.push(path);
            }
        }
        (root, made)
    }

    fn names(wrong: &BTreeMap<PathBuf, BTreeSet<Wrong>>) -> Vec<&str> {
        wrong.keys().map(|path| path.to_str().expect("text")).collect()
    }

    #[test]
    fn what_is_wrong_is_known_until_it_is_right() {
        let (root, files) = queue(3);
        let (mut sample, expected) = (QueueSample::default(), expected(root.path()));
        assert_eq!(sample.look(root.path(), &expected), Ok(Sampled::default()));
        symlink("/", root.path().join("ims-ms/link")).expect("link");
        symlink("ims-ms", root.path().join("linked")).expect("link");
        fs::write(root.path().join("$temporary"), "").expect("file");
        set_mode(&root.path().join("$temporary"), 0o777);
        for path in [&files[0], &files[8]] {
            set_mode(&root.path().join(path), 0o666);
        }
        for directory in ["tcp_local", "tcp_local/001"] {
            set_mode(&root.path().join(directory), 0o777);
        }
        let found = sample.look(root.path(), &expected).expect("a look");
        assert_eq!(names(&found.files), ["ims-ms/ZZ000000.00", "tcp_local/001", "tcp_local/001/ZZ000002.00"]);
        assert_eq!(names(&found.directories), ["tcp_local"]);
        assert_eq!(found.files[&files[0]], BTreeSet::from([Wrong::Mode]));
        set_mode(&root.path().join(&files[0]), 0o600);
        fs::remove_dir_all(root.path().join("tcp_local")).expect("removed");
        assert_eq!(sample.look(root.path(), &expected), Ok(Sampled::default()));
        assert!(sample.look(&root.path().join("none"), &expected).is_err());
    }

    #[test]
    fn every_file_has_its_turn_and_no_look_is_large() {
        let (root, files) = queue(FILES);
        let (mut sample, expected) = (QueueSample::default(), expected(root.path()));
        for path in &files {
            set_mode(&root.path().join(path), 0o602);
        }
        let (mut before, mut looks) = (0, 0);
        while before < files.len() {
            let known = sample.look(root.path(), &expected).expect("a look").files.len();
            assert!(known <= before + FILES, "{known} after {before}");
            // Directories are asked for as well.
            assert!(known > before || looks > 0, "nothing new at the first look");
            (before, looks) = (known, looks + 1);
            assert!(looks < 8, "{known} of {} files were found in {looks} looks", files.len());
        }
        for path in &files {
            set_mode(&root.path().join(path), 0o600);
        }
        let mut left = before;
        while left > 0 {
            let known = sample.look(root.path(), &expected).expect("a look").files.len();
            assert!(known < left, "{known} of {left} are wrong still");
            left = known;
        }
    }

    /// Most looks do not come by it.
    #[test]
    fn a_wrong_subdirectory_is_known_until_it_is_right() {
        let (root, _) = queue(FILES);
        let (mut sample, expected) = (QueueSample::default(), expected(root.path()));
        let path = Path::new("tcp_local/001");
        set_mode(&root.path().join(path), 0o777);
        let mut look = || sample.look(root.path(), &expected).expect("a look");
        let looks = (0..8).map(|_| look().files.contains_key(path)).collect::<Vec<_>>();
        let first = looks.iter().position(|&known| known).expect("found");
        assert!(looks[first..].iter().all(|&known| known), "{looks:?}");
        set_mode(&root.path().join(path), 0o700);
        assert_eq!(look(), Sampled::default());
    }

    #[test]
    fn what_is_too_much_to_remember_is_said() {
        let (root, files) = queue(MOST_WRONG / 2);
        let (mut sample, expected) = (QueueSample::default(), expected(root.path()));
        for path in &files {
            set_mode(&root.path().join(path), 0o602);
        }
        let mut left_out = 0;
        for _ in 0..2 * files.len() / FILES {
            let found = sample.look(root.path(), &expected).expect("a look");
            assert!(found.files.len() <= MOST_WRONG);
            left_out += found.left_out;
        }
        assert!(left_out > 0);
    }
}
