//! What goes wrong with a file or a server, and what is said about it.

mod support;

use std::fs;
use std::ops::Bound::Unbounded;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use surrealism_runtime::KVStore;
use surrealism_runtime::limits::KvLimits;
use surrealism_stores::limits::REDIS_REQUEST_TIME;
use surrealism_stores::{RedbDatabase, RedisClient, RedisStore};

use support::redis_server::{Cluster, Server};
use support::{assert_says, executor, int, text};

const LONG: Duration = Duration::from_secs(60);

async fn store(url: &str) -> RedisStore {
    RedisClient::connect(url).await.unwrap().module("acme/failures", KvLimits::default()).unwrap()
}

#[test]
fn a_file_is_this_users_and_open_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv.redb");
    let host = RedbDatabase::open(&path).unwrap();
    let name = path.to_str().unwrap();
    assert_says(RedbDatabase::open(&path), &[name, "is open already: one process opens it once"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    drop(host);
    RedbDatabase::open(&path).unwrap();
    let nowhere = folder.path().join("nowhere/kv.redb");
    assert_says(RedbDatabase::open(&nowhere), &["cannot open the key-value file", "its folder"]);
    assert_says(RedbDatabase::open(folder.path()), &["cannot open the key-value file"]);
}

#[test]
fn a_file_keeps_values_and_times_from_host_to_host() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv.redb");
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
fn a_damaged_file_is_refused_or_read_right_and_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, damaged) = (folder.path().join("whole"), folder.path().join("damaged"));
    let executor = executor();
    let values: Vec<_> =
        (0..200).map(|key| (format!("{key:03}"), text(&"x".repeat(key)))).collect();
    let open = |path| RedbDatabase::open(path)?.module("acme/a", KvLimits::default());
    executor.block_on(open(&whole).unwrap().set_batch(values.clone())).unwrap();

    let bytes = fs::read(&whole).unwrap();
    let damages: [(&str, Vec<u8>); 4] = [
        ("rubbish", b"no file of redb's".repeat(1_000)),
        ("a short text", b"hello".to_vec()),
        ("cut in half", bytes[..bytes.len() / 2].to_vec()),
        ("all of its head gone", [&[0; 4096], &bytes[4096..]].concat()),
    ];
    for (damage, bytes) in damages {
        fs::write(&damaged, bytes).unwrap();
        let error = open(&damaged).map(drop).expect_err(damage);
        assert!(format!("{error:#}").contains("the key-value file"), "{damage}: {error:#}");
    }

    let mut refused = 0;
    for place in (0..bytes.len()).step_by(bytes.len() / 150) {
        let mut bytes = bytes.clone();
        bytes[place] ^= 0x55;
        fs::write(&damaged, bytes).unwrap();
        match open(&damaged) {
            Err(error) => {
                refused += 1;
                assert!(format!("{error:#}").contains("the key-value file"), "{error:#}");
            }
            Ok(store) => {
                let found = executor.block_on(store.entries(Unbounded, Unbounded));
                assert_eq!(found.unwrap(), values, "the byte at {place} was changed");
            }
        }
    }
    assert!(refused > 0);
}

#[test]
fn redis_that_is_not_there_or_not_ours_is_told_at_once_and_without_the_password() {
    let server = Server::start(&["--save", ""]);
    let () = server.ask(&["CONFIG", "SET", "requirepass", "right"]);
    let at = server.url().replace("redis://", "");
    let executor = executor();
    let connect = |url: String| executor.block_on(RedisClient::connect(&url)).map(drop);
    connect(format!("redis://:right@{at}")).unwrap();
    for (url, expected) in [
        (format!("redis://:wr0ng@{at}"), "cannot connect to Redis at 127.0.0.1"),
        (format!("redis://{at}"), "cannot connect to Redis at 127.0.0.1"),
        ("redis://:wr0ng@127.0.0.1:1".to_string(), "Connection refused"),
        (format!("rediss://:wr0ng@{at}"), "Redis over TLS is not supported"),
        ("redis://:wr0ng@".to_string(), "this is no URL of a Redis"),
        ("kv.redb".to_string(), "this is no URL of a Redis"),
    ] {
        let started = Instant::now();
        let error = format!("{:#}", connect(url.clone()).unwrap_err());
        assert!(error.contains(expected), "{url}: {error}");
        assert!(!error.contains("wr0ng"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(2), "{url} took {:?}", started.elapsed());
    }
}

/// As `docs/stores.md` has it.
#[test]
fn a_user_of_redis_needs_no_more_than_is_told() {
    let server = Server::start(&["--save", ""]);
    let rights = "on >pass ~surrealism:* +eval +evalsha +hello +get +set +decrby +time \
                  +hget +hset +hdel +hlen +hstrlen +hexists +hincrby \
                  +zadd +zrem +zscore +zrangebylex +zrangebyscore +zlexcount";
    let words: Vec<_> = ["ACL", "SETUSER", "kv"].into_iter().chain(rights.split(' ')).collect();
    let () = server.ask(&words);
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
        let () = server.ask(&["CONFIG", "SET", "maxmemory", "1"]);
        let refused = ["Redis at 127.0.0.1", "did not do it", "OOM"];
        assert_says(store.set("c".into(), int(1)).await, &refused);
        assert_says(store.increment("a".into(), 1).await, &refused);
        assert_says(store.increment("c".into(), 1).await, &refused);
        assert_says(store.compare_and_set("a".into(), Some(int(1)), Some(int(2))).await, &refused);
        assert_eq!(store.get("a".into()).await.unwrap(), Some(int(1)));
        assert_eq!(store.size().await.unwrap(), before);
        store.del("a".into()).await.unwrap();
        assert!(store.set_ttl("b".into(), None).await.unwrap());
        let () = server.ask(&["CONFIG", "SET", "maxmemory", "0"]);
        assert_eq!(store.increment("c".into(), 1).await.unwrap(), 1);
    });
}

