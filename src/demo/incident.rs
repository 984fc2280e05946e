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
}

/// Every incident, in the order of the help text.
pub const INCIDENTS: [Incident; 7] = [
    Incident {
        trouble: Trouble::DeadDns,
        name: "dead-dns",
        what: "the DNS answers nothing: every delivery by tcp_local is deferred, whatever the domain",
        watch: "imsimta_delivery_failures_total{channel=\"tcp_local\",outcome=\"deferred\",reason=\"dns_temporary\"} \
                and the growing imsimta_queue_messages{channel=\"tcp_local\"}",
    },
    Incident {
        trouble: Trouble::DeadDestination,
        name: "dead-destination",
        what: "one domain of many does not answer; its backlog is skipped in bursts",
        watch: "imsimta_delivery_failures_total{reason=\"host_skipped\"} and \
                imsimta_destination_failures_total: one domain alone",
    },
    Incident {
        trouble: Trouble::DeadStore,
        name: "dead-store",
        what: "the message store takes nothing, and ims-ms has no other destination",
        watch: "imsimta_delivery_failures_total{channel=\"ims-ms\",reason=\"mailbox_busy\"} and \
                imsimta_queue_messages{channel=\"ims-ms\"}",
    },
    Incident {
        trouble: Trouble::MailLoop,
        name: "mail-loop",
        what: "messages go around between two hosts until the MTA holds them",
        watch: "imsimta_queue_held_messages{channel=\"tcp_local\"}",
    },
    Incident {
        trouble: Trouble::JobControllerDead,
        name: "job-controller-dead",
        what: "the Job Controller is gone: messages come in, none leaves",
        watch: "imsimta_processes{process=\"job_controller\"} at 0, imsimta_delivery_attempts_total at a \
                standstill, imsimta_queue_messages growing",
    },
    Incident {
        trouble: Trouble::RelayProbing,
        name: "relay-probing",
        what: "a few clients connect again and again and try to relay",
        watch: "imsimta_enqueue_rejections_total{reason=\"relay_denied\"}, imsimta_client_connections and \
                imsimta_client_rejections",
    },
    Incident {
        trouble: Trouble::PlannedRestart,
        name: "planned-restart",
        what: "the MTA is stopped and started again after 40 s, whatever --incident-for says",
        watch: "imsimta_processes of dispatcher and job_controller, and that no alert fires",
    },
];

impl Incident {
    /// The incident of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        INCIDENTS.iter().find(|incident| incident.name == name)
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
}
