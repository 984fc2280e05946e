//! Hearing of threads that panic.

use tokio::sync::mpsc::UnboundedSender;

/// Tells the program when a thread panics.
#[derive(Debug)]
pub struct DeathNotice {
    thread: &'static str,
    died: UnboundedSender<&'static str>,
}

impl DeathNotice {
    /// To be held by the thread.
    pub fn new(thread: &'static str, died: UnboundedSender<&'static str>) -> Self {
        Self { thread, died }
    }
}

impl Drop for DeathNotice {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.died.send(self.thread).ok();
        }
    }
}
