//! What is shipped in `alerts/`: rules, their tests, runbooks and example configurations.
//!
//! - `files` reads the YAML files.
//! - `rules` has what every alert has to have. New house rules for alerts go there.
//! - `thresholds` holds rules to their templates and those to `thresholds.yml`, and the table of the README too; `figures`
//!   finds the numbers of an expression.
//! - `tools` lets promtool and amtool judge what is theirs: syntax, unit tests, routes.

mod figures;
mod files;
mod rules;
mod thresholds;
mod tools;

pub use rules::RECORDED;
