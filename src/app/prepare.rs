//! What a start does before there is any thread: it finds the installation, binds, gives up root when it has
//! it, and opens the state.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use super::state::{self, EarlierRun, State};
use super::{Environment, limits, privilege};
use crate::config::Config;
use crate::http::server;
use crate::source::install::{self, Install};
use crate::source::state::claim;
use crate::source::user;
use crate::web::{self, Web};

/// A start that has all that it needs from outside, and has begun nothing.
#[derive(Debug)]
pub struct Prepared {
    pub(super) config: Config,
    pub(super) environment: Environment,
    pub(super) install: Install,
    /// The user that the MTA runs as, where that is configured.
    pub(super) user: Option<u32>,
    pub(super) listener: TcpListener,
    pub(super) address: SocketAddr,
    /// TLS and passwords, and what keeps them up to date, where they are configured.
    pub(super) web: (Arc<Web>, Option<web::Work>),
    /// How many files may be open.
    pub(super) descriptors: u64,
    pub(super) state: State,
    pub(super) saved: EarlierRun,
}

impl Prepared {
    /// Where it will answer: clients can connect already, and wait.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Finds the installation, binds, becomes the MTA's user where root started it, and reads the state; starts
/// no thread.
///
/// # Errors
///
/// There is no installation, the address cannot be had, root has nobody to become, or the state may not be
/// used.
pub fn prepare(config: Config, environment: Environment) -> anyhow::Result<Prepared> {
    let environment = environment.with(&config);
    let install = install::locate(&config.mta, &environment.probed_roots)?;
    let user =
        config.mta.user.as_deref().map(|user| user::id_of(user, Path::new("/etc/passwd"))).transpose()?;
    let account = privilege::becomes(&config, &install, user)?;
    let descriptors = limits::raise_open_files();
    let listener = listen(config.http.listen)?;
    let address = listener.local_addr().context("the listener has no address")?;
    if let Some(account) = account {
        claim(&config.state.directory, account.user, account.group)
            .context("cannot give the state directory")?;
        privilege::become_user(&account)?;
    }
    // No file that is run from here on gives anything.
    rustix::thread::set_no_new_privs(true).context("cannot refuse new privileges")?;
    // By the user that reads it again.
    let web = match &config.http.web_config {
        None => (Web::plain(), None),
        Some(path) => {
            let (web, work) =
                Web::open(path).map_err(|problem| anyhow::anyhow!("http.web_config: {problem}"))?;
            (web, Some(work))
        }
    };
    let (state, saved) =
        state::open(&config.state.directory, user).context("cannot use the state directory")?;
    Ok(Prepared { config, environment, install, user, listener, address, web, descriptors, state, saved })
}

fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    server::listen(address).map_err(|error| {
        let hint = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another program, perhaps another imsimta-exporter, listens there; stop it or choose another \
                 address with --listen"
            }
            std::io::ErrorKind::PermissionDenied => {
                "ports below 1024 need a privilege; choose another with --listen"
            }
            std::io::ErrorKind::AddrNotAvailable => "no interface of this host has that address",
            _ => "choose another address with --listen",
        };
        anyhow::anyhow!("cannot listen on {address}: {error}: {hint}")
    })
}
