//! The states of a TCP socket.

/// The state of a TCP socket (kernel, `include/net/tcp_states.h`). The kernel's twelfth,
/// `TCP_NEW_SYN_RECV`, is how it keeps a connection request inside and is counted as
/// [`TcpState::SynRecv`], as its own tools do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TcpState {
    /// Open in both directions.
    Established,
    /// This host has asked for a connection.
    SynSent,
    /// A client has asked for a connection and not confirmed it: a SYN flood shows here.
    SynRecv,
    /// Closed by this host, not confirmed.
    FinWait1,
    /// Closed by this host, the client's side is still open.
    FinWait2,
    /// Closed by both, kept for late segments.
    TimeWait,
    /// Not connected.
    Close,
    /// Closed by the client and not by the program of this host.
    CloseWait,
    /// Closed by both, this host's last segment not confirmed.
    LastAck,
    /// Accepting connections.
    Listen,
    /// Closed by both at the same time.
    Closing,
}

impl TcpState {
    /// Every state, in the order of the kernel's numbers from 1.
    pub const ALL: [Self; 11] = [
        Self::Established,
        Self::SynSent,
        Self::SynRecv,
        Self::FinWait1,
        Self::FinWait2,
        Self::TimeWait,
        Self::Close,
        Self::CloseWait,
        Self::LastAck,
        Self::Listen,
        Self::Closing,
    ];

    /// The label value.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Established => "established",
            Self::SynSent => "syn_sent",
            Self::SynRecv => "syn_recv",
            Self::FinWait1 => "fin_wait1",
            Self::FinWait2 => "fin_wait2",
            Self::TimeWait => "time_wait",
            Self::Close => "close",
            Self::CloseWait => "close_wait",
            Self::LastAck => "last_ack",
            Self::Listen => "listen",
            Self::Closing => "closing",
        }
    }

    /// The state with a number of the kernel; none for a number it does not use for sockets.
    pub(super) fn from_kernel(number: u8) -> Option<Self> {
        match number {
            NEW_SYN_RECV => Some(Self::SynRecv),
            _ => Self::ALL.get(usize::from(number).checked_sub(1)?).copied(),
        }
    }
}

/// `TCP_NEW_SYN_RECV`, the number after those of [`TcpState::ALL`].
pub(super) const NEW_SYN_RECV: u8 = 12;

/// Sockets by state, in the order of [`TcpState::ALL`].
pub type StateCounts = [u64; TcpState::ALL.len()];

#[cfg(test)]
mod tests {
    use super::TcpState;

    #[test]
    fn states_have_the_numbers_of_the_kernel_and_one_label_each() {
        for (index, state) in TcpState::ALL.into_iter().enumerate() {
            assert_eq!(state as usize, index);
            let number = u8::try_from(index + 1).expect("small");
            assert_eq!(TcpState::from_kernel(number), Some(state));
        }
        for (number, expected) in [(0, None), (10, Some(TcpState::Listen)), (13, None), (255, None)] {
            assert_eq!(TcpState::from_kernel(number), expected, "{number}");
        }
        assert_eq!(TcpState::from_kernel(12), Some(TcpState::SynRecv));
        let mut labels: Vec<_> = TcpState::ALL.iter().map(|state| state.label()).collect();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), TcpState::ALL.len());
    }
}
