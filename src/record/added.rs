//! The field that each `LOG_*` option adds to a message entry.

use std::borrow::Cow;

use super::Message;
use super::number::{integer, seconds};
use super::option::{FIELDS, LogOption, OptionSet};

impl<'a> Message<'a> {
    /// Puts what an entry has for an option into its field. `None` when it cannot be that.
    pub(super) fn put(&mut self, option: LogOption, value: &'a [u8]) -> Option<()> {
        self.shown.note(option, !value.is_empty());
        let field = match option {
            LogOption::Notary => {
                let flags = || u32::try_from(integer(value)?).ok();
                self.notary = if value.is_empty() { None } else { Some(flags()?) };
                return Some(());
            }
            LogOption::QueueTime => {
                self.queue_seconds = if value.is_empty() { None } else { Some(seconds(value)?) };
                return Some(());
            }
            LogOption::Sensitivity | LogOption::Priority if !matches!(value, [] | [b'0'..=b'9']) => {
                return None;
            }
            LogOption::Filter => {
                let inner = value.strip_prefix(b"'").and_then(|list| list.strip_suffix(b"'"));
                self.filter = inner.unwrap_or(value);
                return Some(());
            }
            LogOption::Connection => &mut self.source_system,
            LogOption::Filename => &mut self.filename,
            LogOption::MessageId => &mut self.message_id,
            LogOption::Username => &mut self.username,
            LogOption::Process => &mut self.process,
            LogOption::Node => &mut self.node,
            LogOption::EnvelopeId => &mut self.envelope_id,
            LogOption::Sensitivity => &mut self.sensitivity,
            LogOption::Priority => &mut self.priority,
            LogOption::Intermediate => &mut self.intermediate,
            LogOption::Initial => &mut self.initial,
            LogOption::Reason => &mut self.reason,
            LogOption::Diagnostics => &mut self.diagnostic,
            LogOption::RemoteMta => &mut self.remote_mta,
            LogOption::Transport => &mut self.transport,
            LogOption::Application => &mut self.application,
            LogOption::ConnectionEntries | LogOption::EtrnEntries | LogOption::AuthenticationEntries => {
                return None;
            }
        };
        *field = value;
        Some(())
    }

    /// What an entry has for an option, as it was written but for numbers.
    pub fn added(&self, option: LogOption) -> Cow<'a, [u8]> {
        Cow::Borrowed(match option {
            LogOption::Notary => return written(self.notary),
            LogOption::QueueTime => return written(self.queue_seconds),
            LogOption::Connection => self.source_system,
            LogOption::Filename => self.filename,
            LogOption::MessageId => self.message_id,
            LogOption::Username => self.username,
            LogOption::Process => self.process,
            LogOption::Node => self.node,
            LogOption::EnvelopeId => self.envelope_id,
            LogOption::Sensitivity => self.sensitivity,
            LogOption::Priority => self.priority,
            LogOption::Intermediate => self.intermediate,
            LogOption::Initial => self.initial,
            LogOption::Filter => self.filter,
            LogOption::Reason => self.reason,
            LogOption::Diagnostics => self.diagnostic,
            LogOption::RemoteMta => self.remote_mta,
            LogOption::Transport => self.transport,
            LogOption::Application => self.application,
            LogOption::ConnectionEntries | LogOption::EtrnEntries | LogOption::AuthenticationEntries => &[],
        })
    }

    /// Notes the options whose fields were found by their shape and are not empty. A transport tuple may be that of
    /// the delivery status.
    pub(super) fn note_added_fields(&mut self) {
        for option in FIELDS.into_iter().filter(|&option| option != LogOption::Transport) {
            let there = match option {
                LogOption::Notary => self.notary.is_some(),
                LogOption::QueueTime => self.queue_seconds.is_some(),
                option => !self.added(option).is_empty(),
            };
            self.shown.note(option, there);
        }
    }

    /// Empties what options behind the recipients add.
    pub(super) fn forget_added_fields(&mut self) {
        let columns = [LogOption::Node, LogOption::Process];
        let shown = columns.into_iter().filter(|&option| self.shown.has(option));
        *self = Self {
            format: self.format,
            shown: shown.fold(OptionSet::default(), OptionSet::with),
            time: self.time,
            node: self.node,
            process: self.process,
            source_channel: self.source_channel,
            destination_channel: self.destination_channel,
            code: self.code,
            blocks: self.blocks,
            from: self.from,
            original_to: self.original_to,
            to: self.to,
            ..Self::default()
        };
    }
}

fn written<T: ToString>(number: Option<T>) -> Cow<'static, [u8]> {
    Cow::Owned(number.map(|number| number.to_string().into_bytes()).unwrap_or_default())
}
