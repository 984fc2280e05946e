//! The real program, as a user starts it, on a tree laid out like a real install.

mod check;
mod clients;
mod clock;
mod collectors;
mod commands;
mod daemons;
mod exchange;
mod failures;
mod flow;
pub mod harness;
mod held;
mod history;
mod mounts;
mod names;
mod notices;
mod pages;
mod probe;
mod processes;
mod restart;
mod root;
mod shutdown;
mod sources;
mod state;
mod top;
mod traffic;
mod unit;
mod upgrade;
