//! The only code that knows the `prometheus` crate: from what is in memory to the exposition.
//!
//! Every value is built anew at each gathering from the totals and from the last snapshots, so that
//! what vanished from the host vanishes from the page, and a gathering does no I/O. [`catalogue`] is THE table,
//! [`Page`] holds plain samples of its metrics, and [`Exposition`] turns these into a format.

pub mod busiest;
pub mod catalogue;
mod client_display;
pub mod collectors;
pub mod commands;
pub mod connections;
pub mod documentation;
pub mod exporter;
mod exposition;
mod family;
mod labels;
pub mod logs;
mod masked;
pub mod notified;
pub mod observed;
mod page;
pub mod probe;
mod top_table;
mod usual;

pub use client_display::ClientDisplay;
pub use exposition::Exposition;
pub use family::{Counter, Gauge, Histogram, Metric, Number, OfKind};
pub use page::Page;
