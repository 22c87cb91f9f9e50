//! The open file, and the transactions on it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use blocking::unblock;
use redb::{Database, WriteTransaction};

use super::error::TransactionFailure;
use super::group_commit::{Commit, Queue, Waiting};
use super::tables::{Contents, Snapshot, claim};
use crate::{OpenError, StoreError};

pub(super) struct File {
    pub(super) path: PathBuf,
    database: Database,
    queue: Arc<Queue>,
}

impl File {
    pub(super) fn new(path: PathBuf, database: Database) -> Self {
        Self { path, database, queue: Arc::default() }
    }

    /// Answers a query in a read transaction, and then decodes the answer, outside of it.
    pub(super) async fn read<A, T: Send + 'static>(
        self: &Arc<Self>,
        module: Arc<str>,
        query: impl FnOnce(&Snapshot) -> Result<A, TransactionFailure> + Send + 'static,
        decode: impl FnOnce(A) -> anyhow::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let file = self.clone();
        unblock(move || {
            let answer = Snapshot::open(&file.database, &module, now())
                .and_then(|snapshot| query(&snapshot))
                .map_err(|error| error.at(&file.path))?;
            Ok(decode(answer)?)
        })
        .await
    }

    /// Applies a change to the entries of a module: all of it, or none of it with an error. Returns when it
    /// is on the disk.
    pub(super) async fn write<T: Send + 'static>(
        self: &Arc<Self>,
        module: Arc<str>,
        change: impl FnOnce(&mut Contents<'_>) -> Result<T, TransactionFailure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (waiting, outcome) = Waiting::new(module, change);
        if self.queue.push(waiting) {
            let (queue, file) = (self.queue.clone(), Arc::downgrade(self));
            unblock(move || queue.commit_all(&file)).detach();
        }
        let lost = |_| TransactionFailure::Interrupted.at(&self.path);
        outcome.await.map_err(lost)?
    }

    /// Returns the owner of a module's store, which is `owner` if there was none.
    pub(super) fn claim(&self, module: &str, owner: [u8; 32]) -> Result<[u8; 32], OpenError> {
        let claimed = || {
            let transaction = self.begin()?;
            let (current, is_new) = claim(&transaction, module, owner)?;
            if is_new {
                transaction.commit()?;
            }
            Ok(current)
        };
        claimed().map_err(|error: TransactionFailure| error.at(&self.path).into())
    }

    /// Starts a transaction whose commit is durable.
    ///
    /// redb's one-phase commit relies on a checksum that is not cryptographic, and guests choose the bytes
    /// that it covers. So this commits in two phases.
    fn begin(&self) -> Result<WriteTransaction, TransactionFailure> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_two_phase_commit(true);
        Ok(transaction)
    }
}

impl Commit for File {
    /// Expired entries of the modules are removed first. Where there are too many for one transaction,
    /// this removes some of them and does not apply the changes of that module.
    fn commit(&self, group: &mut [Waiting]) -> Result<(), TransactionFailure> {
        let transaction = self.begin()?;
        let (now, mut changed) = (now(), false);
        // A transaction opens the tables of a module once.
        group.sort_by(|a, b| a.module.cmp(&b.module));
        for of_module in group.chunk_by_mut(|a, b| a.module == b.module) {
            let module = of_module[0].module.clone();
            let mut contents = Contents::open(&transaction, &module, now)?;
            if contents.purge_expired()? {
                of_module.iter_mut().try_for_each(|waiting| waiting.apply(&mut contents))?;
            }
            changed |= contents.finish()?;
        }
        if changed {
            transaction.commit()?;
        }
        Ok(())
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

/// Returns the time of the system's clock, which keeps its meaning after a restart, in milliseconds since
/// 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
