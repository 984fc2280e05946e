//! `[clients]`: labels that name clients.

use serde::{Deserialize, Deserializer};

use super::value::{self, Refusal, one};

/// Labels that name clients.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Clients {
    /// How a client's address becomes a label.
    #[serde(deserialize_with = "label")]
    pub label: ClientLabel,
    /// How many clients get series of their own.
    #[serde(deserialize_with = "top")]
    pub top: usize,
}

/// How a client's address becomes a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientLabel {
    /// The address as it is.
    Address,
    /// The network that the address belongs to.
    Network,
    /// A keyed hash of the address.
    Hashed,
    /// No series name a client.
    Off,
}

impl Default for Clients {
    fn default() -> Self {
        Self { label: ClientLabel::Address, top: 10 }
    }
}

pub(super) fn label<'de, D: Deserializer<'de>>(value: D) -> Result<ClientLabel, D::Error> {
    one(value, |text| match text {
        "address" => Ok(ClientLabel::Address),
        "network" => Ok(ClientLabel::Network),
        "hashed" => Ok(ClientLabel::Hashed),
        "off" => Ok(ClientLabel::Off),
        _ => Err(Refusal::new("there is no such label")),
    })
}

pub(super) fn top<'de, D: Deserializer<'de>>(value: D) -> Result<usize, D::Error> {
    one(value, |text| value::number(text, 0, 1000))
}
