//! `[baseline]`: learning what is usual.

use jiff::civil::Date;

use super::keys::section;
use super::value::{Refusal, many, one, yes_or_no};

/// The most days that can be named.
const MOST_DAYS: usize = 400;
/// A year that has every day.
const LEAP: i16 = 2028;

section! {
    baseline: Baseline "Learning what is usual: of each channel, by the hours of the week, in local time (`mta.timezone`).";

    learn: bool = one(yes_or_no),
        expects "true or false",
        default true,
        "Whether it is learned. Where not, what was learned is kept, and nothing is compared with it.";

    holidays: Vec<Day> = many(MOST_DAYS, day),
        expects "a list of at most 400 days such as [\"12-25\", \"2027-03-26\"], each a date or a month and day of every year",
        default Vec::new() => "[]",
        "Days that are like no other of their week: they teach nothing, and nothing is compared on them.";
}

/// A day of one year, or of every year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    /// None for every year.
    pub year: Option<i16>,
    /// From 1.
    pub month: i8,
    /// From 1.
    pub day: i8,
}

fn day(text: &str) -> Result<Day, Refusal> {
    let digits =
        |text: &str, many: usize| text.len() == many && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = text.split('-').collect();
    let (year, month, day) = match parts.as_slice() {
        [year, month, day] if digits(year, 4) => (Some(*year), *month, *day),
        [month, day] => (None, *month, *day),
        _ => return Err(Refusal::new("this is no date")),
    };
    if !digits(month, 2) || !digits(day, 2) {
        return Err(Refusal::new("month and day do not have two digits each"));
    }
    let year = year.map(|year| year.parse().unwrap_or_default());
    let (month, day) = (month.parse().unwrap_or_default(), day.parse().unwrap_or_default());
    match Date::new(year.unwrap_or(LEAP), month, day) {
        Ok(_) => Ok(Day { year, month, day }),
        Err(_) => Err(Refusal::new("there is no such day")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Day, day};

    #[test]
    fn days_are_dates_or_of_every_year() {
        for (text, year, month, of_month) in
            [("12-25", None, 12, 25), ("02-29", None, 2, 29), ("2027-03-26", Some(2027), 3, 26)]
        {
            assert_eq!(day(text).ok(), Some(Day { year, month, day: of_month }), "{text}");
        }
        for (text, why) in [
            ("", "this is no date"),
            ("25 December", "this is no date"),
            ("27-03-26", "this is no date"),
            ("2027-3-26", "month and day do not have two digits each"),
            ("1-1", "month and day do not have two digits each"),
            ("+1-01", "month and day do not have two digits each"),
            ("13-01", "there is no such day"),
            ("2027-02-29", "there is no such day"),
            ("04-31", "there is no such day"),
        ] {
            assert_eq!(day(text).map_err(|refusal| refusal.0), Err(why.to_owned()), "{text}");
        }
    }
}
