//! Which signals end the program, always with a last save, and which do not.

use std::future::poll_fn;
use std::io;
use std::task::Poll;

use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What SIGHUP does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hangup {
    /// Nothing: a service goes on when a terminal is closed, and there is nothing to reload.
    Ignored,
    /// It ends the program, as closing its terminal should.
    Ends,
}

/// These end the program: what asks for the end, and what would end it without a last save.
const ENDING: [Number; 6] =
    [Number::TERM, Number::INT, Number::QUIT, Number::POWER, Number::XCPU, Number::STKFLT];
/// These do nothing; that a file may not grow any more is an error of the write.
const IGNORED: [Number; 7] =
    [Number::USR1, Number::USR2, Number::ALARM, Number::VTALARM, Number::PROF, Number::IO, Number::XFSZ];
/// Linux has 31 signals with names. Those with numbers alone end the program, too, but for the first few,
/// which the C library keeps.
const REAL_TIME: std::ops::RangeInclusive<i32> = 35..=64;

/// Completes with the first signal that ends the program. The handlers are there when this returns; faults
/// of the program itself (SIGSEGV and the like), SIGKILL and SIGSTOP have none.
///
/// # Errors
///
/// When a handler cannot be set.
pub fn signals(hangup: Hangup) -> io::Result<impl Future<Output = ()> + Send> {
    let handler = |number: Number| signal(SignalKind::from_raw(number.as_raw()));
    let mut ending = ENDING.into_iter().map(handler).collect::<io::Result<Vec<Signal>>>()?;
    ending.extend(REAL_TIME.filter_map(|number| signal(SignalKind::from_raw(number)).ok()));
    // A handler stays when nobody listens to it.
    IGNORED.into_iter().try_for_each(|number| handler(number).map(drop))?;
    let mut terminal = handler(Number::HUP)?;
    Ok(poll_fn(move |context| {
        while let Poll::Ready(Some(())) = terminal.poll_recv(context) {
            if hangup == Hangup::Ends {
                return Poll::Ready(());
            }
            tracing::info!("SIGHUP is ignored: the configuration is read at the start alone");
        }
        if ending.iter_mut().any(|signal| signal.poll_recv(context).is_ready()) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }))
}
