//! Who may see what: how much a page tells, what a listener serves, and what it asks for that.

use std::net::SocketAddr;

use crate::record::labelled;

labelled! {
    /// How much a page tells, the least first.
    Access {
        Open = "open": "Whether the exporter is well: for everybody.";
        Numbers = "numbers": "Metrics, whose labels are bounded: for everybody who reaches the listener.";
        Names = "names": "What else the host is called and does: for this host.";
        Lines = "lines": "Lines of the logs, with the addresses of people: for this host, and the token besides.";
    }
}

/// What a listener serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serves {
    /// Everything: nobody but this host can connect.
    ThisHost,
    /// Numbers to whoever connects; what tells more to who asks from this host and has the token.
    Numbers,
    /// Names as well to whoever connects: those of a synthetic MTA are nobody's.
    Names,
}

/// A way in to the pages, as its listener is known to them.
#[derive(Clone, Copy, Debug)]
pub struct Entrance {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it serves.
    pub serves: Serves,
}

impl Entrance {
    /// A listener of plain TCP; `beyond` is what it serves where other hosts can reach it.
    pub fn plain(address: SocketAddr, beyond: Serves) -> Self {
        let here = address.ip().to_canonical().is_loopback();
        Self { address, serves: if here { Serves::ThisHost } else { beyond } }
    }
}

/// What is asked of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Terms {
    /// Nothing.
    Free,
    /// A name of this host's in `Host`, which no page of somebody else's can have.
    OwnName,
    /// To come from this host, and the token.
    Token,
}

impl Serves {
    /// What is asked for a page; without one, for the answer that there is none. Who is a user, known by the password, sees names
    /// wherever they are asked for; lines are for who has the token.
    pub(super) fn terms(self, access: Option<Access>, is_user: bool) -> Terms {
        match (self, access) {
            (_, Some(Access::Lines)) => Terms::Token,
            (Self::Numbers, Some(Access::Names)) if !is_user => Terms::Token,
            (Self::ThisHost, Some(Access::Names) | None) => Terms::OwnName,
            (_, Some(Access::Open | Access::Numbers | Access::Names) | None) => Terms::Free,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, Entrance, Serves, Terms};

    #[test]
    fn no_listener_asks_less_for_what_tells_more() {
        let rank = |terms| [Terms::Free, Terms::OwnName, Terms::Token].iter().position(|&one| one == terms);
        for (serves, user) in [Serves::ThisHost, Serves::Numbers, Serves::Names]
            .into_iter()
            .flat_map(|serves| [(serves, false), (serves, true)])
        {
            let terms = |access| serves.terms(Some(access), user);
            let asked: Vec<_> = Access::ALL.iter().map(|&access| rank(terms(access))).collect();
            assert!(asked.is_sorted(), "{serves:?}: {asked:?}");
            assert_eq!(terms(Access::Lines), Terms::Token, "{serves:?}");
        }
    }

    #[test]
    fn a_listener_that_others_reach_serves_numbers() {
        for (address, expected) in [
            ("127.0.0.1:1", Serves::ThisHost),
            ("127.3.2.1:1", Serves::ThisHost),
            ("[::1]:1", Serves::ThisHost),
            ("[::ffff:127.0.0.1]:1", Serves::ThisHost),
            ("0.0.0.0:1", Serves::Numbers),
            ("[::]:1", Serves::Numbers),
            ("192.0.2.1:1", Serves::Numbers),
            ("[::ffff:192.0.2.1]:1", Serves::Numbers),
        ] {
            let entrance = Entrance::plain(address.parse().expect("an address"), Serves::Numbers);
            assert_eq!(entrance.serves, expected, "{address}");
        }
    }
}
