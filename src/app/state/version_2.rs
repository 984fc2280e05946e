//! States of version 2, the first that was ever read: closed sets lay in arrays, in the order that they had then.
//!
//! The tree of values is reshaped, and the types of today read the result. The lists here are those of that
//! version, and never change.

use rmpv::Value;
use xxhash_rust::xxh3::xxh3_64;

const ACTIONS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const MODIFIERS: [&str; 9] = ["A", "C", "E", "L", "P", "Q", "S", "U", "other"];
const OUTCOMES: [&str; 4] = ["deferred", "partial", "rejected", "unnotified"];
const TRIES: [&str; 5] = ["1", "2", "3", "4-9", "10+"];
const RESULTS: [&str; 3] = ["success", "failure", "unknown"];
const DIRECTIONS: [&str; 2] = ["in", "out"];
const DELAY_BOUNDS: [u32; 13] =
    [1, 5, 15, 60, 300, 900, 3600, 14_400, 43_200, 86_400, 172_800, 345_600, 604_800];
const OPTIONS: [&str; 19] = [
    "log_connection",
    "log_filename",
    "log_message_id",
    "log_username",
    "log_process",
    "log_node",
    "log_notary",
    "log_envelope_id",
    "log_sensitivity",
    "log_priority",
    "log_intermediate",
    "log_filter",
    "log_reason",
    "log_diagnostics",
    "log_queue_time",
    "log_intermediate+2",
    "log_remote_mta",
    "log_connection+32",
    "log_connection+64",
];

/// What a file of this version begins with: behind it stand the bytes of the payload and its XXH3 hash in hex.
pub(super) const MAGIC: &[u8] = b"imsimta-exporter state 2 ";
/// The first line is shorter.
const MAX_HEADER: usize = 128;

/// Positions and sums of a file of this version, each in the encoding of today. What is not as expected stays as it
/// is, and the types say what is wrong with it.
pub(super) fn read(bytes: &[u8]) -> Result<(Vec<u8>, Vec<u8>), String> {
    let mut payload = payload(bytes)?;
    let mut state = rmpv::decode::read_value(&mut payload).map_err(|error| error.to_string())?;
    if let Some(totals) = member(&mut state, "totals") {
        reshape(totals);
    }
    let mut encoded = |name: &str| -> Result<Vec<u8>, String> {
        let value = member(&mut state, name).ok_or_else(|| format!("it has no {name}"))?;
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, value).map_err(|error| error.to_string())?;
        Ok(bytes)
    };
    Ok((encoded("positions")?, encoded("totals")?))
}

fn payload(bytes: &[u8]) -> Result<&[u8], String> {
    let newline = memchr::memchr(b'\n', &bytes[..bytes.len().min(MAX_HEADER)]).ok_or("no header line")?;
    let (header, payload) = (&bytes[..newline], &bytes[newline + 1..]);
    let header = std::str::from_utf8(header.strip_prefix(MAGIC).unwrap_or_default());
    let (length, hash) = header.ok().and_then(|header| header.split_once(' ')).unwrap_or_default();
    if length != payload.len().to_string() {
        return Err("the length differs from the header".to_owned());
    }
    if hash != format!("{:016x}", xxh3_64(payload)) {
        return Err("the checksum differs".to_owned());
    }
    Ok(payload)
}

fn reshape(totals: &mut Value) {
    for account in items(totals, &["accounts"]) {
        change(account, "inference", inference);
    }
    change(totals, "entries", entries);
    change(totals, "options", options_seen);
    for channel in items(totals, &["channels", "counts"]) {
        change(channel, "failures", |array| by_label(array, &OUTCOMES));
        change(channel, "tries", |array| by_label(array, &TRIES));
        change(channel, "authentications", |array| by_label(array, &RESULTS));
        change(channel, "connections", |array| by_label(array, &DIRECTIONS));
        change(channel, "queue_delay", histogram);
        change(channel, "end_to_end_delay", histogram);
    }
}

