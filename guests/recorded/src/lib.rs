//! Calls whose results depend on the host and on the system.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use surrealism::anyhow::{Result, ensure};
use surrealism::surrealdb_types::{SurrealValue, Value};
use surrealism::{kv, run, sql_with_vars, surrealism};

/// Orders each item: reads its stock, asks for its price, and counts it. Fails at the first item that is not
/// in stock.
#[surrealism]
fn order(items: Vec<String>) -> Result<i64> {
    let mut total = 0;
    for item in items {
        let stock: i64 = kv::get(format!("stock/{item}"))?.unwrap_or_default();
        let vars = [("item".to_string(), item.clone().into_value())];
        let price: i64 = sql_with_vars("SELECT VALUE price FROM ONLY $item", vars)?;
        ensure!(stock > 0, "{item} for {price} is not in stock");
        kv::set(format!("stock/{item}"), stock - 1)?;
        total += price;
    }
    Ok(total)
}

/// Returns the time, what two waits take, and a number that a random seed makes.
#[surrealism]
async fn observe(ms: u64) -> (i64, i64, i64) {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (started, wait) = (Instant::now(), Duration::from_millis(ms));
    std::thread::sleep(wait);
    tokio::time::sleep(wait).await;
    let random = HashMap::<i64, i64>::new().hasher().hash_one(0);
    (wall.as_nanos() as i64, started.elapsed().as_nanos() as i64, random as i64)
}

/// Panics after a host call.
#[surrealism]
fn panic(key: String) -> Result<()> {
    let value: Option<i64> = kv::get(key)?;
    panic!("found {value:?}");
}

/// Passes a value through each kind of host call that carries values.
#[surrealism]
fn carry(value: Value) -> Result<Vec<Value>> {
    kv::set("a", value.clone())?;
    kv::set_batch([("b", value.clone())])?;
    let mut values: Vec<Value> = kv::values(..)?;
    values.extend(kv::entries::<_, Value>(..)?.into_iter().map(|(_, value)| value));
    values.extend(kv::get_batch::<_, _, Value>(["a", "missing"])?.into_iter().flatten());
    values.extend(kv::get::<_, Value>("b")?);
    values.push(run("fn::echo", Some("1.0".to_string()), (value.clone(),))?);
    values.push(sql_with_vars("RETURN $value", [("value".to_string(), value)])?);
    Ok(values)
}

/// Returns the secret that a query answers with, and asks with it.
#[surrealism]
fn secret() -> Result<String> {
    let secret: String = sql_with_vars("RETURN $secret", [] as [(&str, Value); 0])?;
    kv::set(secret.as_str(), format!("the secret is {secret}"))?;
    Ok(secret)
}

/// Connects to a port of this machine.
#[surrealism]
fn connect(port: u16) -> bool {
    let _: Result<Option<i64>> = kv::get("before");
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// Never ends.
#[surrealism]
fn spin(key: String) -> Result<()> {
    kv::set(key, true)?;
    loop {
        std::hint::spin_loop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_no_host() {
        assert!(order(vec!["tea".to_string()]).is_err());
        assert!(!connect(1));
    }
}
