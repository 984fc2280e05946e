//! The grammars of single values, shared by the sections.
//!
//! Every value is turned into text first and parsed from there, so that the same rule holds for a
//! TOML number, a TOML string and an environment variable, and so that no number is rounded on the way.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use ::config::{Value, ValueKind};
use bytesize::ByteSize;
use jiff::SignedDuration;

use super::error::quoted;

/// The longest interval between two looks at a source.
const LONGEST_INTERVAL: Duration = Duration::from_hours(1);

/// Why a value is refused, as the end of "found X: …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refusal(pub(super) String);

impl Refusal {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// The parser of a value that is no list.
pub(super) fn one<T>(parse: impl Fn(&str) -> Result<T, Refusal>) -> impl Fn(Value) -> Result<T, Refusal> {
    move |value| match Written::try_from(value)? {
        Written::One(text) => parse(&text),
        Written::Many(_) => Err(Refusal::new("a list is not possible here")),
    }
}

/// The same for a key without a default.
pub(super) fn optional<T>(
    parse: impl Fn(&str) -> Result<T, Refusal>,
) -> impl Fn(Value) -> Result<Option<T>, Refusal> {
    one(move |text| parse(text).map(Some))
}

/// The parser of a list: a TOML array, or one text with commas, since the environment has no arrays.
pub(super) fn many<T: PartialEq>(
    most: usize,
    parse: impl Fn(&str) -> Result<T, Refusal>,
) -> impl Fn(Value) -> Result<Vec<T>, Refusal> {
    move |value| {
        let texts = texts(value)?;
        if texts.len() > most {
            return Err(Refusal(format!("has {} entries, at most {most} are possible", texts.len())));
        }
        let mut items = Vec::with_capacity(texts.len());
        for text in &texts {
            let item = parse(text)?;
            if items.contains(&item) {
                return Err(Refusal(format!("{} is there twice", quoted(text))));
            }
            items.push(item);
        }
        Ok(items)
    }
}

/// The texts of a list.
pub(super) fn texts(value: Value) -> Result<Vec<String>, Refusal> {
    Ok(match Written::try_from(value)? {
        Written::Many(texts) => texts,
        Written::One(text) => text.split(',').map(|item| item.trim().to_owned()).collect(),
    })
}

/// The same for what a collector looks for: with nothing to look for it would see nothing, and call that a success.
pub(super) fn some<T: PartialEq>(
    most: usize,
    parse: impl Fn(&str) -> Result<T, Refusal>,
) -> impl Fn(Value) -> Result<Vec<T>, Refusal> {
    let list = many(most, parse);
    move |value| match list(value)? {
        items if items.is_empty() => Err(Refusal::new("it is empty, so nothing would be looked at")),
        items => Ok(items),
    }
}

/// The interval between two looks at a source.
pub(super) fn interval(text: &str) -> Result<Duration, Refusal> {
    duration(text, Duration::from_secs(1), LONGEST_INTERVAL)
}

/// A duration with its unit.
pub(super) fn duration(text: &str, least: Duration, most: Duration) -> Result<Duration, Refusal> {
    if text.parse::<f64>().is_ok_and(f64::is_finite) {
        return Err(Refusal(format!("a unit is missing, write {} for seconds", quoted(&format!("{text}s")))));
    }
    let signed = SignedDuration::from_str(text).map_err(|_| Refusal::new("this is not a duration"))?;
    let duration = Duration::try_from(signed).map_err(|_| Refusal::new("it is negative"))?;
    within(duration, least, most, |limit| {
        SignedDuration::try_from(limit).map_or_else(|_| format!("{limit:?}"), |limit| format!("{limit:#}"))
    })
}

/// A size in bytes; a bare number counts bytes.
pub(super) fn size(text: &str, least: u64, most: u64) -> Result<u64, Refusal> {
    let size = ByteSize::from_str(text).map_err(|_| Refusal::new("this is not a size"))?;
    within(size.as_u64(), least, most, |limit| ByteSize::b(limit).display().iec().to_string())
}

/// A whole number.
pub(super) fn number<T>(text: &str, least: T, most: T) -> Result<T, Refusal>
where
    T: Copy + FromStr + PartialOrd + fmt::Display,
{
    // i128 tells "too large" from "not a number" for every type in use.
    let whole =
        text.parse::<i128>().map_err(|_| Refusal(format!("{} is not a whole number", quoted(text))))?;
    match text.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(Refusal(format!("{whole} is not from {least} to {most}"))),
    }
}

/// A switch.
pub(super) fn yes_or_no(text: &str) -> Result<bool, Refusal> {
    text.parse().map_err(|_| Refusal::new("this is neither true nor false"))
}

