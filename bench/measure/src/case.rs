use serde::{Deserialize, Serialize};

/// What one round does, again and again.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Case {
    /// A call of a component's function that is empty: what wasmtime takes for itself.
    Nothing,
    /// A call, by one task.
    Call(Work),
    /// [`Work::CanDrive`], by so many tasks at once on two threads.
    Together { callers: u32, pool: usize },
    /// A fresh instance, its `init` and [`Work::CanDrive`].
    Fresh,
    /// A component compiled and made ready for calls. Unpacking an archive is not in it.
    Load,
    /// The same for one that was loaded before, with whatever keeps compiled code. For ours, unpacking
    /// is in it.
    LoadAgain,
    /// [`Work::CanDrive`] for each of 1,000 rows handed over at once; the time of one row.
    Rows,
}

/// A function of the guests, and what it is given.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Work {
    CanDrive,
    /// A text of so many bytes, for its length.
    Length(usize),
    /// So many integers, for their sum.
    Sum(usize),
    KvSet,
    KvGet,
}

impl Work {
    /// The name of the function.
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
