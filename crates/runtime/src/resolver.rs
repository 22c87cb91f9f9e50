//! The system's resolver, of which each module asks little at a time.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime_wasi::runtime::spawn_blocking;

use crate::limits::{MAX_ADDRESSES_PER_NAME, MAX_LOOK_UPS};

/// One module's way to the resolver. Clones share its turns.
#[derive(Debug, Clone)]
pub(crate) struct Resolver(Arc<Semaphore>);

impl Default for Resolver {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_LOOK_UPS)))
    }
}

impl Resolver {
    /// The addresses of a name. The resolver blocks a thread and cannot be told to stop: a look-up that
    /// is dropped keeps its turn until the resolver is done, or guests could begin them without end.
    ///
    /// # Errors
    ///
    /// The resolver's own.
    pub(crate) async fn look_up(self, name: String) -> io::Result<Vec<IpAddr>> {
        let turn = self.0.acquire_owned().await.map_err(io::Error::other)?;
        let ask = move || {
            let _turn = turn;
            addresses(&name)
        };
        spawn_blocking(ask).await
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
    use std::pin::pin;
    use std::task::{Context, Waker};

    use futures::executor::block_on;

    use super::*;

    #[test]
    fn a_module_has_so_many_turns_and_gets_each_back() {
        let resolver = Resolver::default();
        let mut cx = Context::from_waker(Waker::noop());
        let others = resolver.0.clone().try_acquire_many_owned(MAX_LOOK_UPS as u32).unwrap();
        assert!(pin!(resolver.clone().look_up("localhost".into())).poll(&mut cx).is_pending());
        drop(others);
        assert!(!block_on(resolver.clone().look_up("localhost".into())).unwrap().is_empty());
        assert_eq!(resolver.0.available_permits(), MAX_LOOK_UPS);
    }

    #[test]
    fn a_look_up_that_is_dropped_keeps_its_turn_until_it_is_done() {
        let resolver = Resolver::default();
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..10 * MAX_LOOK_UPS {
            let _ = pin!(resolver.clone().look_up("localhost".into())).poll(&mut cx);
        }
        // Whatever is still under way ends, and gives its turn back.
        let _all = block_on(resolver.0.acquire_many(MAX_LOOK_UPS as u32)).unwrap();
    }
}