/// A path. Whether it exists is for those who use it.
pub(super) fn path(text: &str) -> Result<PathBuf, Refusal> {
    if text.is_empty() {
        return Err(Refusal::new("it is empty"));
    }
    if text.contains('\0') {
        return Err(Refusal::new("a path cannot hold a zero byte"));
    }
    Ok(PathBuf::from(text))
}

fn within<T: PartialOrd>(value: T, least: T, most: T, name: impl Fn(T) -> String) -> Result<T, Refusal> {
    if value < least {
        return Err(Refusal(format!("it is less than {}", name(least))));
    }
    if value > most {
        return Err(Refusal(format!("it is more than {}", name(most))));
    }
    Ok(value)
}

/// A value as it was written, whatever its type.
enum Written {
    One(String),
    Many(Vec<String>),
}

impl TryFrom<Value> for Written {
    type Error = Refusal;

    fn try_from(value: Value) -> Result<Self, Refusal> {
        match value.kind {
            ValueKind::Array(items) => {
                items.into_iter().enumerate().map(item).collect::<Result<_, _>>().map(Self::Many)
            }
            ValueKind::Table(_) | ValueKind::Nil => Err(Refusal::new("a table is not possible here")),
            // Debug keeps the point of `1.0`, which is then no whole number.
            ValueKind::Float(number) => Ok(Self::One(format!("{number:?}"))),
            scalar => Ok(Self::One(scalar.to_string())),
        }
    }
}

fn item((at, value): (usize, Value)) -> Result<String, Refusal> {
    let reason = match Written::try_from(value) {
        Ok(Written::One(text)) => return Ok(text),
        Ok(Written::Many(_)) => "a list within a list is not possible".to_owned(),
        Err(refusal) => refusal.0,
    };
    Err(Refusal(format!("{reason} for key `[{at}]`")))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{duration, number, size};

    #[test]
    fn durations_need_a_unit_and_stay_in_their_range() {
        let (least, most) = (Duration::from_millis(100), Duration::from_mins(90));
        for (text, expected) in [
            ("15s", Ok(15_000)),
            ("10m", Ok(600_000)),
            ("1h 30m", Ok(5_400_000)),
            ("1h30m", Ok(5_400_000)),
            ("100ms", Ok(100)),
            ("1.5s", Ok(1_500)),
            ("99ms", Err("it is less than 100ms")),
            ("91m", Err("it is more than 1h 30m")),
            ("-5s", Err("it is negative")),
            ("15", Err("a unit is missing, write \"15s\" for seconds")),
            ("1.5", Err("a unit is missing, write \"1.5s\" for seconds")),
            ("", Err("this is not a duration")),
            ("soon", Err("this is not a duration")),
            ("15 parsecs", Err("this is not a duration")),
            ("99999999999999999999h", Err("this is not a duration")),
        ] {
            let found = duration(text, least, most).map_err(|refusal| refusal.to_string());
            assert_eq!(found, expected.map(Duration::from_millis).map_err(str::to_owned), "{text:?}");
        }
    }

    #[test]
    fn sizes_may_be_bare_bytes() {
        for (text, expected) in [
            ("64KiB", Ok(65_536)),
            ("64 KiB", Ok(65_536)),
            ("64kb", Ok(64_000)),
            ("1024", Ok(1024)),
            ("1MiB", Ok(1_048_576)),
            ("1023", Err("it is less than 1.0 KiB")),
            ("1.1MiB", Err("it is more than 1.0 MiB")),
            ("99999999999999999999EiB", Err("it is more than 1.0 MiB")),
            ("-1", Err("this is not a size")),
            ("", Err("this is not a size")),
            ("KiB", Err("this is not a size")),
            ("64 bottles", Err("this is not a size")),
        ] {
            let found = size(text, 1024, 1_048_576).map_err(|refusal| refusal.to_string());
            assert_eq!(found, expected.map_err(str::to_owned), "{text:?}");
        }
    }

    #[test]
    fn numbers_are_whole_and_in_their_range() {
        for (text, expected) in [
            ("25", Ok(25)),
            ("0", Err("0 is not from 1 to 65535")),
            ("70000", Err("70000 is not from 1 to 65535")),
            ("-1", Err("-1 is not from 1 to 65535")),
            ("1.0", Err("\"1.0\" is not a whole number")),
            ("smtp", Err("\"smtp\" is not a whole number")),
        ] {
            let found = number(text, 1_u16, u16::MAX).map_err(|refusal| refusal.to_string());
            assert_eq!(found, expected.map_err(str::to_owned), "{text:?}");
        }
    }
}
