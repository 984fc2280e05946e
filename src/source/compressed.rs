//! gzip and zstd read as what they hold, told by their first bytes and never by a file's name: old
//! logs are renamed and piped.
//!
//! Both decoders are plain Rust, so that the static program for old hosts needs no C compiler.

use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// The first byte of a zstd frame without data varies in its lower half.
const ZSTD_SKIPPABLE: &[u8] = &[0x2a, 0x4d, 0x18];

/// As much as a log is read at once.
const BUFFER_BYTES: usize = 256 * 1024;
/// How much of a zstd frame is decoded before it is handed on.
const DECODED_BYTES: usize = 128 * 1024;

/// A stream whose first bytes were looked at and put back.
type Whole<R> = Chain<Cursor<Vec<u8>>, R>;

/// The text in a stream, which may be a row of gzip members or of zstd frames.
///
/// # Errors
///
/// When the first bytes cannot be read. Damage behind them is an error of the reader.
pub fn text_of<'a, R: Read + Send + 'a>(mut stream: R) -> io::Result<Box<dyn Read + Send + 'a>> {
    let mut head = Vec::with_capacity(ZSTD.len());
    // A pipe may give fewer bytes at a time.
    stream.by_ref().take(ZSTD.len() as u64).read_to_end(&mut head)?;
    let (gzip, zstd) = (head.starts_with(GZIP), is_zstd(&head));
    let whole: Whole<R> = Cursor::new(head).chain(stream);
    Ok(if gzip {
        Box::new(MultiGzDecoder::new(BufReader::with_capacity(BUFFER_BYTES, whole)))
    } else if zstd {
        Box::new(ZstdFrames::new(BufReader::with_capacity(BUFFER_BYTES, whole)))
    } else {
        Box::new(whole)
    })
}

fn is_zstd(head: &[u8]) -> bool {
    let skippable = head.len() == 4 && (0x50..=0x5f).contains(&head[0]) && head[1..] == *ZSTD_SKIPPABLE;
    head == ZSTD || skippable
}

/// One zstd frame after the other, as `zstd -d` reads them.
struct ZstdFrames<R> {
    source: R,
    decoder: FrameDecoder,
    in_frame: bool,
}

impl<R: BufRead> ZstdFrames<R> {
    fn new(source: R) -> Self {
        Self { source, decoder: FrameDecoder::new(), in_frame: false }
    }

    /// Begins the next frame; `false` at the end of the stream.
    fn begin_frame(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => self.skip(u64::from(length))?,
                Err(error) => return Err(damaged(&error)),
            }
        }
        Ok(false)
    }

    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let skipped = io::copy(&mut self.source.by_ref().take(bytes), &mut io::sink())?;
        if skipped < bytes { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    fn check_sum(&self) -> io::Result<()> {
        match (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum()) {
            (Some(written), Some(found)) if written != found => {
                Err(io::Error::new(io::ErrorKind::InvalidData, "zstd: the checksum of a frame does not fit"))
            }
            _ => Ok(()),
        }
    }
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.in_frame {
                if !self.begin_frame()? {
                    return Ok(0);
                }
                self.in_frame = true;
            }
            let read = self.decoder.read(target)?;
            if read > 0 || target.is_empty() {
                return Ok(read);
            }
            if self.decoder.is_finished() {
                self.check_sum()?;
                self.in_frame = false;
            } else {
                let strategy = BlockDecodingStrategy::UptoBytes(DECODED_BYTES);
                self.decoder.decode_blocks(&mut self.source, strategy).map_err(|error| damaged(&error))?;
            }
        }
    }
}

fn damaged(error: &FrameDecoderError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("zstd: {error}"))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::text_of;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).expect("into memory");
        encoder.finish().expect("into memory")
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        compress_to_vec(text, CompressionLevel::Fastest)
    }

    fn read(stream: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut text = Vec::new();
        text_of(stream)?.read_to_end(&mut text)?;
        Ok(text)
    }

    #[test]
    fn what_is_not_compressed_stays() {
        for text in [&b""[..], b"a", b"\x1f", b"19-Jan-1998", b"\x28\xb5\x2f"] {
            assert_eq!(read(text).expect("readable"), text);
        }
    }

    #[test]
    fn members_and_frames_follow_each_other() {
        let long = b"line\n".repeat(300_000);
        for encoded in [gzip, zstd] {
            let stream = [encoded(b"one\ntw"), encoded(&long), encoded(b""), encoded(b"o\n")].concat();
            assert_eq!(read(&stream).expect("readable"), [b"one\ntw", &long[..], b"o\n"].concat());
        }
    }

    #[test]
    fn skippable_frames_are_skipped() {
        let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"xyz"].concat();
        let stream = [&skippable[..], &zstd(b"one"), &skippable, &zstd(b"two")].concat();
        assert_eq!(read(&stream).expect("readable"), b"onetwo");
    }

    #[test]
    fn damage_is_an_error() {
        let text = b"some text that is long enough to be cut ".repeat(20);
        for stream in [gzip(&text), zstd(&text)] {
            assert!(read(&stream[..stream.len() - 5]).is_err());
            assert!(read(&[&stream[..], b"garbage"].concat()).is_err());
        }
        let mut wrong = zstd(&text);
        let last = wrong.len() - 1;
        wrong[last] ^= 1;
        assert!(read(&wrong).is_err());
    }
}
