//! Which `LOG_*` options the log shows: so that silence can be told from health, and so that fields
//! that are known by their position alone can be read.

use serde::{Deserialize, Serialize};

use super::each::Each;
use super::table::{LeftOut, Table};

use crate::record::option::{LogOption, OptionSet};
use crate::record::{Connection, Message};

/// The set of options that were seen since the counters began.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OptionsSeen {
    #[serde(with = "by_label")]
    options: OptionSet,
    connection_entries: bool,
}

/// A set of options is saved by their labels.
mod by_label {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::{LogOption, OptionSet};
    use crate::aggregate::reasons::ClosedSet as _;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(options: &OptionSet, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(options.all().map(LogOption::label))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OptionSet, D::Error> {
        let labels: Vec<String> = Vec::deserialize(deserializer)?;
        let options = labels.iter().filter_map(|label| LogOption::labelled(label));
        Ok(options.fold(OptionSet::default(), OptionSet::with))
    }
}

impl Table for OptionsSeen {
    fn empty(_: u64) -> Self {
        Self::default()
    }

    fn left_out(&self) -> LeftOut {
        LeftOut::Nothing("one an option")
    }
}

impl OptionsSeen {
    pub(super) fn message(&mut self, message: &Message<'_>) {
        self.options = self.options.and(message.shown);
    }

    /// Adds what another part of the log shows.
    pub(super) fn add_all(&mut self, other: Self) {
        self.options = self.options.and(other.options);
        self.connection_entries |= other.connection_entries;
    }

    pub(super) fn connection(&mut self, entry: &Connection<'_>) {
        self.connection_entries = true;
        self.options.note(LogOption::Process, !entry.process.is_empty());
        self.options.note(LogOption::Node, !entry.node.is_empty());
    }

    /// Whether the log has shown connection entries: without them nothing is known of connections.
    pub fn connection_entries(self) -> bool {
        self.connection_entries
    }

    /// Whether the field of an option, or of one bit of it, was seen.
    pub fn has(self, option: LogOption) -> bool {
        self.options.has(option)
    }

    /// `(option, whether it was seen)`. A further bit of an option shows the option, as connection entries
    /// do `log_connection`.
    pub fn all(self) -> impl Iterator<Item = (&'static str, bool)> {
        let options = LogOption::ALL.iter().copied().filter(|option| option.is_whole());
        options.map(move |option| {
            let by_entries = option == LogOption::Connection && self.connection_entries;
            (
                option.label(),
                by_entries || self.options.all().any(|shown| shown.row().setting == option.label()),
            )
        })
    }
}

/// Entries that the options of one log are inferred from; further ones change nothing.
const SAMPLE: u16 = 200;

/// What the first entries of one log say about its options: a score for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Inference {
    entries: u16,
    scores: Each<LogOption, i32, { LogOption::ALL.len() }>,
    /// Whether the sample is complete.
    complete: bool,
    /// What was inferred then.
    #[serde(with = "by_label")]
    inferred: OptionSet,
}

impl Inference {
    /// Takes an entry whose fields are known by position or shape.
    pub(super) fn message(&mut self, message: &Message<'_>) {
        if self.complete || !message.format.is_positional() {
            return;
        }
        for &option in LogOption::ALL {
            let inference = option.field().and_then(|field| field.inference);
            if let Some(inference) = inference.filter(|inference| (inference.by)(message.code.action)) {
                self.scores[option] += if message.shown.has(option) { inference.shown } else { -1 };
            }
        }
        self.entries += 1;
        if self.entries >= SAMPLE {
            (self.complete, self.inferred) = (true, self.likely());
        }
    }

    /// The options that the scores are for. The delivery status is on unless it was switched off, and
    /// what is left of an entry can be nothing else.
    fn likely(&self) -> OptionSet {
        let on = self.scores.all().filter(|&(_, score)| *score > 0);
        on.fold(OptionSet::of(&[LogOption::Diagnostics]), |set, (option, _)| set.with(option))
    }

    /// What was inferred; `None` until the sample is complete.
    pub fn options(&self) -> Option<OptionSet> {
        self.complete.then_some(self.inferred)
    }

    /// How many entries it rests on.
    pub fn entries(&self) -> u16 {
        self.entries
    }
}

#[cfg(test)]
mod tests {
    use super::{Inference, SAMPLE};
    use crate::record::option::{LogOption, OptionSet};
    use crate::record::{Dialect, Line, Reader};

    fn infer(lines: &[&str], rounds: usize) -> Inference {
        let mut reader = Reader::new(Dialect::default());
        let mut inference = Inference::default();
        for line in lines.iter().cycle().take(lines.len() * rounds) {
            if let Line::Message(message) = reader.read(line.as_bytes()) {
                inference.message(&message);
            }
        }
        inference
    }

    const ENTRIES: [&str; 4] = [
        "19-Jan-2019 19:16:57.64 tcp_local    ims-ms       E 1 a@b.example rfc822;c@d.example c@d.example /q/queue/ims-ms/ZZg0x1y2z3w4.00 <1@b.example> mailsrv b.example (b.example [192.0.2.1])",
        "19-Jan-2019 19:16:58.64 ims-ms                    D 1 a@b.example rfc822;c@d.example c@d.example /q/queue/ims-ms/ZZg0x1y2z3w4.00 <1@b.example> mailsrv",
        "19-Jan-2019 19:16:59.64 tcp_local                 Q 1 a@b.example rfc822;c@e.example c@e.example /q/queue/tcp_local/ZZg0x1y2z3w5.00 <1@b.example> mailsrv  452 4.2.2 over quota",
        "19-Jan-2019 19:16:59.64 tcp_local                 J 0 a@b.example rfc822;c@e.example c@e.example   mailsrv b.example (b.example [192.0.2.1]) 550 5.7.1 no",
    ];

    #[test]
    fn the_first_entries_tell_the_options_and_no_more() {
        let short = infer(&ENTRIES, usize::from(SAMPLE) / ENTRIES.len() - 1);
        assert_eq!(short.options(), None);
        let whole = infer(&ENTRIES, 60);
        assert_eq!(whole.entries(), SAMPLE);
        assert_eq!(
            whole.options(),
            Some(OptionSet::of(&[
                LogOption::Filename,
                LogOption::MessageId,
                LogOption::Username,
                LogOption::Connection,
                LogOption::Diagnostics,
            ]))
        );
    }

    #[test]
    fn entries_with_named_fields_tell_nothing_about_positions() {
        let xml = "<en ts=\"2019-06-02T22:02:13.94\" sc=\"l\" ac=\"D\" sz=\"1\" so=\"\" od=\"rfc822;a\" de=\"a\" fi=\"/q/ZZx.00\"/>";
        assert_eq!(infer(&[xml], 300).entries(), 0);
    }
}
