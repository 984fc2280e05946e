//! Who is connected, and who has to go when there are too many.
//!
//! There is no queue: a newcomer always gets in. When the places are taken, the one that goes is of the
//! address with the most connections, and of those the one that has waited the longest for its client. So
//! a crowd from one address crowds out itself, and where all come from one address, as behind a proxy or
//! over loopback, the idle go. Answers that are large have half of the places, so that there is always
//! somebody else. For these the same is done among those who have one; only, who asks for one more than
//! all others have, while they all read, is told to come back.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::life::Life;
use crate::observed::connections::{ConnectionCounts, Cut};

/// The most connections, where there are file descriptors for them.
const CONNECTIONS: u64 = 128;
/// With few file descriptors.
const FEWEST: u64 = 4;
/// This part of the file descriptors is enough for HTTP; the others are for logs, queue and state.
const PART: u64 = 8;
/// Who takes nothing of an answer for so long gives up the place to somebody else, when all are taken.
const STUCK: Duration = Duration::from_millis(25);

/// Where a connection comes from, as far as shares are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin(IpAddr);

impl Origin {
    /// An IPv4 address, or a network of IPv6, since a host has all addresses of one.
    pub(super) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) if !address.is_loopback() => {
                let network = address.to_bits() & !u128::from(u64::MAX);
                Self(Ipv6Addr::from_bits(network).into())
            }
            address => Self(address),
        }
    }

    /// The same as an address.
    pub(super) fn address(self) -> IpAddr {
        self.0
    }
}

/// Everybody who is connected.
#[derive(Debug)]
pub(super) struct Crowd {
    connections: usize,
    answers: usize,
    present: Mutex<Vec<Arc<Member>>>,
    pub(super) counts: Arc<ConnectionCounts>,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Member {
    origin: Origin,
    life: Mutex<Life>,
    /// Told when somebody else gets its place.
    pub(super) leave: Notify,
}

impl Member {
    pub(super) fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock()
    }
}

/// A place in the crowd, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    crowd: Arc<Crowd>,
    pub(super) member: Arc<Member>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut present = self.crowd.present.lock();
        present.retain(|other| !Arc::ptr_eq(other, &self.member));
        self.crowd.counts.set_open(present.len());
    }
}

impl Crowd {
    /// Nobody yet; as many places as a process with so many file descriptors can spare.
    pub(super) fn new(descriptors: u64, counts: Arc<ConnectionCounts>) -> Arc<Self> {
        let connections =
            usize::try_from((descriptors / PART).clamp(FEWEST, CONNECTIONS)).unwrap_or(usize::MAX);
        Arc::new(Self { connections, answers: connections / 2, present: Mutex::default(), counts })
    }

    /// A place for a newcomer. Another one goes for it where there is none.
    pub(super) fn admit(self: &Arc<Self>, origin: Origin, now: Instant) -> Place {
        let member = Arc::new(Member { origin, life: Mutex::new(Life::new(now)), leave: Notify::new() });
        let mut present = self.present.lock();
        if present.len() >= self.connections {
            let others = standing(&present, now, |life| !life.is_bulky());
            if let Some((one, _)) = who_goes(&others, origin) {
                self.displace(&mut present, one.index);
            }
        }
        present.push(Arc::clone(&member));
        self.counts.set_open(present.len());
        Place { crowd: Arc::clone(self), member }
    }

    /// Whether a member may have a large answer now; it is marked as asking for one when it may.
    pub(super) fn may_have(&self, member: &Arc<Member>, now: Instant) -> bool {
        let mut present = self.present.lock();
        let served = standing(&present, now, Life::is_bulky);
        if served.len() >= self.answers {
            match who_goes(&served, member.origin) {
                Some((one, heavier)) if one.gives_way || heavier => self.displace(&mut present, one.index),
                _ => return false,
            }
        }
        member.life().asked(now, true);
        true
    }

    fn displace(&self, present: &mut Vec<Arc<Member>>, who: usize) {
        present.swap_remove(who).leave.notify_one();
        self.counts.cut(Cut::Displaced);
    }
}

/// One of those among whom is chosen.
#[derive(Clone, Copy, Debug)]
struct Standing {
    /// Its number.
    index: usize,
    origin: Origin,
    /// Whether it waits for its client, or its client takes nothing.
    gives_way: bool,
    /// For how long it has not got on.
    still: Duration,
}

fn standing(present: &[Arc<Member>], now: Instant, of_interest: fn(&Life) -> bool) -> Vec<Standing> {
    let all = present.iter().enumerate().filter_map(|(index, member)| {
        let life = *member.life();
        let still = now.saturating_duration_since(life.since());
        let gives_way = life.waits() || still >= STUCK;
        of_interest(&life).then_some(Standing { index, origin: member.origin, gives_way, still })
    });
    all.collect()
}

