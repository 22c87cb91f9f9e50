//! SurrealDB's own statements, with modules on this project's runtime.

use std::time::{Duration, Instant};

use drop_in::{ask, database, define, put};
use surrealdb::Surreal;
use surrealdb::engine::local::Db;

/// A database with modules of these names.
async fn with(modules: &[&str]) -> Surreal<Db> {
    let db = database().await.unwrap();
    for module in modules {
        define(&db, module).await.unwrap();
    }
    db
}

/// Runs queries in order; each answers what stands beside it, or fails with an error that has it.
async fn check(db: &Surreal<Db>, cases: &[(&str, Result<&str, &str>)]) {
    for (query, expected) in cases {
        let answer = ask(db, query).await.map_err(|error| error.to_string());
        match (answer, expected) {
            (Ok(answer), Ok(expected)) => assert_eq!(answer, *expected, "{query}"),
            (Err(error), Err(part)) => assert!(error.contains(part), "{query}: {error}"),
            (answer, expected) => panic!("{query}: {answer:?} in place of {expected:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_answer_and_fail() {
    let db = with(&["calls"]).await;
    check(
        &db,
        &[
            ("RETURN mod::calls('you')", Ok("'hello you'")),
            ("RETURN mod::calls::math::add(1, 2)", Ok("3")),
            ("RETURN mod::calls::math()", Ok("42")),
            ("RETURN mod::calls::math::deep::three()", Ok("3")),
            ("RETURN mod::calls::other::renamed(7)", Ok("7")),
            ("RETURN mod::calls::optional(NONE, 2)", Ok("2")),
            ("RETURN mod::calls::optional(1, 2)", Ok("1")),
            (
                "RETURN mod::calls::birthday({ name: 'Ada', age: 36, tags: ['x'] })",
                Ok("{ age: 37, name: 'Ada', tags: ['x'] }"),
            ),
            ("RETURN mod::calls::later(21, 1)", Ok("42")),
            ("RETURN mod::calls::fail::with_text('no such luck')", Err("no such luck")),
            ("RETURN mod::calls::fail::with_context()", Err("outer: inner")),
            ("RETURN mod::calls::math::add('one', 2)", Err("Expected `int` but found `'one'`")),
            ("RETURN mod::calls::math::add(1)", Err("expects 2 arguments, but 1 were provided")),
            (
                "RETURN mod::calls::math::add(1, 2, 3)",
                Err("expects 2 arguments, but 3 were provided"),
            ),
            (
                "RETURN mod::calls::missing()",
                Err("surrealism/calls 0.1.0 has no function `missing`"),
            ),
            ("RETURN mod::nowhere::add(1, 2)", Err("The module 'mod::nowhere' does not exist")),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_enriched_from_a_query() {
    let db = with(&["text"]).await;
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
async fn guests_ask_the_database() {
    let db = with(&["host"]).await;
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
    let db = with(&["host"]).await;
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
async fn attached_files_are_read_and_nothing_else() {
    let db = with(&["files"]).await;
    let read = ask(&db, "RETURN mod::files::read('/hello.txt')").await.unwrap();
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
    let db = with(&["denied"]).await;
    check(&db, &[("RETURN mod::denied::sql('RETURN 1')", Err("allow_arbitrary_queries"))]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_ends_a_guest_that_spins() {
    let db = with(&["hostile", "calls"]).await;
    let start = Instant::now();
    let error =
        ask(&db, "SELECT * FROM mod::hostile::spin_forever() TIMEOUT 300ms").await.unwrap_err();
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
            ("RETURN mod::calls::math::add(1, 2)", Ok("3")),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_queries_call_at_once() {
    let db = with(&["calls", "host"]).await;
    let callers = (0..64_i64).map(|caller| {
        let db = db.clone();
        tokio::spawn(async move {
            for call in 0..20_i64 {
                let sum = format!("RETURN mod::calls::math::add({caller}, {call})");
                assert_eq!(ask(&db, &sum).await.unwrap(), (caller + call).to_string());
                let key = format!("RETURN mod::host::kv::set('{caller}', {call})");
                ask(&db, &key).await.unwrap();
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    check(&db, &[("RETURN mod::host::kv::count('..')", Ok("64"))]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn modules_are_shown_removed_and_defined_again() {
    let db = with(&["calls"]).await;
    let info = ask(&db, "INFO FOR DB").await.unwrap();
    assert!(info.contains("mod::calls"), "{info}");
    check(&db, &[("RETURN mod::calls::math::add(1, 2)", Ok("3"))]).await;
    ask(&db, "REMOVE MODULE mod::calls").await.unwrap();
    check(
        &db,
        &[("RETURN mod::calls::math::add(1, 2)", Err("The module 'mod::calls' does not exist"))],
    )
    .await;
    define(&db, "calls").await.unwrap();
    check(&db, &[("RETURN mod::calls::math::add(1, 2)", Ok("3"))]).await;

    put(&db, "state").await.unwrap();
    let other = "DEFINE MODULE OVERWRITE mod::calls FROM f'archives:/state.surli' UNSIGNED";
    ask(&db, other).await.unwrap();
    check(
        &db,
        &[
            ("RETURN mod::calls::inits()", Ok("1")),
            (
                "RETURN mod::calls::math::add(1, 2)",
                Err("surrealism/state 0.1.0 has no function `math::add`"),
            ),
        ],
    )
    .await;
}
