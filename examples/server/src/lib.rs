//! An HTTP service that calls the functions of plugins. `docs/hosting.md` explains its choices.
//!
//! | request | answer |
//! |---|---|
//! | `POST /call/MODULE/FUNCTION` with JSON arguments | the result as JSON |
//! | `PUT /modules/MODULE` with an archive | loads it, in place of the one that has the name |
//! | `GET /metrics` | the metrics, for Prometheus |

mod serve;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use serde_json::{Value as Json, json};
use surrealism_runtime::observer::{MetricsObserver, TracingObserver};
use surrealism_runtime::{CodeCache, Error, Grants, Runtime, SurrealismPackage, UnpackOptions};
use surrealism_stores::RedbDatabase;
use surrealism_surrealdb::{CallContext, Module, ModuleRegistry};

pub use self::serve::serve;

/// How long calls may go on after their module was replaced, or the service stops.
const PATIENCE: Duration = Duration::from_secs(10);
/// Memory of one instance.
const MAX_MEMORY_BYTES: usize = 64 << 20;

/// What an operator decides.
pub struct Settings {
    /// The file of the modules' key-value stores.
    pub store: PathBuf,
    /// The directory of compiled code.
    pub cache: PathBuf,
    /// Instances of each module.
    pub pool_size: usize,
    /// Callers of each module that may wait for an instance.
    pub max_queue: usize,
    /// Time of one call, including its wait.
    pub timeout: Duration,
}

impl Settings {
    /// Returns settings for a small service that keeps its files in a directory.
    pub fn new(directory: &std::path::Path) -> Self {
        let (store, cache) = (directory.join("kv.redb"), directory.join("cache"));
        Self { store, cache, pool_size: 8, max_queue: 100, timeout: Duration::from_secs(1) }
    }
}

/// The modules of the service, and what they are called with.
pub struct Service {
    settings: Settings,
    modules: ModuleRegistry,
    stores: RedbDatabase,
    cache: CodeCache,
    metrics: Arc<MetricsObserver>,
    tracing: Arc<TracingObserver>,
}

impl Service {
    /// Opens the stores. The service has no modules yet.
    pub fn open(settings: Settings) -> anyhow::Result<Arc<Self>> {
        let stores = RedbDatabase::open(&settings.store)?;
        let cache = CodeCache::open(&settings.cache)?;
        let (metrics, tracing) = (Arc::default(), Arc::default());
        let modules = ModuleRegistry::new();
        Ok(Arc::new(Self { settings, modules, stores, cache, metrics, tracing }))
    }

    /// Loads an archive under a name, in place of the module that has it. Returns the calls of that module
    /// which had not ended when the patience did.
    pub async fn load(&self, name: &str, archive: Bytes) -> anyhow::Result<usize> {
        // Reading an archive blocks for milliseconds.
        let read = move || SurrealismPackage::from_reader(&archive[..], &UnpackOptions::default());
        let package = tokio::task::spawn_blocking(read).await??;
        let builder = Runtime::builder(package)
            .grants(Grants::none().key_value())
            .pool_size(self.settings.pool_size)
            .max_queue(self.settings.max_queue)
            .max_memory_bytes(MAX_MEMORY_BYTES)
            .max_execution_time(self.settings.timeout)
            .code_cache(self.cache.clone())
            .observer(self.metrics.clone())
            .observer(self.tracing.clone());
        let runtime = Arc::new(builder.build_async().await?);

        // The store belongs to the plugin, so that its next version finds it.
        let meta = &runtime.config().meta;
        let owner = format!("{}/{}", meta.organisation, meta.name);
        let store = Arc::new(self.stores.module(&owner, runtime.kv_limits())?);
        let module = Module::new(runtime).kv(store);
        Ok(self.modules.replace(name, module, PATIENCE).await?)
    }

    /// Waits until no call is under way, and returns how many are left when the patience ends.
    pub async fn drain(&self) -> usize {
        let mut left = 0;
        for module in self.modules.names().iter().filter_map(|name| self.modules.get(name)) {
            left += module.runtime().drain(PATIENCE).await;
        }
        left
    }

    async fn call(&self, name: &str, function: &str, body: &[u8]) -> Result<Json, Failure> {
        let module = self.modules.get(name).ok_or_else(|| self.unknown_module(name))?;
        let body = if body.is_empty() { b"[]".as_slice() } else { body };
        let args = serde_json::from_slice(body).map_err(Failure::bad_request)?;
        // What the guest prints is an event of `tracing`.
        let context = CallContext::new(&module).modules(&self.modules).output(|_| ());
        let call = module.runtime().call_json(function, args, context);
        Ok(call.timeout(self.settings.timeout).await?)
    }

    fn unknown_module(&self, name: &str) -> Failure {
        let body = json!({ "error": "no such module", "near": self.modules.near(name) });
        Failure { status: StatusCode::NOT_FOUND, body }
    }
}

/// A request that failed: what the client gets.
struct Failure {
    status: StatusCode,
    body: Json,
}

impl Failure {
    fn bad_request(error: impl std::fmt::Display) -> Self {
        Self { status: StatusCode::BAD_REQUEST, body: json!({ "error": error.to_string() }) }
    }
}

/// The client gets the text; the host's own error goes to the log.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if let Some(source) = std::error::Error::source(&error) {
            tracing::error!("{error}: {source:#}");
        }
        let status = StatusCode::from_u16(error.http_status());
        Self {
            status: status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            body: json!({ "error": error.to_string(), "retry": error.is_retryable() }),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        json_response(self.status, &self.body)
    }
}

fn json_response(status: StatusCode, body: &Json) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

/// Returns the routes of the service.
pub fn routes(service: Arc<Service>) -> Router {
    const MAX_ARCHIVE_BYTES: usize = 64 << 20;
    Router::new()
        .route("/call/{module}/{function}", post(call))
        .route("/modules/{module}", put(load).layer(DefaultBodyLimit::max(MAX_ARCHIVE_BYTES)))
        .route("/metrics", get(metrics))
        .with_state(service)
}

async fn call(
    State(service): State<Arc<Service>>,
    Path((module, function)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, Failure> {
    let value = service.call(&module, &function, &body).await?;
    Ok(json_response(StatusCode::OK, &value))
}

async fn metrics(State(service): State<Arc<Service>>) -> Response {
    let metrics = service.metrics.encode();
    ([(CONTENT_TYPE, MetricsObserver::CONTENT_TYPE)], metrics).into_response()
}

/// A real service lets only its operators in here.
async fn load(
    State(service): State<Arc<Service>>,
    Path(module): Path<String>,
    archive: Bytes,
) -> Result<Response, Failure> {
    let left = service.load(&module, archive).await;
    let left = left.map_err(|error| Failure::bad_request(format!("{error:#}")))?;
    Ok(json_response(StatusCode::OK, &json!({ "cancelled": left })))
}
