//! Entries of the mail and connection log as the synthetic MTA thinks of them, before they are
//! written in one of the formats. An empty text is a field without content.
//!
//! The fields are those of `LOG_PROCESS`, `LOG_FILENAME`, `LOG_MESSAGE_ID`, `LOG_USERNAME` and all
//! bits of `LOG_CONNECTION` (2005Q4 guide, "Understanding the MTA Log Entry Format").

/// An entry about one recipient of one message in one channel.
#[derive(Clone, Debug, Default)]
pub struct MessageEntry<'a> {
    /// Process id, thread and sequence number.
    pub process: &'a str,
    /// The channel that writes the entry.
    pub source: &'a str,
    /// Where an enqueue goes; empty for all others.
    pub destination: &'a str,
    /// Entry code with its modifiers.
    pub code: &'a str,
    /// Size in blocks.
    pub blocks: u32,
    /// Envelope From; empty for notifications.
    pub from: &'a str,
    /// Original envelope To with its address type; for a bad command the command.
    pub original_to: &'a str,
    /// Current envelope To.
    pub to: &'a str,
    /// Queue file, whole path.
    pub file: &'a str,
    /// Message id with its brackets; `<new>,<original>` for a notification.
    pub message_id: &'a str,
    /// The MTA's user or, behind `*`, an authenticated one.
    pub username: &'a str,
    /// `name (name [ip])` on an enqueue, the remote host's bare name on a dequeue.
    pub source_system: &'a str,
    /// Why a recipient was rejected; only in XML entries.
    pub reason: &'a str,
    /// Delivery status, or our own reply.
    pub diagnostic: &'a str,
    /// Transport information.
    pub transport: &'a str,
    /// Application information.
    pub application: &'a str,
    /// Seconds in the queue; only in XML entries.
    pub queue_seconds: Option<u64>,
}

/// An entry about a connection.
#[derive(Clone, Debug, Default)]
pub struct ConnectionEntry<'a> {
    /// Process id, thread and sequence number.
    pub process: &'a str,
    /// The channel.
    pub channel: &'a str,
    /// `+` inbound, `-` outbound.
    pub direction: char,
    /// Entry code.
    pub code: &'a str,
    /// The ends; empty where nothing was connected.
    pub transport: &'a str,
    /// `SMTP`, `SMTP/<initial host>/<host>`, with `/TLS-…` behind it.
    pub application: &'a str,
    /// What happened, in words.
    pub text: &'a str,
    /// Who authenticated or tried to.
    pub username: &'a str,
    /// Our reply, or why the connection was closed or failed.
    pub diagnostic: &'a str,
}
