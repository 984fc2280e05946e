//! `[alerting.thresholds]`: from where on something is a finding, or an alert. The rows of `alerts/thresholds.yml` are its
//! keys, so that a threshold is written down once.

use std::sync::LazyLock;

use super::keys::{Key, Section, Values, WhenAbsent};
use super::value::{Refusal, one};
use crate::findings::thresholds::{Row, Table, table};

const NAME: &str = "alerting.thresholds";

static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| table().thresholds.iter().map(key).collect());

fn key(row: &'static Row) -> Key {
    Key {
        section: NAME,
        name: &row.name,
        flag: None,
        expects: row.unit.expects(),
        absent: WhenAbsent::Default(&row.text),
        doc: &row.meaning,
    }
}

impl Table {
    pub(super) const SECTION: Section = Section {
        name: NAME,
        doc: "From where on something is a finding of the status page and of `report`, or an alert. Alerts have what is set \
              here when the rules are rendered with this file: `imsimta-exporter rules --config FILE`. Which alert and \
              which finding looks at one is in [alerts/README.md](../alerts/README.md#thresholds).",
        keys: || &KEYS,
    };

    pub(super) fn read(values: &mut impl Values) -> Self {
        let mut site = Self::default();
        for row in &table().thresholds {
            let parse = one(|text: &str| row.unit.parse(text).map_err(Refusal::new));
            if let Some(value) = values.read(NAME, &row.name, parse) {
                site.set(&row.name, value);
            }
        }
        site
    }
}
