//! THE table of incidents: what `--incident` can make happen. Rows about one thing have files of their own: mail that
//! goes badly (`mail`), what blinds the one who watches (`watching`), and what is no fault (`normal`).
//!
//! The help text, what the demo prints and the test that runs each of them derive from it.

mod mail;
mod normal;
mod watching;

use std::fmt;

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
    /// Many clients connect at once.
    InboundFlood,
    /// One client connects again and again.
    SingleClientFlood,
    /// A few clients guess passwords.
    PasswordGuessing,
    /// Somebody has the password of a user, and sends with it.
    StolenAccount,
    /// Far more mail comes in than usual.
    MailFlood,
    /// The Dispatcher is gone, and the SMTP servers with it.
    DispatcherDead,
    /// Connections are begun and not completed.
    SynBacklog,
    /// The Job Controller cannot start a process.
    ForkFailed,
    /// A log fills the disk.
    DiskFilling,
    /// Somebody has given the queue directory away.
    WrongOwner,
    /// Somebody has stopped a channel.
    ChannelStopped,
    /// An SMTP server does not end when it should.
    SmtpServerStuck,
    /// The DNS answers, but not always.
    SlowDns,
    /// The largest of all destinations does not answer.
    BigDestination,
    /// Many hosts take no message at the first attempt.
    Greylisting,
    /// No outbound domain can be resolved, where hardly anybody sends.
    SmallSite,
    /// Mailboxes of the store are locked.
    MailboxLocks,
    /// The program of a channel hangs.
    ChannelStuck,
    /// A list of addresses is full of those that nobody has.
    BounceStorm,
    /// A large mailing goes out.
    NightlyBulk,
    /// Hardly anybody sends.
    QuietSunday,
    /// The return job runs.
    Midnight,
    /// The return job runs no more.
    RotationMissed,
    /// The MTA logs no messages.
    LoggingOff,
    /// The file system of the queue is gone.
    QueueLost,
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
    /// Where it shows, and nowhere before.
    pub watch: &'static [Sign],
    /// Alerts of `alerts/rules` that fire, in that order, and about how many seconds after it began. Those whose page
    /// another one holds back are left out.
    pub alerts: &'static [(&'static str, u64)],
}

/// A metric in which an incident shows.
#[derive(Clone, Copy, Debug)]
pub struct Sign {
    /// Its name.
    pub metric: &'static str,
    /// The labels that matter. The sum of all such series is meant.
    pub labels: &'static [(&'static str, &'static str)],
    /// What it comes to.
    pub becomes: Becomes,
}

/// What the value of a metric comes to.
#[derive(Clone, Copy, Debug)]
pub enum Becomes {
    /// Exactly this.
    Equal(f64),
    /// This or more.
    Least(f64),
    /// So much more every second, or faster.
    Rises(f64),
    /// So much more every second at most.
    Slows(f64),
}

impl fmt::Display for Sign {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.metric)?;
        let labels: Vec<String> =
            self.labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        if !labels.is_empty() {
            write!(formatter, "{{{}}}", labels.join(","))?;
        }
        match self.becomes {
            Becomes::Equal(value) => write!(formatter, " at {value}"),
            Becomes::Least(value) => write!(formatter, " at {value} and more"),
            Becomes::Rises(value) => write!(formatter, " rising by {value} a second and more"),
            Becomes::Slows(value) => write!(formatter, " rising by {value} a second at most"),
        }
    }
}

/// A page or ticket within so many seconds comes in the five minutes that an incident lasts.
const DEFAULT_FOR: u64 = 300;

/// Every incident, in the order of the help text.
pub fn incidents() -> impl Iterator<Item = &'static Incident> {
    INCIDENTS.iter().chain(mail::INCIDENTS).chain(watching::INCIDENTS).chain(normal::INCIDENTS)
}

