//! Whether a password is right, at a price that nobody can drive up.
//!
//! bcrypt is made to be dear. So it is done by one thread, one at a time; what it found is remembered by a keyed hash, so that a
//! scraper pays once; after a wrong password the thread rests for nine times as long as it took, so that guessing takes a tenth of one
//! processor; and each address has one place in front of it, so that who guesses holds up himself.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use parking_lot::Mutex;
use ring::hmac;
use ring::rand::SystemRandom;
use subtle::ConstantTimeEq as _;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::observed::Clock;

/// How many addresses may have a password in front of the thread.
const WAITING: usize = 32;
/// How many passwords are remembered as right, and as many as wrong.
const REMEMBERED: usize = 128;
/// How long is waited for an answer.
const PATIENCE: Duration = Duration::from_secs(8);
/// The rest after a wrong password, in times that it took.
const REST: u32 = 9;
const LONGEST_REST: Duration = Duration::from_secs(3);

/// Who may see more than health: names and hashes.
#[derive(Clone, Default)]
pub struct Users(Arc<BTreeMap<String, String>>);

/// Hashes are shown nowhere.
impl std::fmt::Debug for Users {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Users({})", self.0.len())
    }
}

impl Users {
    /// Users by name, with the hash of each one's password.
    pub(super) fn new(hashes: BTreeMap<String, String>) -> Self {
        Self(Arc::new(hashes))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody is asked for a password.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What is said of a name and a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They are somebody's.
    Right,
    /// They are nobody's.
    Wrong,
    /// Too many are asked about.
    Busy,
}

/// What stands for a name, a hash and a password, to who has the key of this run.
type Tag = [u8; 32];

/// A password to be looked at.
struct Job {
    tag: Tag,
    hash: String,
    password: Vec<u8>,
    /// Whether the hash is that of the user, or somebody's, so that it takes as long.
    is_known: bool,
}

/// Who waits for what.
struct Waiting {
    tag: Tag,
    origin: IpAddr,
    told: Vec<oneshot::Sender<bool>>,
}

#[derive(Default)]
struct Book {
    right: VecDeque<Tag>,
    wrong: VecDeque<Tag>,
    waiting: Vec<Waiting>,
}

/// Where passwords are asked about.
pub struct Passwords {
    key: hmac::Key,
    book: Arc<Mutex<Book>>,
    jobs: SyncSender<Job>,
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Passwords")
    }
}

/// What looks at them, in a thread of its own.
pub struct Worker {
    book: Arc<Mutex<Book>>,
    jobs: Receiver<Job>,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Worker")
    }
}

/// What becomes of a question.
enum Asked {
    Remembered(Verdict),
    Waits(oneshot::Receiver<bool>),
}

impl Passwords {
    /// Nothing is remembered.
    pub(super) fn new() -> (Self, Worker) {
        let (sender, jobs) = sync_channel(WAITING);
        let book = Arc::<Mutex<Book>>::default();
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
            .expect("invariant: the kernel has random numbers, or TLS has failed before");
        (Self { key, book: Arc::clone(&book), jobs: sender }, Worker { book, jobs })
    }

    /// Whether a password is that of a user. Who asks counts by `origin`.
    pub async fn check(&self, users: &Users, (name, password): (&str, &[u8]), origin: IpAddr) -> Verdict {
        match self.ask(users, name, password, origin) {
            Asked::Remembered(verdict) => verdict,
            Asked::Waits(answer) => match timeout(PATIENCE, answer).await {
                Ok(Ok(true)) => Verdict::Right,
                Ok(Ok(false)) => Verdict::Wrong,
                Ok(Err(_)) | Err(_) => Verdict::Busy,
            },
        }
    }

    fn ask(&self, users: &Users, name: &str, password: &[u8], origin: IpAddr) -> Asked {
        let known = users.0.get(name);
        let Some(hash) = known.or_else(|| users.0.values().next()) else {
            return Asked::Remembered(Verdict::Wrong);
        };
        let tag = self.tag(name, hash, password);
        let mut book = self.book.lock();
        let book = &mut *book;
        for (tags, verdict) in [(&book.right, Verdict::Right), (&book.wrong, Verdict::Wrong)] {
            if tags.iter().fold(false, |found, one| found | bool::from(one.ct_eq(&tag))) {
                return Asked::Remembered(verdict);
            }
        }
        let (tell, answer) = oneshot::channel();
        if let Some(same) = book.waiting.iter_mut().find(|waiting| waiting.tag == tag) {
            same.told.retain(|told| !told.is_closed());
            same.told.push(tell);
            return Asked::Waits(answer);
        }
        if book.waiting.iter().any(|waiting| waiting.origin == origin) {
            return Asked::Remembered(Verdict::Busy);
        }
        let job = Job { tag, hash: hash.clone(), password: password.to_vec(), is_known: known.is_some() };
        if self.jobs.try_send(job).is_err() {
            return Asked::Remembered(Verdict::Busy);
        }
        book.waiting.push(Waiting { tag, origin, told: vec![tell] });
        Asked::Waits(answer)
    }

    fn tag(&self, name: &str, hash: &str, password: &[u8]) -> Tag {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [name.as_bytes(), hash.as_bytes(), password] {
            context.update(&part.len().to_le_bytes());
            context.update(part);
        }
        let mut tag = Tag::default();
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }
}

