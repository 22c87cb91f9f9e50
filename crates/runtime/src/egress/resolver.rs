//! The system's resolver, with a limit on concurrent lookups of each module and of the process.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime_wasi::runtime::{spawn, spawn_blocking};

use crate::limits::{MAX_ADDRESSES_PER_NAME, MAX_DNS_LOOKUPS, MAX_DNS_LOOKUPS_PER_PROCESS};

/// The resolver of one module. Clones share its permits.
#[derive(Debug, Clone)]
pub(super) struct Resolver(Arc<Semaphore>);

impl Default for Resolver {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_DNS_LOOKUPS)))
    }
}

impl Resolver {
    /// Returns the addresses of a name.
    ///
    /// # Errors
    ///
    /// Those of the system's resolver.
    pub(super) async fn resolve(self, name: String) -> io::Result<Vec<IpAddr>> {
        self.run_limited(move || resolve_blocking(&name)).await
    }

    /// Runs a lookup on a blocking thread, under a permit of the module and one of the process. A lookup
    /// cannot be cancelled, so it keeps its permits after its future is dropped.
    async fn run_limited<T: Send + 'static>(
        self,
        lookup: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        static PROCESS_PERMITS: Semaphore = Semaphore::const_new(MAX_DNS_LOOKUPS_PER_PROCESS);

        // Spawned so that the permits are released even if the guest drops the future.
        let task = spawn(async move {
            let module_permit = self.0.acquire_owned().await.map_err(io::Error::other)?;
            let process_permit = PROCESS_PERMITS.acquire().await.map_err(io::Error::other)?;
            let work = move || {
                let _permits = (module_permit, process_permit);
                lookup()
            };
            spawn_blocking(work).await
        });
        task.await
    }
}

/// Returns the addresses of a name. This **blocks**.
///
/// # Errors
///
/// Those of the system's resolver.
pub(super) fn resolve_blocking(name: &str) -> io::Result<Vec<IpAddr>> {
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
    fn a_dropped_lookup_keeps_its_permits_until_it_is_done() {
        let resolver = Resolver::default();
        let (begun, has_begun) = mpsc::channel();
        let (end, ends) = mpsc::channel::<()>();
        {
            let lookup = move || {
                begun.send(()).unwrap();
                let _ = ends.recv();
                Ok(())
            };
            let mut future = pin!(resolver.clone().run_limited(lookup));
            assert!(!poll(future.as_mut()));
            has_begun.recv().unwrap();
        }
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(resolver.0.available_permits(), MAX_DNS_LOOKUPS - 1);
        end.send(()).unwrap();
        drop(block_on(resolver.0.acquire_many(MAX_DNS_LOOKUPS as u32)).unwrap());
    }

    #[test]
    fn a_future_that_is_not_polled_holds_up_no_other() {
        let resolver = Resolver::default();
        let all = resolver.0.clone().try_acquire_many_owned(MAX_DNS_LOOKUPS as u32).unwrap();
        let mut unpolled: Vec<_> = (0..2 * MAX_DNS_LOOKUPS)
            .map(|_| Box::pin(resolver.clone().run_limited(|| Ok(()))))
            .collect();
        for future in &mut unpolled {
            assert!(!poll(future.as_mut()));
        }
        drop(all);
        assert!(!block_on(resolver.resolve("localhost".into())).unwrap().is_empty());
    }
}
