//! Failures of a file or a server, and the errors that report them.

use std::fs;
use std::ops::Bound::Unbounded;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use surrealism_runtime::KVStore;
use surrealism_runtime::limits::KvLimits;
use surrealism_stores::limits::REDIS_REQUEST_TIMEOUT;
use surrealism_stores::{OpenError, RedbDatabase, RedisClient, RedisStore, StoreError};

use crate::support::redis_server::{Cluster, Server};
use crate::support::{assert_error_contains, executor, int, text};

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
fn a_file_is_private_and_open_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kv.redb");
    let database = RedbDatabase::open(&path).unwrap();
    let name = path.to_str().unwrap();
    assert_error_contains(RedbDatabase::open(&path), &[name, "is locked: it is open already"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(matches!(RedbDatabase::open(&path), Err(OpenError::Locked { .. })));
    drop(database);
    RedbDatabase::open(&path).unwrap();
    let nowhere = directory.path().join("nowhere/kv.redb");
    assert_error_contains(
        RedbDatabase::open(&nowhere),
        &["cannot open the key-value file", "its directory exists"],
    );
    assert_error_contains(
        RedbDatabase::open(directory.path()),
        &["cannot open the key-value file"],
    );
}

#[test]
fn a_reopened_file_has_its_values_and_times_to_live() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kv.redb");
    let open = || RedbDatabase::open(&path).unwrap().module("acme/a", KvLimits::default()).unwrap();
    let executor = executor();
    executor.block_on(async {
        let store = open();
        store.set("lasts".into(), int(1)).await.unwrap();
        store.set_with_ttl("ends".into(), int(2), LONG).await.unwrap();
        store.set_with_ttl("ended".into(), int(3), Duration::from_millis(1)).await.unwrap();
        let size = store.size().await.unwrap();
        drop(store);
        assert_eq!(open().size().await.unwrap(), size);
        assert_eq!(open().keys(Unbounded, Unbounded).await.unwrap(), ["ends", "lasts"]);
        assert!(open().ttl("ends".into()).await.unwrap() > Some(LONG / 2));
    });
}

#[test]
fn a_damaged_file_is_refused_or_read_correctly_and_never_panics() {
    let directory = tempfile::tempdir().unwrap();
    let (whole, damaged) = (directory.path().join("whole"), directory.path().join("damaged"));
    let executor = executor();
    let values: Vec<_> =
        (0..200).map(|key| (format!("{key:03}"), text(&"x".repeat(key)))).collect();
    let open = |path| RedbDatabase::open(path)?.module("acme/a", KvLimits::default());
    executor.block_on(open(&whole).unwrap().set_batch(values.clone())).unwrap();

    let bytes = fs::read(&whole).unwrap();
    let damages: [(&str, Vec<u8>); 4] = [
        ("garbage", b"not a redb file".repeat(1_000)),
        ("a short text", b"hello".to_vec()),
        ("cut in half", bytes[..bytes.len() / 2].to_vec()),
        ("without its header", [&[0; 4096], &bytes[4096..]].concat()),
    ];
    for (damage, bytes) in damages {
        fs::write(&damaged, bytes).unwrap();
        let error = open(&damaged).map(drop).expect_err(damage);
        assert!(matches!(error, OpenError::Damaged { .. }), "{damage}: {error:?}");
    }

    let mut refused = 0;
    for index in (0..bytes.len()).step_by(bytes.len() / 150) {
        let mut bytes = bytes.clone();
        bytes[index] ^= 0x55;
        fs::write(&damaged, bytes).unwrap();
        match open(&damaged) {
            Err(error) => {
                refused += 1;
                assert!(matches!(error, OpenError::Damaged { .. }), "{index}: {error:?}");
            }
            Ok(store) => {
                let found = executor.block_on(store.entries(Unbounded, Unbounded));
                assert_eq!(found.unwrap(), values, "the byte at {index} was changed");
            }
        }
    }
    assert!(refused > 0);
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
