//! A web configuration and the files that it names, read whole.

use std::path::{Path, PathBuf};

use super::grammar::Settings;
use crate::source::credentials::contents;

/// What was read: two of them are equal where nothing has changed.
#[derive(PartialEq, Eq)]
pub(super) struct Inputs {
    text: Vec<u8>,
    files: Vec<(PathBuf, Vec<u8>)>,
}

/// There is a private key in it.
impl std::fmt::Debug for Inputs {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Inputs")
    }
}

impl Inputs {
    /// Reads all of it. It blocks.
    ///
    /// # Errors
    ///
    /// The file and what is wrong.
    pub(super) fn read(path: &Path) -> Result<(Self, Settings), String> {
        let text = contents(path)?;
        let words = std::str::from_utf8(&text).map_err(|_| format!("{}: it is no text", path.display()))?;
        let directory = path.parent().unwrap_or(Path::new(""));
        let settings =
            Settings::parse(words, directory).map_err(|problem| format!("{}: {problem}", path.display()))?;
        let tls = settings.tls.iter();
        let named =
            tls.flat_map(|tls| [Some(&tls.cert_file), Some(&tls.key_file), tls.client_ca_file.as_ref()]);
        let read = |path: &PathBuf| Ok((path.clone(), contents(path)?));
        let files = named.flatten().map(read).collect::<Result<_, String>>()?;
        Ok((Self { text, files }, settings))
    }

    /// What is in a file that was read.
    pub(super) fn file(&self, path: &Path) -> &[u8] {
        self.files.iter().find(|(known, _)| known == path).map_or(&[], |(_, bytes)| bytes)
    }
}