/// Of the origin with the most, the newcomer counted, the one that gives way and has been still for the
/// longest; and whether that origin has more than the newcomer's.
fn who_goes(among: &[Standing], newcomer: Origin) -> Option<(&Standing, bool)> {
    let mut shares = vec![(newcomer, 1)];
    for one in among {
        match shares.iter_mut().find(|(origin, _)| *origin == one.origin) {
            Some((_, share)) => *share += 1,
            None => shares.push((one.origin, 1)),
        }
    }
    let share = |wanted| shares.iter().find(|(origin, _)| *origin == wanted).map_or(0, |(_, share)| *share);
    let one = among.iter().max_by_key(|one| (share(one.origin), one.gives_way, one.still))?;
    Some((one, share(one.origin) > share(newcomer)))
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Crowd, Origin, STUCK, Standing, who_goes};
    use crate::observed::connections::{ConnectionCounts, Cut};

    fn origin(address: &str) -> Origin {
        Origin::of(address.parse::<IpAddr>().expect("an address"))
    }

    /// `1:50` is a connection of 192.0.2.1 that has been still for 50 ms, and gives way.
    fn crowd(text: &str) -> Vec<Standing> {
        let all = text.split_whitespace().enumerate().map(|(index, word)| {
            let (host, still) = word.split_once(':').expect("host:still");
            let still = Duration::from_millis(still.parse().expect("milliseconds"));
            let origin = origin(&format!("192.0.2.{host}"));
            Standing { index, origin, gives_way: still >= STUCK, still }
        });
        all.collect()
    }

    #[test]
    fn the_longest_of_the_largest_goes() {
        for (among, newcomer, goes) in [
            ("", 1, None),
            ("1:50", 1, Some(0)),
            ("1:10 1:50 1:20", 1, Some(1)),
            ("1:10 1:50 2:900", 3, Some(1)),
            ("1:10 1:50 2:900", 2, Some(2)),
            ("1:10 2:50 3:20", 4, Some(1)),
            ("1:10 1:50 1:60 2:900", 2, Some(2)),
            // A lone one that is slow is not the one to go.
            ("1:10 1:15 1:20 2:900", 1, Some(2)),
            ("1:10 1:15 1:20 2:900", 3, Some(2)),
        ] {
            let newcomer = origin(&format!("192.0.2.{newcomer}"));
            let among_them = crowd(among);
            assert_eq!(who_goes(&among_them, newcomer).map(|(one, _)| one.index), goes, "{among}");
        }
    }

    #[test]
    fn hosts_of_a_network_share() {
        assert_eq!(origin("2001:db8::1"), origin("2001:db8::ffff:2"));
        assert_eq!(origin("::ffff:192.0.2.1"), origin("192.0.2.1"));
        for (one, other) in [("2001:db8::1", "2001:db8:0:1::1"), ("127.0.0.1", "127.0.0.2"), ("::1", "::2")] {
            assert_ne!(origin(one), origin(other));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_newcomer_gets_in_and_there_are_never_more_than_places() {
        let counts = Arc::new(ConnectionCounts::default());
        for (descriptors, places) in [(20, 4), (256, 32), (1024, 128), (1_000_000, 128)] {
            let crowd = Crowd::new(descriptors, Arc::clone(&counts));
            let one_more = origin("192.0.2.2");
            let first = crowd.admit(one_more, Instant::now());
            let mut kept = Vec::new();
            for _ in 0..1000 {
                kept.push(crowd.admit(origin("192.0.2.1"), Instant::now()));
                tokio::time::advance(Duration::from_millis(1)).await;
            }
            let present = crowd.present.lock();
            assert_eq!(present.len(), places);
            assert!(present.iter().any(|member| Arc::ptr_eq(member, &first.member)), "the lone one stays");
            drop(present);
            drop(kept);
        }
        assert!(counts.cuts(Cut::Displaced) > 3000);
    }

    /// Whether somebody else has got its place.
    fn left(place: &super::Place) -> bool {
        !place.crowd.present.lock().iter().any(|member| Arc::ptr_eq(member, &place.member))
    }

    /// Small answers that are not taken hold no more places than anything else.
    #[tokio::test(start_paused = true)]
    async fn nobody_is_too_busy_to_go() {
        let crowd = Crowd::new(64, Arc::default());
        let first = crowd.admit(origin("192.0.2.2"), Instant::now());
        for _ in 0..100 {
            let place = crowd.admit(origin("192.0.2.1"), Instant::now());
            place.member.life().asked(Instant::now(), false);
            place.member.life().answered(Instant::now());
            std::mem::forget(place);
        }
        assert_eq!(crowd.present.lock().len(), 8);
        assert!(!left(&first));
    }

    #[tokio::test(start_paused = true)]
    async fn places_for_large_answers_go_to_who_reads() {
        let crowd = Crowd::new(64, Arc::default());
        let connect = |address| crowd.admit(origin(address), Instant::now());
        let places: Vec<_> = (0..4).map(|_| connect("192.0.2.1")).collect();
        assert!(places.iter().all(|place| crowd.may_have(&place.member, Instant::now())));
        let (same, other) = (connect("192.0.2.1"), connect("192.0.2.2"));
        assert!(!crowd.may_have(&same.member, Instant::now()), "all are busy");
        assert!(crowd.may_have(&other.member, Instant::now()), "a smaller share comes first");
        tokio::time::advance(STUCK).await;
        assert!(crowd.may_have(&same.member, Instant::now()), "one reads nothing");
        assert!(!left(&other), "that one has the smaller share");
    }
}
