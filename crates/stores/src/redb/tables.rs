//! The tables of a file: one of each module, under its name, and three that all modules share.
//!
//! | table | key | value |
//! |---|---|---|
//! | the name of the module | key | when the entry expires, and the encoded value |
//! | `{bytes}` | module | size of its entries, as limits count it |
//! | `{expiries}` | module, when the entry expires, key | nothing |
//! | `{owners}` | module | the owner of its store, if it has one |
//!
//! Times are milliseconds since 1970. No module has braces in its name.

use std::collections::BTreeMap;
use std::ops::Bound;

use redb::{
    AccessGuard, Database, ReadOnlyTable, ReadableDatabase, ReadableTable, ReadableTableMetadata,
    Table, TableDefinition, TableError, WriteTransaction,
};
use surrealism_runtime::kv::atomic::{Entries, Entry};
use surrealism_runtime::kv::enforce::{KvSize, is_empty_range};
use surrealism_runtime::limits::{KV_EXPIRED_PER_STEP, KvLimits};

use super::error::TransactionFailure;

type Result<T, E = TransactionFailure> = std::result::Result<T, E>;

type Key = &'static str;
/// When it expires, and the encoded value.
type Stored = (Option<u64>, &'static [u8]);
/// The module, when the entry expires, and its key.
type Expiry = (&'static str, u64, &'static str);

const BYTES: TableDefinition<&str, u64> = TableDefinition::new("{bytes}");

const EXPIRIES: TableDefinition<Expiry, ()> = TableDefinition::new("{expiries}");

const OWNERS: TableDefinition<&str, [u8; 32]> = TableDefinition::new("{owners}");

/// Returns the owner of a module's store, and whether it is new, since there was none.
pub(super) fn claim(
    transaction: &WriteTransaction,
    module: &str,
    owner: [u8; 32],
) -> Result<([u8; 32], bool)> {
    let mut owners = transaction.open_table(OWNERS)?;
    if let Some(current) = owners.get(module)? {
        return Ok((current.value(), false));
    }
    owners.insert(module, owner)?;
    Ok((owner, true))
}

/// The entries of a module in a write transaction.
pub(super) struct Contents<'t> {
    module: &'t str,
    now: u64,
    entries: Table<'t, Key, Stored>,
    expiries: Table<'t, Expiry, ()>,
    bytes: Table<'t, &'static str, u64>,
    size: KvSize,
    /// The number of entries that were changed.
    changes: u64,
}

impl<'t> Contents<'t> {
    /// Opens the tables of a module, and creates those that do not exist.
    pub(super) fn open(
        transaction: &'t WriteTransaction,
        module: &'t str,
        now: u64,
    ) -> Result<Self> {
        let entries = transaction.open_table(TableDefinition::new(module))?;
        let bytes = transaction.open_table(BYTES)?;
        let size = size(&entries, &bytes, module)?;
        let expiries = transaction.open_table(EXPIRIES)?;
        Ok(Self { module, now, entries, expiries, bytes, size, changes: 0 })
    }

    /// Records the size of the module. Returns whether there is anything to commit.
    pub(super) fn finish(mut self) -> Result<bool> {
        if self.changes > 0 {
            self.bytes.insert(self.module, self.size.bytes as u64)?;
        }
        Ok(self.changes > 0)
    }

    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// Sets all entries, or none of them if that would exceed a limit.
    pub(super) fn put(
        &mut self,
        entries: &BTreeMap<String, Vec<u8>>,
        expires_at: Option<u64>,
        limits: &KvLimits,
    ) -> Result<()> {
        let mut size = self.size;
        for (key, value) in entries {
            if let Some(old) = self.entries.get(key.as_str())? {
                size = size.minus_entry(key, old.value().1.len());
            }
            size = size.plus_entry(key, value.len());
        }
        limits.check_growth(self.size, size)?;
        for (key, value) in entries {
            let old = self.entries.insert(key.as_str(), (expires_at, value.as_slice()))?;
            let old_expiry = old.and_then(|old| old.value().0);
            self.reschedule(key, old_expiry, expires_at)?;
            self.changes += 1;
        }
        self.size = size;
        Ok(())
    }

    /// Removes an entry, if it exists.
    pub(super) fn remove(&mut self, key: &str) -> Result<()> {
        let old = self.entries.remove(key)?;
        let Some((expires_at, bytes)) = old.map(|old| (old.value().0, old.value().1.len())) else {
            return Ok(());
        };
        self.size = self.size.minus_entry(key, bytes);
        self.changes += 1;
        self.reschedule(key, expires_at, None)
    }

    /// Removes the entries of a range, whose bounds must not be [inverted](is_empty_range).
    pub(super) fn remove_range(
        &mut self,
        start: &Bound<String>,
        end: &Bound<String>,
    ) -> Result<()> {
        for removed in self.entries.extract_from_if::<&str, _>(as_str(start, end), |_, _| true)? {
            let (key, stored) = removed?;
            let (expires_at, value) = stored.value();
            self.size = self.size.minus_entry(key.value(), value.len());
            if let Some(expires_at) = expires_at {
                self.expiries.remove((self.module, expires_at, key.value()))?;
            }
            self.changes += 1;
        }
        Ok(())
    }

