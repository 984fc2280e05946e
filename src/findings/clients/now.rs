//! Who knocks now: floods, probing, guessing, and one sender's surge, each compared with what is usual on this host. Who it is
//! stands on `/top`, as far as clients may be shown.

use crate::findings::measure::Measure;
use crate::findings::rule::Look;
use crate::findings::situation::{Compared, Situation};
use crate::findings::words::{percent, time};
use crate::findings::{Finding, share};

/// Where the clients are.
const BUSIEST: &str = "The busiest are on `/top`";

#[expect(clippy::cast_precision_loss, reason = "a count that is compared needs no 53 bits")]
fn times_more(now: u64, than: u64, factor: f64) -> bool {
    now as f64 > factor * than as f64
}

/// Whether it is far more than is usual, where that is known, and than in the same hours last week.
fn is_unusual(look: &Look<'_>, of: &Compared) -> Option<bool> {
    let factor = look.limits.unusual_factor;
    let as_last_week = of.last_week.is_some_and(|then| !times_more(of.now, then, factor));
    of.usual.map(|usual| times_more(of.now, usual, factor) && !as_last_week)
}

fn usual(of: &Compared) -> String {
    of.usual.map_or_else(String::new, |usual| format!(", where no more than {usual} are usual"))
}

/// Connections of all, as many as make a flood anywhere.
fn flood<'a>(look: &Look<'_>, situation: &'a Situation) -> Option<&'a Compared> {
    let of = situation.compared(Measure::Connections)?;
    let a_second = share(of.now, look.limits.rate_window.as_secs());
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let floor = look.limits.flood_connections as f64;
    (a_second > floor).then_some(of)
}

fn flood_text(look: &Look<'_>, of: &Compared) -> String {
    let within = time(look.limits.rate_window.as_secs_f64());
    format!("{} inbound connections in {within}{}", of.now, usual(of))
}

/// Who comes now is not served.
pub(in crate::findings) fn flood_without_room(
    look: &Look<'_>,
    situation: &Situation,
    found: &mut Vec<Finding>,
) {
    let limits = look.limits;
    let Some(of) = flood(look, situation) else { return };
    let unusual = is_unusual(look, of);
    let used = situation
        .services
        .iter()
        .filter_map(|service| Some((service, service.limit.filter(|&limit| limit > 0)?)));
    let fullest = used.map(|(service, limit)| share(service.used, limit)).fold(0.0, f64::max);
    let near = fullest >= limits.connections_share && unusual == Some(true);
    let overflows = situation.listen_overflows > limits.listen_overflows;
    if unusual == Some(false) || !(near || fullest >= limits.connections_taken || overflows) {
        return;
    }
    let what = format!("{} leave no room for others.", flood_text(look, of));
    let evidence = if overflows {
        format!("{} connections found the listen queue full.", situation.listen_overflows)
    } else {
        format!("A service has {} of the connections that the Dispatcher takes at once.", percent(fullest))
    };
    let next = format!(
        "{BUSIEST}. Few clients or one network: keep them out by the mapping PORT_ACCESS or the firewall; many: see the runbook."
    );
    found.push(look.finds(what).since(evidence).then(&next).explains(&["flood"], None));
}

/// The same while there is room; it needs to know what is usual.
pub(in crate::findings) fn flood_with_room(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    if let Some(of) = flood(look, situation).filter(|of| is_unusual(look, of) == Some(true)) {
        let what = format!("{}; there is still room for them.", flood_text(look, of));
        let next = format!("{BUSIEST}: look whether it is mail, or connections that say nothing.");
        found.push(look.finds(what).then(&next));
    }
}

/// One client or one network that has a large share of all connections.
pub(in crate::findings) fn client_flood(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    let limits = look.limits;
    let all = situation.compared(Measure::Connections).map_or(0, |of| of.now);
    for (measure, floor, who) in [
        (Measure::Client, limits.client_connections, "client"),
        (Measure::Network, limits.network_connections, "network"),
    ] {
        let Some(of) = situation.compared(measure).filter(|of| of.now > floor) else { continue };
        if is_unusual(look, of) != Some(true) || share(of.now, all) <= limits.client_share {
            continue;
        }
        let within = time(limits.client_window.as_secs_f64());
        let what = format!("One {who} made {} connections in {within}{}.", of.now, usual(of));
        let evidence = format!("That is {} of all.", percent(share(of.now, all.max(of.now))));
        let next = format!(
            "{BUSIEST}. Keep an abuser out by the mapping PORT_ACCESS or the firewall; a host of your own that has gone wild, stop it."
        );
        found.push(look.finds(what).since(evidence).then(&next).explains(&["flood"], None));
        return;
    }
}

/// Strangers look for an open relay, or a host of ours may not send.
pub(in crate::findings) fn relay_probing(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    let limits = look.limits;
    let Some(of) = situation.compared(Measure::RelayDenied).filter(|of| of.now > limits.relay_surge) else {
        return;
    };
    let much_anywhere = share(of.now, situation.enqueued_lately) >= limits.relay_denials_share;
    if !is_unusual(look, of).unwrap_or(much_anywhere) {
        return;
    }
    let within = time(limits.abuse_window.as_secs_f64());
    let what = format!("{} recipients were refused as relaying in {within}{}.", of.now, usual(of));
    let next = format!(
        "Nothing went through. {BUSIEST}: a stranger can be kept out by PORT_ACCESS or the firewall, a host of your own \
         belongs into INTERNAL_IP."
    );
    found.push(look.finds(what).then(&next));
}

/// Users do not fail so often.
pub(in crate::findings) fn password_guessing(
    look: &Look<'_>,
    situation: &Situation,
    found: &mut Vec<Finding>,
) {
    let limits = look.limits;
    let Some(of) = situation.compared(Measure::Guesses).filter(|of| of.now > limits.guesses) else { return };
    let all = situation.authentications_lately;
    if !is_unusual(look, of).unwrap_or(true) || share(of.now, all) <= limits.authentication_failures_share {
        return;
    }
    let within = time(limits.abuse_window.as_secs_f64());
    let what = format!("{} logins failed in {within}{}: passwords are guessed.", of.now, usual(of));
    let evidence = format!("That is {} of all.", percent(share(of.now, all.max(of.now))));
    let next = format!(
        "{BUSIEST}; if one of them succeeds afterwards (authenticated senders there), that account is stolen."
    );
    found.push(look.finds(what).since(evidence).then(&next));
}

/// An account whose password was stolen looks like that, and so does a newsletter.
pub(in crate::findings) fn sender_surge(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    let limits = look.limits;
    let Some(of) = situation.compared(Measure::Sender).filter(|of| of.now >= limits.sender_surge) else {
        return;
    };
    let known = of.usual.map(|usual| times_more(of.now, usual, limits.unusual_factor));
    let as_last_week = of.last_week.is_some_and(|then| share(then, of.now) >= limits.same_hours_share);
    if !known.unwrap_or(of.now >= limits.sender_surge_unknown) || as_last_week {
        return;
    }
    let what = format!("One authenticated sender has {} recipients in 5 minutes{}.", of.now, usual(of));
    let next = "Who it is stands on `/top`: read the E entries of this sender in mail.log_current. If the account is \
                stolen, disable it, then return or delete what waits of it (`imsimta qm directory -envelope`).";
    found.push(look.finds(what).then(next));
}
