//! Samples of the snapshots: queue, sockets, processes, file systems.

use std::collections::BTreeMap;

use super::busiest;
use super::catalogue as metric;
use super::client_display::ClientDisplay;
use super::page::Page;
use crate::observed::history::Growth;
use crate::source::daemon_logs::Listing;
use crate::source::dispatcher::Dispatcher;
use crate::source::filesystems::FilesystemSnapshot;
use crate::source::processes::ProcessSnapshot;
use crate::source::sockets::{SocketSnapshot, TcpState};
use crate::source::spool::held_files::HeldReason;
use crate::source::spool::{AGE_BANDS, ATTEMPT_BANDS, ChannelQueue, ErrorKind, QueueSnapshot};

/// Puts the numbers of daemons' log files on the page.
pub fn fill_daemon_logs(page: &mut Page, listing: &Listing) {
    for (log, counts) in &listing.counts {
        let log = [log.label()];
        page.count(&metric::DAEMON_LOG_FILES, &log, counts.files);
        page.count(&metric::DAEMON_LOG_FILES_FOLLOWED, &log, counts.followed);
        page.count(&metric::DAEMON_LOG_FILES_LEFT_OUT, &log, counts.left_out);
        page.count(&metric::DAEMON_LOG_FILES_UNREADABLE, &log, counts.unreadable);
    }
    if !listing.counts.is_empty() {
        page.count(&metric::DAEMON_LOG_NAMES_LEFT_OUT, &[], listing.left_out);
    }
}

/// Puts the queue on the page, and by how much its channels grew.
pub fn fill_queue(page: &mut Page, snapshot: &QueueSnapshot, growth: &BTreeMap<String, Growth>) {
    for (kind, &errors) in ErrorKind::ALL.iter().zip(&snapshot.errors) {
        page.count(&metric::QUEUE_SCAN_ERRORS, &[kind.label()], errors);
    }
    if let Some(directories) = snapshot.directories {
        page.count(&metric::QUEUE_CHANNELS, &[], directories);
    }
    let Some(scan) = &snapshot.scan else { return };
    page.count(&metric::QUEUE_CHANNELS_LEFT_OUT, &[], snapshot.left_out);
    page.count(&metric::QUEUE_SCAN_DIRECTORIES, &["read"], scan.read);
    page.count(&metric::QUEUE_SCAN_DIRECTORIES, &["skipped"], scan.skipped);
    page.count(&metric::QUEUE_SCAN_FILES, &[], scan.files);
    page.truth(&metric::QUEUE_SCAN_PARTIAL, &[], scan.partial);
    let estimated = snapshot.channels.values().any(|queue| queue.unknown > 0);
    page.truth(&metric::QUEUE_BYTES_ESTIMATED, &[], estimated);
    for channel in &snapshot.unreadable {
        page.truth(&metric::QUEUE_CHANNEL_SUCCESS, &[channel], false);
    }
    for (channel, growth) in growth {
        let Some(messages) = growth.messages else { continue };
        #[expect(clippy::cast_precision_loss, reason = "the exposition format has floating point only")]
        page.sample(&metric::QUEUE_GROWTH, &[channel], messages as f64);
    }
    for (channel, queue) in &snapshot.channels {
        let channel = channel.as_str();
        page.count(&metric::QUEUE_MESSAGES, &[channel], queue.messages);
        page.count(&metric::QUEUE_OTHER_FILES, &[channel], queue.other_files);
        for (band, &messages) in ATTEMPT_BANDS.iter().zip(&queue.attempts) {
            page.count(&metric::QUEUE_ATTEMPTS, &[channel, band], messages);
        }
        for (reason, &messages) in HeldReason::ALL.iter().zip(&queue.held) {
            page.count(&metric::QUEUE_HELD, &[channel, reason.label()], messages);
        }
        page.truth(&metric::QUEUE_CHANNEL_SUCCESS, &[channel], true);
        page.sample(&metric::QUEUE_LAST_SCAN, &[channel], queue.scanned_at);
        if queue.unasked == 0 {
            fill_sizes_and_times(page, channel, queue);
        }
    }
}

/// What is known of a channel once each of its messages has been asked for.
fn fill_sizes_and_times(page: &mut Page, channel: &str, queue: &ChannelQueue) {
    page.count(&metric::QUEUE_BYTES, &[channel], queue.bytes);
    page.count(&metric::QUEUE_STUCK, &[channel], queue.stuck);
    if let Some(oldest) = queue.oldest {
        page.sample(&metric::QUEUE_OLDEST, &[channel], oldest);
    }
    for (&(band, _), &messages) in AGE_BANDS.iter().zip(&queue.ages) {
        page.count(&metric::QUEUE_AGES, &[channel, band], messages);
    }
}

