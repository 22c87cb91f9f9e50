//! What a module has in the file: a table of its own, by its name, and a place in two that all share.

use std::collections::BTreeMap;
use std::ops::Bound;

use anyhow::Result;
use redb::{
    AccessGuard, Database, ReadOnlyTable, ReadableDatabase, ReadableTable, ReadableTableMetadata,
    Table, TableDefinition, TableError, WriteTransaction,
};
use surrealism_runtime::kv::bounds::{KvSize, is_empty};
use surrealism_runtime::limits::{KV_EXPIRED_PER_STEP, KvLimits};

type Key = &'static str;
/// When it ends, in milliseconds since 1970, and the encoded value.
type Stored = (Option<u64>, &'static [u8]);
/// The module, when the entry ends, and its key.
type Expiry = (&'static str, u64, &'static str);

/// What all entries of a module take, with their keys. No module has a name with braces.
const BYTES: TableDefinition<&str, u64> = TableDefinition::new("{bytes}");

/// The entries that end, by module, the next one first.
const EXPIRIES: TableDefinition<Expiry, ()> = TableDefinition::new("{expiries}");

/// What a module holds, as a transaction changes it.
pub(super) struct Contents<'t> {
    module: &'t str,
    now: u64,
    entries: Table<'t, Key, Stored>,
    expiries: Table<'t, Expiry, ()>,
    bytes: Table<'t, &'static str, u64>,
    size: KvSize,
    changed: bool,
}

/// One entry, taken out of the file.
pub(super) struct Entry {
    pub(super) ends: Option<u64>,
    pub(super) value: Vec<u8>,
}

impl<'t> Contents<'t> {
    pub(super) fn open(
        transaction: &'t WriteTransaction,
        module: &'t str,
        now: u64,
    ) -> Result<Self> {
        let entries = transaction.open_table(TableDefinition::new(module))?;
        let bytes = transaction.open_table(BYTES)?;
        let size = size(&entries, &bytes, module)?;
        let expiries = transaction.open_table(EXPIRIES)?;
        Ok(Self { module, now, entries, expiries, bytes, size, changed: false })
    }

    /// Notes what the module takes now; answers whether anything has changed.
    pub(super) fn save(mut self) -> Result<bool> {
        if self.changed {
            self.bytes.insert(self.module, self.size.bytes as u64)?;
        }
        Ok(self.changed)
    }

    pub(super) fn get(&self, key: &str) -> Result<Option<Entry>> {
        let entry = |stored: AccessGuard<'_, Stored>| {
            let (ends, value) = stored.value();
            Entry { ends, value: value.to_vec() }
        };
        Ok(self.entries.get(key)?.map(entry))
    }

    /// Sets all entries, or none of them.
    pub(super) fn put(
        &mut self,
        entries: &BTreeMap<String, Vec<u8>>,
        ends: Option<u64>,
        limits: &KvLimits,
    ) -> Result<()> {
        let before = self.size;
        for (key, value) in entries {
            let old = self.entries.insert(key.as_str(), (ends, value.as_slice()))?;
            let old = old.map(|old| (old.value().0, old.value().1.len()));
            if let Some((old_end, old_bytes)) = old {
                self.size = self.size.without(key, old_bytes);
                self.reschedule(key, old_end, None)?;
            }
            self.size = self.size.with(key, value.len());
            self.reschedule(key, None, ends)?;
            self.changed = true;
        }
        // What was written goes with the transaction.
        limits.admit(before, self.size)
    }

    pub(super) fn remove(&mut self, key: &str) -> Result<()> {
        let old = self.entries.remove(key)?;
        let Some((ends, bytes)) = old.map(|old| (old.value().0, old.value().1.len())) else {
            return Ok(());
        };
        self.size = self.size.without(key, bytes);
        self.changed = true;
        self.reschedule(key, ends, None)
    }

    /// Removes the keys of a range that is not empty by its bounds.
    pub(super) fn remove_range(
        &mut self,
        start: &Bound<String>,
        end: &Bound<String>,
    ) -> Result<()> {
        for removed in self.entries.extract_from_if::<&str, _>(as_str(start, end), |_, _| true)? {
            let (key, stored) = removed?;
            let (ends, value) = stored.value();
            self.size = self.size.without(key.value(), value.len());
            if let Some(ends) = ends {
                self.expiries.remove((self.module, ends, key.value()))?;
            }
            self.changed = true;
        }
        Ok(())
    }

    pub(super) fn set_end(&mut self, key: &str, ends: Option<u64>) -> Result<bool> {
        let Some(entry) = self.get(key)? else { return Ok(false) };
        if entry.ends != ends {
            self.entries.insert(key, (ends, entry.value.as_slice()))?;
            self.reschedule(key, entry.ends, ends)?;
            self.changed = true;
        }
        Ok(true)
    }

    /// Removes what has expired, up to a bound; answers whether that was all.
    pub(super) fn purge(&mut self) -> Result<bool> {
        let due = (self.module, 0, "")..(self.module, self.now.saturating_add(1), "");
        let mut keys = Vec::new();
        for expiry in self.expiries.range(due)?.take(KV_EXPIRED_PER_STEP) {
            keys.push(expiry?.0.value().2.to_string());
        }
        keys.iter().try_for_each(|key| self.remove(key))?;
        Ok(keys.len() < KV_EXPIRED_PER_STEP)
    }

    fn reschedule(&mut self, key: &str, before: Option<u64>, ends: Option<u64>) -> Result<()> {
        if let Some(before) = before {
            self.expiries.remove((self.module, before, key))?;
        }
        if let Some(ends) = ends {
            self.expiries.insert((self.module, ends, key), ())?;
        }
        Ok(())
    }
}

/// What a module holds, as it was when this was made; `None` until something was set.
pub(super) struct Snapshot {
    now: u64,
    entries: Option<ReadOnlyTable<Key, Stored>>,
    size: KvSize,
}

/// One entry, where it lies.
pub(super) struct Found(AccessGuard<'static, Stored>);

impl Found {
    pub(super) fn value(&self) -> &[u8] {
        self.0.value().1
    }

    pub(super) fn ends(&self) -> Option<u64> {
        self.0.value().0
    }
}

impl Snapshot {
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

    pub(super) fn get(&self, key: &str) -> Result<Option<Found>> {
        let Some(entries) = &self.entries else { return Ok(None) };
        let found = entries.get(key)?.map(Found);
        Ok(found.filter(|found| self.is_live(found.ends())))
    }

    /// Takes each entry of a range in turn, until it is refused.
    pub(super) fn range<T>(
        &self,
        start: &Bound<String>,
        end: &Bound<String>,
        mut take: impl FnMut(&str, &[u8]) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut taken = Vec::new();
        let Some(entries) = self.entries.as_ref().filter(|_| !is_empty(start, end)) else {
            return Ok(taken);
        };
        for entry in entries.range::<&str>(as_str(start, end))? {
            let (key, stored) = entry?;
            let (ends, value) = stored.value();
            if self.is_live(ends) {
                taken.push(take(key.value(), value)?);
            }
        }
        Ok(taken)
    }

    fn is_live(&self, ends: Option<u64>) -> bool {
        ends.is_none_or(|end| self.now < end)
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
