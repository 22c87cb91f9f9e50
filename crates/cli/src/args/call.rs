//! What a command that calls functions is given: grants, limits, the store, the configuration
//! and the database.

use clap::Args;

use crate::args::config::ConfigArgs;
use crate::args::database::DatabaseArgs;
use crate::args::grants::GrantArgs;
use crate::args::limits::LimitArgs;
use crate::args::store::StoreArgs;

/// The surroundings of calls.
#[derive(Debug, Args)]
pub(crate) struct CallArgs {
    #[command(flatten)]
    pub(crate) limits: LimitArgs,

    #[command(flatten)]
    pub(crate) store: StoreArgs,

    #[command(flatten)]
    pub(crate) grants: GrantArgs,

    #[command(flatten)]
    pub(crate) config: ConfigArgs,

    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}
