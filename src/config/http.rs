//! `[http]`: the HTTP listener.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Deserializer};

use super::value::{Refusal, one};

/// The HTTP listener.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// The address and port; port 0 lets the kernel choose.
    #[serde(deserialize_with = "listen")]
    pub listen: SocketAddr,
}

impl Default for Http {
    fn default() -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9797)) }
    }
}

pub(super) fn listen<'de, D: Deserializer<'de>>(value: D) -> Result<SocketAddr, D::Error> {
    one(value, |text| text.parse().map_err(|_| Refusal::new(refused(text))))
}

/// Other programs take a port alone or a host name, so these two get an answer of their own.
fn refused(text: &str) -> String {
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    match port.parse::<u16>() {
        Ok(port) if host.is_empty() => {
            format!("the address is missing, write \"0.0.0.0:{port}\" for all of IPv4")
        }
        Ok(_) => "names are not looked up".to_owned(),
        Err(_) => "this is not an address and a port".to_owned(),
    }
}
