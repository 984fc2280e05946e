//! What the MTA's Dispatcher may do for each of its services: how many connections at once, and for how long a server
//! process lives ("Timeouts on Incoming SMTP Connections", "Monitoring Inbound SMTP Connections"). Read from the product's
//! own configuration: `dispatcher.cnf` or, where the configuration is unified, `config.xml`.
//!
//! `options.rs` is what is read of a service, `legacy.rs` and `unified.rs` are the two forms, `bounds.rs` is what one may not have. Both are read tolerantly: what
//! is unclear is not known, and nothing else of the file is understood.

mod bounds;
mod legacy;
mod options;
#[cfg(test)]
mod tests;
mod unified;

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::OFlags;

use crate::config;
use crate::record::label;
use options::Section;

/// Where the configuration is below the root: unified first, since what is left of the other one then has no effect.
/// Messaging Server 7 and 8, 6, 5, PMDF.
const PLACES: [&str; 5] = [
    "config/config.xml",
    "config/dispatcher.cnf",
    "imta/dispatcher.cnf",
    "imta/config/dispatcher.cnf",
    "table/dispatcher.cnf",
];

/// A unified configuration has some hundred kilobytes; more than this is another file.
const MOST_BYTES: u64 = 4 << 20;

/// Services that are told apart; each is a label value.
pub const MOST_SERVICES: usize = config::MOST_SERVICES;

/// How long a server process lives at most where the MTA's configuration does not say it: one day (Administration Guide,
/// "Monitoring Inbound SMTP Connections").
pub const DEFAULT_LIFE: Duration = Duration::from_hours(24);

/// What the Dispatcher may do, as far as it is known. The default is: nothing is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dispatcher {
    /// The file that was read; none where there is none.
    pub file: Option<PathBuf>,
    /// The services, in the order of the file.
    pub services: Vec<Service>,
    /// `MAX_LIFE_TIME` of services that are not named.
    pub max_life_time: Option<Duration>,
    /// Services beyond [`MOST_SERVICES`].
    pub left_out: u64,
    /// What is unclear in the file, for people.
    pub doubts: Vec<String>,
}

/// One service of the Dispatcher, such as SMTP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// Its name as a label.
    pub name: String,
    /// The ports that the Dispatcher listens on for it, ascending; empty where that is not known.
    pub ports: Vec<u16>,
    /// The file name of the program that serves it.
    pub program: Option<String>,
    /// `MAX_PROCS`: server processes at once.
    pub max_procs: Option<u64>,
    /// `MAX_CONNS`: connections of one of them at once.
    pub max_conns: Option<u64>,
    /// `MAX_LIFE_TIME`: how long one of them may live.
    pub max_life_time: Option<Duration>,
    /// `MAX_LIFE_CONNS`: how many connections one of them may serve in its life.
    pub max_life_conns: Option<u64>,
}

impl Service {
    /// How many connections may be open at once: `MAX_PROCS` times `MAX_CONNS`.
    pub fn limit(&self) -> Option<u64> {
        self.max_procs?.checked_mul(self.max_conns?)
    }

    /// How long one of its server processes may live.
    pub fn life(&self) -> Duration {
        self.max_life_time.unwrap_or(DEFAULT_LIFE)
    }
}

impl Dispatcher {
    /// The longest life of a server process of any service: no inbound connection is older.
    pub fn longest_life(&self) -> Duration {
        let lives = self.services.iter().map(Service::life);
        lives.chain(self.max_life_time).max().unwrap_or(DEFAULT_LIFE)
    }

    /// The longest life of the processes of a program, such as `tcp_smtp_server`: several services may have the same.
    /// Older releases call it `smtp_server`.
    pub fn life_of(&self, program: &str) -> Duration {
        let is_it = |image: &str| without_tcp(image) == without_tcp(program);
        let of = self.services.iter().filter(|service| service.program.as_deref().is_some_and(is_it));
        of.map(Service::life).max().unwrap_or_else(|| self.longest_life())
    }

