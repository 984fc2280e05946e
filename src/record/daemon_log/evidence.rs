//! THE table of evidence: which words in a record tell its class.
//!
//! The first row that matches wins, so the order is part of it: the cause before what came of it. A row asks for one
//! phrase of each of its groups, wherever they stand. The texts are those of the manuals (6.3 guide, 26.3.4 and 26.4;
//! "General Error Messages" of the later guide) and of the system's own errors.

use memchr::memmem;

use super::joiner::BREAK;
#[allow(clippy::enum_glob_use, reason = "a table of classes")]
use super::{DaemonLog, EventClass, EventClass::*};

/// Phrases of words in small letters, of which one has to be there. A last word that ends in `*` may go on.
type Group = &'static [&'static str];

/// One row.
struct Evidence {
    class: EventClass,
    /// One phrase of each.
    all: &'static [Group],
    /// None of these.
    without: Group,
    whose: Whose,
}

/// In whose logs a row is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// All.
    All,
    /// Not in those of channels: there other hosts are quoted, who say the same of themselves.
    Daemons,
}

const fn all(class: EventClass, all: &'static [Group]) -> Evidence {
    Evidence { class, all, without: &[], whose: Whose::All }
}

const fn daemons(class: EventClass, all: &'static [Group]) -> Evidence {
    Evidence { class, all, without: &[], whose: Whose::Daemons }
}

impl Evidence {
    const fn without(self, without: Group) -> Self {
        Self { without, ..self }
    }
}

/// That something went wrong.
const WRONG: Group = &[
    "fail*",
    "error*",
    "cannot",
    "cant",
    "could not",
    "couldnt",
    "unable",
    "denied",
    "refused",
    "not permitted",
    "invalid",
    "bad",
];

/// The errors of `mm_init` that the manuals list.
const OF_MM_INIT: Group = &[
    "bad equivalence for alias*",
    "cannot open alias include file",
    "duplicate aliases found",
    "duplicate host in channel table",
    "duplicate mapping name found",
    "mapping name is too long",
    "error initializing ch_*",
    "host alias or proper name too long",
    "no equivalence addresses for alias",
    "no official host name for channel",
    "official host name is too long",
];

#[rustfmt::skip]
static EVIDENCE: &[Evidence] = &[
    all(VersionMismatch, &[&["version mismatch"]]).without(&["character set"]),
    all(MmInit, &[OF_MM_INIT]),
    all(MmInit, &[&["mm_init"], WRONG]),
    all(ForkFailed, &[&["fork*", "vfork*", "spawn*", "create process", "create thread", "pthread_create", "thr_create"], WRONG]),
    daemons(OutOfMemory, &[&["not enough space", "out of memory", "cannot allocate memory", "not enough memory",
        "insufficient memory", "malloc failed", "memory exhausted", "enomem", "out of swap*", "no swap space"]]),
    daemons(TooManyFiles, &[&["too many open files", "file table overflow", "emfile", "enfile"]]),
    daemons(NoSpace, &[&["no space left*", "disk full", "disk is full", "file system full", "file system is full",
        "filesystem full", "filesystem is full", "disk quota exceeded", "out of disk space", "enospc"]]),
    all(SocketTmp, &[&["dispatcher socket", "dispatcher file"], WRONG]),
    daemons(SocketTmp, &[&["tmp"], &["socket*"], WRONG]),
    daemons(Bind, &[&["address already in use", "address in use", "port already in use", "eaddrinuse"]]),
    daemons(Bind, &[&["bind", "binding", "listen", "listening"], WRONG]).without(&["ldap*"]),
    daemons(PortAccess, &[&["port_access"], &["den*", "reject*", "refus*", "block*", "turned away"]]),
    daemons(TooManyConnections, &[&["too many connections", "too many processes", "too many sessions",
        "connection limit", "maximum number of connections", "maximum connections"]]),
    daemons(TooManyConnections, &[&["max_procs", "max_conns"], &["reached", "exceed*", "limit*", "full", "too many", "no more"]]),
    daemons(WorkerExit, &[&["core dump*", "dumped core", "segmentation*", "sigsegv", "sigbus", "sigabrt", "sigill", "sigfpe",
        "died", "crash*", "killed by*", "terminated by signal", "exited on signal", "exited with signal"]]),
    daemons(WorkerExit, &[&["abnormal*", "unexpected*", "premature*"], &["exit*", "terminat*", "end*", "death"]]),
    daemons(WorkerExit, &[&["exit*", "terminated"], &["status", "code"]]).without(&["status 0", "code 0"]),
    daemons(Permission, &[&["permission denied", "not owner", "operation not permitted", "access denied", "eacces", "eperm",
        "insufficient privilege*"]]),
    all(Database, &[&["database*", "berkeley", "sleepycat", "bdb", "lmdb", "db_runrecovery"],
        &["fail*", "error*", "cannot", "cant", "could not", "unable", "corrupt*", "panic*", "deadlock*", "invalid", "runrecovery"]]),
    all(Database, &[&["db_runrecovery", "db_lock_deadlock"]]),
    daemons(Ldap, &[&["ldap*", "directory server"], &["fail*", "error*", "cannot", "cant", "could not", "unable", "timed out",
        "timeout", "down", "refused", "invalid", "lost"]]),
    daemons(Tls, &[&["tls", "ssl", "certificate*", "nss"], &["fail*", "error*", "cannot", "could not", "unable", "expired",
        "invalid", "bad", "untrusted"]]),
    daemons(MessageStore, &[&["message store", "mailbox*", "store"], &["fail*", "error*", "cannot", "could not", "unable",
        "does not exist", "invalid", "bad", "locked", "busy", "not enabled", "unavailable", "over quota"]]),
    all(Network, &[&["os_smtp_open", "os_smtp_read", "os_smtp_write", "smtp_open"], WRONG]),
    daemons(Network, &[&["no route to host", "connection refused", "connection reset*", "network is unreachable",
        "host is unreachable", "broken pipe", "connection timed out", "etimedout", "econnrefused", "econnreset"]]),
    all(File, &[&["file create", "file open"], &["error*", "fail*"]]),
    all(File, &[&["cannot open", "cannot create", "cant open", "cant create", "could not open", "could not create",
        "unable to open", "unable to create", "error opening", "error creating", "failed to open", "failed to create"]]),
    daemons(File, &[&["no such file or directory", "enoent", "read only file system", "i o error", "input output error"]]),
    daemons(Configuration, &[&["configuration", "config", "cnf", "option*", "mapping", "keyword"],
        &["error*", "syntax", "illegal", "unknown", "duplicate", "invalid", "bad", "unrecognized"]]),
];

