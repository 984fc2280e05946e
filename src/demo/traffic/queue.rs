//! What the queue manager knows, as `imsimta qm` tells it.

use std::time::Duration;

use super::super::action::Action;
use super::super::incident::Trouble;
use super::super::message::{Channel, Message};
use super::super::queue_manager::{AllCounters, Counters};
use super::Traffic;

/// Between two of its answers.
const EVERY: Duration = Duration::from_secs(2);
/// The channel that somebody stops.
const STOPPED: Channel = Channel::TcpLocal;
/// The channel whose program hangs.
const STUCK: Channel = Channel::ImsMs;

impl Traffic {
    /// What is known of a channel.
    pub(super) fn of(&mut self, channel: Channel) -> &mut Counters {
        &mut self.counters[channel as usize]
    }

    /// Somebody stops a channel, or starts it again.
    pub(super) fn stop_channel(&mut self, stopped: bool) {
        self.of(STOPPED).stopped = stopped;
    }

    /// Whether a message has to wait, since no channel program is started for it.
    pub(super) fn nobody_starts_a_program(&self, message: &Message) -> bool {
        match self.trouble {
            Some(
                Trouble::JobControllerDead
                | Trouble::PlannedRestart
                | Trouble::ForkFailed
                | Trouble::QueueLost,
            ) => true,
            Some(Trouble::ChannelStopped) => message.file.channel == STOPPED,
            Some(Trouble::ChannelStuck) => message.file.channel == STUCK,
            _ => false,
        }
    }

    /// What it counts is told now, and again after a while.
    pub(super) fn queue_manager_answers(&mut self) {
        let counters: Box<AllCounters> = Box::new(self.counters);
        self.emit(Action::Answer { counters });
        self.after(EVERY, Self::queue_manager_answers);
    }
}
