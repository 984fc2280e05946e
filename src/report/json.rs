//! The summary as JSON, for programs.

use super::summary::Summary;

/// The summary with its keys in their order, and a final end of line.
///
/// # Errors
///
/// When it cannot be encoded.
pub fn json(summary: &Summary) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = serde_json::to_vec_pretty(summary)?;
    text.push(b'\n');
    Ok(text)
}
