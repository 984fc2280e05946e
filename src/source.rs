//! I/O in, plain data out: logs, queue directories, sockets, processes, file systems, and the state.
//!
//! Nothing here knows what a metric is. What a source cannot read is an error with the path in it,
//! never a value; a scan takes the time as a parameter.

pub mod child;
pub mod commands;
pub mod compressed;
pub mod credentials;
pub mod daemon_logs;
pub mod dispatcher;
pub mod filesystems;
pub mod follow;
pub mod held;
pub mod install;
pub mod lines;
pub mod presence;
pub mod probe;
pub mod processes;
pub mod seed;
pub mod single_mount;
pub mod sockets;
pub mod spool;
pub mod state;
pub mod timezone;
pub mod token;
pub mod user;
pub mod wakeup;
