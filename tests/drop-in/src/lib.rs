//! What the tests and the measurement share: a database in memory that may have modules, and the
//! archives of this repository in it.

use std::path::{Path, PathBuf};

use surrealdb::Surreal;
use surrealdb::engine::local::{Db, Mem};
use surrealdb::opt::Config;
use surrealdb::opt::capabilities::{Capabilities, ExperimentalFeature};
use surrealdb::types::{Bytes, ToSql, Value};

/// A database in memory, with a bucket `archives` and nothing in it.
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

/// Puts an archive of `cargo xtask guests` into the bucket.
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

/// Where the archives lie, from whichever of the two workspaces this is built in.
fn archives() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .map(|folder| folder.join("target/guests"))
        .find(|folder| folder.is_dir())
        .expect("the test guests are built: `cargo xtask guests`")
}

/// Puts an archive into the bucket, and makes it the module of its name.
pub async fn define(db: &Surreal<Db>, name: &str) -> surrealdb::Result<()> {
    put(db, name).await?;
    let define = format!("DEFINE MODULE mod::{name} FROM f'archives:/{name}.surli' UNSIGNED");
    db.query(define).await?.check()?;
    Ok(())
}

/// What a query of one statement answers, as SurrealQL.
pub async fn ask(db: &Surreal<Db>, query: &str) -> surrealdb::Result<String> {
    let answer: Value = db.query(query).await?.take(0)?;
    Ok(answer.to_sql())
}
