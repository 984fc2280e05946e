//! Both forms, by fixtures and by what is wrong with a file.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{DEFAULT_LIFE, Dispatcher, MOST_BYTES, MOST_SERVICES, Service, read};
use crate::config;

/// What a file of this name and text says.
fn of(name: &str, text: &str) -> Result<Dispatcher, String> {
    let root = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(root.path().join(name), text).expect("written");
    let read = read(root.path(), Some(Path::new(name)));
    read.map_err(|error| error.to_string().replace(root.path().to_str().expect("text"), ""))
}

const DAY: Option<Duration> = Some(Duration::from_hours(24));
const HALF_A_DAY: Option<Duration> = Some(Duration::from_hours(12));
const HOUR: Option<Duration> = Some(Duration::from_hours(1));

fn service(name: &str, ports: &[u16], program: &str, limit: (Option<u64>, Option<u64>)) -> Service {
    let program = Some(program.to_owned()).filter(|program| !program.is_empty());
    let (max_procs, max_conns) = limit;
    Service {
        name: name.to_owned(),
        ports: ports.to_vec(),
        program,
        max_procs,
        max_conns,
        ..Service::default()
    }
}

#[test]
fn the_file_of_the_manual() {
    let found = of("dispatcher.cnf", include_str!("../../../tests/fixtures/dispatcher/dispatcher.cnf"));
    let found = found.expect("understood");
    let (smtp, lmtp) = ("tcp_smtp_server", "tcp_lmtp_server");
    let conns = Some(100);
    let expected = [
        Service {
            max_life_time: DAY,
            max_life_conns: conns,
            ..service("smtp", &[25], smtp, (Some(5), Some(20)))
        },
        Service {
            max_life_time: HALF_A_DAY,
            max_life_conns: conns,
            ..service("smtp_submit", &[465, 587], smtp, (Some(10), Some(20)))
        },
        Service {
            max_life_time: DAY,
            max_life_conns: conns,
            ..service("lmtpss", &[225], lmtp, (Some(5), None))
        },
    ];
    assert_eq!(found.services, expected);
    assert_eq!(found.doubts, ["MAX_CONNS of lmtpss is unclear"]);
    let limits: Vec<_> = found.services.iter().map(Service::limit).collect();
    assert_eq!(limits, [Some(100), Some(200), None]);
    assert_eq!((found.left_out, found.max_life_time), (0, DAY));
}

#[test]
fn the_file_of_pmdf() {
    let found = of("dispatcher.cnf", include_str!("../../../tests/fixtures/dispatcher/pmdf.cnf"));
    let found = found.expect("understood");
    let expected = [
        Service {
            max_life_conns: Some(10_000),
            ..service("smtp", &[25], "tcp_smtp_server", (Some(3), Some(12)))
        },
        Service { max_life_conns: Some(10_000), ..service("pop3", &[110, 995], "", (None, Some(32))) },
    ];
    assert_eq!(found.services, expected);
    assert_eq!(found.doubts, ["MAX_PROCS of pop3 is unclear"], "said twice");
    assert_eq!(found.longest_life(), DEFAULT_LIFE);
}

#[test]
fn a_unified_configuration_by_elements() {
    let found = of("config.xml", include_str!("../../../tests/fixtures/dispatcher/config.xml"));
    let found = found.expect("understood");
    let program = "tcp_smtp_server";
    let expected = [
        Service {
            max_life_time: HALF_A_DAY,
            max_life_conns: Some(10_000),
            ..service("smtp", &[25], program, (Some(10), Some(50)))
        },
        Service {
            max_life_time: HALF_A_DAY,
            ..service("smtp_submit", &[465, 587], program, (Some(4), Some(50)))
        },
    ];
    assert_eq!(found.services, expected, "one is switched off");
    assert_eq!((found.longest_life(), found.doubts.len()), (Duration::from_hours(12), 0));
}

#[test]
fn a_unified_configuration_by_names() {
    let found = of("config.xml", include_str!("../../../tests/fixtures/dispatcher/options.xml"));
    let found = found.expect("understood");
    let expected = [
        service("smtp", &[25, 2525], "tcp_smtp_server", (Some(10), Some(20))),
        service("smtp_submit", &[587], "", (Some(3), Some(50))),
        service("lmtpss", &[], "", (None, Some(50))),
    ];
    assert_eq!(found.services, expected);
    assert_eq!(found.doubts, ["MAX_PROCS of lmtpss is unclear"], "two instances say different things");
}

