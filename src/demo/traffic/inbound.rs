//! What comes in: SMTP sessions of other hosts, of users and of our own servers.

use super::super::action::{Action, HostAction};
use super::super::entry::{ConnectionEntry, MessageEntry};
use super::super::incident::Trouble;
use super::super::message::{Channel, Message, Recipient, Route};
use super::super::world::{self, Host, LOCAL_ADDRESS, LOCAL_ADDRESS_6, LOCAL_DOMAIN, RUN_USER};
use super::entries::{Peer, Program, Thread};
use super::{MOST_QUEUED, Traffic};

/// A session with our SMTP server.
#[derive(Debug)]
pub(super) struct Session {
    id: u64,
    pub(super) thread: Thread,
    pub(super) channel: Channel,
    pub(super) client: Host,
    pub(super) transport: String,
    pub(super) application: String,
}

impl Session {
    pub(super) fn entry<'a>(&'a self, code: &'a str) -> ConnectionEntry<'a> {
        ConnectionEntry {
            channel: self.channel.name(),
            direction: '+',
            code,
            transport: &self.transport,
            application: &self.application,
            ..ConnectionEntry::default()
        }
    }

    pub(super) fn peer(&self, username: &str) -> Peer {
        Peer {
            system: self.client.source_system(),
            username: username.to_owned(),
            transport: self.transport.clone(),
            application: self.application.clone(),
        }
    }
}

/// What an inbound message is, apart from what every message has.
pub(super) struct Incoming {
    pub(super) destination: Channel,
    pub(super) from: String,
    pub(super) recipients: Vec<Recipient>,
    pub(super) domain: usize,
}

impl Traffic {
    /// One message arrives; now and then something that is none.
    pub(super) fn arrival(&mut self) {
        let kind = self.random.u8(..100);
        match self.trouble {
            Some(Trouble::PlannedRestart | Trouble::QueueLost) => return,
            // Nobody listens on the SMTP ports.
            Some(Trouble::DispatcherDead) if kind < 96 => return,
            _ => {}
        }
        match kind {
            0..55 => self.outside_sends(),
            55..84 => self.user_sends(),
            84..96 => self.application_sends(),
            _ => self.local_program_sends(),
        }
        if self.trouble != Some(Trouble::DispatcherDead) {
            self.something_odd();
        }
    }

    /// The number of the next connection.
    pub(super) fn next_connection(&mut self) -> u64 {
        self.connections += 1;
        self.connections
    }

    /// A new session, with its O entry.
    pub(super) fn open(&mut self, channel: Channel, port: u16, client: Host, tls: bool) -> Session {
        let id = self.next_connection();
        let server = self.random.usize(..3);
        let own = if client.address.contains(':') { LOCAL_ADDRESS_6 } else { LOCAL_ADDRESS };
        let remote_port = self.random.u16(20_000..61_000);
        let mut session = Session {
            id,
            thread: self.thread(Program::Server(server)),
            channel,
            transport: format!("TCP|{own}|{port}|{}|{remote_port}", client.address),
            application: if tls { "SMTP/TLS-256-AES256-GCM-SHA384" } else { "SMTP" }.to_owned(),
            client,
        };
        let mut thread = session.thread.clone();
        self.log_connection(&mut thread, &session.entry("O"));
        session.thread = thread;
        let last = session.client.address.rsplit(['.', ':']).next();
        let client = last.and_then(|number| number.parse().ok()).unwrap_or(1);
        self.emit(Action::OnHost(HostAction::Connect { id: session.id, client }));
        session
    }

    /// The end of a session, with its C entry.
    pub(super) fn close(&mut self, session: &Session) {
        let mut thread = session.thread.clone();
        self.log_connection(&mut thread, &session.entry("C"));
        self.emit(Action::OnHost(HostAction::Disconnect { id: session.id }));
    }

    /// Plans the end of a session.
    pub(super) fn close_later(&mut self, session: Session, least: u64, most: u64) {
        let wait = self.pause(least, most);
        self.after(wait, move |traffic| traffic.close(&session));
    }

    pub(super) fn outside_sends(&mut self) {
        let domain = world::any_domain(&mut self.random);
        let tls = self.chance(0.6);
        let session = self.open(Channel::TcpLocal, 25, world::mail_host(domain), tls);
        let wait = self.pause(80, 700);
        self.after(wait, move |traffic| traffic.receive(session, domain));
    }

    fn receive(&mut self, mut session: Session, domain: usize) {
        let sender = world::person(&mut self.random);
        let from = format!("{sender}@{}", world::domain(domain));
        let converted = self.chance(0.15);
        let incoming = Incoming {
            destination: if converted { Channel::Conversion } else { Channel::ImsMs },
            recipients: self.local_recipients(converted),
            from,
            domain: 0,
        };
        let code = if session.application == "SMTP" { "EE" } else { "EES" };
        let code = if self.chance(0.3) { format!("{code}Q") } else { code.to_owned() };
        if self.chance(0.01) {
            self.log_header(&mut session.thread, "Subject: Woe the day & <more>");
        }
        let peer = session.peer(RUN_USER);
        self.take(&mut session.thread, Channel::TcpLocal, incoming, &code, &peer);
        self.close_later(session, 200, 6000);
    }

    fn user_sends(&mut self) {
        let submission = self.chance(0.8);
        let (channel, port) = if submission { (Channel::TcpSubmit, 587) } else { (Channel::TcpAuth, 25) };
        let client = world::workstation(&mut self.random);
        let session = self.open(channel, port, client, true);
        let user = world::person(&mut self.random);
        self.authenticate(session, &user, Self::addressed_by);
    }