/// Incidents of all parts of the MTA.
const INCIDENTS: &[Incident] = &[
    Incident {
        trouble: Trouble::DeadDns,
        name: "dead-dns",
        what: "the DNS answers nothing: every delivery by tcp_local is deferred, whatever the domain",
        watch: &[Sign {
            metric: "imsimta_delivery_failures_total",
            labels: &[("channel", "tcp_local"), ("outcome", "deferred"), ("reason", "dns_temporary")],
            becomes: Becomes::Least(20.0),
        }],
        alerts: &[("ImsMtaDeliveryFailureSpike", 25), ("ImsMtaQueueGrowing", 2100)],
    },
    Incident {
        trouble: Trouble::DeadDestination,
        name: "dead-destination",
        what: "one domain of many does not answer; its backlog is skipped in bursts",
        watch: &[
            Sign {
                metric: "imsimta_delivery_failures_total",
                labels: &[("channel", "tcp_local"), ("reason", "host_skipped")],
                becomes: Becomes::Least(20.0),
            },
            Sign {
                metric: "imsimta_destination_failures_total",
                labels: &[("domain", "acme.example"), ("outcome", "deferred")],
                becomes: Becomes::Least(20.0),
            },
        ],
        alerts: &[("ImsMtaDestinationDead", 130)],
    },
    Incident {
        trouble: Trouble::DeadStore,
        name: "dead-store",
        what: "the message store takes nothing, and ims-ms has no other destination",
        watch: &[
            Sign {
                metric: "imsimta_delivery_failures_total",
                labels: &[("channel", "ims-ms"), ("reason", "mailbox_busy")],
                becomes: Becomes::Least(20.0),
            },
            Sign {
                metric: "imsimta_queue_messages",
                labels: &[("channel", "ims-ms")],
                becomes: Becomes::Least(15.0),
            },
        ],
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
        watch: &[Sign {
            metric: "imsimta_queue_held_messages",
            labels: &[("channel", "tcp_local")],
            becomes: Becomes::Least(3.0),
        }],
        alerts: &[("ImsMtaHeldMessagesSurge", 75)],
    },
    Incident {
        trouble: Trouble::JobControllerDead,
        name: "job-controller-dead",
        what: "the Job Controller is gone: messages come in, none leaves",
        watch: &[
            Sign {
                metric: "imsimta_processes",
                labels: &[("process", "job_controller")],
                becomes: Becomes::Equal(0.0),
            },
            Sign {
                metric: "imsimta_queue_messages",
                labels: &[("channel", "ims-ms")],
                becomes: Becomes::Least(15.0),
            },
        ],
        alerts: &[("ImsMtaJobControllerDown", 95), ("ImsMtaQueueStuck", 1050)],
    },
    Incident {
        trouble: Trouble::RelayProbing,
        name: "relay-probing",
        what: "a few clients connect again and again and try to relay",
        watch: &[
            Sign {
                metric: "imsimta_enqueue_rejections_total",
                labels: &[("channel", "tcp_local"), ("reason", "relay_denied")],
                becomes: Becomes::Rises(3.0),
            },
            Sign {
                metric: "imsimta_client_rejections",
                labels: &[("client", "203.0.113.240")],
                becomes: Becomes::Least(40.0),
            },
        ],
        alerts: &[("ImsMtaRelayProbing", 160)],
    },
    Incident {
        trouble: Trouble::PlannedRestart,
        name: "planned-restart",
        what: "the MTA is stopped and started again after 40 s at most, whatever --incident-for says",
        watch: &[
            Sign {
                metric: "imsimta_processes",
                labels: &[("process", "dispatcher")],
                becomes: Becomes::Equal(0.0),
            },
            Sign {
                metric: "imsimta_processes",
                labels: &[("process", "job_controller")],
                becomes: Becomes::Equal(0.0),
            },
        ],
        alerts: &[],
    },
    Incident {
        trouble: Trouble::InboundFlood,
        name: "inbound-flood",
        what: "hundreds of clients from everywhere connect, say little and stay: none of them alone is conspicuous",
        watch: &[
            Sign {
                metric: "imsimta_connections_opened_total",
                labels: &[("channel", "tcp_local"), ("direction", "in")],
                becomes: Becomes::Rises(20.0),
            },
            Sign {
                metric: "imsimta_connections_open",
                labels: &[("channel", "tcp_local"), ("direction", "in")],
                becomes: Becomes::Least(150.0),
            },
            Sign {
                metric: "imsimta_connections_used",
                labels: &[("service", "smtp")],
                becomes: Becomes::Least(150.0),
            },
        ],
        alerts: &[("ImsMtaConnectionFlood", 190)],
    },
    Incident {
        trouble: Trouble::SingleClientFlood,
        name: "single-client-flood",
        what: "one client connects again and again",
        watch: &[
            Sign {
                metric: "imsimta_client_connections",
                labels: &[("client", "203.0.113.250")],
                becomes: Becomes::Least(400.0),
            },
            Sign { metric: "imsimta_client_connections_max", labels: &[], becomes: Becomes::Least(400.0) },
        ],
        alerts: &[("ImsMtaClientFlood", 170)],
    },
    Incident {
        trouble: Trouble::PasswordGuessing,
        name: "password-guessing",
        what: "a few clients guess the passwords of many users",
        watch: &[
            Sign {
                metric: "imsimta_authentications_total",
                labels: &[("channel", "tcp_submit"), ("result", "failure")],
                becomes: Becomes::Rises(4.0),
            },
            Sign {
                metric: "imsimta_client_authentication_failures_max",
                labels: &[],
                becomes: Becomes::Least(20.0),
            },
        ],
        alerts: &[("ImsMtaPasswordGuessing", 160)],
    },
    Incident {
        trouble: Trouble::StolenAccount,
        name: "stolen-account",
        what: "somebody who has guessed the password of karin sends spam to many domains in her name",
        watch: &[
            Sign {
                metric: "imsimta_enqueued_recipients_total",
                labels: &[("source_channel", "tcp_submit"), ("destination_channel", "tcp_local")],
                becomes: Becomes::Rises(15.0),
            },
            Sign { metric: "imsimta_sender_enqueues_max", labels: &[], becomes: Becomes::Least(300.0) },
        ],
        alerts: &[],
    },
    Incident {
        trouble: Trouble::MailFlood,
        name: "mail-flood",
        what: "far more mail comes in than usual, from many hosts and for everybody",
        watch: &[Sign {
            metric: "imsimta_enqueued_recipients_total",
            labels: &[("source_channel", "tcp_local")],
            becomes: Becomes::Rises(25.0),
        }],
        alerts: &[],
    },
    Incident {
        trouble: Trouble::DispatcherDead,
        name: "dispatcher-dead",
        what: "the Dispatcher is gone and nobody answers on the SMTP ports: only what is queued still moves",
        watch: &[
            Sign {
                metric: "imsimta_processes",
                labels: &[("process", "dispatcher")],
                becomes: Becomes::Equal(0.0),
            },
            Sign { metric: "imsimta_probe_success", labels: &[], becomes: Becomes::Equal(0.0) },
        ],
        alerts: &[("ImsMtaDispatcherDown", 95), ("ImsMtaNoBanner", 270)],
    },
    Incident {
        trouble: Trouble::SynBacklog,
        name: "syn-backlog",
        what: "connections are begun and never completed, as in a SYN flood; the MTA never hears of them",
        watch: &[Sign {
            metric: "imsimta_smtp_sockets",
            labels: &[("state", "syn_recv")],
            becomes: Becomes::Least(30.0),
        }],
        alerts: &[("ImsMtaSynBacklog", 320)],
    },
    Incident {
        trouble: Trouble::ForkFailed,
        name: "fork-failed",
        what: "there is no memory for another process: the Job Controller runs and starts no channel program",
        watch: &[
            Sign {
                metric: "imsimta_daemon_log_events_total",
                labels: &[("log", "job_controller"), ("class", "fork_failed")],
                becomes: Becomes::Least(2.0),
            },
            Sign {
                metric: "imsimta_queue_messages",
                labels: &[("channel", "ims-ms")],
                becomes: Becomes::Least(15.0),
            },
        ],
        alerts: &[("ImsMtaDaemonErrors", 40), ("ImsMtaQueueStuck", 1050)],
    },
    Incident {
        trouble: Trouble::DiskFilling,
        name: "disk-filling",
        what: "mail.log grows by up to 1 MiB a second, and to no more than 512 MiB and a twentieth of what is free",
        watch: &[Sign {
            metric: "imsimta_log_file_size_bytes",
            labels: &[("log", "mail.log")],
            becomes: Becomes::Least(4_000_000.0),
        }],
        alerts: &[],
    },
    Incident {
        trouble: Trouble::ChannelStopped,
        name: "channel-stopped",
        what: "somebody has stopped tcp_local with imsimta qm stop: its messages wait",
        watch: &[
            Sign {
                metric: "imsimta_channel_stopped",
                labels: &[("channel", "tcp_local")],
                becomes: Becomes::Equal(1.0),
            },
            Sign {
                metric: "imsimta_queue_messages",
                labels: &[("channel", "tcp_local")],
                becomes: Becomes::Least(60.0),
            },
        ],
        alerts: &[("ImsMtaChannelStopped", 1030), ("ImsMtaQueueStuck", 1050)],
    },
    Incident {
        trouble: Trouble::WrongOwner,
        name: "wrong-owner",
        what: "somebody has made the queue directory writable for all and, where root runs the demo, nobody's",
        watch: &[Sign {
            metric: "imsimta_critical_files_wrong",
            labels: &[("path", "queue"), ("what", "mode")],
            becomes: Becomes::Equal(1.0),
        }],
        alerts: &[("ImsMtaWrongOwner", 930)],
    },
    Incident {
        trouble: Trouble::SmtpServerStuck,
        name: "smtp-server-stuck",
        what: "a client never ends its session, and its server outlives MAX_LIFE_TIME, which is short here; the others are \
               renewed",
        watch: &[Sign {
            metric: "imsimta_process_overaged",
            labels: &[("process", "tcp_smtp_server")],
            becomes: Becomes::Equal(1.0),
        }],
        alerts: &[("ImsMtaSmtpServerTooOld", 3800)],
    },
];

impl Incident {
    /// The incident of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        incidents().find(|incident| incident.name == name)
    }

    /// Where to look, in words.
    pub fn signs(&self) -> String {
        self.watch.iter().map(Sign::to_string).collect::<Vec<_>>().join(" and ")
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
    use super::{Incident, incidents};

    #[test]
    fn every_name_is_found_and_unique() {
        for incident in incidents() {
            let found = Incident::named(incident.name).expect("an incident");
            assert_eq!(found.trouble, incident.trouble);
            assert!(!incident.what.is_empty() && !incident.watch.is_empty());
        }
        assert!(Incident::named("none").is_none());
    }

    #[test]
    fn expected_alerts_are_alerts_of_the_rules() {
        let rules = [
            include_str!("../../alerts/rules/connections.rules.yml"),
            include_str!("../../alerts/rules/delivery.rules.yml"),
            include_str!("../../alerts/rules/exporter.rules.yml"),
            include_str!("../../alerts/rules/host.rules.yml"),
            include_str!("../../alerts/rules/queue.rules.yml"),
            include_str!("../../alerts/rules/processes.rules.yml"),
        ]
        .concat();
        for incident in incidents() {
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
