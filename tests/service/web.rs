//! TLS, certificates of clients, and passwords, as curl and a real Prometheus see them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::harness::{DEADLINE, Install, PROGRAM, Service, append, available, run, value_of, wait_for};
use crate::notify::prometheus::Prometheus;

const USER: &str = "prometheus:correct-horse";
/// bcrypt of that password, at the least cost.
const HASH: &str = "$2b$04$abcdefghijklmnopqrstuuPoaPXzWjiVz4HaNq2LJXksWbO79E.S6";
const SUCCESSFUL: &str = "imsimta_exporter_web_config_last_reload_successful";

/// Certificates in a directory, with keys beside them, and the web configuration that names them.
struct Files(PathBuf);

impl Files {
    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("text").to_owned()
    }

    fn openssl(&self, words: &str, more: &[&str]) {
        let mut openssl = Command::new("openssl");
        openssl.args(words.split(' ')).args(more).current_dir(&self.0);
        let output = openssl.stdin(Stdio::null()).output().expect("started");
        assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// One that vouches for itself.
    fn own(&self, name: &str, more: &[&str]) {
        let names = ["-subj", &format!("/CN={name}"), "-keyout", &format!("{name}.key")];
        let out = ["-out", &format!("{name}.pem")];
        let words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
        self.openssl(words, &[&names[..], &out[..], more].concat());
    }

    /// One of the authority, for so many days.
    fn client(&self, name: &str, days: &str) {
        let names = ["-subj", &format!("/CN={name}"), "-keyout", &format!("{name}.key")];
        let out = ["-out", &format!("{name}.csr")];
        let words = "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        self.openssl(words, &[names, [out[0], out[1], "-subj", names[1]]].concat());
        let (request, signed) = (format!("{name}.csr"), format!("{name}.pem"));
        self.openssl(
            "x509 -req -CA authority.pem -CAkey authority.key",
            &["-in", &request, "-out", &signed, "-days", days, "-extfile", "leaf.ext"],
        );
    }

    /// The web configuration, put there in one step.
    fn write(&self, text: &str) {
        std::fs::write(self.0.join("new.yml"), text).expect("written");
        std::fs::rename(self.0.join("new.yml"), self.0.join("web.yml")).expect("renamed");
    }
}

/// Status code and page, as curl gets them; the status is 0 where there was no answer, and the page what curl says.
fn curl(files: &Files, url: &str, more: &[&str]) -> (u16, String) {
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--max-time", "20", "-w", "\n%{http_code}", "--cacert", "server.pem"]).arg(url);
    let (_, said, problem) = run(curl.args(more).current_dir(&files.0));
    let (page, status) = said.rsplit_once('\n').unwrap_or(("", "0"));
    let status = status.trim().parse().unwrap_or(0);
    (status, if status == 0 { problem } else { page.to_owned() })
}

/// A command of the program for an exporter that runs: exit status, and what it said.
fn ask(command: &str, install: &Install, service: &Service) -> (i32, String) {
    let mut ask = Command::new(PROGRAM);
    ask.args([command, "--listen", &service.address.to_string(), "--web.config.file"]);
    ask.arg(install.path("web.yml")).arg("--state-dir").arg(install.path("state"));
    let (status, said, problem) = run(&mut ask);
    (status, said + &problem)
}

fn scraped_by_prometheus(files: &Files, service: &Service) {
    let configuration = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs: [{{job_name: imsimta, scheme: https, \
         basic_auth: {{username: prometheus, password: correct-horse}}, tls_config: {{ca_file: {:?}, cert_file: {:?}, \
         key_file: {:?}}}, static_configs: [{{targets: ['{}']}}]}}]\n",
        files.path("server.pem"),
        files.path("client.pem"),
        files.path("client.key"),
        service.address
    );
    let file = files.0.join("prometheus.yml");
    std::fs::write(&file, configuration).expect("written");
    let prometheus = Prometheus::start(&file, &files.0.join("data"), &[]);
    wait_for("a scrape over TLS, with certificate and password", DEADLINE, || {
        let up = prometheus.ask("up == 1 and on() imsimta_exporter_ready == 1")?;
        (!up.is_empty()).then_some(())
    });
}