    /// A user of ours authenticates and sends a message.
    pub(super) fn authenticate(
        &mut self,
        mut session: Session,
        user: &str,
        message: impl FnOnce(&mut Self, String) -> Incoming + Send + 'static,
    ) {
        let address = format!("{user}@{LOCAL_DOMAIN}");
        let channel = session.channel;
        let wait = self.pause(100, 900);
        self.after(wait, move |traffic| {
            let mut thread = session.thread.clone();
            let switched = format!("Authentication successful - switched to channel {}", channel.name());
            let entry = ConnectionEntry {
                text: &switched,
                username: &address,
                diagnostic: "235 2.7.0 LOGIN authentication successful.",
                ..session.entry("U")
            };
            traffic.log_connection(&mut thread, &entry);
            session.thread = thread;
            let incoming = message(traffic, address.clone());
            let code = ["EESA", "EESA", "EESAC", "EESAQ"][traffic.random.usize(..4)];
            let peer = session.peer(&format!("*{address}"));
            traffic.take(&mut session.thread, channel, incoming, code, &peer);
            traffic.close_later(session, 300, 8000);
        });
    }

    fn application_sends(&mut self) {
        let client = world::application_server(&mut self.random);
        let mut session = self.open(Channel::TcpIntranet, 25, client, false);
        let wait = self.pause(20, 200);
        self.after(wait, move |traffic| {
            let incoming = traffic.addressed_by(format!("noreply@{LOCAL_DOMAIN}"));
            let peer = session.peer(RUN_USER);
            traffic.take(&mut session.thread, Channel::TcpIntranet, incoming, "EE", &peer);
            traffic.close_later(session, 50, 500);
        });
    }

    fn local_program_sends(&mut self) {
        let mut thread = self.thread(Program::Local);
        let incoming = Incoming {
            destination: Channel::ImsMs,
            from: format!("root@{}", world::LOCAL_HOST),
            recipients: self.local_recipients(false),
            domain: 0,
        };
        self.take(&mut thread, Channel::Native, incoming, "E", &Peer::own());
    }

    /// A message by one of our own: most go to the world.
    fn addressed_by(&mut self, from: String) -> Incoming {
        if self.chance(0.25) {
            let recipients = self.local_recipients(false);
            return Incoming { destination: Channel::ImsMs, from, recipients, domain: 0 };
        }
        let domain = world::any_domain(&mut self.random);
        let recipients = self.remote_recipients(domain);
        Incoming { destination: Channel::TcpLocal, from, recipients, domain }
    }

    /// Takes a message, or refuses it where the disk is as good as full.
    pub(super) fn take(
        &mut self,
        thread: &mut Thread,
        source: Channel,
        incoming: Incoming,
        code: &str,
        peer: &Peer,
    ) {
        if self.queued >= MOST_QUEUED || self.trouble == Some(Trouble::QueueLost) {
            self.tell_full();
            let recipient = incoming.recipients.first().map_or("", |recipient| &recipient.original);
            let original = format!("rfc822;{recipient}");
            return self.log_message(
                thread,
                &MessageEntry {
                    source: source.name(),
                    code: "J",
                    from: &incoming.from,
                    original_to: &original,
                    to: recipient,
                    username: &peer.username,
                    source_system: &peer.system,
                    diagnostic: "452 4.3.1 insufficient disk space",
                    ..MessageEntry::default()
                },
            );
        }
        let message = Message {
            file: self.new_file(incoming.destination),
            source,
            message_id: self.message_id(),
            blocks: self.blocks(),
            from: incoming.from,
            recipients: incoming.recipients,
            domain: incoming.domain,
            born: self.now,
            route: Route::Straight,
        };
        self.enqueue(thread, message, code, peer);
    }

    fn tell_full(&mut self) {
        if self.queued >= MOST_QUEUED && !std::mem::replace(&mut self.told_full, true) {
            let message = format!(
                "the queue holds {MOST_QUEUED} messages, the most that the demo makes: further mail is refused as on a full disk"
            );
            self.emit(Action::Tell { message });
        }
    }

    pub(super) fn message_id(&mut self) -> String {
        format!("<{}@{}>", self.letters(16), world::LOCAL_HOST)
    }

    /// Most messages are small.
    fn blocks(&mut self) -> u32 {
        match self.random.u8(..20) {
            0..12 => self.random.u32(1..12),
            12..18 => self.random.u32(12..120),
            _ => self.random.u32(120..6000),
        }
    }

    fn how_many(&mut self) -> usize {
        if self.chance(0.85) { 1 } else { self.random.usize(2..5) }
    }

    /// Recipients in the store; in front of the conversion channel they still have their domain.
    pub(super) fn local_recipients(&mut self, converted: bool) -> Vec<Recipient> {
        let count = self.how_many();
        let recipient = |_| {
            let name = world::person(&mut self.random);
            let original = format!("{name}@{LOCAL_DOMAIN}");
            let current = if converted { original.clone() } else { format!("{name}@ims-ms-daemon") };
            Recipient { original, current }
        };
        (0..count).map(recipient).collect()
    }

    /// Recipients elsewhere.
    pub(super) fn remote_recipients(&mut self, domain: usize) -> Vec<Recipient> {
        let count = self.how_many();
        let recipient = |_| {
            let address = format!("{}@{}", world::person(&mut self.random), world::domain(domain));
            Recipient { original: address.clone(), current: address }
        };
        (0..count).map(recipient).collect()
    }
}
