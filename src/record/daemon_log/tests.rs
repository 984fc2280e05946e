//! Records of each class in both forms, and what makes records of lines.

use proptest::prelude::*;

use super::{DaemonLog, EventClass, Joined, Joiner, Judge, RECORD_BYTES, Record, Written};

/// For each class a text as daemons write it, and whose log it stands in.
const TEXTS: &[(EventClass, DaemonLog, &str)] = &[
    (
        EventClass::ForkFailed,
        DaemonLog::JobController,
        "jbc_channels: chan_execute [1]: fork failed: Not enough space",
    ),
    (
        EventClass::ForkFailed,
        DaemonLog::Dispatcher,
        "Unable to create process for service SMTP: fork: Resource temporarily unavailable",
    ),
    (EventClass::OutOfMemory, DaemonLog::JobController, "jbc_db: db_add [7]: malloc failed"),
    (EventClass::OutOfMemory, DaemonLog::TcpSmtpServer, "Not enough space"),
    (EventClass::VersionMismatch, DaemonLog::Dispatcher, "Compiled Configuration Version Mismatch"),
    (
        EventClass::MmInit,
        DaemonLog::TcpSmtpServer,
        "Error in mm_init: duplicate aliases found: error line #43",
    ),
    (EventClass::MmInit, DaemonLog::Channel, "duplicate host in channel table"),
    (
        EventClass::MmInit,
        DaemonLog::Return,
        "error initializing ch_ facility compiled character set version mismatch",
    ),
    (
        EventClass::SocketTmp,
        DaemonLog::Dispatcher,
        "cannot create /tmp/.SUNWmsgsr.dispatcher.socket: Permission denied",
    ),
    (EventClass::SocketTmp, DaemonLog::Dispatcher, "error creating socket in /tmp"),
    (EventClass::Bind, DaemonLog::Dispatcher, "bind() failed on port 25: Address already in use"),
    (EventClass::Bind, DaemonLog::Dispatcher, "Can't bind to 0.0.0.0:587"),
    (EventClass::NoSpace, DaemonLog::TcpSmtpServer, "File create error: No space left on device"),
    (EventClass::TooManyFiles, DaemonLog::TcpSmtpServer, "accept: Too many open files"),
    (
        EventClass::TooManyConnections,
        DaemonLog::Dispatcher,
        "service SMTP: MAX_CONNS reached, closing connection",
    ),
    (EventClass::TooManyConnections, DaemonLog::Dispatcher, "Too many connections from 192.0.2.9"),
    (EventClass::WorkerExit, DaemonLog::Dispatcher, "process 4711 of service SMTP died, signal 11"),
    (EventClass::WorkerExit, DaemonLog::Dispatcher, "process 4711 exited with status 3"),
    (EventClass::WorkerExit, DaemonLog::JobController, "child 4711 terminated abnormally: unexpected exit"),
    (EventClass::Permission, DaemonLog::Imta, "cannot open /msg/config/imta.cnf: Permission denied"),
    (EventClass::PortAccess, DaemonLog::Dispatcher, "PORT_ACCESS: connection from 192.0.2.9 denied"),
    (EventClass::Database, DaemonLog::Imta, "Unable to open database: DB_RUNRECOVERY"),
    (EventClass::Ldap, DaemonLog::TcpSmtpServer, "LDAP bind failed: Can't contact LDAP server"),
    (EventClass::Tls, DaemonLog::TcpSmtpServer, "TLS library initialization failure"),
    (
        EventClass::MessageStore,
        DaemonLog::Imta,
        "Unable to open mailbox user/username: Mailbox does not exist",
    ),
    (EventClass::MessageStore, DaemonLog::Imta, "message store is not enabled!"),
    (EventClass::Network, DaemonLog::Channel, "os_smtp_open: failed, no route to host"),
    (EventClass::Network, DaemonLog::TcpSmtpServer, "write: Broken pipe"),
    (EventClass::File, DaemonLog::Channel, "File create error on /msg/queue/tcp_local/ZZ01.00"),
    (EventClass::File, DaemonLog::Return, "cannot open /msg/config/return_header.txt"),
    (EventClass::Configuration, DaemonLog::Dispatcher, "unknown option FOO in dispatcher.cnf"),
    (
        EventClass::Other,
        DaemonLog::JobController,
        "jbc_net: net_read [4]: something that nobody has seen before",
    ),
];

/// The forms in which a text may stand in a log that says how grave it is, and in one that does not.
fn nslog(level: &str, text: &str) -> String {
    format!("[28/Nov/2026:23:59:58 +0100] mta1 dispatcher[4711]: General {level}: {text}")
}

fn plain(text: &str) -> [String; 3] {
    [format!("23.59.58.07 (   1): {text}"), format!("23:59:58.07: {text}"), text.to_owned()]
}

