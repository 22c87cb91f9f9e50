//! Which database a call is lent, for `run` and `repl`.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, ValueEnum};
use surrealism_surrealdb::{Credentials, Database};

use crate::exit::{Code, OrExit, Outcome};

/// How to reach it and who to be there.
#[derive(Args)]
#[command(next_help_heading = "Database")]
pub(crate) struct DatabaseArgs {
    /// The database behind `sql` and `run`: ws://, wss://, http:// or https://
    #[arg(long, value_name = "URL")]
    db: Option<String>,

    /// The namespace that queries begin in
    #[arg(long, value_name = "NAME", requires = "db")]
    ns: Option<String>,

    /// The database that queries begin in
    #[arg(long, value_name = "NAME", requires = "ns")]
    database: Option<String>,

    /// Who to sign in as
    #[arg(long, value_name = "NAME", env = "SURREALISM_DB_USER", hide_env_values = true)]
    user: Option<String>,

    /// The user's password; other users of this machine see it here, and not in the variable
    #[arg(long, value_name = "TEXT", env = "SURREALISM_DB_PASS", hide_env_values = true)]
    pass: Option<String>,

    /// A token to sign in with, in place of a user
    #[arg(long, value_name = "JWT", env = "SURREALISM_DB_TOKEN", hide_env_values = true)]
    token: Option<String>,

    /// Where the user is defined
    #[arg(long, value_name = "LEVEL", default_value = "root", requires = "db")]
    auth_level: AuthLevel,

    /// Also trust servers whose certificates come from this authority, a PEM file
    #[arg(long, value_name = "FILE", requires = "db")]
    ca: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum AuthLevel {
    Root,
    Namespace,
    Database,
}

impl DatabaseArgs {
    /// Connects, if a database was named. A query may take `timeout`.
    pub(crate) async fn connect(&self, timeout: Duration) -> Outcome<Option<Database>> {
        let Some(address) = &self.db else { return Ok(None) };
        let mut connect = Database::connect(address).query_timeout(timeout);
        if let Some(name) = &self.ns {
            connect = connect.namespace(name);
        }
        if let Some(name) = &self.database {
            connect = connect.database(name);
        }
        if let Some(credentials) = self.credentials().or_exit(Code::Usage)? {
            connect = connect.credentials(credentials);
        }
        if let Some(file) = &self.ca {
            let pem = fs::read(file).with_context(|| format!("cannot read {}", file.display()));
            connect = connect.certificate_authority(pem.or_exit(Code::Usage)?);
        }
        Ok(Some(connect.await.map_err(anyhow::Error::from)?))
    }

    fn credentials(&self) -> anyhow::Result<Option<Credentials>> {
        let of_level = |user: &String, pass: &String| match self.auth_level {
            AuthLevel::Root => Credentials::root(user, pass),
            AuthLevel::Namespace => Credentials::namespace(user, pass),
            AuthLevel::Database => Credentials::database(user, pass),
        };
        Ok(match (&self.token, &self.user, &self.pass) {
            (Some(token), None, None) => Some(Credentials::token(token)),
            (Some(_), ..) => anyhow::bail!(
                "there is a token to sign in with, and a user: take one of them away, of the options \
                 and of the variables SURREALISM_DB_TOKEN, SURREALISM_DB_USER and SURREALISM_DB_PASS"
            ),
            (None, Some(user), Some(pass)) => Some(of_level(user, pass)),
            (None, None, None) => None,
            (None, Some(_), None) => {
                anyhow::bail!("the user needs a password: set SURREALISM_DB_PASS, or give `--pass`")
            }
            (None, None, Some(_)) => {
                anyhow::bail!("the password needs a user: set SURREALISM_DB_USER, or give `--user`")
            }
        })
    }
}

impl std::fmt::Debug for DatabaseArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DatabaseArgs").field("db", &self.db).finish_non_exhaustive()
    }
}
