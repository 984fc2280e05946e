//! `[mta]`: where the MTA is, and what it cannot tell about itself.

use std::path::PathBuf;

use jiff::tz::TimeZone;

use super::keys::{DIRECTORY, section};
use super::value::{Refusal, one, optional, path, size, yes_or_no};

/// The longest user name that Linux's own tools make, with room to spare.
const USER_BYTES: usize = 64;

section! {
    mta: Mta "Where the MTA is, and what it cannot tell about itself.";

    root: Option<PathBuf> = optional(path), flag "--root",
        expects DIRECTORY,
        found "the first known place that exists" => "\"/opt/sun/comms/messaging64\"",
        "The root directory of the installation.";

    log_directory: Option<PathBuf> = optional(path),
        expects DIRECTORY,
        found "`log`, else `data/log`, below the root" => "\"/var/opt/sun/comms/messaging64/log\"",
        "Where the MTA writes its logs; a relative path begins at the root.";

    queue_directory: Option<PathBuf> = optional(path),
        expects DIRECTORY,
        found "`data/queue`, for PMDF and SIMS `queue`, below the root" => "\"/var/opt/sun/comms/messaging64/queue\"",
        "The directory that holds one queue directory a channel; a relative path begins at the root.";

    user: Option<String> = optional(user),
        expects "the name or number of a user such as \"mailsrv\"",
        found "the owner of the queue directory, or of the log directory where that is root's" => "\"mailsrv\"",
        "The user that the MTA runs as and that has to own its directories.";

    as_root: bool = one(yes_or_no), flag "--as-root",
        expects "true or false",
        default false,
        "Whether a service that root starts stays root. By default it becomes `mta.user` before it reads anything \
         of the MTA; as root it could be led to any file of the host.";

    proc: Option<PathBuf> = optional(path), flag "--proc",
        expects DIRECTORY,
        found "`/proc`" => "\"/proc\"",
        "The process file system of the host that the MTA runs on, such as `/host/proc` in a container of its own. Sockets \
         are those of its process 1.";

    active: Option<bool> = optional(yes_or_no),
        expects "true or false",
        found "judged by what is there of logs, queue and processes" => "true",
        "Whether the MTA runs on this host, for a pair of which one node is passive.";

    timezone: Option<TimeZone> = optional(timezone),
        expects "an IANA time zone such as \"Europe/Berlin\"",
        found "the host's time zone" => "\"Europe/Berlin\"",
        "The time zone of the times in the logs, which do not name it.";

    block_size: u64 = one(|text| size(text, 1, 1 << 30)),
        expects "a size from 1B to 1GiB such as \"1KiB\"",
        default 1024 => "\"1KiB\"",
        "The MTA's option `block_size`: message sizes in the logs are counted in blocks of it.";
}

fn user(text: &str) -> Result<String, Refusal> {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b":/,\"".contains(&byte);
    if text.is_empty() || text.len() > USER_BYTES || !text.bytes().all(plain) {
        return Err(Refusal::new("this is not the name of a user"));
    }
    Ok(text.to_owned())
}

fn timezone(text: &str) -> Result<TimeZone, Refusal> {
    TimeZone::get(text).map_err(|_| Refusal::new("no time zone of this name is known"))
}
