//! Work that may hang, such as asking for an address or reading a file, on a thread of its own.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

/// Work of one kind. There is one thread at most: while one hangs, its end is what is waited for again.
#[derive(Debug)]
pub(super) struct Aside<T> {
    name: &'static str,
    running: Option<oneshot::Receiver<T>>,
}

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum AsideError {
    #[error("no answer after {}", seconds(*.0))]
    Slow(Duration),
    #[error("no thread for it: {0}")]
    Thread(#[from] std::io::Error),
    #[error("it panicked")]
    Died,
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

impl<T: Send + 'static> Aside<T> {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, running: None }
    }

    /// Does it, and waits for so long.
    pub(super) async fn run(
        &mut self,
        patience: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AsideError> {
        if self.running.is_none() {
            let (done, running) = oneshot::channel();
            std::thread::Builder::new().name(self.name.into()).spawn(move || drop(done.send(work())))?;
            self.running = Some(running);
        }
        let Some(running) = &mut self.running else { return Err(AsideError::Died) };
        match timeout(patience, running).await {
            Err(_) => Err(AsideError::Slow(patience)),
            Ok(done) => {
                self.running = None;
                done.map_err(|_| AsideError::Died)
            }
        }
    }
}
