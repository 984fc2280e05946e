//! The layers together, the errors as they are printed, and the lint of the key table.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::{
    ClientLabel, Clients, Config, Flags, Held, Http, Key, Logs, Mta, SECTIONS, Sockets, Start, keys, load,
};
use crate::findings::Thresholds;

/// Loads a file of this text, and gives the errors with the path written as `FILE`.
pub(super) fn load_text(toml: &str, environment: &[(&str, &str)], flags: Flags) -> Result<Config, String> {
    let directory = tempfile::tempdir().expect("temp dir");
    let file = directory.path().join("exporter.toml");
    std::fs::write(&file, toml).expect("file");
    load(Some(&file), variables(environment), flags)
        .map_err(|errors| errors.to_string().replace(file.to_str().expect("text"), "FILE"))
}

fn variables(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Expects the file to be refused with exactly these lines.
#[track_caller]
fn refused(toml: &str, expected: &[&str]) {
    let errors = load_text(toml, &[], Flags::default()).expect_err(toml);
    assert_eq!(errors.lines().collect::<Vec<_>>(), expected);
}

/// Expects the file's one error to contain this.
#[track_caller]
fn refused_with(toml: &str, part: &str) {
    let errors = load_text(toml, &[], Flags::default()).expect_err(toml);
    assert!(errors.contains(part) && errors.lines().count() == 1, "{errors}");
}

#[test]
fn nothing_given_is_the_default() {
    assert_eq!(load(None, HashMap::new(), Flags::default()), Ok(Config::default()));
    assert_eq!(load_text("", &[("PATH", "/bin")], Flags::default()), Ok(Config::default()));
}

#[test]
fn every_type_is_read_from_a_file() {
    let toml = r#"
        [mta]
        root = "/mta"
        user = "mailsrv"
        active = false
        timezone = "Europe/Berlin"
        block_size = 512
        [logs]
        files = ["mail.log_current"]
        max_line_bytes = "1MiB"
        start = "beginning"
        drain = "1h 30m"
        [held]
        host = "mta1.example.com"
        max_local_received_lines = 5
        syslog = "/var/log/syslog"
        [sockets]
        ports = [25, "2525"]
        [clients]
        label = "hashed"
        top = 0
        [http]
        listen = "[::]:9797"
    "#;
    let config = load_text(toml, &[], Flags::default()).expect("valid");
    let mta = Mta {
        root: Some(PathBuf::from("/mta")),
        user: Some("mailsrv".to_owned()),
        active: Some(false),
        timezone: jiff::tz::TimeZone::get("Europe/Berlin").ok(),
        block_size: 512,
        ..Mta::default()
    };
    let logs = Logs {
        files: vec!["mail.log_current".to_owned()],
        max_line_bytes: 1 << 20,
        start: Start::Beginning,
        drain: Duration::from_mins(90),
        ..Logs::default()
    };
    let held = Held {
        host: Some("mta1.example.com".to_owned()),
        max_local_received_lines: 5,
        syslog: Some(PathBuf::from("/var/log/syslog")),
        ..Held::default()
    };
    let expected = Config {
        mta,
        logs,
        held,
        sockets: Sockets { ports: Some(vec![25, 2525]), ..Sockets::default() },
        clients: Clients { label: ClientLabel::Hashed, top: 0 },
        http: Http { listen: "[::]:9797".parse().expect("an address"), web_config: None },
        ..Config::default()
    };
    assert_eq!(config, expected);
}

#[test]
fn later_layers_win_key_by_key() {
    let toml = "[http]\nlisten = \"127.0.0.1:1\"\n[queue]\ninterval = \"1s\"\nstuck_after = \"1m\"\n";
    let environment = [
        ("IMSIMTA_EXPORTER__HTTP__LISTEN", "127.0.0.1:2"),
        ("IMSIMTA_EXPORTER__QUEUE__INTERVAL", "2s"),
        ("IMSIMTA_EXPORTER__QUEUE__STUCK_AFTER", ""),
        ("IMSIMTA_EXPORTER_SERVICE_PORT", "tcp://10.0.0.1"),
    ];
    let flags = Flags { listen: Some("127.0.0.1:3".to_owned()), ..Flags::default() };
    let config = load_text(toml, &environment, flags).expect("valid");
    assert_eq!(config.http.listen, SocketAddr::from(([127, 0, 0, 1], 3)));
    assert_eq!(config.queue.interval, Duration::from_secs(2));
    assert_eq!(config.queue.stuck_after, Duration::from_mins(1));
}

#[test]
fn the_environment_says_everything_in_text() {
    let environment = [
        ("IMSIMTA_EXPORTER__MTA__ACTIVE", "true"),
        ("IMSIMTA_EXPORTER__MTA__ROOT", "007"),
        ("IMSIMTA_EXPORTER__MTA__BLOCK_SIZE", "2048"),
        ("IMSIMTA_EXPORTER__SOCKETS__PORTS", "25"),
        ("IMSIMTA_EXPORTER__PROCESSES__NAMES", "dispatcher, job_controller"),
        ("IMSIMTA_EXPORTER__CLIENTS__TOP", "5"),
    ];
    let config = load(None, variables(&environment), Flags::default()).expect("valid");
    assert_eq!(config.mta.active, Some(true));
    assert_eq!(config.mta.root, Some(PathBuf::from("007")));
    assert_eq!(config.mta.block_size, 2048);
    assert_eq!(config.sockets.ports, Some(vec![25]));
    assert_eq!(config.processes.names, ["dispatcher", "job_controller"]);
    assert_eq!(config.clients.top, 5);
}

#[test]
fn a_path_from_a_flag_need_not_be_text() {
    use std::os::unix::ffi::OsStringExt;
    let path = PathBuf::from(std::ffi::OsString::from_vec(b"/mta/\xff".to_vec()));
    let flags = Flags { root: Some(path.clone()), state_dir: Some(path.clone()), ..Flags::default() };
    let config = load(None, HashMap::new(), flags).expect("valid");
    assert_eq!((config.mta.root, config.state.directory), (Some(path.clone()), path));
}

#[test]
fn all_mistakes_are_reported_at_once_sorted() {
    let toml = "[logs]\npoll = 5\nfiles = [\"mail.log_current\", \"mail.log*\"]\n[htpp]\nlisten = \"x\"\n\
                [clients]\ntopp = 5\n";
    let environment = [
        ("IMSIMTA_EXPORTER__SOCKETS__PORTS", "25,70000"),
        ("IMSIMTA_EXPORTER__HTTP_LISTEN", "127.0.0.1:1"),
        ("imsimta_exporter__http__listen", "127.0.0.1:1"),
    ];
    let flags = Flags { listen: Some(":9797".to_owned()), root: Some(PathBuf::new()), ..Flags::default() };
    let errors = load_text(toml, &environment, flags).expect_err("mistakes");
    let expected = [
        "--listen: http.listen: found \":9797\": the address is missing, write \"0.0.0.0:9797\" for all of \
         IPv4; expected an IP address and a port such as \"127.0.0.1:9797\" or \"[::]:9797\"",
        "--root: mta.root: found \"\": it is empty; expected the path of a directory",
        "FILE: clients.topp: unknown key; did you mean clients.top?",
        "FILE: logs.files: found [\"mail.log_current\", \"mail.log*\"]: \"mail.log*\" would match the \
         cumulative file mail.log that the return job appends to, following it would count every line twice; \
         expected a list of 1 to 16 base names such as [\"mail.log_current\"]",
        "FILE: logs.poll: found 5: a unit is missing, write \"5s\" for seconds; expected a duration from \
         100ms to 60s such as \"1s\"",
        "FILE: unknown section [htpp]; did you mean [http]?",
        "IMSIMTA_EXPORTER__HTTP_LISTEN: unknown environment variable; did you mean \
         IMSIMTA_EXPORTER__HTTP__LISTEN?",
        "IMSIMTA_EXPORTER__SOCKETS__PORTS: sockets.ports: found \"25,70000\": 70000 is not from 1 to 65535; \
         expected a list of 1 to 32 ports from 1 to 65535 such as [25, 587]",
        "imsimta_exporter__http__listen: unknown environment variable; did you mean \
         IMSIMTA_EXPORTER__HTTP__LISTEN?",
    ];
    assert_eq!(errors.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn unknown_names_are_answered_with_known_ones() {
    refused(
        "[spool]\n",
        &["FILE: unknown section [spool]; the sections are [mta], [logs], [queue], [held], [sockets], \
         [dispatcher], [processes], [daemon_logs], [files], [probe], [commands], [clients], [http], [state], [baseline], [alerting], [alerting.webhook], [alerting.command], [alerting.syslog], [alerting.thresholds]"],
    );
    refused("[Mta]\nroot = \"/x\"\n", &["FILE: unknown section [Mta]; did you mean [mta]?"]);
    refused("[http]\nlsiten = \"x\"\n", &["FILE: http.lsiten: unknown key; did you mean http.listen?"]);
    refused("[http]\nweb = \"x\"\n", &["FILE: http.web: unknown key; [http] has listen, web_config"]);
    refused("[http]\ntop = 1\n", &["FILE: http.top: unknown key; top is a key of [clients]"]);
    refused(
        "listen = \"x\"\n",
        &["FILE: listen: no key stands outside the sections; listen is a key of [http]"],
    );
    refused("Root = \"x\"\n", &["FILE: Root: no key stands outside the sections; root is a key of [mta]"]);
    refused("http = \"x\"\n", &["FILE: http: no key stands outside the sections; [http] is a section"]);
    refused(
        "\"logs[99999999]\" = 1\n",
        &[
            "FILE: logs[99999999]: no key stands outside the sections; the sections are [mta], [logs], [queue], \
         [held], [sockets], [dispatcher], [processes], [daemon_logs], [files], [probe], [commands], [clients], [http], [state], [baseline], [alerting], [alerting.webhook], [alerting.command], [alerting.syslog], [alerting.thresholds]",
        ],
    );
    refused(
        "[http]\n\"a\\nb\\u001b\" = 1\n",
        &["FILE: http.a\\nb\\u{1b}: unknown key; [http] has listen, web_config"],
    );
    refused(
        "[http.listen]\nport = 1\n",
        &[
            "FILE: http.listen: found a table: a table is not possible here; expected an IP address and a port \
             such as \"127.0.0.1:9797\" or \"[::]:9797\"",
        ],
    );
}

#[test]
fn values_out_of_their_grammar_are_refused() {
    for (section, key, value, part) in [
        ("mta", "root", "[\"/x\"]", "a list is not possible here"),
        ("mta", "user", "\"a b\"", "this is not the name of a user"),
        ("mta", "active", "\"yes\"", "this is neither true nor false"),
        ("mta", "active", "1", "this is neither true nor false"),
        ("mta", "timezone", "\"Europe/Bonn\"", "no time zone of this name is known"),
        ("mta", "block_size", "0", "it is less than 1 B"),
        ("logs", "files", "[\"a\", \"a\"]", "\"a\" is there twice"),
        ("logs", "files", "[]", "it is empty, so nothing would be looked at"),
        ("sockets", "ports", "[]", "it is empty, so nothing would be looked at"),
        ("processes", "names", "[]", "it is empty, so nothing would be looked at"),
        ("logs", "files", "[[\"a\"]]", "a list within a list is not possible"),
        ("logs", "max_line_bytes", "1023", "it is less than 1.0 KiB"),
        ("logs", "max_line_bytes", "\"2MiB\"", "it is more than 1.0 MiB"),
        ("logs", "start", "\"End\"", "there is no such place to start"),
        ("logs", "poll", "\"99ms\"", "it is less than 100ms"),
        ("logs", "poll", "\"61s\"", "it is more than 1m"),
        ("logs", "drain", "\"9s\"", "it is less than 10s"),
        ("logs", "drain", "\"25h\"", "it is more than 24h"),
        ("queue", "interval", "\"999ms\"", "it is less than 1s"),
        ("queue", "budget", "\"99ms\"", "it is less than 100ms"),
        ("queue", "stuck_after_by_channel", "[\"l\"]", "an equals sign is missing"),
        ("queue", "stuck_after_by_channel", "[\"=1h\"]", "a channel has no name"),
        ("queue", "stuck_after_by_channel", "[\"l=1\"]", "a unit is missing"),
        ("queue", "stuck_after_by_channel", "[\"l=1h\", \"L=2h\"]", "\"l\" is there twice"),
        ("held", "host", "\"\"", "it is not from 1 to 253 bytes long"),
        ("held", "host", "\"mta1 siroe\"", "\" \" is in no host name"),
        ("held", "max_received_lines", "-1", "-1 is not from 0 to 100000"),
        ("held", "syslog", "\"log/syslog\"", "it does not begin with a slash"),
        ("files", "interval", "\"61m\"", "it is more than 1h"),
        ("state", "interval", "true", "this is not a duration"),
        ("sockets", "ports", "[0]", "0 is not from 1 to 65535"),
        ("sockets", "ports", "[25.5]", "\"25.5\" is not a whole number"),
        ("processes", "names", "[\"/bin/sh\"]", "\"/bin/sh\" is not the plain name of a program"),
        ("daemon_logs", "logs", "[\"channel\"]", "\"channel\" is the log of none of them"),
        ("daemon_logs", "logs", "[\"imta\", \"imta\"]", "\"imta\" is there twice"),
        ("daemon_logs", "channels", "[\"../imta\"]", "\"../imta\" is not the name of a channel"),
        ("daemon_logs", "job_controller_debug", "1", "this is neither true nor false"),
        ("clients", "label", "\"ip\"", "there is no such label"),
        ("clients", "top", "1001", "1001 is not from 0 to 1000"),
        ("clients", "top", "1.0", "\"1.0\" is not a whole number"),
        ("probe", "ports", "[1, 2, 3, 4, 5, 6, 7, 8, 9]", "has 9 entries, at most 8 are possible"),
        ("probe", "address", "\"192.0.2.1\"", "other hosts may have it"),
        ("probe", "address", "\"0.0.0.0\"", "other hosts may have it"),
        ("probe", "address", "\"localhost\"", "this is not an IP address"),
        ("commands", "jobs", "\"on\"", "this is neither true nor false"),
        ("commands", "program", "\"imsimta\"", "it does not begin with a slash"),
        ("commands", "timeout", "\"2m\"", "it is more than 1m"),
        ("http", "listen", "\"localhost:9797\"", "names are not looked up"),
        ("http", "listen", "9797", "write \"0.0.0.0:9797\" for all of IPv4"),
        ("http", "listen", "\"127.0.0.1\"", "this is not an address and a port"),
        ("state", "directory", "\"\"", "it is empty"),
    ] {
        refused_with(&format!("[{section}]\n{key} = {value}\n"), part);
    }
    let many: Vec<String> = (1..=33).map(|port| port.to_string()).collect();
    refused_with(
        &format!("[sockets]\nports = [{}]\n", many.join(",")),
        "has 33 entries, at most 32 are possible",
    );
}

#[test]
fn text_that_is_not_toml_is_placed() {
    refused_with("[http]\nlisten = = 1\n", "FILE:2:10: not valid TOML: ");
    refused_with("[http]\nlisten = \"a\"\nlisten = \"b\"\n", "FILE:3:1: not valid TOML: duplicate key");
    refused_with("[http", "FILE:1:6: not valid TOML: ");
    refused_with("[mta]\nblock_size = 99999999999999999999\n", "not valid TOML: number too large");
    let errors = load_text("= x", &[("IMSIMTA_EXPORTER__CLIENTS__TOP", "x")], Flags::default());
    assert_eq!(errors.expect_err("two mistakes").lines().count(), 2);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let directory = tempfile::tempdir().expect("temp dir");
    let (binary, huge) = (directory.path().join("binary"), directory.path().join("huge"));
    std::fs::write(&binary, b"[http]\n# \xff\n").expect("file");
    std::fs::write(&huge, vec![b'#'; (1 << 20) + 1]).expect("file");
    for (path, reason) in [
        (directory.path().join("gone"), "No such file or directory"),
        (directory.path().to_owned(), "it is not a regular file"),
        (binary, "line 2 is not UTF-8 text"),
        (huge, "it has more than 1048576 bytes"),
    ] {
        let errors = load(Some(&path), HashMap::new(), Flags::default()).expect_err("no file").to_string();
        let expected = format!("{}: cannot read the configuration file: {reason}", path.display());
        assert!(errors.starts_with(&expected), "{errors}");
    }
}

#[test]
fn long_values_are_cut() {
    let toml = format!("[clients]\ntop = \"{}\"\n", "x".repeat(100_000));
    let errors = load_text(&toml, &[], Flags::default()).expect_err("too long");
    assert!(errors.len() < 500 && errors.contains('…'), "{errors}");
}

#[test]
fn the_table_is_documented_unique_and_in_the_order_of_the_sections() {
    let order = |section: &str| SECTIONS.iter().position(|known| known.name == section);
    let plain = |name: &str| {
        name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    let mut paths = BTreeSet::new();
    let mut flags = BTreeSet::new();
    for key in keys() {
        assert!(order(key.section).is_some(), "{}: no such section", key.path());
        assert!(paths.insert(key.path()), "{} is there twice", key.path());
        assert!(plain(key.name) && !key.name.contains("__"), "{}", key.path());
        assert!(key.doc.ends_with('.') && !key.expects.ends_with('.'), "{}", key.path());
        assert!(key.flag.is_none_or(|flag| flag.starts_with("--") && flags.insert(flag)), "{}", key.path());
        let cells = format!("{}{}{}{:?}", key.doc, key.expects, key.shown_value(), key.absent);
        assert!(!cells.contains(['|', '\n']), "{}: breaks the reference's table", key.path());
    }
    assert!(keys().map(|key| order(key.section)).is_sorted());
    assert!(SECTIONS.iter().all(|section| section.name.split('.').all(plain) && section.doc.ends_with('.')));
}

#[test]
fn every_flag_in_the_table_is_one_that_is_read() {
    let all = Flags {
        root: Some(PathBuf::from("/")),
        listen: Some("127.0.0.1:1".to_owned()),
        web_config: Some(PathBuf::from("/web.yml")),
        state_dir: Some(PathBuf::from("/")),
        as_root: true,
        proc: Some(PathBuf::from("/")),
        job: Some("imsimta".to_owned()),
        scrape_interval: Some("30s".to_owned()),
        runbook_url: Some("https://wiki/NAME".to_owned()),
        dashboard_url: Some("https://grafana".to_owned()),
        budget: true,
    };
    let read: Vec<String> = super::layers::flags(&all).iter().map(|(key, _)| key.path()).collect();
    let table: Vec<String> = keys().filter(|key| key.flag.is_some()).map(Key::path).collect();
    assert_eq!(read, table);
}

#[test]
fn thresholds_are_set_by_file_and_environment() {
    let toml = "[alerting.thresholds]\nfailing_share = 0.7\nstandstill = \"30m\"\nattempts = 5\n";
    let environment = [("IMSIMTA_EXPORTER__ALERTING__THRESHOLDS__ATTEMPTS", "50")];
    let config = load_text(toml, &environment, Flags::default()).expect("valid");
    let expected = Thresholds {
        failing_share: 0.7,
        standstill: Duration::from_mins(30),
        attempts: 50,
        ..Thresholds::default()
    };
    assert_eq!(Thresholds::from(&config.thresholds), expected);
}

#[test]
fn thresholds_that_are_wrong_are_refused_all_at_once() {
    refused(
        "[alerting.thresholds]\nfailing_share = 50\nattempts = 0.5\nstandstill = 600\nfailing_shares = 1\ndomains = [1]\n\
         [alerting.treshold]\nattempts = 1\n[alerting]\nattempts = 1\n",
        &[
            "FILE: alerting.attempts: unknown key; attempts is a key of [alerting.thresholds]",
            "FILE: alerting.thresholds.attempts: found 0.5: this is not a whole number; expected a whole number from 0 to \
             1000000000 such as 20",
            "FILE: alerting.thresholds.domains: found [1]: a list is not possible here; expected a whole number from 0 to \
             1000000000 such as 20",
            "FILE: alerting.thresholds.failing_share: found 50: it is more than 1; expected a share from 0 to 1 such as 0.5",
            "FILE: alerting.thresholds.failing_shares: unknown key; did you mean alerting.thresholds.failing_share?",
            "FILE: alerting.thresholds.standstill: found 600: a unit is missing, write \"600s\" for seconds; expected a \
             duration from 1s to 8760h such as \"10m\"",
            "FILE: unknown section [alerting.treshold]; did you mean [alerting.thresholds]?",
        ],
    );
    let errors = load(
        None,
        variables(&[
            ("IMSIMTA_EXPORTER__ALERTING__THRESHOLDS__ATTEMPT", "1"),
            ("IMSIMTA_EXPORTER_ALERTING__THRESHOLDS__ATTEMPTS", "1"),
        ]),
        Flags::default(),
    );
    let errors = errors.expect_err("no such variables").to_string();
    let hints = errors.matches("did you mean IMSIMTA_EXPORTER__ALERTING__THRESHOLDS__ATTEMPTS?").count();
    assert_eq!(hints, 2, "{errors}");
}
