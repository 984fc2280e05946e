//! Looking for phrases in what a connection entry says. Such entries are few beside those of messages.

/// More of a text is not looked at.
const MOST: usize = 512;

/// A row of a table of phrases: what the first of them in a text tells.
pub(super) struct Row<T: 'static> {
    /// What it tells.
    pub tells: T,
    /// Any of these, in lower case. A phrase begins where a word does.
    pub phrases: &'static [&'static str],
}

/// What texts say, in lower case, with one blank in front of each word. Names do not count, since
/// others choose them: users behind `*`, addresses, hosts, and what is quoted.
pub(super) fn said(texts: &[&[u8]]) -> String {
    let mut said = String::new();
    for text in texts {
        let text = String::from_utf8_lossy(&text[..text.len().min(MOST)]);
        let mut unquoted = text.split('"').step_by(2);
        for word in unquoted.by_ref().flat_map(str::split_ascii_whitespace).filter(|word| !is_name(word)) {
            said.push(' ');
            said.extend(
                word.trim_start_matches(['(', '[', '<']).chars().map(|letter| letter.to_ascii_lowercase()),
            );
        }
    }
    said
}

fn is_name(word: &str) -> bool {
    let inner = word.trim_end_matches(['.', ',', ';', ':', ')', ']']);
    word.starts_with('*') || inner.contains(['@', '.', '|'])
}

/// What the first row tells that has a phrase in what was [said].
pub(super) fn first<T: Copy>(table: &[Row<T>], said: &str) -> Option<T> {
    let bytes = said.as_bytes();
    let is_start = |&at: &usize| bytes[at].is_ascii_alphanumeric() && !bytes[at - 1].is_ascii_alphanumeric();
    // Found once for all phrases, of which there are many.
    let starts: Vec<&[u8]> = (1..bytes.len()).filter(is_start).map(|at| &bytes[at..]).collect();
    let says = |phrase: &str| starts.iter().any(|words| words.starts_with(phrase.as_bytes()));
    table.iter().find(|row| row.phrases.iter().any(|phrase| says(phrase))).map(|row| row.tells)
}
