//! Who is on the other side: clients, networks, senders, destinations.

use crate::metrics::family::{Family, Feed, Gauge, Kind, Label, Metric};
#[allow(clippy::wildcard_imports)]
use crate::metrics::labels::*;

catalogue! { behind super::ROWS.len() + super::asked::ROWS.len() + super::exporter::ROWS.len();
    CLIENT_CONNECTIONS = Gauge "imsimta_client_connections" [CLIENT] Logs
        "Inbound SMTP connections of the busiest clients in the last 5 minutes."
        needs ConnectionEntries
        query "topk(5, imsimta_client_connections)";
    CLIENT_REJECTIONS = Gauge "imsimta_client_rejections" [CLIENT] Logs
        "Rejections (J and X entries) of the clients with most of them in the last 5 minutes."
        needs Connection, ConnectionEntries
        query "topk(5, imsimta_client_rejections)";
    CLIENT_AUTHENTICATION_FAILURES = Gauge "imsimta_client_authentication_failures" [CLIENT] Logs
        "Failed authentications of the clients with most of them in the last 5 minutes."
        needs AuthenticationEntries
        query "topk(5, imsimta_client_authentication_failures)";
    CLIENT_BAD_COMMANDS = Gauge "imsimta_client_bad_commands" [CLIENT] Logs
        "Bad commands (B entries) of the clients with most of them in the last 5 minutes."
        needs Connection
        query "topk(5, imsimta_client_bad_commands)";
    CLIENT_CONNECTIONS_MAX = Gauge "imsimta_client_connections_max" [] Logs
        "Inbound SMTP connections of the busiest client in the last 5 minutes, however clients are labelled."
        needs ConnectionEntries
        query "imsimta_client_connections_max > 300";
    CLIENT_REJECTIONS_MAX = Gauge "imsimta_client_rejections_max" [] Logs
        "Rejections (J and X entries) of the client with most of them in the last 5 minutes, however labelled."
        needs Connection, ConnectionEntries
        query "imsimta_client_rejections_max > 300";
    CLIENT_BAD_COMMANDS_MAX = Gauge "imsimta_client_bad_commands_max" [] Logs
        "Bad commands (B entries) of the client with most of them in the last 5 minutes, however labelled."
        needs Connection
        query "imsimta_client_bad_commands_max > 100";
    CLIENT_AUTHENTICATION_FAILURES_MAX = Gauge "imsimta_client_authentication_failures_max" [] Logs
        "Failed authentications of the client with most of them in the last 5 minutes, however labelled."
        needs AuthenticationEntries
        query "imsimta_client_authentication_failures_max > 50";
    CLIENT_NETWORK_CONNECTIONS = Gauge "imsimta_client_network_connections" [NETWORK] Logs
        "Inbound SMTP connections of the busiest networks in the last 5 minutes: a flood from one is one client."
        needs ConnectionEntries
        query "topk(5, imsimta_client_network_connections)";
    CLIENT_NETWORK_CONNECTIONS_MAX = Gauge "imsimta_client_network_connections_max" [] Logs
        "Inbound SMTP connections of the busiest network (/24, /64) in the last 5 minutes, however labelled."
        needs ConnectionEntries
        query "imsimta_client_network_connections_max > 1000";
    CLIENT_NETWORK_REJECTIONS_MAX = Gauge "imsimta_client_network_rejections_max" [] Logs
        "Rejections (J and X entries) of the network (/24, /64) with most of them in the last 5 minutes."
        needs Connection, ConnectionEntries
        query "imsimta_client_network_rejections_max > 1000";
    CLIENT_NETWORK_BAD_COMMANDS_MAX = Gauge "imsimta_client_network_bad_commands_max" [] Logs
        "Bad commands (B entries) of the network (/24, /64) with most of them in the last 5 minutes."
        needs Connection
        query "imsimta_client_network_bad_commands_max > 300";
    CLIENT_NETWORK_AUTHENTICATION_FAILURES_MAX = Gauge "imsimta_client_network_authentication_failures_max" [] Logs
        "Failed authentications of the network (/24, /64) with most of them in the last 5 minutes."
        needs AuthenticationEntries
        query "imsimta_client_network_authentication_failures_max > 150";
    DESTINATION_OPEN_CONNECTIONS_MAX = Gauge "imsimta_destination_open_connections_max" [] Logs
        "Outbound connections that the log shows open, of the destination with most of them."
        needs ConnectionEntries
        query "imsimta_destination_open_connections_max > 50";
    DESTINATION_OPEN_CONNECTIONS = Gauge "imsimta_destination_open_connections" [DESTINATION_HOST] Logs
        "Outbound connections that the log shows open, of the destinations with most of them."
        needs ConnectionEntries
        query "topk(5, imsimta_destination_open_connections)";
    SENDER_ENQUEUES = Gauge "imsimta_sender_enqueues" [SENDER] Logs
        "Recipients that authenticated senders enqueued for in the last 5 minutes: a stolen account shows here."
        needs Username
        query "topk(5, imsimta_sender_enqueues)";
    SENDER_ENQUEUES_MAX = Gauge "imsimta_sender_enqueues_max" [] Logs
        "Recipients that the busiest authenticated sender enqueued for in the last 5 minutes, however labelled."
        needs Username
        query "imsimta_sender_enqueues_max > 500";
    TOP_ERROR_BOUND = Gauge "imsimta_top_error_bound" [TOP_TABLE] Logs
        "How much less than the truth a count of the busiest may be; it is never more. 0 while all could be told apart."
        query "imsimta_top_error_bound > 0";
}
