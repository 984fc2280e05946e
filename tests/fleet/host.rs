//! A mail host of the fleet: an exporter on logs that the test writes, so that the truth is known to the recipient.

use std::fmt::Write as _;
use std::process::Command;

use imsimta_exporter::observed::Clock;

use crate::prometheus::free_address;
use crate::service::harness::{Install, PROGRAM, Service};

const LOG: &str = "mail.log_current";
const CONNECTIONS: &str = "connection.log_current";
/// Failures go to so many domains, so that no single one is to blame.
const DOMAINS: u32 = 10;

/// What a host was given, and what its exporter has to say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Truth {
    pub enqueued: u32,
    pub attempts: u32,
    pub dequeued: u32,
    /// Inbound ones, each of which ends at once.
    pub connections: u32,
}

/// What a host is like.
pub struct Row {
    pub cluster: &'static str,
    /// Messages that wait in its queue, and those that are held.
    pub waiting: u32,
    pub held: u32,
    /// What one batch of entries adds.
    pub batch: Truth,
}

/// A host with its exporter.
pub struct Host {
    pub row: &'static Row,
    pub written: Truth,
    /// Of that, what was there when the counting began.
    pub before: Truth,
    /// Where its exporter listens, before and after a crash.
    pub address: String,
    install: Install,
    exporter: Option<Service>,
}

impl Host {
    /// The host of a row; each has an address of its own, where nobody else of this machine takes a port.
    pub fn start(number: usize, row: &'static Row) -> Self {
        let install = Install::new();
        install.append(LOG, "");
        install.append(CONNECTIONS, "");
        for message in 0..row.waiting + row.held {
            let ending = if message < row.waiting { "00" } else { "HELD" };
            let name = format!("tcp_local/000/ZZf0r4i0Wdy5{message}.{ending}");
            std::fs::write(install.queue(&name), "").expect("a message");
        }
        let address = free_address(&format!("127.0.0.{}", 2 + number));
        let mut host = Self {
            row,
            written: Truth::default(),
            before: Truth::default(),
            address,
            install,
            exporter: None,
        };
        host.start_exporter();
        host
    }

    /// Starts the exporter, which goes on from what it saved.
    pub fn start_exporter(&mut self) {
        let mut command = Command::new(PROGRAM);
        self.install.arguments_at(&self.address, &mut command);
        command.env("IMSIMTA_EXPORTER__MTA__TIMEZONE", "UTC");
        self.exporter = Some(Service::start(command));
    }

    /// Kills the exporter as a crash does; the MTA goes on.
    pub fn kill_exporter(&mut self) {
        self.exporter.take().expect("it runs").kill();
    }

    /// The MTA writes a batch of entries.
    pub fn write(&mut self) {
        let time = jiff::Timestamp::try_from(Clock::host()()).expect("in range");
        let time = time.strftime("%d-%b-%Y %H:%M:%S.00");
        let mut entries = String::new();
        let mut entry = |number: u32, code: &str, reply: &str| {
            let address = format!("u@d{}.example", number % DOMAINS);
            writeln!(entries, "{time} {code} 1 a@b.example rfc822;{address} {address} {reply}")
                .expect("a string takes all");
        };
        let Truth { enqueued, attempts, dequeued, connections } = self.row.batch;
        (0..enqueued).for_each(|number| entry(number, "tcp_intranet tcp_local    E", ""));
        (0..dequeued).for_each(|number| entry(number, "tcp_local                 D", " 250 ok"));
        let failed = self.written.attempts..self.written.attempts + attempts - dequeued;
        failed.for_each(|number| entry(number, "tcp_local                 Q", " 451 4.4.1 no answer"));
        self.install.append(LOG, &entries);
        let connection = |action: char| {
            format!("{time} tcp_local    +            {action} TCP|192.0.2.1|25|198.51.100.1|4303 SMTP\n")
        };
        let open_and_close = ['O', 'C'].map(connection).concat();
        self.install.append(CONNECTIONS, &open_and_close.repeat(connections as usize));
        let written = &mut self.written;
        written.enqueued += enqueued;
        written.attempts += attempts;
        written.dequeued += dequeued;
        written.connections += connections;
    }
}
