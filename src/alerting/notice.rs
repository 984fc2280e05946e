//! An alert as those hear of it who are told: with all labels and words, so that its end can be told when it is gone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::aggregate::time::UnixTime;

/// Labels or annotations.
pub type Texts = BTreeMap<String, String>;

/// One alert. Two with the same labels are the same alert.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notice {
    /// What it is.
    pub labels: Texts,
    /// What is said of it.
    pub annotations: Texts,
    /// Since when it fires.
    pub since: UnixTime,
}

impl Notice {
    /// A label; empty where it has none of that name.
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}
