//! Logs of the MTA's daemons and programs: what one record of them says of what is wrong.
//!
//! They are no logs of entries. A record is a line and those that go on with it ([`Joiner`]), in one of two forms
//! ([`Record`]); a table of evidence says what class of event it is ([`Judge::event`]).

mod evidence;
mod form;
mod joiner;

use evidence::Words;
pub use form::{Level, Record, Written};
pub use joiner::{Joined, Joiner, RECORD_BYTES};

labelled! {
    /// Whose log it is: the closed set of values of the label `log` of daemon logs.
    DaemonLog {
        Dispatcher = "dispatcher": "the Dispatcher, which starts the servers of incoming mail";
        JobController = "job_controller": "the Job Controller, which starts the programs of outgoing mail";
        TcpSmtpServer = "tcp_smtp_server": "the SMTP servers";
        Imta = "imta": "deliveries into the message store by the channel `ims-ms`";
        Return = "return": "the periodic job that returns old messages";
        Channel = "channel": "programs of the channels that the configuration names";
    }
}

impl DaemonLog {
    /// Those of daemons, whatever channels there are.
    pub const OF_DAEMONS: [Self; 5] =
        [Self::Dispatcher, Self::JobController, Self::TcpSmtpServer, Self::Imta, Self::Return];
}

labelled! {
    /// What a record of a daemon's log is about: the closed set of values of the label `class`.
    EventClass {
        ForkFailed = "fork_failed": "a process or thread could not be started, which says that swap space or processes ran out";
        OutOfMemory = "out_of_memory": "memory or swap space ran out";
        VersionMismatch = "version_mismatch": "the compiled configuration is of another version of the MTA";
        MmInit = "mm_init": "the MTA's configuration could not be read at the start of a program";
        SocketTmp = "socket_tmp": "the Dispatcher's socket in `/tmp` could not be made or used";
        Bind = "bind": "a port could not be listened on";
        NoSpace = "no_space": "a file system is full";
        TooManyFiles = "too_many_files": "the limit of open files was reached";
        TooManyConnections = "too_many_connections": "the limit of connections or processes of a service was reached";
        WorkerExit = "worker_exit": "a process ended that should not have";
        Permission = "permission": "something was not permitted";
        PortAccess = "port_access": "the mapping table `PORT_ACCESS` turned a client away";
        Database = "database": "a database of the MTA could not be used";
        Ldap = "ldap": "the directory server could not be asked";
        Tls = "tls": "TLS could not be set up";
        MessageStore = "message_store": "the message store or a mailbox could not be used";
        Network = "network": "the network failed on a connection";
        File = "file": "a file could not be opened or made";
        Configuration = "configuration": "a part of the configuration was not understood";
        Dump = "dump": "many lines at once that no evidence fits, such as `imsimta cache -walk` writes";
        Other = "other": "an error that no evidence fits";
    }
}

/// Tells what records are about. Between them it keeps room.
#[derive(Debug, Default)]
pub struct Judge {
    /// Whether the Job Controller writes debugging output, so that not every line of it is an error.
    pub job_controller_debug: bool,
    words: Words,
}

impl Judge {
    /// With the Job Controller debugged or not.
    pub fn new(job_controller_debug: bool) -> Self {
        Self { job_controller_debug, ..Self::default() }
    }

    /// What a record of a log is about; `None` where it says nothing of an error.
    ///
    /// Where records have a level, errors count, and warnings that evidence fits. Where they have none, those count that
    /// evidence fits; of the Job Controller all, since it writes nothing else as long as it is not debugged.
    pub fn event(&mut self, log: DaemonLog, joined: Joined<'_>) -> Option<EventClass> {
        let record = Record::of(joined.text);
        if record.text.iter().all(u8::is_ascii_whitespace) {
            return None;
        }
        let class = self.words.class(log, record.text);
        let fits = class != EventClass::Other;
        let of_job_controller = log == DaemonLog::JobController && !self.job_controller_debug;
        let counts = match record.level {
            _ if joined.late => fits,
            Some(Level::Error | Level::Critical) => true,
            Some(Level::Warning) | None => fits || of_job_controller,
            Some(Level::Notice | Level::Information | Level::Debug) => false,
        };
        counts.then_some(class)
    }
}

#[cfg(test)]
mod tests;
