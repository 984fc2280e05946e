//! Samples of what the MTA's own commands told.

use super::catalogue as metric;
use super::labels::JOB_STATES;
use super::page::Page;
use crate::source::commands::{ChannelTold, Command, CommandSnapshot, FailureReason, Ran, Told};

/// Puts on the page what the commands that are switched on told, and how they fare.
pub fn fill(page: &mut Page, snapshot: &CommandSnapshot) {
    for (command, Ran { told, seconds }) in &snapshot.ran {
        page.truth(&metric::COMMAND_SUCCESS, &[command.label()], told.is_ok());
        page.sample(&metric::COMMAND_DURATION, &[command.label()], *seconds);
        fill_failures(page, *command, snapshot);
        if let Ok(told) = told {
            fill_told(page, *command, told);
        }
    }
}

fn fill_failures(page: &mut Page, command: Command, snapshot: &CommandSnapshot) {
    for (reason, &count) in FailureReason::ALL.iter().zip(&snapshot.failures[command as usize]) {
        page.count(&metric::COMMAND_FAILURES, &[command.label(), reason.label()], count);
    }
}

fn fill_told(page: &mut Page, command: Command, told: &Told) {
    page.count(&metric::COMMAND_UNKNOWN_ROWS, &[command.label()], told.unknown);
    page.count(&metric::COMMAND_CHANNELS_LEFT_OUT, &[command.label()], told.left_out);
    for (channel, told) in &told.channels {
        fill_channel(page, channel, told);
    }
}

fn fill_channel(page: &mut Page, channel: &str, told: &ChannelTold) {
    if let Some(stopped) = told.stopped {
        page.truth(&metric::CHANNEL_STOPPED, &[channel], stopped);
    }
    for (state, jobs) in JOB_STATES.iter().zip([told.active, told.pending]) {
        if let Some(jobs) = jobs {
            page.count(&metric::CHANNEL_JOBS, &[channel, state], jobs);
        }
    }
    if let Some(messages) = told.processed {
        page.count(&metric::CHANNEL_PROCESSED, &[channel], messages);
    }
    if let Some(messages) = told.requeued {
        page.count(&metric::CHANNEL_REQUEUED, &[channel], messages);
    }
    if let Some(messages) = told.delivered {
        #[expect(clippy::cast_precision_loss, reason = "the exposition format has floating point only")]
        page.sample(&metric::CHANNEL_DELIVERED, &[channel], messages as f64);
    }
}
