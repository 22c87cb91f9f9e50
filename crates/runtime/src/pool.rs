//! The instances of a module that wait for work, and the permits to have one at work.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::controller::Controller;

/// At most `size` instances are out at a time, and at most as many wait inside. Whoever finds none
/// left queues, first come, first served.
pub(crate) struct Pool {
    size: usize,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Controller>>,
}

/// The right to have one instance at work; given back when it is dropped.
pub(crate) type Permit = OwnedSemaphorePermit;

impl Pool {
    pub(crate) fn new(size: usize) -> Self {
        Self { size, permits: Arc::new(Semaphore::new(size)), idle: Mutex::default() }
    }

    /// Waits for a permit, and takes the instance that was used last, whose memory is warmest.
    pub(crate) async fn checkout(&self) -> anyhow::Result<(Permit, Option<Controller>)> {
        // In this order, so that no instance is out without a permit.
        let permit = self.permits.clone().acquire_owned().await?;
        let controller = self.idle().pop();
        Ok((permit, controller))
    }

    /// Puts an instance back, unless there are as many as there may be at work.
    pub(crate) fn put(&self, controller: Controller) {
        let mut idle = self.idle();
        if idle.len() < self.size {
            idle.push(controller);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Controller>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
