//! Messages and their files in the queue.
//!
//! Names: attempt counter in two complemented base-36 digits, a unique part, `.00` or `.HELD`
//! (PMDF System Manager's Guide, "Message file names"). Contents: envelope lines of one letter and
//! a semicolon, a boundary, header and body, the boundary again (same guide, "Message file format").

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::world::{LOCAL_DOMAIN, LOCAL_HOST};

/// The directory in front of queue file names in the log. It is not where the demo's files are, so
/// that one seed gives the same log wherever it runs.
const LOGGED_QUEUE: &str = "/opt/sun/comms/messaging64/data/queue";

/// Subdirectories of a channel with the keyword `subdirs 20`.
pub const SUBDIRECTORIES: u8 = 20;

/// The channels of the synthetic MTA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// SMTP with the world.
    TcpLocal,
    /// Submission by users on port 587.
    TcpSubmit,
    /// Authenticated users on port 25.
    TcpAuth,
    /// SMTP with our own network.
    TcpIntranet,
    /// Delivery to the message store.
    ImsMs,
    /// Conversion.
    Conversion,
    /// Notifications.
    Process,
    /// Local submission.
    Native,
    /// Messages of users or domains on hold.
    Hold,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 9] = [
        Self::TcpLocal,
        Self::TcpSubmit,
        Self::TcpAuth,
        Self::TcpIntranet,
        Self::ImsMs,
        Self::Conversion,
        Self::Process,
        Self::Native,
        Self::Hold,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::TcpLocal => "tcp_local",
            Self::TcpSubmit => "tcp_submit",
            Self::TcpAuth => "tcp_auth",
            Self::TcpIntranet => "tcp_intranet",
            Self::ImsMs => "ims-ms",
            Self::Conversion => "conversion",
            Self::Process => "process",
            Self::Native => "l",
            Self::Hold => "hold",
        }
    }

    /// Whether it has the keyword `subdirs`.
    pub fn has_subdirectories(self) -> bool {
        matches!(self, Self::TcpLocal | Self::ImsMs)
    }
}

/// Where a message file is in the queue tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueFile {
    /// Its channel.
    pub channel: Channel,
    /// The subdirectory, where the channel has any.
    pub subdirectory: Option<u8>,
    /// Attempts made.
    pub attempts: u16,
    /// What makes the name unique.
    pub unique: String,
    /// Whether it is `.HELD`.
    pub held: bool,
}

impl QueueFile {
    /// The path below the queue directory.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(self.relative())
    }

    /// The path as it stands in the log.
    pub fn logged(&self) -> String {
        format!("{LOGGED_QUEUE}/{}", self.relative())
    }

    /// Its subdirectories below `queue`.
    pub fn directories(queue: &Path, channel: Channel) -> Vec<PathBuf> {
        let directory = queue.join(channel.name());
        if !channel.has_subdirectories() {
            return vec![directory];
        }
        (0..SUBDIRECTORIES).map(|number| directory.join(format!("{number:03}"))).collect()
    }

    fn relative(&self) -> String {
        let mut path = format!("{}/", self.channel.name());
        if let Some(number) = self.subdirectory {
            write!(path, "{number:03}/").ok();
        }
        let [first, second] = counter(self.attempts);
        let extension = if self.held { "HELD" } else { "00" };
        write!(path, "{first}{second}{}.{extension}", self.unique).ok();
        path
    }
}

/// `ZZ` for no attempt, `ZY` for one, `YZ` for 36.
fn counter(attempts: u16) -> [char; 2] {
    let digit = |value: u16| {
        char::from_digit(u32::from(35 - value), 36).map_or('0', |digit| digit.to_ascii_uppercase())
    };
    let attempts = attempts.min(36 * 36 - 1);
    [digit(attempts / 36), digit(attempts % 36)]
}

/// One recipient.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// The address that the sender gave.
    pub original: String,
    /// The address that it has become.
    pub current: String,
}

/// The way that a message came: who has added `Received:` lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// This host alone.
    Straight,
    /// This host and another in turn, so many lines in all.
    OwnLoop(u16),
    /// Hosts elsewhere, so many lines, and at last this host.
    FarLoop(u16),
    /// Systems with X.400, so many lines `X400-Received:`, and at last this host.
    X400Loop(u16),
}

