//! The file system of the queue, which can be lost: then the directory that it was mounted on is there, and empty.

use std::fs;
use std::io;
use std::path::PathBuf;

/// The queue directory, and where its content is while that is lost.
#[derive(Debug)]
pub struct Mount {
    path: PathBuf,
    away: PathBuf,
}

impl Mount {
    /// At this directory.
    pub fn of(path: PathBuf) -> Self {
        let away = path.with_extension("unmounted");
        Self { path, away }
    }

    /// The content is gone.
    ///
    /// # Errors
    ///
    /// As the system says.
    pub fn lose(&mut self) -> io::Result<()> {
        fs::rename(&self.path, &self.away)?;
        fs::create_dir(&self.path)
    }

    /// It is there again.
    ///
    /// # Errors
    ///
    /// As the system says; also where somebody has put something into the empty directory.
    pub fn find(&mut self) -> io::Result<()> {
        fs::remove_dir(&self.path)?;
        fs::rename(&self.away, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Mount;

    #[test]
    fn what_is_lost_is_found_again() {
        let directory = tempfile::tempdir().expect("temp dir");
        let queue = directory.path().join("queue");
        fs::create_dir_all(queue.join("tcp_local")).expect("made");
        let mut mount = Mount::of(queue.clone());
        mount.lose().expect("lost");
        assert_eq!(fs::read_dir(&queue).expect("there").count(), 0);
        mount.find().expect("found");
        assert!(queue.join("tcp_local").is_dir());
    }
}