/// The words of a text, small letters, digits and underscores, with a blank around each. Between texts it keeps the room.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// As lines that were broken between words.
    apart: Vec<u8>,
    /// As lines that were broken within a word: nothing tells which of the two was.
    glued: Vec<u8>,
}

impl Words {
    /// The class of what a record says; [`EventClass::Other`] where no evidence fits.
    pub(super) fn class(&mut self, log: DaemonLog, text: &[u8]) -> EventClass {
        words(text.iter().copied(), &mut self.apart);
        self.glued.clear();
        if memchr::memchr(BREAK, text).is_some() {
            words(text.iter().copied().filter(|&byte| byte != BREAK), &mut self.glued);
        }
        let looked_for = |row: &&Evidence| row.whose == Whose::All || log != DaemonLog::Channel;
        let matches =
            |row: &&Evidence| row.all.iter().all(|group| self.has_one(group)) && !self.has_one(row.without);
        EVIDENCE.iter().filter(looked_for).find(matches).map_or(Other, |row| row.class)
    }

    fn has_one(&self, group: Group) -> bool {
        group.iter().any(|phrase| has(&self.apart, phrase) || has(&self.glued, phrase))
    }
}

fn has(words: &[u8], phrase: &str) -> bool {
    let (phrase, open) = phrase.strip_suffix('*').map_or((phrase, false), |phrase| (phrase, true));
    memmem::find_iter(words, phrase.as_bytes()).any(|at| {
        let end = words.get(at + phrase.len());
        words.get(at.wrapping_sub(1)) == Some(&b' ') && (open || end == Some(&b' '))
    })
}

/// Takes the words of a text; an apostrophe within one is nothing.
fn words(text: impl Iterator<Item = u8>, words: &mut Vec<u8>) {
    words.clear();
    words.push(b' ');
    for byte in text.filter(|&byte| byte != b'\'') {
        match byte {
            b'_' | 0x80.. => words.push(byte),
            byte if byte.is_ascii_alphanumeric() => words.push(byte.to_ascii_lowercase()),
            _ if words.last() == Some(&b' ') => {}
            _ => words.push(b' '),
        }
    }
    if words.last() != Some(&b' ') {
        words.push(b' ');
    }
}

#[cfg(test)]
mod tests {
    use super::{EVIDENCE, EventClass};

    #[test]
    fn every_class_has_evidence_but_those_that_are_for_want_of_it() {
        for &class in EventClass::ALL {
            let rows = EVIDENCE.iter().filter(|row| row.class == class).count();
            assert_eq!(rows > 0, !matches!(class, EventClass::Dump | EventClass::Other), "{class:?}");
        }
    }

    #[test]
    fn phrases_are_words_as_texts_have_them() {
        let phrases = EVIDENCE.iter().flat_map(|row| row.all.iter().chain([&row.without])).copied().flatten();
        for phrase in phrases {
            let letters = phrase.strip_suffix('*').unwrap_or(phrase);
            let plain = |letter: char| {
                letter.is_ascii_lowercase() || letter.is_ascii_digit() || " _".contains(letter)
            };
            assert!(!letters.is_empty() && letters.chars().all(plain), "{phrase}");
        }
    }
}
