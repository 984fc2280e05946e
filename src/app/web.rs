//! The two threads that a web configuration needs: one reads it again, one looks at passwords.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::Builder;

use tokio::sync::mpsc::UnboundedSender;

use super::death::DeathNotice;
use crate::observed::Observed;
use crate::web::Work;

/// The configuration is read again as long as this is held.
#[derive(Debug)]
pub(super) struct Watching {
    _stop: Sender<()>,
}

/// Starts them, both from the start: at the limit of processes a password can still be looked at.
pub(super) fn spawn(
    work: Work,
    observed: &Arc<Observed>,
    died: &UnboundedSender<&'static str>,
) -> io::Result<Watching> {
    let Work { watch, worker } = work;
    let (clock, counts) = (observed.clock, Arc::clone(&observed.connections));
    let notice = DeathNotice::new("passwords", died.clone());
    Builder::new().name("passwords".into()).spawn(move || {
        let _notice = notice;
        worker.run(clock);
    })?;
    let notice = DeathNotice::new("web-config", died.clone());
    let (stop, stopped) = channel();
    Builder::new().name("web-config".into()).spawn(move || {
        let _notice = notice;
        watch.run(&counts, clock, &stopped);
    })?;
    Ok(Watching { _stop: stop })
}
