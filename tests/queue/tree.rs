//! A random queue tree that can change, and what `find` says of it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use fastrand::Rng;
use tempfile::TempDir;

/// The digits of attempts, from many to none: complemented base 36.
const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// What else stands in the unique part of a name.
const LETTERS: [&str; 9] = ["", "x", "_", "-", "_-", "+", "~", "$", "\u{e9}"];

/// A tree that is changed as an MTA changes it.
pub struct Tree {
    root: TempDir,
    directories: Vec<PathBuf>,
    messages: Vec<Message>,
    next: u64,
}

struct Message {
    directory: usize,
    attempts: usize,
    unique: String,
    held: bool,
}

impl Message {
    fn name(&self) -> String {
        let (first, second) = (DIGITS[35 - self.attempts / 36], DIGITS[35 - self.attempts % 36]);
        let extension = if self.held { "HELD" } else { "00" };
        format!("{}{}{}.{extension}", char::from(first), char::from(second), self.unique)
    }
}

impl Tree {
    /// Some channels, with and without subdirectories, messages of any age, and what lies about.
    pub fn new(random: &mut Rng) -> Self {
        let root = tempfile::tempdir().expect("a temporary directory");
        let mut directories = Vec::new();
        for channel in ["tcp_local", "hold", "ims-ms", "process", "conversion", "tcp_lmtpcs"] {
            if !directories.is_empty() && random.u8(..3) == 0 {
                continue;
            }
            directories.push(root.path().join(channel));
            let subdirectories = if random.bool() { random.usize(1..5) } else { 0 };
            directories
                .extend((0..subdirectories).map(|number| root.path().join(format!("{channel}/{number:03}"))));
        }
        for directory in &directories {
            fs::create_dir_all(directory).expect("made");
        }
        let mut tree = Self { root, directories, messages: Vec::new(), next: 0 };
        for _ in 0..random.usize(0..300) {
            tree.create(random);
        }
        for _ in 0..random.usize(0..10) {
            let name = ["ZZ0AAAAAAAA.KEEP1", "$temporary", "zz0AAAAAAAA.00", "ZZ0AAAAAAAA.00.bak"]
                [random.usize(..4)];
            fs::write(tree.directory(random).join(name), "x").expect("written");
        }
        if random.bool() {
            let link = tree.directory(random).join("ZZ0ALINKALINK.00");
            std::os::unix::fs::symlink("/etc/passwd", link).expect("linked");
        }
        tree
    }

    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// Messages by channel, and no changes so far.
    pub fn truth(&self) -> BTreeMap<String, (u64, u64)> {
        let mut truth: BTreeMap<String, (u64, u64)> =
            (0..self.directories.len()).map(|directory| (self.channel(directory), (0, 0))).collect();
        for message in self.messages.iter().filter(|message| !message.held) {
            truth.get_mut(&self.channel(message.directory)).expect("a channel").0 += 1;
        }
        truth
    }

    /// Does one thing; the channel that it was done in, and how many messages that makes more or less.
    pub fn change(&mut self, random: &mut Rng) -> Option<(String, i64)> {
        if self.messages.is_empty() || random.u8(..10) < 4 {
            let directory = self.create(random);
            return Some((self.channel(directory), 1));
        }
        let index = random.usize(..self.messages.len());
        let message = &mut self.messages[index];
        let directory = self.directories[message.directory].clone();
        let before = directory.join(message.name());
        let waits = i64::from(!message.held);
        let channel = message.directory;
        let change = match random.u8(..10) {
            0..6 => {
                fs::remove_file(before).expect("removed");
                self.messages.swap_remove(index);
                -waits
            }
            6..9 => {
                message.attempts = (message.attempts + 1).min(36 * 36 - 1);
                fs::rename(before, directory.join(message.name())).expect("renamed");
                0
            }
            _ if message.held => return None,
            _ => {
                message.held = true;
                fs::rename(before, directory.join(message.name())).expect("renamed");
                -1
            }
        };
        Some((self.channel(channel), change))
    }

    /// Makes a message; the index of its directory.
    fn create(&mut self, random: &mut Rng) -> usize {
        self.next += 1;
        let attempts = if random.bool() { 0 } else { random.usize(..60) };
        let directory = random.usize(..self.directories.len());
        let message = Message {
            directory,
            attempts,
            unique: format!(
                "{:04x}{}{:08}",
                random.u16(..),
                LETTERS[random.usize(..LETTERS.len())],
                self.next
            ),
            held: false,
        };
        let path = self.directories[directory].join(message.name());
        let mut file = File::create(path).expect("made");
        file.write_all(&vec![b'x'; random.usize(..3000)]).expect("written");
        // At an edge between two bands of age now and then.
        let age = match random.u8(..3) {
            0 => Duration::from_secs(random.u64(..1_000_000)),
            1 => Duration::from_secs([300, 3600, 7200, 14_400, 86_400, 604_800][random.usize(..6)]),
            _ => Duration::ZERO,
        };
        file.set_modified(wall() - age).expect("set");
        self.messages.push(message);
        directory
    }

    fn directory(&self, random: &mut Rng) -> &Path {
        &self.directories[random.usize(..self.directories.len())]
    }

    fn channel(&self, directory: usize) -> String {
        let below = self.directories[directory].strip_prefix(self.root.path()).expect("below the root");
        below.iter().next().expect("a channel").to_str().expect("text").to_owned()
    }
}

/// What `find` saw in one channel.
#[derive(Debug, Default)]
pub struct Found {
    /// Attempts, bytes, modification time.
    pub waiting: Vec<(usize, u64, u64)>,
    pub held: u64,
    pub other_files: u64,
}

impl Found {
    pub fn messages(&self) -> u64 {
        self.waiting.len().try_into().expect("a number")
    }
}

/// Asks `find`.
pub fn find(root: &Path) -> BTreeMap<String, Found> {
    let mut command = Command::new("find");
    command.arg(root).args(["-mindepth", "1", "-printf", r"%y %s %T@ %P\n"]);
    let output = command.output().expect("find runs");
    assert!(output.status.success(), "{output:?}");
    let mut channels: BTreeMap<String, Found> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).expect("text").lines() {
        let mut fields = line.splitn(4, ' ');
        let mut field = || fields.next().expect("a field");
        let (kind, size, modified, path) = (field(), field(), field(), field());
        let (channel, name) =
            (path.split('/').next().expect("a name"), path.rsplit('/').next().expect("a name"));
        let found = channels.entry(channel.to_owned()).or_default();
        match (kind, name.rsplit_once('.').map(|(_, extension)| extension)) {
            ("d", _) => {}
            ("f", Some("HELD")) => found.held += 1,
            ("f", Some("00"))
                if name.starts_with(|first: char| first.is_ascii_uppercase() || first.is_ascii_digit()) =>
            {
                let digit = |index: usize| {
                    let byte = name.as_bytes()[index];
                    35 - DIGITS.iter().position(|&digit| digit == byte).expect("a digit")
                };
                let modified = modified.split('.').next().expect("seconds").parse().expect("a time");
                found.waiting.push((digit(0) * 36 + digit(1), size.parse().expect("a size"), modified));
            }
            _ => found.other_files += 1,
        }
    }
    channels
}

#[expect(clippy::disallowed_methods, reason = "files get the times of this host")]
pub fn wall() -> SystemTime {
    SystemTime::now()
}
