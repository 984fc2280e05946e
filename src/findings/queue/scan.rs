//! Whether what is said of the queue can be believed: what could not be counted, and what was counted as no message.

use crate::findings::rule::Look;
use crate::findings::situation::Situation;
use crate::findings::words::percent;
use crate::findings::{Finding, share};

/// A channel whose directory cannot be read has no other number: nothing else can be said of its queue.
pub(in crate::findings) fn scan_failing(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    for (channel, problem) in &situation.scan.unreadable {
        let why = problem.as_ref().map(|problem| format!(": {}", problem.trim_end_matches('.')));
        let what = format!(
            "{channel}: the queue directory of the channel cannot be read{}.",
            why.unwrap_or_default()
        );
        let next = "Nothing is known of its queue. Mostly it is the ownership of a directory: compare it with the others.";
        found.push(look.finds_in(channel, what).then(next));
    }
}

/// A mount that failed. The MTA makes a directory for each channel at its first message and keeps it.
pub(in crate::findings) fn queue_empty(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    if situation.scan.directories == Some(0) {
        let what = "The queue directory holds no channel, so no mail in the queue moves.";
        let next = "See with `findmnt` whether its file system is mounted, and stop the MTA before you mount it: new mail \
                    may go to the wrong disk.";
        found.push(look.finds(what.to_owned()).then(next));
    }
}

pub(in crate::findings) fn scan_partial(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    if situation.scan.partial {
        let what = "The queue is too large or too slow to be counted in time.";
        let next = "Some channels show values of an earlier scan. See whether the disk is slow (`iostat -x`), and how many \
                    files there are.";
        found.push(look.finds(what.to_owned()).then(next));
    }
}

/// Names that no message has. A few copies lie about in any queue; more may be messages that nobody counts.
pub(in crate::findings) fn other_files(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    for (channel, queue) in situation.waiting() {
        let limits = look.limits.of_channel(channel);
        let all = queue.messages + queue.held + queue.other_files;
        let much = share(queue.other_files, all);
        if queue.other_files <= limits.other_files || much <= limits.other_files_share {
            continue;
        }
        let what = format!("{channel}: {} of its files are no messages by their names.", percent(much));
        let evidence = format!("They are {} of {all}.", queue.other_files);
        let next = "Copies that were left there do no harm; if they are messages, they are missing from every number about \
                    the queue: compare with `imsimta qm summarize`.";
        found.push(look.finds_in(channel, what).since(evidence).then(next));
    }
}
