//! The watch on process trees written by the tests, and on a real process.

mod counted;
mod ours;
mod real;
mod tree;
