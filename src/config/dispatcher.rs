//! `[dispatcher]`: what the MTA's Dispatcher may do, where its own configuration does not say it.

use std::path::PathBuf;
use std::time::Duration;

use super::error::quoted;
use super::keys::section;
use super::value::{Refusal, duration, many, number, optional, path};
use crate::record::label;

/// The most services that are told apart; each is a label value.
pub const MOST_SERVICES: usize = 32;
/// More processes, or connections of one, are a mistake.
const MOST: u64 = 1_000_000;

section! {
    dispatcher: Dispatcher "How many connections the MTA's Dispatcher takes at once. What its own configuration says need not be said here.";

    file: Option<PathBuf> = optional(path),
        expects "the path of a dispatcher.cnf or config.xml",
        found "the first that is there of `config/config.xml`, `config/dispatcher.cnf`, `imta/dispatcher.cnf`, \
            `imta/config/dispatcher.cnf` and `table/dispatcher.cnf` below the root" => "\"config/dispatcher.cnf\"",
        "The MTA's configuration of the Dispatcher; a relative path begins at the root.";

    services: Vec<ServiceLimit> = many(MOST_SERVICES, service),
        expects "a list of at most 32 entries such as \"smtp@25=5x20\", each a service, its ports with + between them, \
            MAX_PROCS and MAX_CONNS",
        default Vec::new() => "[]",
        "Services of the Dispatcher and their limits; each wins over what the MTA's configuration says of it. Without \
         ports, as in \"smtp=5x20\", those of the MTA's configuration hold.";

    max_life_time: Option<Duration> = optional(|text| duration(text, Duration::from_mins(1), Duration::from_hours(24 * 365))),
        expects "a duration from 1m to 8760h such as \"24h\"",
        found "as the MTA's configuration says, else one day" => "\"24h\"",
        "The Dispatcher's `MAX_LIFE_TIME`: how long a server process lives, and so an inbound connection.";

    max_life_conns: Option<u64> = optional(|text| number(text, 1, u64::from(u32::MAX))),
        expects "a number from 1 to 4294967295",
        found "as the MTA's configuration says" => "10000",
        "The Dispatcher's `MAX_LIFE_CONNS`: how many connections a server process serves in its life.";
}

/// A service and its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceLimit {
    /// Its name as a label.
    pub name: String,
    /// Its ports, ascending; empty where the MTA's configuration knows them.
    pub ports: Vec<u16>,
    /// `MAX_PROCS`
    pub max_procs: u64,
    /// `MAX_CONNS`
    pub max_conns: u64,
}

fn service(text: &str) -> Result<ServiceLimit, Refusal> {
    let missing = |what: &str| Refusal::new(format!("{what} is missing in {}", quoted(text)));
    let (service, limits) = text.split_once('=').ok_or_else(|| missing("an equals sign"))?;
    let (name, ports) = service.split_once('@').unwrap_or((service, ""));
    let (procs, conns) = limits.split_once('x').ok_or_else(|| missing("an x between two numbers"))?;
    let name = label::channel(name.trim().as_bytes());
    if name.is_empty() {
        return Err(missing("the name of the service"));
    }
    let ports = ports.split('+').map(str::trim).filter(|port| !port.is_empty());
    let mut ports = ports.map(|port| number(port, 1, u16::MAX)).collect::<Result<Vec<u16>, _>>()?;
    ports.sort_unstable();
    ports.dedup();
    let (max_procs, max_conns) = (number(procs.trim(), 1, MOST)?, number(conns.trim(), 1, MOST)?);
    Ok(ServiceLimit { name, ports, max_procs, max_conns })
}

#[cfg(test)]
mod tests {
    use super::{ServiceLimit, service};

    #[test]
    fn a_service_with_and_without_ports() {
        let limit = |ports: &[u16], max_procs, max_conns| ServiceLimit {
            name: "smtp_submit".to_owned(),
            ports: ports.to_vec(),
            max_procs,
            max_conns,
        };
        for (text, expected) in [
            ("SMTP_SUBMIT=5x20", limit(&[], 5, 20)),
            ("smtp_submit@587=1x1", limit(&[587], 1, 1)),
            (" smtp_submit @ 587 + 465 + 587 = 10 x 50 ", limit(&[465, 587], 10, 50)),
        ] {
            assert_eq!(service(text), Ok(expected), "{text}");
        }
        for (text, part) in [
            ("smtp", "an equals sign is missing"),
            ("smtp=100", "an x between two numbers is missing"),
            ("@25=5x20", "the name of the service is missing"),
            ("smtp@0=5x20", "0 is not from 1 to 65535"),
            ("smtp@25=0x20", "0 is not from 1 to 1000000"),
            ("smtp@25=5x-1", "-1 is not from 1 to 1000000"),
            ("smtp@25=5x", "is not a whole number"),
        ] {
            let refusal = service(text).expect_err(text).to_string();
            assert!(refusal.contains(part), "{text}: {refusal}");
        }
    }
}
