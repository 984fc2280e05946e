//! The log-fed series of Prometheus, and where series differ from what they should be.

use serde_json::Value;

use super::entries::{Series, series};

/// The series of an answer of Prometheus, spelled as on the page; some queries take the name away.
pub fn of_answer(answer: &[Value]) -> Series {
    let samples = answer.iter().map(|sample| {
        let metric = sample["metric"].as_object().expect("labels");
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let name = metric.get("__name__").map(text).unwrap_or_default();
        let labels: Vec<(&str, String)> = metric
            .iter()
            .filter(|(label, _)| !["__name__", "instance", "job"].contains(&label.as_str()))
            .map(|(label, value)| (label.as_str(), text(value)))
            .collect();
        let labels: Vec<(&str, &str)> =
            labels.iter().map(|(label, value)| (*label, value.as_str())).collect();
        (series(&name, &labels), text(&sample["value"][1]).parse().expect("a number"))
    });
    samples.collect()
}

/// Where what is shown differs from what should be. Series nobody wrote to may be there with 0.
pub fn differences(shown: &Series, truth: &Series) -> Vec<String> {
    let extra = shown.iter().filter(|(series, value)| **value != 0.0 && !truth.contains_key(*series));
    let extra = extra.map(|(series, value)| format!("{series} {value}, but nothing of it was written"));
    let wrong = truth.iter().filter_map(|(series, truth)| match shown.get(series) {
        // Sums of seconds are no integers.
        Some(value) if (value - truth).abs() < 1e-6 => None,
        // Several rotations while the program was down can look like one.
        Some(value) if series.starts_with("imsimta_log_rotations_total") && value < truth => None,
        Some(value) => Some(format!("{series} {value}, but {truth} were written ({:+})", value - truth)),
        None => (*truth != 0.0).then(|| format!("{series} is absent, but {truth} were written")),
    });
    extra.chain(wrong).collect()
}

/// Where a later page falls behind an earlier one.
pub fn steps_back(earlier: &Series, later: &Series) -> Vec<String> {
    let back = earlier.iter().filter_map(|(series, before)| match later.get(series) {
        Some(value) if value >= before => None,
        Some(value) => Some(format!("{series} fell from {before} to {value}")),
        None => Some(format!("{series} vanished at {before}")),
    });
    back.collect()
}
