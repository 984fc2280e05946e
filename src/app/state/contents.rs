//! What the sections of a state file hold.
//!
//! `positions` and `sums` are one instant: every line in front of the positions is in the sums, and no other. So they
//! stand or fall together. Every other section stands alone.

use super::{Positions, Snapshot, version_2};
use crate::aggregate::Totals;
use crate::alerting::Saved;
use crate::source::state::sections::{self, Section, Unknown};

const POSITIONS: &str = "positions";
const SUMS: &str = "sums";
/// The alerts that are pending or fire; of no use to a release that does not know them.
const ALERTS: &str = "alerts";
/// Its version.
const ALERTS_VERSION: u32 = 1;

/// The sections that this release knows.
const OWN: [&str; 3] = [POSITIONS, SUMS, ALERTS];

/// The version of the first two: raised when an older program would misread them, and then the older one is upgraded in
/// [`decode`]. New tables, counters and label values need no new version.
const VERSION: u32 = 1;

/// The name under which a state of version 2 is kept once.
const KEPT_VERSION_2: &str = "state.version-2";

/// What a file held.
#[derive(Debug, Default)]
pub struct Contents {
    /// Where reading stood, and what was counted.
    pub snapshot: Option<Snapshot>,
    /// The alerts that were pending or fired.
    pub alerts: Saved,
    /// Sections that are not known and ask to be kept.
    pub strangers: Vec<Section>,
    /// The name under which the file is to be kept, since an older release wrote it.
    pub older: Option<&'static str>,
}

/// A file that holds a snapshot, and sections of a newer release as they were.
///
/// # Errors
///
/// When a value cannot be represented.
pub fn encode(
    snapshot: &Snapshot,
    alerts: &Saved,
    strangers: &[Section],
) -> Result<Vec<u8>, rmp_serde::encode::Error> {
    let section = |name: &str, version, body| {
        let (name, unknown) = (name.to_owned(), Unknown::Drop);
        Section { name, version, unknown, body }
    };
    let own = [
        section(POSITIONS, VERSION, rmp_serde::to_vec_named(&snapshot.positions)?),
        section(SUMS, VERSION, rmp_serde::to_vec_named(&snapshot.totals)?),
        section(ALERTS, ALERTS_VERSION, rmp_serde::to_vec_named(alerts)?),
    ];
    Ok(sections::encode(own.iter().chain(strangers)))
}

/// What a file of any known version holds, and what of it could not be read.
///
/// # Errors
///
/// Why nothing of it could be read.
pub fn decode(bytes: &[u8]) -> Result<(Contents, Option<String>), String> {
    if bytes.starts_with(version_2::MAGIC) {
        let (positions, sums) = version_2::read(bytes)?;
        let snapshot = Some(snapshot(&positions, &sums)?);
        return Ok((Contents { snapshot, older: Some(KEPT_VERSION_2), ..Contents::default() }, None));
    }
    let frame = sections::decode(bytes).ok_or("it is of a version that this program does not know")?;
    let mut problems: Vec<String> =
        frame.damaged.iter().map(|(name, why)| format!("{name}: {why}")).collect();
    let (own, others): (Vec<_>, Vec<_>) =
        frame.sections.into_iter().partition(|section| OWN.contains(&section.name.as_str()));
    let alerts = alerts(&own).map_err(|problem| problems.push(problem)).unwrap_or_default();
    let snapshot = pair(&own).map_err(|problem| problems.push(problem)).ok().flatten();
    let strangers = others.into_iter().filter(|section| section.unknown == Unknown::Keep).collect();
    let problem = (!problems.is_empty()).then(|| problems.join("; "));
    Ok((Contents { snapshot, alerts, strangers, older: None }, problem))
}

/// Alerts stand alone: what is wrong with them spoils nothing else.
fn alerts(own: &[Section]) -> Result<Saved, String> {
    let Some(Section { version, body, .. }) = own.iter().find(|section| section.name == ALERTS) else {
        return Ok(Saved::default());
    };
    if *version > ALERTS_VERSION {
        return Err(format!("{ALERTS} has version {version}, this program reads {ALERTS_VERSION}"));
    }
    rmp_serde::from_slice(body).map_err(|error| format!("a value in {ALERTS} is not as expected: {error}"))
}

/// Positions and sums, where both are there and can be read.
fn pair(own: &[Section]) -> Result<Option<Snapshot>, String> {
    let find = |name: &str| own.iter().find(|section| section.name == name);
    match (find(POSITIONS), find(SUMS)) {
        (None, None) => Ok(None),
        (Some(positions), Some(sums)) => {
            for section in [positions, sums] {
                if section.version > VERSION {
                    let Section { name, version, .. } = section;
                    return Err(format!("{name} has version {version}, this program reads {VERSION}"));
                }
            }
            snapshot(&positions.body, &sums.body).map(Some)
        }
        (None, Some(_)) => Err(format!("{SUMS} without {POSITIONS} are of no use")),
        (Some(_), None) => Err(format!("{POSITIONS} without {SUMS} are of no use")),
    }
}

fn snapshot(positions: &[u8], sums: &[u8]) -> Result<Snapshot, String> {
    let unexpected = |name: &str, error: rmp_serde::decode::Error| {
        format!("a value in {name} is not as expected: {error}")
    };
    let positions: Positions =
        rmp_serde::from_slice(positions).map_err(|error| unexpected(POSITIONS, error))?;
    let totals: Totals = rmp_serde::from_slice(sums).map_err(|error| unexpected(SUMS, error))?;
    Ok(Snapshot { positions, totals })
}

#[cfg(test)]
mod tests;
