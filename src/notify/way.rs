//! How those are told who hear of alerts from this program alone.

use super::command::Command;
use super::failed::Failed;
use super::notice::Site;
use super::payload;
use super::syslog::Syslog;
use super::webhook::Webhook;
use crate::alerting::telling::{Manner, Notification, Now};
use crate::config::Config;
use crate::observed::Clock;

/// One of them.
#[derive(Debug)]
pub(super) enum Way {
    Webhook(Box<Webhook>),
    Command(Command),
    Syslog(Syslog),
}

/// All that are configured, and when each is told.
pub(super) fn ways(config: &Config, clock: Clock) -> Vec<(Way, Manner)> {
    let Config { webhook, command, syslog, .. } = config;
    let ways = [
        Webhook::new(webhook).map(|way| (Way::Webhook(Box::new(way)), webhook.manner())),
        Command::new(command, clock).map(|way| (Way::Command(way), command.manner())),
        Syslog::new(syslog).map(|way| (Way::Syslog(way), syslog.manner())),
    ];
    ways.into_iter().flatten().collect()
}

impl Way {
    /// The name of the receiver: its URL or its program may say what should not be said.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Command(_) => "command",
            Self::Syslog(_) => "syslog",
        }
    }

    /// Whether it could be told, as far as that shows while nothing is sent.
    pub(super) async fn look(&mut self) -> Result<String, Failed> {
        match self {
            Self::Webhook(webhook) => webhook.look().await,
            Self::Command(command) => command.look().await,
            Self::Syslog(syslog) => syslog.look().await,
        }
    }

    /// What it means that it was told.
    pub(super) const fn took(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "took it",
            Self::Command(_) => "read it, and ended with exit status 0",
            Self::Syslog(_) => "was sent it; a syslog answers nothing",
        }
    }

    /// Sends a notification; how many alerts had no room.
    pub(super) async fn tell(
        &mut self,
        notification: &Notification,
        site: &Site,
        now: Now,
    ) -> Result<usize, Failed> {
        let name = self.name();
        let json = || payload::json(notification, site, name);
        match self {
            Self::Webhook(webhook) => {
                let (json, left_out) = json();
                webhook.tell(json).await.map(|()| left_out)
            }
            Self::Command(command) => {
                let (json, left_out) = json();
                command.tell(json).await.map(|()| left_out)
            }
            Self::Syslog(syslog) => syslog.tell(notification, site, now.unix).await,
        }
    }
}
