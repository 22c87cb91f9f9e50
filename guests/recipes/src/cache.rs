use std::time::Duration;

use surrealism::{anyhow, kv, surrealism};

const LIFETIME: Duration = Duration::from_secs(3600);

/// Returns a report, which is computed once in an hour.
#[surrealism]
fn report(year: i64) -> anyhow::Result<String> {
    let key = format!("report/{year}");
    if let Some(report) = kv::get(key.as_str())? {
        return Ok(report);
    }
    let report = compute(year)?;
    kv::set_with_ttl(key, report.as_str(), LIFETIME)?;
    Ok(report)
}

fn compute(year: i64) -> anyhow::Result<String> {
    let runs = kv::increment("report runs", 1)?;
    Ok(format!("report of {year}, run {runs}"))
}
