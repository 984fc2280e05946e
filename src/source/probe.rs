//! A look from outside: what a client meets that connects to a port of this host, up to the banner.
//!
//! `wire.rs` connects and reads with an end in time, `tls.rs` is what is between on a port whose clients begin with TLS,
//! `banner.rs` says when the banner is whole.

mod banner;
#[cfg(test)]
mod tests;
mod tls;
mod wire;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::record::labelled;
use banner::Banner;
use tls::Tls;
use wire::Wire;

labelled! {
    /// What a client met that was not served.
    ProbeFailure {
        Refused = "refused": "Nobody listens on the port.";
        Connect = "connect": "The connection was not made, such as where the queue of the listener is full.";
        Tls = "tls": "The two sides found no TLS in common, or something else was said there.";
        Silent = "silent": "No whole banner came in time.";
        Closed = "closed": "The server hung up before its banner, as the mapping `PORT_ACCESS` lets it.";
        NotServed = "not_served": "The banner was a refusal: another reply than 220.";
        NoBanner = "no_banner": "Something was said that is no banner of a mail server, or without end.";
    }
}

/// What is looked at, and how.
#[derive(Clone, Debug)]
pub struct Prober {
    address: IpAddr,
    timeout: Duration,
    /// With what TLS is spoken, by port.
    ports: BTreeMap<u16, Option<Tls>>,
    /// How often in a row each has failed.
    failures: BTreeMap<u16, u64>,
}

/// What each port has shown.
#[derive(Debug, Default)]
pub struct ProbeSnapshot {
    /// By port.
    pub ports: BTreeMap<u16, Probed>,
}

/// What a port has shown. Times are seconds.
#[derive(Debug)]
pub struct Probed {
    /// How long it took to connect; absent where that failed.
    pub connect: Option<f64>,
    /// How long it then took until the banner was there, with TLS in front of it where there is; absent without one.
    pub banner: Option<f64>,
    /// What went wrong.
    pub failure: Option<ProbeError>,
    /// How often in a row it has.
    pub failures: u64,
}

/// What went wrong with a port.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// Nobody listens.
    #[error("nobody listens there")]
    Refused,
    /// No connection.
    #[error("no connection was made: {0}")]
    Connect(io::Error),
    /// No connection in time.
    #[error("no connection was made within {0:?}")]
    ConnectTimeout(Duration),
    /// Not TLS, or none in common.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// No banner in time.
    #[error("no banner came within {0:?}")]
    Silent(Duration),
    /// The server went.
    #[error("the server hung up without a banner")]
    Closed,
    /// Another reply than 220.
    #[error("the server does not serve: {0}")]
    NotServed(String),
    /// Not SMTP.
    #[error("what was said is no banner: {0}")]
    NoBanner(String),
}

impl ProbeError {
    /// The label for it.
    pub fn reason(&self) -> ProbeFailure {
        match self {
            Self::Refused => ProbeFailure::Refused,
            Self::Connect(_) | Self::ConnectTimeout(_) => ProbeFailure::Connect,
            Self::Tls(_) => ProbeFailure::Tls,
            Self::Silent(_) => ProbeFailure::Silent,
            Self::Closed => ProbeFailure::Closed,
            Self::NotServed(_) => ProbeFailure::NotServed,
            Self::NoBanner(_) => ProbeFailure::NoBanner,
        }
    }
}

impl Prober {
    /// One for ports of an address, some of which begin with TLS. A port has `timeout` for all that is looked at.
    ///
    /// # Errors
    ///
    /// There is no TLS to be had, which is a fault of this program.
    pub fn new(address: IpAddr, ports: &[u16], tls: &[u16], timeout: Duration) -> Result<Self, String> {
        let with_tls = ports.iter().any(|port| tls.contains(port)).then(Tls::new).transpose()?;
        let of_port = |&port: &u16| (port, with_tls.clone().filter(|_| tls.contains(&port)));
        let ports = ports.iter().map(of_port).collect();
        Ok(Self { address, timeout, ports, failures: BTreeMap::new() })
    }

    /// Goes on counting where another has stopped.
    #[must_use]
    pub fn going_on_from(self, before: &Self) -> Self {
        let failures = before.failures.iter().filter(|(port, _)| self.ports.contains_key(port));
        Self { failures: failures.map(|(&port, &failures)| (port, failures)).collect(), ..self }
    }

    /// Looks at each port, one after the other. `clock` is a monotonic clock, and is looked at again and again.
    pub fn look(&mut self, clock: &dyn Fn() -> Duration) -> ProbeSnapshot {
        let mut ports = BTreeMap::new();
        for (&port, tls) in &self.ports {
            let address = SocketAddr::new(self.address, port);
            let mut probed = look(address, tls.as_ref(), self.timeout, clock);
            let failures = self.failures.entry(port).or_default();
            *failures = if probed.failure.is_some() { *failures + 1 } else { 0 };
            probed.failures = *failures;
            ports.insert(port, probed);
        }
        ProbeSnapshot { ports }
    }
}

fn look(address: SocketAddr, tls: Option<&Tls>, timeout: Duration, clock: &dyn Fn() -> Duration) -> Probed {
    let begun = clock();
    let since = |moment: Duration| Some(clock().saturating_sub(moment).as_secs_f64());
    let mut probed = Probed { connect: None, banner: None, failure: None, failures: 0 };
    let mut wire = match Wire::connect(address, tls, begun, timeout, clock) {
        Ok(wire) => wire,
        Err(error) => return Probed { failure: Some(error), ..probed },
    };
    probed.connect = since(begun);
    let connected = clock();
    match read_banner(&mut wire) {
        Ok(()) => {
            probed.banner = since(connected);
            wire.quit();
        }
        Err(error) => probed.failure = Some(error),
    }
    probed
}

/// Reads until the banner is whole.
fn read_banner(wire: &mut Wire<'_>) -> Result<(), ProbeError> {
    let mut banner = Banner::default();
    while !banner.is_whole(wire.read()?)? {}
    Ok(())
}
