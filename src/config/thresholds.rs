//! `[alerting.thresholds]`: from where on something is a finding. The rows of `alerts/thresholds.yml` that findings look
//! at are its keys, so that a threshold is written down once.

use std::sync::LazyLock;

use super::keys::{Key, Section, Values, WhenAbsent};
use super::value::{Refusal, one};
use crate::findings::Thresholds;
use crate::findings::thresholds::{Row, table};

const NAME: &str = "alerting.thresholds";

static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| table().of_findings().map(key).collect());

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

impl Thresholds {
    pub(super) const SECTION: Section = Section {
        name: NAME,
        doc: "From where on something is a finding of the status page and of `report`. The rules in `alerts/rules` have \
              numbers of their own, which are these as long as nothing is set here.",
        keys: || &KEYS,
    };

    pub(super) fn read(values: &mut impl Values) -> Self {
        let mut thresholds = Self::default();
        for row in table().of_findings() {
            let parse = one(|text: &str| row.unit.parse(text).map_err(Refusal::new));
            if let Some(value) = values.read(NAME, &row.name, parse) {
                thresholds.set(&row.name, value);
            }
        }
        thresholds
    }
}
