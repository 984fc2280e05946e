//! The look from outside, where ports are named.

use std::sync::Arc;

use super::row::Verdict::{Fine, Problem};
use super::row::{Look, Remark, Start};
use crate::observed::reading::{Reading, Run};
use crate::source::probe::{ProbeSnapshot, Prober};
use crate::source::sockets::Namespace;

/// Loopback leads to what listens on the MTA's host where this process has the same network.
const ELSEWHERE: &str =
    "the MTA's host has another network than this process, so its ports cannot be reached by loopback";

pub(super) fn start(start: &Start<'_>) -> Look<ProbeSnapshot> {
    let config = start.config.probe.clone();
    if config.ports.is_empty() {
        return Box::new(|| Run::Off);
    }
    let prober = match Prober::new(config.address, &config.ports, &config.tls_ports, config.timeout) {
        Ok(prober) => prober,
        Err(problem) => return Box::new(move || Run::Failed(problem.clone())),
    };
    let mut carried_over = start.kept.carried_over(|before: Option<Prober>| match before {
        Some(before) => prober.going_on_from(&before),
        None => prober,
    });
    let (observed, turn) = (Arc::clone(start.observed), start.turn.clone());
    let proc_root = start.proc_root.to_owned();
    Box::new(move || {
        let Some(latest) = observed.collected.latest::<ProbeSnapshot>() else {
            return Run::Failed("has no place for what it finds".to_owned());
        };
        if !Namespace::of(&proc_root).is_own() {
            return Run::Failed(ELSEWHERE.to_owned());
        }
        let begun = latest.alive(&turn);
        let snapshot = carried_over.get().look(&|| latest.alive(&turn));
        if turn.is_over() {
            return Run::Failed("was cut short".to_owned());
        }
        // A look waits for others and works next to nothing, so a slow banner makes looks no rarer.
        latest.waited(&turn, latest.alive(&turn).saturating_sub(begun));
        Run::Whole(snapshot)
    })
}

/// What a client would meet.
pub(super) fn remarks(reading: &Reading<ProbeSnapshot>, _: &Start<'_>) -> Vec<Remark> {
    let Some(snapshot) = &reading.value else {
        return reading.problem.iter().map(|problem| (Problem, problem.clone())).collect();
    };
    let remark =
        |(port, probed): (&u16, &crate::source::probe::Probed)| match (&probed.failure, probed.banner) {
            (Some(failure), _) => (Problem, format!("port {port}: {failure}")),
            (None, banner) => {
                (Fine, format!("port {port}: a banner after {:.3} s", banner.unwrap_or_default()))
            }
        };
    snapshot.ports.iter().map(remark).collect()
}
