//! What single fields of entries say, in all formats: addresses, times, delivery statuses, names of files.

pub mod address;
pub mod application;
pub mod diagnostic;
pub mod label;
pub mod queue_file;
pub mod timestamp;
pub mod transport;
