//! The idle instances of a module, and the permits to check instances out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use anyhow::anyhow;
use tokio::sync::oneshot;

use crate::error::{Busy, Error};
use crate::observer::{EventKind, Observers};
use crate::sync::lock;

/// A pool of at most `size` idle instances, with as many permits. Callers that find no permit wait in
/// order of arrival, at most `max_queue` of them.
///
/// One lock guards all of it. A call takes it twice.
pub(crate) struct Pool<T> {
    size: usize,
    max_queue: usize,
    observers: Observers,
    state: Mutex<State<T>>,
}

struct State<T> {
    /// Permits in use: all of them while a caller waits.
    checked_out: usize,
    idle: Vec<T>,
    /// The waiting callers, by ticket.
    waiters: BTreeMap<u64, oneshot::Sender<Permit<T>>>,
    next_ticket: u64,
    /// Whether instances are dropped instead of kept idle.
    draining: bool,
    /// Wakes the callers of `drain`, which wait until no instance is checked out.
    drained: Vec<oneshot::Sender<()>>,
}

/// Permission to have one instance checked out. On drop, it passes to the caller that has waited
/// longest.
pub(crate) struct Permit<T>(Option<Arc<Pool<T>>>);

/// What is in a pool and out of it.
pub(crate) struct PoolCounts {
    pub(crate) queued: usize,
    pub(crate) checked_out: usize,
    pub(crate) idle: usize,
}

impl<T> Pool<T> {
    pub(crate) fn new(size: usize, max_queue: usize, observers: Observers) -> Self {
        let state = State {
            checked_out: 0,
            idle: Vec::new(),
            waiters: BTreeMap::new(),
            next_ticket: 0,
            draining: false,
            drained: Vec::new(),
        };
        Self { size, max_queue, observers, state: Mutex::new(state) }
    }

    /// Waits for a permit, and takes the most recently used instance, whose memory is warmest.
    ///
    /// # Errors
    ///
    /// [`Busy::QueueFull`] when `max_queue` callers wait.
    pub(crate) async fn checkout(self: &Arc<Self>) -> Result<(Permit<T>, Option<T>), Error> {
        let (waiter, length) = {
            let mut state = lock(&self.state);
            if state.checked_out < self.size {
                state.checked_out += 1;
                return Ok((Permit(Some(self.clone())), state.idle.pop()));
            }
            (self.enqueue(&mut state)?, state.waiters.len())
        };
        self.observers.tell(EventKind::Queued { length });
        let permit = waiter.wait().await?;
        let idle = lock(&self.state).idle.pop();
        Ok((permit, idle))
    }

    /// Returns an instance with its permit. The instance is dropped when the pool is full.
    pub(crate) fn check_in(&self, instance: T, permit: Option<Permit<T>>) {
        self.release(Some(instance), permit.and_then(|mut permit| permit.0.take()));
    }

    /// Counts what is in the pool and out of it.
    pub(crate) fn counts(&self) -> PoolCounts {
        let state = lock(&self.state);
        PoolCounts {
            queued: state.waiters.len(),
            checked_out: state.checked_out,
            idle: state.idle.len(),
        }
    }

    /// Drops the idle instances, keeps none from now on, and waits until nothing is checked out.
    pub(crate) async fn drain(&self) {
        let (idle, drained) = {
            let mut state = lock(&self.state);
            state.draining = true;
            let drained = (state.checked_out > 0).then(|| {
                let (sender, drained) = oneshot::channel();
                state.drained.push(sender);
                drained
            });
            (std::mem::take(&mut state.idle), drained)
        };
        drop(idle);
        if let Some(drained) = drained {
            let _ = drained.await;
        }
    }

    fn release(&self, instance: Option<T>, permit: Option<Arc<Self>>) {
        let mut state = lock(&self.state);
        match instance {
            Some(instance) if !state.draining && state.idle.len() < self.size => {
                state.idle.push(instance);
            }
            Some(surplus) => {
                // Dropped before its permit is: who waits for that must find the instance gone.
                drop(state);
                drop(surplus);
                state = lock(&self.state);
            }
            None => {}
        }
        let next = permit.and_then(|pool| match state.waiters.pop_first() {
            Some((_, waiter)) => Some((waiter, pool)),
            None => {
                state.checked_out -= 1;
                None
            }
        });
        let drained = match state.checked_out {
            0 => std::mem::take(&mut state.drained),
            _ => Vec::new(),
        };
        drop(state);
        // Outside the lock, since sending wakes a task of the host. A permit whose waiter is gone is
        // dropped here, and passes to the next.
        if let Some((waiter, pool)) = next {
            let _ = waiter.send(Permit(Some(pool)));
        }
        for waiting in drained {
            let _ = waiting.send(());
        }
    }

    fn enqueue(&self, state: &mut State<T>) -> Result<Waiter<'_, T>, Error> {
        let queued = state.waiters.len();
        if queued >= self.max_queue {
            let max_queued = self.max_queue;
            return Err(Error::busy(Busy::QueueFull { instances: self.size, queued, max_queued }));
        }
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        let (sender, permit) = oneshot::channel();
        state.waiters.insert(ticket, sender);
        Ok(Waiter { pool: self, ticket, permit })
    }
}

impl<T> Drop for Permit<T> {
    fn drop(&mut self) {
        if let Some(pool) = self.0.take() {
            pool.clone().release(None, Some(pool));
        }
    }
}

/// A caller in the queue, which it leaves on drop.
struct Waiter<'a, T> {
    pool: &'a Pool<T>,
    ticket: u64,
    permit: oneshot::Receiver<Permit<T>>,
}

impl<T> Waiter<'_, T> {
    async fn wait(mut self) -> Result<Permit<T>, Error> {
        // The sender is in the pool until this waiter is dropped, or sends.
        let lost = |_| Error::process(anyhow!("the pool of instances lost a waiting call"));
        (&mut self.permit).await.map_err(lost)
    }
}

impl<T> Drop for Waiter<'_, T> {
    fn drop(&mut self) {
        let (_sender, length) = {
            let mut state = lock(&self.pool.state);
            (state.waiters.remove(&self.ticket), state.waiters.len())
        };
        self.pool.observers.tell(EventKind::Dequeued { length });
    }
}
