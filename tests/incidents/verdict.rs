//! What came of an incident, against its row.

use std::fmt::Write as _;
use std::io::Write as _;

use super::play::Part;
use super::table::Kind;
use crate::e2e::webhook::Notice;

/// One line of the table that is printed.
pub struct Verdict {
    incident: &'static str,
    expected: String,
    got: String,
    pub faults: Vec<String>,
}

impl Verdict {
    /// Of all notices those about one part.
    pub fn of(part: &Part, notices: &[Notice]) -> Self {
        let row = part.row;
        let mut firing: Vec<&Notice> = Vec::new();
        // Others are the dead man's switches.
        let is_told = |notice: &&Notice| {
            [Kind::Page, Kind::Ticket].map(Kind::receiver).contains(&notice.receiver.as_str())
        };
        let of_part = |notice: &&Notice| notice.instance == part.address && notice.status == "firing";
        for notice in notices.iter().filter(of_part).filter(is_told) {
            let is_again = |other: &&Notice| {
                (&other.alert, &other.channel, &other.receiver)
                    == (&notice.alert, &notice.channel, &notice.receiver)
            };
            if !firing.iter().any(is_again) {
                firing.push(notice);
            }
        }
        let seconds = |notice: &Notice| notice.at.saturating_duration_since(part.began).as_secs_f64();
        let got = firing.iter().map(|notice| {
            let summary = &notice.summary;
            format!(
                "{} {:.1} s: {summary}",
                said(&notice.receiver, &notice.alert, &notice.channel),
                seconds(notice)
            )
        });
        let expected = row.must.iter().map(|must| {
            format!(
                "{} within {:.0} s",
                said(must.kind.receiver(), must.alert, must.channel),
                row.within(must).as_secs_f64()
            )
        });
        let expected: Vec<String> = expected.collect();
        Self {
            incident: row.name,
            expected: if expected.is_empty() { "no page".to_owned() } else { expected.join("\n") },
            got: got.collect::<Vec<_>>().join("\n"),
            faults: faults(part, &firing, notices)
                .into_iter()
                .map(|fault| format!("{}: {fault}", row.name))
                .collect(),
        }
    }
}

impl Verdict {
    /// Says at once how it was: the table comes when all have been played.
    pub fn say(&self) {
        let faults = if self.faults.is_empty() { "as expected".to_owned() } else { self.faults.join("; ") };
        drop(writeln!(std::io::stderr(), "incidents: {}: {faults}", self.incident));
    }
}

fn said(receiver: &str, alert: &str, channel: &str) -> String {
    format!("{receiver} {alert} {channel}").trim_end().to_owned()
}

/// All that is not as the row says.
fn faults(part: &Part, firing: &[&Notice], all: &[Notice]) -> Vec<String> {
    let row = part.row;
    let mut faults = Vec::new();
    for must in row.must {
        let is_it = |notice: &&&Notice| {
            notice.receiver == must.kind.receiver() && must.is(&notice.alert, &notice.channel)
        };
        match firing.iter().find(is_it) {
            None => faults.push(format!("{} never came", must.alert)),
            Some(notice) if notice.at > part.began + row.within(must) => {
                let late = (notice.at - part.began).as_secs_f64();
                faults.push(format!("{} came after {late:.1} s", must.alert));
            }
            Some(_) => {}
        }
    }
    for notice in firing {
        let is_page = notice.receiver == Kind::Page.receiver();
        let is_expected = row
            .must
            .iter()
            .any(|must| must.is(&notice.alert, &notice.channel) && (must.kind == Kind::Page || !is_page));
        let is_known = !is_page && row.may.contains(&notice.alert.as_str());
        if !is_expected && !is_known {
            faults.push(format!("{} must not come", said(&notice.receiver, &notice.alert, &notice.channel)));
        }
        if notice.at < part.began {
            faults.push(format!("{} came before the incident", notice.alert));
        }
    }
    if let (Some(must), Some(first)) = (row.must.first(), firing.first()) {
        if first.alert != must.alert {
            faults.push(format!("{} came first", first.alert));
        } else if !row
            .cause
            .iter()
            .any(|cause| first.summary.contains(cause) || first.description.contains(cause))
        {
            faults.push(format!("the cause {:?} is not in: {}", row.cause, first.summary));
        }
    }
    if !super::is_short() && part.can_be_over() && !is_resolved(all, &part.address) {
        faults.push("a page stays although it is over".to_owned());
    }
    faults
}

/// Whether all pages about an exporter are over.
pub fn is_resolved(notices: &[Notice], address: &str) -> bool {
    let pages = || notices.iter().filter(|notice| notice.receiver == "page" && notice.instance == address);
    pages().all(|page| {
        let is_same = |other: &&Notice| (&other.alert, &other.channel) == (&page.alert, &page.channel);
        pages().rfind(is_same).is_some_and(|last| last.status == "resolved")
    })
}

/// What is printed in the end.
pub fn table(verdicts: &[Verdict]) -> String {
    let mut text = String::from("\nincident | expected | got, seconds after it began | verdict\n");
    for verdict in verdicts {
        let (expected, got) = (verdict.expected.replace('\n', "; "), verdict.got.replace('\n', "; "));
        let faults =
            if verdict.faults.is_empty() { "as expected".to_owned() } else { verdict.faults.join("; ") };
        writeln!(text, "{} | {expected} | {got} | {faults}", verdict.incident).ok();
    }
    text
}
