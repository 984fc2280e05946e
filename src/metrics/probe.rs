//! Samples of the look from outside.

use super::catalogue as metric;
use super::page::Page;
use crate::source::probe::{ProbeError, ProbeFailure, ProbeSnapshot};

/// Puts on the page what the ports showed.
pub fn fill(page: &mut Page, snapshot: &ProbeSnapshot) {
    for (port, probed) in &snapshot.ports {
        let port = port.to_string();
        let failed = probed.failure.as_ref().map(ProbeError::reason);
        page.truth(&metric::PROBE_SUCCESS, &[&port], failed.is_none());
        page.count(&metric::PROBE_FAILED_LOOKS, &[&port], probed.failures);
        for &reason in ProbeFailure::ALL {
            page.truth(&metric::PROBE_FAILURE, &[&port, reason.label()], failed == Some(reason));
        }
        if let Some(seconds) = probed.connect {
            page.sample(&metric::PROBE_CONNECT, &[&port], seconds);
        }
        if let Some(seconds) = probed.banner {
            page.sample(&metric::PROBE_BANNER, &[&port], seconds);
        }
    }
}
