//! Samples about who is told of alerts.

use super::catalogue as metric;
use super::page::Page;
use crate::observed::notified::{Failure, Notified, Said};

/// Puts all receivers on the page.
pub fn fill(page: &mut Page, notified: &Notified) {
    for receiver in notified.receivers() {
        let (name, told) = (receiver.name.as_str(), receiver.told());
        for &said in Said::ALL {
            page.count(&metric::NOTIFICATIONS_SENT, &[name, said.label()], told.said(said));
        }
        for &how in Failure::ALL {
            page.count(&metric::NOTIFICATIONS_FAILED, &[name, how.label()], told.failed(how));
        }
        page.count(&metric::NOTIFICATIONS_DROPPED, &[name], told.dropped);
        page.count(&metric::NOTIFICATIONS_DELAYED, &[name], told.put_off);
        if let Some(at) = told.last_success {
            page.moment(&metric::NOTIFICATION_LAST_SUCCESS, &[name], at);
        }
        if let Some(alerts) = told.of_another {
            page.count(&metric::SPOKEN_BY_ANOTHER, &[name], alerts);
        }
    }
}
