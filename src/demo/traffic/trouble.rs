//! Incidents: how each begins, what it keeps doing, and how it ends.

use std::time::Duration;

use super::super::action::Action;
use super::super::incident::{INCIDENTS, Trouble};
use super::super::message::Channel;
use super::super::world::{self, DEAD_DOMAIN, LOCAL_DOMAIN, RUN_USER};
use super::inbound::Incoming;
use super::{Planned, Traffic};

/// The programs that a planned restart stops and starts again.
const RESTARTED: &[&str] =
    &["dispatcher", "tcp_smtp_server", "job_controller", "tcp_smtp_client", "ims_master"];
/// The program that `job-controller-dead` is about.
const JOB_CONTROLLER: &[&str] = &["job_controller"];
/// How long a planned restart takes.
const RESTART: Duration = Duration::from_secs(40);
/// Messages of a newsletter that are on their way when the destination dies.
const NEWSLETTER: u32 = 60;

impl Traffic {
    pub(super) fn plan_incident(&mut self) {
        if let Some(planned) = self.options.incident {
            self.after(planned.after, move |traffic| traffic.begin(planned));
        }
    }

    fn begin(&mut self, planned: Planned) {
        self.trouble = Some(planned.trouble);
        self.tell(planned.trouble, "begins");
        self.tell_expected(planned.trouble);
        match planned.trouble {
            Trouble::DeadDestination => {
                for _ in 0..NEWSLETTER {
                    self.newsletter();
                }
            }
            Trouble::MailLoop => self.go_around(),
            Trouble::JobControllerDead => self.emit(Action::Stop { programs: JOB_CONTROLLER }),
            Trouble::RelayProbing => self.probe(),
            Trouble::PlannedRestart => self.emit(Action::Stop { programs: RESTARTED }),
            Trouble::DeadDns | Trouble::DeadStore => {}
        }
        let lasts = if planned.trouble == Trouble::PlannedRestart { Some(RESTART) } else { planned.lasts };
        if let Some(lasts) = lasts {
            self.after(lasts, move |traffic| traffic.end(planned.trouble));
        }
    }

    fn end(&mut self, trouble: Trouble) {
        self.trouble = None;
        self.tell(trouble, "ends");
        match trouble {
            Trouble::JobControllerDead => self.emit(Action::Start { programs: JOB_CONTROLLER }),
            Trouble::PlannedRestart => self.emit(Action::Start { programs: RESTARTED }),
            _ => {}
        }
        // A Job Controller that starts reads the queue directories and takes up what is there.
        for message in std::mem::take(&mut self.waiting) {
            let wait = self.pause(1000, 15_000);
            self.after(wait, |traffic| traffic.attempt(message));
        }
    }

    fn tell(&mut self, trouble: Trouble, what: &str) {
        let name = INCIDENTS.iter().find(|row| row.trouble == trouble).map_or("", |row| row.name);
        self.emit(Action::Tell { message: format!("incident {name} {what}") });
    }

    fn tell_expected(&mut self, trouble: Trouble) {
        if let Some(row) = INCIDENTS.iter().find(|row| row.trouble == trouble) {
            self.emit(Action::Tell { message: format!("  to expect: {}", row.expected()) });
        }
    }

    fn newsletter(&mut self) {
        let client = world::application_server(&mut self.random);
        let wait = self.pause(0, 20_000);
        self.after(wait, move |traffic| {
            let mut session = traffic.open(Channel::TcpIntranet, 25, client, false);
            let incoming = Incoming {
                destination: Channel::TcpLocal,
                from: format!("newsletter@{LOCAL_DOMAIN}"),
                recipients: traffic.remote_recipients(DEAD_DOMAIN),
                domain: DEAD_DOMAIN,
            };
            let peer = session.peer(RUN_USER);
            traffic.take(&mut session.thread, Channel::TcpIntranet, incoming, "EE", &peer);
            traffic.close_later(session, 50, 500);
        });
    }

    fn go_around(&mut self) {
        if self.trouble != Some(Trouble::MailLoop) {
            return;
        }
        if self.queued < super::MOST_QUEUED {
            self.looped_message();
        }
        let wait = self.pause(1000, 4000);
        self.after(wait, Self::go_around);
    }

    fn probe(&mut self) {
        if self.trouble != Some(Trouble::RelayProbing) {
            return;
        }
        self.relay_attempt();
        let wait = self.pause(50, 250);
        self.after(wait, Self::probe);
    }
}
