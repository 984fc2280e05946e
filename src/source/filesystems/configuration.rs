//! Whether what runs has the configuration that is there (Administration Guide, chapter "Troubleshooting the MTA",
//! "Changes to Configuration Files or MTA Databases Do Not Take Effect").
//!
//! Where there is a compiled image, the MTA reads that and not the files that it was made of (Administration Reference,
//! "imsimta cnbuild"). The Dispatcher, its servers and the Job Controller read their configuration when they start. What
//! `imsimta reload` makes known to processes that run (mappings, aliases) is therefore never compared with their starts.
//! Times tell it all, and where they cannot, nothing is said.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Result};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat, stat};

/// Seconds by which a file has to be newer: `cnbuild` may write one itself, and starts are known to the second.
const SLACK: f64 = 10.0;

/// The one file of a Unified Configuration. It holds all options of the product, not those of the MTA alone.
const UNIFIED: &str = "config.xml";
/// The files that go into the compiled image, where the configuration is no unified one.
const COMPILED: [&str; 5] = ["imta.cnf", "mappings", "aliases", "option.dat", "conversions"];
/// Those of them that only a restart makes known to servers.
const OF_SERVERS: [&str; 2] = ["imta.cnf", "option.dat"];
/// What the Dispatcher and the Job Controller read besides, and both of them.
const OF_DISPATCHER: [&str; 2] = ["dispatcher.cnf", "imta_tailor"];
const OF_JOB_CONTROLLER: [&str; 2] = ["job_controller.cnf", "imta_tailor"];

/// What may have an older configuration than there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stale {
    /// The compiled image.
    Image,
    /// The Dispatcher, or one of its servers.
    Dispatcher,
    /// The Job Controller.
    JobController,
}

impl Stale {
    /// Everything that can be.
    pub const ALL: [Self; 3] = [Self::Image, Self::Dispatcher, Self::JobController];

    /// The value of the label `what`.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Dispatcher => "dispatcher",
            Self::JobController => "job_controller",
        }
    }
}

/// How the files that something was made of, or has read, compare to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// Whether one of them is newer.
    pub stale: bool,
    /// The newest of them.
    pub file: String,
    /// When it was changed, Unix seconds.
    pub changed: f64,
    /// Whether it holds other options, too, so that the change may be about something else.
    pub unified: bool,
}

/// When the processes started that read it, Unix seconds; none where none runs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Starts {
    /// The Dispatcher.
    pub dispatcher: Option<f64>,
    /// The oldest of its servers.
    pub server: Option<f64>,
    /// The Job Controller.
    pub job_controller: Option<f64>,
}

/// The directory of the configuration: its place since the first release of the Messaging Server, then that of iMS 5.
#[must_use]
pub fn directory(root: &Path) -> PathBuf {
    let old = root.join("imta/config");
    if !root.join("config").is_dir() && old.is_dir() { old } else { root.join("config") }
}

/// When the compiled image was made: the one at the fixed place since 7.0.5, else, as before, the one that the tailor
/// file names, or that is where it was by default.
fn image(root: &Path, config: &Path) -> Option<f64> {
    let named = || tailored(&config.join("imta_tailor")).ok().flatten();
    let default =
        || ["imta/lib/config_data", "lib/config_data"].into_iter().find_map(|path| changed(&root.join(path)));
    changed(&config.join("advanced/config_data"))
        .or_else(|| named().map_or_else(default, |path| changed(&path)))
}

/// The absolute path that the tailor file has for the image, if it has one ("MTA Tailor File", `IMTA_CONFIG_DATA`).
fn tailored(path: &Path) -> Result<Option<PathBuf>> {
    /// Bytes read of it: some dozens of lines.
    const MAX_BYTES: u64 = 256 * 1024;
    let file = openat(CWD, path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())?;
    if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
        return Ok(None);
    }
    let mut text = Vec::new();
    File::from(file).take(MAX_BYTES).read_to_end(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    let value = text.lines().find_map(|line| {
        let (option, value) = line.split_once('=')?;
        option.trim().eq_ignore_ascii_case("IMTA_CONFIG_DATA").then(|| PathBuf::from(value.trim()))
    });
    Ok(value.filter(|path| path.is_absolute()))
}

/// Compares. What is not known is absent.
#[must_use]
pub fn compare(root: &Path, starts: &Starts) -> BTreeMap<Stale, Compared> {
    let config = directory(root);
    let is_unified = changed(&config.join(UNIFIED)).is_some();
    let newest = |names: &[&'static str]| {
        let names = if is_unified { &[UNIFIED] } else { names };
        let times = names.iter().filter_map(|&name| Some((name, changed(&config.join(name))?)));
        times.max_by(|(_, one), (_, other)| one.total_cmp(other))
    };
    // Its options are read by others as well, and what the Job Controller is asked for, it may have been told since.
    let job_controller = starts.job_controller.filter(|_| !is_unified);
    let mut compared = BTreeMap::new();
    let mut add = |what, names: &[&'static str], than: Option<f64>| {
        let (Some((file, changed)), Some(than)) = (newest(names), than) else { return };
        let stale = changed > than + SLACK;
        let found = Compared { stale, file: file.to_owned(), changed, unified: is_unified };
        // Of two comparisons the one counts that says more.
        let before = compared.get(&what).is_some_and(|before: &Compared| before.stale);
        if !before {
            compared.insert(what, found);
        }
    };
    add(Stale::Image, &COMPILED, image(root, &config));
    add(Stale::Dispatcher, &OF_DISPATCHER, starts.dispatcher);
    // Servers can be restarted without the Dispatcher, and are renewed each day.
    let server = starts.server.filter(|_| starts.dispatcher.is_some());
    add(Stale::Dispatcher, &OF_SERVERS, server);
    add(Stale::JobController, &OF_JOB_CONTROLLER, job_controller);
    compared
}

