//! `surrealism-surrealdb` with an embedded database.

mod database;

use std::time::Duration;

use database::{run_suite, runtime, sql};
use surrealdb_types::{Object, SurrealValue, ToSql};
use surrealism_surrealdb::{CallContext, ConnectOptions, Credentials, Database, DatabaseError};

fn connect(address: &str) -> ConnectOptions {
    Database::connect(address).namespace("test").database("test")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_in_memory_passes_the_suite() {
    let database = connect("mem://").max_connections(1).await.unwrap();
    run_suite(&database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_share_their_database_and_databases_are_isolated() {
    let (one, other) = (connect("mem://").await.unwrap(), connect("mem://").await.unwrap());
    one.query("CREATE page:one", Object::new()).await.unwrap();
    let exists = "RETURN record::exists(page:one)";
    let (first, second) =
        tokio::join!(one.query(exists, Object::new()), one.query(exists, Object::new()));
    assert_eq!((first.unwrap(), second.unwrap()), (true.into_value(), true.into_value()));
    assert_eq!(other.query(exists, Object::new()).await.unwrap(), false.into_value());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_stops_the_query() {
    let guest = runtime("host");
    let database = connect("mem://").max_connections(1).await.unwrap();
    let slow = "FOR $i IN 0..20 { SLEEP 100ms; }; CREATE late:one";
    let context = CallContext::new(&guest).database(&database);
    let call = guest.call("sql", (slow.to_string(),), context).timeout(Duration::from_millis(200));
    assert!(call.await.unwrap_err().is_timeout());
    tokio::time::sleep(Duration::from_secs(4)).await;
    let late = sql(&guest, &database, "RETURN record::exists(late:one)", Object::new()).await;
    assert_eq!(late.unwrap(), false.into_value());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_keeps_the_data() {
    let directory = std::env::temp_dir().join(format!("surrealism-{}", std::process::id()));
    let address = format!("surrealkv://{}", directory.display());
    {
        let database = connect(&address).await.unwrap();
        database.query("CREATE page:one SET title = 'kept'", Object::new()).await.unwrap();
    }
    // The engine unlocks the directory a moment after the last connection is closed.
    let again = async {
        loop {
            match connect(&address).await {
                Ok(database) => break database,
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    };
    let database = tokio::time::timeout(Duration::from_secs(10), again).await.unwrap();
    let title = database.query("RETURN page:one.title", Object::new()).await.unwrap();
    assert_eq!(title.to_sql(), "'kept'");
    drop(database);
    let _ = std::fs::remove_dir_all(directory);
}

#[tokio::test]
async fn an_embedded_database_has_no_users() {
    let connect = connect("mem://").credentials(Credentials::root("root", "hunter2"));
    let error = connect.await.unwrap_err();
    assert!(matches!(error, DatabaseError::InvalidConfig(_)), "{error:?}");
    assert!(error.to_string().contains("has every right in it"), "{error}");
}
