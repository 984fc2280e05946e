//! The unit that ships, judged by systemd's own tools, and the configuration of a host.

use std::process::Command;

use super::harness::{PROGRAM, available};

const UNIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/systemd/imsimta-exporter.service");
/// Ten times what `systemd-analyze security` says at most.
const MOST_EXPOSED: &str = "17";

#[test]
fn systemd_understands_the_unit_and_finds_it_safe() {
    if !available("systemd-analyze") {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let text = std::fs::read_to_string(UNIT).expect("the unit");
    // The program and its manual are not installed here.
    let here: String = text
        .lines()
        .filter(|line| !line.starts_with("Documentation="))
        .map(|line| line.replace("/usr/local/bin/imsimta-exporter", PROGRAM) + "\n")
        .collect();
    assert!(here.contains(PROGRAM), "{here}");
    let copy = directory.path().join("imsimta-exporter.service");
    std::fs::write(&copy, here).expect("written");

    let verified = Command::new("systemd-analyze").arg("verify").arg(&copy).output().expect("it runs");
    let said = String::from_utf8_lossy(&verified.stderr);
    let about_it: Vec<_> = said.lines().filter(|line| line.contains("imsimta-exporter")).collect();
    assert!(verified.status.success() && about_it.is_empty(), "{said}");

    let mut exposure = Command::new("systemd-analyze");
    exposure.args(["security", "--no-pager", "--offline=true", "--threshold", MOST_EXPOSED]).arg(&copy);
    let exposure = exposure.output().expect("it runs");
    assert!(exposure.status.success(), "{}", String::from_utf8_lossy(&exposure.stdout));
}

/// It is read where it is there and no other is named.
#[test]
fn the_configuration_of_the_host_is_read() {
    if !available("unshare") || !rustix::process::geteuid().is_root() {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let other = directory.path().join("other.toml");
    std::fs::write(&other, "[alerting]\njob = \"other\"\n").expect("written");
    let rules = |file: &str, arguments: &[&str]| {
        // A mount of its own hides /etc from the program alone.
        let script = format!("mount -t tmpfs none /etc && {file} && exec \"$@\"");
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", &script, "sh", PROGRAM, "rules"]).args(arguments);
        let output = command.output().expect("it runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    };
    let host = "printf '[alerting]\\njob = \"of-the-host\"\\n' >/etc/imsimta-exporter.toml";
    assert!(rules("true", &[]).1.contains(r#"job="imsimta""#));
    assert!(rules(host, &[]).1.contains(r#"job="of-the-host""#));
    assert!(rules(host, &["--config", &other.to_string_lossy()]).1.contains(r#"job="other""#));
    // A link to nowhere is no host without a configuration.
    let (done, _, said) = rules("ln -s /nowhere /etc/imsimta-exporter.toml", &[]);
    assert!(!done && said.contains("/etc/imsimta-exporter.toml"), "{said}");
}
