//! The summary as a postmaster would paste it into a mail: plain ASCII, at most 80 columns, what
//! stands out first.

mod sections;
mod table;

use std::fmt::Write as _;

use super::summary::Summary;

/// Rows of each list that are shown; the JSON has more.
const SHOWN: usize = 10;

/// Writes what stands under one title; nothing at all where there is nothing to say.
type Section = fn(&Summary, &mut String);

/// The whole report.
pub fn text(summary: &Summary) -> String {
    let mut text = title(summary);
    let sections: [(&str, Section); 12] = [
        ("What stands out", sections::findings),
        ("Lines", sections::lines),
        ("Traffic by channel, in recipients", sections::traffic),
        ("Failures by reason", sections::failures),
        ("Worst destinations", sections::destinations),
        ("Rejections by reason", sections::rejections),
        ("Authentications", sections::authentications),
        ("Connections", sections::connections),
        ("Replies of other hosts to failed attempts", sections::replies),
        ("Delays: at most so long for half (p50) and for 95 % (p95)", sections::delays),
        ("LOG_* options", sections::options),
        ("Last lines that were not understood", sections::not_understood),
    ];
    for (title, write) in sections {
        let mut section = String::new();
        write(summary, &mut section);
        if !section.is_empty() {
            // Writing into a string cannot fail.
            let _ = write!(text, "\n{title}\n{section}");
        }
    }
    text
}

fn title(summary: &Summary) -> String {
    match &summary.period {
        Some(period) => {
            let (first, last) = (period.first.replace('T', " "), period.last.replace('T', " "));
            format!("MTA log report: {first} to {last}, the log's local time\n")
        }
        None => "MTA log report: no entries\n".to_owned(),
    }
}
