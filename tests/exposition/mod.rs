//! The text format of Prometheus, version 0.0.4, read strictly: every page that a test looks at has to be
//! one. Lines are series and a value; pages of ours have no times.

/// One sample of a page.
#[derive(Debug, PartialEq)]
pub struct Sample<'a> {
    /// Name and labels as they are spelled on the page.
    pub series: &'a str,
    /// The name alone.
    pub name: &'a str,
    /// Names and values of the labels, in the page's order.
    pub labels: Vec<(&'a str, String)>,
    /// Its value.
    pub value: f64,
}

/// The samples of a page, which is read as far as they are asked for.
///
/// # Panics
///
/// At a line that is none of the format.
pub fn samples(page: &str) -> impl Iterator<Item = Sample<'_>> {
    let lines = page.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| sample(line).unwrap_or_else(|| panic!("not a sample: {line:?}")))
}

/// The value of a series, spelled as on the page: `name{label="value"}`.
pub fn value_of(page: &str, series: &str) -> Option<f64> {
    samples(page).find(|sample| sample.series == series).map(|sample| sample.value)
}

/// The sum over all series of a metric that have some labels; `None` where there are none.
pub fn sum_of(page: &str, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let has = |sample: &Sample<'_>, (label, value): &(&str, &str)| {
        sample.labels.iter().any(|(found, text)| found == label && text == value)
    };
    let wanted = samples(page)
        .filter(|sample| sample.name == name && labels.iter().all(|label| has(sample, label)))
        .map(|sample| sample.value);
    wanted.reduce(|sum, value| sum + value)
}

fn sample(line: &str) -> Option<Sample<'_>> {
    let name = prefix(line, |byte| byte.is_ascii_alphanumeric() || b"_:".contains(&byte))?;
    let (labels, rest) = match line[name.len()..].strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Vec::new(), &line[name.len()..]),
    };
    let series = &line[..line.len() - rest.len()];
    let value = match rest.strip_prefix(' ')? {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        "NaN" => f64::NAN,
        number if number.starts_with(|first: char| first == '-' || first.is_ascii_digit()) => {
            number.parse().ok()?
        }
        _ => return None,
    };
    Some(Sample { series, name, labels, value })
}

/// Names and values of labels.
type Labels<'a> = Vec<(&'a str, String)>;

/// The labels up to the closing brace, and what is behind it.
fn labels(mut rest: &str) -> Option<(Labels<'_>, &str)> {
    let mut labels = Vec::new();
    loop {
        let name = prefix(rest, |byte| byte.is_ascii_alphanumeric() || byte == b'_')?;
        let (value, behind) = quoted(rest[name.len()..].strip_prefix("=\"")?)?;
        labels.push((name, value));
        match behind.strip_prefix(',') {
            Some(next) => rest = next,
            None => return Some((labels, behind.strip_prefix('}')?)),
        }
    }
}

/// A value up to its closing quote, without its escapes, and what is behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let (mut value, mut characters) = (String::new(), text.char_indices());
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match characters.next()?.1 {
                'n' => '\n',
                escaped @ ('\\' | '"') => escaped,
                _ => return None,
            }),
            _ => value.push(character),
        }
    }
    None
}

/// The name that a text begins with.
fn prefix(text: &str, belongs: impl Fn(u8) -> bool) -> Option<&str> {
    let end = text.bytes().position(|byte| !belongs(byte)).unwrap_or(text.len());
    Some(&text[..end]).filter(|name| !name.is_empty() && !name.as_bytes()[0].is_ascii_digit())
}

#[test]
fn lines_of_the_format_are_read_and_others_are_not() {
    let page =
        "# HELP a What.\n# TYPE a counter\na 1\na{b=\"c\"} 2.5\na{b=\"x,y=\\\"}\\\\\\n\",le=\"+Inf\"} +Inf\n";
    let read: Vec<Sample<'_>> = samples(page).collect();
    assert_eq!(read.len(), 3);
    assert_eq!((read[1].series, read[1].name, read[1].value), ("a{b=\"c\"}", "a", 2.5));
    assert_eq!(read[2].labels, [("b", "x,y=\"}\\\n".to_owned()), ("le", "+Inf".to_owned())]);
    assert_eq!(value_of(page, "a"), Some(1.0));
    assert_eq!((sum_of(page, "a", &[("b", "c")]), sum_of(page, "a", &[("b", "d")])), (Some(2.5), None));
    for line in [
        "",
        "a",
        "a ",
        "a  1",
        "a b",
        "a inf",
        "a 1 2",
        "1a 1",
        "a{} 1",
        "a{b} 1",
        "a{b=c} 1",
        "a{b=\"c} 1",
        "a{b=\"c\",} 1",
        "a{b=\"c\"}1",
        "a{b=\"\\t\"} 1",
        "a{1b=\"c\"} 1",
    ] {
        assert_eq!(sample(line), None, "{line:?}");
    }
}
