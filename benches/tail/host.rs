//! A busy host around the program: connections of clients, the MTA's processes, and the logs of its daemons.

use std::cell::RefCell;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command};

/// Connections of clients, all of them established.
const CONNECTIONS: usize = 2_000;
/// How many of each kind of process there are.
const PROCESSES: [(&str, usize); 5] = [
    ("dispatcher", 1),
    ("job_controller", 1),
    ("tcp_smtp_server", 8),
    ("tcp_smtp_client", 20),
    ("ims_master", 10),
];
/// Logs of processes that have ended, beside one of each that lives.
const OLD_LOGS: usize = 1_000;

/// Sockets and processes that end with it.
pub struct Host {
    listener: TcpListener,
    _connections: Vec<[TcpStream; 2]>,
    processes: RefCell<Vec<Child>>,
}

impl Host {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let connect = |_| {
            let client = TcpStream::connect(address).expect("connected");
            [client, listener.accept().expect("accepted").0]
        };
        let connections = (0..CONNECTIONS).map(connect).collect();
        Self { listener, _connections: connections, processes: RefCell::default() }
    }

    /// Puts processes and logs into an installation; what the program has to be told about the rest.
    pub fn furnish(&self, root: &Path) -> Vec<(&'static str, String)> {
        for (name, count) in PROCESSES {
            let program = root.join("lib").join(name);
            fs::copy("/bin/sleep", &program).expect("copied");
            for _ in 0..count {
                let child = Command::new(&program).arg0(&program).arg("600").spawn().expect("started");
                self.processes.borrow_mut().push(child);
            }
        }
        let logs = root.join("data/log");
        for name in ["dispatcher", "job_controller", "tcp_smtp_server"] {
            for old in 0..OLD_LOGS {
                fs::write(logs.join(format!("{name}.log-0f{old:06}")), "").expect("written");
            }
        }
        let port = self.listener.local_addr().expect("an address").port();
        vec![("IMSIMTA_EXPORTER__SOCKETS__PORTS", port.to_string())]
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        for process in self.processes.get_mut() {
            drop(process.kill());
            drop(process.wait());
        }
    }
}
