//! Servers of Redis on loopback, which end with what started them.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::sleep;
use std::time::{Duration, Instant};

use redis::{Connection, FromRedisValue};
use tempfile::TempDir;

/// How long a server or a cluster may take to be there.
const READY: Duration = Duration::from_secs(30);

/// A server on a port and in a folder of its own. It is killed when this is dropped, and when this
/// process ends in whatever way.
pub(crate) struct Server {
    shell: Option<Child>,
    port: u16,
    options: Vec<String>,
    folder: TempDir,
}

impl Server {
    pub(crate) fn start(options: &[&str]) -> Self {
        let options = options.iter().map(|option| option.to_string()).collect();
        let folder = tempfile::tempdir().unwrap();
        let mut server = Self { shell: None, port: free_port(), options, folder };
        server.run();
        server
    }

    /// One for all tests of a binary that run at the time.
    pub(crate) fn shared() -> Arc<Self> {
        static SERVER: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        shared(&SERVER, || Self::start(&["--save", ""]))
    }

    /// Starts it again after [`kill`](Self::kill), in the same folder and at the same port.
    pub(crate) fn run(&mut self) {
        self.kill();
        // The shell waits for the end of its input, which is that of this process at the latest.
        let script = r#""$@" & server=$!; read -r _; kill -9 $server; wait"#;
        let port = self.port.to_string();
        let shell = Command::new("sh")
            .args(["-c", script, "sh", "redis-server", "--bind", "127.0.0.1", "--port", &port])
            .args(["--dir", self.folder.path().to_str().unwrap(), "--logfile", "log"])
            .args(&self.options)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.shell = Some(shell.unwrap());
        wait_for(
            || self.try_ask::<String>(&["PING"]).is_ok_and(|answer| answer == "PONG"),
            || {
                let log =
                    std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
                format!("redis-server does not answer at port {}: {log}", self.port)
            },
        );
    }

    /// As `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut shell) = self.shell.take() {
            drop(shell.stdin.take());
            shell.wait().unwrap();
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn runs(&self) -> bool {
        self.shell.is_some()
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// What a command answers.
    pub(crate) fn ask<T: FromRedisValue>(&self, words: &[&str]) -> T {
        self.try_ask(words).unwrap()
    }

    pub(crate) fn try_ask<T: FromRedisValue>(&self, words: &[&str]) -> redis::RedisResult<T> {
        let client = redis::Client::open(self.url())?;
        let mut connection: Connection = client.get_connection_with_timeout(READY)?;
        redis::cmd(words[0]).arg(&words[1..]).query(&mut connection)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Three servers that share the slots, without replicas.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Server>,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        let nodes: Vec<_> = (0..3).map(|_| Self::node()).collect();
        let [first, second, third] = nodes.as_slice() else { unreachable!() };
        for (node, slots) in
            [(first, ["0", "5460"]), (second, ["5461", "10922"]), (third, ["10923", "16383"])]
        {
            let () = node.ask(&["CLUSTER", "ADDSLOTSRANGE", slots[0], slots[1]]);
        }
        for (epoch, node) in nodes.iter().enumerate() {
            let () = node.ask(&["CLUSTER", "SET-CONFIG-EPOCH", &(epoch + 1).to_string()]);
        }
        let bus = bus(first);
        for node in &nodes[1..] {
            let port = first.port().to_string();
            let () = node.ask(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
        }
        let cluster = Self { nodes };
        cluster.wait_until_ready();
        cluster
    }

    pub(crate) fn shared() -> Arc<Self> {
        static CLUSTER: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
        shared(&CLUSTER, Self::start)
    }

    pub(crate) fn wait_until_ready(&self) {
        let is_ready = |node: &Server| {
            let info: String = node.try_ask(&["CLUSTER", "INFO"]).unwrap_or_default();
            ["cluster_state:ok", "cluster_known_nodes:3", "cluster_slots_ok:16384"]
                .iter()
                .all(|fact| info.contains(fact))
        };
        wait_for(|| self.nodes.iter().all(is_ready), || "the cluster is not ready".to_string());
    }

    /// The node that has a key of some slot, by its hash tag.
    pub(crate) fn node_of_mut(&mut self, tag: &str) -> &mut Server {
        let place = self.place_of(&self.slot(tag));
        &mut self.nodes[place]
    }

    fn slot(&self, tag: &str) -> String {
        self.nodes[0].ask::<u16>(&["CLUSTER", "KEYSLOT", tag]).to_string()
    }

    fn place_of(&self, slot: &str) -> usize {
        let count = |node: &Server| node.ask::<u64>(&["CLUSTER", "COUNTKEYSINSLOT", slot]);
        self.nodes.iter().position(|node| count(node) > 0).expect("a node has a key of the slot")
    }

    /// Moves a slot by its hash tag, with all that is in it, to the next node.
    pub(crate) fn move_slot_of(&self, tag: &str) {
        let slot = self.slot(tag);
        let place = self.place_of(&slot);
        let (from, to) = (&self.nodes[place], &self.nodes[(place + 1) % self.nodes.len()]);
        let id = |node: &Server| node.ask::<String>(&["CLUSTER", "MYID"]);
        let () = to.ask(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &id(from)]);
        let () = from.ask(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &id(to)]);
        let keys: Vec<String> = from.ask(&["CLUSTER", "GETKEYSINSLOT", &slot, "100"]);
        let port = to.port().to_string();
        let mut migrate = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
        migrate.extend(keys.iter().map(String::as_str));
        let () = from.ask(&migrate);
        for node in [to, from] {
            let () = node.ask(&["CLUSTER", "SETSLOT", &slot, "NODE", &id(to)]);
        }
    }

    fn node() -> Server {
        let bus = free_port().to_string();
        Server::start(&[
            "--save",
            "",
            "--cluster-enabled",
            "yes",
            "--cluster-port",
            &bus,
            "--cluster-node-timeout",
            "2000",
        ])
    }
}

fn bus(node: &Server) -> String {
    let place = node.options.iter().position(|option| option == "--cluster-port").unwrap();
    node.options[place + 1].clone()
}

fn shared<T>(place: &Mutex<Weak<T>>, start: impl FnOnce() -> T) -> Arc<T> {
    let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
    place.upgrade().unwrap_or_else(|| {
        let started = Arc::new(start());
        *place = Arc::downgrade(&started);
        started
    })
}

fn free_port() -> u16 {
    ensure_installed();
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn ensure_installed() {
    let version = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
    if let Err(error) = version {
        assert_ne!(
            error.kind(),
            io::ErrorKind::NotFound,
            "these tests need redis-server: install it, on Debian, as root, with\n  \
             apt-get install --no-install-recommends redis-server"
        );
    }
}

fn wait_for(mut is_there: impl FnMut() -> bool, told: impl FnOnce() -> String) {
    let started = Instant::now();
    while !is_there() {
        assert!(started.elapsed() < READY, "{}", told());
        sleep(Duration::from_millis(10));
    }
}
