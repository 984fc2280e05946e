//! A threshold of each channel says what the same threshold says of all.

use std::time::Duration;

use super::every_rule::NOW;
use super::healthy;
use crate::findings::situation::Situation;
use crate::findings::thresholds::{Row, Table, Value, table};
use crate::findings::{Input, Thresholds, with_explained};

/// A small and a large one.
fn others(row: &Row) -> [Value; 2] {
    match row.value {
        Value::Count(_) => [Value::Count(0), Value::Count(1_000_000)],
        Value::Share(_) => [Value::Share(0.0), Value::Share(1.0)],
        Value::Times(_) => [Value::Times(0.0), Value::Times(1000.0)],
        Value::Duration(_) => {
            [Value::Duration(Duration::from_secs(1)), Value::Duration(Duration::from_hours(8760))]
        }
    }
}

fn with(row: &Row, value: Value) -> Thresholds {
    let mut site: Table = table().clone();
    site.set(&row.name, value);
    Thresholds::from(&site)
}

/// What is found, and what rings.
fn said(situation: &Situation, limits: &Thresholds) -> Vec<(String, usize)> {
    let found = with_explained(&Input { now: Some(situation), logs: None, limits });
    found.into_iter().map(|weighed| (weighed.finding.what, weighed.finding.alerts.len())).collect()
}

#[test]
fn a_threshold_of_every_channel_is_that_of_all() {
    let mut decide = 0;
    for row in table().thresholds.iter().filter(|row| row.by_channel) {
        let mut decides = false;
        for (rule, happens) in NOW {
            let mut situation = healthy();
            happens(&mut situation);
            let channels = situation.channels.keys().chain(situation.usual.enqueues.keys());
            for value in others(row) {
                let all = with(row, value);
                let by_channel = channels.clone().map(|channel| (channel.clone(), all.clone())).collect();
                let each = Thresholds { by_channel, ..Thresholds::default() };
                let of_all = said(&situation, &all);
                assert_eq!(said(&situation, &each), of_all, "{} = {value:?}: {rule}", row.name);
                decides |= of_all != said(&situation, &Thresholds::default());
            }
        }
        decide += usize::from(decides);
    }
    let page = include_str!("../../../docs/alerts.md");
    let missing =
        table().thresholds.iter().filter(|row| row.by_channel && !page.contains(&format!("`{}`", row.name)));
    assert_eq!(missing.map(|row| &row.name).collect::<Vec<_>>(), [""; 0], "docs/alerts.md has them");
    assert!(decide > 20, "only {decide} decide anything here");
}
