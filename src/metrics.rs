//! The only code that knows the `prometheus` crate: from what is in memory to the exposition.
//!
//! Every value is built anew at each gathering from the totals and from the last snapshots, so that
//! what vanished from the host vanishes from the page, and a gathering does no I/O.

pub mod catalogue;
pub mod collectors;
pub mod connections;
mod cut;
pub mod documentation;
pub mod exporter;
pub mod logs;
mod page;

use catalogue::Feed;
pub use page::Page;
use prometheus::{Encoder, Registry, TextEncoder};

/// The registry of one program run.
#[derive(Default)]
pub struct Exposition {
    registry: Registry,
}

impl Exposition {
    /// Publishes all metrics of some feeds by what `fill` puts on the page at each gathering.
    ///
    /// # Errors
    ///
    /// When a metric of these feeds is registered already.
    pub fn publish<F>(&self, feeds: &[Feed], fill: F) -> prometheus::Result<()>
    where
        F: Fn(&mut Page) + Send + Sync + 'static,
    {
        self.registry.register(Box::new(page::Publisher::new(feeds, fill)?))
    }

    /// The page in the text format 0.0.4.
    ///
    /// # Errors
    ///
    /// When a sample cannot be encoded.
    pub fn encode(&self) -> prometheus::Result<Vec<u8>> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }

    /// The value of the header `Content-Type` of the page.
    pub fn content_type() -> &'static str {
        "text/plain; version=0.0.4; charset=utf-8"
    }
}
