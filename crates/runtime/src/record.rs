//! Records calls and what the host answered, and replays them without a host.
//!
//! A call that failed in production becomes a test at the desk, and a new version of a plugin is tried on the
//! calls of last week. [`Recorder`] writes a recording, [`Recording`] reads one, and
//! [`Runtime::replay`](crate::Runtime::replay) makes a recorded call again. In a replay, `sql`, `run`, the
//! key-value store, clocks and randomness answer as they did, and time does not pass. The first thing that
//! the guest asks for otherwise is where the replay ends.
//!
//! ```no_run
//! use std::fs::File;
//! use std::io::BufReader;
//!
//! use surrealism_runtime::record::{Recorder, Recording, Verdict};
//! use surrealism_runtime::{DetachedContext, Grants, Runtime, SurrealismPackage};
//!
//! # async fn example() -> anyhow::Result<()> {
//! let recorder = Recorder::new(File::create("calls.jsonl")?).secrets([std::env::var("API_KEY")?]);
//! let package = || SurrealismPackage::from_file("demo.surli".into());
//! let runtime = Runtime::builder(package()?).recorder(recorder.clone()).build()?;
//! runtime.call("greet", ("Ada".to_string(),), DetachedContext::new()).await?;
//! recorder.flush()?;
//!
//! let runtime = Runtime::builder(package()?).build()?;
//! for call in Recording::open(BufReader::new(File::open("calls.jsonl")?))? {
//!     let replayed = runtime.replay(&call?).await;
//!     assert_eq!(replayed.verdict, Verdict::Same);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What is recorded
//!
//! Each [`Runtime::call`](crate::Runtime::call) and [`call_json`](crate::Runtime::call_json): its arguments
//! and result, and every call of a host function, clock or random source with its answer. Calls of
//! [`call_rows`](crate::Runtime::call_rows) and of a [`Controller`](crate::Controller) are not. Neither is
//! what comes from the network: that it was used is marked, and such a call cannot be replayed beyond it.
//! A recorded call has an instance of its own, so that nothing of an earlier call is in its memory.
//!
//! A recording has the data of the calls in it. Secrets that the [recorder knows](Recorder::secrets) are
//! blanked, wherever they are within a text; encoded in another way they are not found.
//!
//! # The format
//!
//! JSON lines: first `{"surrealism_recording":1}`, then one object for each call. Values are in the
//! [lossless form](crate::json#the-lossless-form).
//!
//! # Bounds
//!
//! | what | limit |
//! |---|---|
//! | a call, with all host calls | [`Recorder::max_call_bytes`]; beyond, it is marked as cut |
//! | a recording | [`Recorder::max_bytes`]; beyond, calls are counted and left out |
//! | a line that is read | [`MAX_RECORDED_LINE_BYTES`](crate::limits::MAX_RECORDED_LINE_BYTES) |

mod format;
mod recorder;
mod recording;

pub use self::recorder::{Recorded, Recorder};
pub use self::recording::{RecordedCall, Recording};

pub(crate) use self::format::Outcome;

/// What a replay found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// Number of host calls that were answered as recorded.
    pub host_calls: usize,
    /// Whether the call went as it did.
    pub verdict: Verdict,
}

/// Whether a replayed call went as it did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The guest asked for the same, and returned the same.
    Same,
    /// The guest asked for the same, and returned something else.
    ResultDiffers {
        /// What it returned, as text.
        recorded: String,
        /// What it returns now.
        now: String,
    },
    /// The guest asked for something else than it did.
    Diverged {
        /// The host call, counted from 0.
        index: usize,
        /// What it asked for; `None` if it had returned by then.
        recorded: Option<String>,
        /// What it asks for now; `None` if it returned.
        now: Option<String>,
    },
    /// The recording does not have what the replay needs.
    Unreplayable {
        /// Why.
        reason: String,
    },
}
