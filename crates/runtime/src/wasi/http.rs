//! Outbound `wasi:http`, held to what the module may reach.
//!
//! wasmtime's own client looks names up and connects wherever they lead. This one goes through
//! [`Reach`], as a guest's sockets do. Bodies are streamed: of each, the host holds a piece. A
//! request lives as long as what the guest holds of it, and no longer than its instance.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
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
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::{
    Error, RequestOptions, Result, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks,
    WasiHttpView,
};

use crate::limits::{
    MAX_HOST_NAME_BYTES, MAX_HTTP_BUFFER_BYTES, MAX_HTTP_HEADER_BYTES, MAX_HTTP_HEADERS,
    MAX_HTTP_WAIT,
};
use crate::egress::Reach;
use crate::store::StoreData;

/// Adds `wasi:http` without its server's half.
///
/// # Errors
///
/// When the linker refuses it.
pub(crate) fn add_to_linker(linker: &mut Linker<StoreData>) -> wasmtime::Result<()> {
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)
}

/// One instance's client.
pub(crate) struct Http {
    limits: WasiHttpCtx,
    client: Client,
}

impl Http {
    pub(crate) fn new(reach: Reach) -> Self {
        let mut limits = WasiHttpCtx::new();
        limits.set_field_size_limit(MAX_HTTP_HEADER_BYTES);
        Self { limits, client: Client { reach } }
    }

    pub(crate) fn view<'a>(&'a mut self, table: &'a mut ResourceTable) -> WasiHttpCtxView<'a> {
        WasiHttpCtxView { hooks: &mut self.client, table, ctx: &mut self.limits }
    }
}

impl WasiHttpView for StoreData {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.http_view()
    }
}

struct Client {
    reach: Reach,
}

/// What is still to be done for a request: its connection, to be driven while the body is read.
type Rest = Box<dyn Future<Output = Result<()>> + Send>;

impl WasiHttpHooks for Client {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Rest,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Rest)>> + Send> {
        let reach = self.reach.clone();
        Box::new(async move { send(&reach, request, Patience::of(options)).await })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        MAX_HTTP_BUFFER_BYTES
    }
}

/// How long each step of a request may take: what the guest says, within [`MAX_HTTP_WAIT`].
struct Patience {
    connect: Duration,
    first_byte: Duration,
    between_bytes: Duration,
}

impl Patience {
    fn of(options: Option<RequestOptions>) -> Self {
        let options = options.unwrap_or_default();
        let at_most = |asked: Option<Duration>| asked.unwrap_or(MAX_HTTP_WAIT).min(MAX_HTTP_WAIT);
        Self {
            connect: at_most(options.connect_timeout),
            first_byte: at_most(options.first_byte_timeout),
            between_bytes: at_most(options.between_bytes_timeout),
        }
    }
}

async fn send(
    reach: &Reach,
    mut request: Request<WasiBody>,
    patience: Patience,
) -> Result<(Response<WasiBody>, Rest)> {
    let target = Target::of(request.uri())?;
    let connecting = async { connect(&target, &target.addresses(reach).await?).await };
    let stream =
        timeout(patience.connect, connecting).await.map_err(|_| Error::ConnectionTimeout)?;
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_HTTP_BUFFER_BYTES)
        .max_headers(MAX_HTTP_HEADERS)
        .handshake(TokioIo::new(stream?))
        .await?;
    let mut connection: Pin<Rest> = Box::pin(async { Ok(connection.await?) });

    // Only a proxy is told scheme and authority.
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse().map_err(|_| Error::HttpRequestUriInvalid)?;
    let mut answering = pin!(async {
        let answer = timeout(patience.first_byte, sender.send_request(request)).await;
        answer.map_err(|_| Error::ConnectionReadTimeout)?.map_err(Error::from)
    });
    // The connection may be done first: where the other side closes it behind its answer.
    let mut done = false;
    let response = poll_fn(|cx| {
        done = done || connection.as_mut().poll(cx)?.is_ready();
        answering.as_mut().poll(cx)
    })
    .await?;
    let rest = async move { if done { Ok(()) } else { connection.await } };
    let timed = |body| Timed::new(body, patience.between_bytes).boxed_unsync();
    Ok((response.map(timed), Box::new(rest)))
}

/// Where a request goes.
struct Target {
    host: url::Host,
    port: u16,
    secure: bool,
}

impl Target {
    fn of(uri: &Uri) -> Result<Self> {
        let authority = uri.authority().ok_or(Error::HttpRequestUriInvalid)?;
        let host = url::Host::parse(authority.host()).map_err(|_| Error::HttpRequestUriInvalid)?;
        let secure = uri.scheme() == Some(&Scheme::HTTPS);
        let port = authority.port_u16().unwrap_or(if secure { 443 } else { 80 });
        Ok(Self { host, port, secure })
    }

    /// Those of its addresses that the module may reach, of which there is at least one.
    async fn addresses(&self, reach: &Reach) -> Result<Vec<SocketAddr>> {
        let mut addresses = match &self.host {
            url::Host::Ipv4(ip) => vec![SocketAddr::new((*ip).into(), self.port)],
            url::Host::Ipv6(ip) => vec![SocketAddr::new((*ip).into(), self.port)],
            url::Host::Domain(name) => self.look_up(name, reach).await?,
        };
        addresses.retain(|address| reach.admits(address));
        if addresses.is_empty() { Err(Error::HttpRequestDenied) } else { Ok(addresses) }
    }

    async fn look_up(&self, name: &str, reach: &Reach) -> Result<Vec<SocketAddr>> {
        if name.len() > MAX_HOST_NAME_BYTES {
            return Err(Error::HttpRequestDenied);
        }
        let found = reach.look_up(name).ok_or(Error::HttpRequestDenied)?.await;
        let found = found.map_err(|_| Error::DnsError { rcode: None, info_code: None })?;
        let learned = found.into_iter().filter(|ip| reach.learn(name, *ip));
        Ok(learned.map(|ip| SocketAddr::new(ip, self.port)).collect())
    }

    /// The name that the other side's certificate has to have.
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
    let connector = TlsConnector::from(tls()?);
    let stream = connector.connect(target.server_name()?, stream).await.map_err(Error::Tls)?;
    Ok(Box::new(stream))
}

/// How certificates are checked: against the roots that browsers trust.
fn tls() -> Result<Arc<ClientConfig>> {
    // The provider is named, since which one the rest of the process uses is not ours to guess.
    static CONFIG: LazyLock<Option<Arc<ClientConfig>>> = LazyLock::new(|| {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .ok()?;
        Some(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
    });
    CONFIG.clone().ok_or(Error::ConfigurationError)
}

/// A body whose every piece has to come in time.
struct Timed {
    body: Incoming,
    patience: Duration,
    out: Pin<Box<Sleep>>,
}

impl Timed {
    fn new(body: Incoming, patience: Duration) -> Self {
        Self { body, patience, out: Box::pin(sleep(patience)) }
    }
}

impl Body for Timed {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            this.out.as_mut().reset(Instant::now() + this.patience);
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::from)));
        }
        ready!(this.out.as_mut().poll(cx));
        Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
    }
}
