//! The runbooks of the alerts, `alerts/runbooks/*.md`, which come with the program.

use include_dir::{Dir, include_dir};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/alerts/runbooks");
/// What the files end in.
const ENDING: &str = ".md";

/// One of them.
#[derive(Clone, Copy, Debug)]
pub struct Runbook {
    /// The name of its alert.
    pub name: &'static str,
    /// Markdown.
    pub text: &'static str,
}

impl Runbook {
    /// What the alert means, in its first sentence; empty where the page has no such part.
    pub fn meaning(self) -> String {
        let Some((_, rest)) = self.text.split_once("\n## Meaning\n\n") else { return String::new() };
        let paragraph = rest.split("\n\n").next().unwrap_or_default().replace('\n', " ");
        let end = paragraph.find(". ").map_or(paragraph.len(), |at| at + 1);
        paragraph[..end].trim_end_matches([':', ' ']).to_owned()
    }
}

/// All of them, in the order of their names.
pub fn all() -> Vec<Runbook> {
    let mut all: Vec<Runbook> = FILES
        .files()
        .filter_map(|file| {
            let name = file.path().to_str()?.strip_suffix(ENDING)?;
            Some(Runbook { name, text: file.contents_utf8()? })
        })
        .collect();
    all.sort_by_key(|runbook| runbook.name);
    all
}

/// That of an alert.
pub fn of(alert: &str) -> Option<Runbook> {
    all().into_iter().find(|runbook| runbook.name == alert)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::{all, of};

    #[test]
    fn they_are_those_of_the_tree() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("alerts/runbooks");
        let files: BTreeSet<String> = std::fs::read_dir(directory)
            .expect("runbooks")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
            .collect();
        assert!(files.len() > 20);
        assert_eq!(
            all().iter().map(|runbook| format!("{}.md", runbook.name)).collect::<BTreeSet<_>>(),
            files
        );
        assert!(of("ImsMtaNoBanner").is_some() && of("../Cargo").is_none() && of("").is_none());
    }

    #[test]
    fn each_says_what_its_alert_means_in_a_sentence() {
        for runbook in all() {
            let meaning = runbook.meaning();
            assert!(meaning.len() > 20 && meaning.ends_with('.'), "{}: {meaning:?}", runbook.name);
        }
    }
}
