//! One template with its figures put in.

use std::time::Duration;

use super::duration::{short, words};
use super::templates::{Block, Owner, Template, blocks};
use super::values::{Figure, Values};
use crate::findings::thresholds::Value;

/// The text of a template, with what its names stand for.
///
/// # Errors
///
/// Every place that stands for nothing: the file, whose lines, what was found, what is right.
pub fn render(template: &Template, values: &Values<'_>) -> Result<String, String> {
    let (mut text, mut problems, mut before) = (String::new(), Vec::new(), Vec::new());
    for block in blocks(template.text) {
        let same = before.iter().filter(|owner| **owner == block.owner).count();
        before.push(block.owner);
        match put_in(&block, values, same) {
            Ok(rendered) => text.push_str(&rendered),
            Err(problem) => problems.push(format!("{}: {}: {problem}", template.name, called(block.owner))),
        }
    }
    if problems.is_empty() { Ok(text) } else { Err(problems.join("\n")) }
}

fn called(owner: Owner<'_>) -> String {
    match owner {
        Owner::File => "before the first group".to_owned(),
        Owner::Group(name) | Owner::Record(name) => name.to_owned(),
        Owner::Alert { name, severity } => format!("{name} ({severity})"),
    }
}

fn put_in(block: &Block<'_>, values: &Values<'_>, before: usize) -> Result<String, String> {
    let mut parts = block.text.split("${");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (place, rest) = part.split_once('}').ok_or("found ${ without its }")?;
        let figure = |name: &str| values.of(name, block.owner, before);
        text += &spelled(place, figure).map_err(|reason| format!("found ${{{place}}}: {reason}"))?;
        text += rest;
    }
    Ok(text)
}

fn spelled(place: &str, figure: impl Fn(&str) -> Option<Figure>) -> Result<String, String> {
    let (names, form) = place.split_once('.').unwrap_or((place, ""));
    let figures = names.split('+').map(|name| {
        figure(name).ok_or_else(|| {
            format!("{name} stands for nothing here; right is a threshold, or a time of this alert, of thresholds.yml")
        })
    });
    let figures = figures.collect::<Result<Vec<Figure>, String>>()?;
    let value = match &figures[..] {
        [Figure::Text(text)] if form.is_empty() => return Ok(text.clone()),
        [Figure::Of(value)] => *value,
        several => Value::Duration(sum(several).ok_or("only times have a sum, and a text no form")?),
    };
    formed(value, form).ok_or_else(|| format!("{value:?} has no form .{form}"))
}

fn sum(figures: &[Figure]) -> Option<Duration> {
    let time = |figure: &Figure| match figure {
        Figure::Of(Value::Duration(time)) => Some(*time),
        _ => None,
    };
    figures.iter().map(time).sum()
}

fn formed(value: Value, form: &str) -> Option<String> {
    match (value, form) {
        (Value::Count(count), "") => Some(count.to_string()),
        (Value::Share(number) | Value::Times(number), "") => Some(number.to_string()),
        (Value::Share(share), "percent") => Some(format!("{} %", (share * 10_000.0).round() / 100.0)),
        (Value::Duration(time), "") => Some(short(time)),
        (Value::Duration(time), "seconds") => Some(time.as_secs_f64().to_string()),
        (Value::Duration(time), "words") => Some(words(time)),
        _ => None,
    }
}
