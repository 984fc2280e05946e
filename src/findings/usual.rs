//! What is not as it is at this time of the week, as far as that was learned.

use super::Finding;
use super::channels::{HOLD, is_a_way_out};
use super::rule::Look;
use super::situation::Situation;
use crate::aggregate::baseline::Band;

/// The last days of a month have more than the upper end of what is usual, and are no ticket.
const TIMES_EXPECTED: f64 = 2.0;

/// Whether it is more than is usual, and far more than is expected.
fn is_above(count: u64, band: Band) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "a comparison needs no 53 bits")]
    let count = count as f64;
    count > band.upper && count > TIMES_EXPECTED * band.presently
}

/// A channel holds more than is usual.
pub(super) fn queue_above_baseline(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    for (channel, queue) in situation.waiting().filter(|(channel, _)| *channel != HOLD) {
        let Some(band) = situation.usual.queue.get(channel) else { continue };
        let above = is_above(queue.messages, *band);
        if queue.messages < look.limits.of_channel(channel).baseline_messages || !above {
            continue;
        }
        let what = format!(
            "{} messages wait in {channel}, where no more than {:.0} are usual at this time of the week.",
            queue.messages, band.upper
        );
        let next = format!(
            "See whether its attempts fail, more comes in than usual, or nobody works on it: `imsimta qm jobs {channel}`."
        );
        let shown = format!("Mostly there are {:.0}.", band.presently);
        found.push(look.finds_in(channel, what).since(shown).then(&next));
    }
}

/// More comes in through a channel than is usual.
pub(super) fn enqueue_surge(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    for (channel, enqueues) in &situation.usual.enqueues {
        let (count, band) = (enqueues.latest.count, enqueues.latest.band);
        let above = is_above(count, band);
        if count < look.limits.of_channel(channel).enqueue_surge || !above {
            continue;
        }
        let what = format!(
            "{count} recipients came in through {channel} in five minutes, where no more than {:.0} are usual at this \
             time of the week.",
            band.upper
        );
        let next = "See on /top who sends: a mailing, a stolen account, a loop, a flood.";
        let shown = format!("Mostly there are {:.0}.", band.presently);
        found.push(comes_in(look, channel, what).since(shown).then(next));
    }
}

/// Nothing comes in through a channel that never rests at this time of the week.
pub(super) fn no_enqueues(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    for (channel, enqueues) in situation.usual.enqueues.iter().filter(|(channel, _)| is_a_way_out(channel)) {
        #[expect(clippy::cast_precision_loss, reason = "a comparison needs no 53 bits")]
        let never_rests = enqueues.steady >= look.limits.of_channel(channel).steady_enqueues as f64;
        let quiet = enqueues.latest.quiet;
        if situation.active == Some(false) || !never_rests || quiet < look.limits.traffic_window.into() {
            continue;
        }
        // Who has switched logging off has to see that before anybody looks for a firewall.
        let last_entry = situation.logs.as_ref().and_then(|logs| logs.last_entry);
        let is_silent = last_entry.is_some_and(|ago| ago >= look.limits.traffic_window.as_secs_f64());
        let silent = if is_silent { ", and nothing is logged" } else { "" };
        let what = format!("No mail has come in through {channel} for {} minutes{silent}.", quiet.minutes());
        let shown = format!(
            "At this time of the week {:.0} recipients come in five minutes mostly.",
            enqueues.latest.band.expected
        );
        let next = "Connect to it from outside (`telnet HOST 25`), see whether the Dispatcher runs (`imsimta process`), \
                    and whether a firewall, a load balancer or MX records were changed.";
        found.push(comes_in(look, channel, what).since(shown).then(next));
    }
}

/// A finding about what comes in through a channel.
fn comes_in(look: &Look<'_>, channel: &str, what: String) -> Finding {
    look.finds(what).of(channel).labelled("source_channel", channel)
}
