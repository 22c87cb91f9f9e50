//! The functions that the module `surrealism` is made of: those of the host, and conversions of text.

use std::ops::Bound;
use std::str::FromStr;

use rquickjs::function::{Func, Opt};
use rquickjs::{BigInt, Ctx, Error, Object, Value as Js};
use surrealism::surrealdb_types::{Datetime, Duration, ToSql, Uuid, Value};
use surrealism::{kv, run, sql_with_vars};

use crate::error::{throw, throw_type};
use crate::value::{self, from_js, to_js};

/// Where the module `surrealism` finds its functions. It removes them from there.
const GLOBAL: &str = "__surrealism";

/// Puts the functions where the module `surrealism` finds them, and returns the object that has them.
pub(crate) fn install<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>, Error> {
    let host = Object::new(ctx.clone())?;
    install_text(&host)?;
    install_calls(&host)?;
    install_store(&host)?;
    extended::install(&host)?;
    ctx.globals().set(GLOBAL, host.clone())?;
    Ok(host)
}

/// Throws the host's error, with its whole text.
fn host_error<'js, T>(ctx: &Ctx<'js>, result: surrealism::anyhow::Result<T>) -> Result<T, Error> {
    result.map_err(|error| throw(ctx, &format!("{error:#}")))
}

fn install_text(host: &Object<'_>) -> Result<(), Error> {
    host.set("print", Func::from(|line: String| println!("{line}")))?;
    host.set("printError", Func::from(|line: String| eprintln!("{line}")))?;
    host.set(
        "decimal",
        Func::from(|ctx: Ctx<'_>, text: String| match value::decimal(text.trim()) {
            Some(decimal) => Ok(decimal.to_string()),
            None => {
                Err(throw_type(&ctx, &format!("{text:?} is not a decimal of at most 28 digits")))
            }
        }),
    )?;
    host.set(
        "uuid",
        Func::from(|ctx: Ctx<'_>, text: String| match Uuid::from_str(&text) {
            Ok(uuid) => Ok(uuid.to_string()),
            Err(_) => Err(throw_type(&ctx, &format!("{text:?} is not a UUID"))),
        }),
    )?;
    host.set("uuidV4", Func::from(|| Uuid::new_v4().to_string()))?;
    host.set("uuidV7", Func::from(|| Uuid::new_v7().to_string()))?;
    host.set("duration", Func::from(duration))?;
    host.set("datetime", Func::from(datetime))?;
    host.set("format", Func::from(format_value))
}

fn duration<'js>(ctx: Ctx<'js>, text: String) -> Result<Vec<Js<'js>>, Error> {
    let Ok(duration) = Duration::from_str(&text) else {
        return Err(throw_type(&ctx, &format!("{text:?} is not a duration: write one as 1h30m")));
    };
    let seconds = BigInt::from_u64(ctx.clone(), duration.as_secs())?.into_value();
    Ok(vec![seconds, Js::new_float(ctx, duration.subsec_nanos().into())])
}

/// Returns the milliseconds since 1970, and the nanoseconds beyond them.
fn datetime(ctx: Ctx<'_>, text: String) -> Result<Vec<f64>, Error> {
    let Ok(datetime) = Datetime::from_str(&text) else {
        return Err(throw_type(
            &ctx,
            &format!("{text:?} is not a datetime: write one as 2026-01-31T12:00:00Z"),
        ));
    };
    let nanos = datetime.timestamp_subsec_nanos();
    let millis = datetime.timestamp() as f64 * 1000.0 + f64::from(nanos / 1_000_000);
    Ok(vec![millis, f64::from(nanos % 1_000_000)])
}

/// Returns a value as SurrealQL.
fn format_value<'js>(ctx: Ctx<'js>, value: Js<'js>) -> Result<String, Error> {
    Ok(from_js(&ctx, &value)?.to_sql())
}

fn install_calls(host: &Object<'_>) -> Result<(), Error> {
    host.set("sql", Func::from(call_sql))?;
    host.set("run", Func::from(call_run))
}

fn call_sql<'js>(ctx: Ctx<'js>, query: String, vars: Js<'js>) -> Result<Js<'js>, Error> {
    let vars = match from_js(&ctx, &vars)? {
        Value::None => Default::default(),
        Value::Object(vars) => vars,
        _ => return Err(throw_type(&ctx, "the variables of a query are an object: { min: 18 }")),
    };
    let result: Value = host_error(&ctx, sql_with_vars(query, vars.into_inner()))?;
    to_js(&ctx, result, false)
}

