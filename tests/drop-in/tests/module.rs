//! SurrealQL statements that define and call modules on this project's runtime.

use std::time::{Duration, Instant};

use drop_in::{database, define, put, query};
use surrealdb::Surreal;
use surrealdb::engine::local::Db;

/// Returns a database with the modules of these archives.
async fn database_with(modules: &[&str]) -> Surreal<Db> {
    let db = database().await.unwrap();
    for module in modules {
        define(&db, module).await.unwrap();
    }
    db
}

/// Runs queries in order and checks each result: the value, or a part of the error.
async fn check(db: &Surreal<Db>, cases: &[(&str, Result<&str, &str>)]) {
    for (text, expected) in cases {
        let result = query(db, text).await.map_err(|error| error.to_string());
        match (result, expected) {
            (Ok(value), Ok(expected)) => assert_eq!(value, *expected, "{text}"),
            (Err(error), Err(part)) => assert!(error.contains(part), "{text}: {error}"),
            (result, expected) => panic!("{text}: {result:?} in place of {expected:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_return_values_and_fail() {
    let db = database_with(&["attribute_matrix"]).await;
    check(
        &db,
        &[
            ("RETURN mod::attribute_matrix('you')", Ok("'hello you'")),
            ("RETURN mod::attribute_matrix::math::add(1, 2)", Ok("3")),
            ("RETURN mod::attribute_matrix::math()", Ok("42")),
            ("RETURN mod::attribute_matrix::math::deep::three()", Ok("3")),
            ("RETURN mod::attribute_matrix::other::renamed(7)", Ok("7")),
            ("RETURN mod::attribute_matrix::optional(NONE, 2)", Ok("2")),
            ("RETURN mod::attribute_matrix::optional(1, 2)", Ok("1")),
            (
                "RETURN mod::attribute_matrix::birthday({ name: 'Ada', age: 36, tags: ['x'] })",
                Ok("{ age: 37, name: 'Ada', tags: ['x'] }"),
            ),
            ("RETURN mod::attribute_matrix::later(21, 1)", Ok("42")),
            ("RETURN mod::attribute_matrix::fail::with_text('no such luck')", Err("no such luck")),
            ("RETURN mod::attribute_matrix::fail::with_context()", Err("outer: inner")),
            (
                "RETURN mod::attribute_matrix::math::add('one', 2)",
                Err("Expected `int` but found `'one'`"),
            ),
            (
                "RETURN mod::attribute_matrix::math::add(1)",
                Err("expects 2 arguments, but 1 were provided"),
            ),
            (
                "RETURN mod::attribute_matrix::math::add(1, 2, 3)",
                Err("expects 2 arguments, but 3 were provided"),
            ),
            (
                "RETURN mod::attribute_matrix::missing()",
                Err("surrealism/attribute_matrix 0.1.0 has no function `missing`"),
            ),
            ("RETURN mod::nowhere::add(1, 2)", Err("The module 'mod::nowhere' does not exist")),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_enriched_from_a_query() {
    let db = database_with(&["text"]).await;
    check(
        &db,
        &[
            ("RETURN mod::text::slug('Crème Brûlée, twice!')", Ok("'creme-brulee-twice'")),
            ("CREATE page:1 SET title = 'Hello, World' RETURN VALUE title", Ok("['Hello, World']")),
            (
                "UPDATE page SET slug = mod::text::slug(title) RETURN VALUE slug",
                Ok("['hello-world']"),
            ),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_query_the_database() {
    let db = database_with(&["host"]).await;
    let function = "DEFINE FUNCTION fn::double($n: int) { RETURN $n * 2 }";
    db.query(function).await.unwrap().check().unwrap();
    check(
        &db,
        &[
            ("RETURN mod::host::run('fn::double', NONE, [21])", Ok("42")),
            (
                "RETURN mod::host::run('fn::missing', NONE, [])",
                Err("The function 'fn::missing' does not exist"),
            ),
            ("RETURN mod::host::sql('RETURN 1 + 1')", Ok("2")),
            ("RETURN mod::host::sql_with_vars('RETURN $x', { x: [1, 2] })", Ok("[1, 2]")),
            (
                "RETURN mod::host::sql('SELECT * FROM nowhere')",
                Err("The table 'nowhere' does not exist"),
            ),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_outlive_calls() {
    let db = database_with(&["host"]).await;
    check(
        &db,
        &[
            ("RETURN mod::host::kv::get('a')", Ok("NONE")),
            ("RETURN mod::host::kv::set('a', { n: 1 })", Ok("NONE")),
            ("RETURN mod::host::kv::get('a')", Ok("{ n: 1 }")),
            ("RETURN mod::host::kv::set_batch(['b', 'c'], [2, 3])", Ok("NONE")),
            ("RETURN mod::host::kv::keys('b..')", Ok("['b', 'c']")),
            ("RETURN mod::host::kv::count('..')", Ok("3")),
            ("RETURN mod::host::kv::del('a')", Ok("NONE")),
            ("RETURN mod::host::kv::exists('a')", Ok("false")),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_attached_files_are_readable() {
    let db = database_with(&["files"]).await;
    let read = query(&db, "RETURN mod::files::read('/hello.txt')").await.unwrap();
    assert!(read.to_lowercase().contains("hello"), "{read}");
    check(
        &db,
        &[
            ("RETURN mod::files::read('/etc/passwd')", Err("No such file or directory")),
            ("RETURN mod::files::environment()", Ok("[]")),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn capabilities_are_denied_unless_granted() {
    let db = database_with(&["no_capabilities"]).await;
    check(&db, &[("RETURN mod::no_capabilities::sql('RETURN 1')", Err("allow_arbitrary_queries"))])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_ends_a_looping_guest() {
    let db = database_with(&["hostile", "attribute_matrix"]).await;
    let start = Instant::now();
    let error =
        query(&db, "SELECT * FROM mod::hostile::spin_forever() TIMEOUT 300ms").await.unwrap_err();
    assert!(error.to_string().contains("exceeded the timeout: 300ms"), "{error}");
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(290) && took < Duration::from_secs(5), "{took:?}");
    check(
        &db,
        &[
            ("RETURN mod::hostile::alive()", Ok("true")),
            (
                "RETURN mod::hostile::panics('by accident')",
                Err("function `panics` of surrealism/hostile 0.1.0 panicked: by accident"),
            ),
            ("RETURN mod::hostile::alive()", Ok("true")),
            ("RETURN mod::attribute_matrix::math::add(1, 2)", Ok("3")),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_queries_call_modules() {
    let db = database_with(&["attribute_matrix", "host"]).await;
    let callers = (0..64_i64).map(|caller| {
        let db = db.clone();
        tokio::spawn(async move {
            for call in 0..20_i64 {
                let sum = format!("RETURN mod::attribute_matrix::math::add({caller}, {call})");
                assert_eq!(query(&db, &sum).await.unwrap(), (caller + call).to_string());
                let key = format!("RETURN mod::host::kv::set('{caller}', {call})");
                query(&db, &key).await.unwrap();
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    check(&db, &[("RETURN mod::host::kv::count('..')", Ok("64"))]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn modules_are_listed_removed_and_redefined() {
    let db = database_with(&["attribute_matrix"]).await;
    let info = query(&db, "INFO FOR DB").await.unwrap();
    assert!(info.contains("mod::attribute_matrix"), "{info}");
    check(&db, &[("RETURN mod::attribute_matrix::math::add(1, 2)", Ok("3"))]).await;
    query(&db, "REMOVE MODULE mod::attribute_matrix").await.unwrap();
    check(
        &db,
        &[(
            "RETURN mod::attribute_matrix::math::add(1, 2)",
            Err("The module 'mod::attribute_matrix' does not exist"),
        )],
    )
    .await;
    define(&db, "attribute_matrix").await.unwrap();
    check(&db, &[("RETURN mod::attribute_matrix::math::add(1, 2)", Ok("3"))]).await;

    put(&db, "state").await.unwrap();
    let other =
        "DEFINE MODULE OVERWRITE mod::attribute_matrix FROM f'archives:/state.surli' UNSIGNED";
    query(&db, other).await.unwrap();
    check(
        &db,
        &[
            ("RETURN mod::attribute_matrix::inits()", Ok("1")),
            (
                "RETURN mod::attribute_matrix::math::add(1, 2)",
                Err("surrealism/state 0.1.0 has no function `math::add`"),
            ),
        ],
    )
    .await;
}
