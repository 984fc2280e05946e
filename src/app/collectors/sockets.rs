//! The kernel's sockets on the MTA's ports.

use super::row::Verdict::{Fine, Note, Problem};
use super::row::{Look, Remark, Start};
use crate::observed::reading::{Reading, Run};
use crate::source::sockets::{self, SocketSnapshot};
use crate::text::with_causes;

/// Clients whose sockets are looked at. More than are shown, since a network is many addresses.
const CLIENTS: usize = 1000;

pub(super) fn start(start: &Start<'_>) -> Look<SocketSnapshot> {
    let ports = start.config.sockets.ports.clone();
    Box::new(move || match sockets::read(&ports, CLIENTS) {
        Ok(snapshot) => Run::Whole(snapshot),
        Err(error) => Run::Failed(with_causes(&error)),
    })
}

/// On which ports somebody listens.
pub(super) fn remarks(reading: &Reading<SocketSnapshot>, start: &Start<'_>) -> Vec<Remark> {
    let mut remarks = Vec::new();
    if let Some(snapshot) = &reading.value {
        let ports = &start.config.sockets.ports;
        let list = |listening: bool| {
            let ports = ports.iter().filter(|port| snapshot.listeners.contains_key(port) == listening);
            ports.map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        let (some, none) = (list(true), list(false));
        if !some.is_empty() {
            remarks.push((Fine, format!("somebody listens on {some}")));
        }
        if !none.is_empty() {
            remarks.push((Note, format!("can be read; nobody listens on {none} (sockets.ports)")));
        }
    }
    remarks.extend(reading.problem.iter().map(|problem| (Problem, problem.clone())));
    remarks
}
