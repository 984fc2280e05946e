//! What a program is given to read.

use std::path::Path;
use std::time::Duration;

use super::{Ended, Run, Running, run};

fn monotonic() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::try_from(now).expect("after the start")
}

/// Far more than a pipe holds: one that reads it late, one that reads a part, and one that reads nothing.
#[test]
fn a_program_may_read_what_it_is_given_or_not() {
    let input = b"0123456789abcdef".repeat(1 << 16);
    for (script, expected) in [
        ("/usr/bin/sha1sum | /usr/bin/head -c 8", "7b961ac1"),
        ("/usr/bin/head -c 4", "0123"),
        ("exec </dev/null; echo no", "no\n"),
        ("exit 0", ""),
    ] {
        let what = Run {
            path: Path::new("/bin/sh"),
            name: Path::new("sh"),
            arguments: &["-c", script],
            input: &input,
            timeout: Duration::from_secs(20),
            most_output: 1000,
        };
        let (ended, printed) = run(&what, &Running::default(), &monotonic).expect("started");
        assert!(matches!(ended, Ended::Itself(status) if status.success()), "{script}: {ended:?}");
        assert_eq!(String::from_utf8_lossy(&printed.out), expected, "{script}");
    }
}