fn call_run<'js>(
    ctx: Ctx<'js>,
    name: String,
    args: Js<'js>,
    version: Opt<Option<String>>,
) -> Result<Js<'js>, Error> {
    let args: Vec<Value> = match from_js(&ctx, &args)? {
        Value::None => Vec::new(),
        Value::Array(args) => args.into_iter().collect(),
        _ => {
            return Err(throw_type(
                &ctx,
                "the arguments of `run` are an array: run(\"math::abs\", [-1])",
            ));
        }
    };
    let result: Value = host_error(&ctx, run(name, version.0.flatten(), args))?;
    to_js(&ctx, result, false)
}

fn install_store(host: &Object<'_>) -> Result<(), Error> {
    host.set("kvGet", Func::from(kv_get))?;
    host.set("kvSet", Func::from(kv_set))?;
    host.set("kvDel", Func::from(|ctx: Ctx<'_>, key: String| host_error(&ctx, kv::del(key))))?;
    host.set(
        "kvExists",
        Func::from(|ctx: Ctx<'_>, key: String| host_error(&ctx, kv::exists(key))),
    )?;
    host.set("kvDelRange", Func::from(kv_del_range))?;
    host.set("kvGetBatch", Func::from(kv_get_batch))?;
    host.set("kvSetBatch", Func::from(kv_set_batch))?;
    let del_batch = |ctx: Ctx<'_>, keys: Vec<String>| host_error(&ctx, kv::del_batch(keys));
    host.set("kvDelBatch", Func::from(del_batch))?;
    host.set("kvKeys", Func::from(kv_keys))?;
    host.set("kvValues", Func::from(kv_values))?;
    host.set("kvEntries", Func::from(kv_entries))?;
    host.set("kvCount", Func::from(kv_count))
}

fn kv_get<'js>(ctx: Ctx<'js>, key: String) -> Result<Js<'js>, Error> {
    let value: Option<Value> = host_error(&ctx, kv::get(key))?;
    to_js(&ctx, value.unwrap_or_default(), false)
}

fn kv_set<'js>(ctx: Ctx<'js>, key: String, value: Js<'js>) -> Result<(), Error> {
    let value = from_js(&ctx, &value)?;
    host_error(&ctx, kv::set(key, value))
}

fn kv_del_range<'js>(ctx: Ctx<'js>, range: Js<'js>) -> Result<(), Error> {
    let range = key_range(&ctx, &range)?;
    host_error(&ctx, kv::del_rng(range))
}

fn kv_get_batch<'js>(ctx: Ctx<'js>, keys: Vec<String>) -> Result<Vec<Js<'js>>, Error> {
    let values: Vec<Option<Value>> = host_error(&ctx, kv::get_batch(keys))?;
    values.into_iter().map(|value| to_js(&ctx, value.unwrap_or_default(), false)).collect()
}

fn kv_set_batch<'js>(ctx: Ctx<'js>, entries: Js<'js>) -> Result<(), Error> {
    let entries: Vec<(String, Value)> = match from_js(&ctx, &entries)? {
        Value::Object(entries) => entries.into_inner().into_iter().collect(),
        _ => return Err(throw_type(&ctx, "the entries of `setBatch` are an object or a map")),
    };
    host_error(&ctx, kv::set_batch(entries))
}

fn kv_keys<'js>(ctx: Ctx<'js>, range: Js<'js>) -> Result<Vec<String>, Error> {
    let range = key_range(&ctx, &range)?;
    host_error(&ctx, kv::keys(range))
}

fn kv_values<'js>(ctx: Ctx<'js>, range: Js<'js>) -> Result<Vec<Js<'js>>, Error> {
    let range = key_range(&ctx, &range)?;
    let values: Vec<Value> = host_error(&ctx, kv::values(range))?;
    values.into_iter().map(|value| to_js(&ctx, value, false)).collect()
}

fn kv_entries<'js>(ctx: Ctx<'js>, range: Js<'js>) -> Result<Js<'js>, Error> {
    let range = key_range(&ctx, &range)?;
    let entries: Vec<(String, Value)> = host_error(&ctx, kv::entries(range))?;
    let pair = |(key, value)| Value::Array(vec![Value::String(key), value].into());
    to_js(&ctx, Value::Array(entries.into_iter().map(pair).collect::<Vec<_>>().into()), false)
}

fn kv_count<'js>(ctx: Ctx<'js>, range: Js<'js>) -> Result<f64, Error> {
    let range = key_range(&ctx, &range)?;
    Ok(host_error(&ctx, kv::count(range))? as f64)
}

