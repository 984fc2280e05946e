//! Names of files in the queue: what is a message by its name, and what is said where many are none.

use super::harness::{Install, words_of};
use crate::exposition::sum_of;

fn put(install: &Install, channel: &str, names: &[String]) {
    let directory = install.queue(channel);
    std::fs::create_dir_all(&directory).expect("made");
    for name in names {
        std::fs::write(directory.join(name), "x").expect("written");
    }
}

fn some(count: usize, name: impl Fn(usize) -> String) -> Vec<String> {
    (0..count).map(name).collect()
}

#[test]
fn names_with_an_underscore_are_messages() {
    let install = Install::new();
    let names = ["ZZf0a1b2cD_e0.00", "ZYf0a1b2cDxe0.01", "ZXf0a1b2c_xe1.HELD"].map(str::to_owned);
    put(&install, "tcp_local/001", &names);
    let service = install.start();
    service.wait_for_sample(r#"imsimta_queue_messages{channel="tcp_local"}"#, 2.0);
    service.wait_for_sample(r#"imsimta_queue_other_files{channel="tcp_local"}"#, 0.0);
    let page = service.page();
    let held = sum_of(&page, "imsimta_queue_held_messages", &[("channel", "tcp_local")]);
    assert_eq!(held, Some(1.0), "{page}");
}

#[test]
fn many_files_that_are_no_messages_are_said() {
    let install = Install::new();
    // A seventh; a handful; a few per cent of many.
    put(&install, "tcp_local/000", &some(60, |number| format!("ZZf0a1b2cD{number:02}.00")));
    put(&install, "tcp_local/000", &some(10, |number| format!("message{number}.eml")));
    put(&install, "ims-ms", &some(5, |number| format!("ZZf0a1b2cD{number:02}.KEEP1")));
    put(&install, "process", &some(200, |number| format!("ZZf0a1b2c{number:03}.00")));
    put(&install, "process", &some(6, |number| format!("ZZf0a1b2c{number:03}.KEEP1")));
    let (_, words) = words_of(&mut install.check());
    assert!(words.contains("note queue tcp_local: 10 of 70 files have names that no message has"), "{words}");
    assert_eq!(words.matches("that no message has").count(), 1, "{words}");

    let service = install.start();
    service.wait_for_sample(r#"imsimta_queue_other_files{channel="tcp_local"}"#, 10.0);
    let (_, status) = service.get("/");
    for words in ["tcp_local: 14 % of its files are no messages by their names.", "They are 10 of 70."] {
        assert!(status.contains(words), "{words}: {status}");
    }
    assert_eq!(status.matches("are no messages").count(), 1, "{status}");
}
