//! The directory of a synthetic installation, laid out as a real one.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::message::{Channel, QueueFile};
use super::queue_manager;

/// An installation that is removed when this is dropped, unless it was to be kept.
#[derive(Debug)]
pub struct Site {
    root: PathBuf,
    /// A temporary directory removes itself.
    temporary: Option<TempDir>,
    leaving: Leaving,
}

/// What is left when the demo ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    /// All of it.
    All,
    /// The directory itself, which was there before.
    Directory,
    /// Nothing.
    Nothing,
}

/// Why there is no directory to work in.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// It cannot be made or read.
    #[error("cannot make the directory {path}: {error}", path = path.display())]
    Make {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Somebody's files are in it.
    #[error(
        "the directory {path} is not empty, and all of it would be removed at the end; give one that \
         is empty or does not exist",
        path = path.display()
    )]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
}

impl Site {
    /// An installation in `directory`, which must be empty or not exist, or in a temporary one.
    ///
    /// # Errors
    ///
    /// The directory cannot be made, or has something in it.
    pub fn new(directory: Option<&Path>) -> Result<Self, SiteError> {
        let site = match directory {
            Some(path) => Self::given(path)?,
            None => Self::temporary()?,
        };
        // Whoever else may enter the directory that was given: nobody but this user gets to the queue, which an
        // incident opens to all.
        let data = site.data();
        DirBuilder::new().mode(0o700).create(&data).map_err(|error| SiteError::Make { path: data, error })?;
        for path in site.directories() {
            fs::create_dir_all(&path).map_err(|error| SiteError::Make { path, error })?;
        }
        queue_manager::install(&site.root)
            .map_err(|error| SiteError::Make { path: site.root.clone(), error })?;
        Ok(site)
    }

    /// Leaves everything where it is.
    #[must_use]
    pub fn kept(mut self) -> Self {
        self.leaving = Leaving::All;
        if let Some(temporary) = &mut self.temporary {
            temporary.disable_cleanup(true);
        }
        self
    }

    fn temporary() -> Result<Self, SiteError> {
        let made = tempfile::Builder::new().prefix("imsimta-exporter-demo-").tempdir();
        let failed = |error| SiteError::Make { path: std::env::temp_dir(), error };
        let directory = made.map_err(failed)?;
        let root = directory.path().canonicalize().map_err(failed)?;
        Ok(Self { root, temporary: Some(directory), leaving: Leaving::Nothing })
    }

    fn given(path: &Path) -> Result<Self, SiteError> {
        let failed = |error| SiteError::Make { path: path.to_owned(), error };
        let leaving = match fs::create_dir(path) {
            Ok(()) => Leaving::Nothing,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if fs::read_dir(path).map_err(failed)?.next().is_some() {
                    return Err(SiteError::NotEmpty { path: path.to_owned() });
                }
                Leaving::Directory
            }
            Err(error) => return Err(failed(error)),
        };
        // Processes are found by the path they were started with, so it must be whole.
        let root = path.canonicalize().map_err(failed)?;
        Ok(Self { root, temporary: None, leaving })
    }

    fn directories(&self) -> Vec<PathBuf> {
        let queue = self.queue();
        let mut all: Vec<PathBuf> =
            Channel::ALL.iter().flat_map(|channel| QueueFile::directories(&queue, *channel)).collect();
        all.extend([self.logs(), self.programs(), self.state()]);
        all
    }

    /// The installation's root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the logs are.
    pub fn logs(&self) -> PathBuf {
        self.root.join("log")
    }

    fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// Where the channels' queues are.
    pub fn queue(&self) -> PathBuf {
        self.data().join("queue")
    }

    /// Where the programs are.
    pub fn programs(&self) -> PathBuf {
        self.root.join("lib")
    }

    /// Where the exporter keeps its state.
    pub fn state(&self) -> PathBuf {
        self.root.join("state")
    }

    fn remove(&mut self) -> io::Result<()> {
        match self.leaving {
            Leaving::All => Ok(()),
            Leaving::Nothing => match self.temporary.take() {
                Some(directory) => directory.close(),
                None => fs::remove_dir_all(&self.root),
            },
            Leaving::Directory => fs::read_dir(&self.root)?.try_for_each(|entry| {
                let path = entry?.path();
                if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
            }),
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            tracing::warn!(%error, directory = %self.root.display(), "the demo's directory is left behind");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::{Site, SiteError};

    #[test]
    fn what_the_demo_made_goes_with_it() {
        let temporary = tempfile::tempdir().expect("temp dir");
        let made = temporary.path().join("made");
        let site = Site::new(Some(&made)).expect("a site");
        assert!(site.queue().join("tcp_local/019").is_dir() && site.queue().join("process").is_dir());
        assert!(site.logs().is_dir());
        drop(site);
        assert!(!made.exists());

        let there = temporary.path().join("there");
        fs::create_dir(&there).expect("directory");
        drop(Site::new(Some(&there)).expect("a site"));
        assert!(fs::read_dir(&there).expect("it stays").next().is_none());

        let kept = Site::new(Some(&there)).expect("a site").kept();
        drop(kept);
        assert!(there.join("log").is_dir());

        let own = Site::new(None).expect("a site");
        let root = own.root().to_owned();
        assert!(root.is_dir());
        drop(own);
        assert!(!root.exists());
    }

    #[test]
    fn nobody_else_gets_to_the_queue() {
        let open = tempfile::tempdir().expect("temp dir");
        fs::set_permissions(open.path(), Permissions::from_mode(0o777)).expect("set");
        let site = Site::new(Some(open.path())).expect("a site");
        let mode = fs::metadata(site.data()).expect("there").permissions().mode();
        assert_eq!(mode & 0o7777, 0o700);
        assert!(site.queue().starts_with(site.data()));
    }

    #[test]
    fn a_directory_with_something_in_it_is_refused_and_left_alone() {
        let temporary = tempfile::tempdir().expect("temp dir");
        fs::write(temporary.path().join("mine"), "").expect("file");
        assert!(matches!(Site::new(Some(temporary.path())), Err(SiteError::NotEmpty { .. })));
        assert!(temporary.path().join("mine").exists());
        let error = Site::new(Some(&temporary.path().join("a/b"))).expect_err("no parent").to_string();
        assert!(error.contains("a/b") && error.contains("No such file"), "{error}");
    }
}
