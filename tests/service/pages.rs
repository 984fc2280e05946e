//! Pages over HTTP: who gets which, and what they carry.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::harness::{DEADLINE, Install, PROGRAM, Service, available, request, run};

/// The answer to a request as it stands here, and the whole of it.
pub fn ask(service: &Service, request: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(service.address).expect("connected");
    stream.set_read_timeout(Some(DEADLINE)).expect("set");
    stream.write_all(request.as_bytes()).expect("written");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.get(9..12).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("{request:?}: {answer:?}")), answer)
}

pub fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n")
}

pub fn token(install: &Install) -> String {
    let text = std::fs::read_to_string(install.path("state/token")).expect("a token");
    text.trim().to_owned()
}

#[test]
fn a_page_that_shows_more_than_numbers_is_shown_under_this_hosts_names_alone() {
    let install = Install::new();
    let service = install.start();
    let port = service.address.port();
    for (host, root, numbers) in [
        (format!("Host: 127.0.0.1:{port}\r\n"), 200, 200),
        (format!("Host: localhost:{port}\r\n"), 200, 200),
        (format!("Host: [::1]:{port}\r\n"), 200, 200),
        (format!("Host: evil.example:{port}\r\n"), 421, 200),
        (format!("Host: evil.example:{port}\r\nOrigin: http://evil.example\r\n"), 421, 200),
        ("Host: 127.0.0.1.evil.example\r\n".to_owned(), 421, 200),
        ("Host:\r\n".to_owned(), 421, 200),
        (String::new(), 400, 400),
        ("Host: 127.0.0.1\r\nHost: 127.0.0.1\r\n".to_owned(), 400, 400),
        ("Host: 127.0.0.1\r\nHost: evil.example\r\n".to_owned(), 400, 400),
    ] {
        for path in [
            "/",
            "/status.txt",
            "/api/status",
            "/channel/l",
            "/debug/unparsed",
            "/debug/unparsed.txt",
            "/nothing",
        ] {
            let expected = match (root, path) {
                (200, "/nothing" | "/channel/l") => 404,
                (200, path) if path.starts_with("/debug") => 401,
                _ => root,
            };
            assert_eq!(ask(&service, &get(path, &host)).0, expected, "{path} {host:?}");
        }
        for path in ["/metrics", "/-/healthy"] {
            assert_eq!(ask(&service, &get(path, &host)).0, numbers, "{path} {host:?}");
        }
    }
}

#[test]
fn every_answer_carries_what_browsers_need() {
    let install = Install::new();
    let service = install.start();
    let host = "Host: 127.0.0.1\r\n";
    for (status, request) in [
        (200, get("/", host)),
        (200, get("/metrics", host)),
        (404, get("/favicon.ico", host)),
        (401, get("/debug/unparsed", host)),
        (421, get("/", "Host: evil.example\r\n")),
        (400, get("/", "")),
        (405, get("/", host).replace("GET", "POST")),
        (406, get("/metrics", "Host: 127.0.0.1\r\nAccept-Encoding: identity;q=0\r\n")),
    ] {
        let (got, answer) = ask(&service, &request);
        let lower = answer.to_ascii_lowercase();
        assert_eq!(got, status, "{request:?}");
        for header in [
            "content-security-policy: default-src 'none';",
            "x-content-type-options: nosniff",
            "x-frame-options: deny",
            "referrer-policy: no-referrer",
            "cache-control: no-store",
        ] {
            assert!(lower.contains(header), "{header} is not in {answer}");
        }
    }
}

