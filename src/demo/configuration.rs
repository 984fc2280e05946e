//! The configuration of the synthetic MTA, as far as the exporter looks at one.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::incident::Trouble;

/// Server processes, and connections of each: somewhat more than the demo ever has.
const MAX_PROCS: u32 = 3;
const MAX_CONNS: u32 = 70;

/// Files that are there, and say nothing that anybody reads: what the compiled image is made of, and the image.
const EMPTY: [&str; 3] = ["imta.cnf", "job_controller.cnf", "advanced/config_data"];

/// How long the Dispatcher's servers live: a day, as by default.
const LIFE: Duration = Duration::from_hours(24);
/// And where one of them is to outlive it.
const SHORT_LIFE: Duration = Duration::from_secs(40);

/// How long servers live, from the start of a demo in which this will go wrong.
pub fn life(trouble: Option<Trouble>) -> Duration {
    if trouble == Some(Trouble::SmtpServerStuck) { SHORT_LIFE } else { LIFE }
}

/// Writes it below `root`: the Dispatcher's service on `port`, whose servers live for `life`.
///
/// # Errors
///
/// As the system says.
pub fn write(root: &Path, port: u16, life: Duration) -> io::Result<()> {
    let directory = root.join("config");
    fs::create_dir_all(directory.join("advanced"))?;
    for name in EMPTY {
        fs::write(directory.join(name), "! The demo's MTA reads none of it.\n")?;
    }
    let dispatcher = format!(
        "! Options of all services.\nMIN_PROCS={MAX_PROCS}\nMAX_PROCS={MAX_PROCS}\nMIN_CONNS=3\n\
         MAX_CONNS={MAX_CONNS}\nMAX_LIFE_TIME={}\nMAX_LIFE_CONNS=10000\n!\n[SERVICE=SMTP]\nPORT={port}\n\
         IMAGE=IMTA_BIN:tcp_smtp_server\nLOGFILE=IMTA_LOG:tcp_smtp_server.log\n",
        life.as_secs()
    );
    fs::write(directory.join("dispatcher.cnf"), dispatcher)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::write;
    use crate::source::dispatcher;

    #[test]
    fn the_exporter_understands_it() {
        let root = tempfile::tempdir().expect("temp dir");
        write(root.path(), 2525, Duration::from_secs(50)).expect("written");
        let found = dispatcher::read(root.path(), None).expect("read");
        let [service] = found.services.as_slice() else { panic!("{found:?}") };
        assert_eq!((service.name.as_str(), service.ports.as_slice()), ("smtp", [2525].as_slice()));
        assert_eq!(service.limit(), Some(210));
        assert_eq!(found.life_of("tcp_smtp_server"), Duration::from_secs(50));
        assert_eq!(found.doubts, Vec::<String>::new());
    }
}
