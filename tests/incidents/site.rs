//! What a site of demos sets: what no demo has the time for, and what all of them share with the rest of the machine.

use std::path::Path;
use std::time::Duration;

/// Bytes a second by which a disk fills while the demo adds eight times as much, whoever else has removed something.
const FILLED: u64 = 128 << 10;
/// How far ahead may be looked at most.
const MOST_AHEAD: Duration = Duration::from_hours(8760);

/// The configuration from which rules are rendered that have all their times divided.
pub fn settings(scale: u32, fills_disk: bool) -> String {
    let (filling_share, ahead) = if fills_disk { (1.0, ahead(scale)) } else { (0.0, MOST_AHEAD) };
    // An exporter counts clients over five minutes of its own, and what is usual of them is known when these are over.
    let (client_window, known) = (5 * scale, 6 * scale);
    // Whoever builds or copies something on this machine fills the disk of all demos.
    format!(
        "[alerting.thresholds]\n\
         rotation_age = \"20m\"\n\
         client_window = \"{client_window}m\"\n\
         usual_lately_known = \"{known}m\"\n\
         filling_share = {filling_share:.1}\n\
         filling_share_critical = 0.0\n\
         free_share = 0.0\n\
         free_share_critical = 0.0\n\
         filling_ahead = \"{}s\"\n",
        ahead.as_secs()
    )
}

/// How long the demo takes for all that is free where it writes, before that is divided.
fn ahead(scale: u32) -> Duration {
    let space = rustix::fs::statvfs(&std::env::temp_dir() as &Path).expect("a file system");
    let seconds = space.f_bavail * space.f_frsize / FILLED;
    (Duration::from_secs(seconds) * scale).min(MOST_AHEAD)
}
