//! Modules that are replaced while they are called.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use surrealism_runtime::{DetachedContext, Runtime};
use surrealism_surrealdb::ModuleRegistry;

use crate::support::load;

const CALLS: usize = 10_000;
const REPLACEMENTS: usize = 50;
const CLIENTS: usize = 8;
const PATIENCE: Duration = Duration::from_secs(60);

fn module() -> Arc<Runtime> {
    Arc::new(load("hostile").pool_size(4).build().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_call_fails_while_a_module_is_replaced() {
    let modules = ModuleRegistry::new();
    modules.add("m", module()).unwrap();
    let made = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (modules, made) = (modules.clone(), made.clone());
            tokio::spawn(async move {
                while made.fetch_add(1, Ordering::Relaxed) < CALLS {
                    let module = modules.get("m").unwrap();
                    module.runtime().call("alive", (), DetachedContext::new()).await.unwrap();
                }
            })
        })
        .collect();

    let mut replaced: Vec<Weak<Runtime>> = Vec::new();
    for replacement in 1..=REPLACEMENTS {
        // Spread over all calls.
        while made.load(Ordering::Relaxed) < CALLS * replacement / (REPLACEMENTS + 1) {
            tokio::task::yield_now().await;
        }
        let old = modules.get("m").unwrap().runtime().clone();
        let new = tokio::task::spawn_blocking(module).await.unwrap();
        assert_eq!(modules.replace("m", new, PATIENCE).await.unwrap(), 0);
        replaced.push(Arc::downgrade(&old));
    }
    for client in clients {
        client.await.unwrap();
    }
    assert!(made.load(Ordering::Relaxed) >= CALLS);
    assert!(replaced.iter().all(|old| old.strong_count() == 0), "an old module is still held");
}

#[tokio::test]
async fn draining_waits_for_calls_and_gives_memory_back() {
    let modules = ModuleRegistry::new();
    let old = module();
    modules.add("m", &old).unwrap();
    let held = old.acquire_controller(Box::new(DetachedContext::new())).await.unwrap();
    old.call("alive", (), DetachedContext::new()).await.unwrap();
    assert_eq!((old.usage().idle, old.usage().calls), (1, 1));

    let left = modules.replace("m", module(), Duration::from_millis(1)).await.unwrap();
    assert_eq!((left, old.usage().idle, old.usage().calls), (1, 0, 1));
    let end = async {
        tokio::task::yield_now().await;
        old.release_controller(held);
    };
    assert_eq!(tokio::join!(old.drain(PATIENCE), end).0, 0);
    let usage = old.usage();
    assert_eq!((usage.calls, usage.instances.current, usage.memory_bytes.current), (0, 0, 0));

    // A caller that had looked the old module up before is still served, and leaves nothing behind.
    old.call("alive", (), DetachedContext::new()).await.unwrap();
    assert_eq!(old.usage().instances.current, 0);

    // Replaced by itself, a module goes on.
    let current = modules.get("m").unwrap();
    assert_eq!(modules.replace("m", &current, PATIENCE).await.unwrap(), 0);
    current.runtime().call("alive", (), DetachedContext::new()).await.unwrap();
    assert_eq!(current.runtime().usage().idle, 1);
}
