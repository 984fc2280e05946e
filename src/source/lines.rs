//! Complete lines out of blocks of bytes, and blocks out of a stream that is read once.

use std::io::{self, Read};

use crate::record::Skip;

/// The lines of a block in which every line ends with LF: each with the number of bytes it takes
/// in the file, and without its end-of-line characters (LF, or CR LF as some transfers leave it).
pub fn lines(block: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut start = 0;
    memchr::memchr_iter(b'\n', block).map(move |newline| {
        let line = &block[start..newline];
        let bytes = newline + 1 - start;
        start = newline + 1;
        (bytes, line.strip_suffix(b"\r").unwrap_or(line))
    })
}

/// What a stream gives next.
#[derive(Debug, PartialEq, Eq)]
pub enum Block<'a> {
    /// Complete lines, each with its LF.
    Lines(&'a [u8]),
    /// The last line, which has no LF.
    LastLine(&'a [u8]),
    /// Bytes of a line that is too long; `ends` says that it ends with them.
    Skipped {
        /// Always [`Skip::TooLong`].
        reason: Skip,
        /// How many.
        bytes: u64,
        /// Whether the line ends here.
        ends: bool,
    },
}

/// Reads a stream from its beginning to its end: a file that nobody writes any more, or a pipe. Blocks
/// are read into buffers of the caller, so that one may be worked on while the next is read.
#[derive(Debug)]
pub struct BlockReader<R> {
    stream: R,
    /// What was read behind the last block.
    behind: Vec<u8>,
    /// How much of it is known to hold no LF.
    searched: usize,
    max_line_bytes: usize,
    skipping: bool,
}

/// As much as the follower reads at once.
const BLOCK_BYTES: usize = 256 * 1024;

impl<R: Read> BlockReader<R> {
    /// A reader of lines of at most `max_line_bytes`.
    pub fn new(stream: R, max_line_bytes: usize) -> Self {
        Self { stream, behind: Vec::new(), searched: 0, max_line_bytes, skipping: false }
    }

    /// The next block, which is read into `buffer` whatever is in it; `None` at the end. The buffer is
    /// given its size the first time.
    ///
    /// # Errors
    ///
    /// What the kernel said.
    pub fn next_block<'b>(&mut self, buffer: &'b mut Vec<u8>) -> io::Result<Option<Block<'b>>> {
        let room = BLOCK_BYTES.max(self.max_line_bytes + 1);
        if buffer.len() < room {
            buffer.resize(room, 0);
        }
        let mut end = self.behind.len();
        buffer[..end].copy_from_slice(&self.behind);
        loop {
            if self.skipping && end > 0 {
                return Ok(Some(self.skip(&buffer[..end])));
            }
            if let Some(newline) = memchr::memrchr(b'\n', &buffer[self.searched..end]) {
                let lines = self.searched + newline + 1;
                self.keep(&buffer[lines..end], true);
                return Ok(Some(Block::Lines(&buffer[..lines])));
            }
            self.searched = end;
            if end > self.max_line_bytes {
                self.skipping = true;
                continue;
            }
            match self.stream.read(&mut buffer[end..]) {
                Ok(0) => return Ok(self.at_end(&buffer[..end])),
                Ok(filled) => end += filled,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.keep(&buffer[..end], false);
                    return Err(error);
                }
            }
        }
    }

    fn keep(&mut self, behind: &[u8], searched: bool) {
        self.behind.clear();
        self.behind.extend_from_slice(behind);
        self.searched = if searched { behind.len() } else { 0 };
    }

    fn skip(&mut self, bytes: &[u8]) -> Block<'static> {
        let newline = memchr::memchr(b'\n', bytes);
        let skipped = newline.map_or(bytes.len(), |newline| newline + 1);
        self.keep(&bytes[skipped..], false);
        self.skipping = newline.is_none();
        Block::Skipped { reason: Skip::TooLong, bytes: skipped as u64, ends: newline.is_some() }
    }

    fn at_end<'b>(&mut self, rest: &'b [u8]) -> Option<Block<'b>> {
        self.keep(&[], true);
        if std::mem::take(&mut self.skipping) {
            return Some(Block::Skipped { reason: Skip::TooLong, bytes: rest.len() as u64, ends: true });
        }
        (!rest.is_empty()).then_some(Block::LastLine(rest))
    }
}

#[cfg(test)]
mod tests {
    use super::{Block, BlockReader, lines};
    use crate::record::Skip;

    #[test]
    fn lines_lose_their_ends() {
        let block = b"one\n\ntwo\r\n\xff\r\r\n";
        let found: Vec<_> = lines(block).collect();
        assert_eq!(found, [(4, &b"one"[..]), (1, b""), (5, b"two"), (4, b"\xff\r")]);
    }

    /// A stream that gives a few bytes at a time.
    struct Trickle<'a>(&'a [u8], usize);

    impl std::io::Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let bytes = self.1.min(buffer.len()).min(self.0.len());
            buffer[..bytes].copy_from_slice(&self.0[..bytes]);
            self.0 = &self.0[bytes..];
            Ok(bytes)
        }
    }

    /// All lines within the cap, how many bytes and ends of lines were skipped, and all bytes.
    fn read_all(text: &[u8], at_once: usize) -> (Vec<Vec<u8>>, u64, u64, u64) {
        let (mut found, mut skipped, mut ended, mut all) = (Vec::new(), 0, 0, 0);
        let mut reader = BlockReader::new(Trickle(text, at_once), 8);
        let mut buffer = Vec::new();
        while let Some(block) = reader.next_block(&mut buffer).expect("no errors here") {
            match block {
                Block::Lines(block) => {
                    for (bytes, line) in lines(block) {
                        all += bytes as u64;
                        found.push(line.to_vec());
                    }
                }
                Block::LastLine(line) => {
                    all += line.len() as u64;
                    found.push(line.to_vec());
                }
                Block::Skipped { reason, bytes, ends } => {
                    assert_eq!(reason, Skip::TooLong);
                    all += bytes;
                    skipped += bytes;
                    ended += u64::from(ends);
                }
            }
        }
        (found, skipped, ended, all)
    }

    proptest::proptest! {
        #[test]
        fn every_byte_and_line_is_accounted_for(text: Vec<u8>, at_once in 1_usize..20) {
            let text: Vec<u8> = text.iter().map(|byte| if byte % 5 == 0 { b'\n' } else { b'x' }).collect();
            let (found, _, ended, all) = read_all(&text, at_once);
            let newlines = memchr::memchr_iter(b'\n', &text).count();
            let unended = usize::from(text.last().is_some_and(|&last| last != b'\n'));
            proptest::prop_assert_eq!(found.len() + usize::try_from(ended)?, newlines + unended);
            proptest::prop_assert_eq!(all, text.len() as u64);
        }
    }

    #[test]
    fn long_lines_are_skipped_whole() {
        for at_once in [1, 3, 100] {
            let (found, skipped, ended, _) = read_all(b"short\nfar too long a line\nlast", at_once);
            if at_once == 100 {
                // Lines that lie in the buffer as a whole are for the caller to measure.
                assert_eq!(found.len(), 3);
                continue;
            }
            assert_eq!(found, [b"short".to_vec(), b"last".to_vec()]);
            assert_eq!((skipped, ended), (20, 1));
        }
    }

    #[test]
    fn a_long_last_line_ends_with_the_stream() {
        assert_eq!(read_all(b"far too long a line", 3), (vec![], 19, 1, 19));
        assert_eq!(read_all(b"", 3), (vec![], 0, 0, 0));
    }
}
