//! Messages that have waited too long for where they are to go.

use super::now::ABOVE;
use crate::aggregate::recent::ChannelActivity;
use crate::findings::channels::{is_remote, is_store};
use crate::findings::rule::Look;
use crate::findings::situation::{Situation, Traffic};
use crate::findings::words::time;
use crate::findings::{Finding, share};

/// From this share of the attempts on they mostly fail.
const MOSTLY: f64 = 0.5;

/// Why most attempts fail, where they do.
fn mostly(traffic: Option<&Traffic>) -> String {
    let window = traffic.map(|traffic| &traffic.window).filter(|window| window.failed() > 0);
    let reason = window
        .filter(|window| share(window.failed(), window.attempts) >= MOSTLY)
        .and_then(ChannelActivity::main_reason);
    reason.map_or_else(String::new, |reason| format!("; most attempts fail, mostly {}", reason.label()))
}

/// What came within the hour: mostly it is in the store within seconds. Mailboxes over quota keep older mail for days.
pub(in crate::findings) fn store_old(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    for (channel, queue) in situation.waiting().filter(|(channel, _)| is_store(channel)) {
        let limits = look.limits.of_channel(channel);
        let Some(delivered) = queue.delivered_in_hour.filter(|_| queue.new >= limits.store_messages) else {
            continue;
        };
        #[expect(clippy::cast_precision_loss, reason = "a share of counts needs no 53 bits")]
        let few = queue.new as f64 <= limits.store_share * delivered as f64;
        if few {
            continue;
        }
        let traffic = situation.channels.get(channel).and_then(|state| state.traffic.as_ref());
        let what = format!(
            "{channel}: {} new messages wait for minutes in front of the message store{}.",
            queue.new,
            mostly(traffic)
        );
        let within = time(limits.store_window.as_secs_f64());
        let evidence =
            format!("They came within the hour, and {delivered} recipients were delivered in {within}.");
        let next = "See the reasons of its Q entries in mail.log_current, and whether the store runs.";
        found.push(look.finds_in(channel, what).since(evidence).then(next).explains(&[ABOVE], Some(channel)));
    }
}

/// Remote hosts may take days, but after the last of the `notices` mail is returned.
pub(in crate::findings) fn remote_old(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    for (channel, queue) in situation.waiting().filter(|(channel, _)| is_remote(channel)) {
        let limit = look.limits.of_channel(channel).remote_age.as_secs_f64();
        let Some(age) = queue.oldest.filter(|&age| age > limit) else { continue };
        let what =
            format!("{channel}: a message has waited for {}, longer than until it is returned.", time(age));
        let next = "Its sender should have it back by now: see whether the message return job ran last night, which makes \
                    mail.log_yesterday.";
        found.push(look.finds_in(channel, what).then(next));
    }
}
