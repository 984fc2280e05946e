//! The sockets as `/proc/net/tcp` and `tcp6` list them (kernel,
//! `Documentation/networking/proc_net_tcp.rst`): the whole table as text, without the limits of the
//! listen queues. Only for hosts without `inet_diag`.

use procfs::ProcError;
use procfs::net::TcpNetEntry;

use super::{Socket, SocketError, TcpState};

/// Passes every TCP socket of this network namespace to `add`.
pub(super) fn read(add: &mut dyn FnMut(Socket)) -> Result<(), SocketError> {
    let tables = [("/proc/net/tcp", procfs::net::tcp()), ("/proc/net/tcp6", procfs::net::tcp6())];
    for (index, (path, entries)) in tables.into_iter().enumerate() {
        match entries {
            Ok(entries) => entries.iter().filter_map(socket).for_each(&mut *add),
            // A kernel without IPv6 has no second table.
            Err(ProcError::NotFound(_)) if index > 0 => {}
            Err(source) => return Err(SocketError::Proc { path, source }),
        }
    }
    Ok(())
}

fn socket(entry: &TcpNetEntry) -> Option<Socket> {
    Some(Socket {
        local_port: entry.local_address.port(),
        remote: entry.remote_address.ip().to_canonical(),
        state: TcpState::from_kernel(entry.state.to_u8())?,
        receive_queue: entry.rx_queue,
        accept_limit: None,
    })
}
