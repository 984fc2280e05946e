//! An Alertmanager with TLS and a password.

use std::process::{Command, Stdio};

use imsimta_exporter::observed::notified::Failure;

use super::site::{Alertmanager, Sender, file, has_alertmanager};
use crate::service::harness::{DEADLINE, available, wait_for};

const PASSWORD: &str = "correct-horse";
/// bcrypt of that, at the least cost.
const HASH: &str = "$2b$04$abcdefghijklmnopqrstuuPoaPXzWjiVz4HaNq2LJXksWbO79E.S6";

#[test]
fn authority_and_password_are_read_from_files_each_time() {
    if !has_alertmanager() || !available("openssl") {
        return;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = |name: &str| directory.path().join(name).to_str().expect("text").to_owned();
    let (certificate, key) = (path("certificate.pem"), path("key.pem"));
    let mut openssl = Command::new("openssl");
    openssl.args(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=am".split(' '),
    );
    openssl.args(["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]);
    openssl.args(["-keyout", &key, "-out", &certificate]).stderr(Stdio::null());
    assert!(openssl.status().expect("started").success());
    let web = format!(
        "tls_server_config: {{cert_file: {certificate:?}, key_file: {key:?}}}\nbasic_auth_users: {{imsimta: '{HASH}'}}\n"
    );
    let web = file(directory.path(), "web.yml", web.as_bytes());
    let alertmanager = Alertmanager::start_with(Some(&web));

    let password = file(directory.path(), "password", b"wrong\n");
    let ca = file(directory.path(), "ca.pem", b"none\n");
    let url = format!("https://{}", alertmanager.address);
    let more = format!("ca_file = {ca:?}\nuser = \"imsimta\"\npassword_file = {password:?}");
    let sender = Sender::start(&[&url], &more);
    sender.fires(&["tcp_local"]);
    for (failure, name, right) in [
        (Failure::Secret, "ca.pem", std::fs::read(&certificate).expect("made")),
        (Failure::Denied, "password", PASSWORD.as_bytes().to_vec()),
    ] {
        wait_for(&format!("{failure:?}"), DEADLINE, || (sender.told(0).failed(failure) > 0).then_some(()));
        let problem = sender.told(0).problem.expect("it is said");
        assert!(!problem.contains("wrong"), "{problem}");
        file(directory.path(), name, &right);
    }
    alertmanager.wait_until_said("tcp_local", &["firing"]);
    sender.fires(&[]);
    alertmanager.wait_until_said("tcp_local", &["firing", "resolved"]);
}
