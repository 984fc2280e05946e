//! Incidents: how each begins, what it keeps doing, and how it ends.

use std::time::Duration;

use super::super::action::{Action, HostAction};
use super::super::incident::{INCIDENTS, Trouble};
use super::super::message::Channel;
use super::super::world::{self, DEAD_DOMAIN, LOCAL_DOMAIN, RUN_USER};
use super::inbound::Incoming;
use super::{Planned, Traffic};

/// The programs of the MTA.
pub(super) const EVERYTHING: &[&str] =
    &["dispatcher", "tcp_smtp_server", "job_controller", "tcp_smtp_client", "ims_master"];
/// Programs that are gone while a trouble lasts.
const GONE: &[(Trouble, &[&str])] = &[
    (Trouble::JobControllerDead, &["job_controller"]),
    (Trouble::DispatcherDead, &["dispatcher", "tcp_smtp_server"]),
    (Trouble::PlannedRestart, EVERYTHING),
];
/// What happens while a trouble lasts, and the milliseconds, from and to, until it happens again.
type Again = (Trouble, [u64; 2], fn(&mut Traffic));
/// All that happens again and again.
const AGAIN: &[Again] = &[
    (Trouble::MailLoop, [1000, 4000], Traffic::go_around),
    (Trouble::RelayProbing, [50, 250], Traffic::relay_attempt),
    (Trouble::InboundFlood, [10, 50], Traffic::drone_connects),
    (Trouble::SingleClientFlood, [20, 60], Traffic::flooder_connects),
    (Trouble::PasswordGuessing, [50, 250], Traffic::wrong_password),
    (Trouble::StolenAccount, [150, 350], Traffic::thief_sends),
    (Trouble::MailFlood, [15, 60], Traffic::outside_sends),
    (Trouble::SynBacklog, [80, 160], Traffic::connection_is_begun),
    (Trouble::ForkFailed, [2000, 6000], Traffic::fork_fails),
    (Trouble::DiskFilling, [250, 250], |traffic| traffic.emit(Action::OnHost(HostAction::Fill))),
];
/// What happens to the host when a trouble begins, and when it is over.
const ON_HOST: &[(Trouble, Option<HostAction>, HostAction)] = &[
    (Trouble::WrongOwner, Some(HostAction::GiveAway), HostAction::TakeBack),
    (Trouble::DiskFilling, None, HostAction::Empty),
];
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
            Trouble::DeadDestination => (0..NEWSLETTER).for_each(|_| self.newsletter()),
            Trouble::SmtpServerStuck => self.endless_session(planned.lasts),
            _ => {}
        }
        if let Some(programs) = gone(planned.trouble) {
            self.emit(Action::OnHost(HostAction::Stop { programs }));
        }
        if let Some(&(_, Some(action), _)) = on_host(planned.trouble) {
            self.emit(Action::OnHost(action));
        }
        self.stop_channel(planned.trouble == Trouble::ChannelStopped);
        for &(_, pause, step) in AGAIN.iter().filter(|(trouble, ..)| *trouble == planned.trouble) {
            self.again(planned.trouble, pause, step);
        }
        let lasts = if planned.trouble == Trouble::PlannedRestart { Some(RESTART) } else { planned.lasts };
        if let Some(lasts) = lasts {
            self.after(lasts, move |traffic| traffic.end(planned.trouble));
        }
    }

    fn end(&mut self, trouble: Trouble) {
        self.trouble = None;
        self.tell(trouble, "ends");
        if let Some(programs) = gone(trouble) {
            self.emit(Action::OnHost(HostAction::Start { programs }));
            self.daemons_start(programs);
        }
        if let Some(&(_, _, action)) = on_host(trouble) {
            self.emit(Action::OnHost(action));
        }
        self.stop_channel(false);
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

    /// A client that never says QUIT.
    fn endless_session(&mut self, lasts: Option<Duration>) {
        let client = world::drone(&mut self.random);
        let session = self.open(Channel::TcpLocal, 25, client, false);
        if let Some(lasts) = lasts {
            self.after(lasts, move |traffic| traffic.close(&session));
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

    /// Does something now, and again after each pause, until the trouble is over.
    fn again(&mut self, trouble: Trouble, pause: [u64; 2], step: fn(&mut Self)) {
        if self.trouble != Some(trouble) {
            return;
        }
        step(self);
        let wait = self.pause(pause[0], pause[1]);
        self.after(wait, move |traffic| traffic.again(trouble, pause, step));
    }

    fn go_around(&mut self) {
        if self.queued < super::MOST_QUEUED {
            self.looped_message();
        }
    }
}

fn on_host(trouble: Trouble) -> Option<&'static (Trouble, Option<HostAction>, HostAction)> {
    ON_HOST.iter().find(|(of, ..)| *of == trouble)
}

fn gone(trouble: Trouble) -> Option<&'static [&'static str]> {
    GONE.iter().find(|(of, _)| *of == trouble).map(|&(_, programs)| programs)
}
