//! Samples about the HTTP connections.

use super::catalogue as metric;
use super::page::Page;
use crate::observed::connections::{ConnectionCounts, Cut};

/// Puts the HTTP side on the page.
pub fn fill(page: &mut Page, counts: &ConnectionCounts) {
    page.count(&metric::HTTP_CONNECTIONS, &[], counts.open());
    for &cause in Cut::ALL {
        page.count(&metric::HTTP_CUT, &[cause.label()], counts.cuts(cause));
    }
    if let Some(read) = counts.web_config() {
        page.truth(&metric::WEB_CONFIG_SUCCESSFUL, &[], read.successful);
        page.moment(&metric::WEB_CONFIG_TIME, &[], read.at);
    }
    page.count(&metric::HTTP_ACCEPT_FAILURES, &[], counts.accept_failures());
}
