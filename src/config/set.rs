//! The values that the layers set, judged by the parsers of their keys.

use ::config::{Map, Value, ValueKind};

use super::error::{Problem, quoted, shown};
use super::keys::{self, Values};
use super::layers::Layers;
use super::value::Refusal;
use super::{Alerting, Logs, Webhook, logs};

/// The values that are set, and what is wrong with them.
pub(super) struct SetValues<'a> {
    pub(super) sections: Map<String, Value>,
    pub(super) layers: &'a Layers<'a>,
    pub(super) problems: &'a mut Vec<Problem>,
}

impl Values for SetValues<'_> {
    fn read<T>(
        &mut self,
        section: &str,
        name: &str,
        parse: impl Fn(Value) -> Result<T, Refusal>,
    ) -> Option<T> {
        let value = self.value(section, name)?;
        match parse(value.clone()) {
            Ok(read) => Some(read),
            Err(refusal) => {
                self.refuse(section, name, &value, refusal.to_string());
                None
            }
        }
    }
}

impl SetValues<'_> {
    /// Judges `logs.options`: whether all of them can be pinned for entries of `logs.format`.
    pub(super) fn judge_options(&mut self, logs: &Logs) {
        let Some(options) = self.value("logs", "options") else { return };
        if let Some(reason) = logs::misplaced(options.clone(), logs.format) {
            self.refuse("logs", "options", &options, reason);
        }
    }

    /// Judges the keys of `[alerting]` together.
    pub(super) fn judge_alerting(&mut self, alerting: &Alerting) {
        if let Some((name, reason)) = alerting.misplaced() {
            self.refuse_together("alerting", name, reason);
        }
    }

    /// Judges the keys of `[alerting.webhook]` together.
    pub(super) fn judge_webhook(&mut self, webhook: &Webhook) {
        if let Some((name, reason)) = webhook.misplaced() {
            self.refuse_together("alerting.webhook", name, reason);
        }
    }

    fn refuse_together(&mut self, section: &str, name: &str, reason: &str) {
        let value = self.value(section, name).unwrap_or_else(|| Value::from(Vec::<String>::new()));
        self.refuse(section, name, &value, reason.to_owned());
    }

    fn value(&self, section: &str, name: &str) -> Option<Value> {
        section.split('.').try_fold(&self.sections, table)?.get(name).cloned()
    }

    fn refuse(&mut self, section: &str, name: &str, value: &Value, reason: String) {
        self.problems.extend(keys::find(section, name).map(|key| Problem::Value {
            origin: self.layers.origin(key),
            key: key.path(),
            found: shown(&written(value)),
            reason,
            expects: key.expects.to_owned(),
        }));
    }
}

/// The table of a name in a table.
fn table<'a>(within: &'a Map<String, Value>, name: &str) -> Option<&'a Map<String, Value>> {
    match &within.get(name)?.kind {
        ValueKind::Table(table) => Some(table),
        _ => None,
    }
}

/// A URL may have a password in it, where none should be.
fn without_password(text: &str) -> String {
    let hidden = text.split_once("://").and_then(|(scheme, rest)| {
        let (_, host) = rest.rsplit_once('@')?;
        Some(format!("{scheme}://…@{host}"))
    });
    hidden.unwrap_or_else(|| text.to_owned())
}

/// A value as it would stand in a TOML file.
fn written(value: &Value) -> String {
    match &value.kind {
        ValueKind::String(text) => quoted(&without_password(text)),
        ValueKind::Array(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", ")),
        ValueKind::Table(_) => "a table".to_owned(),
        ValueKind::Nil => "nothing".to_owned(),
        scalar => scalar.to_string(),
    }
}
