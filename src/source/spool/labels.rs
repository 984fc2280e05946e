//! Labels of channel directories.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CString;
use std::sync::Arc;

use super::{MAX_CHANNELS, OTHER_CHANNELS};
use crate::record::label;

/// The label of each channel directory. Names that differ in case alone share one.
///
/// Where there are more than [`MAX_CHANNELS`], those stay that the log has shown, then those that had
/// a label before, then the first by name; the rest share [`OTHER_CHANNELS`]. Anyone who may make a
/// directory there can choose names, so names alone must not push a real channel out.
pub(super) fn labels<'a>(
    names: impl Iterator<Item = &'a CString> + Clone,
    in_log: &BTreeSet<String>,
    before: &BTreeMap<CString, Arc<str>>,
) -> BTreeMap<CString, Arc<str>> {
    let had_label: BTreeSet<&str> = before.values().map(|label| &**label).collect();
    let distinct: BTreeSet<String> = names.clone().map(|name| label::channel(name.to_bytes())).collect();
    let mut ranked: Vec<&String> = distinct.iter().collect();
    ranked.sort_by_key(|&label| (!in_log.contains(label), !had_label.contains(label.as_str())));
    let kept: BTreeSet<&String> = ranked.into_iter().take(MAX_CHANNELS).collect();
    let shared = |name: &CString| {
        let label = label::channel(name.to_bytes());
        Arc::from(if kept.contains(&label) { label.as_str() } else { OTHER_CHANNELS })
    };
    names.map(|name| (name.clone(), shared(name))).collect()
}
