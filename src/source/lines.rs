//! Complete lines out of blocks of bytes, and blocks out of a stream that is read once.

use std::io::{self, Read};

use crate::record::{RawLine, Skip};

/// The lines of a block: each with the number of bytes it takes in the file, and without its end-of-line
/// characters (LF, or CR LF as some transfers leave it). One at the end without LF has NUL bytes behind it.
pub fn lines(block: &[u8]) -> impl Iterator<Item = RawLine<'_>> {
    let mut start = 0;
    let mut newlines = memchr::memchr_iter(b'\n', block);
    std::iter::from_fn(move || {
        let newline = newlines.next();
        let end = newline.unwrap_or(block.len());
        let text = block.get(start..end).filter(|text| newline.is_some() || !text.is_empty())?;
        start = end + 1;
        let bytes = text.len() + usize::from(newline.is_some());
        Some(RawLine { text: text.strip_suffix(b"\r").unwrap_or(text), bytes, ends: newline.is_some() })
    })
}

/// How much of the bytes at the start is passed over with a line that is being skipped, and whether that ends there:
/// behind its end, in front of NUL bytes, or where these end.
pub(super) fn skipped(reason: Skip, bytes: &[u8]) -> (usize, bool) {
    let end = match reason {
        Skip::Nul => bytes.iter().position(|byte| *byte != 0),
        Skip::TooLong => memchr::memchr2(b'\n', 0, bytes),
        _ => memchr::memchr(b'\n', bytes),
    };
    let end_of_line = end.is_some_and(|end| bytes[end] == b'\n');
    (end.map_or(bytes.len(), |end| end + usize::from(end_of_line)), end.is_some())
}

/// What becomes of bytes without a line end that are too many for a line.
pub(super) enum TooMany {
    /// So many are a line that has NUL bytes behind it.
    Line(usize),
    /// They are passed over.
    Skip(Skip),
}

impl TooMany {
    pub(super) fn of(bytes: &[u8], max_line_bytes: usize) -> Self {
        match memchr::memchr(0, bytes) {
            Some(0) => Self::Skip(Skip::Nul),
            Some(line) if line <= max_line_bytes => Self::Line(line),
            _ => Self::Skip(Skip::TooLong),
        }
    }
}

/// What a stream gives next.
#[derive(Debug, PartialEq, Eq)]
pub enum Block<'a> {
    /// Complete lines, each with its LF; the last one may have NUL bytes behind it instead.
    Lines(&'a [u8]),
    /// The last line, which has no LF.
    LastLine(&'a [u8]),
    /// Bytes of a line that is too long, or of NUL bytes that are too many for one; `ends` says that it ends with
    /// them.
    Skipped {
        /// [`Skip::TooLong`] or [`Skip::Nul`].
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
    skipping: Option<Skip>,
}

/// As much as the follower reads at once.
const BLOCK_BYTES: usize = 256 * 1024;

impl<R: Read> BlockReader<R> {
    /// A reader of lines of at most `max_line_bytes`.
    pub fn new(stream: R, max_line_bytes: usize) -> Self {
        Self { stream, behind: Vec::new(), searched: 0, max_line_bytes, skipping: None }
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
            if let Some(reason) = self.skipping.filter(|_| end > 0) {
                return Ok(Some(self.skip(&buffer[..end], reason)));
            }
            if let Some(newline) = memchr::memrchr(b'\n', &buffer[self.searched..end]) {
                let lines = self.searched + newline + 1;
                self.keep(&buffer[lines..end], true);
                return Ok(Some(Block::Lines(&buffer[..lines])));
            }
            self.searched = end;
            if end > self.max_line_bytes {
                match TooMany::of(&buffer[..end], self.max_line_bytes) {
                    TooMany::Skip(reason) => self.skipping = Some(reason),
                    TooMany::Line(line) => {
                        self.keep(&buffer[line..end], false);
                        return Ok(Some(Block::Lines(&buffer[..line])));
                    }
                }
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

    fn skip(&mut self, bytes: &[u8], reason: Skip) -> Block<'static> {
        let (skipped, ends) = skipped(reason, bytes);
        self.keep(&bytes[skipped..], false);
        self.skipping = (!ends).then_some(reason);
        Block::Skipped { reason, bytes: skipped as u64, ends }
    }

    fn at_end<'b>(&mut self, rest: &'b [u8]) -> Option<Block<'b>> {
        self.keep(&[], true);
        if let Some(reason) = self.skipping.take() {
            return Some(Block::Skipped { reason, bytes: rest.len() as u64, ends: true });
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
        let found: Vec<_> = lines(block).map(|line| (line.bytes, line.text)).collect();
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
                    for line in lines(block) {
                        all += line.bytes as u64;
                        found.push(line.text.to_vec());
                    }
                }
                Block::LastLine(line) => {
                    all += line.len() as u64;
                    found.push(line.to_vec());
                }
                Block::Skipped { reason, bytes, ends } => {
                    assert!(matches!(reason, Skip::TooLong | Skip::Nul));
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

    proptest::proptest! {
        /// However the stream comes, and whatever NUL bytes stand in it: all bytes are there, in their order, and no text
        /// within the cap is lost that NUL bytes or line ends surround.
        #[test]
        fn texts_among_nul_bytes_are_found(text: Vec<u8>, at_once in 1_usize..20) {
            let text: Vec<u8> = text.iter().map(|byte| b"\nxxx\0\0\0\0"[usize::from(byte % 8)]).collect();
            let (found, _, _, all) = read_all(&text, at_once);
            proptest::prop_assert_eq!(all, text.len() as u64);
            let pieces = |text: &[u8]| -> Vec<Vec<u8>> {
                let pieces = text.split(|byte| matches!(byte, 0 | b'\n'));
                pieces.filter(|piece| (1..=8).contains(&piece.len())).map(<[u8]>::to_vec).collect()
            };
            let found: Vec<Vec<u8>> = found.iter().flat_map(|line| pieces(line)).collect();
            proptest::prop_assert_eq!(found, pieces(&text));
        }
    }

    #[test]
    fn a_hole_longer_than_a_line_is_passed_over() {
        let hole = [0; 50];
        let text = [b"short\nfront", &hole[..], b"behind\nlast"].concat();
        let (found, skipped, ended, all) = read_all(&text, 3);
        assert_eq!(found, [&b"short"[..], b"front", b"behind", b"last"].map(<[u8]>::to_vec));
        assert_eq!((skipped, ended, all), (50, 1, text.len() as u64));
        // A block of them that ends a line, and one that ends the stream.
        let text = [&hole[..], b"\nshort\n", &hole].concat();
        let (found, skipped, ended, all) = read_all(&text, 3);
        assert_eq!(found, [b"short".to_vec()]);
        assert_eq!((skipped, ended, all), (101, 2, text.len() as u64));
    }

    #[test]
    fn a_line_without_an_end_says_so() {
        let found: Vec<_> = lines(b"one\r\n\ntwo").map(|line| (line.bytes, line.text, line.ends)).collect();
        assert_eq!(found, [(5, &b"one"[..], true), (1, b"", true), (3, b"two", false)]);
        assert_eq!(lines(b"").count(), 0);
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
