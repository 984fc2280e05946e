//! `dispatcher.cnf` (Administration Reference, "Dispatcher Configuration File"; PMDF System Manager's Guide): lines
//! `OPTION=value`, those at the top for all services, then `[SERVICE=name]` and those of a service; `!` begins a comment.

use super::Sections;

/// Whose options follow.
enum Of {
    All,
    Service(String),
    /// Something else's.
    Other,
}

/// Reads the whole file.
pub(super) fn read(text: &str) -> Result<Sections, String> {
    let mut sections = Sections::default();
    let mut of = Of::All;
    for (number, line) in lines(text) {
        if line.starts_with('<') {
            return Err(format!("line {number} includes another file, which is not read"));
        }
        if line.starts_with('[') {
            of = header(&line);
            if let Of::Service(name) = &of {
                sections.of(name);
            }
            continue;
        }
        let Some((option, value)) = line.split_once('=') else { continue };
        let section = match &of {
            Of::All => Some(&mut sections.of_all),
            Of::Service(name) => sections.of(name),
            Of::Other => None,
        };
        if let Some(section) = section {
            section.hear(option.trim(), value);
        }
    }
    Ok(sections)
}

/// The lines that say something, with their numbers; one that ends with a backslash goes on with the next.
fn lines(text: &str) -> impl Iterator<Item = (usize, String)> {
    let mut rest = text.lines().enumerate();
    std::iter::from_fn(move || {
        loop {
            let (at, first) = rest.next()?;
            let mut line = first.trim().to_owned();
            if line.is_empty() || line.starts_with(['!', '#']) {
                continue;
            }
            while line.ends_with('\\') {
                line.pop();
                line.push_str(rest.next().map_or("", |(_, next)| next.trim()));
            }
            return Some((at + 1, line));
        }
    })
}

fn header(line: &str) -> Of {
    let inner = line.trim_start_matches('[').split(']').next().unwrap_or_default();
    match inner.split_once('=') {
        Some((kind, name)) if kind.trim().eq_ignore_ascii_case("service") => {
            Of::Service(name.trim().to_owned())
        }
        _ => Of::Other,
    }
}
