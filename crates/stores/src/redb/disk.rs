//! A disk in memory for tests.

use std::io::{Error, ErrorKind, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::Duration;

use redb::StorageBackend;
use redb::backends::InMemoryBackend;

/// A disk with a capacity. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Disk {
    contents: Arc<InMemoryBackend>,
    /// In bytes.
    pub(super) capacity: Arc<AtomicU64>,
    /// The number of flushes so far, each of which takes a while.
    pub(super) flushes: Arc<AtomicU64>,
}

impl Disk {
    pub(super) fn new() -> Self {
        Self {
            contents: Arc::new(InMemoryBackend::new()),
            capacity: Arc::new(AtomicU64::new(u64::MAX)),
            flushes: Arc::default(),
        }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64> {
        self.contents.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        self.contents.read(offset, out)
    }
    fn set_len(&self, len: u64) -> Result<()> {
        if len > self.capacity.load(Ordering::Relaxed) {
            return Err(Error::from(ErrorKind::StorageFull));
        }
        self.contents.set_len(len)
    }
    fn sync_data(&self) -> Result<()> {
        self.flushes.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_millis(2));
        self.contents.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.contents.write(offset, data)
    }
}
