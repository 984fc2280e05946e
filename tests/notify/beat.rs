//! The dead man's beat over HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use imsimta_exporter::observed::notified::Failure;

use super::hostile::serve;
use super::site::{Sender, file};
use crate::service::harness::{DEADLINE, wait_for};

#[test]
fn a_secret_url_is_asked_for_again_and_again() {
    let beats = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&beats);
    let url = serve(
        move |stream| {
            counted.fetch_add(1, Ordering::Relaxed);
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"));
        },
        false,
    );
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = file(directory.path(), "url", format!("{url}/ping/secret-word?x=1\n").as_bytes());
    let sender = Sender::start(&[], &format!("beat_url_file = {path:?}"));
    wait_for("three beats", DEADLINE, || (beats.load(Ordering::Relaxed) >= 3).then_some(()));
    assert!(sender.told(0).last_success.is_some());
    // A new URL holds at once, and what is none is said without it.
    file(directory.path(), "url", b"secret-word");
    wait_for("a failure", DEADLINE, || (sender.told(0).failed(Failure::Secret) > 0).then_some(()));
    let problem = sender.told(0).problem.expect("it is said");
    assert!(!problem.contains("secret-word"), "{problem}");
}