/// A person who comes to a wrong address finds the right ones; a program gets few bytes.
#[test]
fn refusals_are_short_and_lead_back() {
    let install = Install::new();
    let service = install.start();
    let host = "Host: 127.0.0.1\r\n";
    for (status, request) in [
        (404, get("/favicon.ico", host)),
        (404, get("/metrics/", host)),
        (405, get("/metrics", host).replace("GET", "DELETE")),
        (406, get("/metrics", "Host: 127.0.0.1\r\nAccept-Encoding: identity;q=0\r\n")),
        (406, get("/", "Host: 127.0.0.1\r\nAccept-Encoding: *;q=0\r\n")),
        (406, get("/", "Host: 127.0.0.1\r\nAccept-Encoding: br, identity;q=0\r\n")),
    ] {
        let (got, answer) = ask(&service, &request);
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert_eq!(got, status, "{request:?}");
        assert!(body.contains(r#"href="/""#) && body.len() < 500, "{body}");
        assert!(!body.contains("imsimta_"), "{body}");
        if status == 405 {
            assert!(head.to_ascii_lowercase().contains("allow: get,head"), "{head}");
        }
    }
}

#[test]
fn encodings_are_negotiated() {
    let install = Install::new();
    let service = install.start();
    for (accept, gzip) in [("gzip", true), ("identity;q=0, gzip", true), ("gzip;q=0", false), ("br", false)] {
        let mut stream = TcpStream::connect(service.address).expect("connected");
        let headers = format!("Host: 127.0.0.1\r\nAccept-Encoding: {accept}\r\n");
        stream.write_all(get("/metrics", &headers).as_bytes()).expect("written");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
        assert_eq!(head.contains("content-encoding: gzip"), gzip, "{accept}: {head}");
        assert!(head.contains("vary: accept-encoding"), "{head}");
        let mut page = String::new();
        let body = &answer[end + 4..];
        if gzip {
            flate2::read::GzDecoder::new(body).read_to_string(&mut page).expect("gzip");
        } else {
            page.push_str(std::str::from_utf8(body).expect("text"));
        }
        assert!(page.contains("imsimta_exporter_build_info"), "{accept}: {page}");
    }
}

#[test]
fn lines_that_are_not_understood_are_shown_to_who_has_the_token() {
    let install = Install::new();
    install.append("mail.log_current", "");
    let mut service = install.start();
    service.wait_for_sample("imsimta_exporter_ready", 1.0);
    for number in 0..30 {
        install.append("mail.log_current", &format!("<script>alert({number})</script> \u{1b}[2J\u{202e}\n"));
    }
    service.wait_for_sample(r#"imsimta_log_lines_total{log="mail.log_current"}"#, 30.0);

    // To nobody else, whatever is asked for.
    let (secret, host) = (token(&install), "Host: 127.0.0.1\r\n");
    let wrong = "0".repeat(64);
    for (path, headers) in [
        ("/", String::new()),
        ("/metrics", String::new()),
        ("/-/ready", String::new()),
        ("/debug/unparsed", String::new()),
        ("/debug/unparsed.txt", String::new()),
        (&format!("/debug/unparsed?token={secret}"), String::new()),
        ("/debug/unparsed", format!("Authorization: Bearer {wrong}\r\n")),
        ("/debug/unparsed", format!("Authorization: Bearer {}\r\n", &secret[1..])),
        ("/debug/unparsed", format!("Authorization: Basic {secret}\r\n")),
        ("/debug/unparsed", format!("Cookie: imsimta-exporter-token={wrong}\r\n")),
    ] {
        let (_, answer) = ask(&service, &get(path, &format!("{host}{headers}")));
        assert!(!answer.contains("alert(") && !answer.contains(&secret), "{path} {headers}: {answer}");
    }

    for headers in [
        format!("Authorization: Bearer {secret}\r\n"),
        format!("Cookie: a=b; imsimta-exporter-token={secret}\r\n"),
    ] {
        let (status, page) = ask(&service, &get("/debug/unparsed", &format!("{host}{headers}")));
        assert_eq!(status, 200, "{page}");
        assert!(page.contains("&lt;script&gt;alert(29)") && !page.contains("alert(9)"), "{page}");
        assert!(page.contains("\\x1b[2J\\xe2\\x80\\xae") && !page.contains("<script>"), "{page}");
        assert_eq!(page.matches("alert(").count(), 20);
    }

    // The status page says how, and that works.
    let (_, status) = service.get("/");
    let line = status.split("<code>imsimta-exporter unparsed ").nth(1).expect("the command");
    let line = line.split("</code>").next().expect("the command");
    let (code, lines, said) = run(Command::new(PROGRAM).arg("unparsed").args(line.split(' ')));
    assert_eq!(code, 0, "{said}");
    assert!(lines.contains("<script>alert(29)</script> \\x1b[2J") && !lines.contains('\u{1b}'), "{lines}");
    assert_eq!(lines.matches("alert(").count(), 20);

    // Its own log never holds lines that it reads, and never the token.
    service.signal(rustix::process::Signal::TERM);
    assert!(!service.wait_for_log("stopped").contains("alert"));
    assert!(!service.heard().contains("alert") && !service.heard().contains(&secret), "{}", service.heard());
}

/// The program on all addresses of the host.
fn on_all_addresses(install: &Install) -> Service {
    install.append("mail.log_current", "");
    let mut command = Command::new(PROGRAM);
    command.args(["--as-root", "--listen", "0.0.0.0:0", "--root"]).arg(install.path("root"));
    command.arg("--state-dir").arg(install.path("state"));
    Service::start(command)
}

/// On all addresses other hosts do not even hear of the page, and the command works.
#[test]
fn lines_that_are_not_understood_stay_on_this_host() {
    let install = Install::new();
    let service = on_all_addresses(&install);
    let address = format!("127.0.0.1:{}", service.address.port());
    let get = |path| request(&address, "GET", path).expect("an answer");
    assert!(get("/debug/unparsed").0.contains(" 404 "));
    let mut command = Command::new(PROGRAM);
    command.args(["unparsed", "--listen", &service.address.to_string(), "--state-dir"]);
    let (code, lines, said) = run(command.arg(install.path("state")));
    assert!(code == 0 && lines.contains("None."), "{lines} {said}");
}

/// Other hosts get health and numbers; the rest says how to get there, and that works.
#[test]
fn a_listener_that_other_hosts_reach_has_numbers_alone() {
    let install = Install::new();
    let mut service = on_all_addresses(&install);
    service.address.set_ip([127, 0, 0, 1].into());
    service.wait_for_sample("imsimta_exporter_ready", 1.0);
    for host in ["Host: mail.example\r\n", "Host: 127.0.0.1\r\n"] {
        for path in ["/metrics", "/-/healthy", "/-/ready"] {
            assert_eq!(ask(&service, &get(path, host)).0, 200, "{path}");
        }
        for (path, status) in [
            ("/", 401),
            ("/top", 401),
            ("/api/status", 401),
            ("/channel/l", 401),
            ("/top.json", 401),
            ("/debug/unparsed", 404),
            ("/debug/unparsed.txt", 404),
        ] {
            let (got, answer) = ask(&service, &get(path, host));
            assert_eq!(got, status, "{path}");
            assert!(!answer.contains("tcp_local") && !answer.contains("Watches"), "{answer}");
        }
    }
    let (_, refused) = ask(&service, &get("/", "Host: mail.example\r\n"));
    for wanted in ["numbers alone", "href=\"/metrics\"", "href=\"/-/ready\"", "curl --oauth2-bearer TOKEN"] {
        assert!(refused.contains(wanted), "{wanted} is not in {refused}");
    }
    assert!(refused.contains(&format!("http://127.0.0.1:{}/", service.address.port())), "{refused}");
    let headers = format!("Host: 127.0.0.1\r\nAuthorization: Bearer {}\r\n", token(&install));
    let (status, page) = ask(&service, &get("/", &headers));
    assert!(status == 200 && page.contains("Watches the MTA"), "{page}");
}

/// `clients.label` holds for lines as it does for labels.
#[test]
fn no_page_shows_an_address_that_no_label_would() {
    for label in ["network", "hashed", "off"] {
        let install = Install::new();
        install.append("mail.log_current", "");
        let mut command = install.command();
        command.env("IMSIMTA_EXPORTER__CLIENTS__LABEL", label).env("IMSIMTA_EXPORTER_LOG", "trace");
        let mut service = Service::start(command);
        service.wait_for_sample("imsimta_exporter_ready", 1.0);
        let line = "19-Jan-2024 19:16:57.64 tcp_local + O TCP|192.0.2.77|25|198.51.100.77|4711 SMTP\n\
                    19-Jan-2024 19:16:57.64 tcp_local - O TCP|192.0.2.77|2525|198.51.100.77|25 SMTP/[192.0.2.77]\n\
                    not understood: from [192.0.2.77] (2001:db8::77)\n";
        install.append("mail.log_current", line);
        service.wait_for_sample(r#"imsimta_log_lines_total{log="mail.log_current"}"#, 3.0);
        let headers = format!("Host: 127.0.0.1\r\nAuthorization: Bearer {}\r\n", token(&install));
        let mut shown: Vec<String> = [
            "/",
            "/top",
            "/top.json",
            "/api/status",
            "/channel/tcp_local",
            "/metrics",
            "/-/ready",
            "/-/healthy",
            "/debug/unparsed",
            "/debug/unparsed.txt",
        ]
        .map(|path| ask(&service, &get(path, &headers)).1)
        .into();
        let mut command = Command::new(PROGRAM);
        command.args(["unparsed", "--listen", &service.address.to_string(), "--state-dir"]);
        let (code, lines, said) = run(command.arg(install.path("state")));
        assert!(code == 0 && lines.contains("not understood: from ["), "{lines} {said}");
        shown.push(lines);
        service.signal(rustix::process::Signal::TERM);
        service.wait_for_log("stopped");
        shown.push(service.heard().to_owned());
        for text in shown {
            for address in ["192.0.2.77", "198.51.100.77", "2001:db8::77"] {
                assert!(!text.contains(address), "{label}: {address} is in {text}");
            }
        }
    }
}

#[test]
fn without_a_token_of_its_own_there_is_no_such_page() {
    let install = Install::new();
    install.append("mail.log_current", "");
    std::fs::create_dir(install.path("state")).expect("made");
    std::fs::set_permissions(install.path("state"), std::fs::Permissions::from_mode(0o700)).expect("set");
    let theirs = "ab".repeat(32);
    std::fs::write(install.path("state/token"), &theirs).expect("written");
    std::fs::set_permissions(install.path("state/token"), std::fs::Permissions::from_mode(0o644))
        .expect("set");
    let service = install.start();
    let headers = format!("Host: 127.0.0.1\r\nAuthorization: Bearer {theirs}\r\n");
    assert_eq!(ask(&service, &get("/debug/unparsed", &headers)).0, 404);
    assert!(!service.get("/").1.contains("imsimta-exporter unparsed"));
    let (code, lines, said) =
        run(Command::new(PROGRAM).args(["unparsed", "--state-dir"]).arg(install.path("state")));
    assert!(code == 1 && lines.is_empty() && said.contains("token") && said.contains("remove it"), "{said}");
}

/// Whoever owns the log directory can let root read any file; nobody else gets to see it by that.
#[test]
fn a_link_to_a_file_of_root_shows_nothing_to_others() {
    if !rustix::process::geteuid().is_root() || !available("setpriv") {
        return;
    }
    let install = Install::new();
    let secret = install.path("shadow");
    std::fs::write(&secret, "root:$6$secret$hash:19000:0:99999:7:::\n".repeat(30)).expect("written");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).expect("set");
    install.append("mail.log_current", "");
    let mut command = install.command();
    command.env("IMSIMTA_EXPORTER__LOGS__START", "beginning");
    let service = Service::start(command);
    service.wait_for_sample("imsimta_exporter_ready", 1.0);
    std::fs::rename(install.log("mail.log_current"), install.log("x")).expect("renamed");
    std::os::unix::fs::symlink(&secret, install.log("mail.log_current")).expect("linked");
    service.wait_for("the link was read or refused", |page| {
        page.contains(r#"imsimta_log_unparsed_lines_total{log="mail.log_current""#)
            || page.contains(r#"imsimta_collector_success{collector="log"} 0"#)
    });
    for path in ["/", "/metrics", "/-/ready", "/-/healthy", "/debug/unparsed", "/debug/unparsed.txt"] {
        let (_, page) = service.get(path);
        assert!(!page.contains("secret") && !page.contains("99999"), "{path}: {page}");
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", PROGRAM, "unparsed"]);
    command.args(["--listen", &service.address.to_string(), "--state-dir"]).arg(install.path("state"));
    let (code, lines, said) = run(&mut command);
    assert!(code != 0 && !lines.contains("secret") && !said.contains("secret"), "{lines} {said}");
}

#[test]
fn healthcheck_says_what_it_found() {
    let install = Install::new();
    let service = install.start();
    let address = service.address.to_string();
    let ask = |arguments: &[&str]| run(Command::new(PROGRAM).arg("healthcheck").args(arguments));
    let (code, out, said) = ask(&["--listen", &address]);
    assert!(code == 0 && out.contains(&format!("{address} is healthy")), "{out}{said}");

    // With what the service was started with, whatever it means to the question.
    let (root, state) = (install.path("root"), install.path("state"));
    let (root, state) = (root.to_str().expect("text"), state.to_str().expect("text"));
    let (code, out, said) = ask(&["--as-root", "--root", root, "--state-dir", state, "--listen", &address]);
    assert!(code == 0 && out.contains(&address), "by the options of run: {out}{said}");
    let (code, _, said) = ask(&["--listen", "127.0.0.1:0"]);
    assert!(code == 1 && said.contains("chose its port itself"), "{said}");

    let config = install.path("exporter.toml");
    std::fs::write(&config, format!("[http]\nlisten = \"{address}\"\n")).expect("written");
    let (code, out, said) = ask(&["--config", config.to_str().expect("text")]);
    assert!(code == 0 && out.contains(&address), "by the configuration: {out}{said}");
    let mut command = Command::new(PROGRAM);
    let (code, out, _) = run(command.arg("healthcheck").env("IMSIMTA_EXPORTER__HTTP__LISTEN", &address));
    assert!(code == 0 && out.contains(&address), "by the environment: {out}");

    drop(service);
    let (code, out, said) = ask(&["--listen", &address]);
    assert!(code == 1 && out.is_empty(), "{out}");
    assert!(said.contains(&address) && said.contains("nothing listens there"), "{said}");
}