/// When the content of a regular file was changed, Unix seconds. A link is followed: what it leads to is what is read.
fn changed(path: &Path) -> Option<f64> {
    let found = stat(path).ok()?;
    let regular = FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
    #[expect(clippy::cast_precision_loss, reason = "seconds need no 53 bits")]
    let at = found.st_mtime as f64;
    regular.then_some(at)
}

#[cfg(test)]
mod tests {
    use std::fs::{File, FileTimes};
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    use tempfile::TempDir;

    use super::{Stale, Starts, compare};

    /// A file of the time `at`.
    fn touch(root: &Path, name: &str, at: u64) {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("directory");
        let file = File::create(path).expect("file");
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(at);
        file.set_times(FileTimes::new().set_modified(at)).expect("times");
    }

    /// What is said: what of which file, with `!` where it is stale.
    #[track_caller]
    fn check(files: &[(&str, u64)], starts: [u64; 3], expected: &[&str]) {
        let root = TempDir::new().expect("directory");
        for &(name, at) in files {
            touch(root.path(), name, at);
        }
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let [dispatcher, server, job_controller] = starts.map(|at| (at > 0).then_some(at as f64));
        let found = compare(root.path(), &Starts { dispatcher, server, job_controller });
        let said: Vec<String> = found
            .iter()
            .map(|(what, found)| {
                format!("{} {}{}", what.label(), found.file, if found.stale { "!" } else { "" })
            })
            .collect();
        assert_eq!(said, expected, "{files:?} {starts:?}");
    }

    #[test]
    fn what_is_newer_than_what() {
        let image = ("config/advanced/config_data", 1000);
        // Nothing is known without files, or without anything to compare them with.
        check(&[], [500, 500, 500], &[]);
        check(&[("config/imta.cnf", 1000)], [0, 0, 0], &[]);
        // The image.
        check(&[image, ("config/imta.cnf", 900)], [0, 0, 0], &["image imta.cnf"]);
        check(&[image, ("config/imta.cnf", 900), ("config/mappings", 2000)], [0, 0, 0], &["image mappings!"]);
        check(&[image, ("config/option.dat", 1005)], [0, 0, 0], &["image option.dat"]);
        check(&[("imta/lib/config_data", 10), ("config/aliases", 500)], [0, 0, 0], &["image aliases!"]);
        // An image of before an upgrade is not read.
        check(&[image, ("imta/lib/config_data", 10), ("config/aliases", 500)], [0, 0, 0], &["image aliases"]);
        check(&[("imta/lib/config_data", 10), ("imta/config/aliases", 500)], [0, 0, 0], &["image aliases!"]);
        // Processes.
        let files =
            [("config/imta.cnf", 900), ("config/dispatcher.cnf", 800), ("config/job_controller.cnf", 700)];
        check(&files, [1000, 1000, 1000], &["dispatcher imta.cnf", "job_controller job_controller.cnf"]);
        check(&files, [750, 950, 650], &["dispatcher dispatcher.cnf!", "job_controller job_controller.cnf!"]);
        check(&files, [850, 850, 1000], &["dispatcher imta.cnf!", "job_controller job_controller.cnf"]);
        // Its servers were restarted, and it was not.
        check(&files, [850, 950, 0], &["dispatcher imta.cnf"]);
        check(&files, [0, 850, 0], &[]);
        // What `imsimta reload` is for is no reason for a restart.
        check(&[("config/mappings", 900), ("config/aliases", 900)], [500, 500, 500], &[]);
        check(
            &[("config/imta_tailor", 900)],
            [500, 500, 500],
            &["dispatcher imta_tailor!", "job_controller imta_tailor!"],
        );
    }

    #[test]
    fn the_tailor_file_says_where_the_image_is() {
        for (named, expected) in [
            ("IMTA_CONFIG_DATA={root}/elsewhere\n", Some(true)),
            ("! a comment\n imta_config_data = {root}/none\n", None),
            ("IMTA_CONFIG_DATA=IMTA_LIB:config_data\n", Some(false)),
            ("IMTA_CONFIG_FILE={root}/elsewhere\n", Some(false)),
        ] {
            let root = TempDir::new().expect("directory");
            for (name, at) in [("elsewhere", 100), ("imta/lib/config_data", 1000), ("config/imta.cnf", 500)] {
                touch(root.path(), name, at);
            }
            let text = named.replace("{root}", root.path().to_str().expect("text"));
            std::fs::write(root.path().join("config/imta_tailor"), text).expect("written");
            let found = compare(root.path(), &Starts::default());
            assert_eq!(found.get(&Stale::Image).map(|found| found.stale), expected, "{named}");
        }
    }

    #[test]
    fn a_unified_configuration() {
        let files = [("config/config.xml", 900), ("config/imta.cnf", 2000), ("config/dispatcher.cnf", 2000)];
        check(&files, [1000, 1000, 1000], &["dispatcher config.xml"]);
        check(&files, [500, 500, 500], &["dispatcher config.xml!"]);
        check(&[files[0], ("config/advanced/config_data", 800)], [0, 0, 0], &["image config.xml!"]);
        let root = TempDir::new().expect("directory");
        touch(root.path(), "config/config.xml", 900);
        let found = compare(root.path(), &Starts { dispatcher: Some(500.0), ..Starts::default() });
        assert!(found[&Stale::Dispatcher].unified);
    }
}
