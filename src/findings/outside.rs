//! What a client meets at the ports of this host (Administration Guide, "Timeouts on Incoming SMTP Connections").

use super::Finding;
use super::rule::Look;
use super::situation::{Port, Situation};
use super::words::{counted, time};

/// Nobody is served there. One look may have been unlucky.
pub(super) fn no_banner(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    for (port, Port { failure, failures, .. }) in &situation.ports {
        let Some(failure) = failure.as_ref().filter(|_| *failures >= look.limits.failed_looks) else {
            continue;
        };
        let failure = failure.trim_end_matches('.');
        let what = format!("Clients get no banner at port {port}: {failure}.");
        found.push(look.finds(what).labelled("port", port).since(format!("That was so at {} in a row.", counted(*failures, "look"))).then(
            "Look whether the Dispatcher runs (imsimta process) and at the newest dispatcher.log-*, and how many \
             connections are open of those that it takes.",
        ));
    }
}

/// Before it greets, the server asks for the client's name, on loopback as well.
pub(super) fn slow_banner(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    let slow = look.limits.slow_banner.as_secs_f64();
    for (port, banner) in situation.ports.iter().filter_map(|(port, shown)| Some((port, shown.banner?))) {
        if banner < slow {
            continue;
        }
        let what = format!("The banner of port {port} took {}.", time(banner));
        found.push(look.finds(what).then(
            "Mostly the server waits for a look-up of the client's name: let `hosts:` of /etc/nsswitch.conf begin \
             with `files`, and look whether the name servers answer.",
        ));
    }
}
