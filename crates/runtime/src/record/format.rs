//! The lines of a recording.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use surrealdb_types::Value;
use surrealism_types::json::to_json_lossless;

use crate::error::{Error, ErrorKind};
use crate::tape::{HostCall, blank, blank_text};

/// The version of the format.
pub(super) const VERSION: u32 = 1;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) surrealism_recording: u32,
}

/// A line of one call.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallLine {
    /// The module, as `acme/demo 0.1.0`.
    pub(super) module: String,
    /// `None` is the default export.
    pub(super) function: Option<String>,
    pub(super) args: Vec<Json>,
    pub(super) host: Vec<HostCall>,
    /// Whether something was left out, since it took too many bytes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) cut: bool,
    pub(super) outcome: Outcome,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    Ok(Json),
    Error(String),
    /// The first line of the trap: the others are addresses.
    Trap(String),
    Timeout(String),
    /// The caller gave it up.
    Cancelled,
}

impl Outcome {
    pub(crate) fn new(result: &Result<Value, Error>) -> Self {
        match result {
            Ok(value) => Self::Ok(to_json_lossless(value)),
            Err(error) => match error.kind() {
                ErrorKind::Trap(_) => {
                    Self::Trap(error.to_string().lines().next().unwrap_or_default().to_string())
                }
                ErrorKind::TimedOut { .. } => Self::Timeout(error.to_string()),
                _ => Self::Error(error.to_string()),
            },
        }
    }

    pub(super) fn blank(&mut self, secrets: &[String]) {
        match self {
            Self::Ok(json) => blank(json, secrets),
            Self::Error(text) | Self::Trap(text) | Self::Timeout(text) => blank_text(text, secrets),
            Self::Cancelled => (),
        }
    }

    /// Whether a replay may end so: another limit may have ended it, and a caller that gave up waits now.
    pub(crate) fn allows(&self, now: &Self) -> bool {
        match (self, now) {
            (Self::Cancelled, _) | (Self::Timeout(_), Self::Timeout(_)) => true,
            _ => self == now,
        }
    }

    /// Replaces the name of the module, which has a version.
    pub(crate) fn without_module(mut self, module: &str) -> Self {
        if let Self::Error(text) | Self::Trap(text) | Self::Timeout(text) = &mut self {
            *text = text.replace(module, "the module");
        }
        self
    }

    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Ok(json) => json.to_string(),
            Self::Error(text) => format!("error: {text}"),
            Self::Trap(text) => format!("trap: {text}"),
            Self::Timeout(text) => format!("timeout: {text}"),
            Self::Cancelled => "cancelled".to_string(),
        }
    }
}
