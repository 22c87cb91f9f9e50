//! Helpers of the tests and the measurement: a database in memory with modules enabled, and the archives of
//! this repository.

use std::path::{Path, PathBuf};

use surrealdb::Surreal;
use surrealdb::engine::local::{Db, Mem};
use surrealdb::opt::Config;
use surrealdb::opt::capabilities::{Capabilities, ExperimentalFeature};
use surrealdb::types::{Bytes, ToSql, Value};

/// Returns a database in memory with an empty bucket `archives`.
pub async fn database() -> surrealdb::Result<Surreal<Db>> {
    let capabilities = Capabilities::all().with_experimental_features_allowed(&[
        ExperimentalFeature::Files,
        ExperimentalFeature::Surrealism,
    ]);
    let db = Surreal::new::<Mem>(Config::new().capabilities(capabilities)).await?;
    db.use_ns("test").use_db("test").await?;
    db.query("DEFINE BUCKET archives BACKEND 'memory'").await?.check()?;
    Ok(db)
}

/// Puts an archive that `cargo xtask guests` built into the bucket.
pub async fn put(db: &Surreal<Db>, name: &str) -> surrealdb::Result<()> {
    let path = archives().join(format!("{name}.surli"));
    let archive = std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}: run `cargo xtask guests`", path.display()));
    db.query(format!("f'archives:/{name}.surli'.put($archive)"))
        .bind(("archive", Bytes::from(archive)))
        .await?
        .check()?;
    Ok(())
}

/// Returns the directory of the archives, from either of the two workspaces that compile this file.
fn archives() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .map(|directory| directory.join("target/guests"))
        .find(|directory| directory.is_dir())
        .expect("the test guests are built: `cargo xtask guests`")
}

/// Puts an archive into the bucket and defines the module of the same name.
pub async fn define(db: &Surreal<Db>, name: &str) -> surrealdb::Result<()> {
    put(db, name).await?;
    let define = format!("DEFINE MODULE mod::{name} FROM f'archives:/{name}.surli' UNSIGNED");
    db.query(define).await?.check()?;
    Ok(())
}

/// Runs a query of one statement and returns its value as SurrealQL.
pub async fn query(db: &Surreal<Db>, query: &str) -> surrealdb::Result<String> {
    let value: Value = db.query(query).await?.take(0)?;
    Ok(value.to_sql())
}
