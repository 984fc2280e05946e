//! What a threshold counts, and how its value is written.

use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;

/// The longest duration: a year.
const LONGEST: Duration = Duration::from_hours(365 * 24);
/// The greatest count: nothing on one host reaches it.
const GREATEST: u64 = 1_000_000_000;
/// The most: what is a thousand times the usual is always too much.
const MOST_TIMES: f64 = 1000.0;

/// What a threshold counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// A part of a whole, 0 to 1.
    Share,
    /// How many times what is usual.
    Times,
    /// A time.
    Duration,
    /// Delivery attempts.
    Attempts,
    /// Addresses of clients.
    Clients,
    /// Commands of clients.
    Commands,
    /// Connections of clients.
    Connections,
    /// Destination domains.
    Domains,
    /// Entries of a log.
    Entries,
    /// Things that happen to the exporter.
    Events,
    /// Attempts that failed.
    Failures,
    /// Files of a queue.
    Files,
    /// Lines of a log.
    Lines,
    /// Messages in a queue.
    Messages,
    /// Processes of the MTA.
    Processes,
    /// Recipients of messages.
    Recipients,
    /// Recipients that were refused.
    Rejections,
}

/// The value of a threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// So many.
    Count(u64),
    /// From 0 to 1.
    Share(f64),
    /// So many times as much.
    Times(f64),
    /// So long.
    Duration(Duration),
}

impl Unit {
    /// What a value has to be, as the end of "expected …".
    pub fn expects(self) -> &'static str {
        match self {
            Self::Share => "a share from 0 to 1 such as 0.5",
            Self::Times => "a number from 0 to 1000 such as 1.5",
            Self::Duration => "a duration from 1s to 8760h such as \"10m\"",
            _ => "a whole number from 0 to 1000000000 such as 20",
        }
    }

    /// Reads a value.
    ///
    /// # Errors
    ///
    /// Why it is none, as the end of "found X: …".
    pub fn parse(self, text: &str) -> Result<Value, String> {
        match self {
            Self::Share => number(text, 1.0).map(Value::Share),
            Self::Times => number(text, MOST_TIMES).map(Value::Times),
            Self::Duration => duration(text).map(Value::Duration),
            _ => count(text).map(Value::Count),
        }
    }
}

fn number(text: &str, most: f64) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "this is not a number".to_owned())?;
    if number > most {
        return Err(format!("it is more than {most}"));
    }
    if number >= 0.0 { Ok(number) } else { Err("it is less than 0".to_owned()) }
}

fn count(text: &str) -> Result<u64, String> {
    let count = text.parse().map_err(|_| "this is not a whole number".to_owned())?;
    if count > GREATEST { Err(format!("it is more than {GREATEST}")) } else { Ok(count) }
}

fn duration(text: &str) -> Result<Duration, String> {
    if text.parse::<f64>().is_ok_and(f64::is_finite) {
        return Err(format!("a unit is missing, write \"{text}s\" for seconds"));
    }
    let signed = SignedDuration::from_str(text).map_err(|_| "this is not a duration".to_owned())?;
    let duration = Duration::try_from(signed).map_err(|_| "it is negative".to_owned())?;
    if duration < Duration::from_secs(1) {
        return Err("it is less than 1s".to_owned());
    }
    if duration > LONGEST { Err("it is more than 8760h".to_owned()) } else { Ok(duration) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Unit, Value};

    #[test]
    fn values_are_read_by_their_unit() {
        for (unit, text, expected) in [
            (Unit::Share, "0.5", Ok(Value::Share(0.5))),
            (Unit::Share, "1", Ok(Value::Share(1.0))),
            (Unit::Share, "1.01", Err("it is more than 1")),
            (Unit::Share, "-0.1", Err("it is less than 0")),
            (Unit::Share, "NaN", Err("it is less than 0")),
            (Unit::Share, "half", Err("this is not a number")),
            (Unit::Times, "1.5", Ok(Value::Times(1.5))),
            (Unit::Times, "1001", Err("it is more than 1000")),
            (Unit::Messages, "0", Ok(Value::Count(0))),
            (Unit::Messages, "-1", Err("this is not a whole number")),
            (Unit::Messages, "20.5", Err("this is not a whole number")),
            (Unit::Messages, "1000000001", Err("it is more than 1000000000")),
            (Unit::Duration, "90m", Ok(Value::Duration(Duration::from_mins(90)))),
            (Unit::Duration, "1h 30m", Ok(Value::Duration(Duration::from_mins(90)))),
            (Unit::Duration, "600", Err("a unit is missing, write \"600s\" for seconds")),
            (Unit::Duration, "-10m", Err("it is negative")),
            (Unit::Duration, "999ms", Err("it is less than 1s")),
            (Unit::Duration, "9000h", Err("it is more than 8760h")),
            (Unit::Duration, "soon", Err("this is not a duration")),
        ] {
            assert_eq!(unit.parse(text), expected.map_err(str::to_owned), "{unit:?} {text}");
        }
    }
}
