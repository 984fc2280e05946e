//! Samples about the exporter itself: collectors, following, state, own process.

use super::catalogue as metric;
use super::page::Page;
use crate::alerting::Standing;
use crate::observed::StateHealth;
use crate::observed::log_book::Following;
use crate::observed::reading::Reading;
use crate::source::processes::OwnProcess;
use crate::source::wakeup::{Restart, Wakeup, WakeupCounts};

/// Puts a collector's last run on the page; nothing before its first.
pub fn fill_collector(page: &mut Page, collector: &str, reading: &Reading<()>) {
    if reading.runs == 0 {
        return;
    }
    page.truth(&metric::COLLECTOR_SUCCESS, &[collector], reading.success);
    page.sample(&metric::COLLECTOR_DURATION, &[collector], reading.duration);
    if let Some(last) = reading.last_success {
        page.moment(&metric::COLLECTOR_LAST_SUCCESS, &[collector], last);
    }
}

/// Puts the state of following on the page. `now` is a moment as those of [`Following`] are.
pub fn fill_following(page: &mut Page, following: &[Following], now: f64) {
    for log in following {
        let name = log.log.as_str();
        if let Some(lag) = log.lag_bytes {
            page.count(&metric::LOG_LAG_BYTES, &[name], lag);
            if let Some(caught_up_at) = log.caught_up_at {
                let seconds = if lag == 0 { 0.0 } else { (now - caught_up_at).max(0.0) };
                page.sample(&metric::LOG_LAG_SECONDS, &[name], seconds);
            }
        }
        if let Some(at) = log.last_read {
            page.moment(&metric::LOG_LAST_READ, &[name], at);
        }
        if let Some(offset) = log.clock_offset {
            page.sample(&metric::LOG_CLOCK_OFFSET, &[name], offset.seconds());
        }
        if let Some(since) = log.partial_line_since {
            page.moment(&metric::LOG_PARTIAL_LINE, &[name], since);
        }
    }
}

/// Puts on the page whether the time zone of the logs is known.
pub fn fill_timezone(page: &mut Page, known: bool) {
    page.truth(&metric::TIMEZONE_KNOWN, &[], known);
}

/// Puts on the page how the alerts of the program's own stand.
pub fn fill_alerts(page: &mut Page, alerts: &Standing) {
    for ((name, severity, channel), state) in alerts.states() {
        page.count(&metric::ALERT_STATE, &[name, severity, channel], state as u64);
    }
    page.count(&metric::ALERTS_LEFT_OUT, &[], alerts.left_out as u64);
    page.count(&metric::ALERTS_SILENCED, &[], alerts.silent() as u64);
}

/// Puts the state's health on the page.
pub fn fill_state(page: &mut Page, state: &StateHealth) {
    if let Some(at) = state.saved_at {
        page.moment(&metric::STATE_SAVED, &[], at);
        page.count(&metric::STATE_SIZE, &[], state.bytes);
        page.sample(&metric::STATE_SAVE_DURATION, &[], state.duration);
    }
    page.count(&metric::STATE_SAVE_FAILURES, &[], state.failures);
    page.count(&metric::STATE_SET_ASIDE, &[], state.set_aside);
}

/// Puts on the page how the history's file fares, and what the history has no room for.
pub fn fill_history(page: &mut Page, file: &StateHealth, left_out: u64) {
    if let Some(at) = file.saved_at {
        page.moment(&metric::HISTORY_SAVED, &[], at);
        page.count(&metric::HISTORY_SIZE, &[], file.bytes);
        page.sample(&metric::HISTORY_SAVE_DURATION, &[], file.duration);
    }
    page.count(&metric::HISTORY_SAVE_FAILURES, &[], file.failures);
    page.count(&metric::HISTORY_SET_ASIDE, &[], file.set_aside);
    page.count(&metric::HISTORY_LEFT_OUT, &[], left_out);
}

/// Puts on the page what woke the reader of the logs, and what became of its watchers.
pub fn fill_wakeups(page: &mut Page, counts: &WakeupCounts) {
    for &cause in Wakeup::ALL {
        page.count(&metric::WAKEUPS, &[cause.label()], counts.wakeups(cause));
    }
    for &cause in Restart::ALL {
        page.count(&metric::WATCHER_RESTARTS, &[cause.label()], counts.restarts(cause));
    }
}

/// Puts the threads on the page that were left behind.
pub fn fill_left_behind(page: &mut Page, threads: u64) {
    page.count(&metric::LEFT_BEHIND, &[], threads);
}

/// Puts on the page whether the MTA is active on this host; nothing before somebody looked.
pub fn fill_active(page: &mut Page, active: Option<bool>) {
    if let Some(active) = active {
        page.truth(&metric::MTA_ACTIVE, &[], active);
    }
}

/// Puts the program's own process and release on the page.
pub fn fill_own(page: &mut Page, own: Option<&OwnProcess>, ready: bool) {
    page.count(&metric::BUILD_INFO, &[env!("CARGO_PKG_VERSION")], 1);
    page.truth(&metric::READY, &[], ready);
    let Some(own) = own else { return };
    page.sample(&metric::OWN_CPU, &[], own.cpu_seconds_total);
    page.count(&metric::OWN_OPEN_FDS, &[], own.open_fds);
    if let Some(most) = own.max_fds {
        page.count(&metric::OWN_MAX_FDS, &[], most);
    }
    page.count(&metric::OWN_VIRTUAL_MEMORY, &[], own.virtual_bytes);
    page.count(&metric::OWN_RESIDENT_MEMORY, &[], own.resident_bytes);
    page.sample(&metric::OWN_START_TIME, &[], own.start_time_seconds);
    page.count(&metric::OWN_THREADS, &[], own.threads);
}
