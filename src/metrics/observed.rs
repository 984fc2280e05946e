//! What is known now, on one page: all but what collectors find, which the table of collectors has.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::client_display::ClientDisplay;
use super::page::Page;
use super::{catalogue, connections, exporter, logs, notified, usual};
use crate::observed::Observed;

/// Puts on the page what is known, and how collectors fare.
pub fn fill(page: &mut Page, observed: &Observed, clients: &ClientDisplay) {
    page.clock_gained = observed.clock.gained_seconds();
    fill_logs(page, observed, clients);
    for collector in observed.outlines() {
        exporter::fill_collector(page, collector.about.name, &collector.reading);
    }
    for service in observed.services() {
        page.count(&catalogue::CONNECTIONS_USED, &[&service.name], service.used);
    }
    let alerts = Arc::clone(&observed.alerts.lock());
    exporter::fill_alerts(page, &alerts);
    exporter::fill_state(page, &observed.state.lock());
    let left_out = observed.logs().history.lock().left_out();
    exporter::fill_history(page, &observed.history.lock(), left_out);
    usual::fill_file(page, &observed.baseline.lock());
    exporter::fill_wakeups(page, &observed.wakeups);
    notified::fill(page, &observed.notified);
    exporter::fill_left_behind(page, observed.left_behind.load(Ordering::Relaxed));
    connections::fill(page, &observed.connections);
    let own = observed.own.lock().clone();
    exporter::fill_own(page, own.as_deref(), observed.readiness().is_ready());
}

fn fill_logs(page: &mut Page, observed: &Observed, clients: &ClientDisplay) {
    let book = observed.logs();
    let now = observed.clock.now().shown(&book.aggregate);
    usual::fill(page, &book.baseline.lock(), now.now());
    if book.shown {
        logs::fill(page, &book.aggregate.totals, clients, now);
    }
    if book.notices_shown {
        logs::fill_notices(page, &book.aggregate.totals);
    }
    logs::fill_daemon_events(page, &book.aggregate.totals, &book.daemon_events.shown);
    exporter::fill_following(page, &book.following, observed.clock.steady_seconds());
    exporter::fill_timezone(page, observed.timezone.is_known());
}
