//! `--db` and the credentials for it: the database behind `sql` and `run`.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use surrealism_surrealdb::{Credentials, Database};

use crate::error::{CliResult, ExitCode, ExitContext};

/// The address of a database and the credentials for it.
#[derive(Args)]
#[command(next_help_heading = "Database")]
pub(crate) struct DatabaseArgs {
    /// Database that answers `sql` and `run`: ws://, wss://, http:// or https://. Needs a command that was
    /// installed with `--features database`; with `embedded`, mem:// and surrealkv://DIRECTORY are others
    #[arg(long, value_name = "URL")]
    db: Option<String>,

    /// Namespace to use
    #[arg(long, value_name = "NAME", requires = "db")]
    ns: Option<String>,

    /// Database to use in the namespace
    #[arg(long, value_name = "NAME", requires = "ns")]
    database: Option<String>,

    /// User to sign in as
    #[arg(long, value_name = "NAME", env = "SURREALISM_DB_USER", hide_env_values = true)]
    user: Option<String>,

    /// Password of the user. Prefer the variable: other users of this machine can see arguments
    #[arg(long, value_name = "TEXT", env = "SURREALISM_DB_PASS", hide_env_values = true)]
    pass: Option<String>,

    /// Token to sign in with, instead of a user
    #[arg(long, value_name = "JWT", env = "SURREALISM_DB_TOKEN", hide_env_values = true)]
    token: Option<String>,

    /// Level at which the user is defined
    #[arg(long, value_name = "LEVEL", default_value = "root", requires = "db")]
    auth_level: AuthLevel,

    /// PEM file with a certificate authority to trust in addition to the public ones
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
    /// Returns whether the command line names a database.
    pub(crate) fn is_set(&self) -> bool {
        self.db.is_some()
    }

    /// Connects to the database, if the command line names one. Each query is limited to `timeout`.
    pub(crate) async fn connect(&self, timeout: Duration) -> CliResult<Option<Database>> {
        let Some(address) = &self.db else { return Ok(None) };
        let mut options = Database::connect(address).query_timeout(timeout);
        if let Some(name) = &self.ns {
            options = options.namespace(name);
        }
        if let Some(name) = &self.database {
            options = options.database(name);
        }
        if let Some(credentials) = self.credentials().exit_code(ExitCode::Usage)? {
            options = options.credentials(credentials);
        }
        if let Some(file) = &self.ca {
            let pem = fs::read(file).with_context(|| format!("cannot read {}", file.display()));
            options = options.certificate_authority(pem.exit_code(ExitCode::Usage)?);
        }
        Ok(Some(options.await?))
    }

    fn credentials(&self) -> anyhow::Result<Option<Credentials>> {
        let user_credentials = match self.auth_level {
            AuthLevel::Root => Credentials::root,
            AuthLevel::Namespace => Credentials::namespace,
            AuthLevel::Database => Credentials::database,
        };
        Ok(match (&self.token, &self.user, &self.pass) {
            (Some(token), None, None) => Some(Credentials::token(token)),
            (Some(_), ..) => bail!(
                "cannot sign in: both a token and a user are set; remove one of them from the options \
                 or from the variables SURREALISM_DB_TOKEN, SURREALISM_DB_USER and SURREALISM_DB_PASS"
            ),
            (None, Some(user), Some(pass)) => Some(user_credentials(user, pass)),
            (None, None, None) => None,
            (None, Some(_), None) => bail!(
                "cannot sign in: the user has no password; set SURREALISM_DB_PASS or `--pass`"
            ),
            (None, None, Some(_)) => bail!(
                "cannot sign in: the password has no user; set SURREALISM_DB_USER or `--user`"
            ),
        })
    }
}

/// Leaves out the credentials, and the address, which may contain some.
impl std::fmt::Debug for DatabaseArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DatabaseArgs").finish_non_exhaustive()
    }
}
