//! Single errors and dumps, any split of the lines, the last minutes, and what a restart keeps.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{
    DUMP_RECORDS, DaemonLog, DaemonLogs, EventClass, InFile, Judge, TEXT_BYTES, Time, UnixTime,
    WINDOW_MINUTES,
};

fn classes(log: DaemonLog, text: &str) -> Vec<EventClass> {
    let (mut file, mut judge) = (InFile::default(), Judge::default());
    let mut events = file.lines(log, text.lines().map(str::as_bytes), &mut judge);
    events.extend(file.quiet(log, &mut judge));
    assert!(!file.is_open() && events.iter().all(|event| event.text.len() <= TEXT_BYTES));
    events.iter().map(|event| event.class).collect()
}

/// So many records that no evidence fits, the first of them at a second of the minute.
fn unfit(records: usize, second: usize) -> String {
    let record = |record: usize| {
        let hundredth = record % 100;
        format!("00:10:{second:02}.{hundredth:02}: host {record}.example 3 messages\n")
    };
    (0..records).map(record).collect()
}

#[test]
fn what_the_job_controller_writes_is_an_error_unless_it_is_a_dump() {
    use EventClass::{Dump, ForkFailed, Other};
    let fork = "00:10:40.00: jbc_channels: chan_execute [1]: fork failed: Not enough space\n";
    for (text, expected) in [
        (unfit(3, 1), vec![Other; 3]),
        (unfit(DUMP_RECORDS - 1, 1), vec![Other; DUMP_RECORDS - 1]),
        (unfit(DUMP_RECORDS, 1), vec![Dump]),
        (unfit(90, 1) + &unfit(90, 2) + &unfit(90, 3), vec![Dump]),
        // As many that are not upon each other are as many errors.
        ((0..25).map(|record| unfit(1, 2 * record)).collect(), vec![Other; 25]),
        // What follows a dump is none, and an error within one shows.
        (unfit(90, 1) + &unfit(2, 9), vec![Dump, Other, Other]),
        (unfit(90, 1) + fork + &unfit(2, 41), vec![Dump, ForkFailed, Other, Other]),
        (fork.repeat(90), vec![ForkFailed; 90]),
        // Over midnight.
        ("23:59:59.90: a\n".repeat(15) + &"00:00:00.10: b\n".repeat(15), vec![Dump]),
        (String::new(), vec![]),
    ] {
        assert_eq!(
            classes(DaemonLog::JobController, &text),
            expected,
            "{}",
            text.lines().next().unwrap_or_default()
        );
    }
    assert_eq!(classes(DaemonLog::Dispatcher, &unfit(90, 1)), []);
    let nslog = "[28/Nov/2026:00:10:01 +0000] mta1 job_controller[1]: General Error: what is this\n";
    assert_eq!(classes(DaemonLog::JobController, &nslog.repeat(30)), [Other; 30], "it says that each is one");
}

#[test]
fn the_last_minutes_are_those_of_the_records() {
    let mut logs = DaemonLogs::default();
    let at = |minute: i64| Time::of(1_795_000_020_000 + minute * 60_000);
    let class = EventClass::NoSpace;
    // Of one nobody knows the day.
    let events = [Some(at(0)), Some(at(-90)), Some(at(3)), None, Some(at(1))].map(|at| (class, at));
    logs.apply(DaemonLog::Imta, 7, InFile::default(), events.into_iter());
    let count = |logs: &DaemonLogs, minute: i64| logs.recent(at(minute))[DaemonLog::Imta].get(class);
    assert_eq!(logs.counts()[DaemonLog::Imta].get(class), 5);
    assert_eq!(
        (count(&logs, 3), count(&logs, WINDOW_MINUTES + 2), count(&logs, WINDOW_MINUTES + 4)),
        (3, 1, 0)
    );
    for minute in (0..10_000).chain([i64::MAX / 60_000 - 40_000_000, -10_000]) {
        logs.apply(DaemonLog::Imta, 7, InFile::default(), std::iter::once((class, Some(at(minute)))));
        assert!(logs.recent.len() <= 16);
    }
}

#[test]
fn files_that_are_gone_are_forgotten_and_the_sums_stay() {
    let (mut logs, mut judge) = (DaemonLogs::default(), Judge::default());
    for inode in 1..=3 {
        let mut file = logs.file(inode);
        let long = "x".repeat(9999);
        file.lines(DaemonLog::Imta, std::iter::once(long.as_bytes()), &mut judge);
        logs.apply(DaemonLog::Imta, inode, file, std::iter::once((EventClass::Other, Some(Time::of(0)))));
    }
    let listed = UnixTime::of(1_795_000_000_000);
    logs.listed(&BTreeSet::from([2, 9]), listed);
    assert_eq!((logs.files.len(), logs.file(2).is_open(), logs.file(1).is_open()), (1, true, false));
    assert_eq!((logs.counts()[DaemonLog::Imta].sum(), logs.last_listed()), (3, Some(listed)));
    assert_eq!(logs.cut(), 3);
}

proptest! {
    /// However lines come, and wherever it is saved and loaded, a file tells the same.
    #[test]
    fn any_split_tells_the_same(
        lines in prop::collection::vec("00:00:0[0-9].00: (fork failed|a|b c)( Not\n   enough space)?", 0..80),
        every in 1_usize..9,
    ) {
        let lines: Vec<&str> = lines.iter().flat_map(|line| line.lines()).collect();
        let (mut whole, mut judge) = (InFile::default(), Judge::default());
        let log = DaemonLog::JobController;
        let mut expected = whole.lines(log, lines.iter().map(|line| line.as_bytes()), &mut judge);
        expected.extend(whole.quiet(log, &mut judge));
        let (mut file, mut found) = (InFile::default(), Vec::new());
        for part in lines.chunks(every) {
            let saved = rmp_serde::to_vec_named(&file).expect("encoded");
            file = rmp_serde::from_slice(&saved).expect("decoded");
            found.extend(file.lines(log, part.iter().map(|line| line.as_bytes()), &mut judge));
        }
        found.extend(file.quiet(log, &mut judge));
        prop_assert_eq!(found, expected);
    }
}
