//! The MTA of the soak: processes that write, each with descriptors of its own, and the return job.
//!
//! Every line is one write(2) on a descriptor in append mode, as the MTA's processes do it. The return
//! job appends the existing `mail.log_yesterday` to `mail.log` and renames `mail.log_current` to
//! `mail.log_yesterday`; the processes go on writing to the renamed file for a while, each for as long
//! as it likes, and the first that opens the log again makes the new file.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fastrand::Rng;

use super::entries::{DELAYS, Log, Row, Series, long_line, rows, series};
use crate::service::harness::{now, pause};

/// How many processes write.
const WRITERS: usize = 4;
/// For how long a process writes to the renamed file, at most.
const LINGER: Duration = Duration::from_secs(2);
/// Lines before the clock is looked at again.
const BURST: u64 = 200;
/// One line in so many is beyond the cap.
const LONG_LINES: u64 = 50_000;

/// What the MTA does.
#[derive(Clone, Copy, Debug)]
pub struct Traffic {
    pub seed: u64,
    /// Lines a second, where the machine is fast enough.
    pub rate: u32,
    /// From one rotation to the next.
    pub rotation: Duration,
}

/// A running MTA. It stops when it is dropped.
pub struct Mta {
    shared: Arc<Shared>,
    started: Instant,
    writers: Vec<JoinHandle<Written>>,
    return_job: Option<JoinHandle<()>>,
}

/// What was written, and how fast.
pub struct Truth {
    /// Every series that has to show something.
    pub series: Series,
    pub lines: u64,
    pub rotations: u64,
    pub took: Duration,
}

struct Shared {
    directory: PathBuf,
    traffic: Traffic,
    rows: Vec<Row>,
    /// Row indices, each as often as its weight says.
    lottery: Vec<usize>,
    stopping: AtomicBool,
    /// How often the return job has run.
    rotations: AtomicU64,
    /// For so many milliseconds nobody opens the new files.
    late_millis: AtomicU64,
    /// The rotation that each writer's descriptors belong to.
    arrived: [AtomicU64; WRITERS],
}

impl Mta {
    /// Starts writing below a log directory.
    pub fn start(directory: &Path, traffic: Traffic) -> Self {
        let mut rows = rows();
        let lottery = rows.iter().enumerate().flat_map(|(index, row)| vec![index; row.weight]).collect();
        rows.push(long_line());
        let shared = Arc::new(Shared {
            directory: directory.to_owned(),
            traffic,
            rows,
            lottery,
            stopping: AtomicBool::new(false),
            rotations: AtomicU64::new(0),
            late_millis: AtomicU64::new(0),
            arrived: Default::default(),
        });
        let started = now();
        let writers = (0..WRITERS).map(|index| {
            let writer = Writer::new(Arc::clone(&shared), index);
            std::thread::spawn(move || writer.run(started))
        });
        let writers = writers.collect();
        let job = Arc::clone(&shared);
        let return_job = Some(std::thread::spawn(move || job.rotate_until_stopped(started)));
        Self { shared, started, writers, return_job }
    }

    /// Stops writing and says what was written.
    pub fn stop(mut self) -> Truth {
        self.shared.stopping.store(true, Ordering::Release);
        let writers = std::mem::take(&mut self.writers);
        let written: Vec<Written> =
            writers.into_iter().map(|writer| writer.join().expect("the writer wrote all")).collect();
        let took = now() - self.started;
        self.return_job.take().map(JoinHandle::join).expect("once").expect("the return job ran");
        let mut truth = Series::new();
        for writer in &written {
            for (row, &drawn) in self.shared.rows.iter().zip(&writer.drawn) {
                for (series, amount) in row.adds.iter().filter(|_| drawn > 0) {
                    *truth.entry(series.clone()).or_default() += amount * float(drawn);
                }
            }
            for (log, counts) in Log::ALL.iter().zip(&writer.logs) {
                let name = format!("{}_current", log.name());
                for (family, count) in [("lines", counts.lines), ("bytes", counts.bytes)] {
                    let series = series(&format!("imsimta_log_{family}_total"), &[("log", &name)]);
                    *truth.entry(series).or_default() += float(count);
                }
            }
        }
        let rotations = self.shared.rotations.load(Ordering::Acquire);
        for log in Log::ALL {
            let name = format!("{}_current", log.name());
            truth.insert(series("imsimta_log_rotations_total", &[("log", &name)]), float(rotations));
        }
        let lines = written.iter().flat_map(|writer| &writer.logs).map(|counts| counts.lines).sum();
        Truth { series: truth, lines, rotations, took }
    }
}

impl Drop for Mta {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
    }
}

/// A count as the pages have it.
#[expect(clippy::cast_precision_loss, reason = "counts of one run fit into 53 bits")]
pub fn float(count: u64) -> f64 {
    count as f64
}

impl Shared {
    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    fn path(&self, log: Log, suffix: &str) -> PathBuf {
        self.directory.join(format!("{}{suffix}", log.name()))
    }