#[test]
fn tls_certificates_and_passwords_are_asked_for() {
    if ["curl", "openssl", "prometheus"].into_iter().any(|program| !available(program)) {
        return;
    }
    let install = Install::new();
    append(&install.log("mail.log_current"), "");
    let files = Files(install.path(""));
    let leaf = ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"];
    files.own("server", &leaf);
    files.own("authority", &[]);
    files.own("stranger", &leaf);
    std::fs::write(files.path("leaf.ext"), "basicConstraints=critical,CA:FALSE\n").expect("written");
    files.client("client", "2");
    files.client("expired", "-1");
    let tls = "tls_server_config: {cert_file: server.pem, key_file: server.key";
    let users = format!("basic_auth_users: {{prometheus: '{HASH}'}}\n");
    files.write(&format!(
        "{tls}}}\nhttp_server_config: {{headers: {{Strict-Transport-Security: max-age=60}}}}\n{users}"
    ));
    let mut command = install.command();
    command.arg("--web.config.file").arg(install.path("web.yml"));
    let mut service = Service::start(command);
    let address = service.address;
    let url = |path: &str| format!("https://{address}{path}");

    // Passwords, and what is there without one.
    for (path, more, expected, holds) in [
        ("/-/healthy", &[][..], 200, "healthy"),
        ("/metrics", &[], 401, "a user and a password"),
        ("/nothing", &[], 401, "a user and a password"),
        ("/metrics", &["-u", "prometheus:wrong"], 401, "are wrong"),
        ("/metrics", &["-u", "nobody:correct-horse"], 401, "are wrong"),
        ("/metrics", &["-u", USER], 200, "imsimta_exporter_build_info"),
        ("/status.txt", &["-u", USER], 200, ""),
        ("/status.txt", &["-u", USER, "-H", "Host: evil.example"], 421, "127.0.0.1"),
        ("/debug/unparsed.txt", &["-u", USER], 401, "token"),
        ("/metrics", &["-i", "-u", USER], 200, "strict-transport-security: max-age=60"),
        ("/metrics", &["-i"], 401, "strict-transport-security: max-age=60"),
        ("/metrics", &["--ciphers", "DEFAULT@SECLEVEL=0", "--tlsv1.1", "--tls-max", "1.1"], 0, " alert "),
        ("/metrics", &["--tls-max", "1.2", "-u", USER], 200, "imsimta_exporter_build_info"),
    ] {
        let (status, page) = curl(&files, &url(path), more);
        assert!(status == expected && page.contains(holds), "{path} {more:?}: {status}\n{page}");
    }
    let (status, page) = curl(&files, &format!("http://{}/", service.address), &[]);
    assert!(status == 400 && page.contains("speaks TLS, ask it by https://"), "{status} {page}");
    for (command, holds) in [("healthcheck", "is healthy"), ("unparsed", ""), ("alerts", "")] {
        let (status, said) = ask(command, &install, &service);
        assert!(status == 0 && said.contains(holds), "{command}: {status} {said}");
    }
    let without = run(Command::new(PROGRAM).args(["healthcheck", "--listen", &service.address.to_string()]));
    assert!(without.0 == 1 && without.2.contains("--web.config.file"), "{without:?}");

    // Certificates of clients, from the next connections on.
    let mutual = "client_ca_file: authority.pem, client_auth_type: RequireAndVerifyClientCert}";
    files.write(&format!("{tls}, {mutual}\n{users}"));
    let with =
        |name: &str| ["--cert".to_owned(), format!("{name}.pem"), "--key".to_owned(), format!("{name}.key")];
    let scrape = |name: &str| {
        let certificate = with(name);
        let more = certificate.iter().map(String::as_str).chain(["-u", USER]).collect::<Vec<_>>();
        curl(&files, &url("/metrics"), &more)
    };
    wait_for("a certificate is asked for", DEADLINE, || {
        (curl(&files, &url("/-/healthy"), &[]).0 == 0).then_some(())
    });
    for (name, expected) in [("client", 200), ("expired", 0), ("stranger", 0), ("server", 200)] {
        let (status, page) = scrape(name);
        assert_eq!(status, expected, "{name}: {page}");
    }
    for command in ["healthcheck", "unparsed", "alerts"] {
        let (status, said) = ask(command, &install, &service);
        assert_eq!(status, 0, "{command}: {said}");
    }
    scraped_by_prometheus(&files, &service);

    // What is broken changes nothing, and is said.
    files.write(&format!("{tls}, {mutual}\n{users}tls: {{}}\n"));
    service.wait_for_log("unknown field `tls`");
    let page = wait_for("the metric says it", DEADLINE, || {
        let (_, page) = scrape("client");
        (value_of(&page, SUCCESSFUL) == Some(0.0)).then_some(page)
    });
    for (cause, least) in [("tls", 5.0), ("wrong_password", 2.0)] {
        let cut = value_of(&page, &format!("imsimta_exporter_http_cut_total{{cause=\"{cause}\"}}"));
        assert!(cut.is_some_and(|cut| cut >= least), "{cause}: {cut:?}");
    }
    assert_eq!(scrape("expired").0, 0);
    assert_eq!(ask("healthcheck", &install, &service).0, 1, "its certificate is in what cannot be read");
    let mut check = install.check();
    let (status, said) =
        super::harness::words_of(check.arg("--web.config.file").arg(install.path("web.yml")));
    assert!(status == 1 && said.contains("PROBLEM web_config"), "{said}");
    files.write(&format!("{tls}}}\n{users}"));
    wait_for("it is read again", DEADLINE, || {
        let (status, page) = curl(&files, &url("/metrics"), &["-u", USER]);
        (status == 200 && value_of(&page, SUCCESSFUL) == Some(1.0)).then_some(())
    });
}

/// The example of the documentation, as this program and promtool read it.
#[test]
fn the_example_is_one_for_both() {
    if !available("openssl") || !available("promtool") {
        return;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let files = Files(directory.path().to_owned());
    files.own("exporter", &[]);
    files.own("clients", &[]);
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/web.example.yml");
    files.write(&std::fs::read_to_string(example).expect("the example"));
    let web = files.path("web.yml");
    let (status, _, problem) = run(Command::new("promtool").args(["check", "web-config", &web]));
    assert_eq!(status, 0, "{problem}");
    let install = Install::new();
    let (_, said) = super::harness::words_of(install.check().args(["--web.config.file", &web]));
    let expected = "TLS with ";
    assert!(said.contains(expected) && said.contains("1 user with a password"), "{said}");
}

/// A start with what is broken is none.
#[test]
fn a_start_says_what_is_wrong() {
    let install = Install::new();
    std::fs::write(install.path("web.yml"), "tls_server_config: {cert_file: a.pem, key_file: b.key}\n")
        .expect("written");
    let (status, _, problem) = run(install.command().arg("--web.config.file").arg(install.path("web.yml")));
    assert_eq!(status, 1, "{problem}");
    assert!(problem.contains("http.web_config: ") && problem.contains("a.pem: No such file"), "{problem}");
}
