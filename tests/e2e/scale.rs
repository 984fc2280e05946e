//! Rules and settings with all their durations divided, so that an hour of an incident takes minutes.

use std::fmt::Write as _;

/// Durations of a file of settings: whole values such as `10s`.
pub fn settings(text: &str, scale: u32) -> String {
    let line = |line: &str| match line.split_once(": ") {
        Some((key, value)) if !line.trim_start().starts_with('#') => duration(value)
            .map_or(line.to_owned(), |milliseconds| format!("{key}: {}ms", milliseconds / u64::from(scale))),
        _ => line.to_owned(),
    };
    text.lines().map(|one| line(one) + "\n").collect()
}

/// The milliseconds of a duration with one unit.
fn duration(text: &str) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|character: char| character.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        _ => return None,
    };
    Some(number.parse::<u64>().ok()? * unit)
}

/// Durations of rules: those of the settings, and ranges, steps and offsets of expressions.
pub fn rules(text: &str, scale: u32) -> String {
    let text = settings(text, scale);
    let mut scaled = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(|character: char| character.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        let word = from.find(|character: char| !character.is_ascii_alphanumeric()).unwrap_or(from.len());
        let (word, behind) = from.split_at(word);
        scaled.push_str(before);
        let is_range = before.ends_with(['[', ':']) || before.ends_with("offset ");
        match duration(word).filter(|_| is_range && !before.ends_with(": ")) {
            Some(milliseconds) => {
                write!(scaled, "{}ms", milliseconds / u64::from(scale)).expect("a string takes all");
            }
            None => scaled.push_str(word),
        }
        rest = behind;
    }
    scaled.push_str(rest);
    scaled.replace("process_start_time_seconds < 90", &format!("process_start_time_seconds < {}", 90 / scale))
}

#[test]
fn all_durations_are_divided() {
    assert_eq!(
        settings("  group_wait: 5s\n  # for: 5s\n  url: a:1\n", 10),
        "  group_wait: 500ms\n  # for: 5s\n  url: a:1\n"
    );
    let rule = "expr: delta(x5m[10m:30s] offset 1w) > 10\nfor: 5m\ntext: in 10 minutes\n";
    assert_eq!(
        rules(rule, 10),
        "expr: delta(x5m[60000ms:3000ms] offset 60480000ms) > 10\nfor: 30000ms\ntext: in 10 minutes\n"
    );
}
