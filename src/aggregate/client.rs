//! What clients did in the last five minutes, by remote address and by the network that it lies in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::busiest::Busiest;
use super::digest::Client;
use super::each::Each;
use super::reasons::closed_set;
use super::table::{LeftOut, Table};
use super::time::Time;
use crate::record::labelled;

/// Clients that are told apart in each half minute: on nearly all hosts all of them.
pub const TOLD_APART: usize = 1792;
/// There are eight windows.
const _: () = assert!(Window::MOST_BYTES <= 1 << 20, "a window takes 1 MiB at most");

/// Addresses, or networks, of which the first address stands for all.
pub type Window = Busiest<IpAddr, TOLD_APART>;

labelled! {
    /// What is counted of clients.
    ClientActivity {
        Connections = "connections": "inbound connections";
        Rejections = "rejections": "rejected recipients and connections";
        BadCommands = "bad_commands": "commands that the SMTP server did not understand";
        AuthenticationFailures = "authentication_failures": "failed authentications";
    }
}

closed_set!(ClientActivity);

/// A window for each activity.
type Windows = Each<ClientActivity, Window, { ClientActivity::ALL.len() }>;

/// All windows.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "Saved")]
pub struct Clients {
    /// By address.
    pub addresses: Windows,
    /// By network, /24 or /64: a flood from a thousand addresses of one is one client. It has windows of its own, since
    /// no address of such a flood stands out.
    pub networks: Windows,
}

/// What is saved. An older release had windows by address alone, each under its name.
#[derive(Deserialize)]
struct Saved {
    addresses: Option<Windows>,
    networks: Option<Windows>,
    connections: Option<Window>,
    rejections: Option<Window>,
    authentication_failures: Option<Window>,
}

impl From<Saved> for Clients {
    fn from(saved: Saved) -> Self {
        let mut addresses = saved.addresses.unwrap_or_default();
        for (activity, window) in [
            (ClientActivity::Connections, saved.connections),
            (ClientActivity::Rejections, saved.rejections),
            (ClientActivity::AuthenticationFailures, saved.authentication_failures),
        ] {
            if let Some(window) = window {
                addresses[activity] = window;
            }
        }
        Self { addresses, networks: saved.networks.unwrap_or_default() }
    }
}

impl Table for Clients {
    fn empty(_: u64) -> Self {
        Self::default()
    }

    fn left_out(&self) -> LeftOut {
        let sum = |windows: &Windows| windows.all().map(|(_, window)| window.left_out()).sum();
        LeftOut::Counted(vec![("clients", sum(&self.addresses)), ("client_networks", sum(&self.networks))])
    }
}

impl Clients {
    /// Counts an activity of a client, where there is one. `seed` keys the hashes of networks.
    pub(super) fn add(&mut self, activity: ClientActivity, at: Time, client: Option<Client>, seed: u64) {
        let Some(Client { address, key }) = client else { return };
        self.addresses[activity].add(at, key, || address);
        let network = network(address);
        self.networks[activity].add(at, network_key(network, seed), || network);
    }
}

/// The first address of the /24 or /64 that an address lies in.
pub fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            Ipv4Addr::new(a, b, c, 0).into()
        }
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

fn network_key(network: IpAddr, seed: u64) -> u64 {
    match network {
        IpAddr::V4(network) => xxh3_64_with_seed(&network.octets()[..3], seed),
        IpAddr::V6(network) => xxh3_64_with_seed(&network.octets()[..8], seed),
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{ClientActivity, Clients, Time, Window, network};
    use crate::aggregate::digest::Client;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn networks_of_addresses() {
        for (of, expected) in
            [("192.0.2.17", "192.0.2.0"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"), ("::1", "::")]
        {
            assert_eq!(network(address(of)), address(expected));
        }
    }

    #[test]
    fn windows_of_an_older_release_are_read_by_their_names() {
        #[derive(serde::Serialize)]
        struct Old {
            connections: Window,
            rejections: Window,
            authentication_failures: Window,
        }
        let window = |times| {
            let mut window = Window::default();
            (0..times).for_each(|_| window.add(Time::of(1), 7, || address("192.0.2.7")));
            window
        };
        let old = Old { connections: window(3), rejections: window(2), authentication_failures: window(1) };
        let saved = rmp_serde::to_vec_named(&old).expect("encoded");
        let mut clients: Clients = rmp_serde::from_slice(&saved).expect("decoded");
        let client = Client { address: address("192.0.2.7"), key: 7 };
        clients.add(ClientActivity::Rejections, Time::of(1), Some(client), 3);
        let max = |window: &Window| window.ranking(Time::of(1), 1).rows.first().map_or(0, |row| row.1);
        let counts =
            |windows: &super::Windows| windows.all().map(|(_, window)| max(window)).collect::<Vec<_>>();
        assert_eq!(
            (counts(&clients.addresses), counts(&clients.networks)),
            (vec![3, 3, 0, 1], vec![0, 1, 0, 0])
        );
        let saved = rmp_serde::to_vec_named(&clients).expect("encoded");
        assert_eq!(rmp_serde::from_slice::<Clients>(&saved).expect("decoded"), clients);
    }

    /// As many addresses as a /64 has: none comes twice.
    #[test]
    fn a_flood_from_one_network_is_one_client() {
        let mut clients = Clients::default();
        for n in 0..20_000 {
            let client =
                Client { address: [0x2001, 0xdb8, 0, 7, 0, 0, 0, n].into(), key: u64::from(n) << 20 };
            clients.add(ClientActivity::Connections, Time::of(1), Some(client), 3);
            clients.add(ClientActivity::Rejections, Time::of(1), None, 3);
        }
        let top = |window: &Window| window.ranking(Time::of(1), 1);
        let networks = top(&clients.networks[ClientActivity::Connections]);
        assert_eq!((networks.rows, networks.error_bound), (vec![(address("2001:db8:0:7::"), 20_000)], 0));
        let addresses = top(&clients.addresses[ClientActivity::Connections]);
        assert_eq!((addresses.rows[0].1, addresses.events), (1, 20_000));
        assert!(top(&clients.addresses[ClientActivity::Rejections]).rows.is_empty());
        assert!(clients.addresses[ClientActivity::Connections].bytes() <= Window::MOST_BYTES);
    }
}