#[test]
fn lives_by_program() {
    let found = of(
        "dispatcher.cnf",
        "MAX_LIFE_TIME=100\n[SERVICE=A]\nIMAGE=x\n[SERVICE=B]\nIMAGE=x\nMAX_LIFE_TIME=200\n\
         [SERVICE=C]\nIMAGE=y\nMAX_LIFE_TIME=300\n",
    )
    .expect("understood");
    for (program, seconds) in [("x", 200), ("y", 300), ("z", 300)] {
        assert_eq!(found.life_of(program), Duration::from_secs(seconds), "{program}");
    }
    assert_eq!(Dispatcher::default().life_of("x"), DEFAULT_LIFE);
}

#[test]
fn a_program_is_the_same_with_and_without_tcp() {
    let text = "[SERVICE=A]\nIMAGE=IMTA_BIN:smtp_server\nMAX_LIFE_TIME=100\n\
                [SERVICE=B]\nIMAGE=tcp_lmtp_server\nMAX_LIFE_TIME=200\n";
    let found = of("dispatcher.cnf", text).expect("understood");
    for (program, seconds) in [("tcp_smtp_server", 100), ("smtp_server", 100), ("lmtp_server", 200)] {
        assert_eq!(found.life_of(program), Duration::from_secs(seconds), "{program}");
    }
}

/// That of all services is not what this one has.
#[test]
fn an_unclear_life_is_not_that_of_the_others() {
    let text = "MAX_LIFE_TIME=100\n[SERVICE=A]\nMAX_LIFE_TIME=soon\n[SERVICE=B]\n";
    let found = of("dispatcher.cnf", text).expect("understood");
    let lives: Vec<_> = found.services.iter().map(|service| service.max_life_time).collect();
    assert_eq!(lives, [None, Some(Duration::from_secs(100))]);
    assert_eq!(found.doubts, ["MAX_LIFE_TIME of a is unclear"]);
}

/// No limit is better than a wrong one.
#[test]
fn what_is_unclear_is_not_known() {
    for value in
        ["", "-1", "+5", "5 procs", "0x10", "1%0", "37%5", "10%", "%5", "99999999999999999999", "5.0"]
    {
        let text = format!("MAX_CONNS=20\n[SERVICE=SMTP]\nMAX_PROCS={value}\nPORT={value}\n");
        let found = of("dispatcher.cnf", &text).expect("understood");
        assert_eq!(found.services[0].limit(), None, "{value}");
        assert!(found.services[0].ports.is_empty(), "{value}");
        assert!(found.doubts.contains(&"MAX_PROCS of smtp is unclear".to_owned()), "{value}");
    }
    for (name, text, part) in [
        ("dispatcher.cnf", "MAX_CONNS=20\n</etc/more.cnf\n", "dispatcher.cnf: line 2 includes another file"),
        ("config.xml", "<a><dispatcher><max_conns>20</max_conns>", "config.xml: not XML: "),
        ("config.xml", "MAX_CONNS=20\n", "config.xml: not XML: "),
        ("config.xml", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "config.xml: not XML: "),
        ("none/at/all", "", "cannot read"),
    ] {
        let refused = if name == "none/at/all" {
            read(Path::new("/nonexistent"), Some(Path::new(name))).map_err(|error| error.to_string())
        } else {
            of(name, text)
        };
        let refused = refused.expect_err(part);
        assert!(refused.contains(part), "{refused}");
    }
}

#[test]
fn bytes_of_any_kind_are_read() {
    let text = String::from_utf8_lossy(b"\xff\xfe[SERVICE=\xff\n[[=]\n[SERVICE=]\nPORT=25\n=\n\\\n[SERVICE")
        .into_owned();
    for name in ["dispatcher.cnf", "config.xml"] {
        if let Ok(found) = of(name, &text) {
            assert!(found.services.iter().all(|service| service.limit().is_none()));
        }
    }
}

