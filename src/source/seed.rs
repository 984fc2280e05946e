//! A number that nobody can guess.

use std::hash::{BuildHasher, RandomState};

/// For the keys of hash tables: whoever writes a log cannot fill one place of them.
pub fn new_seed() -> u64 {
    RandomState::new().hash_one(0_u8)
}
