//! `[processes]`: the view of the MTA's processes.

use std::path::PathBuf;
use std::time::Duration;

use super::error::quoted;
use super::keys::{DIRECTORY, INTERVAL, section};
use super::value::{Refusal, interval, one, optional, path, some};

/// The most process names that can be watched; each is a label value.
pub const MOST_NAMES: usize = 64;
/// The longest name of a program. It is matched against the program's file name too, so it may be
/// longer than the 15 bytes that the kernel keeps as a process's name.
const NAME_BYTES: usize = 64;

section! {
    processes: Processes "The view of the MTA's processes.";

    names: Vec<String> = some(MOST_NAMES, name),
        expects "a list of 1 to 64 program names such as [\"dispatcher\"]",
        default ["dispatcher", "job_controller", "tcp_smtp_server", "tcp_smtp_client", "tcp_lmtp_server", "tcp_lmtp_client", "ims_master"]
         .map(str::to_owned).to_vec() =>
            "[\"dispatcher\", \"job_controller\", \"tcp_smtp_server\", \"tcp_smtp_client\", \
         \"tcp_lmtp_server\", \"tcp_lmtp_client\", \"ims_master\"]",
        "The programs of the MTA to look for.";

    installation: Option<PathBuf> = optional(path),
        expects DIRECTORY,
        found "`mta.root`" => "\"/opt/sun/comms/messaging64\"",
        "The root of the installation as the MTA's own processes see it, where they or this program run in a container.";

    interval: Duration = one(interval),
        expects INTERVAL,
        default Duration::from_secs(10) => "\"10s\"",
        "The time between two looks at the processes.";
}

fn name(text: &str) -> Result<String, Refusal> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.+".contains(&byte);
    if text.is_empty() || text.len() > NAME_BYTES || !text.bytes().all(plain) {
        return Err(Refusal(format!("{} is not the plain name of a program", quoted(text))));
    }
    Ok(text.to_owned())
}
