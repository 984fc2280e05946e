//! How an attempt at one recipient ends: what other hosts, the DNS and the store say.
//!
//! The texts are those of real logs and of the manuals' examples 21-4 to 21-7.

use super::super::incident::Trouble;
use super::super::message::{Channel, Message};
use super::super::world::{self, BIG_DOMAIN, DEAD_DOMAIN};
use super::Traffic;
use super::trouble::old_list;

/// What became of one recipient.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// Taken, with this reply.
    Delivered(String),
    /// Not now.
    Deferred(String),
    /// Never: the reason as the MTA names it, and the reply.
    Rejected(&'static str, String),
}

/// The share of attempts that fails where not all do: too few for a page.
const SOMETIMES: f64 = 0.25;

const REJECTED: &str = "Remote SMTP server has rejected address";
const TRANSMISSION: &str = "SMTP transmission failure has occurred";

impl Traffic {
    /// Why no connection comes about, if none does. The same for all recipients.
    pub(super) fn no_connection(&mut self, message: &Message) -> Option<Outcome> {
        let trouble = self.trouble;
        match trouble {
            Some(Trouble::DeadDns | Trouble::SmallSite) => return Some(self.no_answer_of_the_dns()),
            Some(Trouble::SlowDns) if self.chance(SOMETIMES) => return Some(self.no_answer_of_the_dns()),
            _ if self.dead_domain() == Some(message.domain) => return Some(self.dead_host()),
            _ => {}
        }
        if message.domain % 13 == 6 && self.chance(0.15) {
            let text = "TCP active open: Failed connect()    Error: connection timed out";
            return Some(Outcome::Deferred(text.to_owned()));
        }
        match self.random.u16(..1000) {
            0..4 => Some(Outcome::Rejected("Illegal host/domain name found", String::new())),
            4..8 => Some(Outcome::Deferred(
                "TCP active open: Failed connect()    Error: connection refused".to_owned(),
            )),
            _ => None,
        }
    }

    fn no_answer_of_the_dns(&mut self) -> Outcome {
        let texts = [
            "Temporary error from name server; cannot resolve host",
            "DNS lookup failed: temporary error from nameserver",
        ];
        Outcome::Deferred(texts[self.random.usize(..texts.len())].to_owned())
    }

    /// The domain whose host does not answer.
    pub(super) fn dead_domain(&self) -> Option<usize> {
        match self.trouble {
            Some(Trouble::DeadDestination) => Some(DEAD_DOMAIN),
            Some(Trouble::BigDestination) => Some(BIG_DOMAIN),
            _ => None,
        }
    }

    /// One message in a run of the channel program finds out that the host is dead; the others are
    /// not tried.
    fn dead_host(&mut self) -> Outcome {
        let tried = self.dead_run.is_some_and(|run| self.now.saturating_sub(run).as_secs() < 10);
        if tried {
            return Outcome::Deferred(
                "Too many failures to this host during this run; skipping this host: Dead (unresponsive) host"
                    .to_owned(),
            );
        }
        self.dead_run = Some(self.now);
        Outcome::Deferred("TCP active open: Failed connect()    Error: no route to host".to_owned())
    }

    /// What the remote host says to one recipient.
    pub(super) fn remote_reply(&mut self, message: &Message, address: &str) -> Outcome {
        if message.file.attempts == 0 && self.is_greylisted(message.domain) {
            return Outcome::Deferred("smtp;451 4.7.1 Greylisted, please try again later".to_owned());
        }
        if self.trouble == Some(Trouble::BounceStorm) && message.from == old_list() {
            return Outcome::Rejected(REJECTED, format!("smtp;550 5.1.1 <{address}>... User unknown"));
        }
        match self.random.u16(..1000) {
            0..10 => Outcome::Rejected(REJECTED, format!("smtp;550 5.1.1 <{address}>... User unknown")),
            10..13 => Outcome::Rejected(REJECTED, format!("smtp;550 5.2.2 <{address}>... Mailbox full")),
            13..16 => Outcome::Rejected(TRANSMISSION, "smtp;554 5.7.1 Message rejected as spam".to_owned()),
            16..18 => Outcome::Rejected(
                "Server rejected MAIL FROM address",
                "smtp;501 5.1.8 Sender address rejected".to_owned(),
            ),
            18..21 => Outcome::Deferred("smtp;452 4.2.2 Mailbox full".to_owned()),
            21..24 => Outcome::Deferred("smtp;421 4.3.2 Service not available".to_owned()),
            _ if self.chance(0.5) => Outcome::Delivered("smtp;250 2.1.5 Ok".to_owned()),
            _ => Outcome::Delivered(format!("smtp;250 2.1.5 {address} and options OK.")),
        }
    }

    /// Whether a domain wants a first attempt again: a few do at times, and while many do, every sixth one always.
    fn is_greylisted(&mut self, domain: usize) -> bool {
        let many = self.trouble == Some(Trouble::Greylisting) && domain % 6 == 1;
        many || (domain % 9 == 4 && self.chance(0.4))
    }

    /// What the message store says to one recipient.
    pub(super) fn store_reply(&mut self) -> Outcome {
        if self.trouble == Some(Trouble::DeadStore) {
            let texts = ["message store is not enabled", "Mailbox is busy"];
            return Outcome::Deferred(texts[self.random.usize(..texts.len())].to_owned());
        }
        if self.trouble == Some(Trouble::MailboxLocks) && self.chance(SOMETIMES) {
            return Outcome::Deferred("Mailbox is busy".to_owned());
        }
        match self.random.u16(..1000) {
            0..4 => Outcome::Deferred("Mailbox is busy".to_owned()),
            4..6 => Outcome::Rejected("Over quota", "Over quota".to_owned()),
            _ => Outcome::Delivered(String::new()),
        }
    }

    /// `dns;host (TCP|…) (banner) reply`, as a dequeue entry has it.
    pub(super) fn remote_diagnostic(message: &Message, transport: &str, reply: &str) -> String {
        let host = world::mail_host(message.domain).name;
        let banner = match message.domain % 3 {
            0 => format!("{host} ESMTP Postfix"),
            1 => format!("{host} -- Server ESMTP [iMS V5.0 #8694]"),
            _ => format!("{host} ESMTP ready [id 4711]"),
        };
        format!("dns;{host} ({transport}) ({banner}) {reply}")
    }

    /// Whether the message's channel delivers to other hosts.
    pub(super) fn is_remote(message: &Message) -> bool {
        message.file.channel == Channel::TcpLocal
    }
}
