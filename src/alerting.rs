//! PURE: alerts of the program's own, by the names, labels and times of the rules of Prometheus that ship with it.
//!
//! What is wrong is found by [`findings`](crate::findings), whose rows name their alerts. Here a finding that lasts becomes
//! an alert, and one that is gone lets it end..

pub mod alert;

pub use alert::Alert;
