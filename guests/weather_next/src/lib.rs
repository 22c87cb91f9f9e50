//! The next version of `weather`.

use surrealism::surrealdb_types::Value;
use surrealism::{anyhow, config, kv, surrealism};

/// Returns the forecast for a city, for some days.
#[surrealism]
fn forecast(city: String, days: Option<i64>) -> anyhow::Result<String> {
    let degrees = match config::get::<String>("units")?.as_str() {
        "imperial" => "70 °F",
        _ => "21 °C",
    };
    let days = days.unwrap_or(1);
    let call = kv::increment("calls", 1)?;
    Ok(format!("{city}: sunny, {degrees} for {days} days (call {call})"))
}

/// Sends a report to the service.
#[surrealism]
fn report(city: String) -> anyhow::Result<Value> {
    surrealism::run("http::post", None, (config::get::<String>("api_url")?, city))
}