impl Worker {
    /// Looks at passwords until nobody can ask any more.
    pub fn run(self, clock: Clock) {
        while let Ok(job) = self.jobs.recv() {
            let begin = clock.monotonic();
            let right = job.is_right();
            self.tell(&job.tag, right);
            if !right {
                let took = clock.monotonic().saturating_sub(begin);
                std::thread::park_timeout((took * REST).min(LONGEST_REST));
            }
        }
    }

    fn tell(&self, tag: &Tag, right: bool) {
        let mut book = self.book.lock();
        let tags = if right { &mut book.right } else { &mut book.wrong };
        tags.push_back(*tag);
        if tags.len() > REMEMBERED {
            tags.pop_front();
        }
        let Some(at) = book.waiting.iter().position(|waiting| waiting.tag == *tag) else { return };
        for told in book.waiting.swap_remove(at).told {
            told.send(right).ok();
        }
    }
}

impl Job {
    fn is_right(&self) -> bool {
        bcrypt::verify(&self.password, &self.hash).unwrap_or(false) && self.is_known
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::net::IpAddr;
    use std::time::Duration;

    use super::{Asked, Passwords, REMEMBERED, Users, Verdict};
    use crate::observed::Clock;

    /// Of "correct-horse", at the least cost.
    const HASH: &str = "$2b$04$abcdefghijklmnopqrstuuPoaPXzWjiVz4HaNq2LJXksWbO79E.S6";

    fn users() -> Users {
        Users::new(BTreeMap::from([("prometheus".to_owned(), HASH.to_owned())]))
    }

    fn from(host: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, host])
    }

    #[tokio::test]
    async fn a_password_is_somebodys_or_nobodys() {
        let (passwords, worker) = Passwords::new();
        let thread = std::thread::spawn(move || worker.run(Clock::start()));
        let users = users();
        for (name, password, expected) in [
            ("prometheus", "correct-horse", Verdict::Right),
            ("prometheus", "correct-horse", Verdict::Right),
            ("prometheus", "wrong", Verdict::Wrong),
            ("prometheus", "", Verdict::Wrong),
            ("prometheus", "wrong", Verdict::Wrong),
            // The hash that stands in for a user's that is not there opens nothing.
            ("nobody", "correct-horse", Verdict::Wrong),
            ("", "correct-horse", Verdict::Wrong),
        ] {
            let verdict = passwords.check(&users, (name, password.as_bytes()), from(1)).await;
            assert_eq!(verdict, expected, "{name} {password}");
        }
        let nobody = passwords.check(&Users::default(), ("prometheus", b"correct-horse"), from(1)).await;
        assert_eq!(nobody, Verdict::Wrong);
        drop(passwords);
        thread.join().expect("it ends with who asks");
    }

    #[tokio::test]
    async fn who_guesses_holds_up_himself_alone() {
        let (passwords, worker) = Passwords::new();
        let users = users();
        let ask = |host, password: &str| passwords.ask(&users, "prometheus", password.as_bytes(), from(host));
        let Asked::Waits(first) = ask(1, "guess") else { panic!("it is not known yet") };
        let Asked::Waits(again) = ask(2, "guess") else { panic!("the same is asked about once") };
        assert!(matches!(ask(1, "another guess"), Asked::Remembered(Verdict::Busy)));
        let Asked::Waits(other) = ask(3, "correct-horse") else { panic!("another address has a place") };
        for host in 4..34 {
            assert!(matches!(ask(host, &format!("guess {host}")), Asked::Waits(_)), "{host}");
        }
        assert!(matches!(ask(34, "one more"), Asked::Remembered(Verdict::Busy)), "there is an end");
        std::thread::spawn(move || worker.run(Clock::start()));
        assert_eq!((first.await, again.await, other.await), (Ok(false), Ok(false), Ok(true)));
        assert!(matches!(ask(1, "correct-horse"), Asked::Remembered(Verdict::Right)));
    }

    #[test]
    fn what_is_remembered_has_an_end_and_ends_with_the_hash() {
        let (passwords, worker) = Passwords::new();
        let tag = |password: &str| passwords.tag("a", HASH, password.as_bytes());
        for number in 0..2 * REMEMBERED {
            worker.tell(&tag(&number.to_string()), number % 2 == 0);
        }
        worker.tell(&tag("last"), false);
        let book = passwords.book.lock();
        assert_eq!((book.right.len(), book.wrong.len()), (REMEMBERED, REMEMBERED));
        assert!(book.wrong.contains(&tag("last")) && !book.wrong.contains(&tag("1")));
        assert_ne!(passwords.tag("a", HASH, b"b"), passwords.tag("a", "another hash", b"b"));
        assert_ne!(passwords.tag("ab", HASH, b"c"), passwords.tag("a", HASH, b"bc"));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever() {
        let (passwords, _worker) = Passwords::new();
        let users = users();
        let verdict = passwords.check(&users, ("prometheus", b"correct-horse"), from(1));
        let verdict = tokio::time::timeout(Duration::from_secs(10), verdict).await;
        assert_eq!(verdict, Ok(Verdict::Busy));
    }
}
