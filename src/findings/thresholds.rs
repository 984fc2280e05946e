//! From where on something is a finding: one place for reports and for a running program. Where an alert
//! asks the same, the figure is that of `alerts/rules`, which a test holds against each other.

/// Attempts below which a share says nothing. `ImsMtaDeliveryFailureSpike`, `ImsMtaDestinationDead`.
pub const ATTEMPTS: u64 = 20;
/// A channel fails from this share of its attempts on. `ImsMtaDeliveryFailureSpike`.
pub const FAILING_SHARE: f64 = 0.5;
/// Failures are one domain's above this share of them. `ImsMtaDeliveryFailureSpike`, `ImsMtaDestinationDead`.
pub const ONE_DOMAIN_SHARE: f64 = 0.8;
/// Channels with fewer destinations have no other to compare with. The same alerts.
pub const DOMAINS: u64 = 3;
/// One domain's failures are worth a look from this share of all attempts on. `ImsMtaDestinationDead`.
pub const ONE_DOMAIN_FAILING_SHARE: f64 = 0.05;
/// Recipients that came in while nothing went out, and messages that nobody tried. `ImsMtaQueueStuck`.
pub const WAITING: u64 = 20;
/// So long without an attempt is a standstill, in minutes. `ImsMtaQueueStuck`.
pub const STANDSTILL_MINUTES: i64 = 10;
/// Messages more than a quarter of an hour ago. `ImsMtaQueueGrowing`.
pub const GROWTH: i64 = 200;
/// And this share of the queue. `ImsMtaQueueGrowing`.
pub const GROWTH_SHARE: f64 = 0.1;
/// Seconds after which mail is old in a channel that needs nobody outside. `ImsMtaQueueInternalOld`.
pub const INTERNAL_OLD_SECONDS: f64 = 1800.0;
/// Channels within the host. `ImsMtaQueueInternalOld`.
pub const INTERNAL_CHANNELS: [&str; 3] = ["process", "reprocess", "conversion"];
/// Where mail waits on purpose: users on hold. No alert asks about it.
pub const HOLD_CHANNEL: &str = "hold";
/// Where a message waits for its other parts. `ImsMtaQueueInternalOld` leaves it out, too.
pub const PARTS_CHANNEL: &str = "defragment";
/// A file system is nearly full below this share of its size.
pub const DISK_SHARE: f64 = 0.05;

#[cfg(test)]
mod tests {
    use super::{
        ATTEMPTS, DOMAINS, FAILING_SHARE, GROWTH, GROWTH_SHARE, INTERNAL_CHANNELS, INTERNAL_OLD_SECONDS,
        ONE_DOMAIN_FAILING_SHARE, ONE_DOMAIN_SHARE, STANDSTILL_MINUTES, WAITING,
    };

    /// The page and the alert must not disagree.
    #[test]
    fn alerts_ask_for_the_same() {
        let delivery = include_str!("../../alerts/rules/delivery.rules.yml");
        let queue = include_str!("../../alerts/rules/queue.rules.yml");
        for (rules, condition) in [
            (delivery, format!("[40s]) >= {FAILING_SHARE}")),
            (delivery, format!("increase(imsimta_delivery_attempts_total[40s]) >= {ATTEMPTS}")),
            (delivery, format!("imsimta_delivery_top_domain_failure_ratio > {ONE_DOMAIN_SHARE}")),
            (delivery, format!("imsimta_delivery_domains >= {DOMAINS}")),
            (
                delivery,
                format!("increase(imsimta_delivery_attempts_total[5m]) >= {ONE_DOMAIN_FAILING_SHARE}"),
            ),
            (queue, format!("(imsimta_queue_stuck_messages{{channel!=\"hold\"}}[2m]) >= {WAITING}")),
            (queue, format!("increase(imsimta_delivery_attempts_total[{STANDSTILL_MINUTES}m]) == 0")),
            (queue, format!("(imsimta_queue_growth_messages{{channel!=\"hold\"}}[2m]) >= {GROWTH}")),
            (queue, format!("imsimta_queue_growth_messages > {GROWTH_SHARE} * imsimta_queue_messages")),
            (
                queue,
                format!(
                    "channel=~\"{}\"}}[2m])\n          > {INTERNAL_OLD_SECONDS}",
                    INTERNAL_CHANNELS.join("|")
                ),
            ),
        ] {
            assert!(rules.contains(&condition), "no rule has: {condition}");
        }
    }
}
