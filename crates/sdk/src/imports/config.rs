//! The configuration that a host gives the plugin.
//!
//! An author declares keys in `surrealism.toml`, and the operator gives values:
//!
//! ```toml
//! [config.api_url]
//! kind = "string"                 # any kind of a signature; no default: it must be given
//! comment = "Where the weather service is"
//!
//! [config.retries]
//! kind = "int"
//! default = 3
//!
//! [config.api_key]
//! kind = "string"
//! secret = true                   # the host shows it nowhere
//! default = ""
//! ```
//!
//! The host checks them when it loads the plugin: every key has a value of its kind then. A key whose kind
//! takes NONE, as `option<string>` does, may be left out.
//!
//! ```
//! use surrealism::{anyhow, config, surrealism};
//!
//! #[surrealism]
//! fn forecast_url(city: String) -> anyhow::Result<String> {
//!     let base: String = config::get("api_url")?;
//!     Ok(format!("{base}/forecast/{city}"))
//! }
//! ```
//!
//! Values do not change while the plugin is loaded. An `init` that reads one runs in every instance: the
//! host cannot run it ahead. A secret is hidden by the host; what the plugin prints or returns is up to the
//! plugin.
//!
//! # Compatibility
//!
//! The values come by the standard interface `wasi:config/store`. Third-party hosts lack it, and a plugin
//! that calls [`get`] does not load there.

use anyhow::{Context, Error, Result, anyhow};
use surrealdb_types::SurrealValue;
use surrealism_types::codec;

use super::from_value;
use crate::host;

/// Returns the value of a key.
///
/// # Errors
///
/// When the key is not declared in `surrealism.toml`, or its value is not a `T`. In native tests, which
/// have no host.
pub fn get<T: SurrealValue>(key: &str) -> Result<T> {
    let value = host::config_get(key).map_err(Error::msg)?;
    let value = value.ok_or_else(|| {
        anyhow!("`{key}` has no value: declare it in [config] of surrealism.toml")
    })?;
    let value = codec::decode_value(&value)?;
    from_value(value).with_context(|| format!("cannot convert the configuration's `{key}`"))
}
