//! The sockets as `net/tcp` and `tcp6` list them (kernel, `Documentation/networking/proc_net_tcp.rst`): the whole table as
//! text, without the limits of the listen queues. Only where `inet_diag` does not answer for the namespace.

use procfs::net::{TcpNetEntries, TcpNetEntry};
use procfs::{FromReadSI as _, ProcError, current_system_info};

use super::{Namespace, Socket, SocketError, TcpState};

/// Passes every TCP socket of a network namespace to `add`.
pub(super) fn read(namespace: &Namespace, add: &mut dyn FnMut(Socket)) -> Result<(), SocketError> {
    for (index, table) in ["tcp", "tcp6"].into_iter().enumerate() {
        let path = namespace.table(table);
        match TcpNetEntries::from_file(&path, current_system_info()) {
            Ok(entries) => entries.0.iter().filter_map(socket).for_each(&mut *add),
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
        remote_port: entry.remote_address.port(),
        state: TcpState::from_kernel(entry.state.to_u8())?,
        receive_queue: entry.rx_queue,
        accept_limit: None,
        inode: entry.inode,
    })
}