    /// The return job. It waits for those that still write to the file which it is about to append: at
    /// a real site they have had a day.
    fn rotate_until_stopped(&self, started: Instant) {
        let mut rng = Rng::with_seed(self.traffic.seed ^ 0x0072_6574_7572_6e00);
        let mut due = started + self.traffic.rotation;
        while !self.stopping() {
            let done = self.rotations.load(Ordering::Acquire);
            let arrived = self.arrived.iter().all(|writer| writer.load(Ordering::Acquire) == done);
            if now() < due || !arrived {
                pause();
                continue;
            }
            due += self.traffic.rotation;
            for log in Log::ALL {
                self.rotate(log);
            }
            let late = if rng.u8(..4) == 0 { rng.u64(..1500) } else { 0 };
            self.late_millis.store(late, Ordering::Release);
            self.rotations.store(done + 1, Ordering::Release);
        }
    }

    fn rotate(&self, log: Log) {
        let (current, yesterday) = (self.path(log, "_current"), self.path(log, "_yesterday"));
        if let Ok(mut old) = File::open(&yesterday) {
            let mut cumulative = append(&self.path(log, ""));
            std::io::copy(&mut old, &mut cumulative).expect("appended");
        }
        std::fs::rename(current, yesterday).expect("renamed");
    }
}

fn append(path: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(path).expect("a log")
}

/// What one writer wrote.
struct Written {
    /// By row.
    drawn: Vec<u64>,
    /// By log.
    logs: [Counts; 2],
}

#[derive(Clone, Copy, Default)]
struct Counts {
    lines: u64,
    bytes: u64,
}

/// A process of the MTA.
struct Writer {
    shared: Arc<Shared>,
    index: usize,
    rng: Rng,
    files: [File; 2],
    /// The rotation that each file belongs to.
    rotations: [u64; 2],
    /// When each file is closed for the new one.
    switch_at: [Option<Instant>; 2],
    written: Written,
    /// By age.
    stamps: [String; DELAYS.len()],
    line: Vec<u8>,
}

impl Writer {
    fn new(shared: Arc<Shared>, index: usize) -> Self {
        let files = Log::ALL.map(|log| append(&shared.path(log, "_current")));
        let written = Written { drawn: vec![0; shared.rows.len()], logs: [Counts::default(); 2] };
        let rng = Rng::with_seed(shared.traffic.seed.wrapping_add(index as u64));
        let (rotations, switch_at) = ([0; 2], [None; 2]);
        Self {
            shared,
            index,
            rng,
            files,
            rotations,
            switch_at,
            written,
            stamps: Default::default(),
            line: Vec::new(),
        }
    }

    fn run(mut self, started: Instant) -> Written {
        let rate = f64::from(self.shared.traffic.rate) / float(WRITERS as u64);
        while !self.shared.stopping() {
            let now = now();
            self.look_for_rotation(now);
            self.set_stamps();
            let due = rate * (now - started).as_secs_f64();
            let written: u64 = self.written.logs.iter().map(|counts| counts.lines).sum();
            if float(written) >= due {
                pause();
                continue;
            }
            for _ in 0..BURST {
                self.draw();
            }
        }
        self.written
    }

    /// Closes a renamed file some time after the rotation and opens the log again.
    fn look_for_rotation(&mut self, now: Instant) {
        let rotations = self.shared.rotations.load(Ordering::Acquire);
        for (index, log) in Log::ALL.into_iter().enumerate() {
            if self.rotations[index] == rotations {
                continue;
            }
            let late = Duration::from_millis(self.shared.late_millis.load(Ordering::Acquire));
            let rng = &mut self.rng;
            let linger = *self.switch_at[index]
                .get_or_insert_with(|| now + late + LINGER.saturating_sub(late).mul_f64(rng.f64()));
            if now >= linger {
                self.files[index] = append(&self.shared.path(log, "_current"));
                self.rotations[index] = rotations;
                self.switch_at[index] = None;
            }
        }
        let arrived = self.rotations[0].min(self.rotations[1]);
        self.shared.arrived[self.index].store(arrived, Ordering::Release);
    }

    fn set_stamps(&mut self) {
        let now = jiff::Timestamp::now();
        for (stamp, delay) in self.stamps.iter_mut().zip(DELAYS) {
            let at = now - Duration::from_secs(u64::from(delay));
            *stamp = at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%d-%b-%Y %H:%M:%S").to_string();
            stamp.push_str(".25");
        }
    }

    fn draw(&mut self) {
        let shared = Arc::clone(&self.shared);
        let row = if self.rng.u64(..LONG_LINES) == 0 {
            shared.rows.len() - 1
        } else {
            shared.lottery[self.rng.usize(..shared.lottery.len())]
        };
        self.written.drawn[row] += 1;
        let mut number = self.written.drawn[row];
        let row = &shared.rows[row];
        if row.numbers > 0 {
            number %= row.numbers;
        }
        // No two writers share a number.
        let number = (number * WRITERS as u64 + self.index as u64).to_string();
        for line in &row.lines {
            self.line.clear();
            if let Some(stamp) = self.stamps.get(line.age) {
                self.line.extend_from_slice(stamp.as_bytes());
            }
            for (index, piece) in line.pieces.iter().enumerate() {
                if index > 0 {
                    self.line.extend_from_slice(number.as_bytes());
                }
                self.line.extend_from_slice(piece);
            }
            self.line.push(b'\n');
            let log = row.log as usize;
            let bytes = self.files[log].write(&self.line).expect("written");
            assert_eq!(bytes, self.line.len(), "one write a line");
            self.written.logs[log].lines += 1;
            self.written.logs[log].bytes += bytes as u64;
        }
    }
}
