//! The instances of a module that wait for work, and the permits to have one at work.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use surrealism_types::err::Busy;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::controller::Controller;

/// At most `size` instances are out at a time, and at most as many wait inside. Whoever finds none
/// left queues, first come, first served, unless too many do already.
pub(crate) struct Pool {
    size: usize,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Controller>>,
    queue: AtomicUsize,
    max_queue: usize,
}

/// The right to have one instance at work; given back when it is dropped.
pub(crate) type Permit = OwnedSemaphorePermit;

impl Pool {
    pub(crate) fn new(size: usize, max_queue: usize) -> Self {
        Self {
            size,
            permits: Arc::new(Semaphore::new(size)),
            idle: Mutex::default(),
            queue: AtomicUsize::new(0),
            max_queue,
        }
    }

    /// Waits for a permit, and takes the instance that was used last, whose memory is warmest.
    pub(crate) async fn checkout(&self) -> anyhow::Result<(Permit, Option<Controller>)> {
        // In this order, so that no instance is out without a permit.
        let permit = self.permit().await?;
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

    async fn permit(&self) -> anyhow::Result<Permit> {
        if let Ok(permit) = self.permits.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let _place = Place::take(self)?;
        Ok(self.permits.clone().acquire_owned().await?)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Controller>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the queue, left when it is dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(pool: &'a Pool) -> Result<Self, Busy> {
        let ahead = pool.queue.fetch_add(1, Ordering::Relaxed);
        let place = Self(&pool.queue);
        if ahead < pool.max_queue {
            return Ok(place);
        }
        Err(Busy { instances: pool.size, queued: ahead, max_queued: pool.max_queue })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
