//! How saving the state goes.

/// How saving the state went.
#[derive(Clone, Debug, Default)]
pub struct StateHealth {
    /// When it was last written, Unix seconds.
    pub saved_at: Option<f64>,
    /// Its size then.
    pub bytes: u64,
    /// How long that took, in seconds.
    pub duration: f64,
    /// How often it could not be written.
    pub failures: u64,
    /// Files that were set aside at the start.
    pub set_aside: u64,
    /// What is wrong now, for people.
    pub problem: Option<String>,
}