#[test]
fn a_restarted_redis_is_found_again_and_told_the_script() {
    let mut server = Server::start(&["--save", "", "--appendonly", "yes"]);
    let executor = executor();
    executor.block_on(async {
        let store = store(&server.url()).await;
        assert_eq!(store.increment("a".into(), 1).await.unwrap(), 1);
        let () = server.ask(&["SCRIPT", "FLUSH"]);
        assert_eq!(store.increment("a".into(), 1).await.unwrap(), 2);
        server.kill();
        // The client hears of it; what it sends before may be lost, and it says so.
        tokio::time::sleep(Duration::from_millis(200)).await;
        // What nobody is there to take is sent again.
        let write = async { store.increment("a".into(), 1).await };
        let start = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            server.run();
        };
        assert_eq!(tokio::join!(write, start).0.unwrap(), 3);
    });
}

#[test]
fn a_redis_that_does_not_answer_costs_no_more_than_its_time() {
    let mut server = Server::start(&["--save", ""]);
    let executor = executor();
    executor.block_on(async {
        let store = store(&server.url()).await;
        let () = server.ask(&["CLIENT", "PAUSE", "60000", "ALL"]);
        let unsure = ["was lost before it answered", "there as a whole or not at all"];
        let (told, ()) = tokio::join!(store.increment("a".into(), 1), async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            server.kill();
        });
        assert_says(told, &unsure);

        let started = Instant::now();
        let (read, written) = tokio::join!(store.get("a".into()), store.increment("a".into(), 1));
        assert_says(read, &["Redis at 127.0.0.1"]);
        assert_says(written, &["Redis at 127.0.0.1"]);
        assert!(started.elapsed() < REDIS_REQUEST_TIME + Duration::from_secs(1));
    });
}

#[test]
fn a_node_of_a_cluster_is_found_again() {
    let mut cluster = Cluster::start();
    let executor = executor();
    let store = executor.block_on(store(&cluster.nodes[0].url()));
    executor.block_on(store.set("a".into(), int(1))).unwrap();
    cluster.node_of_mut("{acme/failures}").kill();
    sleep(Duration::from_millis(200));
    let started = Instant::now();
    assert_says(executor.block_on(store.get("a".into())), &["Redis at 127.0.0.1"]);
    assert!(started.elapsed() < REDIS_REQUEST_TIME + Duration::from_secs(1));

    cluster.nodes.iter_mut().filter(|node| !node.runs()).for_each(Server::run);
    cluster.wait_until_ready();
    // It kept nothing, and takes everything.
    assert_eq!(executor.block_on(store.get("a".into())).unwrap(), None);
    assert_eq!(executor.block_on(store.increment("a".into(), 1)).unwrap(), 1);
}

/// Sums go on while the module's slot goes from one node to another and back, and none is lost or
/// done twice.
#[test]
fn a_module_moves_between_nodes_while_it_is_written_to() {
    let cluster = Cluster::start();
    let executor = executor();
    let store = executor.block_on(store(&cluster.nodes[0].url()));
    executor.block_on(store.increment("a".into(), 0)).unwrap();

    let moved = AtomicBool::new(false);
    let (done, unsure) = std::thread::scope(|threads| {
        let writer = threads.spawn(|| {
            let (mut done, mut unsure) = (0, 0);
            while !moved.load(Ordering::Relaxed) {
                match executor.block_on(store.increment("a".into(), 1)) {
                    Ok(_) => done += 1,
                    Err(error) => {
                        eprintln!("{error:#}");
                        unsure += 1;
                    }
                }
            }
            (done, unsure)
        });
        for _ in 0..4 {
            cluster.move_slot_of("{acme/failures}");
            sleep(Duration::from_millis(100));
        }
        moved.store(true, Ordering::Relaxed);
        writer.join().unwrap()
    });
    let sum = executor.block_on(store.increment("a".into(), 0)).unwrap();
    assert_eq!((sum, unsure), (done, 0));
    assert!(done > 10, "{done}");
}
