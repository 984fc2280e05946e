//! `[clients]`: labels that name clients.

use super::keys::section;
use super::value::{Refusal, number, one};

section! {
    clients: Clients "The metrics and pages that name clients of the SMTP server, their networks and authenticated senders.";

    label: ClientLabel = one(label),
        expects "\"address\", \"network\", \"hashed\" or \"off\"",
        default ClientLabel::Address => "\"address\"",
        "How a client's address becomes a label: as it is, its network, a keyed hash, or not at all. Names of senders are hashed or left out with them.";

    top: usize = one(|text| number(text, 0, 1000)),
        expects "a number from 0 to 1000",
        default 10,
        "How many clients, networks, senders and destinations get series of their own.";
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

fn label(text: &str) -> Result<ClientLabel, Refusal> {
    match text {
        "address" => Ok(ClientLabel::Address),
        "network" => Ok(ClientLabel::Network),
        "hashed" => Ok(ClientLabel::Hashed),
        "off" => Ok(ClientLabel::Off),
        _ => Err(Refusal::new("there is no such label")),
    }
}
