//! The tree, and the least that a program can do with it.

use std::fs::{self, File};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, openat, statat};
use tempfile::TempDir;

const CHANNELS: usize = 40;
const SUBDIRECTORIES: usize = 20;

/// An installation with a queue of many files; it vanishes with this.
pub struct Tree {
    root: TempDir,
}

impl Tree {
    /// Files up to eight days old, spread evenly; a tenth has been tried.
    pub fn new(files: usize) -> Self {
        let tree = Self { root: tempfile::tempdir().expect("a temporary directory") };
        for directory in ["data/log", "lib"] {
            fs::create_dir_all(tree.root().join(directory)).expect("made");
        }
        // An empty log, which the program waits for before it calls itself ready.
        File::create(tree.root().join("data/log/mail.log_current")).expect("made");
        let directories: Vec<PathBuf> =
            (0..CHANNELS * SUBDIRECTORIES).map(|number| tree.directory(number)).collect();
        for directory in &directories {
            fs::create_dir_all(directory).expect("made");
        }
        let now = super::wall();
        for number in 0..files {
            let attempts = if number % 10 == 0 { "ZY" } else { "ZZ" };
            // Names of the length that the MTA gives.
            let name = format!("{attempts}0{number:011}_.00");
            let file = File::create(directories[number % directories.len()].join(name)).expect("made");
            let age = Duration::from_mins(2)
                + Duration::from_hours(192) * u32::try_from(number % 9973).expect("small") / 9973;
            file.set_modified(now - age).expect("set");
        }
        tree
    }

    pub fn root(&self) -> &Path {
        self.root.path()
    }

    pub fn queue(&self) -> PathBuf {
        self.root().join("data/queue")
    }

    fn directory(&self, number: usize) -> PathBuf {
        let (channel, subdirectory) = (number % CHANNELS, number / CHANNELS);
        self.queue().join(format!("tcp_{channel:02}/{subdirectory:03}"))
    }

    /// Changes one subdirectory of every channel.
    pub fn touch(&self) {
        for channel in 0..CHANNELS {
            let path = self.directory(channel).join("ZZ0TOUCH-TOUCH.00");
            fs::write(&path, "").expect("made");
            fs::remove_file(path).expect("removed");
        }
    }
}

/// Reads all names, and asks for the size and time of each file where that is wanted.
pub fn list(queue: &Path, sizes: bool, files: usize) {
    assert_eq!(count(CWD, queue, sizes, &mut Vec::with_capacity(32 * 1024)), files);
}

fn count(parent: impl AsFd, path: impl rustix::path::Arg, sizes: bool, buffer: &mut Vec<u8>) -> usize {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = openat(parent, path, flags, Mode::empty()).expect("opened");
    let (mut files, mut below, mut bytes) = (0, Vec::new(), 0);
    let spare: &mut [MaybeUninit<u8>] = buffer.spare_capacity_mut();
    let mut entries = RawDir::new(&directory, spare);
    while let Some(entry) = entries.next() {
        let entry = entry.expect("a name");
        let name = entry.file_name();
        match entry.file_type() {
            FileType::Directory if name != c"." && name != c".." => below.push(name.to_owned()),
            FileType::Directory => {}
            _ => {
                files += 1;
                if sizes {
                    bytes += statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW).expect("a size").st_size;
                }
            }
        }
    }
    std::hint::black_box(bytes);
    files + below.iter().map(|name| count(&directory, name.as_c_str(), sizes, buffer)).sum::<usize>()
}
