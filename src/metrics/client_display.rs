//! How clients, and other hosts and people, are shown: in labels, on pages and in texts.

use std::net::IpAddr;

use crate::aggregate::client;
use crate::config::ClientLabel;

/// How clients are shown.
#[derive(Clone, Copy, Debug)]
pub struct ClientDisplay {
    /// What stands in the label.
    pub label: ClientLabel,
    /// How many clients have one.
    pub top: usize,
    /// Keys the hash of hashed labels.
    pub seed: u64,
}

impl ClientDisplay {
    /// The label value of a client; `None` when clients are not shown.
    pub fn value(&self, client: IpAddr) -> Option<String> {
        match self.label {
            ClientLabel::Address => Some(client.to_string()),
            ClientLabel::Network => Some(network(client)),
            ClientLabel::Hashed => Some(self.hashed(&client.to_string())),
            ClientLabel::Off => None,
        }
    }

    /// The label value of a network by its first address; `None` when clients are not shown.
    pub fn network(&self, first: IpAddr) -> Option<String> {
        match self.label {
            ClientLabel::Address | ClientLabel::Network => Some(network(first)),
            ClientLabel::Hashed => Some(self.hashed(&network(first))),
            ClientLabel::Off => None,
        }
    }

    /// Whether each client is shown by its network.
    pub fn shows_networks(&self) -> bool {
        self.label == ClientLabel::Network
    }

    /// The label value of a user; `None` when clients are not shown. A name with an address in it is hidden where
    /// addresses are.
    pub fn user(&self, user: &str) -> Option<String> {
        match self.label {
            ClientLabel::Off => None,
            ClientLabel::Address | ClientLabel::Network
                if *self.masked(user.as_bytes()) == *user.as_bytes() =>
            {
                Some(user.to_owned())
            }
            ClientLabel::Address | ClientLabel::Network | ClientLabel::Hashed => Some(self.hashed(user)),
        }
    }

    /// The label value of another host: its name, or its address as those of clients are shown.
    pub fn host(&self, host: &str) -> String {
        String::from_utf8_lossy(&self.masked(host.as_bytes())).into_owned()
    }

    fn hashed(&self, text: &str) -> String {
        format!("{:016x}", xxhash_rust::xxh3::xxh3_64_with_seed(text.as_bytes(), self.seed))
    }
}

/// The /24 or /64 that an address lies in.
fn network(client: IpAddr) -> String {
    let first = client::network(client);
    format!("{first}/{}", if first.is_ipv4() { 24 } else { 64 })
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::ClientDisplay;
    use crate::config::ClientLabel;

    #[test]
    fn clients_are_shown_as_configured() {
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        let [one, six] = ["192.0.2.17", "2001:db8::1"].map(address);
        let shown = |label, seed| {
            let display = ClientDisplay { label, top: 9, seed };
            let users = ["adam", "eve@[192.0.2.17]"].map(|user| display.user(user));
            let [adam, eve] = users;
            (
                [display.value(one), display.value(six), display.network(one), adam, eve],
                display.host("[192.0.2.17]"),
            )
        };
        let texts = |texts: [&str; 5]| texts.map(|text| Some(text.to_owned()));
        let (values, host) = shown(ClientLabel::Address, 1);
        assert_eq!(values, texts(["192.0.2.17", "2001:db8::1", "192.0.2.0/24", "adam", "eve@[192.0.2.17]"]));
        assert_eq!(host, "[192.0.2.17]");
        let (values, host) = shown(ClientLabel::Network, 1);
        assert_eq!(values[..4], texts(["192.0.2.0/24", "2001:db8::/64", "192.0.2.0/24", "adam", ""])[..4]);
        assert_eq!((values[4].as_ref().map(String::len), &*host), (Some(16), "[192.0.2.0/24]"));
        let (values, host) = shown(ClientLabel::Off, 1);
        assert_eq!((values, &*host), ([const { None }; 5], "[(address)]"));
        let (values, host) = shown(ClientLabel::Hashed, 1);
        assert!(values.iter().flatten().all(|value| value.len() == 16), "{values:?}");
        assert!(!host.contains("192"), "{host}");
        let (others, _) = shown(ClientLabel::Hashed, 2);
        assert!(values.iter().zip(&others).all(|(one, other)| one.is_some() && one != other));
    }
}
