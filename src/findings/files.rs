//! The MTA's files and the file systems below them: space, whose they are, which configuration runs, and whether the logs
//! are rotated (Administration Guide, chapter "Troubleshooting the MTA").

use bytesize::ByteSize;

use super::alert_of::Labels;
use super::rule::Look;
use super::situation::{FileSystem, Situation, Stale, WrongFiles};
use super::words::{time, whole_percent};
use super::{Finding, Severity, share};
use crate::text::escape::path;

/// What lies in a directory, and what to do when its file system is full.
const WHEN_FULL: [(&str, &str); 5] = [
    (
        "queue",
        "Without space no message can be queued. See with `imsimta qm summarize` whether a channel grows, and with `df -h` \
         what else lies there.",
    ),
    (
        "log",
        "Purge old logs with `imsimta purge`; the cumulative mail.log may be moved away or deleted, the MTA makes it anew.",
    ),
    (
        "tmp",
        "Look with `df -h` and `ls -lS` for what fills it. Other programs of the host need it, too, so let its owner remove \
         it.",
    ),
    ("mta_tmp", "Look with `ls -lS` there for what programs of the MTA have left behind that run no more."),
    ("config", "No change of the configuration can be written. Look with `df -h` for what else lies there."),
];

/// What the growth of logs is told of.
const DAY_SECONDS: f64 = 86_400.0;

/// A share of a file system that is free.
type Free = fn(&FileSystem) -> Option<f64>;