/// A message in one channel's queue.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its file.
    pub file: QueueFile,
    /// The channel that it came from.
    pub source: Channel,
    /// Envelope From; empty for notifications.
    pub from: String,
    /// The recipients of this copy.
    pub recipients: Vec<Recipient>,
    /// Message id with its brackets.
    pub message_id: String,
    /// Size in blocks.
    pub blocks: u32,
    /// The domain that it goes to, by index; only for remote ones.
    pub domain: usize,
    /// When it was enqueued, since the start.
    pub born: Duration,
    /// The way that it came.
    pub route: Route,
}

impl Message {
    /// The contents of the file.
    pub fn contents(&self) -> Vec<u8> {
        let mut text = self.envelope();
        let boundary = format!("Boundary_(ID_{:0<22})\n", self.file.unique);
        text.push_str(&boundary);
        self.header(&mut text);
        text.push('\n');
        let lines = (usize::try_from(self.blocks).unwrap_or(1) * 1024).min(4096) / 64;
        for number in 0..lines {
            writeln!(text, "{number:>4} Did never meddle with my thoughts. Nothing here is real.").ok();
        }
        text.push_str(&boundary);
        text.into_bytes()
    }

    fn envelope(&self) -> String {
        let id = self.message_id.trim_matches(['<', '>']);
        let mut text = format!("u;mailsrv\nc;{}\ns;{LOCAL_HOST}\ni;{id}\n", self.source.name());
        write!(text, "h;{}\nm;{}\n", self.message_id, self.from).ok();
        for recipient in &self.recipients {
            write!(text, "j;rfc822\nf;{}\n{}\n", recipient.original, recipient.current).ok();
        }
        text
    }

    /// The lines of all hosts on the way, the last one first.
    fn received(&self, text: &mut String) {
        let mut line = |name: &str, from: &str, by: &str, hop: u16| {
            writeln!(text, "{name}: from {from} by {by} (Oracle Communications Messaging Server)").ok();
            writeln!(text, " id <{}-{hop}@{by}>", self.file.unique).ok();
        };
        let (near, far) = ("mx1.loop.example", "mx2.loop.example");
        match self.route {
            Route::Straight => line("Received", near, LOCAL_HOST, 0),
            Route::OwnLoop(lines) => {
                for hop in 0..lines {
                    let (from, by) = if hop % 2 == 0 { (near, LOCAL_HOST) } else { (LOCAL_HOST, near) };
                    line("Received", from, by, hop);
                }
            }
            Route::FarLoop(lines) | Route::X400Loop(lines) => {
                line("Received", near, LOCAL_HOST, lines);
                let name = if matches!(self.route, Route::FarLoop(_)) { "Received" } else { "X400-Received" };
                for hop in 0..lines {
                    let (from, by) = if hop % 2 == 0 { (far, near) } else { (near, far) };
                    line(name, from, by, hop);
                }
            }
        }
    }

    fn header(&self, text: &mut String) {
        self.received(text);
        let sender =
            if self.from.is_empty() { format!("postmaster@{LOCAL_DOMAIN}") } else { self.from.clone() };
        let to: Vec<&str> = self.recipients.iter().map(|recipient| recipient.original.as_str()).collect();
        writeln!(text, "From: {sender}\nTo: {}\nSubject: Woe the day", to.join(", ")).ok();
        writeln!(text, "Message-id: {}", self.message_id).ok();
        writeln!(text, "MIME-version: 1.0\nContent-type: TEXT/PLAIN; CHARSET=US-ASCII").ok();
    }
}

#[cfg(test)]
mod tests {
    use super::{Channel, QueueFile};
    use crate::record::queue_file::{base_name, parse};

    #[test]
    fn names_count_attempts_as_the_reader_understands_them() {
        for attempts in [0, 1, 2, 25, 26, 35, 36, 1295] {
            for held in [false, true] {
                let file = QueueFile {
                    channel: Channel::TcpLocal,
                    subdirectory: Some(2),
                    attempts,
                    unique: "f0r4_0-Wd~1".to_owned(),
                    held,
                };
                let read = parse(base_name(file.logged().as_bytes())).expect("a queue file");
                assert_eq!((read.attempts, read.held), (attempts, held));
                assert!(file.path().starts_with("tcp_local/002"));
            }
        }
    }
}
