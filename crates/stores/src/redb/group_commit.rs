//! Group commit: writes that arrive while a transaction is flushed share the next one.
//!
//! A commit costs two flushes of the disk, whatever it contains. A write is acknowledged after the flushes
//! of its own transaction.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::oneshot;

use super::error::TransactionFailure;
use super::tables::Contents;
use crate::StoreError;
use crate::limits::MAX_GROUPED_WRITES;

/// The writes that wait for a transaction.
#[derive(Default)]
pub(super) struct Queue(Mutex<State>);

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    /// Whether a thread commits what waits.
    is_committing: bool,
}

/// A file that applies writes in one transaction.
pub(super) trait Commit {
    /// Applies the writes that it can, and flushes them. After an error, nothing has changed.
    fn commit(&self, group: &mut [Waiting]) -> Result<(), TransactionFailure>;

    fn path(&self) -> &Path;
}

/// A write that waits for its transaction.
pub(super) struct Waiting {
    pub(super) module: Arc<str>,
    change: Box<dyn Change>,
}

trait Change: Send {
    /// Whether the caller dropped its future.
    fn is_abandoned(&self) -> bool;

    /// Applies the change once, and keeps its result, which may be a refusal. Fails if the transaction did.
    fn apply(&mut self, contents: &mut Contents<'_>) -> Result<(), TransactionFailure>;

    fn is_applied(&self) -> bool;

    /// Tells the caller the result.
    fn acknowledge(self: Box<Self>, committed: Result<(), StoreError>);
}

struct ChangeOf<C, T> {
    change: Option<C>,
    result: Option<Result<T, StoreError>>,
    caller: oneshot::Sender<Result<T, StoreError>>,
}

impl<C, T> Change for ChangeOf<C, T>
where
    C: FnOnce(&mut Contents<'_>) -> Result<T, TransactionFailure> + Send,
    T: Send,
{
    fn is_abandoned(&self) -> bool {
        self.caller.is_closed()
    }

    fn apply(&mut self, contents: &mut Contents<'_>) -> Result<(), TransactionFailure> {
        let Some(change) = self.change.take() else { return Ok(()) };
        let changes_before = contents.changes();
        self.result = Some(match change(contents) {
            Ok(result) => Ok(result),
            Err(TransactionFailure::Rejected(reason)) => {
                // Others share the transaction, so it is not dropped.
                assert_eq!(
                    contents.changes(),
                    changes_before,
                    "a refused change was applied in part"
                );
                Err(StoreError::Rejected(reason))
            }
            Err(failure) => return Err(failure),
        });
        Ok(())
    }

    fn is_applied(&self) -> bool {
        self.result.is_some()
    }

    fn acknowledge(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { result, caller, .. } = *self;
        // The caller may be gone.
        let _ = caller.send(committed.and_then(|()| result.expect("it was applied")));
    }
}

impl Waiting {
    /// Returns a change of a module's entries, and where its result arrives.
    pub(super) fn new<T: Send + 'static>(
        module: Arc<str>,
        change: impl FnOnce(&mut Contents<'_>) -> Result<T, TransactionFailure> + Send + 'static,
    ) -> (Self, oneshot::Receiver<Result<T, StoreError>>) {
        let (caller, outcome) = oneshot::channel();
        let change = Box::new(ChangeOf { change: Some(change), result: None, caller });
        (Self { module, change }, outcome)
    }

    pub(super) fn apply(&mut self, contents: &mut Contents<'_>) -> Result<(), TransactionFailure> {
        self.change.apply(contents)
    }
}

impl Queue {
    /// Adds a write. Returns whether the caller has to [commit](Self::commit_all), since no thread does.
    pub(super) fn push(&self, waiting: Waiting) -> bool {
        let mut state = self.lock();
        state.waiting.push_back(waiting);
        !std::mem::replace(&mut state.is_committing, true)
    }

    /// Commits until nothing waits.
    pub(super) fn commit_all(&self, file: &Weak<impl Commit>) {
        let _on_panic = Abandon(self);
        while let Some(mut group) = self.next_group() {
            // A caller that waits has the file open.
            let Some(file) = file.upgrade() else { continue };
            let committed = file.commit(&mut group);
            let path = file.path().to_path_buf();
            // Before the callers know: one of them may close the file and open it again.
            drop(file);
            let failure = committed.err();
            let is_done = |waiting: &Waiting| failure.is_some() || waiting.change.is_applied();
            let (done, postponed): (Vec<_>, Vec<_>) = group.into_iter().partition(is_done);
            self.put_back(postponed);
            for waiting in done {
                let failure = failure.as_ref().map(|failure| failure.share().at(&path));
                waiting.change.acknowledge(failure.map_or(Ok(()), Err));
            }
        }
    }

    /// Returns the writes that waited the longest, or `None`, after which another thread has to commit.
    fn next_group(&self) -> Option<Vec<Waiting>> {
        let mut state = self.lock();
        state.waiting.retain(|waiting| !waiting.change.is_abandoned());
        state.is_committing = !state.waiting.is_empty();
        let count = state.waiting.len().min(MAX_GROUPED_WRITES);
        (count > 0).then(|| state.waiting.drain(..count).collect())
    }

    fn put_back(&self, postponed: Vec<Waiting>) {
        let mut state = self.lock();
        postponed.into_iter().rev().for_each(|waiting| state.waiting.push_front(waiting));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops what waits when the committing thread panics, so that its callers get an error.
struct Abandon<'a>(&'a Queue);

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            *self.0.lock() = State::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use futures::executor::block_on;
    use futures::future::join_all;
    use surrealism_runtime::KVStore;
    use surrealism_runtime::limits::KvLimits;

    use super::super::disk::Disk;
    use crate::{RedbDatabase, StoreError};

    /// Its callers get an error, and later ones a new thread.
    #[test]
    fn a_panic_leaves_no_caller_waiting() {
        let database = RedbDatabase::on_backend("kv.redb", Disk::new());
        let store = database.module("acme/a", KvLimits::default()).unwrap();
        block_on(store.increment("sum".into(), 1)).unwrap();
        let panics = database.0.write::<()>("acme/a".into(), |_| panic!("on purpose"));
        let (panicked, _) =
            block_on(futures::future::join(panics, store.increment("sum".into(), 1)));
        let error = panicked.unwrap_err();
        assert!(matches!(error, StoreError::File { .. }), "{error:?}");
        // An error or a sum, but an answer.
        let _ = block_on(store.increment("sum".into(), 1));
    }

    /// Among the writes are those of other modules, and some that are refused.
    #[test]
    fn writes_that_wait_share_a_transaction() {
        let disk = Disk::new();
        let (database, flushes) = (RedbDatabase::on_backend("kv.redb", disk.clone()), disk.flushes);
        let stores = ["acme/a", "acme/b", "acme/c"]
            .map(|name| database.module(name, KvLimits::default()).unwrap());
        for store in &stores {
            block_on(store.increment("sum".into(), 0)).unwrap();
        }
        let before = flushes.load(Ordering::Relaxed);
        block_on(stores[0].increment("sum".into(), 1)).unwrap();
        let for_one = flushes.load(Ordering::Relaxed) - before;

        let before = flushes.load(Ordering::Relaxed);
        let full = KvLimits { max_entries: Some(0), ..KvLimits::default() };
        let full = database.module("acme/full", full).unwrap();
        let added = (0..63).map(|caller| stores[caller % 3].increment("sum".into(), 1));
        let refused = (0..8).map(|_| full.increment("sum".into(), 1));
        let (added, refused) = block_on(futures::future::join(join_all(added), join_all(refused)));
        let for_all = flushes.load(Ordering::Relaxed) - before;

        let mut sums: Vec<i64> = added.into_iter().map(Result::unwrap).collect();
        sums.sort();
        let expected: Vec<_> = (1..=21).flat_map(|sum| [sum; 3]).collect();
        // The first store was added to once before.
        assert_eq!(sums.iter().sum::<i64>(), expected.iter().sum::<i64>() + 21);
        assert!(refused.iter().all(Result::is_err));
        // The first write is alone, and the second transaction has what came meanwhile.
        assert!(for_all <= 4 * for_one, "{for_all} flushes for 63 writes, and {for_one} for one");
    }
}