/// Reads a range of keys; undefined is the range of all.
fn key_range<'js>(ctx: &Ctx<'js>, js: &Js<'js>) -> Result<(Bound<String>, Bound<String>), Error> {
    let wrong =
        || throw_type(ctx, "a range of keys is a Range of strings: new Range(\"a\", \"c\")");
    let key = |bound| {
        Ok(match bound {
            Bound::Unbounded => Bound::Unbounded,
            Bound::Included(Value::String(key)) => Bound::Included(key),
            Bound::Excluded(Value::String(key)) => Bound::Excluded(key),
            _ => return Err(wrong()),
        })
    };
    match from_js(ctx, js)? {
        Value::None => Ok((Bound::Unbounded, Bound::Unbounded)),
        Value::Range(range) => {
            let (start, end) = range.into_inner();
            Ok((key(start)?, key(end)?))
        }
        _ => Err(wrong()),
    }
}

/// The store's extensions. A component that calls them does not load on third-party hosts.
#[cfg(feature = "extended")]
mod extended {
    use std::time::Duration as StdDuration;

    use super::*;

    pub(super) fn install(host: &Object<'_>) -> Result<(), Error> {
        host.set("kvCompareAndSet", Func::from(compare_and_set))?;
        host.set("kvIncrement", Func::from(increment))?;
        host.set("kvSetWithTtl", Func::from(set_with_ttl))?;
        host.set("kvIncrementWithTtl", Func::from(increment_with_ttl))?;
        host.set("kvTtl", Func::from(ttl))?;
        host.set("kvSetTtl", Func::from(set_ttl))
    }

    fn compare_and_set<'js>(
        ctx: Ctx<'js>,
        key: String,
        expected: Js<'js>,
        new: Js<'js>,
    ) -> Result<bool, Error> {
        let present =
            |js: &Js<'js>| Ok::<_, Error>(Some(from_js(&ctx, js)?).filter(|v| *v != Value::None));
        let (expected, new) = (present(&expected)?, present(&new)?);
        host_error(&ctx, kv::compare_and_set(key, expected, new))
    }

    fn increment<'js>(ctx: Ctx<'js>, key: String, delta: Js<'js>) -> Result<Js<'js>, Error> {
        let delta = int(&ctx, &delta)?;
        let sum = host_error(&ctx, kv::increment(key, delta))?;
        to_js(&ctx, Value::from_t(sum), false)
    }

    fn set_with_ttl<'js>(
        ctx: Ctx<'js>,
        key: String,
        value: Js<'js>,
        ttl: Js<'js>,
    ) -> Result<(), Error> {
        let (value, ttl) = (from_js(&ctx, &value)?, time(&ctx, &ttl)?);
        host_error(&ctx, kv::set_with_ttl(key, value, ttl))
    }

    fn increment_with_ttl<'js>(
        ctx: Ctx<'js>,
        key: String,
        delta: Js<'js>,
        ttl: Js<'js>,
    ) -> Result<Js<'js>, Error> {
        let (delta, ttl) = (int(&ctx, &delta)?, time(&ctx, &ttl)?);
        let sum = host_error(&ctx, kv::increment_with_ttl(key, delta, ttl))?;
        to_js(&ctx, Value::from_t(sum), false)
    }

    fn ttl<'js>(ctx: Ctx<'js>, key: String) -> Result<Js<'js>, Error> {
        let left = host_error(&ctx, kv::ttl(key))?;
        to_js(&ctx, left.map_or(Value::None, |left| Value::Duration(left.into())), false)
    }

    fn set_ttl<'js>(ctx: Ctx<'js>, key: String, ttl: Js<'js>) -> Result<bool, Error> {
        let ttl = if ttl.is_undefined() { None } else { Some(time(&ctx, &ttl)?) };
        host_error(&ctx, kv::set_ttl(key, ttl))
    }

    fn int<'js>(ctx: &Ctx<'js>, js: &Js<'js>) -> Result<i64, Error> {
        match from_js(ctx, js)? {
            Value::Number(surrealism::surrealdb_types::Number::Int(int)) => Ok(int),
            _ => Err(throw_type(ctx, "the step of a counter is a whole number")),
        }
    }

    /// Reads a duration, or milliseconds.
    fn time<'js>(ctx: &Ctx<'js>, js: &Js<'js>) -> Result<StdDuration, Error> {
        use surrealism::surrealdb_types::Number;

        match from_js(ctx, js)? {
            Value::Duration(duration) => Ok(duration.into_inner()),
            Value::Number(Number::Int(millis)) if millis >= 0 => {
                Ok(StdDuration::from_millis(millis as u64))
            }
            _ => Err(throw_type(
                ctx,
                "a time to live is a Duration, or a whole number of milliseconds",
            )),
        }
    }
}

/// Without the store's extensions, which the module `surrealism` explains.
#[cfg(not(feature = "extended"))]
mod extended {
    use super::*;

    pub(super) fn install(_: &Object<'_>) -> Result<(), Error> {
        Ok(())
    }
}
