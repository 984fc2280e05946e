//! All integration tests in one program, but for two that run alone: `tests/soak` and `tests/e2e` (demo,
//! Prometheus, Alertmanager and a webhook, all of it real, and with `tests/fleet` many hosts in one store). What goes where:
//!
//! - `replay`: logs in, exposition out, as golden files; a directory a case, named by intent
//! - `explain`: lines in, what they mean out
//! - `replies`: replies of many kinds of servers, and the class of each
//! - `report`: logs in, reports for people and programs out
//! - `entries`: random entries of every format, written and read back
//! - `follow`: the follower against a model, by random actions on real files
//! - `ledger`: the ledger of connections against a model of an MTA, by random interleavings
//! - `queue`: the scanner against `find`, on random trees that change meanwhile
//! - `service`: the real program on a tree laid out like a real install
//! - `demo`: the synthetic MTA, started as a newcomer starts it
//! - `clock`: sums while the host's clock is wrong and is set, beside those of a right one
//! - `busiest`: clients in millions, beside exact counts
//! - `alerts`: rules, runbooks and example configurations, by promtool and amtool
//! - `corpora`: what the fuzz targets are fed with, replayed
//! - `dashboards`: the rules that every dashboard keeps, and which panels show which incident
//! - `promql`: what a query uses, for `alerts` and `dashboards`
//! - `exposition`: pages of `/metrics`, read strictly, for all who look at them
//! - `notify`: who is told of alerts, by a real Alertmanager and by receivers that do everything wrong
//! - `sockets`: the kernel's sockets beside `ss`, and those of another network
//! - `weeks`: two weeks of a mail host, minute by minute, and what the alerts say of them
//! - `tidy`: rules of the source tree

mod alerts;
mod busiest;
mod clock;
mod corpora;
mod dashboards;
mod demo;
mod entries;
mod explain;
mod exposition;
mod follow;
mod ledger;
#[path = "exposition/log_fed.rs"]
mod log_fed;
mod notify;
mod promql;
mod queue;
mod replay;
mod replies;
mod report;
mod service;
mod sockets;
mod tidy;
mod weeks;
