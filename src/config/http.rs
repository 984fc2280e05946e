//! `[http]`: the HTTP listener.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use super::keys::section;
use super::value::{Refusal, one, optional, path};

section! {
    http: Http "The HTTP listener.";

    listen: SocketAddr = one(listen), flag "--listen",
        expects "an IP address and a port such as \"127.0.0.1:9797\" or \"[::]:9797\"",
        default SocketAddr::from((Ipv4Addr::LOCALHOST, 9797)) => "\"127.0.0.1:9797\"",
        "Where `/metrics` and the other pages are served; port 0 takes any free port.";

    web_config: Option<PathBuf> = optional(path), flag "--web.config.file",
        expects "the path of a file",
        found "plain HTTP without passwords" => "\"/etc/imsimta-exporter/web.yml\"",
        "TLS, certificates of clients, users with passwords and headers, in the grammar of exporter-toolkit's web-config, which \
         `promtool check web-config` knows: docs/web.md. It is read again when it changes.";
}

fn listen(text: &str) -> Result<SocketAddr, Refusal> {
    text.parse().map_err(|_| Refusal::new(refused(text)))
}

/// Other programs take a port alone or a host name, so these two get an answer of their own.
fn refused(text: &str) -> String {
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    match port.parse::<u16>() {
        Ok(port) if host.is_empty() => {
            format!("the address is missing, write \"0.0.0.0:{port}\" for all of IPv4")
        }
        Ok(_) => "names are not looked up".to_owned(),
        Err(_) => "this is not an address and a port".to_owned(),
    }
}
