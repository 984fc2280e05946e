//! Words for people: what every part that speaks to them needs, and no more.

pub mod escape;

use std::io;
use std::path::Path;

/// An error and what it comes from, in one line.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// A path and what the system said; what to do where it was a permission.
pub fn denied(path: &Path, error: &io::Error) -> String {
    let hint = if error.kind() == io::ErrorKind::PermissionDenied {
        "; run the exporter as the MTA's user, or give this one an ACL"
    } else {
        ""
    };
    format!("{}: {error}{hint}", path.display())
}

/// A count with its thousands apart; from a thousand million on, in millions.
pub fn number(count: u64) -> String {
    if count >= 1_000_000_000 {
        return format!("{}M", number((count / 1_000_000).min(999_999_999)));
    }
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_readable() {
        for (count, expected) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (123_456_789, "123,456,789"),
            (1_000_000_000, "1,000M"),
            (u64::MAX, "999,999,999M"),
        ] {
            assert_eq!(number(count), expected);
        }
    }
}
