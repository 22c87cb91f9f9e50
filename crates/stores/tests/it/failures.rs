//! Failures of a server, and the errors that report them.

use std::ops::Bound::Unbounded;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use surrealism_runtime::KVStore;
use surrealism_runtime::limits::KvLimits;
use surrealism_stores::limits::REDIS_REQUEST_TIMEOUT;
use surrealism_stores::{OpenError, RedisClient, RedisStore, StoreError};

use crate::support::redis_server::{Cluster, Server};
use crate::support::{assert_error_contains, executor, int};

const LONG: Duration = Duration::from_secs(60);

/// Asserts that a call failed with a [`StoreError`] of a kind.
macro_rules! assert_store_error {
    ($result:expr, $kind:pat) => {
        let result = &$result;
        let error = result.as_ref().expect_err("an error");
        assert!(matches!(error.downcast_ref(), Some($kind)), "{error:?}");
    };
}

async fn store(url: &str) -> RedisStore {
    RedisClient::connect(url).await.unwrap().module("acme/failures", KvLimits::default()).unwrap()
}

#[test]
fn connecting_to_redis_in_vain_fails_at_once_and_without_the_password() {
    let server = Server::start(&["--save", ""]);
    let () = server.command(&["CONFIG", "SET", "requirepass", "right"]);
    let at = server.url().replace("redis://", "");
    let executor = executor();
    let connect = |url: String| executor.block_on(RedisClient::connect(&url)).map(drop);
    connect(format!("redis://:right@{at}")).unwrap();
    for (url, expected) in [
        (format!("redis://:wr0ng@{at}"), "the sign-in was rejected"),
        (format!("redis://{at}"), "the sign-in was rejected"),
        ("redis://:wr0ng@127.0.0.1:1".to_string(), "Connection refused"),
        (format!("rediss://:wr0ng@{at}"), "Redis over TLS is not supported"),
        ("redis://:wr0ng@".to_string(), "the Redis URL is invalid"),
        ("kv.redb".to_string(), "the Redis URL is invalid"),
    ] {
        let started = Instant::now();
        let error = anyhow::Error::from(connect(url.clone()).unwrap_err());
        let text = format!("{error:#}");
        assert!(text.contains(expected), "{url}: {text}");
        assert!(!format!("{text} {error:?}").contains("wr0ng"), "{error:?}");
        assert!(started.elapsed() < Duration::from_secs(2), "{url} took {:?}", started.elapsed());
    }
}

/// The rights that `docs/stores.md` lists.
#[test]
fn a_redis_user_needs_only_the_documented_rights() {
    let server = Server::start(&["--save", ""]);
    let rights = "on >pass ~surrealism:* +eval +evalsha +hello +get +set +decrby +time \
                  +hget +hset +hdel +hlen +hstrlen +hexists +hincrby \
                  +zadd +zrem +zscore +zrangebylex +zrangebyscore +zlexcount";
    let words: Vec<_> = ["ACL", "SETUSER", "kv"].into_iter().chain(rights.split(' ')).collect();
    let () = server.command(&words);
    let executor = executor();
    executor.block_on(async {
        let store = store(&server.url().replace("redis://", "redis://kv:pass@")).await;
        store.set_with_ttl("a".into(), int(1), LONG).await.unwrap();
        assert_eq!(store.increment("a".into(), 1).await.unwrap(), 2);
        assert!(store.compare_and_set("a".into(), Some(int(2)), Some(int(3))).await.unwrap());
        assert!(store.set_ttl("a".into(), Some(LONG)).await.unwrap());
        assert!(store.ttl("a".into()).await.unwrap().is_some());
        assert!(store.exists("a".into()).await.unwrap());
        assert_eq!(store.entries(Unbounded, Unbounded).await.unwrap().len(), 1);
        assert_eq!(store.count(Unbounded, Unbounded).await.unwrap(), 1);
        store.del_rng(Unbounded, Unbounded).await.unwrap();
        assert_eq!(store.size().await.unwrap().entries, 0);

        let () = server.command(&["ACL", "SETUSER", "kv", "-evalsha"]);
        assert_store_error!(store.get("a".into()).await, StoreError::AccessDenied { .. });
    });
}

#[test]
fn a_redis_without_memory_refuses_and_changes_nothing() {
    let server = Server::start(&["--save", ""]);
    let executor = executor();
    executor.block_on(async {
        let store = store(&server.url()).await;
        store.set("a".into(), int(1)).await.unwrap();
        store.set_with_ttl("b".into(), int(1), LONG).await.unwrap();
        let before = store.size().await.unwrap();
        let () = server.command(&["CONFIG", "SET", "maxmemory", "1"]);
        let refused = ["Redis at 127.0.0.1", "is out of memory", "OOM"];
        assert_store_error!(store.set("c".into(), int(1)).await, StoreError::OutOfMemory { .. });
        assert_error_contains(store.set("c".into(), int(1)).await, &refused);
        assert_error_contains(store.increment("a".into(), 1).await, &refused);
        assert_error_contains(store.increment("c".into(), 1).await, &refused);
        assert_error_contains(
            store.compare_and_set("a".into(), Some(int(1)), Some(int(2))).await,
            &refused,
        );
        assert_eq!(store.get("a".into()).await.unwrap(), Some(int(1)));
        assert_eq!(store.size().await.unwrap(), before);
        store.del("a".into()).await.unwrap();
        assert!(store.set_ttl("b".into(), None).await.unwrap());
        let () = server.command(&["CONFIG", "SET", "maxmemory", "0"]);
        assert_eq!(store.increment("c".into(), 1).await.unwrap(), 1);
    });
}

