//! The kernel's sockets on the MTA's ports.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::row::Verdict::{Fine, Note, Problem};
use super::row::{Look, Remark, Start};
use crate::config::USUAL_PORTS;
use crate::observed::Observed;
use crate::observed::reading::{Reading, Run};
use crate::source::dispatcher::Dispatcher;
use crate::source::processes::ProcessSnapshot;
use crate::source::sockets::{self, MOST_PORTS, Namespace, Origin, Ports, SMTP, SocketSnapshot, Wanted};
use crate::text::{escape, with_causes};

/// Clients whose sockets are looked at. More than are shown, since a network is many addresses.
const CLIENTS: usize = 1000;

/// The time between two looks at what the MTA's processes listen on.
const LISTENERS_INTERVAL: Duration = Duration::from_mins(1);

/// The program that listens; its servers end with [`SERVER`] and listen where they run without it.
const DISPATCHER: &str = "dispatcher";
const SERVER: &str = "_server";

pub(super) fn start(start: &Start<'_>) -> Look<SocketSnapshot> {
    let (configured, proc_root) = (start.config.sockets.ports.clone(), start.proc_root.to_owned());
    let observed = Arc::clone(start.observed);
    let mut listened = start.kept.carried_over(Option::<Listened>::unwrap_or_default);
    Box::new(move || {
        let namespace = Namespace::of(&proc_root);
        if let Some(ports) = &configured {
            return look(&namespace, Ports { ports: ports.clone(), ..Ports::default() }, None);
        }
        let listened = listened.get();
        let problem = listened.update(&observed, &namespace, &proc_root);
        look(&namespace, listened.ports(&observed), problem)
    })
}

/// Reads the sockets of these ports, and what the kernel has turned away.
fn look(namespace: &Namespace, ports: Ports, problem: Option<String>) -> Run<SocketSnapshot> {
    let wanted = Wanted { ports: ports.ports.clone(), remote_port: SMTP, top: CLIENTS };
    let snapshot = match namespace.read(&wanted) {
        Ok(snapshot) => snapshot,
        Err(error) => return Run::Failed(with_causes(&error)),
    };
    let (drops, unread) = match namespace.listen_drops() {
        Ok(drops) => (Some(drops), None),
        Err(error) => (None, Some(with_causes(&error))),
    };
    let elsewhere = (!namespace.is_own()).then(|| namespace.table("tcp"));
    let problems: Vec<String> = problem.into_iter().chain(unread).collect();
    let problem = (!problems.is_empty()).then(|| problems.join("; "));
    Run::read(SocketSnapshot { ports, drops, elsewhere, ..snapshot }, problem)
}

/// The ports on which the MTA's processes have listened since the start: those of a Dispatcher that has died are looked
/// at all the same.
#[derive(Debug, Default)]
struct Listened {
    ports: BTreeSet<u16>,
    /// Processes that could not be looked into at the last look.
    unseen: u64,
    /// When the next look is due.
    due: Option<Duration>,
}

impl Listened {
    /// Looks at the listeners of the MTA's processes when it is time; what is wrong, for people.
    fn update(&mut self, observed: &Observed, namespace: &Namespace, proc_root: &Path) -> Option<String> {
        let now = observed.clock.monotonic();
        if self.due.is_some_and(|due| now < due) {
            return None;
        }
        let processes = observed.collected.found::<ProcessSnapshot>()?;
        let listens = |name: &str| name == DISPATCHER || name.ends_with(SERVER);
        let listening = processes.processes.iter().filter(|(name, _)| listens(name));
        let pids: Vec<i32> = listening.flat_map(|(_, group)| &group.pids).copied().collect();
        match sockets::held_ports(namespace, proc_root, &pids) {
            Ok(held) => {
                self.ports.extend(held.ports);
                self.unseen = held.unseen;
                // A Dispatcher that is starting may not listen yet.
                self.due = (!self.ports.is_empty()).then(|| now + LISTENERS_INTERVAL);
                None
            }
            Err(error) => Some(with_causes(&error)),
        }
    }

    /// These and those that the Dispatcher's configuration names; where there are none, those of most hosts.
    fn ports(&self, observed: &Observed) -> Ports {
        let dispatcher = observed.collected.found::<Dispatcher>();
        let services = dispatcher.iter().flat_map(|dispatcher| &dispatcher.services);
        let all: BTreeSet<u16> =
            services.flat_map(|service| &service.ports).chain(&self.ports).copied().collect();
        let left_out = all.len().saturating_sub(MOST_PORTS) as u64;
        let (ports, origin) = if all.is_empty() {
            (USUAL_PORTS.to_vec(), Origin::Usual)
        } else {
            (all.into_iter().take(MOST_PORTS).collect(), Origin::Found)
        };
        Ports { ports, origin, left_out, unseen: self.unseen }
    }
}

/// On which ports somebody listens, and what cannot be known.
pub(super) fn remarks(reading: &Reading<SocketSnapshot>, _: &Start<'_>) -> Vec<Remark> {
    let mut remarks = Vec::new();
    if let Some(snapshot) = &reading.value {
        let list = |listening: bool| {
            let ports = snapshot.ports.ports.iter();
            let ports = ports.filter(|port| snapshot.listeners.contains_key(port) == listening);
            ports.map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        let (some, none) = (list(true), list(false));
        if !some.is_empty() {
            remarks.push((Fine, format!("somebody listens on {some}")));
        }
        if !none.is_empty() {
            remarks.push((Note, format!("can be read; nobody listens on {none} (sockets.ports)")));
        }
        remarks.extend(doubts(snapshot).map(|doubt| (Note, doubt)));
    }
    remarks.extend(reading.problem.iter().map(|problem| (Problem, problem.clone())));
    remarks
}

/// What is not known, and why.
fn doubts(snapshot: &SocketSnapshot) -> impl Iterator<Item = String> {
    let Ports { origin, left_out, unseen, .. } = snapshot.ports;
    let usual = (origin == Origin::Usual).then(|| {
        let why = if unseen > 0 {
            format!("the descriptors of {unseen} processes of the MTA may not be looked at")
        } else {
            "no process of the MTA is seen to listen".to_owned()
        };
        format!(
            "these ports are the usual ones, since {why} and no configuration of the Dispatcher names any; say them as \
             sockets.ports"
        )
    });
    let left_out =
        (left_out > 0).then(|| format!("{left_out} more ports are not looked at; choose by sockets.ports"));
    let elsewhere = snapshot.elsewhere.as_deref().map(|table| {
        format!(
            "the MTA's host has another network than this process, so its sockets are read from {}",
            escape::path(table)
        )
    });
    let unlimited = snapshot.listeners.values().any(|queue| queue.limit.is_none()).then(|| {
        "how long listen queues may get is not known there, so imsimta_smtp_listen_queue_limit will be absent".to_owned()
    });
    [usual, left_out, elsewhere, unlimited].into_iter().flatten()
}
