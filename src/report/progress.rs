//! How far the reading is, for a person who waits at a terminal; on standard error only.

use std::io::{self, IsTerminal as _, Read};
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shorter input is read before anybody has read a bar.
const LONG_BYTES: u64 = 64 << 20;

/// A bar over the bytes of all files as they are on disk, where somebody sees it and it takes long.
#[derive(Debug, Default)]
pub struct Progress {
    seen: bool,
    /// Bytes of all files; `None` when one is a pipe.
    total: Option<u64>,
    read: u64,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// For these files, when standard error is a terminal.
    pub fn on_terminal(files: &[PathBuf]) -> Self {
        // A file that is missing is reported when its turn comes.
        let length = |path: &PathBuf| match std::fs::metadata(path) {
            Ok(metadata) => metadata.is_file().then_some(metadata.len()),
            Err(_) => (path.as_os_str() != "-").then_some(0),
        };
        let total = files.iter().map(length).sum();
        Self { seen: io::stderr().is_terminal(), total, read: 0, bar: None }
    }

    /// Some more bytes were read.
    pub fn advance(&mut self, bytes: u64) {
        self.read += bytes;
        if !self.seen {
            return;
        }
        if self.bar.is_none() && self.total.unwrap_or(self.read) >= LONG_BYTES {
            self.bar = Some(bar(self.total));
        }
        if let Some(bar) = &self.bar {
            bar.set_position(self.read);
        }
    }

    /// Takes the bar away, for other output.
    pub fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn bar(total: Option<u64>) -> ProgressBar {
    let template = match total {
        Some(_) => "[{bar:40}] {percent:>3} % of {total_bytes}, {eta} left",
        None => "{bytes} read, {bytes_per_sec}",
    };
    // A template that does not fit leaves the crate's own style.
    let style = ProgressStyle::with_template(template).map(|style| style.progress_chars("=> "));
    ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr())
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// A stream whose bytes move the bar.
pub(super) struct Counted<'a, R> {
    pub(super) stream: R,
    pub(super) progress: &'a mut Progress,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.stream.read(buffer)?;
        self.progress.advance(bytes as u64);
        Ok(bytes)
    }
}
