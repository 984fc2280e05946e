//! A host with an MTA, as it is, and the log that it writes.

use std::fmt::Write as _;

/// 2026-11-19T08:53:20Z
const BEGIN: i64 = 1_795_078_400_000;
const HOUR: i64 = 3_600_000;
/// So long a process that makes connections lives at most.
const OUTBOUND_LIFE: i64 = 24 * HOUR;
/// How many hosts mail is for.
pub(super) const DESTINATIONS: usize = 3;
pub(super) const PROCESSES: u8 = 4;
/// The kernel does not give a tuple away again before (`TIME_WAIT`).
const RESTING: i64 = 60_000;
/// A process that has something to write goes over to a new log within this time.
const HOLDING: i64 = 600_000;
/// Few, so that they are used again and again. The kernel has each once at a time.
const TUPLES: u8 = 6;

/// What the log says of processes (`LOG_PROCESS`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Processes {
    /// Nothing.
    Unsaid,
    /// A thread a connection.
    Said,
    /// C may be written by another thread than O.
    Pooled,
}

#[derive(Clone, Debug)]
struct Connection {
    tuple: u8,
    direction: usize,
    /// Of an outbound one: which host mail is for.
    destination: usize,
    process: u8,
    pid: u32,
    thread: u32,
    opened: i64,
    /// The O is in the log.
    known: bool,
}

/// What came of the connections that the log shows opened.
#[derive(Debug, Default)]
pub(super) struct Ended {
    /// C entries.
    pub(super) told: u64,
    /// Those among them whose O is known.
    pub(super) timed: u64,
    /// How long these were open.
    pub(super) seconds: f64,
    /// No C is written any more.
    pub(super) untold: u64,
}

#[derive(Debug)]
pub(super) struct Host {
    pub(super) now: i64,
    processes: Processes,
    /// How long a process keeps connections, by their direction.
    lives: [i64; 2],
    /// The renamed logs, and the current one.
    pub(super) files: Vec<String>,
    pub(super) ended: Ended,
    open: Vec<Connection>,
    /// They ended, and their C is written at this time.
    late: Vec<(i64, Connection)>,
    /// They ended without a C, and their tuple was not used since.
    untold: Vec<Connection>,
    /// By process: its id, and the file that it writes to.
    writers: [(u32, usize); PROCESSES as usize],
    /// When each tuple was used last.
    used: [i64; TUPLES as usize + 1],
    /// When the log was renamed last.
    rotated: i64,
    threads: u32,
    /// Lines since one that lied.
    honest: u32,
}

/// The name of a destination.
pub(super) fn name(destination: usize) -> String {
    format!("d{destination}.example")
}

impl Host {
    /// With a connection that is older than the log, and server processes that live so long.
    pub(super) fn new(processes: Processes, server_life: i64) -> Self {
        let mut host = Self {
            now: BEGIN,
            processes,
            lives: [server_life, OUTBOUND_LIFE],
            files: vec![String::new()],
            ended: Ended::default(),
            open: Vec::new(),
            late: Vec::new(),
            untold: Vec::new(),
            writers: std::array::from_fn(|process| (0x2e00 + u32::try_from(process).expect("few"), 0)),
            used: [BEGIN - HOUR; TUPLES as usize + 1],
            rotated: BEGIN,
            threads: 0,
            honest: 0,
        };
        host.open_by(0, 0);
        host.files[0].clear();
        host.open[0].known = false;
        host
    }

    pub(super) fn open(&self, direction: usize) -> usize {
        self.open.iter().filter(|open| open.known && open.direction == direction).count()
    }

    /// Connections that ended without a C so far, and are not older than processes live and `grace`.
    pub(super) fn untold(&self, direction: usize, grace: i64) -> usize {
        self.young_untold(grace).filter(|open| open.direction == direction).count()
    }

    /// The same two of those to a destination.
    pub(super) fn to(&self, destination: usize, grace: i64) -> (usize, usize) {
        let goes_there = |open: &&Connection| open.direction == 1 && open.destination == destination;
        let open = self.open.iter().filter(|open| open.known);
        (open.filter(goes_there).count(), self.young_untold(grace).filter(goes_there).count())
    }

