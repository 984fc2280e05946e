//! THE table of incidents: what `--incident` can make happen.
//!
//! The help text, what the demo prints and the documentation derive from it.

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No outbound domain can be resolved.
    DeadDns,
    /// One destination of many does not answer.
    DeadDestination,
    /// The message store takes nothing.
    DeadStore,
    /// Messages go around until they are held.
    MailLoop,
    /// The Job Controller is gone.
    JobControllerDead,
    /// A few clients try to relay.
    RelayProbing,
    /// The MTA is stopped and started again on purpose.
    PlannedRestart,
}

/// One row of the table.
#[derive(Debug)]
pub struct Incident {
    /// What goes wrong.
    pub trouble: Trouble,
    /// The name on the command line.
    pub name: &'static str,
    /// What happens.
    pub what: &'static str,
    /// Where it shows.
    pub watch: &'static str,
    /// Alerts of `alerts/rules` that fire, in that order, and about how many seconds after it began. Those whose page
    /// another one holds back are left out.
    pub alerts: &'static [(&'static str, u64)],
}

/// A page or ticket within so many seconds comes in the five minutes that an incident lasts.
const DEFAULT_FOR: u64 = 300;

/// Every incident, in the order of the help text.
pub const INCIDENTS: [Incident; 7] = [
    Incident {
        trouble: Trouble::DeadDns,
        name: "dead-dns",
        what: "the DNS answers nothing: every delivery by tcp_local is deferred, whatever the domain",
        watch: "imsimta_delivery_failures_total{channel=\"tcp_local\",outcome=\"deferred\",reason=\"dns_temporary\"} \
                and the growing imsimta_queue_messages{channel=\"tcp_local\"}",
        alerts: &[("ImsMtaDeliveryFailureSpike", 25), ("ImsMtaQueueGrowing", 2100)],
    },
    Incident {
        trouble: Trouble::DeadDestination,
        name: "dead-destination",
        what: "one domain of many does not answer; its backlog is skipped in bursts",
        watch: "imsimta_delivery_failures_total{reason=\"host_skipped\"} and \
                imsimta_destination_failures_total: one domain alone",
        alerts: &[("ImsMtaDestinationDead", 130)],
    },
    Incident {
        trouble: Trouble::DeadStore,
        name: "dead-store",
        what: "the message store takes nothing, and ims-ms has no other destination",
        watch: "imsimta_delivery_failures_total{channel=\"ims-ms\",reason=\"mailbox_busy\"} and \
                imsimta_queue_messages{channel=\"ims-ms\"}",
        alerts: &[
            ("ImsMtaDeliveryFailureSpike", 25),
            ("ImsMtaQueueGrowing", 2100),
            ("ImsMtaQueueStoreOld", 3600),
        ],
    },
    Incident {
        trouble: Trouble::MailLoop,
        name: "mail-loop",
        what: "messages go around between two hosts until the MTA holds them",
        watch: "imsimta_queue_held_messages{channel=\"tcp_local\"}",
        alerts: &[("ImsMtaHeldMessagesSurge", 260)],
    },
    Incident {
        trouble: Trouble::JobControllerDead,
        name: "job-controller-dead",
        what: "the Job Controller is gone: messages come in, none leaves",
        watch: "imsimta_processes{process=\"job_controller\"} at 0, imsimta_delivery_attempts_total at a \
                standstill, imsimta_queue_messages growing",
        alerts: &[("ImsMtaJobControllerDown", 95), ("ImsMtaQueueStuck", 1050)],
    },
    Incident {
        trouble: Trouble::RelayProbing,
        name: "relay-probing",
        what: "a few clients connect again and again and try to relay",
        watch: "imsimta_enqueue_rejections_total{reason=\"relay_denied\"}, imsimta_client_connections and \
                imsimta_client_rejections",
        alerts: &[],
    },
    Incident {
        trouble: Trouble::PlannedRestart,
        name: "planned-restart",
        what: "the MTA is stopped and started again after 40 s, whatever --incident-for says",
        watch: "imsimta_processes of dispatcher and job_controller, and that no alert fires",
        alerts: &[],
    },
];

impl Incident {
    /// The incident of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        INCIDENTS.iter().find(|incident| incident.name == name)
    }

    /// Which alerts to expect and when, and what has to be set for those that take longer.
    pub fn expected(&self) -> String {
        if self.alerts.is_empty() {
            return "no alert fires".to_owned();
        }
        let named = |&(alert, seconds): &(&str, u64)| match seconds {
            few if few < 120 => format!("{alert} after about {few} s"),
            many => format!("{alert} after about {} min", many.div_ceil(60)),
        };
        let text = self.alerts.iter().map(named).collect::<Vec<_>>().join(", ");
        let last = self.alerts.last().map_or(0, |&(_, seconds)| seconds);
        if last <= DEFAULT_FOR {
            return text;
        }
        let minutes = (last + 5 * DEFAULT_FOR).div_ceil(600) * 10;
        format!("{text} (for those after 5 min: --incident-for {minutes}m)")
    }
}

#[cfg(test)]
mod tests {
    use super::{INCIDENTS, Incident};

    #[test]
    fn every_name_is_found_and_unique() {
        for incident in &INCIDENTS {
            let found = Incident::named(incident.name).expect("an incident");
            assert_eq!(found.trouble, incident.trouble);
            assert!(!incident.what.is_empty() && incident.watch.contains("imsimta_"));
        }
        assert!(Incident::named("none").is_none());
    }

    #[test]
    fn expected_alerts_are_alerts_of_the_rules() {
        let rules = [
            include_str!("../../alerts/rules/delivery.rules.yml"),
            include_str!("../../alerts/rules/queue.rules.yml"),
            include_str!("../../alerts/rules/processes.rules.yml"),
        ]
        .concat();
        for incident in &INCIDENTS {
            for (alert, _) in incident.alerts {
                assert!(rules.contains(&format!("- alert: {alert}\n")), "{}: {alert}", incident.name);
            }
            assert!(incident.alerts.is_sorted_by_key(|&(_, seconds)| seconds), "{}", incident.name);
        }
        let expected = |name| Incident::named(name).expect("an incident").expected();
        assert_eq!(
            expected("dead-dns"),
            "ImsMtaDeliveryFailureSpike after about 25 s, ImsMtaQueueGrowing after about 35 min (for those after 5 min: \
             --incident-for 60m)"
        );
        assert_eq!(expected("planned-restart"), "no alert fires");
    }
}
