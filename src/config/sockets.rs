//! `[sockets]`: the view of the kernel's sockets.

use std::time::Duration;

use super::keys::{INTERVAL, section};
use super::value::{interval, number, one, some};

/// The most ports that can be watched; each is a label value.
pub const MOST_PORTS: usize = 32;

section! {
    sockets: Sockets "The view of the kernel's sockets.";

    ports: Vec<u16> = some(MOST_PORTS, |text| number(text, 1, u16::MAX)),
        expects "a list of 1 to 32 ports from 1 to 65535 such as [25, 587]",
        default vec![25, 465, 587] => "[25, 465, 587]",
        "The TCP ports that the MTA listens on.";

    interval: Duration = one(interval),
        expects INTERVAL,
        default Duration::from_secs(15) => "\"15s\"",
        "The time between two looks at the sockets.";
}
