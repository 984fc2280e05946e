//! What the MTA's Dispatcher may do, by its own configuration and by ours.

use std::sync::Arc;
use std::time::Duration;

use super::row::Verdict::{Fine, Note, Problem};
use super::row::{Look, Remark, Start};
use crate::config;
use crate::observed::reading::{Reading, Run};
use crate::source::dispatcher::{self, Dispatcher, Service};
use crate::text::{escape, with_causes};

/// The time between two looks: who changes a limit restarts the Dispatcher.
pub(super) const INTERVAL: Duration = Duration::from_mins(1);

pub(super) fn start(start: &Start<'_>) -> Look<Dispatcher> {
    let (observed, configured) = (Arc::clone(start.observed), start.config.dispatcher.clone());
    Box::new(move || {
        let found = look(dispatcher::read(&observed.install.root, configured.file.as_deref()), &configured);
        if let Run::Whole(dispatcher) | Run::Partial(dispatcher, _) = &found {
            let life = dispatcher.longest_life().into();
            observed.logs.write().aggregate.totals.connections.set_max_life_time(life);
        }
        found
    })
}

/// A file that nobody has named need not be there, nor be open to this user: then what it says is not known.
fn look(
    read: Result<Dispatcher, dispatcher::DispatcherError>,
    configured: &config::Dispatcher,
) -> Run<Dispatcher> {
    match read {
        Ok(found) => Run::Whole(found.with(configured)),
        Err(error) if configured.file.is_none() => {
            let nothing = Dispatcher { doubts: vec![with_causes(&error)], ..Dispatcher::default() };
            Run::Whole(nothing.with(configured))
        }
        Err(error) if configured.services.is_empty() => Run::Failed(with_causes(&error)),
        Err(error) => Run::read(Dispatcher::default().with(configured), Some(with_causes(&error))),
    }
}

/// The limits that are known, and which are not and why.
pub(super) fn remarks(reading: &Reading<Dispatcher>, _: &Start<'_>) -> Vec<Remark> {
    let mut remarks: Vec<Remark> = reading.problem.iter().map(|problem| (Problem, problem.clone())).collect();
    let Some(dispatcher) = &reading.value else { return remarks };
    let said = dispatcher.file.as_deref().map_or_else(|| "here".to_owned(), escape::path);
    let known = dispatcher.services.iter().filter_map(|service| Some((service, service.limit()?)));
    let known: Vec<String> =
        known.map(|(Service { name, .. }, limit)| format!("{name} ({limit} connections)")).collect();
    if !known.is_empty() {
        remarks.push((Fine, format!("limits are known of {}, by {said}", known.join(", "))));
    }
    let unknown = dispatcher.services.iter().filter(|service| service.limit().is_none());
    let mut unknown: Vec<&str> = unknown.map(|service| service.name.as_str()).collect();
    if dispatcher.services.is_empty() {
        unknown.push("any service");
    }
    if !unknown.is_empty() {
        let text = format!(
            "how many connections {} takes at once is not known{}, so imsimta_connections_limit will be absent; it can be \
             said here as dispatcher.services = [\"smtp@25=5x20\"] (MAX_PROCS x MAX_CONNS)",
            unknown.join(", "),
            if dispatcher.doubts.is_empty() {
                String::new()
            } else {
                format!(" ({})", dispatcher.doubts.join("; "))
            }
        );
        remarks.push((Note, text));
    }
    remarks
}
