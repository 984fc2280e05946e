//! One stream through several threads, with the same sums for any number of them.
//!
//! Every thread does the same: it takes the next block of the stream, digests it, and hands it in. Blocks
//! are numbered, and whoever hands in the block whose turn it is applies it, and those that waited for
//! it. So no thread has a part of its own that the others wait for, however much a line costs to read or
//! to count. Blocks on their way are few, and used again and again.
//!
//! A line may mean another thing behind other lines: what is carried from line to line is small, and a
//! block is digested as if all blocks on their way left it as it was. When its turn comes and they did
//! not, it is digested again, which is rare: at the options that the first entries show, and where
//! entries and lines of other logs meet at the edge of a block.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::thread;

use parking_lot::{Condvar, Mutex};

use crate::aggregate::digest::{Batch, Digester};
use crate::aggregate::option::Inference;
use crate::counting::{Carried, LogReader};
use crate::record::{Dialect, Skip};
use crate::source::lines::{Block, BlockReader};

/// A block and its digest.
#[derive(Debug, Default)]
pub(super) struct Work {
    buffer: Vec<u8>,
    extent: Extent,
    batch: Batch,
    /// What the digest rests on.
    before: Carried,
    /// The same behind the block.
    after: Carried,
}

/// A [`Block`] without the bytes: they are at the start of the buffer.
#[derive(Clone, Copy, Debug)]
enum Extent {
    Lines(usize),
    LastLine(usize),
    Skipped { reason: Skip, bytes: u64, ends: bool },
}

impl Default for Extent {
    fn default() -> Self {
        Self::Lines(0)
    }
}

impl Extent {
    fn block(self, buffer: &[u8]) -> Block<'_> {
        match self {
            Self::Lines(length) => Block::Lines(&buffer[..length]),
            Self::LastLine(length) => Block::LastLine(&buffer[..length]),
            Self::Skipped { reason, bytes, ends } => Block::Skipped { reason, bytes, ends },
        }
    }
}

impl From<Block<'_>> for Extent {
    fn from(block: Block<'_>) -> Self {
        match block {
            Block::Lines(lines) => Self::Lines(lines.len()),
            Block::LastLine(line) => Self::LastLine(line.len()),
            Block::Skipped { reason, bytes, ends } => Self::Skipped { reason, bytes, ends },
        }
    }
}

/// How a stream is read.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) threads: usize,
    pub(super) max_line_bytes: usize,
    pub(super) dialect: Dialect,
    pub(super) digester: Digester,
}

/// Reads a stream to its end and gives the digest of each block to `apply`, in order. `inference` is
/// what earlier entries of its log say. Room that blocks took is left in `works`, for the next stream.
pub(super) fn read(
    stream: impl Read + Send,
    inference: Inference,
    reading: &Reading,
    works: &mut Vec<Work>,
    apply: impl FnMut(&Batch) + Send,
) -> io::Result<()> {
    // One more than there are threads, so that reading goes on while a block waits for its turn.
    works.resize_with(reading.threads + 1, Work::default);
    let blocks = BlockReader::new(stream, reading.max_line_bytes);
    let pipeline = Pipeline {
        reading,
        input: Mutex::new(Input { blocks, next: 0, result: Ok(()), ended: false }),
        order: Mutex::new(Order {
            free: std::mem::take(works),
            carried: Carried { other_log: None, inference },
            ..Order::default()
        }),
        freed: Condvar::new(),
        apply: Mutex::new(apply),
    };
    thread::scope(|scope| {
        for _ in 1..reading.threads {
            let spawned =
                thread::Builder::new().name("report".into()).spawn_scoped(scope, || pipeline.work());
            // Fewer threads than were asked for do the same.
            drop(spawned);
        }
        pipeline.work();
    });
    let Pipeline { input, order, .. } = pipeline;
    *works = order.into_inner().free;
    input.into_inner().result
}

struct Pipeline<'a, R, A> {
    reading: &'a Reading,
    input: Mutex<Input<R>>,
    order: Mutex<Order>,
    /// Something was added to [`Order::free`].
    freed: Condvar,
    apply: Mutex<A>,
}

struct Input<R> {
    blocks: BlockReader<R>,
    /// The number of the next block.
    next: u64,
    result: io::Result<()>,
    ended: bool,
}

#[derive(Default)]
struct Order {
    /// The number of the block that is applied next.
    next: u64,
    /// Digested blocks that wait for their turn.
    digested: BTreeMap<u64, Work>,
    /// Behind the blocks that are applied.
    carried: Carried,
    /// Whether somebody applies blocks.
    applying: bool,
    free: Vec<Work>,
    /// A thread died: its block will never come.
    broken: bool,
}

impl<R: Read, A: FnMut(&Batch)> Pipeline<'_, R, A> {
    /// What every thread does.
    fn work(&self) {
        let notice = DeathNotice(self);
        let mut reader = LogReader::new(self.reading.dialect.clone(), self.reading.max_line_bytes);
        while let Some(mut work) = self.free_work() {
            let Some(number) = self.next_block(&mut work) else {
                self.order.lock().free.push(work);
                self.freed.notify_one();
                break;
            };
            let assumed = self.order.lock().carried;
            self.digest(&mut work, assumed, &mut reader);
            self.hand_in(number, work, &mut reader);
        }
        std::mem::forget(notice);
    }

    /// Waits for a block that nobody uses. Some thread always works on the block whose turn is next, so
    /// one will be free.
    fn free_work(&self) -> Option<Work> {
        let mut order = self.order.lock();
        self.freed.wait_while(&mut order, |order| order.free.is_empty() && !order.broken);
        order.free.pop()
    }

    /// Reads the next block; its number, or `None` at the end.
    fn next_block(&self, work: &mut Work) -> Option<u64> {
        let mut input = self.input.lock();
        if input.ended {
            return None;
        }
        let block = input.blocks.next_block(&mut work.buffer).unwrap_or_else(|error| {
            input.result = Err(error);
            None
        });
        input.ended = block.is_none();
        work.extent = block?.into();
        input.next += 1;
        Some(input.next - 1)
    }

    /// Digests a block behind what is carried to it.
    fn digest(&self, work: &mut Work, before: Carried, reader: &mut LogReader) {
        let Work { buffer, extent, batch, .. } = work;
        work.after = reader.digest(&extent.block(buffer), before, self.reading.digester, batch);
        work.before = before;
    }

    /// Applies a block, and those that waited for it, when it is its turn.
    fn hand_in(&self, number: u64, work: Work, reader: &mut LogReader) {
        let mut order = self.order.lock();
        order.digested.insert(number, work);
        while !order.applying
            && let Some(mut work) = order.take_next()
        {
            order.applying = true;
            let carried = order.carried;
            drop(order);
            if work.before != carried {
                self.digest(&mut work, carried, reader);
            }
            (self.apply.lock())(&work.batch);
            order = self.order.lock();
            order.applying = false;
            order.carried = work.after;
            order.free.push(work);
            self.freed.notify_one();
        }
    }
}

impl Order {
    fn take_next(&mut self) -> Option<Work> {
        let work = self.digested.remove(&self.next)?;
        self.next += 1;
        Some(work)
    }
}

/// Wakes the other threads when one panics; the scope hands the panic on.
struct DeathNotice<'a, 'b, R, A>(&'a Pipeline<'b, R, A>);

impl<R, A> Drop for DeathNotice<'_, '_, R, A> {
    fn drop(&mut self) {
        let mut order = self.0.order.lock();
        order.broken = true;
        order.free.clear();
        self.0.freed.notify_all();
    }
}
