//! What a host has beside the files of the MTA: connections, processes, a disk that fills, owners.

use std::io;
use std::net::SocketAddr;

use super::action::HostAction;
use super::connections::Connections;
use super::filling::Filling;
use super::greeter::Greeter;
use super::mount::Mount;
use super::ownership::Ownership;
use super::processes::Processes;
use super::site::Site;

/// It is the Dispatcher that listens.
const DISPATCHER: &str = "dispatcher";
/// And these are its servers.
const SERVER: &str = "tcp_smtp_server";

/// The host of the synthetic MTA.
#[derive(Debug)]
pub struct Host {
    connections: Connections,
    /// None while nobody listens.
    greeter: Option<Greeter>,
    greets_at: SocketAddr,
    processes: Processes,
    log: Filling,
    queue: Ownership,
    mount: Mount,
}

impl Host {
    /// The host that the site is on.
    pub fn new(site: &Site, connections: Connections, greeter: Greeter, processes: Processes) -> Self {
        Self {
            connections,
            greets_at: greeter.address(),
            greeter: Some(greeter),
            processes,
            log: Filling::new(&site.logs()),
            queue: Ownership::of(site.queue()),
            mount: Mount::of(site.queue()),
        }
    }

    /// Does it.
    ///
    /// # Errors
    ///
    /// As the system says. Connections are for show, and fail without one.
    pub fn perform(&mut self, action: HostAction) -> io::Result<()> {
        match action {
            HostAction::Connect { id, client } => self.connections.connect(id, client),
            HostAction::HalfOpen { id, client } => self.connections.begin(id, client),
            HostAction::Disconnect { id } => self.connections.disconnect(id),
            HostAction::Stop { programs } => self.stop(programs),
            HostAction::Start { programs } => return self.start(programs),
            HostAction::Renew { but } => return self.processes.renew(SERVER, but),
            HostAction::Fill => return self.log.grow(),
            HostAction::Empty => return self.log.empty(),
            HostAction::GiveAway => return self.queue.spoil(),
            HostAction::TakeBack => return self.queue.mend(),
            HostAction::LoseQueue => return self.mount.lose(),
            HostAction::FindQueue => return self.mount.find(),
        }
        Ok(())
    }

    fn stop(&mut self, programs: &[&str]) {
        self.processes.end(programs);
        if programs.contains(&DISPATCHER) {
            self.connections.close();
            self.greeter = None;
        }
    }

    fn start(&mut self, programs: &[&str]) -> io::Result<()> {
        if programs.contains(&DISPATCHER) {
            self.connections.listen_again();
            self.greeter = Greeter::listen(self.greets_at).ok();
        }
        self.processes.launch(programs)
    }
}
