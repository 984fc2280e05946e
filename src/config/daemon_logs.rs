//! `[daemon_logs]`: which logs of the MTA's daemons are followed.

use std::time::Duration;

use super::error::quoted;
use super::keys::{INTERVAL, section};
use super::value::{Refusal, interval, many, one};
use crate::record::daemon_log::DaemonLog;

/// The most channels whose logs can be followed.
const MOST_CHANNELS: usize = 32;
/// The longest name of a channel.
const CHANNEL_BYTES: usize = 64;

section! {
    daemon_logs: DaemonLogs "Which logs of the MTA's daemons are followed, in the directory of the logs. Where there are none, nothing is lost by looking.";

    logs: Vec<DaemonLog> = many(DaemonLog::ALL.len(), log),
        expects "a list of some of \"dispatcher\", \"job_controller\", \"tcp_smtp_server\", \"imta\" and \"return\"",
        default DaemonLog::OF_DAEMONS.to_vec() =>
            "[\"dispatcher\", \"job_controller\", \"tcp_smtp_server\", \"imta\", \"return\"]",
        "Whose logs are followed: files whose names begin with `dispatcher.log`, `job_controller.log`, `tcp_smtp_server.log`, \
         `imta` and `return.log`. None with an empty list.";

    channels: Vec<String> = many(MOST_CHANNELS, channel),
        expects "a list of up to 32 names of channels such as [\"tcp_local\"]",
        default Vec::new() => "[]",
        "Channels whose programs' logs are followed as well, files whose names begin with `CHANNEL_master.log` or \
         `CHANNEL_slave.log`. The MTA writes one for each connection or job while a channel is debugged.";

    job_controller_debug: bool = one(yes_or_no),
        expects "true or false",
        default false,
        "Whether the Job Controller's option `debug` is set: it then writes more than errors, and only those of its lines count \
         that evidence fits.";

    interval: Duration = one(interval),
        expects INTERVAL,
        default Duration::from_mins(1) => "\"1m\"",
        "The time between two listings of the directory. Files that are known are read all the time.";
}

fn log(text: &str) -> Result<DaemonLog, Refusal> {
    let found = DaemonLog::OF_DAEMONS.iter().find(|log| log.label() == text);
    found.copied().ok_or_else(|| Refusal(format!("{} is the log of none of them", quoted(text))))
}

fn channel(text: &str) -> Result<String, Refusal> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if text.is_empty() || text.len() > CHANNEL_BYTES || !text.bytes().all(plain) {
        return Err(Refusal(format!("{} is not the name of a channel", quoted(text))));
    }
    Ok(text.to_owned())
}

fn yes_or_no(text: &str) -> Result<bool, Refusal> {
    text.parse().map_err(|_| Refusal::new("this is neither true nor false"))
}
