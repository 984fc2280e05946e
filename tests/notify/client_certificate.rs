//! An Alertmanager that asks for a certificate, and who it lets in.

use std::path::Path;
use std::process::{Command, Stdio};

use imsimta_exporter::observed::notified::Failure;

use super::site::{Alertmanager, Sender, file, has_alertmanager};
use crate::service::harness::{DEADLINE, available, wait_for};

/// Certificates in a directory, with keys beside them.
struct Authority<'a>(&'a Path);

impl Authority<'_> {
    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("text").to_owned()
    }

    /// One that vouches for itself, and may be told to vouch for nobody else.
    fn own(&self, name: &str, more: &[&str]) {
        let (certificate, key) = (self.path(&format!("{name}.pem")), self.path(&format!("{name}.key")));
        let mut openssl = Command::new("openssl");
        openssl.args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2".split(' '));
        openssl.args(["-subj", &format!("/CN={name}"), "-keyout", &key, "-out", &certificate]).args(more);
        assert!(openssl.stderr(Stdio::null()).status().expect("started").success(), "{name}");
    }
}

const LEAF: [&str; 4] =
    ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"];

/// No certificate, one of a stranger, another's key, and the right pair: each in files that are read anew each time.
#[test]
fn who_has_the_right_certificate_is_let_in() {
    if !has_alertmanager() || !available("openssl") {
        return;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let made = Authority(directory.path());
    made.own("authority", &[]);
    made.own("stranger", &LEAF);
    made.own("server", &LEAF);
    let (ca, ca_key) = (made.path("authority.pem"), made.path("authority.key"));
    made.own("exporter", &["-CA", &ca, "-CAkey", &ca_key, LEAF[0], LEAF[1], LEAF[2], LEAF[3]]);
    let web = format!(
        "tls_server_config: {{cert_file: {:?}, key_file: {:?}, client_ca_file: {ca:?}, \
         client_auth_type: RequireAndVerifyClientCert}}\n",
        made.path("server.pem"),
        made.path("server.key"),
    );
    let alertmanager = Alertmanager::start_with(Some(&file(directory.path(), "web.yml", web.as_bytes())));
    let url = format!("https://{}", alertmanager.address);
    let server = made.path("server.pem");

    let without = Sender::start(&[&url], &format!("ca_file = {server:?}"));
    without.fires(&["nobody"]);
    let copy = |from: &str, to: &str| std::fs::copy(made.path(from), made.path(to)).expect("copied");
    copy("stranger.pem", "client.pem");
    copy("stranger.key", "client.key");
    let (certificate, key) = (made.path("client.pem"), made.path("client.key"));
    let more = format!("ca_file = {server:?}\nclient_cert_file = {certificate:?}\nclient_key_file = {key:?}");
    let sender = Sender::start(&[&url], &more);
    sender.fires(&["tcp_local"]);
    for (what, one) in [("no certificate", &without), ("that of a stranger", &sender)] {
        wait_for(what, DEADLINE, || one.told(0).problem.filter(|problem| problem.contains("no TLS: ")));
        assert!(one.told(0).failed(Failure::Tls) > 0, "{what}");
    }
    copy("exporter.pem", "client.pem");
    wait_for("another's key", DEADLINE, || (sender.told(0).failed(Failure::Secret) > 0).then_some(()));
    let problem = sender.told(0).problem.expect("it is said");
    assert!(problem.contains("it is not the key of the certificate"), "{problem}");
    copy("exporter.key", "client.key");
    alertmanager.wait_until_said("tcp_local", &["firing"]);
    sender.fires(&[]);
    alertmanager.wait_until_said("tcp_local", &["firing", "resolved"]);
    assert_eq!(alertmanager.said("nobody"), [] as [&str; 0]);
}