/// Each of these took minutes, or all the memory: that this ends is the test.
#[test]
fn hostile_files_cost_no_more_than_others() {
    let most = usize::try_from(MOST_BYTES).expect("a size") - 100;
    let full = |text: &str| text.repeat(most / text.len());
    let nested = "<max_procs value='1'>";
    let attributes = (0..most / 13).map(|number| format!(" a{number:07}=''"));
    let attributes = format!("<dispatcher{}/>", attributes.collect::<String>());
    for (name, text, wrong) in [
        ("dispatcher.cnf", full("a\\\n"), None),
        ("config.xml", full(&format!("{nested}</max_procs>")), Some("not XML: ")),
        (
            "config.xml",
            nested.repeat(most / 33) + &"</max_procs>".repeat(most / 33),
            Some("elements are nested too deeply"),
        ),
        ("config.xml", attributes, Some("an element has more than 64 attributes")),
    ] {
        let said = of(name, &text).err();
        let expected =
            wrong.map_or(said.is_none(), |wrong| said.as_ref().is_some_and(|said| said.contains(wrong)));
        assert!(expected, "{said:?}, not {wrong:?}");
    }
}

#[test]
fn services_beyond_the_cap_are_counted() {
    let sections = (0..MOST_SERVICES + 3)
        .map(|number| format!("[SERVICE=S{number}]\nPORT={}\nMAX_PROCS=1\n", number + 1));
    let found = of("dispatcher.cnf", &sections.collect::<String>()).expect("understood");
    assert_eq!(found.services.len(), MOST_SERVICES);
    assert_eq!(found.left_out, 3, "services, not options");
}

#[test]
fn the_first_place_that_is_there_is_read() {
    let root = tempfile::tempdir().expect("a temporary directory");
    assert_eq!(read(root.path(), None).expect("nothing"), Dispatcher::default());
    let write = |name: &str, text: &str| {
        let path = root.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        std::fs::write(path, text).expect("written");
    };
    for (name, text) in [
        ("imta/dispatcher.cnf", "[SERVICE=A]\n"),
        ("config/dispatcher.cnf", "[SERVICE=B]\n"),
        ("config/config.xml", "<c><dispatcher><service name='C'><port>1</port></service></dispatcher></c>"),
    ] {
        write(name, text);
        let found = read(root.path(), None).expect("understood");
        assert_eq!(found.file, Some(root.path().join(name)));
        assert_eq!(found.services.len(), 1, "{name}");
    }
}

#[test]
fn neither_links_nor_pipes_nor_huge_files_are_read() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let path = |name: &str| root.path().join(name);
    std::fs::write(path("real"), "[SERVICE=A]\n").expect("written");
    symlink(path("real"), path("link")).expect("linked");
    std::fs::create_dir(path("directory")).expect("made");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        path("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .expect("a pipe");
    std::fs::File::create(path("huge")).and_then(|file| file.set_len(MOST_BYTES + 1)).expect("written");
    for name in ["link", "directory", "pipe", "huge"] {
        assert!(read(root.path(), Some(&PathBuf::from(name))).is_err(), "{name}");
    }
    assert!(read(root.path(), Some(Path::new("real"))).is_ok());
}

#[test]
fn what_is_configured_here_wins() {
    let text = "MAX_LIFE_TIME=60\nMAX_LIFE_CONNS=10\n[SERVICE=SMTP]\nPORT=25\nMAX_PROCS=5\n[SERVICE=LMTPSS]\nPORT=225\n";
    let limit = |name: &str, ports: &[u16]| config::ServiceLimit {
        name: name.to_owned(),
        ports: ports.to_vec(),
        max_procs: 2,
        max_conns: 3,
    };
    let configured = config::Dispatcher {
        services: vec![limit("smtp", &[]), limit("other", &[2525])],
        max_life_time: HOUR,
        ..config::Dispatcher::default()
    };
    let found = of("dispatcher.cnf", text).expect("understood").with(&configured);
    let known: Vec<_> = found
        .services
        .iter()
        .map(|service| (service.name.as_str(), service.ports.as_slice(), service.limit()))
        .collect();
    assert_eq!(known, [("other", &[2525][..], Some(6)), ("smtp", &[25], Some(6)), ("lmtpss", &[225], None)]);
    assert!(found.services.iter().all(|service| service.max_life_time == HOUR));
    assert_eq!(found.services[1].max_life_conns, Some(10));
    assert_eq!(Dispatcher::default().with(&configured).longest_life(), Duration::from_hours(1));
}
