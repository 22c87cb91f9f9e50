//! The instances of a module that wait for work, and the places to have one at work.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use surrealism_types::err::PoolQueueFull;
use tokio::sync::oneshot;

use crate::instance::Controller;

/// At most `size` instances are out at a time, and at most as many wait inside. Whoever finds no
/// place left queues, first come, first served, unless too many do already.
///
/// All of it is behind one lock, which a call takes twice.
pub(crate) struct Pool {
    size: usize,
    max_queue: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Places taken; while anybody queues, all of them.
    out: usize,
    idle: Vec<Controller>,
    /// Who waits for a place, by ticket.
    queue: BTreeMap<u64, oneshot::Sender<Place>>,
    next_ticket: u64,
}

/// The right to have one instance at work. Dropped, it goes to whoever has queued longest.
pub(crate) struct Place(Option<Arc<Pool>>);

impl Pool {
    pub(crate) fn new(size: usize, max_queue: usize) -> Self {
        Self { size, max_queue, state: Mutex::default() }
    }

    /// Waits for a place, and takes the instance that was used last, whose memory is warmest.
    pub(crate) async fn checkout(self: &Arc<Self>) -> anyhow::Result<(Place, Option<Controller>)> {
        let turn = {
            let mut state = self.state();
            if state.out < self.size {
                state.out += 1;
                return Ok((Place(Some(self.clone())), state.idle.pop()));
            }
            self.queue(&mut state)?
        };
        let place = turn.come().await?;
        let idle = self.state().idle.pop();
        Ok((place, idle))
    }

    /// Puts an instance back, unless there are as many as there may be at work, and gives up its
    /// place, if it has one.
    pub(crate) fn put(&self, controller: Controller, place: Option<Place>) {
        self.settle(Some(controller), place.and_then(|mut place| place.0.take()));
    }

    fn settle(&self, instance: Option<Controller>, place: Option<Arc<Self>>) {
        let next = {
            let mut state = self.state();
            if let Some(instance) = instance
                && state.idle.len() < self.size
            {
                state.idle.push(instance);
            }
            place.and_then(|place| match state.queue.pop_first() {
                Some((_, waiting)) => Some((waiting, place)),
                None => {
                    state.out -= 1;
                    None
                }
            })
        };
        // Outside the lock, since it wakes a task of the host's. A place that finds nobody there
        // any more is dropped, and goes on to the next.
        if let Some((waiting, place)) = next {
            let _ = waiting.send(Place(Some(place)));
        }
    }

    fn queue(&self, state: &mut State) -> Result<Turn<'_>, PoolQueueFull> {
        let queued = state.queue.len();
        if queued >= self.max_queue {
            return Err(PoolQueueFull { instances: self.size, queued, max_queued: self.max_queue });
        }
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        let (sender, place) = oneshot::channel();
        state.queue.insert(ticket, sender);
        Ok(Turn { pool: self, ticket, place })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(pool) = self.0.take() {
            pool.clone().settle(None, Some(pool));
        }
    }
}

/// A turn in the queue, given up when it is dropped.
struct Turn<'a> {
    pool: &'a Pool,
    ticket: u64,
    place: oneshot::Receiver<Place>,
}

impl Turn<'_> {
    async fn come(mut self) -> anyhow::Result<Place> {
        Ok((&mut self.place).await?)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let _sender = self.pool.state().queue.remove(&self.ticket);
    }
}
