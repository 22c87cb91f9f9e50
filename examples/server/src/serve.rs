//! Accepts connections until the service stops, as `axum::serve` does with axum's feature `tokio`.

use std::future::Future;
use std::pin::pin;

use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt;

/// Serves until `stop` is ready. Then accepts no more connections, and lets the requests under way end.
pub async fn serve(listener: TcpListener, routes: Router, stop: impl Future<Output = ()>) {
    let (stopping, stopped) = watch::channel(false);
    let (mut connections, mut stop) = (JoinSet::new(), pin!(stop));
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => {
                // A client may be gone before it was accepted.
                let Ok((stream, _)) = accepted else { continue };
                connections.spawn(connection(TokioIo::new(stream), routes.clone(), stopped.clone()));
            }
            // Forgets connections that have ended.
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    let _ = stopping.send(true);
    while connections.join_next().await.is_some() {}
}

async fn connection(
    stream: TokioIo<tokio::net::TcpStream>,
    routes: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        routes.clone().oneshot(request.map(Body::new))
    });
    let mut connection = pin!(http1::Builder::new().serve_connection(stream, service));
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopped.wait_for(|stopped| *stopped) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
