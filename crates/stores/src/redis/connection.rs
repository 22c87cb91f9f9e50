//! The way to Redis: one connection to a server, or to each node of a cluster.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use anyhow::{Context, Error, Result, ensure};
use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::{
    Client, Cmd, ConnectionInfo, ErrorKind, IntoConnectionInfo, ProtocolVersion, RedisError,
    RedisResult, ServerErrorKind, Value,
};
use tokio::time::{Instant, sleep, timeout_at};

use super::script::Request;
use crate::limits::{REDIS_CONNECT_TIME, REDIS_PAUSE, REDIS_REQUEST_TIME};

/// A way to Redis that is found again when it is lost. Clones share it.
#[derive(Clone)]
pub(super) struct Connection {
    /// Without the password.
    address: Arc<str>,
    route: Route,
}

#[derive(Clone)]
enum Route {
    Server(ConnectionManager),
    Cluster(ClusterConnection),
}

impl Connection {
    pub(super) async fn open(url: &str) -> Result<Self> {
        let info = parse(url)?;
        let address = Arc::from(info.addr().to_string());
        let route = within(Route::open(info)).await.with_context(|| {
            format!("cannot connect to Redis at {address}: see whether it runs and lets you in")
        })?;
        Ok(Self { address, route })
    }

    /// Calls the script. What a server said it has not done, and what only reads, is sent again; what may
    /// have been done is not.
    pub(super) async fn call(
        &self,
        request: &Request,
        keys: &[String],
        deadline: Instant,
    ) -> Result<Value> {
        loop {
            let sent = timeout_at(deadline, self.route.call(request, keys)).await;
            let Ok(answer) = sent else {
                let error = format!("it does not answer within {REDIS_REQUEST_TIME:?}");
                return Err(Error::msg(error).context(self.lost(request)));
            };
            let error = match answer {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            let is_lost = error.is_io_error() && !was_refused(&error);
            let again = was_refused(&error) || (is_lost && request.command.only_reads());
            if !again || Instant::now() + REDIS_PAUSE >= deadline {
                let what = if is_lost { self.lost(request) } else { self.failed() };
                return Err(Error::new(error).context(what));
            }
            sleep(REDIS_PAUSE).await;
        }
    }

    fn lost(&self, request: &Request) -> String {
        let told = if request.command.only_reads() {
            "try again"
        } else {
            "what was written is there as a whole or not at all; read it to know"
        };
        format!("Redis at {} was lost before it answered: {told}", self.address)
    }

    fn failed(&self) -> String {
        format!("Redis at {} did not do it", self.address)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Route {
    /// Asks the server whether it belongs to a cluster, and if so, connects to all of it.
    async fn open(info: ConnectionInfo) -> RedisResult<Self> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(REDIS_CONNECT_TIME))
            .set_response_timeout(Some(REDIS_REQUEST_TIME))
            .set_max_delay(REDIS_CONNECT_TIME);
        let client = Client::open(info.clone())?;
        // By a connection that fails at once if it fails.
        let mut first = client.get_multiplexed_async_connection().await?;
        if !is_of_cluster(&first.send_packed_command(&redis::cmd("HELLO")).await?) {
            return Ok(Self::Server(client.get_connection_manager_with_config(config).await?));
        }
        // The client's own retries would send what may have been done.
        let cluster = ClusterClientBuilder::new([info])
            .retries(0)
            .connection_timeout(REDIS_CONNECT_TIME)
            .response_timeout(REDIS_REQUEST_TIME)
            .use_protocol(ProtocolVersion::RESP3)
            .build()?;
        Ok(Self::Cluster(cluster.get_async_connection().await?))
    }

    /// By the script's hash, and if the server does not know it, by the script.
    async fn call(&self, request: &Request, keys: &[String]) -> RedisResult<Value> {
        match self.send(&request.by_hash(keys)).await {
            Err(error) if server_said(&error) == Some(ServerErrorKind::NoScript) => {
                self.send(&request.by_source(keys)).await
            }
            answer => answer,
        }
    }

    async fn send(&self, command: &Cmd) -> RedisResult<Value> {
        let reply = match self.clone() {
            Self::Server(mut server) => server.req_packed_command(command).await,
            Self::Cluster(mut cluster) => cluster.req_packed_command(command).await,
        };
        reply?.extract_error()
    }
}

fn parse(url: &str) -> Result<ConnectionInfo> {
    ensure!(
        !url.starts_with("rediss:") && !url.starts_with("valkeys:"),
        "Redis over TLS is not supported: put a TLS proxy beside the host, or Redis on its private \
         network, and write redis://"
    );
    // The URL has the password, so no error repeats it.
    let info = url.into_connection_info().context(
        "this is no URL of a Redis: write redis://HOST:PORT or redis://USER:PASSWORD@HOST:PORT",
    )?;
    let settings = info.redis_settings().clone();
    // The third version tells at once when a connection is lost.
    Ok(info.set_redis_settings(settings.set_protocol(ProtocolVersion::RESP3)))
}

async fn within<T>(opening: impl Future<Output = RedisResult<T>>) -> Result<T> {
    let deadline = Instant::now() + REDIS_REQUEST_TIME;
    let opened = timeout_at(deadline, opening).await;
    Ok(opened.with_context(|| format!("it does not answer within {REDIS_REQUEST_TIME:?}"))??)
}

/// What a server says of itself.
fn is_of_cluster(hello: &Value) -> bool {
    let Value::Map(facts) = hello else { return false };
    let is = |value: &Value, text: &str| {
        redis::from_redis_value_ref::<String>(value).is_ok_and(|value| value == text)
    };
    facts.iter().any(|(fact, value)| is(fact, "mode") && is(value, "cluster"))
}

/// Whether a request was certainly not done: a server said so, or there was none.
fn was_refused(error: &RedisError) -> bool {
    use ServerErrorKind::{
        Ask, BusyLoading, ClusterDown, MasterDown, Moved, NoScript, ReadOnly, TryAgain,
    };
    let by_server = matches!(
        server_said(error),
        Some(Ask | BusyLoading | ClusterDown | MasterDown | Moved | NoScript | ReadOnly | TryAgain)
    );
    by_server
        || error.is_connection_refusal()
        || error.kind() == ErrorKind::ClusterConnectionNotFound
}

fn server_said(error: &RedisError) -> Option<ServerErrorKind> {
    match error.kind() {
        ErrorKind::Server(kind) => Some(kind),
        _ => None,
    }
}
