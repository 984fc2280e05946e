//! What every mail server sees beside mail: rejections and lost connections, and with noise also probing, wrong
//! passwords, refused clients and bad commands.

use super::super::entry::{ConnectionEntry, MessageEntry};
use super::super::message::Channel;
use super::super::world::{self, LOCAL_DOMAIN, RUN_USER};
use super::Traffic;
use super::inbound::Session;

impl Traffic {
    /// Beside one message in five something else happens.
    pub(super) fn something_odd(&mut self) {
        let noise = self.options.noise;
        match self.random.u16(..1000) {
            0..90 => self.unknown_user(),
            90..115 => self.spam(),
            115..130 if noise => self.relay_attempt(),
            130..160 if noise => self.wrong_password(),
            160..175 if noise => self.refused_client(),
            175..185 if noise => self.bad_command(),
            185..193 => self.lost_connection(),
            193..198 => self.queue_request(),
            _ => {}
        }
    }

    fn unknown_user(&mut self) {
        let client = self.any_sender();
        let name = format!("nonesuch{}", self.random.u8(1..99));
        let to = format!("{name}@{LOCAL_DOMAIN}");
        let reply = format!("550 5.1.1 unknown or illegal alias: {to}");
        self.rejection(client, &to, &reply);
    }

    fn spam(&mut self) {
        let client = self.any_sender();
        let to = format!("{}@{LOCAL_DOMAIN}", world::person(&mut self.random));
        self.rejection(client, &to, "554 5.7.1 Client host blocked by the block list of bl.example");
    }

    /// One attempt to use the MTA as a relay.
    pub(super) fn relay_attempt(&mut self) {
        let client = world::prober(&mut self.random);
        let to = format!("{}@{}", world::person(&mut self.random), world::domain(0));
        self.rejection(client, &to, &format!("550 5.7.1 Relaying not permitted: {to}"));
    }

    fn any_sender(&mut self) -> world::Host {
        if self.chance(0.3) {
            return world::prober(&mut self.random);
        }
        world::mail_host(world::any_domain(&mut self.random))
    }

    /// A session in which a recipient is rejected.
    fn rejection(&mut self, client: world::Host, to: &str, reply: &str) {
        let from = format!("{}@{}", world::person(&mut self.random), world::domain(1));
        let mut session = self.open(Channel::TcpLocal, 25, client, false);
        let (to, reply) = (to.to_owned(), reply.to_owned());
        let wait = self.pause(50, 600);
        self.after(wait, move |traffic| {
            let original = format!("rfc822;{to}");
            let entry = MessageEntry {
                code: "JE",
                from: &from,
                original_to: &original,
                to: &to,
                diagnostic: &reply,
                ..MessageEntry::default()
            };
            traffic.log_in_session(&mut session, &entry);
            traffic.close_later(session, 30, 900);
        });
    }

    /// An entry that the SMTP server writes about a session.
    fn log_in_session(&mut self, session: &mut Session, entry: &MessageEntry<'_>) {
        let peer = session.peer(RUN_USER);
        let mut thread = session.thread.clone();
        self.log_message(
            &mut thread,
            &MessageEntry {
                source: session.channel.name(),
                username: &peer.username,
                source_system: &peer.system,
                transport: &peer.transport,
                application: &peer.application,
                ..entry.clone()
            },
        );
        session.thread = thread;
    }

    pub(super) fn wrong_password(&mut self) {
        let client = world::prober(&mut self.random);
        let mut session = self.open(Channel::TcpSubmit, 587, client, true);
        let user = format!("{}@{LOCAL_DOMAIN}", world::person(&mut self.random));
        let wait = self.pause(100, 400);
        self.after(wait, move |traffic| {
            let mut thread = session.thread.clone();
            let entry = ConnectionEntry {
                text: "Bad password",
                username: &user,
                diagnostic: "535 5.7.8 Bad username or password (Authentication failed).",
                ..session.entry("U")
            };
            traffic.log_connection(&mut thread, &entry);
            session.thread = thread;
            traffic.close_later(session, 50, 3000);
        });
    }

    /// The mapping `PORT_ACCESS` refuses a client.
    fn refused_client(&mut self) {
        let client = world::prober(&mut self.random);
        let mut thread = self.thread(super::entries::Program::Server(0));
        let port = self.random.u16(20_000..61_000);
        let transport = format!("TCP|{}|25|{}|{port}", world::LOCAL_ADDRESS, client.address);
        let entry = ConnectionEntry {
            channel: Channel::TcpLocal.name(),
            direction: '+',
            code: "X",
            transport: &transport,
            application: "SMTP",
            diagnostic: "500 5.7.1 Client host blocked",
            ..ConnectionEntry::default()
        };
        self.log_connection(&mut thread, &entry);
        let text = format!("PORT_ACCESS mapping denied the connection {transport} from {}", client.name);
        self.daemon_says("dispatcher", 3, &text);
    }

    fn bad_command(&mut self) {
        let client = world::prober(&mut self.random);
        let mut session = self.open(Channel::TcpLocal, 25, client, false);
        let entry = MessageEntry {
            code: "BE",
            original_to: "XDEBUG",
            diagnostic: "500 5.5.1 Unknown command \"XDEBUG\" specified",
            ..MessageEntry::default()
        };
        self.log_in_session(&mut session, &entry);
        self.close_later(session, 30, 900);
    }

    /// A client that goes away in the middle of a message.
    fn lost_connection(&mut self) {
        let domain = world::any_domain(&mut self.random);
        let mut session = self.open(Channel::TcpLocal, 25, world::mail_host(domain), false);
        let wait = self.pause(300, 4000);
        self.after(wait, move |traffic| {
            let from = format!("{}@{}", world::person(&mut traffic.random), world::domain(domain));
            let recipients = traffic.local_recipients(false);
            for recipient in &recipients {
                let original = format!("rfc822;{}", recipient.original);
                let entry = MessageEntry {
                    code: "VE",
                    from: &from,
                    original_to: &original,
                    to: &recipient.current,
                    diagnostic: "data/big_smtp_read Error reading SMTP packet",
                    ..MessageEntry::default()
                };
                traffic.log_in_session(&mut session, &entry);
            }
            traffic.close(&session);
        });
    }

    /// A dial-up host asks for its mail (ETRN).
    fn queue_request(&mut self) {
        let client = world::application_server(&mut self.random);
        let mut session = self.open(Channel::TcpIntranet, 25, client, false);
        let mut thread = session.thread.clone();
        let domain = world::domain(6);
        let entry = ConnectionEntry { text: &domain, ..session.entry("I") };
        self.log_connection(&mut thread, &entry);
        session.thread = thread;
        self.close_later(session, 30, 900);
    }
}