    /// Sets when an entry expires; returns whether it exists.
    pub(super) fn set_expiry(&mut self, key: &str, expires_at: Option<u64>) -> Result<bool> {
        let Some(Entry { value, expires_at: old }) = self.entry(key)? else { return Ok(false) };
        if old != expires_at {
            let value = value.into_owned();
            self.entries.insert(key, (expires_at, value.as_slice()))?;
            self.reschedule(key, old, expires_at)?;
            self.changes += 1;
        }
        Ok(true)
    }

    /// Removes at most [`KV_EXPIRED_PER_STEP`] expired entries; returns whether none is left.
    pub(super) fn purge_expired(&mut self) -> Result<bool> {
        let due = (self.module, 0, "")..(self.module, self.now.saturating_add(1), "");
        let mut keys = Vec::new();
        for expiry in self.expiries.range(due)?.take(KV_EXPIRED_PER_STEP) {
            keys.push(expiry?.0.value().2.to_string());
        }
        keys.iter().try_for_each(|key| self.remove(key))?;
        Ok(keys.len() < KV_EXPIRED_PER_STEP)
    }

    fn reschedule(&mut self, key: &str, from: Option<u64>, to: Option<u64>) -> Result<()> {
        if from == to {
            return Ok(());
        }
        if let Some(from) = from {
            self.expiries.remove((self.module, from, key))?;
        }
        if let Some(to) = to {
            self.expiries.insert((self.module, to, key), ())?;
        }
        Ok(())
    }
}

impl Entries for Contents<'_> {
    type Expiry = u64;
    type Error = TransactionFailure;

    /// Returns a copy of an entry. [Expired](Contents::purge_expired) entries are gone already.
    fn entry(&self, key: &str) -> Result<Option<Entry<'_, u64>>> {
        let entry = |stored: AccessGuard<'_, Stored>| {
            let (expires_at, value) = stored.value();
            Entry { expires_at, value: value.to_vec().into() }
        };
        Ok(self.entries.get(key)?.map(entry))
    }

    fn set(
        &mut self,
        key: String,
        value: Vec<u8>,
        expires_at: Option<u64>,
        limits: &KvLimits,
    ) -> Result<()> {
        self.put(&BTreeMap::from([(key, value)]), expires_at, limits)
    }

    fn remove(&mut self, key: &str) -> Result<()> {
        self.remove(key)
    }
}

/// The entries of a module in a read transaction.
pub(super) struct Snapshot {
    now: u64,
    /// `None` until the module was first written to.
    entries: Option<ReadOnlyTable<Key, Stored>>,
    size: KvSize,
}

/// One entry, borrowed from the pages of the file.
pub(super) struct EntryGuard(AccessGuard<'static, Stored>);

impl EntryGuard {
    pub(super) fn value(&self) -> &[u8] {
        self.0.value().1
    }

    pub(super) fn expires_at(&self) -> Option<u64> {
        self.0.value().0
    }
}

impl Snapshot {
    /// Starts a read transaction.
    pub(super) fn open(database: &Database, module: &str, now: u64) -> Result<Self> {
        let transaction = database.begin_read()?;
        let entries = match transaction.open_table(TableDefinition::new(module)) {
            Ok(entries) => entries,
            Err(TableError::TableDoesNotExist(_)) => {
                return Ok(Self { now, entries: None, size: KvSize::default() });
            }
            Err(error) => return Err(error.into()),
        };
        let size = size(&entries, &transaction.open_table(BYTES)?, module)?;
        Ok(Self { now, entries: Some(entries), size })
    }

    pub(super) fn now(&self) -> u64 {
        self.now
    }

    pub(super) fn size(&self) -> KvSize {
        self.size
    }

    /// Returns an entry, or `None` if there is none or it has expired.
    pub(super) fn get(&self, key: &str) -> Result<Option<EntryGuard>> {
        let Some(entries) = &self.entries else { return Ok(None) };
        let entry = entries.get(key)?.map(EntryGuard);
        Ok(entry.filter(|entry| self.is_live(entry.expires_at())))
    }

    /// Passes each live entry of a range to `take`, in order, and returns what `take` returned.
    pub(super) fn range<T>(
        &self,
        start: &Bound<String>,
        end: &Bound<String>,
        mut take: impl FnMut(&str, &[u8]) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut taken = Vec::new();
        let Some(entries) = self.entries.as_ref().filter(|_| !is_empty_range(start, end)) else {
            return Ok(taken);
        };
        for entry in entries.range::<&str>(as_str(start, end))? {
            let (key, stored) = entry?;
            let (expires_at, value) = stored.value();
            if self.is_live(expires_at) {
                taken.push(take(key.value(), value)?);
            }
        }
        Ok(taken)
    }

    fn is_live(&self, expires_at: Option<u64>) -> bool {
        expires_at.is_none_or(|expires_at| self.now < expires_at)
    }
}

fn size(
    entries: &impl ReadableTableMetadata,
    bytes: &impl ReadableTable<&'static str, u64>,
    module: &str,
) -> Result<KvSize> {
    let bytes = bytes.get(module)?.map_or(0, |bytes| bytes.value());
    Ok(KvSize { entries: entries.len()? as usize, bytes: bytes as usize })
}

fn as_str<'a>(
    start: &'a Bound<String>,
    end: &'a Bound<String>,
) -> (Bound<&'a str>, Bound<&'a str>) {
    (start.as_ref().map(String::as_str), end.as_ref().map(String::as_str))
}
