//! The room for connections: what the Dispatcher takes at once, what is in use, and what the kernel turned away.

use crate::metrics::family::{Counter, Family, Feed, Gauge, Kind, Label, Metric};
#[allow(clippy::wildcard_imports)]
use crate::metrics::labels::*;

catalogue! { behind super::ROWS.len() + super::asked::ROWS.len() + super::exporter::ROWS.len() + super::clients::ROWS.len();
    PORTS_LEFT_OUT = Gauge "imsimta_smtp_ports_left_out" [] Sockets
        "Ports of the MTA that were found and are not looked at, since there are too many."
        query "imsimta_smtp_ports_left_out > 0";
    OUTBOUND_SOCKETS = Gauge "imsimta_smtp_outbound_sockets" [STATE] Sockets
        "TCP sockets of this host to port 25, by state: many in syn_sent are hosts that do not answer."
        query "imsimta_smtp_outbound_sockets{state=\"syn_sent\"}";
    LISTEN_OVERFLOWS = Counter "imsimta_tcp_listen_overflows_total" [] Sockets
        "Connections that found a full listen queue, as the kernel counts them: on all ports of the host together."
        query "increase(imsimta_tcp_listen_overflows_total[5m]) > 0";
    LISTEN_DROPS = Counter "imsimta_tcp_listen_drops_total" [] Sockets
        "Connections that the kernel dropped at listeners for any reason, full queues among them: on all ports of the host."
        query "increase(imsimta_tcp_listen_drops_total[5m]) > 0";
    CONNECTIONS_USED = Gauge "imsimta_connections_used" [SERVICE] Sockets
        "Connections on the ports of a service that are open or closed by the client alone; more than the limit wait."
        query "imsimta_connections_used / imsimta_connections_limit > 0.8";

    CONNECTIONS_LIMIT = Gauge "imsimta_connections_limit" [SERVICE] Dispatcher
        "Connections that a service of the Dispatcher takes at once: MAX_PROCS times MAX_CONNS. Absent where that is not clear."
        query "imsimta_connections_limit";
    SERVICE_MAX_LIFE_TIME = Gauge "imsimta_service_max_life_time_seconds" [SERVICE] Dispatcher
        "How long a server process of the service may live (MAX_LIFE_TIME); one day unless the configuration says otherwise."
        query "imsimta_service_max_life_time_seconds";
    SERVICE_MAX_LIFE_CONNECTIONS = Gauge "imsimta_service_max_life_connections" [SERVICE] Dispatcher
        "Connections that a server process serves in its life (MAX_LIFE_CONNS); absent where that is not clear."
        query "imsimta_service_max_life_connections";
    SERVICES_LEFT_OUT = Gauge "imsimta_services_left_out" [] Dispatcher
        "Services of the Dispatcher beyond those that are told apart."
        query "imsimta_services_left_out > 0";
}
