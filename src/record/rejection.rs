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
    /// By exclusion: the words of a mapping may look like any reason there is.
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::RateLimited => Self::Limit,
            Reason::Tls => Self::Tls,
            Reason::None
            | Reason::Other
            | Reason::ConnRefused
            | Reason::ConnTimeout
            | Reason::ConnLost
            | Reason::ConnOther
            | Reason::NoRoute
            | Reason::Remote4xx
            | Reason::Remote5xx => Self::Other,
            _ => Self::PortAccess,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Rejection;
    use crate::record::reason::of_connection;
    use crate::record::{Line, Reader};

    #[test]
    fn what_rejected_a_connection() {
        for (text, expected) in [
            ("500 can't connect now", "port_access"),
            ("400 can't connect now", "port_access"),
            ("554 5.7.1 You are not welcome here", "port_access"),
            ("550 5.7.1 Blocked by our policy", "port_access"),
            ("450 4.7.1 Greylisted, try again later", "port_access"),
            ("550 5.7.1 Relaying not permitted", "port_access"),
            // Words of a site that are those of other causes elsewhere.
            ("530 5.7.0 Authentication required", "port_access"),
            ("550 5.1.1 User unknown", "port_access"),
            ("550 5.2.1 This account is disabled", "port_access"),
            ("452 4.2.2 Mailbox full", "port_access"),
            ("450 4.4.3 No DNS record of your host, temporary failure", "port_access"),
            ("550 5.1.2 Your domain does not exist", "port_access"),
            ("550 5.4.6 Mail loop", "port_access"),
            ("552 5.3.4 Message too large", "port_access"),
            ("554 5.7.1 Connection refused", "port_access"),
            ("500 connection refused by local policy", "port_access"),
            ("421 4.3.2 Connection timed out, go away", "port_access"),
            ("554 No route to host", "port_access"),
            ("554 5.7.1 Connection closed", "port_access"),
            ("421 4.7.0 Too many connections from your host", "limit"),
            ("454 4.7.1 TLS library initialization failure", "tls"),
            ("TCP active open: Failed connect()    Error: connection refused", "other"),
            ("TCP active open: Failed connect()    Error: no route to host", "other"),
            ("something", "other"),
            ("", "other"),
        ] {
            let line =
                format!("19-Jan-2019 19:16:57.64 tcp_local + X TCP|192.0.2.1|25|192.0.2.9|4299 SMTP {text}");
            let mut reader = Reader::default();
            let Line::Connection(entry) = reader.read(line.as_bytes()) else {
                panic!("a connection entry: {line}")
            };
            let reason = of_connection(&entry).expect("of an X entry").reason;
            assert_eq!(Rejection::from(reason).label(), expected, "{reason:?}: {text}");
        }
    }
}
