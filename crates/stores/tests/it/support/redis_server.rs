//! Redis servers on loopback, which end with the process that started them.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::sleep;
use std::time::{Duration, Instant};

use redis::{Connection, FromRedisValue};
use tempfile::TempDir;

/// Time for a server or a cluster to become ready.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// A server with a port and a directory of its own. It is killed when this is dropped and when this
/// process ends, however that happens.
pub(crate) struct Server {
    shell: Option<Child>,
    port: u16,
    options: Vec<String>,
    directory: TempDir,
}

impl Server {
    pub(crate) fn start(options: &[&str]) -> Self {
        let options = options.iter().map(|option| option.to_string()).collect();
        let directory = tempfile::tempdir().unwrap();
        let mut server = Self { shell: None, port: free_port(), options, directory };
        server.run();
        server
    }

    /// Returns a server that all running tests share.
    pub(crate) fn shared() -> Arc<Self> {
        static SERVER: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        shared(&SERVER, || Self::start(&["--save", ""]))
    }

    /// Starts it again after [`kill`](Self::kill), with the same directory and port.
    pub(crate) fn run(&mut self) {
        self.kill();
        // The shell kills the server when its input ends, at the latest when this process ends.
        let script = r#""$@" & server=$!; read -r _; kill -9 $server; wait"#;
        let port = self.port.to_string();
        let shell = Command::new("sh")
            .args(["-c", script, "sh", "redis-server", "--bind", "127.0.0.1", "--port", &port])
            .args(["--dir", self.directory.path().to_str().unwrap(), "--logfile", "log"])
            .args(&self.options)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.shell = Some(shell.unwrap());
        wait_for(
            || self.try_command::<String>(&["PING"]).is_ok_and(|reply| reply == "PONG"),
            || {
                let log =
                    std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
                format!("redis-server does not answer at port {}: {log}", self.port)
            },
        );
    }

    /// Kills it with SIGKILL.
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

    /// Runs a command and returns its reply.
    pub(crate) fn command<T: FromRedisValue>(&self, words: &[&str]) -> T {
        self.try_command(words).unwrap()
    }

    pub(crate) fn try_command<T: FromRedisValue>(&self, words: &[&str]) -> redis::RedisResult<T> {
        let client = redis::Client::open(self.url())?;
        let mut connection: Connection = client.get_connection_with_timeout(READY_TIMEOUT)?;
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
            let () = node.command(&["CLUSTER", "ADDSLOTSRANGE", slots[0], slots[1]]);
        }
        for (epoch, node) in nodes.iter().enumerate() {
            let () = node.command(&["CLUSTER", "SET-CONFIG-EPOCH", &(epoch + 1).to_string()]);
        }
        let bus = bus_port(first);
        for node in &nodes[1..] {
            let port = first.port().to_string();
            let () = node.command(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
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
            let info: String = node.try_command(&["CLUSTER", "INFO"]).unwrap_or_default();
            ["cluster_state:ok", "cluster_known_nodes:3", "cluster_slots_ok:16384"]
                .iter()
                .all(|fact| info.contains(fact))
        };
        wait_for(|| self.nodes.iter().all(is_ready), || "the cluster is not ready".to_string());
    }

    /// Returns the node that has the keys with a hash tag.
    pub(crate) fn node_of_mut(&mut self, tag: &str) -> &mut Server {
        let index = self.node_index(&self.slot(tag));
        &mut self.nodes[index]
    }

    fn slot(&self, tag: &str) -> String {
        self.nodes[0].command::<u16>(&["CLUSTER", "KEYSLOT", tag]).to_string()
    }

    fn node_index(&self, slot: &str) -> usize {
        let count = |node: &Server| node.command::<u64>(&["CLUSTER", "COUNTKEYSINSLOT", slot]);
        self.nodes.iter().position(|node| count(node) > 0).expect("a node has a key of the slot")
    }

    /// Moves the slot of a hash tag, with its keys, to the next node.
    pub(crate) fn move_slot_of(&self, tag: &str) {
        let slot = self.slot(tag);
        let index = self.node_index(&slot);
        let (from, to) = (&self.nodes[index], &self.nodes[(index + 1) % self.nodes.len()]);
        let id = |node: &Server| node.command::<String>(&["CLUSTER", "MYID"]);
        let () = to.command(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &id(from)]);
        let () = from.command(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &id(to)]);
        let keys: Vec<String> = from.command(&["CLUSTER", "GETKEYSINSLOT", &slot, "100"]);
        let port = to.port().to_string();
        let mut migrate = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
        migrate.extend(keys.iter().map(String::as_str));
        let () = from.command(&migrate);
        for node in [to, from] {
            let () = node.command(&["CLUSTER", "SETSLOT", &slot, "NODE", &id(to)]);
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

fn bus_port(node: &Server) -> String {
    let index = node.options.iter().position(|option| option == "--cluster-port").unwrap();
    node.options[index + 1].clone()
}

fn shared<T>(slot: &Mutex<Weak<T>>, start: impl FnOnce() -> T) -> Arc<T> {
    let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
    slot.upgrade().unwrap_or_else(|| {
        let started = Arc::new(start());
        *slot = Arc::downgrade(&started);
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

fn wait_for(mut is_ready: impl FnMut() -> bool, message: impl FnOnce() -> String) {
    let started = Instant::now();
    while !is_ready() {
        assert!(started.elapsed() < READY_TIMEOUT, "{}", message());
        sleep(Duration::from_millis(10));
    }
}
