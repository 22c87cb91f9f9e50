//! The system's resolver, of which each module, and the process, asks little at a time.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime_wasi::runtime::{spawn, spawn_blocking};

use crate::limits::{MAX_ADDRESSES_PER_NAME, MAX_DNS_LOOKUPS, MAX_DNS_LOOKUPS_PER_PROCESS};

/// One module's way to the resolver. Clones share its turns.
#[derive(Debug, Clone)]
pub(crate) struct Resolver(Arc<Semaphore>);

impl Default for Resolver {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_DNS_LOOKUPS)))
    }
}

impl Resolver {
    /// The addresses of a name, once it is its turn.
    ///
    /// # Errors
    ///
    /// The resolver's own.
    pub(crate) async fn look_up(self, name: String) -> io::Result<Vec<IpAddr>> {
        self.ask(move || addresses(&name)).await
    }

    /// Asks in its turn. The resolver blocks a thread and cannot be told to stop: what is dropped keeps its
    /// turn until the resolver is done, or guests could begin look-ups without end.
    async fn ask<T: Send + 'static>(
        self,
        ask: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        static OF_PROCESS: Semaphore = Semaphore::const_new(MAX_DNS_LOOKUPS_PER_PROCESS);

        // In a task: a guest that asks and does not listen must not hold its turn up.
        let asked = spawn(async move {
            let turn = self.0.acquire_owned().await.map_err(io::Error::other)?;
            let place = OF_PROCESS.acquire().await.map_err(io::Error::other)?;
            let work = move || {
                let _turn = (turn, place);
                ask()
            };
            spawn_blocking(work).await
        });
        asked.await
    }
}

/// The addresses of a name; this **blocks**.
///
/// # Errors
///
/// The resolver's own.
pub(crate) fn addresses(name: &str) -> io::Result<Vec<IpAddr>> {
    let addresses = (name, 0).to_socket_addrs()?;
    Ok(addresses.map(|address| address.ip().to_canonical()).take(MAX_ADDRESSES_PER_NAME).collect())
}

#[cfg(test)]
mod tests {
    use std::pin::{Pin, pin};
    use std::sync::mpsc;
    use std::task::{Context, Waker};
    use std::time::Duration;

    use futures::executor::block_on;

    use super::*;

    fn poll<F: Future>(future: Pin<&mut F>) -> bool {
        future.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn a_look_up_that_is_dropped_keeps_its_turn_until_it_is_done() {
        let resolver = Resolver::default();
        let (begun, has_begun) = mpsc::channel();
        let (end, ends) = mpsc::channel::<()>();
        {
            let ask = move || {
                begun.send(()).unwrap();
                let _ = ends.recv();
                Ok(())
            };
            let mut asked = pin!(resolver.clone().ask(ask));
            assert!(!poll(asked.as_mut()));
            has_begun.recv().unwrap();
        }
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(resolver.0.available_permits(), MAX_DNS_LOOKUPS - 1);
        end.send(()).unwrap();
        drop(block_on(resolver.0.acquire_many(MAX_DNS_LOOKUPS as u32)).unwrap());
    }

    #[test]
    fn who_does_not_listen_holds_nobody_up() {
        let resolver = Resolver::default();
        let all = resolver.0.clone().try_acquire_many_owned(MAX_DNS_LOOKUPS as u32).unwrap();
        let mut deaf: Vec<_> =
            (0..2 * MAX_DNS_LOOKUPS).map(|_| Box::pin(resolver.clone().ask(|| Ok(())))).collect();
        for asked in &mut deaf {
            assert!(!poll(asked.as_mut()));
        }
        drop(all);
        assert!(!block_on(resolver.look_up("localhost".into())).unwrap().is_empty());
    }
}
