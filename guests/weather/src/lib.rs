//! Forecasts of a service that does not exist: the archive that `docs/operators.md` runs.

use surrealism::surrealdb_types::Value;
use surrealism::{anyhow, config, kv, surrealism};

/// Returns the forecast for a city.
#[surrealism]
fn forecast(city: String) -> anyhow::Result<String> {
    let url: String = config::get("api_url")?;
    println!("asking {url}");
    let call = kv::increment("calls", 1)?;
    Ok(format!("{city}: sunny, 21 °C (call {call})"))
}

/// Returns what the service says.
#[surrealism]
fn report(city: String) -> anyhow::Result<Value> {
    let url: String = config::get("api_url")?;
    surrealism::run("http::get", None, (format!("{url}/{city}"),))
}

/// Computes without an end.
#[surrealism]
fn climate() -> i64 {
    let mut year = 0;
    while std::hint::black_box(year) >= 0 {
        year = (year + 1) % 1_000_000;
    }
    year
}
