//! The API of an Alertmanager, version 2: which alerts it shows, when it was started, and telling it.

use hyper::header::DATE;
use hyper::{Method, Uri};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::client::{Answer, Client, Question};
use super::failed::Failed;
use super::notice::{Notice, Texts};
use crate::aggregate::time::{Millis, UnixTime};
use crate::observed::notified::Failure;
use crate::rules::links::escaped;

/// The most of a list of alerts that is read: some thousands of them.
const LONGEST_LIST: usize = 8 << 20;
/// The most of another answer; a status has the whole configuration.
const LONGEST: usize = 2 << 20;
/// More of a name that it has given is not shown.
const LONGEST_NAME: usize = 100;
/// Which alerts it shows, whatever becomes of them.
const SHOWN: &str = "/api/v2/alerts?active=true&silenced=true&inhibited=true&unprocessed=true";
/// Times in heads are whole seconds.
const HALF_A_SECOND: Millis = Millis::of(500);

/// An alert that it shows: one that has not ended.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    pub(super) labels: Texts,
    #[serde(default)]
    pub(super) annotations: Texts,
    starts_at: String,
    ends_at: String,
    updated_at: String,
    /// Who spoke of it last.
    #[serde(default, rename = "generatorURL")]
    pub(super) generator: String,
}

impl Shown {
    /// The times of it; nothing where they are none.
    pub(super) fn times(&self) -> Option<Times> {
        Some(Times {
            starts: unix(&self.starts_at)?,
            ends: unix(&self.ends_at)?,
            updated: unix(&self.updated_at)?,
        })
    }
}

/// When something was so, by the Alertmanager's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) starts: UnixTime,
    pub(super) ends: UnixTime,
    pub(super) updated: UnixTime,
}

/// What it shows at a time.
#[derive(Debug)]
pub(super) struct List {
    pub(super) alerts: Vec<Shown>,
    /// Its clock; nothing where it does not say.
    pub(super) now: Option<UnixTime>,
}

#[derive(Deserialize)]
struct Status {
    uptime: String,
}

/// One alert as it is told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Posted<'a> {
    labels: &'a Texts,
    annotations: &'a Texts,
    starts_at: String,
    ends_at: String,
    #[serde(rename = "generatorURL")]
    generator: &'a str,
}

impl<'a> Posted<'a> {
    /// An alert that has begun at a time and ends at another, both by the Alertmanager's clock.
    pub(super) fn new(notice: &'a Notice, generator: &'a str, starts: UnixTime, ends: UnixTime) -> Self {
        let starts_at = text(starts.min(ends));
        Self {
            labels: &notice.labels,
            annotations: &notice.annotations,
            starts_at,
            ends_at: text(ends),
            generator,
        }
    }
}

/// Which alerts of a target it shows, whoever spoke of them, silenced and inhibited ones as well.
pub(super) async fn list(client: &mut Client, uri: &Uri, target: &Texts) -> Result<List, Failed> {
    let ours = std::iter::once("alertname=~\"ImsMta.+\"".to_owned());
    let of_target = target.iter().map(|(name, value)| format!("{name}={value:?}"));
    let filters = ours.chain(of_target).map(|filter| format!("&filter={}", escaped(&filter)));
    let path = SHOWN.to_owned() + &filters.collect::<String>();
    let answer = client.exchange(Some(uri), get(path, LONGEST_LIST)).await?;
    let now = answer.headers.get(DATE).and_then(|date| date.to_str().ok()).and_then(of_head);
    Ok(List { alerts: read(&answer)?, now })
}

/// What becomes of one alert at an Alertmanager.
#[derive(Debug, Deserialize)]
pub(super) struct Taken {
    labels: Texts,
    receivers: Vec<Named>,
    status: Standing,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Standing {
    #[serde(default)]
    silenced_by: Vec<String>,
    #[serde(default)]
    inhibited_by: Vec<String>,
}

impl Taken {
    /// Who hears of it, or why nobody does.
    pub(super) fn words(&self) -> String {
        // Its configuration is as foreign as what others say of it.
        let clean =
            |name: &str| name.chars().filter(|letter| !letter.is_control()).take(LONGEST_NAME).collect();
        let names: Vec<String> = self.receivers.iter().map(|named| clean(&named.name)).collect();
        let names = names.join(", ");
        match (self.status.silenced_by.is_empty(), self.status.inhibited_by.is_empty()) {
            (true, true) => format!("took it; it goes to {names}"),
            (false, _) => format!("took it; a silence keeps it from {names}"),
            (true, false) => format!("took it; another alert that fires keeps it from {names}"),
        }
    }
}

/// What becomes of an alert with just these labels; nothing where it does not show it.
pub(super) async fn taken(client: &mut Client, uri: &Uri, labels: &Texts) -> Result<Option<Taken>, Failed> {
    let filters =
        labels.iter().map(|(name, value)| format!("&filter={}", escaped(&format!("{name}={value:?}"))));
    let path = SHOWN.to_owned() + &filters.collect::<String>();
    let all: Vec<Taken> = read(&client.exchange(Some(uri), get(path, LONGEST_LIST)).await?)?;
    Ok(all.into_iter().find(|taken| taken.labels == *labels))
}

/// When it was started.
pub(super) async fn started(client: &mut Client, uri: &Uri) -> Result<UnixTime, Failed> {
    let answer = client.exchange(Some(uri), get("/api/v2/status".to_owned(), LONGEST)).await?;
    let status: Status = read(&answer)?;
    unix(&status.uptime).ok_or_else(not_understood)
}

/// Tells it.
pub(super) async fn post(client: &mut Client, uri: &Uri, alerts: &[Posted<'_>]) -> Result<(), Failed> {
    let json = serde_json::to_vec(alerts).map_err(|_| not_understood())?;
    let path = "/api/v2/alerts".to_owned();
    let question = Question { method: Method::POST, path, json, longest_answer: LONGEST };
    client.exchange(Some(uri), question).await.map(drop)
}

fn get(path: String, longest_answer: usize) -> Question {
    Question { method: Method::GET, path, json: Vec::new(), longest_answer }
}

fn read<T: for<'a> Deserialize<'a>>(answer: &Answer) -> Result<T, Failed> {
    serde_json::from_slice(&answer.body).map_err(|_| not_understood())
}

fn not_understood() -> Failed {
    Failed::new(Failure::Answer, "its answer is none of an Alertmanager's API, version 2")
}

fn unix(text: &str) -> Option<UnixTime> {
    Some(UnixTime::of(text.parse::<Timestamp>().ok()?.as_millisecond()))
}

fn of_head(text: &str) -> Option<UnixTime> {
    let time = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(UnixTime::of(time.as_millisecond()).and(HALF_A_SECOND))
}

/// A time as it is written in JSON.
pub(super) fn text(time: UnixTime) -> String {
    Timestamp::from_millisecond(time.millis()).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::{of_head, text, unix};
    use crate::aggregate::time::UnixTime;

    #[test]
    fn times_are_read_as_alertmanager_writes_them() {
        let time = UnixTime::of(1_795_895_400_123);
        for (read, expected) in [
            (unix("2026-11-28T19:50:00.123Z"), Some(time)),
            (unix("2026-11-28T20:50:00.123456789+01:00"), Some(time)),
            (unix("yesterday"), None),
            (of_head("Sat, 28 Nov 2026 19:50:00 GMT"), Some(UnixTime::of(1_795_895_400_500))),
            (of_head("now"), None),
            (unix(&text(time)), Some(time)),
        ] {
            assert_eq!(read, expected);
        }
    }
}