    fn young_untold(&self, grace: i64) -> impl Iterator<Item = &Connection> {
        let late = self.late.iter().map(|(_, connection)| connection);
        let is_young = move |open: &Connection| self.now < self.end_of_life(open) + grace;
        self.untold.iter().chain(late).filter(move |open| open.known && is_young(open))
    }

    fn end_of_life(&self, open: &Connection) -> i64 {
        open.opened + self.lives[open.direction]
    }

    pub(super) fn open_by(&mut self, tuple: u8, process: u8) {
        let (tuple, process) = (tuple % TUPLES, process % PROCESSES);
        if !self.is_free(tuple) {
            return;
        }
        self.threads += 1;
        let (pid, _) = self.writers[usize::from(process)];
        let direction = usize::from(tuple % 3 == 2);
        let (thread, opened) = (self.threads, self.now);
        let destination = usize::try_from(thread).expect("few") % DESTINATIONS;
        let open = Connection { tuple, direction, destination, process, pid, thread, opened, known: true };
        self.write(&open, 'O', "");
        self.untold.retain(|ended| ended.tuple != tuple);
        self.open.push(open);
    }

    /// Whether a tuple can be used: the kernel gives none away at once.
    fn is_free(&self, tuple: u8) -> bool {
        let rested = self.now - self.used[usize::from(tuple)] >= RESTING;
        rested && self.open.iter().all(|open| open.tuple != tuple)
    }

    fn take(&mut self, which: u8) -> Option<Connection> {
        let place = usize::from(which).checked_rem(self.open.len())?;
        let ended = self.open.remove(place);
        self.used[usize::from(ended.tuple)] = self.now;
        Some(ended)
    }

    pub(super) fn close(&mut self, which: u8) {
        if let Some(ended) = self.take(which) {
            self.tell(ended);
        }
    }

    fn tell(&mut self, mut ended: Connection) {
        self.ended.told += 1;
        if ended.known {
            self.ended.timed += 1;
            self.ended.seconds += f64::from(u32::try_from(self.now - ended.opened).expect("days")) / 1000.0;
        }
        if self.processes == Processes::Pooled {
            ended.thread += 1;
        }
        self.write(&ended, 'C', "");
    }

    /// Without an O that names the same process nobody could tell whose C it is.
    pub(super) fn close_late(&mut self, which: u8, seconds: u8) {
        let place = usize::from(which).checked_rem(self.open.len());
        if self.processes != Processes::Said || place.is_none_or(|place| !self.open[place].known) {
            return self.close(which);
        }
        if let Some(ended) = self.take(which) {
            self.late.push((self.now + i64::from(seconds) * 1000, ended));
        }
    }

    pub(super) fn vanish(&mut self, which: u8) {
        if let Some(ended) = self.take(which) {
            self.leave_untold(ended);
        }
    }

    fn leave_untold(&mut self, ended: Connection) {
        if ended.known {
            self.ended.untold += 1;
            if self.open.iter().all(|open| open.tuple != ended.tuple) {
                self.untold.push(ended);
            }
        }
    }

    pub(super) fn reject(&mut self, tuple: u8) {
        let tuple = tuple % TUPLES;
        if self.is_free(tuple) {
            let direction = usize::from(tuple % 3 == 2);
            let (pid, _) = self.writers[0];
            let (destination, process, thread, opened) = (0, 0, 0, self.now);
            let attempt =
                Connection { tuple, direction, destination, process, pid, thread, opened, known: false };
            let code = if direction == 0 { 'X' } else { 'Y' };
            self.write(&attempt, code, " 400 can't connect now");
            self.used[usize::from(tuple)] = self.now;
        }
    }

