//! Outbound `wasi:http`, restricted by [`EgressFilter`].
//!
//! wasmtime's own client resolves a name and connects in one step, so that a check before it would not
//! hold for the address it connects to. This client connects to addresses that the filter allowed.
//! Bodies are streamed through a bounded buffer. A request ends when the guest drops its handles, at
//! the latest with its instance.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::uri::{Scheme, Uri};
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use wasmtime::component::{Linker, Resource, ResourceTable};
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::p2::bindings::http::types::{HostOutgoingRequest as _, Method};
use wasmtime_wasi_http::p2::types::HostOutgoingRequest;
use wasmtime_wasi_http::{
    Error, RequestOptions, Result, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks,
    WasiHttpView,
};

use crate::egress::{Caller, EgressFilter};
use crate::limits::{
    MAX_HOST_NAME_BYTES, MAX_HTTP_AUTHORITY_BYTES, MAX_HTTP_BUFFER_BYTES, MAX_HTTP_HEAD_BYTES,
    MAX_HTTP_HEADER_BYTES, MAX_HTTP_HEADERS, MAX_HTTP_METHOD_BYTES, MAX_HTTP_WAIT,
};
use crate::reactor::within;

/// Adds the outbound interfaces of `wasi:http`.
///
/// # Errors
///
/// When the linker refuses one.
pub(crate) fn add_to_linker<T: WasiHttpView + 'static>(
    linker: &mut Linker<T>,
) -> wasmtime::Result<()> {
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    limit_texts(linker)
}

/// Replaces the functions with which a guest has the host keep a text of any length, in each of its requests.
fn limit_texts<T: WasiHttpView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    type Request = Resource<HostOutgoingRequest>;

    linker.allow_shadowing(true);
    let mut types = linker.instance(TYPES)?;
    types.func_wrap(
        "[method]outgoing-request.set-method",
        |mut store, (request, method): (Request, Method)| {
            let fits =
                !matches!(&method, Method::Other(name) if name.len() > MAX_HTTP_METHOD_BYTES);
            let mut http = store.data_mut().http();
            Ok((if fits { http.set_method(request, method)? } else { Err(()) },))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-authority",
        |mut store, (request, authority): (Request, Option<String>)| {
            let length = authority.as_ref().map_or(0, String::len);
            let fits = length <= MAX_HTTP_AUTHORITY_BYTES;
            let mut http = store.data_mut().http();
            Ok((if fits { http.set_authority(request, authority)? } else { Err(()) },))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

/// The interface as wasmtime names it in its linker.
const TYPES: &str = "wasi:http/types@0.2.12";

/// The HTTP client of one instance.
pub(crate) struct HttpClient {
    limits: WasiHttpCtx,
    hooks: Hooks,
}

impl HttpClient {
    /// Creates a client whose requests run within `reactor`; without one, every request is denied.
    pub(crate) fn new(egress: EgressFilter, reactor: Option<Handle>) -> Self {
        let mut limits = WasiHttpCtx::new();
        limits.set_field_size_limit(MAX_HTTP_HEADER_BYTES);
        Self { limits, hooks: Hooks { egress, reactor } }
    }

    pub(crate) fn view<'a>(&'a mut self, table: &'a mut ResourceTable) -> WasiHttpCtxView<'a> {
        WasiHttpCtxView { hooks: &mut self.hooks, table, ctx: &mut self.limits }
    }
}

struct Hooks {
    egress: EgressFilter,
    reactor: Option<Handle>,
}

/// The connection of a request, to be polled while the body is read.
type ConnectionTask = Box<dyn Future<Output = Result<()>> + Send>;

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: ConnectionTask,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, ConnectionTask)>> + Send> {
        let (egress, reactor) = (self.egress.clone(), self.reactor.clone());
        let timeouts = RequestTimeouts::new(options);
        let caller = egress.caller();
        Box::new(async move {
            let Some(reactor) = reactor else {
                // Nothing is requested, so this only records the refusal.
                Target::new(request.uri())?.addresses(&egress, caller).await?;
                return Err(Error::HttpRequestDenied);
            };
            within(Some(&reactor), send(&egress, caller, request, timeouts)).await
        })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        MAX_HTTP_BUFFER_BYTES
    }
}

/// The timeouts of a request: the guest's own, at most [`MAX_HTTP_WAIT`].
struct RequestTimeouts {
    connect: Duration,
    first_byte: Duration,
    between_bytes: Duration,
}

impl RequestTimeouts {
    fn new(options: Option<RequestOptions>) -> Self {
        let options = options.unwrap_or_default();
        let limited =
            |requested: Option<Duration>| requested.unwrap_or(MAX_HTTP_WAIT).min(MAX_HTTP_WAIT);
        Self {
            connect: limited(options.connect_timeout),
            first_byte: limited(options.first_byte_timeout),
            between_bytes: limited(options.between_bytes_timeout),
        }
    }
}

async fn send(
    egress: &EgressFilter,
    caller: Caller,
    mut request: Request<WasiBody>,
    timeouts: RequestTimeouts,
) -> Result<(Response<WasiBody>, ConnectionTask)> {
    let target = Target::new(request.uri())?;
    let connecting = async { connect(&target, &target.addresses(egress, caller).await?).await };
    let stream =
        timeout(timeouts.connect, connecting).await.map_err(|_| Error::ConnectionTimeout)?;
    let head_left = Arc::new(AtomicUsize::new(MAX_HTTP_HEAD_BYTES));
    let stream = LimitedHead { stream: stream?, left: head_left.clone() };
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_HTTP_BUFFER_BYTES)
        .max_headers(MAX_HTTP_HEADERS)
        .handshake(TokioIo::new(stream))
        .await?;
    let mut connection: Pin<ConnectionTask> = Box::pin(async { Ok(connection.await?) });

    // Scheme and authority are for proxies only.
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse().map_err(|_| Error::HttpRequestUriInvalid)?;
    let mut exchange = pin!(async {
        let response = timeout(timeouts.first_byte, sender.send_request(request)).await;
        response.map_err(|_| Error::ConnectionReadTimeout)?.map_err(Error::from)
    });
    // The connection ends first where the server closes it right after its response.
    let mut done = false;
    let response = poll_fn(|cx| {
        done = done || connection.as_mut().poll(cx)?.is_ready();
        exchange.as_mut().poll(cx)
    })
    .await?;
    head_left.store(usize::MAX, Ordering::Relaxed);
    let connection_task = async move { if done { Ok(()) } else { connection.await } };
    let with_timeout = |body| TimeoutBody::new(body, timeouts.between_bytes).boxed_unsync();
    Ok((response.map(with_timeout), Box::new(connection_task)))
}