/// Puts the sockets on the page.
pub fn fill_sockets(page: &mut Page, snapshot: &SocketSnapshot, clients: &ClientDisplay) {
    page.count(&metric::CLIENT_SOCKETS_LEFT_OUT, &[], snapshot.clients_left_out);
    page.count(&metric::PORTS_LEFT_OUT, &[], snapshot.ports.left_out);
    for (state, &sockets) in TcpState::ALL.iter().zip(&snapshot.outbound) {
        page.count(&metric::OUTBOUND_SOCKETS, &[state.label()], sockets);
    }
    if let Some(drops) = snapshot.drops {
        page.count(&metric::LISTEN_OVERFLOWS, &[], drops.overflows);
        page.count(&metric::LISTEN_DROPS, &[], drops.drops);
    }
    for (&(port, state), &sockets) in &snapshot.states {
        page.count(&metric::SMTP_SOCKETS, &[&port.to_string(), state.label()], sockets);
    }
    for (port, queue) in &snapshot.listeners {
        let port = port.to_string();
        page.count(&metric::LISTEN_QUEUE, &[&port], u64::from(queue.used));
        if let Some(limit) = queue.limit {
            page.count(&metric::LISTEN_QUEUE_LIMIT, &[&port], u64::from(limit));
        }
    }
    busiest::fill_sockets(page, snapshot, clients);
}

/// Puts what the Dispatcher may do on the page.
pub fn fill_dispatcher(page: &mut Page, dispatcher: &Dispatcher) {
    page.count(&metric::SERVICES_LEFT_OUT, &[], dispatcher.left_out);
    for service in &dispatcher.services {
        let name = service.name.as_str();
        if let Some(limit) = service.limit() {
            page.count(&metric::CONNECTIONS_LIMIT, &[name], limit);
        }
        page.sample(&metric::SERVICE_MAX_LIFE_TIME, &[name], service.life().as_secs_f64());
        if let Some(most) = service.max_life_conns {
            page.count(&metric::SERVICE_MAX_LIFE_CONNECTIONS, &[name], most);
        }
    }
}

/// Puts the MTA's processes on the page.
pub fn fill_processes(page: &mut Page, snapshot: &ProcessSnapshot) {
    for (process, group) in &snapshot.processes {
        let process = process.as_str();
        page.count(&metric::PROCESSES, &[process], group.running);
        page.count(&metric::PROCESS_RESTARTS, &[process], group.starts_total);
        page.count(&metric::PROCESS_RESIDENT_MEMORY, &[process], group.resident_bytes);
        page.sample(&metric::PROCESS_CPU, &[process], group.cpu_seconds_total);
        if let Some(start) = group.oldest_start {
            page.sample(&metric::PROCESS_START_TIME, &[process], start);
        }
        if let Some(open) = group.open_fds {
            page.count(&metric::PROCESS_OPEN_FDS, &[process], open);
        }
        if let Some(most) = group.max_fds {
            page.count(&metric::PROCESS_MAX_FDS, &[process], most);
        }
        if let Some(share) = group.worst_fds_share {
            page.sample(&metric::PROCESS_FDS_WORST, &[process], share);
        }
        page.count(&metric::PROCESS_THREADS, &[process], group.threads);
        if let Some(overaged) = group.overaged {
            page.count(&metric::PROCESS_OVERAGED, &[process], overaged);
        }
    }
}

/// Puts file systems and files on the page.
pub fn fill_filesystems(page: &mut Page, snapshot: &FilesystemSnapshot) {
    let shared = snapshot.shared();
    for (path, space) in &snapshot.filesystems {
        let Ok(space) = space else { continue };
        page.count(&metric::FILESYSTEM_AVAIL, &[path], space.avail_bytes);
        page.count(&metric::FILESYSTEM_SIZE, &[path], space.size_bytes);
        page.truth(&metric::FILESYSTEM_SHARED, &[path], shared.contains(path));
        if let Some(files) = space.files {
            page.count(&metric::FILESYSTEM_FILES_FREE, &[path], files.free);
            page.count(&metric::FILESYSTEM_FILES, &[path], files.all);
        }
    }
    for (log, &bytes) in &snapshot.log_file_sizes {
        page.count(&metric::LOG_FILE_SIZE, &[log], bytes);
    }
    for (path, &ok) in &snapshot.ownership {
        page.truth(&metric::OWNERSHIP_OK, &[path], ok);
    }
    for (log, growth) in &snapshot.cumulative {
        let Some(growth) = *growth else { continue };
        #[expect(clippy::cast_precision_loss, reason = "the exposition format has floating point only")]
        page.sample(&metric::LOG_FILE_GROWTH, &[log], growth as f64);
    }
    for (log, &at) in &snapshot.rotated {
        page.sample(&metric::LOG_ROTATED, &[log], at);
    }
    for (&(path, wrong), files) in &snapshot.wrong {
        page.count(&metric::CRITICAL_FILES_WRONG, &[path, wrong.label()], files.count);
    }
    page.count(&metric::CRITICAL_FILES_LEFT_OUT, &[], snapshot.wrong_left_out);
    for (what, compared) in &snapshot.configuration {
        page.truth(&metric::CONFIGURATION_STALE, &[what.label()], compared.stale);
    }
}
