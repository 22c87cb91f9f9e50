//! The service, over HTTP.

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use server::{Service, Settings, routes, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn archive(name: &str) -> Vec<u8> {
    let target = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/guests"));
    let path = target.join(format!("{name}.surli"));
    std::fs::read(&path)
        .unwrap_or_else(|_| panic!("{} is missing: run `cargo xtask guests`", path.display()))
}

/// Runs `client` against a service with the module `m`, and stops the service.
async fn with_service<F: Future>(
    change: impl FnOnce(&mut Settings),
    client: impl FnOnce(SocketAddr, Arc<Service>) -> F,
) -> F::Output {
    let directory = std::env::temp_dir().join(format!(
        "surrealism-server-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    std::fs::create_dir_all(&directory).unwrap();
    let mut settings = Settings::new(&directory);
    settings.cache = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/cache/surrealism").into();
    change(&mut settings);
    let service = Service::open(settings).unwrap();
    service.load("m", archive("hostile").into()).await.unwrap();

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(serve(listener, routes(service.clone()), async {
        let _ = stopped.await;
    }));
    let output = client(address, service.clone()).await;
    drop(stop);
    serving.await.unwrap();
    assert_eq!(service.drain().await, 0);
    std::fs::remove_dir_all(directory).unwrap();
    output
}

/// Makes one request, and returns the status and the body.
async fn request(address: SocketAddr, method: &str, path: &str, body: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_string())
}

/// Resolves once a call is under way.
async fn under_way(address: SocketAddr) {
    const CALL: &str = "surrealism_calls_in_progress{module=\"surrealism/hostile\"} 1\n";
    while !request(address, "GET", "/metrics", b"").await.1.contains(CALL) {}
}

async fn call(address: SocketAddr, path: &str, args: Json) -> (u16, Json) {
    let path = format!("/call/{path}");
    let (status, body) = request(address, "POST", &path, args.to_string().as_bytes()).await;
    (status, serde_json::from_str(&body).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_outcome_has_its_status() {
    let short = |settings: &mut Settings| settings.timeout = Duration::from_millis(200);
    with_service(short, async |address, _| {
        for (path, args, status, expected) in [
            ("m/alive", json!([]), 200, "true"),
            ("m/answer", json!({ "bytes": 3 }), 200, "\""),
            ("m/alvie", json!([]), 404, "did you mean `alive`"),
            ("n/alive", json!([]), 404, "\"near\""),
            ("m/fail", json!([1]), 400, "argument 1 (message): expected string"),
            ("m/fail", json!(["a", "b"]), 400, "takes 1 argument, and the call has 2"),
            ("m/fail", json!(["no luck"]), 422, "no luck"),
            ("m/panics", json!(["oh"]), 500, "panicked: oh"),
            ("m/spin_forever", json!([]), 504, "200ms"),
            ("m/query_often", json!(["RETURN 1", 1]), 403, "the host does not grant it"),
        ] {
            let (got, body) = call(address, path, args).await;
            assert_eq!(got, status, "{path}: {body}");
            assert!(body.to_string().contains(expected), "{path}: {body} lacks {expected:?}");
        }
        let (status, body) = request(address, "POST", "/call/m/fail", b"no JSON").await;
        assert_eq!(status, 400, "{body}");

        let (status, metrics) = request(address, "GET", "/metrics", b"").await;
        assert_eq!(status, 200);
        const MODULE: &str = "module=\"surrealism/hostile\"";
        for line in [
            format!("surrealism_calls_in_progress{{{MODULE}}} 0"),
            format!("surrealism_calls_total{{{MODULE},function=\"alive\",outcome=\"returned\"}} 1"),
            format!("surrealism_calls_total{{{MODULE},function=\"_other\",outcome=\"unknown_function\"}} 1"),
            format!("surrealism_denied_total{{{MODULE},capability=\"queries\",missing=\"not_granted\"}} 1"),
            format!("surrealism_instances_dropped_total{{{MODULE},cause=\"trapped\"}} 1"),
        ] {
            assert!(metrics.contains(&line), "{metrics} lacks {line:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_module_refuses_calls_that_may_be_retried() {
    let small = |settings: &mut Settings| {
        settings.pool_size = 1;
        settings.max_queue = 0;
    };
    with_service(small, async |address, service| {
        let slow = tokio::spawn(call(address, "m/sleep", json!([500])));
        under_way(address).await;
        let (status, body) = call(address, "m/alive", json!([])).await;
        assert_eq!((status, &body["retry"]), (503, &json!(true)), "{body}");
        assert_eq!(slow.await.unwrap().0, 200);
        drop(service);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_module_is_replaced_while_it_is_called() {
    with_service(
        |_| {},
        async |address, _| {
            let slow = tokio::spawn(call(address, "m/sleep", json!([300])));
            let (status, body) = request(address, "PUT", "/modules/m", &archive("state")).await;
            assert_eq!((status, body.as_str()), (200, "{\"cancelled\":0}"));
            assert_eq!(slow.await.unwrap().0, 200, "a call under way ends on the old module");
            assert_eq!(call(address, "m/count", json!([])).await.0, 200);
            assert_eq!(call(address, "m/alive", json!([])).await.0, 404);

            let (status, body) = request(address, "PUT", "/modules/m", b"no archive").await;
            assert_eq!(status, 400, "{body}");
            assert_eq!(call(address, "m/count", json!([])).await.0, 200);
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::async_yields_async, reason = "the request is awaited after the service has ended")]
async fn requests_under_way_end_before_the_service_does() {
    let slow = with_service(
        |_| {},
        async |address, service| {
            let slow = tokio::spawn(call(address, "m/sleep", json!([300])));
            under_way(address).await;
            drop(service);
            slow
        },
    )
    .await;
    assert_eq!(slow.await.unwrap().0, 200);
}
