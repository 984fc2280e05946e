//! What `explain` and `check` write: names on the left, values on the right, in 80 columns, nothing cut.

use crate::text::escape::escaped;

/// The longest line.
pub const WIDTH: usize = 80;
/// Where values begin.
pub const INDENT: usize = 24;
/// More of a value is not shown.
const VALUE_WIDTH: usize = 2000;

/// What has been written.
#[derive(Debug, Default)]
pub struct Listing {
    /// So far; printable ASCII where the words are.
    pub text: String,
}

impl Listing {
    /// The first line of an explanation.
    pub fn title(&mut self, title: &str) {
        self.wrapped(title, 2, "");
    }

    /// A value from the log: escaped, so that it harms no terminal. Nothing where it is empty.
    pub fn bytes(&mut self, name: &str, value: &[u8]) {
        if !value.is_empty() {
            self.words(name, &escaped(value, VALUE_WIDTH));
        }
    }

    /// Words of our own, or escaped ones.
    pub fn words(&mut self, name: &str, words: &str) {
        self.wrapped(&format!("  {name:<width$}", width = INDENT - 2), INDENT, words);
    }

    /// Words behind a head, or a head alone, as [`wrap`] does it.
    pub fn wrapped(&mut self, head: &str, indent: usize, words: &str) {
        let (head, words) = if words.is_empty() { ("", head) } else { (head, words) };
        wrap(&mut self.text, head, indent, words);
    }
}

/// Adds words behind a head; further lines begin at column `indent`. A word too long for a line is broken and not
/// cut, so that a path stays whole.
pub fn wrap(text: &mut String, head: &str, indent: usize, words: &str) {
    let further = " ".repeat(indent);
    let options = textwrap::Options::new(WIDTH)
        .initial_indent(head)
        .subsequent_indent(&further)
        // As the words are: nothing in a path is a place to part it, and nothing is made even.
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .wrap_algorithm(textwrap::WrapAlgorithm::FirstFit);
    for line in textwrap::wrap(words.trim_end(), options) {
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::{Listing, WIDTH};

    proptest::proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_is_too_wide(value in "[ -~]{0,300}", title in "[!-~ ]{1,200}") {
            let mut listing = Listing::default();
            listing.title(&title);
            listing.bytes("name", value.as_bytes());
            proptest::prop_assert!(listing.text.lines().all(|line| line.len() <= WIDTH));
            let plain = |text: &str| text.replace([' ', '\n'], "");
            let name = if value.is_empty() { "" } else { "name" };
            proptest::prop_assert_eq!(plain(&listing.text), plain(&format!("{title}{name}{}", value.replace('\\', "\\\\"))));
        }
    }
}
