//! What is measured.

use serde::{Deserialize, Serialize};

/// What one round repeats.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Case {
    /// A call of a component's empty function: wasmtime's own share.
    Nothing,
    /// A call, by one task.
    Call(Work),
    /// [`Work::CanDrive`], by `callers` tasks at once on two threads, from a pool of `pool` instances.
    Concurrent { callers: u32, pool: usize },
    /// A fresh instance, its `init` and [`Work::CanDrive`].
    Fresh,
    /// Compiling a component and preparing it for calls, without unpacking an archive.
    Load,
    /// The same for a component that was loaded before, with the contender's cache of compiled code. Ours
    /// includes unpacking.
    LoadAgain,
    /// [`Work::CanDrive`] for 1,000 rows in one call; the time of one row.
    Rows,
}

/// A function of the guests, and its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Work {
    CanDrive,
    /// Returns the length of a text of this many bytes.
    Length(usize),
    /// Returns the sum of this many integers.
    Sum(usize),
    KvSet,
    KvGet,
}

impl Work {
    /// Returns the name of the function.
    pub fn function(self) -> &'static str {
        match self {
            Self::CanDrive => "can_drive",
            Self::Length(_) => "length",
            Self::Sum(_) => "sum",
            Self::KvSet => "kv_set",
            Self::KvGet => "kv_get",
        }
    }
}
