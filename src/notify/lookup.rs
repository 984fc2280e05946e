//! Where a host is: by its name, else where it was last. Name servers may be what an alert is about.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::aside::Aside;
use super::failed::Failed;
use crate::observed::notified::Failure;

/// Asks for the address of one host after another.
#[derive(Debug)]
pub(super) struct Lookup {
    patience: Duration,
    asking: Aside<io::Result<Vec<SocketAddr>>>,
    last_known: Option<(String, Vec<SocketAddr>)>,
}

impl Lookup {
    pub(super) fn new(patience: Duration) -> Self {
        Self { patience, asking: Aside::new("lookup"), last_known: None }
    }

    pub(super) async fn addresses(&mut self, host: String, port: u16) -> Result<Vec<SocketAddr>, Failed> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let asked = (host.clone(), port);
        let found = self.asking.run(self.patience, move || {
            std::net::ToSocketAddrs::to_socket_addrs(&asked).map(Iterator::collect)
        });
        let problem = match found.await {
            Ok(Ok(addresses)) if !addresses.is_empty() => {
                self.last_known = Some((host, addresses.clone()));
                return Ok(addresses);
            }
            Ok(Ok(_)) => "it has no address".to_owned(),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        match &self.last_known {
            Some((known, addresses)) if *known == host => Ok(addresses.clone()),
            _ => Err(Failed::new(Failure::Connect, format!("the name of its host is not known: {problem}"))),
        }
    }
}
