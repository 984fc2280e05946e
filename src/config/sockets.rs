//! `[sockets]`: the view of the kernel's sockets.

use std::time::Duration;

use ::config::Value;

use super::keys::{INTERVAL, section};
use super::value::{Refusal, interval, number, one, some};

/// The most ports that can be watched; each is a label value.
pub const MOST_PORTS: usize = 32;
/// Those of most hosts: SMTP, submission with and without TLS from the start.
pub const USUAL_PORTS: [u16; 3] = [25, 465, 587];

section! {
    sockets: Sockets "The view of the kernel's sockets.";

    ports: Option<Vec<u16>> = ports,
        expects "a list of 1 to 32 ports from 1 to 65535 such as [25, 587]",
        found "those that the Dispatcher and its servers listen on, where this user may see it, and those of the \
            Dispatcher's configuration; where neither tells, 25, 465 and 587" => "[25, 465, 587]",
        "The TCP ports that the MTA listens on.";

    interval: Duration = one(interval),
        expects INTERVAL,
        default Duration::from_secs(15) => "\"15s\"",
        "The time between two looks at the sockets.";
}

fn ports(value: Value) -> Result<Option<Vec<u16>>, Refusal> {
    some(MOST_PORTS, |text| number(text, 1, u16::MAX))(value).map(Some)
}