/// `[3, 4]` is `[["in", 3], ["out", 4]]` now.
fn by_label(array: Value, labels: &[&str]) -> Value {
    match array {
        Value::Array(values) => {
            let pairs = labels.iter().zip(values);
            Value::Array(pairs.map(|(&label, value)| Value::Array(vec![label.into(), value])).collect())
        }
        other => other,
    }
}

fn entries(mut saved: Value) -> Value {
    let letters = || ACTIONS.chars().map(|letter| Value::from(letter.to_string()));
    let actions = letters().zip(taken(&mut saved, "by_action"));
    let actions = actions.map(|(letter, count)| Value::Array(vec![letter, count])).collect();
    let modifiers = letters().zip(taken(&mut saved, "by_modifier")).flat_map(|(letter, counts)| {
        let labelled = MODIFIERS.iter().zip(array(counts));
        labelled.map(move |(&label, count)| Value::Array(vec![letter.clone(), label.into(), count]))
    });
    map([("actions", Value::Array(actions)), ("modifiers", Value::Array(modifiers.collect()))])
}

fn histogram(mut saved: Value) -> Value {
    let mut buckets = taken(&mut saved, "buckets");
    let above = if buckets.len() > DELAY_BOUNDS.len() { buckets.pop() } else { None };
    let bounded = DELAY_BOUNDS.iter().zip(buckets);
    let buckets = bounded.map(|(&bound, count)| Value::Array(vec![bound.into(), count])).collect();
    let sum = member(&mut saved, "sum_millis").map_or(Value::from(0), |sum| sum.clone());
    map([("buckets", Value::Array(buckets)), ("above", above.unwrap_or(0.into())), ("sum_millis", sum)])
}

fn options_seen(mut saved: Value) -> Value {
    let bits = member(&mut saved, "bits").and_then(|bits| bits.as_u64()).unwrap_or(0);
    let by_entries = member(&mut saved, "connection_entries").map_or(Value::from(false), |seen| seen.clone());
    map([("options", options(bits)), ("connection_entries", by_entries)])
}

fn inference(mut saved: Value) -> Value {
    let inferred = member(&mut saved, "options").and_then(|bits| bits.as_u64());
    let count = member(&mut saved, "entries").map_or(Value::from(0), |entries| entries.clone());
    let scores = by_label(Value::Array(taken(&mut saved, "scores")), &OPTIONS);
    map([
        ("entries", count),
        ("scores", scores),
        ("complete", inferred.is_some().into()),
        ("inferred", options(inferred.unwrap_or(0))),
    ])
}

/// The labels of the options whose bits are set.
fn options(bits: u64) -> Value {
    let set = (0..).zip(OPTIONS).filter(|&(bit, _)| bits & 1 << bit != 0);
    Value::Array(set.map(|(_, label)| label.into()).collect())
}

fn map<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Map(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

fn member<'a>(value: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    let Value::Map(members) = value else { return None };
    members.iter_mut().find(|(key, _)| key.as_str() == Some(name)).map(|(_, value)| value)
}

fn change(value: &mut Value, name: &str, to: impl FnOnce(Value) -> Value) {
    if let Some(place) = member(value, name) {
        *place = to(std::mem::replace(place, Value::Nil));
    }
}

fn taken(value: &mut Value, name: &str) -> Vec<Value> {
    member(value, name).map(|place| array(std::mem::replace(place, Value::Nil))).unwrap_or_default()
}

fn array(value: Value) -> Vec<Value> {
    if let Value::Array(values) = value { values } else { Vec::new() }
}

/// The items of an array below it, by the names on the way.
fn items<'a>(mut value: &'a mut Value, path: &[&str]) -> &'a mut [Value] {
    for name in path {
        let Some(below) = member(value, name) else { return &mut [] };
        value = below;
    }
    if let Value::Array(values) = value { values } else { &mut [] }
}
