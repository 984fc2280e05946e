//! imsimta-exporter: watches the MTA of Oracle Communications Messaging Server for Prometheus.
//!
//! # Code map
//!
//! Data flows in one direction: source -> record -> aggregate -> observed -> metrics -> http.
//!
//! - [`source`] reads: logs, queue directories, sockets, processes, file systems. I/O in, plain data
//!   out.
//! - [`record`] says what one line of a log means. Pure.
//! - [`aggregate`] adds entries up. Pure. [`counting`] is the one way from a block of a log to it.
//! - [`findings`] says what is wrong, of a running program and of files. Pure.
//! - [`alerting`] makes alerts of what lasts. Pure.
//! - [`observed`] is what is known now, of all sources, and the clock.
//! - [`metrics`] turns sums and snapshots into the exposition. The only part that knows the crate
//!   `prometheus`; [`metrics::catalogue`] is THE table of metrics.
//! - [`http`] serves pages; [`web`] is the file of its TLS and passwords.
//! - [`app`] wires it all; [`report`] reads files once instead; [`explain`] says what
//!   one line means, [`check`] whether it would work here, [`alerts`] how alerts stand.
//! - [`notify`] tells Alertmanagers of alerts.
//! - [`rules`] renders the rules of Prometheus from `alerts/templates`. Pure.
//! - [`demo`] is a synthetic MTA to try it all on. It writes what the others read, and reads nothing.
//! - [`config`] and [`cli`] say what is wanted.
//!
//! ARCHITECTURE.md has the invariants and where each is tested.

pub mod aggregate;
pub mod alerting;
pub mod alerts;
pub mod app;
pub mod check;
pub mod cli;
pub mod config;
pub mod counting;
pub mod demo;
pub mod explain;
pub mod findings;
pub mod http;
mod listing;
pub mod metrics;
pub mod notify;
pub mod observed;
pub mod record;
pub mod report;
pub mod rules;
pub mod runbooks;
pub mod source;
pub mod text;
pub mod web;
