//! The file of what is usual, beside the state: it goes with no instant, so an older one is only less.

use super::{WriteError, Written, load_beside};
use crate::aggregate::baseline::{Baseline, Saved};
use crate::observed::StateHealth;
use crate::source::state::sections::{self, Section, Unknown};
use crate::source::state::{Part, StateDirectory};

const NAME: &str = "baseline";
/// Raised when an older program would misread the section.
const VERSION: u32 = 1;

/// What earlier runs have learned.
pub(super) fn load(directory: &StateDirectory) -> (Baseline, StateHealth) {
    let (loaded, health) = load_beside(directory, Part::Baseline, decode);
    (loaded.unwrap_or_default(), health)
}

/// Writes what has been learned.
pub(super) fn write(directory: &StateDirectory, baseline: &Baseline) -> Result<Written, WriteError> {
    let encoded = encode(baseline).map_err(|error| WriteError::Encode(NAME, error))?;
    let stranger = directory.save_part(Part::Baseline, &encoded)?;
    Ok(Written { bytes: encoded.len() as u64, stranger })
}

fn encode(baseline: &Baseline) -> Result<Vec<u8>, rmp_serde::encode::Error> {
    let body = rmp_serde::to_vec_named(&baseline.to_saved())?;
    let section = Section { name: NAME.to_owned(), version: VERSION, unknown: Unknown::Drop, body };
    Ok(sections::encode([&section]))
}

fn decode(bytes: &[u8]) -> Result<Baseline, String> {
    let body = sections::the_one(bytes, NAME, VERSION)?;
    let saved: Saved =
        rmp_serde::from_slice(&body).map_err(|error| format!("a value is not as expected: {error}"))?;
    let mut baseline = Baseline::default();
    baseline.take_saved(saved)?;
    Ok(baseline)
}

#[cfg(test)]
mod tests {
    use super::{Baseline, NAME, Section, Unknown, VERSION, decode, encode, sections};
    use crate::aggregate::baseline::{Known, Series};
    use crate::aggregate::time::Time;
    use crate::aggregate::timeline::Present;

    const MINUTE: i64 = 60_000;
    /// A Monday, 00:00 in UTC.
    const START: i64 = 1_795_392_000_000;

    fn present(minutes: i64) -> Present {
        Present::of_entry(Time::of(START + minutes * MINUTE))
    }

    /// Two Mondays up to noon.
    fn two_mornings() -> Baseline {
        let mut baseline = Baseline::default();
        for week in 0..2 {
            for minutes in (5..=12 * 60 + 5).step_by(5) {
                let messages = u64::try_from(minutes / 60 * 10).unwrap_or(0);
                let known = Known { queue: vec![("tcp_local", messages), ("hold", 0)], sums: None };
                baseline.look(present(week * 168 * 60 + minutes), known);
            }
        }
        baseline
    }

    fn expects_two_mornings(mut baseline: Baseline) {
        baseline.go_on(present(14 * 24 * 60));
        for (hour, expected) in [(0, Some(0.0)), (1, Some(10.0)), (11, Some(110.0)), (12, None), (24, None)] {
            let at = Time::of(START + (14 * 24 + hour) * 60 * MINUTE);
            let found = baseline.expected("tcp_local", Series::Queue, at).map(|band| band.expected);
            assert_eq!(found, expected, "{hour}");
            let hold = baseline.expected("hold", Series::Queue, at).map(|band| band.expected);
            assert_eq!(hold, expected.map(|_| 0.0), "{hour}");
        }
        assert!((baseline.days() - 1.0).abs() < 1e-9, "{}", baseline.days());
    }

    #[test]
    fn what_was_learned_is_read_again_also_that_of_earlier_releases() {
        expects_two_mornings(two_mornings());
        expects_two_mornings(decode(&encode(&two_mornings()).expect("encoded")).expect("decoded"));
        let first = include_bytes!("../../../tests/fixtures/state/first.baseline");
        expects_two_mornings(decode(first).expect("decoded"));
    }

    #[test]
    fn what_is_damaged_or_of_a_newer_release_is_refused() {
        let good = encode(&two_mornings()).expect("encoded");
        for at in 0..good.len() {
            let mut damaged = good.clone();
            damaged[at] ^= 1;
            assert!(decode(&damaged).is_err(), "{at}");
        }
        let newer = |version, body: &[u8]| {
            let section =
                Section { name: NAME.to_owned(), version, unknown: Unknown::Drop, body: body.to_vec() };
            decode(&sections::encode([&section])).expect_err("refused")
        };
        assert_eq!(
            newer(VERSION + 1, b""),
            format!("it has version {}, this program reads {VERSION}", VERSION + 1)
        );
        assert!(newer(VERSION, b"what").starts_with("a value is not as expected: "));
    }
}
