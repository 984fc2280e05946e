//! Everything that is known now, on one page.

use super::logs::{self, ClientDisplay};
use super::page::Page;
use super::{collectors, connections, exporter};
use crate::observed::Observed;

/// Puts everything on the page.
pub fn fill(page: &mut Page, observed: &Observed, clients: &ClientDisplay) {
    page.clock_gained = observed.clock.gained_seconds();
    fill_logs(page, observed, clients);
    let (queue, sockets) = (observed.queue.get(), observed.sockets.get());
    let (processes, filesystems) = (observed.processes.get(), observed.filesystems.get());
    if let Some(value) = &queue.value {
        collectors::fill_queue(page, &value.snapshot, &value.growth);
    }
    if let Some(value) = &sockets.value {
        collectors::fill_sockets(page, value, clients);
    }
    if let Some(value) = &processes.value {
        collectors::fill_processes(page, value);
    }
    if let Some(value) = &filesystems.value {
        collectors::fill_filesystems(page, value);
    }
    exporter::fill_collector(page, "queue", &queue);
    exporter::fill_collector(page, "sockets", &sockets);
    exporter::fill_collector(page, "processes", &processes);
    exporter::fill_collector(page, "filesystems", &filesystems);
    exporter::fill_active(page, observed.is_active());
    exporter::fill_state(page, &observed.state.lock());
    exporter::fill_wakeups(page, &observed.wakeups);
    connections::fill(page, &observed.connections);
    let own = observed.own.lock().clone();
    exporter::fill_own(page, own.as_deref(), observed.readiness().is_ready());
}

fn fill_logs(page: &mut Page, observed: &Observed, clients: &ClientDisplay) {
    let book = observed.logs();
    if book.shown {
        let now = observed.clock.now().shown(&book.aggregate);
        logs::fill(page, &book.aggregate.totals, clients, now);
    }
    if book.notices_shown {
        logs::fill_notices(page, &book.aggregate.totals);
    }
    exporter::fill_following(page, &book.following, observed.clock.steady_seconds());
    exporter::fill_collector(page, "log", &book.reading);
    exporter::fill_timezone(page, observed.timezone.is_known());
}
