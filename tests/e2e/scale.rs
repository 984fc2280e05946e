//! Settings with all their durations divided, so that an hour of an incident takes minutes. Rules are rendered so by the
//! program itself.

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

#[test]
fn durations_of_settings_are_divided() {
    let settings = |text| settings(text, 10);
    assert_eq!(settings("  group_wait: 5s\n  # for: 5s\n"), "  group_wait: 500ms\n  # for: 5s\n");
    assert_eq!(settings("  url: a:1\n"), "  url: a:1\n");
}
