//! What is shipped in `alerts/`: rules, their tests, runbooks and example configurations.
//!
//! - `files` reads the YAML files.
//! - `rules` has what every alert has to have. New house rules for alerts go there.
//! - `documents` holds runbooks and documents to the catalogue, and the catalogue to what uses it.
//! - `thresholds` holds rules to their templates and those to `thresholds.yml`, and the table of the README too; `figures`
//!   finds the numbers of an expression.
//! - `formats` has the rules for vmalert, prometheus-operator and other scrape intervals read by those.
//! - `tools` lets promtool and amtool judge what is theirs: syntax, unit tests, routes.

mod documents;
mod figures;
pub mod files;
mod formats;
mod rules;
mod thresholds;
mod tools;

pub use rules::RECORDED;
