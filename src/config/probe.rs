//! `[probe]`: the look from outside.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::keys::{INTERVAL, section};
use super::value::{Refusal, duration, interval, many, number, one};

/// The most ports that can be probed; each is a label value.
pub const MOST_PROBED: usize = 8;

section! {
    probe: Probe "A look from outside: ports of this host are connected to, up to the banner, as a client would. Each look leaves entries in the logs of the MTA, so it is off until ports are named. A container needs the network of its host for that.";

    ports: Vec<u16> = many(MOST_PROBED, |text| number(text, 1, u16::MAX)),
        expects "a list of at most 8 ports from 1 to 65535 such as [25, 465, 587]",
        default Vec::new() => "[]",
        "The ports that are connected to; none: nothing is.";

    address: IpAddr = one(loopback),
        expects "an address of this host's loopback such as \"127.0.0.1\" or \"::1\"",
        default IpAddr::V4(Ipv4Addr::LOCALHOST) => "\"127.0.0.1\"",
        "The address of the ports.";

    tls_ports: Vec<u16> = many(MOST_PROBED, |text| number(text, 1, u16::MAX)),
        expects "a list of at most 8 ports from 1 to 65535 such as [465]",
        default vec![465] => "[465]",
        "Those of them whose clients begin with TLS (1.2 or 1.3). The certificate is not verified: the question is \
         whether somebody answers.";

    interval: Duration = one(interval),
        expects INTERVAL,
        default Duration::from_mins(1) => "\"1m\"",
        "The time between two looks at the ports.";

    timeout: Duration = one(timeout),
        expects "a duration from 1s to 2m such as \"30s\"",
        default Duration::from_secs(30) => "\"30s\"",
        "How long connection and banner of a port are waited for.";
}

fn loopback(text: &str) -> Result<IpAddr, Refusal> {
    let address: IpAddr = text.parse().map_err(|_| Refusal::new("this is not an IP address"))?;
    if address.is_loopback() { Ok(address) } else { Err(Refusal::new("other hosts may have it")) }
}

fn timeout(text: &str) -> Result<Duration, Refusal> {
    duration(text, Duration::from_secs(1), Duration::from_mins(2))
}
