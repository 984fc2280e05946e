//! PURE: alerts of the program's own, by the names, labels and times of the rules of Prometheus that ship with it.
//!
//! What is wrong is found by [`findings`](crate::findings), whose rows name their alerts. Here a finding that lasts becomes
//! an alert, and one that is gone lets it end: [`noticed()`] says which alerts findings are reason enough for, [`Machine`]
//! for how long, [`Saved`] is what survives a restart, [`Standing`] what pages show. Who speaks of one at an Alertmanager
//! that hears of it from others as well is decided by [`speaker`]; when whoever hears of it from this program alone is told,
//! and of what together, by [`telling`].

pub mod alert;
pub mod machine;
pub mod notice;
pub mod noticed;
pub mod saved;
pub mod silence;
pub mod speaker;
mod standing;
pub mod telling;

pub use alert::{Alert, incidents};
pub use machine::{Condition, Machine, Moment, Phase};
pub use noticed::noticed;
pub use saved::Saved;
pub use standing::{Standing, State};
