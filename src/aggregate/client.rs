//! What clients did in the last five minutes, by remote address.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::digest::Client;
use super::table::{LeftOut, Table};
use super::time::{Millis, Time};
use super::window::SlidingCounts;

const BUCKET: Millis = Millis::of(30_000);
const BUCKETS: usize = 10;
/// Addresses followed in each half minute; a flood from more is counted without its addresses.
const ADDRESSES: usize = 4096;

/// Windows by remote address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clients {
    /// O entries, inbound.
    pub connections: SlidingCounts<IpAddr>,
    /// J entries and inbound X entries.
    pub rejections: SlidingCounts<IpAddr>,
    /// U entries that failed.
    pub authentication_failures: SlidingCounts<IpAddr>,
}

impl Table for Clients {
    fn empty(_: u64) -> Self {
        let window = || SlidingCounts::new(BUCKET, BUCKETS, ADDRESSES);
        Self { connections: window(), rejections: window(), authentication_failures: window() }
    }

    fn left_out(&self) -> LeftOut {
        let windows = [&self.connections, &self.rejections, &self.authentication_failures];
        LeftOut::Counted(vec![("clients", windows.into_iter().map(SlidingCounts::left_out).sum())])
    }
}

/// Counts an event of a client, where there is one.
pub(super) fn count(window: &mut SlidingCounts<IpAddr>, at: Time, client: Option<Client>) {
    if let Some(client) = client {
        window.add(at, client.key, client.address);
    }
}
