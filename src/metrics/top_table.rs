//! THE table of tables of the busiest.

use crate::record::labelled;

labelled! {
    /// A table of the busiest, in the order of the page: the value of the label `table`, and the heading.
    TopTable {
        Connections = "client_connections": "Connections of clients";
        NetworkConnections = "client_network_connections": "Connections of networks";
        Rejections = "client_rejections": "Rejections of clients";
        NetworkRejections = "client_network_rejections": "Rejections of networks";
        BadCommands = "client_bad_commands": "Bad commands of clients";
        NetworkBadCommands = "client_network_bad_commands": "Bad commands of networks";
        AuthenticationFailures = "client_authentication_failures": "Failed authentications of clients";
        NetworkAuthenticationFailures =
            "client_network_authentication_failures": "Failed authentications of networks";
        Senders = "sender_enqueues": "Recipients of authenticated senders";
        Destinations = "destination_open_connections": "Open connections to destinations";
        Sockets = "client_sockets": "Sockets of clients";
        NetworkSockets = "client_network_sockets": "Sockets of networks";
    }
}
