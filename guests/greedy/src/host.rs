//! Attacks through the functions of the host: queries, functions, the key-value store.

use surrealism::surrealdb_types::Value;
use surrealism::{anyhow, kv};

use crate::{repeat, unknown};

pub(crate) fn attack(name: &str, size: usize, text: &str) -> anyhow::Result<u64> {
    let key = |number: usize| format!("{number:08}");
    match name {
        "query for ever" => repeat(|| surrealism::sql::<_, Value>(text)),
        "a long query" => surrealism::sql::<_, Value>("x".repeat(size)).map(|_| 1),
        "call for ever" => repeat(|| {
            let args = vec![Value::String(text.to_string())];
            surrealism::run::<_, _, Value>("fn::f", None, args)
        }),
        "a long argument" => {
            let args = vec![Value::String("x".repeat(size))];
            surrealism::run::<_, _, Value>("fn::f", None, args).map(|_| 1)
        }
        "count for ever" => repeat(|| kv::count(..)),
        "list keys for ever" => loop {
            let _ = kv::keys(..);
        },
        "list entries for ever" => loop {
            let _ = kv::entries::<_, Value>(..);
        },
        "delete all" => kv::del_rng(..).map(|()| 1),
        "fill" => {
            let mut number = 0;
            repeat(|| {
                number += 1;
                kv::set(key(number), ())
            })
        }
        "many keys" => {
            kv::get_batch::<_, _, Value>(std::iter::repeat_n("x", size)).map(|all| all.len() as u64)
        }
        "the same key" => kv::get_batch::<_, _, Value>(std::iter::repeat_n(text, size))
            .map(|all| all.len() as u64),
        "many entries" => kv::set_batch((0..size).map(|number| (key(number), ()))).map(|()| 1),
        "a large value" => kv::set("large", "x".repeat(size)).map(|()| 1),
        "keep large values" => {
            let mut number = 0;
            repeat(|| {
                number += 1;
                kv::set(key(number), "x".repeat(size))
            })
        }
        _ => unknown(name),
    }
}