/// The classes of the events in a log.
fn events(log: DaemonLog, lines: &str) -> Vec<EventClass> {
    let (mut joiner, mut judge, mut found) = (Joiner::default(), Judge::default(), Vec::new());
    lines
        .lines()
        .for_each(|line| joiner.line(line.as_bytes(), |record| found.extend(judge.event(log, record))));
    joiner.end(|record| found.extend(judge.event(log, record)));
    found
}

/// As a daemon breaks it, with the rest below the text.
fn broken(record: &str, at: usize) -> String {
    let indent = record.find("): ").map_or(4, |at| at + 3);
    format!("{}\n{:indent$}{}", &record[..at], "", &record[at..])
}

#[test]
fn each_class_is_told_in_both_forms_and_in_broken_lines() {
    for &class in EventClass::ALL {
        let has_a_text = TEXTS.iter().any(|(of, ..)| *of == class) || class == EventClass::Dump;
        assert!(has_a_text, "{class:?}");
    }
    for (class, log, text) in TEXTS {
        let forms = [nslog("Error", text), nslog("Critical", text)].into_iter().chain(plain(text));
        for record in forms {
            assert_eq!(events(*log, &record), [*class], "{record}");
            // A break takes nothing from what is said, wherever it falls.
            for at in record.len() - text.len() + 1..record.len() {
                assert_eq!(events(*log, &broken(&record, at)), [*class], "{}", broken(&record, at));
            }
        }
    }
}

#[test]
fn what_is_no_error_is_no_event() {
    for text in [
        "Oracle Communications Messaging Server 7u4-23.01(7.0.4.23.0) 64bit (built Aug 10 2011)) starting up",
        "process 4711 of service SMTP exited with status 0",
        "service SMTP: MAX_PROCS=4, MAX_CONNS=50",
        "reading dispatcher.cnf",
        "new connection from 192.0.2.9 port 4711",
        "Mapping 5 applied to PORT_ACCESS|192.0.2.1|25",
        "",
    ] {
        for log in [DaemonLog::Dispatcher, DaemonLog::TcpSmtpServer, DaemonLog::Imta, DaemonLog::Return] {
            for record in plain(text) {
                assert_eq!(events(log, &record), [], "{record}");
            }
        }
        for &log in DaemonLog::ALL {
            assert_eq!(events(log, &nslog("Notice", text)), [], "{text}");
        }
    }
    // An error without evidence is one all the same, and what an error's words say in passing is none.
    assert_eq!(events(DaemonLog::Imta, &nslog("Error", "function=x|port=2500")), [EventClass::Other]);
    assert_eq!(events(DaemonLog::Dispatcher, &nslog("Information", "bind failed")), []);
    assert_eq!(events(DaemonLog::Dispatcher, &nslog("Warning", "bind failed")), [EventClass::Bind]);
    assert_eq!(events(DaemonLog::Dispatcher, &nslog("Warning", "alarmid=diskavail|value=8")), []);
    assert_eq!(events(DaemonLog::JobController, &nslog("Notice", "starting up")), []);
}

#[test]
fn what_other_hosts_say_in_the_log_of_a_channel_is_no_trouble_of_ours() {
    for text in [
        "received \"452 4.3.1 No space left on device\"",
        "received \"421 Too many connections\"",
        "Mapping 5 applied to TCP|192.0.2.1|25|crashed.example|core dump",
        "550 mailbox locked: permission denied",
    ] {
        assert_eq!(events(DaemonLog::Channel, &format!("08:56:39.33: {text}")), [], "{text}");
    }
}

#[test]
fn a_debugged_job_controller_is_judged_as_the_others() {
    let mut judge = Judge::new(true);
    let mut event =
        |text: &str| judge.event(DaemonLog::JobController, Joined { text: text.as_bytes(), late: false });
    assert_eq!(event("jbc_net: net_read [4]: 12 bytes"), None);
    assert_eq!(event("jbc_channels: chan_execute [1]: fork failed"), Some(EventClass::ForkFailed));
}

#[test]
fn a_record_tells_when_it_was_written() {
    let (clock, at) =
        (Record::of(b"00.00.01.07 (  12): x"), Record::of(nslog("Error", "x").leak().as_bytes()));
    assert_eq!((clock.written, clock.text), (Written::Clock(1070), &b"x"[..]));
    assert!(matches!(at.written, Written::At(stamp) if stamp.utc_offset == Some(3600)));
    assert_eq!(at.text, b"x");
    assert_eq!(Record::of(b"x").written, Written::Unknown);
}

#[test]
fn what_comes_late_counts_only_with_evidence_of_its_own() {
    let (mut joiner, mut judge, mut found) = (Joiner::default(), Judge::default(), Vec::new());
    for line in ["jbc_channels: chan_execute [1]:", "  fork failed", "  more of it"] {
        joiner.line(line.as_bytes(), |_| panic!("it goes on"));
        joiner.end(|record| found.extend(judge.event(DaemonLog::JobController, record)));
        assert!(!joiner.is_open());
    }
    assert_eq!(found, [EventClass::Other, EventClass::ForkFailed]);
}

