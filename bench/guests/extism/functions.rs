//! `../functions.rs` for Extism: numbers and texts raw, the rest as MessagePack, the fastest of its
//! encodings. Its variables stand for a key-value store.

use extism_pdk::{FnResult, Msgpack, plugin_fn, var};

#[plugin_fn]
pub fn can_drive(age: i64) -> FnResult<i32> {
    Ok((age >= 18).into())
}

#[plugin_fn]
pub fn length(text: String) -> FnResult<i64> {
    Ok(text.len() as i64)
}

#[plugin_fn]
pub fn sum(Msgpack(numbers): Msgpack<Vec<i64>>) -> FnResult<i64> {
    Ok(numbers.into_iter().sum())
}

#[plugin_fn]
pub fn kv_set(Msgpack((key, value)): Msgpack<(String, i64)>) -> FnResult<()> {
    Ok(var::set(key, value)?)
}

#[plugin_fn]
pub fn kv_get(key: String) -> FnResult<Msgpack<Option<i64>>> {
    Ok(Msgpack(var::get(key)?))
}
