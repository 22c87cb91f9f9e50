//! Requests through `wasi:http`. Errors have WASI's name.

use std::fmt::Debug;

use surrealism::{anyhow, surrealism};
use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{
    Fields, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme,
};
use wasip2::io::streams::StreamError;

/// Gets `http://authority/path` or, if it is to be secure, `https://authority/path`; answers the
/// status and the body.
#[surrealism]
fn get(authority: String, path: String, secure: bool) -> anyhow::Result<(u16, String)> {
    let response = answered(request(Method::Get, &authority, &path, secure)?)?;
    let status = response.status();
    Ok((status, String::from_utf8(body(response)?)?))
}

/// Posts a text; answers the status and the body.
#[surrealism]
fn post(authority: String, path: String, text: String) -> anyhow::Result<(u16, String)> {
    let request = request(Method::Post, &authority, &path, false)?;
    let outgoing = request.body().map_err(named)?;
    let handled = handle(request, None).map_err(named)?;
    let stream = outgoing.write().map_err(named)?;
    for piece in text.as_bytes().chunks(4096) {
        stream.blocking_write_and_flush(piece).map_err(named)?;
    }
    drop(stream);
    OutgoingBody::finish(outgoing, None).map_err(named)?;
    handled.subscribe().block();
    let response = handled.get().expect("it is ready").expect("nobody took it").map_err(named)?;
    let status = response.status();
    Ok((status, String::from_utf8(body(response)?)?))
}

/// How many bytes the body of `http://authority/path` has.
#[surrealism]
fn measure(authority: String, path: String) -> anyhow::Result<u64> {
    let response = answered(request(Method::Get, &authority, &path, false)?)?;
    let mut size = 0;
    read(response, |bytes| size += bytes.len() as u64)?;
    Ok(size)
}

/// Begins so many requests at once, and waits for none.
#[surrealism]
fn flood(authority: String, count: usize) -> anyhow::Result<usize> {
    let one = |_| handle(request(Method::Get, &authority, "/", false)?, None).map_err(named);
    Ok((0..count).map(one).collect::<anyhow::Result<Vec<_>>>()?.len())
}

fn request(
    method: Method,
    authority: &str,
    path: &str,
    secure: bool,
) -> anyhow::Result<OutgoingRequest> {
    let request = OutgoingRequest::new(Fields::new());
    let scheme = if secure { Scheme::Https } else { Scheme::Http };
    let refused = |()| anyhow::anyhow!("no request can be made to {authority} {path}");
    request.set_method(&method).map_err(refused)?;
    request.set_scheme(Some(&scheme)).map_err(refused)?;
    request.set_authority(Some(authority)).map_err(refused)?;
    request.set_path_with_query(Some(path)).map_err(refused)?;
    Ok(request)
}

fn answered(request: OutgoingRequest) -> anyhow::Result<IncomingResponse> {
    let handled = handle(request, None).map_err(named)?;
    handled.subscribe().block();
    handled.get().expect("it is ready").expect("nobody took it").map_err(named)
}

fn body(response: IncomingResponse) -> anyhow::Result<Vec<u8>> {
    let mut all = Vec::new();
    read(response, |bytes| all.extend(bytes))?;
    Ok(all)
}

fn read(response: IncomingResponse, mut take: impl FnMut(Vec<u8>)) -> anyhow::Result<()> {
    let body: IncomingBody = response.consume().map_err(|()| anyhow::anyhow!("no body"))?;
    let stream = body.stream().map_err(|()| anyhow::anyhow!("no stream"))?;
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(bytes) => take(bytes),
            Err(StreamError::Closed) => return Ok(()),
            Err(StreamError::LastOperationFailed(error)) => {
                return Err(anyhow::anyhow!("{}", error.to_debug_string()));
            }
        }
    }
}

fn named(error: impl Debug) -> anyhow::Error {
    anyhow::anyhow!("{error:?}")
}
