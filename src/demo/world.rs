//! Who is there: hosts, domains and people of the synthetic world. Only addresses and names that
//! are reserved for documentation and benchmarks (RFC 5737, RFC 3849, RFC 2606, RFC 2544), so that nobody
//! real is named.

use fastrand::Rng;

/// The domain that the MTA receives mail for.
pub const LOCAL_DOMAIN: &str = "siroe.example";
/// The MTA's own host name.
pub const LOCAL_HOST: &str = "mta1.siroe.example";
/// The MTA's own address.
pub const LOCAL_ADDRESS: &str = "192.0.2.25";
/// The MTA's own address for IPv6.
pub const LOCAL_ADDRESS_6: &str = "2001:db8::25";
/// The user that the MTA runs as.
pub const RUN_USER: &str = "mailsrv";

/// Domains elsewhere, the busiest first.
const DOMAINS: [&str; 40] = [
    "bigmail",
    "varrius",
    "sesta",
    "acme",
    "florizel",
    "whittlesong",
    "prospero",
    "miranda",
    "ariel",
    "caliban",
    "gonzalo",
    "trinculo",
    "stephano",
    "alonso",
    "antonio",
    "ferdinand",
    "viola",
    "orsino",
    "olivia",
    "malvolio",
    "feste",
    "toby",
    "andrew",
    "cesario",
    "curio",
    "valentine",
    "proteus",
    "julia",
    "silvia",
    "lucetta",
    "speed",
    "launce",
    "thurio",
    "panthino",
    "crab",
    "egeus",
    "hermia",
    "lysander",
    "demetrius",
    "helena",
];

/// The domain that the incident `dead-destination` is about: busy, but one of many.
pub const DEAD_DOMAIN: usize = 3;

/// The domain that the incident `big-destination` is about: the busiest of all.
pub const BIG_DOMAIN: usize = 0;

const PEOPLE: [&str; 24] = [
    "adam", "amy", "bert", "bob", "carol", "carl", "dave", "david", "durai", "ellen", "fred", "grace",
    "harold", "ines", "jorge", "karin", "lena", "marlowe", "nadia", "oscar", "paula", "quentin", "rosa",
    "service",
];

/// Another mail host.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: String,
}

impl Host {
    /// The source-system field of what it sends: `name (name [address])`.
    pub fn source_system(&self) -> String {
        let bracketed = bracketed(&self.address);
        format!("{0} ({0} [{bracketed}])", self.name)
    }
}

/// An address as it stands between brackets in a source-system field.
pub fn bracketed(address: &str) -> String {
    if address.contains(':') { format!("IPv6:{address}") } else { address.to_owned() }
}

/// The number of domains.
pub fn domains() -> usize {
    DOMAINS.len()
}

/// The name of a domain.
pub fn domain(index: usize) -> String {
    format!("{}.example", DOMAINS[index % DOMAINS.len()])
}

/// The mail host of a domain, each in a network of its own. Some are reached by IPv6.
pub fn mail_host(index: usize) -> Host {
    let address =
        if index % 8 == 5 { format!("2001:db8:{index:x}::25") } else { format!("198.19.{}.25", 200 + index) };
    Host { name: format!("mx1.{}", domain(index)), address }
}

/// A domain, the first ones far more often than the last ones.
pub fn any_domain(random: &mut Rng) -> usize {
    let weight = |index: usize| 1.0 / (f64::from(u32::try_from(index).unwrap_or(0)) + 3.0);
    let mut left = random.f64() * (0..DOMAINS.len()).map(weight).sum::<f64>();
    for index in 0..DOMAINS.len() {
        left -= weight(index);
        if left <= 0.0 {
            return index;
        }
    }
    0
}

/// The local part of somebody's address.
pub fn person(random: &mut Rng) -> String {
    let name = PEOPLE[random.usize(..PEOPLE.len())];
    if random.u8(..4) == 0 { format!("{name}.{}", random.u16(1..400)) } else { name.to_owned() }
}

/// The machine of a local user.
pub fn workstation(random: &mut Rng) -> Host {
    let number = random.u8(20..90);
    Host { name: format!("pc{number}.{LOCAL_DOMAIN}"), address: format!("198.51.100.{number}") }
}

/// One of the few machines that probe for open relays or passwords.
pub fn prober(random: &mut Rng) -> Host {
    let number = 240 + random.u8(..4);
    Host { name: format!("host{number}.spam.example"), address: format!("203.0.113.{number}") }
}

/// One of very many machines that somebody else commands, hardly two of them in one network.
pub fn drone(random: &mut Rng) -> Host {
    let (network, number) = (random.u16(..512), random.u8(1..255));
    let address = if random.u8(..4) == 0 {
        format!("2001:db8:1:{network:x}::{number:x}")
    } else {
        format!("198.{}.{}.{number}", 18 + network / 256, network % 256)
    };
    Host { name: format!("dyn{network}-{number}.access.example"), address }
}

/// The one machine of the incident `single-client-flood`.
pub fn flooder() -> Host {
    Host { name: "host250.spam.example".to_owned(), address: "203.0.113.250".to_owned() }
}

/// The user whose account is stolen in the incident of that name.
pub const STOLEN_ACCOUNT: &str = "karin";

/// A server of our own network that sends through the channel `tcp_intranet`.
pub fn application_server(random: &mut Rng) -> Host {
    let number = random.u8(1..5);
    Host { name: format!("app{number}.{LOCAL_DOMAIN}"), address: format!("192.0.2.{}", 80 + number) }
}