    /// The same with what is configured here, which wins.
    #[must_use]
    pub fn with(mut self, configured: &config::Dispatcher) -> Self {
        for wanted in &configured.services {
            let known = self.services.iter().position(|service| service.name == wanted.name);
            let at = known.unwrap_or_else(|| {
                self.services.insert(0, Service { name: wanted.name.clone(), ..Service::default() });
                0
            });
            let service = &mut self.services[at];
            (service.max_procs, service.max_conns) = (Some(wanted.max_procs), Some(wanted.max_conns));
            if !wanted.ports.is_empty() {
                service.ports.clone_from(&wanted.ports);
            }
        }
        let beyond = self.services.len().saturating_sub(MOST_SERVICES);
        self.services.truncate(MOST_SERVICES);
        self.left_out += beyond as u64;
        self.max_life_time = configured.max_life_time.or(self.max_life_time);
        for service in &mut self.services {
            service.max_life_time = configured.max_life_time.or(service.max_life_time);
            service.max_life_conns = configured.max_life_conns.or(service.max_life_conns);
        }
        self
    }
}

fn without_tcp(program: &str) -> &str {
    program.strip_prefix("tcp_").unwrap_or(program)
}

/// Why the configuration says nothing.
#[derive(Debug, thiserror::Error)]
pub enum DispatcherError {
    /// It is there and cannot be read.
    #[error("cannot read {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not what it is taken for, or has more than is read.
    #[error("{path}: {what}")]
    Unclear {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

/// Reads the configuration below a root: the given file, else the first that is there. None is no error: then
/// nothing is known.
///
/// # Errors
///
/// The file is there and cannot be read, a given one is not there, or it is not what it is taken for.
pub fn read(root: &Path, given: Option<&Path>) -> Result<Dispatcher, DispatcherError> {
    if let Some(path) = given.map(|path| root.join(path)) {
        return match text(&path) {
            Ok(text) => understand(path, &text),
            Err(source) => Err(DispatcherError::Io { path, source }),
        };
    }
    for path in PLACES.map(|place| root.join(place)) {
        match text(&path) {
            Ok(text) => return understand(path, &text),
            Err(error) if is_absent(&error) => {}
            Err(source) => return Err(DispatcherError::Io { path, source }),
        }
    }
    Ok(Dispatcher::default())
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The text of a regular file. Neither a link nor a pipe is followed or waited for.
fn text(path: &Path) -> io::Result<String> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let file: File = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(io::Error::other(format!("it has more than {MOST_BYTES} bytes")));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn understand(path: PathBuf, text: &str) -> Result<Dispatcher, DispatcherError> {
    let is_xml = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("xml"));
    let read = if is_xml { unified::read(text) } else { legacy::read(text) };
    match read {
        Ok(sections) => Ok(sections.dispatcher(path)),
        Err(what) => Err(DispatcherError::Unclear { path, what }),
    }
}

/// What a file says: of all services, and of each.
#[derive(Debug, Default)]
struct Sections {
    of_all: Section,
    services: Vec<(String, Section)>,
    /// Services beyond the cap.
    left_out: BTreeSet<String>,
}

impl Sections {
    /// The section of a service; none where there are too many.
    fn of(&mut self, name: &str) -> Option<&mut Section> {
        let label = label::channel(name.trim().as_bytes());
        if label.is_empty() {
            return None;
        }
        let known = self.services.iter().position(|(known, _)| *known == label);
        if known.is_none() {
            if self.services.len() >= MOST_SERVICES {
                self.left_out.insert(label);
                return None;
            }
            self.services.push((label, Section::default()));
        }
        let at = known.unwrap_or(self.services.len() - 1);
        self.services.get_mut(at).map(|(_, section)| section)
    }

    fn dispatcher(self, file: PathBuf) -> Dispatcher {
        let mut doubts = Vec::new();
        self.of_all.tell_doubts("all services", &mut doubts);
        let mut services = Vec::new();
        for (name, section) in self.services {
            section.tell_doubts(&name, &mut doubts);
            services.extend(section.service(name, &self.of_all));
        }
        let max_life_time = self.of_all.max_life_time(&Section::default());
        let left_out = self.left_out.len() as u64;
        Dispatcher { file: Some(file), services, max_life_time, left_out, doubts }
    }
}
