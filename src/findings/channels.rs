//! What the names of channels say: where mail waits on purpose, what leads out of the MTA, what into the store.

/// Channels within the host, which need nobody outside. `ImsMtaQueueInternalOld`.
pub const INTERNAL: [&str; 3] = ["process", "reprocess", "conversion"];
/// Where mail waits on purpose: users on hold. No alert asks about it.
pub const HOLD: &str = "hold";
/// Where a message waits for its other parts. `ImsMtaQueueInternalOld` leaves it out, too.
pub const PARTS: &str = "defragment";
/// What delivers into the message store, as the expressions of alerts name it.
pub const STORE: &str = "ims-ms|l|tcp_lmtp.*";

/// Whether mail of a channel goes to other hosts, or waits for what comes from there.
pub fn is_remote(channel: &str) -> bool {
    let tcp = channel.strip_prefix("tcp_").is_some_and(|rest| !rest.is_empty());
    channel == PARTS || (tcp && !is_store(channel))
}

/// Whether mail waits in a channel on purpose.
pub fn waits_on_purpose(channel: &str) -> bool {
    [HOLD, PARTS].contains(&channel)
}

/// Whether a channel leads out of the MTA; one within the host only hands on.
pub fn is_a_way_out(channel: &str) -> bool {
    !INTERNAL.contains(&channel) && !waits_on_purpose(channel)
}

/// Whether a channel delivers into the message store.
pub fn is_store(channel: &str) -> bool {
    STORE.split('|').any(|name| match name.strip_suffix(".*") {
        Some(start) => channel.starts_with(start),
        None => channel == name,
    })
}

#[cfg(test)]
mod tests {
    use super::{INTERNAL, STORE, is_remote, is_store};

    /// The page and the alert must not disagree.
    #[test]
    fn alerts_ask_for_the_same_channels() {
        let queue = include_str!("../../alerts/rules/queue.rules.yml");
        for channels in [INTERNAL.join("|"), STORE.to_owned()] {
            assert!(queue.contains(&format!("{{channel=~\"{channels}\"")), "{channels}");
        }
        assert!(queue.contains("{channel=~\"tcp_.+|defragment\",channel!~\"tcp_lmtp.*\"}"));
        for (channel, store, remote) in [
            ("ims-ms", true, false),
            ("l", true, false),
            ("tcp_lmtpcs", true, false),
            ("lx", false, false),
            ("tcp_", false, false),
            ("tcp_local", false, true),
            ("defragment", false, true),
        ] {
            assert_eq!((is_store(channel), is_remote(channel)), (store, remote), "{channel}");
        }
    }
}