/// The least such share of each file system, with the directories on it. They are looked at one after the other, so their
/// shares may differ.
fn filesystems(situation: &Situation, share: Free) -> Vec<(f64, Vec<&'static str>)> {
    let mut all: Vec<(u64, f64, Vec<&'static str>)> = Vec::new();
    for (name, _) in WHEN_FULL {
        let Some(filesystem) = situation.filesystems.get(name) else { continue };
        let Some(free) = share(filesystem) else { continue };
        match all.iter_mut().find(|(device, ..)| *device == filesystem.device) {
            Some((_, least, names)) => {
                *least = least.min(free);
                names.push(name);
            }
            None => all.push((filesystem.device, free, vec![name])),
        }
    }
    all.into_iter().map(|(_, free, names)| (free, names)).collect()
}

pub(super) fn disk(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    let shares: [(&str, Free); 2] = [("", |on| on.free), (" of its inodes", |on| on.files_free)];
    for (what, share) in shares {
        let all = filesystems(situation, share).into_iter();
        for (free, names) in all.filter(|&(free, _)| free < look.limits.free_share) {
            let directories = if names.len() == 1 { "directory" } else { "directories" };
            let severity =
                if free < look.limits.free_share_critical { Severity::Critical } else { Severity::Warning };
            let kind = if what.is_empty() { "space" } else { "inodes" };
            let finding = look.finds(format!(
                "The file system of the {directories} {} has only {}{what} free.",
                names.join(", "),
                whole_percent(free)
            ));
            let finding = finding.weighing(severity).labelled("path", names[0]).labelled("what", kind);
            let next = WHEN_FULL.iter().find(|(name, _)| names.contains(name)).map_or("", |(_, next)| next);
            let next = if what.is_empty() {
                next.to_owned()
            } else {
                "Each file takes one. Count with `df -i` and `ls -f | wc -l`; old logs go with `imsimta purge`.".to_owned()
            };
            let evidence = if names.contains(&"log") { cumulative(situation) } else { String::new() };
            found.push(finding.since(evidence).then(&next));
        }
    }
}

/// What will be full if it goes on so. One step, as that of the return job at midnight, pages nobody.
pub(super) fn disk_filling(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    let limits = look.limits;
    let shares: [(&str, &str, Free); 2] =
        [("space", "", |on| on.free), ("inodes", " of its inodes", |on| on.files_free)];
    for (place, (kind, of, share)) in shares.into_iter().enumerate() {
        for (free, names) in filesystems(situation, share) {
            let Some(filesystem) = situation.filesystems.get(names[0]) else { continue };
            let ahead = &filesystem.ahead[place];
            let is_full = |share: &Option<f64>| share.is_some_and(|share| share < 0.0);
            let (severity, within) =
                if free < limits.filling_share_critical && ahead.of_minutes.iter().all(is_full) {
                    (Severity::Critical, limits.filling_ahead_critical)
                } else if free < limits.filling_share && is_full(&ahead.of_hours) {
                    (Severity::Warning, limits.filling_ahead)
                } else {
                    continue;
                };
            // That nearly nothing is left is said anyway.
            let said =
                if severity == Severity::Critical { limits.free_share_critical } else { limits.free_share };
            if free < said {
                continue;
            }
            let what = format!(
                "The file system of the {} {} has {}{of} free, and will be full within {}.",
                if names.len() == 1 { "directory" } else { "directories" },
                names.join(", "),
                whole_percent(free),
                time(within.as_secs_f64())
            );
            let finding =
                look.finds(what).weighing(severity).labelled("path", names[0]).labelled("what", kind);
            let next = WHEN_FULL.iter().find(|(name, _)| names.contains(name)).map_or("", |(_, next)| next);
            found.push(finding.then(next));
        }
    }
}

/// The return job appends each day's log to mail.log, and nothing but the site itself makes that smaller.
pub(super) fn log_growing(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    let Some(filesystem) = situation.filesystems.get("log") else { return };
    let grown = situation.cumulative_logs.values().filter_map(|log| u64::try_from(log.growth?).ok());
    let growth: u64 = grown.sum();
    if growth == 0 {
        return;
    }
    let full_in = share(filesystem.avail_bytes, growth) * DAY_SECONDS;
    if full_in >= look.limits.logs_ahead.as_secs_f64() {
        return;
    }
    let what = format!("mail.log grows without bound and fills its file system in {}.", time(full_in));
    let next = "Move mail.log away (`mv`, then `gzip`) or delete it: the MTA makes it anew. Then have that done each week.";
    found.push(look.finds(what).since(cumulative(situation)).then(next));
}

/// How large the cumulative logs are.
fn cumulative(situation: &Situation) -> String {
    let size = |bytes: u64| ByteSize::b(bytes).display().iec();
    let logs = situation.cumulative_logs.iter().map(|(name, log)| {
        let growth = log.growth.and_then(|growth| u64::try_from(growth).ok()).filter(|&growth| growth > 0);
        let grew = growth.map_or(String::new(), |growth| format!(", {} more than a day ago", size(growth)));
        format!("{name} has {}{grew}.", size(log.size))
    });
    logs.collect::<Vec<_>>().join(" ")
}

/// Check the Ownership of Critical Files; Dispatcher (SMTP Server) Won't Start Up.
pub(super) fn critical_files(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    let of = |what: &str| {
        let files = situation.wrong_files.iter().filter(move |files| files.what == what);
        files.filter(|files| !["tmp", "dispatcher_socket"].contains(&files.path)).collect::<Vec<_>>()
    };
    for files in &situation.wrong_files {
        found.extend(special(look, files));
    }
    let (owners, modes, groups) = (of("owner"), of("mode"), of("group"));
    if let Some(first) = owners.first() {
        let user = &first.user;
        let what = format!("These do not belong to {user}, as whom the MTA runs: {}.", listed(&owners));
        let next = format!(
            "Compare with `ls -l -p -d`, for the queue with `ls -l -p -R`, and give them to {user} with `chown`. Where \
             nothing belongs to {user}, mta.user of the configuration may be wrong."
        );
        found.push(look.finds(what).labelled_each(labels(&owners)).then(&next));
    }
    if !modes.is_empty() {
        let what = format!("The mode lets everybody write, or keeps the MTA out: {}.", listed(&modes));
        let next = "Compare with `ls -l -p -d`: the manual shows drwx------ and drwxr-x--- for the directories. `chmod` them.";
        found.push(look.finds(what).labelled_each(labels(&modes)).then(next));
    }
    if !groups.is_empty() {
        let what = format!("The group is none that the MTA's user is in: {}.", listed(&groups));
        let next =
            "Nothing is lost by that while the owner is right; see `ls -l -p -d` and `id` of that user.";
        found.push(Finding { severity: Severity::Note, ..look.finds(what).then(next).rings_if(false) });
    }
}

/// Those of the alerts about files, which are one a directory.
fn labels(files: &[&WrongFiles]) -> Vec<Labels> {
    let labels =
        |files: &&WrongFiles| [("path", files.path.to_owned()), ("what", files.what.to_owned())].into();
    files.iter().map(labels).collect()
}

/// Without these the Dispatcher does not start.
fn special(look: &Look<'_>, files: &WrongFiles) -> Option<Finding> {
    let (example, user) = (path(&files.example), &files.user);
    let rings = |finding: Finding| finding.labelled_each(labels(&[files])).rings_if(files.what != "group");
    match files.path {
        "tmp" => {
            let what = format!("{example} has not the mode 1777: the Dispatcher will not start again.");
            let next = format!(
                "It makes its socket there, and other programs suffer, too: `ls -ld {example}`, then `chmod 1777 {example}`."
            );
            Some(rings(look.finds(what)).then(&next))
        }
        "dispatcher_socket" => {
            let what =
                format!("The Dispatcher's socket {example} does not belong to {user}: it cannot use it.");
            let next = format!(
                "Look at it with `ls -l` and `chown` it to {user}. Do not remove it, and make none: the Dispatcher does that."
            );
            Some(rings(look.finds(what)).then(&next))
        }
        _ => None,
    }
}

/// What the names of critical files mean: for one, and for several.
const CALLED: [(&str, &str, &str); 5] = [
    ("queue", "directory of the queue", "directories of the queue"),
    ("queue_files", "queue file", "queue files"),
    ("log", "log directory", "log directories"),
    ("log_files", "log", "logs"),
    ("mta_tmp", "directory of temporary files", "directories of temporary files"),
];

fn listed(files: &[&WrongFiles]) -> String {
    let one = |files: &&WrongFiles| {
        let (_, one, several) = CALLED.iter().find(|(name, ..)| *name == files.path)?;
        Some(match files.count {
            1 => format!("{one} {}", path(&files.example)),
            count => format!("{count} {several} such as {}", path(&files.example)),
        })
    };
    files.iter().filter_map(one).collect::<Vec<_>>().join(", ")
}

/// Changes to Configuration Files or MTA Databases Do Not Take Effect.
pub(super) fn configuration_stale(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    let recent = look.limits.change_shown.as_secs_f64();
    let is_shown = |stale: &&Stale| !stale.unified || stale.ago <= recent;
    // What is not compiled yet has no effect, whatever is restarted.
    let uncompiled = situation.stale.iter().any(|stale| stale.what == "image");
    for stale in situation.stale.iter().filter(is_shown) {
        let (file, ago) = (&stale.file, time(stale.ago));
        let (than, next) = match stale.what {
            "image" => (
                "after the configuration was compiled",
                "Run `imsimta cnbuild`, then restart what reads it, such as `imsimta restart dispatcher`; for mappings alone \
                 `imsimta reload` will do.",
            ),
            "dispatcher" if !uncompiled => (
                "after the Dispatcher or one of its servers started",
                "Run `imsimta restart dispatcher`; clients that are connected have to connect anew.",
            ),
            "job_controller" if !uncompiled => (
                "after the Job Controller started",
                "Run `imsimta restart job_controller` at a quiet time: it reads the whole queue anew.",
            ),
            _ => continue,
        };
        let (severity, effect) = if stale.unified {
            (Severity::Note, "if that was about the MTA, it has no effect yet")
        } else {
            (Severity::Warning, "the change has no effect yet")
        };
        let what = format!("{file} was changed {ago} ago, {than}: {effect}.");
        found.push(Finding { severity, ..look.finds(what).then(next) });
    }
}

/// The return job renames the logs each night.
pub(super) fn not_rotated(look: &Look<'_>, situation: &Situation, found: &mut Vec<Finding>) {
    let limit = look.limits.rotation_age.as_secs_f64();
    let old: Vec<_> = situation.unrotated.iter().filter(|&(_, &seconds)| seconds > limit).collect();
    let Some(&(_, longest)) = old.iter().max_by(|(_, one), (_, other)| one.total_cmp(other)) else { return };
    let names: Vec<&str> = old.iter().map(|(name, _)| name.as_str()).collect();
    let what = format!(
        "{} {} not been renamed for {}: the message return job did not run.",
        names.join(" and "),
        if names.len() == 1 { "has" } else { "have" },
        time(*longest)
    );
    let evidence = "It returns old mail, warns senders, and begins new logs each night.".to_owned();
    let next = "See whether the scheduler has it, with `msconfig show schedule.task:return_job.*`, before 7.0.5 with \
                `configutil -o local.schedule.return_job`, and whether it may rename files in the log directory.";
    // The rule calls them without what the return job changes.
    let labels = names.iter().map(|name| [("log", name.trim_end_matches("_current").to_owned())].into());
    found.push(look.finds(what).labelled_each(labels).since(evidence).then(next));
}
