//! What rejected a connection, by why its X entry says it was.
//!
//! Connections are rejected by the mapping table `PORT_ACCESS`, whose answers are the site's own words ("500 can't connect
//! now": Troubleshooting the MTA), by the Dispatcher at a limit, or since TLS cannot be spoken.

use super::reason::Reason;

labelled! {
    /// What rejected a connection.
    Rejection {
        PortAccess = "port_access": "an access mapping, in the site's own words";
        Limit = "limit": "a limit of connections";
        Tls = "tls": "TLS could not be started";
        Other = "other": "the entry does not say, or says something else";
    }
}

impl From<Reason> for Rejection {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::RateLimited => Self::Limit,
            Reason::Tls => Self::Tls,
            // Replies of our own that no rule knows, and refusals as a mapping gives them.
            Reason::Local4xx
            | Reason::Local5xx
            | Reason::Policy
            | Reason::Greylisted
            | Reason::RelayDenied
            | Reason::SenderRejected => Self::PortAccess,
            _ => Self::Other,
        }
    }
}
