//! `surrealism-surrealdb` with a real server.

mod database;

use std::time::{Duration, Instant};

use database::{PASSWORD, Server, run, run_suite, runtime, sql, text};
use surrealdb_types::{Object, SurrealValue, ToSql};
use surrealism_surrealdb::{CallContext, Credentials, Database, DatabaseError};

#[tokio::test]
async fn a_server_passes_the_suite_over_both_protocols() {
    let server = Server::start();
    for scheme in ["ws", "http"] {
        let database = server.connect(scheme, scheme).max_connections(1).await.unwrap();
        run_suite(&database).await;
    }
}

/// Over a WebSocket the closed connection stops the query. Over HTTP the server does not notice.
#[tokio::test]
async fn a_deadline_gives_the_query_up() {
    let server = Server::start();
    let guest = runtime("host");
    for (scheme, stops) in [("ws", true), ("http", false)] {
        let database = server.connect(scheme, scheme).max_connections(1).await.unwrap();
        let deadline = Duration::from_millis(200);
        let slow = "FOR $i IN 0..20 { SLEEP 100ms; }; CREATE late:one";
        let began = Instant::now();
        let context = CallContext::new(&guest).database(&database);
        let call = guest.call("sql", (slow.to_string(),), context).timeout(deadline);
        assert!(call.await.unwrap_err().is_timeout());
        assert!(began.elapsed() < Duration::from_secs(1), "{scheme}: {:?}", began.elapsed());

        // The pool replaced its only connection.
        assert_eq!(sql(&guest, &database, "RETURN 1", Object::new()).await.unwrap().to_sql(), "1");
        tokio::time::sleep(Duration::from_secs(4)).await;
        let late = sql(&guest, &database, "RETURN record::exists(late:one)", Object::new()).await;
        assert_eq!(late.unwrap(), (!stops).into_value(), "{scheme}");
    }
}

#[tokio::test]
async fn the_query_timeout_ends_a_query() {
    let server = Server::start();
    let limit = Duration::from_millis(200);
    let database = server.connect("ws", "d").query_timeout(limit).await.unwrap();
    let error = database.query("SLEEP 10s", Object::new()).await.unwrap_err();
    assert!(matches!(error, DatabaseError::Timeout { .. }), "{error:?}");
    assert!(
        error.to_string().contains("did not answer within the query timeout of 200ms"),
        "{error}"
    );
}

#[tokio::test]
async fn a_restarted_server_is_reconnected() {
    let server = Server::start();
    let guest = runtime("host");
    let database = server.connect("ws", "d").query_timeout(Duration::from_secs(2)).await.unwrap();
    sql(&guest, &database, "RETURN 1", Object::new()).await.unwrap();

    let under_way = tokio::spawn({
        let (guest, database) = (guest.clone(), database.clone());
        async move { sql(&guest, &database, "SLEEP 60s", Object::new()).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let port = server.kill();
    let began = Instant::now();
    let error = under_way.await.unwrap().unwrap_err().to_string();
    assert!(error.contains("did not answer the query, which may have been executed"), "{error}");
    for _ in 0..3 {
        let error =
            sql(&guest, &database, "RETURN 1", Object::new()).await.unwrap_err().to_string();
        assert!(error.contains("the database at ws://127.0.0.1"), "{error}");
    }
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());

    let _server = Server::start_at(port, &[]);
    let answer = sql(&guest, &database, "RETURN session::db()", Object::new()).await.unwrap();
    assert_eq!(answer, text("d"));
}

#[tokio::test]
async fn queries_have_the_rights_of_the_credentials() {
    let server = Server::start();
    let root = server.connect("ws", "d").await.unwrap();
    let define = format!(
        "DEFINE USER app ON DATABASE PASSWORD '{PASSWORD}' ROLES VIEWER;
         DEFINE USER boss ON NAMESPACE PASSWORD '{PASSWORD}' ROLES OWNER;
         CREATE page:one"
    );
    root.query(&define, Object::new()).await.unwrap();
    let as_user = |credentials| {
        Database::connect(server.address("ws"))
            .namespace("test")
            .database("d")
            .credentials(credentials)
    };
    for (credentials, writes) in [
        (Credentials::database("app", PASSWORD), false),
        (Credentials::namespace("boss", PASSWORD), true),
        (Credentials::root("root", PASSWORD), true),
    ] {
        let database = as_user(credentials).await.unwrap();
        let pages = database.query("SELECT VALUE id FROM page:one", Object::new()).await.unwrap();
        assert_eq!(pages.to_sql(), "[page:one]");
        // Without the right, the database silently writes nothing.
        let _ = database.query("UPDATE page:one SET by = session::ac()", Object::new()).await;
        let _ = database.query("UPSERT page:two", Object::new()).await;
        let two = root.query("RETURN record::exists(page:two)", Object::new()).await.unwrap();
        assert_eq!(two, writes.into_value());
        root.query("DELETE page:two", Object::new()).await.unwrap();
    }
    for credentials in [
        Credentials::root("root", "wrong-secret"),
        Credentials::database("app", "wrong-secret"),
        Credentials::token("wrong-secret"),
    ] {
        let error = as_user(credentials).await.unwrap_err();
        assert!(matches!(error, DatabaseError::AuthRejected { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("wrong-secret"), "{error:?}");
    }
    assert!(!format!("{root:?}").contains(PASSWORD));
}

#[tokio::test]
async fn many_calls_share_few_connections() {
    let server = Server::start();
    let guest = runtime("host");
    let database = server.connect("ws", "d").max_connections(2).await.unwrap();
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..100_i64 {
        let (guest, database) = (guest.clone(), database.clone());
        calls.spawn(async move {
            let answer = run(&guest, &database, "math::abs", vec![(-number).into_value()]).await;
            assert_eq!(answer.unwrap(), number.into_value());
        });
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap();
    }
}

#[tokio::test]
async fn a_table_is_enriched_through_a_plugin() {
    let server = Server::start();
    let text = runtime("text");
    let database = server.connect("ws", "enrich").await.unwrap();
    for _ in 0..2 {
        enrich::fill(&database).await.unwrap();
    }
    let define = format!("DEFINE USER app ON DATABASE PASSWORD '{PASSWORD}' ROLES VIEWER");
    database.query(&define, Object::new()).await.unwrap();
    let reader = Database::connect(server.address("ws"))
        .namespace("test")
        .database("enrich")
        .credentials(Credentials::database("app", PASSWORD))
        .await
        .unwrap();
    let error = enrich::enrich(&reader, &text).await.unwrap_err().to_string();
    assert!(error.contains("38 were not written"), "{error}");

    assert_eq!(enrich::enrich(&database, &text).await.unwrap(), 38);
    assert_eq!(enrich::enrich(&database, &text).await.unwrap(), 0, "records were enriched twice");

    let languages = enrich::languages(&database).await.unwrap();
    let texts: i64 = languages.iter().map(|language| language.texts).sum();
    assert_eq!(texts, 38);
    for (name, least) in [("English", 5), ("German", 5), ("French", 4), ("Japanese", 2)] {
        let found = languages.iter().find(|language| language.name.as_deref() == Some(name));
        assert!(found.is_some_and(|found| found.texts >= least), "{name}: {languages:?}");
    }
    let slugs = "RETURN array::sort(SELECT VALUE slug FROM opening WHERE author = 'Franz Kafka')";
    let slugs = database.query(slugs, Object::new()).await.unwrap();
    assert_eq!(slugs.to_sql(), "['der-prozess', 'die-verwandlung']");
}
