//! The database crate with a database inside the process.

mod database;

use std::time::Duration;

use database::{holds, runtime, sql};
use surrealdb_types::{Object, SurrealValue, ToSql};
use surrealism_surrealdb::{CallContext, ConnectOptions, Credentials, Database, DatabaseError};

fn connect(address: &str) -> ConnectOptions {
    Database::connect(address).namespace("test").database("test")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_in_memory_answers() {
    let database = connect("mem://").max_connections(1).await.unwrap();
    holds(&database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_to_one_database_and_databases_are_apart() {
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
async fn a_folder_keeps_what_is_written() {
    let folder = std::env::temp_dir().join(format!("surrealism-{}", std::process::id()));
    let address = format!("surrealkv://{}", folder.display());
    {
        let database = connect(&address).await.unwrap();
        database.query("CREATE page:one SET title = 'kept'", Object::new()).await.unwrap();
    }
    // The engine lets go of the folder a moment after the last connection has gone.
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
    let _ = std::fs::remove_dir_all(folder);
}

#[tokio::test]
async fn it_has_no_users() {
    let connect = connect("mem://").credentials(Credentials::root("root", "hunter2"));
    let error = connect.await.unwrap_err();
    assert!(matches!(error, DatabaseError::InvalidConfig(_)), "{error:?}");
    assert!(error.to_string().contains("which has every right in it"), "{error}");
}
