//! The interval at which guests yield and deadlines are checked.

/// Time between two ticks of the epoch, in milliseconds.
///
/// On each tick a running guest yields to its executor, and a call whose deadline has passed is
/// cancelled.
pub const EPOCH_TICK_MS: u64 = 10;
