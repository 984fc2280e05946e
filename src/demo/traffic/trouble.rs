//! Incidents: how each begins, what it keeps doing, and how it ends.

use std::time::Duration;

use super::super::action::{Action, HostAction};
use super::super::incident::{Incident, Trouble, incidents};
use super::super::message::Channel;
use super::super::world::{self, LOCAL_DOMAIN, RUN_USER};
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
    (Trouble::MailLoop, [200, 600], Traffic::go_around),
    (Trouble::RelayProbing, [50, 250], Traffic::relay_attempt),
    (Trouble::InboundFlood, [10, 50], Traffic::drone_connects),
    (Trouble::SingleClientFlood, [20, 60], Traffic::flooder_connects),
    (Trouble::PasswordGuessing, [50, 250], Traffic::wrong_password),
    (Trouble::StolenAccount, [150, 350], Traffic::thief_sends),
    (Trouble::MailFlood, [15, 60], Traffic::outside_sends),
    (Trouble::BounceStorm, [400, 900], |traffic| traffic.mailing(old_list(), None)),
    (Trouble::NightlyBulk, [20, 60], |traffic| traffic.mailing(newsletter(), None)),
    (Trouble::SynBacklog, [80, 160], Traffic::connection_is_begun),
    (Trouble::ForkFailed, [2000, 6000], Traffic::fork_fails),
    (Trouble::DiskFilling, [250, 250], |traffic| traffic.emit(Action::OnHost(HostAction::Fill))),
];
/// What happens to the host when a trouble begins, and when it is over.
const ON_HOST: &[(Trouble, Option<HostAction>, HostAction)] = &[
    (Trouble::WrongOwner, Some(HostAction::GiveAway), HostAction::TakeBack),
    (Trouble::DiskFilling, None, HostAction::Empty),
    (Trouble::QueueLost, Some(HostAction::LoseQueue), HostAction::FindQueue),
];
/// How long a planned restart takes at most.
const RESTART: Duration = Duration::from_secs(40);
/// Messages of a newsletter that are on their way to a destination when it dies.
const ON_THEIR_WAY: &[(Trouble, u32)] = &[(Trouble::DeadDestination, 60), (Trouble::BigDestination, 400)];
/// Messages that the return job sends back in one night.
const EXPIRED: u32 = 80;

impl Traffic {
    pub(super) fn plan_incident(&mut self) {
        if let Some(planned) = self.options.incident {
            self.after(planned.after, move |traffic| traffic.begin(planned));
        }
    }

    fn begin(&mut self, planned: Planned) {
        if matches!(planned.trouble, Trouble::Midnight | Trouble::RotationMissed) {
            self.roll_over();
        }
        self.trouble = Some(planned.trouble);
        self.tell(planned.trouble, "begins");
        self.tell_expected(planned.trouble);
        match planned.trouble {
            Trouble::Midnight => (0..EXPIRED).for_each(|_| self.message_expires()),
            Trouble::SmtpServerStuck => self.endless_session(planned.lasts),
            _ => {}
        }
        for &(_, messages) in ON_THEIR_WAY.iter().filter(|(trouble, _)| *trouble == planned.trouble) {
            (0..messages).for_each(|_| self.on_its_way());
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
        let most = (planned.trouble == Trouble::PlannedRestart).then_some(RESTART);
        let lasts = planned.lasts.into_iter().chain(most).min();
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
        for action in std::mem::take(&mut self.withheld) {
            self.emit(action);
        }
        self.stop_channel(false);
        // A Job Controller that starts reads the queue directories and takes up what is there.
        for message in std::mem::take(&mut self.waiting) {
            let wait = self.pause(1000, 15_000);
            self.after(wait, |traffic| traffic.attempt(message));
        }
    }

    fn tell(&mut self, trouble: Trouble, what: &str) {
        let name = row(trouble).map_or("", |row| row.name);
        self.emit(Action::Tell { message: format!("incident {name} {what}") });
    }

    fn tell_expected(&mut self, trouble: Trouble) {
        if let Some(row) = row(trouble) {
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

    /// A message of a newsletter comes in within 20 s, to the destination that has died.
    fn on_its_way(&mut self) {
        let (wait, domain) = (self.pause(0, 20_000), self.dead_domain());
        self.after(wait, move |traffic| traffic.mailing(newsletter(), domain));
    }

    /// A message of a mailing of ours, to one domain or to any.
    fn mailing(&mut self, from: String, domain: Option<usize>) {
        let client = world::application_server(&mut self.random);
        let domain = domain.unwrap_or_else(|| world::any_domain(&mut self.random));
        let mut session = self.open(Channel::TcpIntranet, 25, client, false);
        let recipients = self.remote_recipients(domain);
        let incoming = Incoming { destination: Channel::TcpLocal, from, recipients, domain };
        let peer = session.peer(RUN_USER);
        self.take(&mut session.thread, Channel::TcpIntranet, incoming, "EE", &peer);
        self.close_later(session, 50, 500);
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

/// Who sends a newsletter.
fn newsletter() -> String {
    format!("newsletter@{LOCAL_DOMAIN}")
}

/// Who sends to addresses that nobody has any more.
pub(super) fn old_list() -> String {
    format!("customers@{LOCAL_DOMAIN}")
}

fn row(trouble: Trouble) -> Option<&'static Incident> {
    incidents().find(|row| row.trouble == trouble)
}

fn on_host(trouble: Trouble) -> Option<&'static (Trouble, Option<HostAction>, HostAction)> {
    ON_HOST.iter().find(|(of, ..)| *of == trouble)
}

fn gone(trouble: Trouble) -> Option<&'static [&'static str]> {
    GONE.iter().find(|(of, _)| *of == trouble).map(|&(_, programs)| programs)
}