#[test]
fn a_record_is_bounded() {
    let mut joiner = Joiner::default();
    for _ in 0..1000 {
        joiner.line(&[b'x'; 79], |_| {});
        joiner.line(&[&b"    "[..], &[b'y'; 75]].concat(), |_| {});
        for _ in 0..100 {
            joiner.line(b"     and more of it", |_| panic!("it goes on"));
        }
        joiner.end(|record| assert!(record.text.len() <= RECORD_BYTES));
    }
    for _ in 0..3 {
        joiner.line(&[b'x'; 2 * RECORD_BYTES], |_| {});
    }
    assert!(joiner.cut() >= 3);
}

#[test]
fn each_record_that_is_cut_counts_once_wherever_the_room_ends() {
    for (first, cut) in
        [(RECORD_BYTES - 80, 0), (RECORD_BYTES - 75, 0), (RECORD_BYTES - 74, 1), (RECORD_BYTES, 1)]
    {
        let mut joiner = Joiner::default();
        joiner.line(&vec![b'x'; first], |_| panic!("nothing before it"));
        joiner.line(&[&b"    "[..], &[b'y'; 74]].concat(), |_| panic!("it goes on"));
        assert_eq!(joiner.cut(), cut, "{first}");
        let mut full = joiner.clone();
        (0..9).for_each(|_| full.line(b"    fork failed", |_| panic!("it goes on")));
        assert_eq!(full.cut(), 1, "{first}");
        full.line(&[b'x'; RECORD_BYTES + 1], |record| assert!(record.text.len() <= RECORD_BYTES));
        assert_eq!(full.cut(), 2, "{first}");
    }
}

#[test]
fn a_line_that_was_passed_over_is_cut_and_what_goes_on_with_it_comes_late() {
    let (mut joiner, mut judge, mut found) = (Joiner::default(), Judge::default(), Vec::new());
    let log = DaemonLog::JobController;
    let mut ended = |record: Joined<'_>| found.push((record.late, judge.event(log, record)));
    joiner.line(b"jbc_net: something", &mut ended);
    joiner.skipped(&mut ended);
    joiner.line(b"    and its end", &mut ended);
    joiner.line(b"jbc_net: something", &mut ended);
    joiner.end(&mut ended);
    assert_eq!(joiner.cut(), 1);
    assert_eq!(found, [(false, Some(EventClass::Other)), (true, None), (false, Some(EventClass::Other))]);
}

/// The records of a text that came in pieces: with an LF between them as they end, and what is open then.
fn records(pieces: &[&[u8]]) -> (Vec<(Vec<u8>, bool)>, Joiner) {
    let (mut joiner, mut found, mut rest) = (Joiner::default(), Vec::new(), Vec::new());
    for piece in pieces {
        rest.extend_from_slice(piece);
        while let Some(end) = memchr::memchr(b'\n', &rest) {
            let line: Vec<u8> = rest.drain(..=end).collect();
            joiner.line(&line[..end], |record| found.push((record.text.to_vec(), record.late)));
        }
    }
    (found, joiner)
}

proptest! {
    /// However a text comes, and wherever the joiner is saved and loaded, it has the same records.
    #[test]
    fn any_split_gives_the_same_records(
        lines in prop::collection::vec("( {1,8}|\t)?[a-z:()0-9]{0,90}", 0..30),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let text = (lines.join("\n") + "\n").into_bytes();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).chain([0, text.len()]).collect();
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|ends| &text[ends[0]..ends[1]]).collect();
        let (whole, mut open) = records(&[&text]);
        prop_assert_eq!(&records(&pieces).0, &whole);
        prop_assert_eq!(&records(&pieces).1, &open);
        let saved = rmp_serde::to_vec_named(&open).expect("encoded");
        let loaded: Joiner = rmp_serde::from_slice(&saved).expect("decoded");
        prop_assert_eq!(&loaded, &open);
        // Every line that is not empty is in one record, in its order.
        let mut all: Vec<Vec<u8>> = whole.into_iter().map(|(record, _)| record).collect();
        open.end(|record| all.push(record.text.to_vec()));
        let found: Vec<Vec<u8>> = all.iter().flat_map(|record| record.split(|&byte| byte == b'\n').map(<[u8]>::to_vec)).collect();
        let wanted: Vec<Vec<u8>> = lines.iter().map(|line| line.trim_ascii().as_bytes().to_vec()).filter(|line| !line.is_empty()).collect();
        if all.iter().all(|record| record.len() < RECORD_BYTES) {
            prop_assert_eq!(found, wanted);
        }
    }

    #[test]
    fn any_bytes_are_judged(text: Vec<u8>) {
        let mut judge = Judge::default();
        for &log in DaemonLog::ALL {
            judge.event(log, Joined { text: &text, late: false });
        }
    }
}