#[test]
fn a_restarted_redis_is_reconnected_and_gets_the_script() {
    let mut server = Server::start(&["--save", "", "--appendonly", "yes"]);
    let executor = executor();
    executor.block_on(async {
        let store = store(&server.url()).await;
        assert_eq!(store.increment("a".into(), 1).await.unwrap(), 1);
        let () = server.command(&["SCRIPT", "FLUSH"]);
        assert_eq!(store.increment("a".into(), 1).await.unwrap(), 2);
        server.kill();
        // Until the client notices, a write is lost with `OutcomeUnknown`.
        tokio::time::sleep(Duration::from_millis(200)).await;
        // A write that no server receives is sent again.
        let write = async { store.increment("a".into(), 1).await };
        let start = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            server.run();
        };
        assert_eq!(tokio::join!(write, start).0.unwrap(), 3);
    });
}

#[test]
fn a_silent_redis_costs_no_more_than_the_request_timeout() {
    let mut server = Server::start(&["--save", ""]);
    let executor = executor();
    executor.block_on(async {
        let store = store(&server.url()).await;
        let () = server.command(&["CLIENT", "PAUSE", "60000", "ALL"]);
        let (result, ()) = tokio::join!(store.increment("a".into(), 1), async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            server.kill();
        });
        assert_store_error!(result, StoreError::OutcomeUnknown { .. });
        assert_error_contains(result, &["was lost before a reply", "may have been applied"]);

        let started = Instant::now();
        let (read, written) = tokio::join!(store.get("a".into()), store.increment("a".into(), 1));
        assert_store_error!(read, StoreError::Unreachable { .. });
        assert_error_contains(read, &["Redis at 127.0.0.1"]);
        assert_error_contains(written, &["Redis at 127.0.0.1"]);
        assert!(started.elapsed() < REDIS_REQUEST_TIMEOUT + Duration::from_secs(1));
    });
}

#[test]
fn a_restarted_cluster_node_is_reconnected() {
    let mut cluster = Cluster::start();
    let executor = executor();
    let store = executor.block_on(store(&cluster.nodes[0].url()));
    executor.block_on(store.set("a".into(), int(1))).unwrap();
    cluster.node_of_mut("{acme/failures}").kill();
    sleep(Duration::from_millis(200));
    let started = Instant::now();
    assert_error_contains(executor.block_on(store.get("a".into())), &["Redis at 127.0.0.1"]);
    assert!(started.elapsed() < REDIS_REQUEST_TIMEOUT + Duration::from_secs(1));

    cluster.nodes.iter_mut().filter(|node| !node.runs()).for_each(Server::run);
    cluster.wait_until_ready();
    // The node kept nothing on disk, and accepts writes again.
    assert_eq!(executor.block_on(store.get("a".into())).unwrap(), None);
    assert_eq!(executor.block_on(store.increment("a".into(), 1)).unwrap(), 1);
}

/// Increments continue while the slot of the module moves between nodes, and none is lost or applied
/// twice.
#[test]
fn a_module_moves_between_nodes_while_it_is_written_to() {
    let cluster = Cluster::start();
    let executor = executor();
    let store = executor.block_on(store(&cluster.nodes[0].url()));
    executor.block_on(store.increment("a".into(), 0)).unwrap();

    const MIN_APPLIED: i64 = 11;
    let moved = AtomicBool::new(false);
    let (applied, failed) = std::thread::scope(|threads| {
        let writer = threads.spawn(|| {
            let (mut applied, mut failed) = (0, 0);
            while !moved.load(Ordering::Relaxed) || applied + failed < MIN_APPLIED {
                match executor.block_on(store.increment("a".into(), 1)) {
                    Ok(_) => applied += 1,
                    Err(error) => {
                        eprintln!("{error:#}");
                        failed += 1;
                    }
                }
            }
            (applied, failed)
        });
        for _ in 0..4 {
            cluster.move_slot_of("{acme/failures}");
            sleep(Duration::from_millis(100));
        }
        moved.store(true, Ordering::Relaxed);
        writer.join().unwrap()
    });
    let sum = executor.block_on(store.increment("a".into(), 0)).unwrap();
    assert_eq!((sum, failed), (applied, 0));
    assert!(applied >= MIN_APPLIED, "{applied}");
}

#[test]
fn a_name_from_an_archive_belongs_to_the_first_that_used_it_on_redis() {
    let server = Server::start(&["--save", ""]);
    let (first, second, limits) = ([1; 32], [0xff; 32], KvLimits::default());
    executor().block_on(async {
        let client = RedisClient::connect(&server.url()).await.unwrap();
        client.owned_module("acme/hello", first, limits).await.unwrap();
        let refused = client.owned_module("acme/hello", second, limits).await;
        assert!(matches!(refused, Err(OpenError::OtherOwner { .. })), "{refused:?}");
        let again = client.owned_module("acme/hello", first, limits).await.unwrap();
        assert_eq!(again.size().await.unwrap().entries, 0);
        client.owned_module("acme/other", second, limits).await.unwrap();
        client.module("acme/hello", limits).unwrap();
    });
}