/// The destination of a request.
struct Target {
    host: url::Host,
    port: u16,
    secure: bool,
}

impl Target {
    fn new(uri: &Uri) -> Result<Self> {
        let authority = uri.authority().ok_or(Error::HttpRequestUriInvalid)?;
        let host = url::Host::parse(authority.host()).map_err(|_| Error::HttpRequestUriInvalid)?;
        let secure = uri.scheme() == Some(&Scheme::HTTPS);
        let port = authority.port_u16().unwrap_or(if secure { 443 } else { 80 });
        Ok(Self { host, port, secure })
    }

    /// Returns the addresses that the module may connect to, at least one.
    async fn addresses(&self, egress: &EgressFilter, caller: Caller) -> Result<Vec<SocketAddr>> {
        let addresses = match &self.host {
            url::Host::Ipv4(ip) => vec![SocketAddr::new((*ip).into(), self.port)],
            url::Host::Ipv6(ip) => vec![SocketAddr::new((*ip).into(), self.port)],
            url::Host::Domain(name) => self.resolve(name, egress, caller).await?,
        };
        let addresses = egress.allowed(caller, addresses);
        if addresses.is_empty() { Err(Error::HttpRequestDenied) } else { Ok(addresses) }
    }

    async fn resolve(
        &self,
        name: &str,
        egress: &EgressFilter,
        caller: Caller,
    ) -> Result<Vec<SocketAddr>> {
        if name.len() > MAX_HOST_NAME_BYTES {
            return Err(Error::HttpRequestDenied);
        }
        let found = egress.resolve(caller, name).ok_or(Error::HttpRequestDenied)?.await;
        let found = found.map_err(|error| {
            egress.record_failure(caller, name, &error);
            Error::DnsError { rcode: None, info_code: None }
        })?;
        let allowed = found.into_iter().filter(|ip| egress.record_resolved(caller, name, *ip));
        Ok(allowed.map(|ip| SocketAddr::new(ip, self.port)).collect())
    }

    /// The name that the server's certificate must have.
    fn server_name(&self) -> Result<ServerName<'static>> {
        Ok(match &self.host {
            url::Host::Ipv4(ip) => ServerName::from(*ip),
            url::Host::Ipv6(ip) => ServerName::from(*ip),
            url::Host::Domain(name) => {
                ServerName::try_from(name.clone()).map_err(|_| Error::HttpRequestUriInvalid)?
            }
        })
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn connect(target: &Target, addresses: &[SocketAddr]) -> Result<Box<dyn Stream>> {
    let stream = TcpStream::connect(addresses).await.map_err(Error::Connect)?;
    if !target.secure {
        return Ok(Box::new(stream));
    }
    let connector = TlsConnector::from(tls_config()?);
    let stream = connector.connect(target.server_name()?, stream).await.map_err(Error::Tls)?;
    Ok(Box::new(stream))
}

/// A connection from which only so much can be read until the head of the response is complete.
struct LimitedHead {
    stream: Box<dyn Stream>,
    left: Arc<AtomicUsize>,
}

impl AsyncRead for LimitedHead {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let left = self.left.load(Ordering::Relaxed);
        if left < usize::MAX {
            let Some(left) = left.checked_sub(buffer.filled().len() - before) else {
                return Poll::Ready(Err(io::Error::other("the head of the response is too long")));
            };
            self.left.store(left, Ordering::Relaxed);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for LimitedHead {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Returns the TLS settings: certificates are checked against Mozilla's roots.
fn tls_config() -> Result<Arc<ClientConfig>> {
    // The provider is explicit: the process may have another default, or two.
    static CONFIG: LazyLock<Option<Arc<ClientConfig>>> = LazyLock::new(|| {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .ok()?;
        Some(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
    });
    CONFIG.clone().ok_or(Error::ConfigurationError)
}

/// A body that fails when the next frame does not arrive in time.
struct TimeoutBody {
    body: Incoming,
    timeout: Duration,
    idle_timer: Pin<Box<Sleep>>,
}

impl TimeoutBody {
    fn new(body: Incoming, timeout: Duration) -> Self {
        Self { body, timeout, idle_timer: Box::pin(sleep(timeout)) }
    }
}

impl Body for TimeoutBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            this.idle_timer.as_mut().reset(Instant::now() + this.timeout);
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::from)));
        }
        ready!(this.idle_timer.as_mut().poll(cx));
        Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
    }
}
