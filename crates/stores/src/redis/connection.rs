//! The connection to Redis: to one server, or to each node of a cluster.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::{
    Cmd, ConnectionInfo, ErrorKind, IntoConnectionInfo, ProtocolVersion, RedisError, RedisResult,
    ServerErrorKind, Value,
};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::script::Request;
use crate::error::{OpenError, StoreError};
use crate::limits::{REDIS_CONNECT_TIMEOUT, REDIS_REQUEST_TIMEOUT, REDIS_RETRY_DELAY};

/// A connection that is made again when it is lost. Clones share it.
#[derive(Clone)]
pub(super) struct Connection {
    /// Without the password.
    address: Arc<str>,
    client: Client,
}

#[derive(Clone)]
enum Client {
    Server(ConnectionManager),
    Cluster(ClusterConnection),
}

impl Connection {
    pub(super) async fn open(url: &str) -> Result<Self, OpenError> {
        let info = parse_url(url)?;
        let address = info.addr().to_string();
        match timeout(REDIS_REQUEST_TIMEOUT, Client::connect(info)).await {
            Ok(Ok(client)) => Ok(Self { address: address.into(), client }),
            Ok(Err(error)) if is_access_error(&error) => {
                Err(OpenError::AuthRejected { address, source: error.into() })
            }
            Ok(Err(error)) => Err(OpenError::Unreachable { address, source: error.into() }),
            Err(_) => Err(OpenError::Unreachable { address, source: no_reply().into() }),
        }
    }

    /// Runs the script.
    ///
    /// A request that certainly was not executed is sent again, and so is one that only reads. A write that
    /// may have been executed is not.
    pub(super) async fn call(
        &self,
        request: &Request,
        keys: &[String],
        deadline: Instant,
    ) -> Result<Value, StoreError> {
        loop {
            let error = match timeout_at(deadline, self.client.run(request, keys)).await {
                Ok(Ok(reply)) => return Ok(reply),
                Ok(Err(error)) => error,
                Err(_) => return Err(self.lost(request, no_reply().into())),
            };
            let may_be_retried =
                is_safe_to_retry(&error) || (error.is_io_error() && request.command.only_reads());
            if !may_be_retried || Instant::now() + REDIS_RETRY_DELAY >= deadline {
                return Err(self.request_error(request, error));
            }
            sleep(REDIS_RETRY_DELAY).await;
        }
    }

    fn request_error(&self, request: &Request, error: RedisError) -> StoreError {
        let (address, code) = (self.address.to_string(), error.code().map(str::to_string));
        match code.as_deref() {
            Some("OOM") => StoreError::OutOfMemory { address, source: error.into() },
            _ if is_access_error(&error) => {
                StoreError::AccessDenied { address, source: error.into() }
            }
            Some(_) => StoreError::Server { address, source: error.into() },
            None if is_safe_to_retry(&error) => {
                StoreError::Unreachable { address, source: error.into() }
            }
            None => self.lost(request, error.into()),
        }
    }

