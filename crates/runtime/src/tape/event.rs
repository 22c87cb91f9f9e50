//! A host call as it is recorded.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::text::truncate_to;

/// A call of the guest's to its host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HostCall {
    /// The function: `kv::get`, `clock::wall`.
    pub(crate) host: String,
    pub(crate) args: Vec<Json>,
    #[serde(default, skip_serializing_if = "Answer::is_none")]
    pub(crate) answer: Answer,
}

/// What the host answered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Answer {
    Ok(Json),
    Error(String),
    /// The call ended before.
    #[default]
    None,
}

/// Bytes of a host call that a message shows.
const SHOWN_BYTES: usize = 500;

impl HostCall {
    pub(crate) fn new(host: &str, args: Vec<Json>) -> Self {
        Self { host: host.to_string(), args, answer: Answer::None }
    }

    /// Whether the guest asks the same.
    pub(crate) fn asks_like(&self, other: &Self) -> bool {
        self.host == other.host && self.args == other.args
    }

    pub(crate) fn json_bytes(&self) -> usize {
        json_bytes(self)
    }

    /// Returns the call as a reader would write it.
    pub(crate) fn shown(&self) -> String {
        let args: Vec<_> = self.args.iter().map(Json::to_string).collect();
        let args = args.join(", ");
        let cut = truncate_to(&args, SHOWN_BYTES);
        let rest = if cut.len() < args.len() { "…" } else { "" };
        format!("{}({cut}{rest})", truncate_to(&self.host, SHOWN_BYTES))
    }
}

impl Answer {
    fn is_none(&self) -> bool {
        *self == Self::None
    }

    pub(crate) fn json_bytes(&self) -> usize {
        json_bytes(self)
    }

    pub(crate) fn blank(&mut self, secrets: &[String]) {
        match self {
            Self::Ok(json) => blank(json, secrets),
            Self::Error(text) => blank_text(text, secrets),
            Self::None => (),
        }
    }
}

fn json_bytes(value: &impl Serialize) -> usize {
    // It has no maps with keys that are not strings, which alone could fail.
    serde_json::to_vec(value).map_or(usize::MAX, |json| json.len())
}

/// Stands in a recording where a secret was.
pub(crate) const BLANK: &str = "[secret]";

/// Replaces secrets in all texts, names of fields included.
pub(crate) fn blank(json: &mut Json, secrets: &[String]) {
    match json {
        Json::String(text) => blank_text(text, secrets),
        Json::Array(items) => items.iter_mut().for_each(|item| blank(item, secrets)),
        Json::Object(members) if !secrets.is_empty() => {
            let blanked = std::mem::take(members).into_iter().map(|(mut name, mut member)| {
                blank_text(&mut name, secrets);
                blank(&mut member, secrets);
                (name, member)
            });
            *members = blanked.collect();
        }
        _ => (),
    }
}

pub(crate) fn blank_text(text: &mut String, secrets: &[String]) {
    for secret in secrets.iter().filter(|secret| text.contains(secret.as_str())).collect::<Vec<_>>()
    {
        *text = text.replace(secret.as_str(), BLANK);
    }
}