    pub(super) fn login(&mut self, which: u8) {
        let place = usize::from(which).checked_rem(self.open.len());
        let nobody = Connection {
            tuple: TUPLES,
            direction: 0,
            destination: 0,
            process: 0,
            pid: self.writers[0].0,
            thread: 0,
            opened: self.now,
            known: false,
        };
        let who = place.map_or(nobody, |place| self.open[place].clone());
        self.write(&who, 'U', " Bad password *nic@d.example 535 5.7.8 Bad username or password");
    }

    pub(super) fn lie(&mut self, ahead: bool) {
        if self.honest < 5 {
            return;
        }
        let now = self.now;
        let year = 365 * 24 * HOUR;
        self.now += if ahead { 7 * year } else { -7 * year };
        self.login(0);
        (self.now, self.honest) = (now, 0);
    }

    pub(super) fn kill(&mut self, process: u8) {
        let process = process % PROCESSES;
        let (pid, file) = &mut self.writers[usize::from(process)];
        let killed = *pid;
        *pid += u32::from(PROCESSES);
        *file = self.files.len() - 1;
        let (ended, open) = self.open.drain(..).partition(|open| open.pid == killed);
        self.open = open;
        let (late, others) = self.late.drain(..).partition(|(_, ended)| ended.pid == killed);
        self.late = others;
        let ended: Vec<Connection> = ended;
        let late: Vec<(i64, Connection)> = late;
        for ended in &ended {
            self.used[usize::from(ended.tuple)] = self.now;
        }
        ended
            .into_iter()
            .chain(late.into_iter().map(|(_, late)| late))
            .for_each(|ended| self.leave_untold(ended));
    }

    pub(super) fn rotate(&mut self) {
        if self.now - self.rotated > HOLDING {
            let current = self.files.len() - 1;
            self.writers.iter_mut().for_each(|(_, file)| *file = current);
        }
        self.files.push(String::new());
        self.rotated = self.now;
    }

    /// Time passes. Connections do not live for ever, and processes get to what they have to write.
    pub(super) fn pass(&mut self, millis: i64) {
        let end = self.now + millis;
        loop {
            let next_late = self.late.iter().map(|&(at, _)| at).min();
            let oldest = self.open.iter().map(|open| self.end_of_life(open)).min();
            let Some(next) = next_late.into_iter().chain(oldest).filter(|&at| at <= end).min() else { break };
            self.now = next;
            let (due, late) = self.late.drain(..).partition(|&(at, _)| at <= next);
            self.late = late;
            let due: Vec<(i64, Connection)> = due;
            for (_, ended) in due {
                self.tell(ended);
            }
            while let Some(place) = self.open.iter().position(|open| self.end_of_life(open) <= next) {
                let place = u8::try_from(place).expect("few");
                self.close(place);
            }
        }
        self.now = end;
    }

    /// A line by the process of a connection, into the log that it has open. It goes over to the new log with the second
    /// line behind a rotation, or after ten minutes.
    fn write(&mut self, who: &Connection, code: char, behind: &str) {
        let current = self.files.len() - 1;
        let file = &mut self.writers[usize::from(who.process)].1;
        self.honest += 1;
        let time = jiff::Timestamp::from_millisecond(self.now).expect("in range");
        if self.now - self.rotated > HOLDING {
            *file = current;
        }
        let line = &mut self.files[std::mem::replace(file, current)];
        let _ = write!(line, "{} ", time.strftime("%d-%b-%Y %H:%M:%S%.2f"));
        if self.processes != Processes::Unsaid {
            self.threads += 1;
            let _ = write!(line, "{:x}.{:x}.{} ", who.pid, who.thread, self.threads);
        }
        let port = 4000 + u32::from(who.tuple);
        let (sign, transport, host) = match who.direction {
            0 => ('+', format!("TCP|192.0.2.1|25|192.0.2.9|{port}"), String::new()),
            _ => ('-', format!("TCP|192.0.2.1|{port}|192.0.2.9|25"), format!("/{}", name(who.destination))),
        };
        let _ = writeln!(line, "tcp_local    {sign}            {code} {transport} SMTP{host}{behind}");
    }
}