    /// Returns the error of a request that may have been sent and got no reply.
    fn lost(&self, request: &Request, source: Box<dyn Error + Send + Sync>) -> StoreError {
        let address = self.address.to_string();
        match request.command.only_reads() {
            true => StoreError::Unreachable { address, source },
            false => StoreError::OutcomeUnknown { address, source },
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Client {
    /// Connects to a server, and if that belongs to a cluster, to the whole cluster.
    async fn connect(info: ConnectionInfo) -> RedisResult<Self> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(REDIS_CONNECT_TIMEOUT))
            .set_response_timeout(Some(REDIS_REQUEST_TIMEOUT))
            .set_max_delay(REDIS_CONNECT_TIMEOUT);
        let client = redis::Client::open(info.clone())?;
        // A connection manager would retry: this connection fails at once.
        let mut first = client.get_multiplexed_async_connection().await?;
        if !is_cluster_mode(&first.send_packed_command(&redis::cmd("HELLO")).await?) {
            return Ok(Self::Server(client.get_connection_manager_with_config(config).await?));
        }
        // The client's own retries would repeat writes that may have been executed.
        let cluster = ClusterClientBuilder::new([info])
            .retries(0)
            .connection_timeout(REDIS_CONNECT_TIMEOUT)
            .response_timeout(REDIS_REQUEST_TIMEOUT)
            .use_protocol(ProtocolVersion::RESP3)
            .build()?;
        Ok(Self::Cluster(cluster.get_async_connection().await?))
    }

    /// Runs the script by its hash, and sends the script only if the server does not have it cached.
    async fn run(&self, request: &Request, keys: &[String]) -> RedisResult<Value> {
        match self.send(&request.by_hash(keys)).await {
            Err(error) if server_error_kind(&error) == Some(ServerErrorKind::NoScript) => {
                self.send(&request.by_source(keys)).await
            }
            result => result,
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

/// No error repeats the URL, or a part of it: it may contain a password, wherever that was put.
fn parse_url(url: &str) -> Result<ConnectionInfo, OpenError> {
    let invalid = |reason: &str| OpenError::InvalidUrl { reason: reason.to_string() };
    if url.starts_with("rediss:") || url.starts_with("valkeys:") {
        return Err(invalid(
            "Redis over TLS is not supported; put a TLS proxy beside the host, or Redis on a private \
             network, and write redis://",
        ));
    }
    if !has_known_form(url) {
        return Err(invalid(
            "write redis://HOST:PORT or redis://USER:PASSWORD@HOST:PORT, and in a password `@` as %40, \
             `/` as %2F, `?` as %3F and `#` as %23",
        ));
    }
    let info = url.into_connection_info().map_err(|_| {
        invalid(
            "write redis://HOST:PORT or redis://USER:PASSWORD@HOST:PORT, and a number as the port",
        )
    })?;
    let settings = info.redis_settings().clone();
    // With RESP3 the client notices at once that a connection is lost.
    Ok(info.set_redis_settings(settings.set_protocol(ProtocolVersion::RESP3)))
}

/// Returns whether it is `redis://[[user]:password@]host[:port][/database]`, with every separator in its
/// place.
fn has_known_form(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("redis://").or(url.strip_prefix("valkey://")) else {
        return false;
    };
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (_, host) = authority.split_once('@').unwrap_or(("", authority));
    !rest.contains(['?', '#', '\\'])
        && !host.is_empty()
        && !host.contains('@')
        && database.chars().all(|c| c.is_ascii_digit())
}

fn no_reply() -> String {
    format!("no reply within {REDIS_REQUEST_TIMEOUT:?}")
}

/// Returns whether a server reports cluster mode in its reply to `HELLO`.
fn is_cluster_mode(hello: &Value) -> bool {
    let Value::Map(facts) = hello else { return false };
    let is = |value: &Value, text: &str| {
        redis::from_redis_value_ref::<String>(value).is_ok_and(|value| value == text)
    };
    facts.iter().any(|(fact, value)| is(fact, "mode") && is(value, "cluster"))
}

/// Returns whether a request certainly was not executed and may succeed later: a server says so, or no
/// server received it.
fn is_safe_to_retry(error: &RedisError) -> bool {
    use ServerErrorKind::{
        Ask, BusyLoading, ClusterDown, MasterDown, Moved, NoScript, ReadOnly, TryAgain,
    };
    let refused_by_server = matches!(
        server_error_kind(error),
        Some(Ask | BusyLoading | ClusterDown | MasterDown | Moved | NoScript | ReadOnly | TryAgain)
    );
    refused_by_server
        || error.is_connection_refusal()
        || error.kind() == ErrorKind::ClusterConnectionNotFound
}

/// Returns whether a server rejected the user, the password or the rights of the user.
fn is_access_error(error: &RedisError) -> bool {
    let by_code = matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM"));
    by_code || error.kind() == ErrorKind::AuthenticationFailed
}

fn server_error_kind(error: &RedisError) -> Option<ServerErrorKind> {
    match error.kind() {
        ErrorKind::Server(kind) => Some(kind),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_have_every_separator_in_its_place() {
        for url in [
            "redis://127.0.0.1",
            "redis://127.0.0.1:6379/",
            "redis://[::1]:6379/3",
            "valkey://cache.example.com",
            "redis://:secret@10.0.0.7",
            "redis://ada:hun%40ter%2F2@10.0.0.7:6379/1",
            "redis://ada@10.0.0.7",
        ] {
            parse_url(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        }
    }

    #[test]
    fn other_urls_are_refused_without_showing_secrets() {
        for url in [
            "",
            "kv.redb",
            "redis:",
            "redis://",
            "redis:hunter2@host",
            "redis:/:hunter2@host",
            "redis:///:hunter2@host",
            "redis://:hunter2@",
            "redis://:hunter2",
            "redis://ada:hunter2",
            "redis://ada:hun@ter2@host",
            "redis://ada:2024/hunter2@host",
            "redis://ada:2024\\hunter2@host",
            "redis://host?user=ada&pass=hunter2",
            "redis://host/0?pass=hunter2",
            "redis://host#hunter2",
            "redis://host/hunter2",
            "redis://ada:hunter2@host:port",
            "redis://ada:hunter2@host/99999999999999999999",
            "unix:///run/redis.sock?pass=hunter2",
            "redis+unix:///run/redis.sock?pass=hunter2",
            "http://ada:hunter2@host",
            "rediss://ada:hunter2@host",
            " redis://ada:hunter2@host",
        ] {
            let error = anyhow::Error::from(parse_url(url).map(drop).unwrap_err());
            let shown = format!("{error:#} {error:?}");
            assert!(shown.contains("the Redis URL is invalid"), "{url}: {shown}");
            for secret in ["hunter2", "ter2", "2024"] {
                assert!(!shown.contains(secret), "{url}: {shown}");
            }
        }
    }
}
