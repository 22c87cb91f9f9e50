//! HTTP requests through `wasi:http`. Errors have WASI's name.

use std::fmt::Debug;

use surrealism::{anyhow, surrealism};
use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{
    Fields, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme,
};
use wasip2::io::streams::StreamError;

/// Gets `http://authority/path`, or with `secure` `https://authority/path`. Returns the status and the body.
#[surrealism]
fn get(authority: String, path: String, secure: bool) -> anyhow::Result<(u16, String)> {
    let response = send(request(Method::Get, &authority, &path, secure)?)?;
    let status = response.status();
    Ok((status, String::from_utf8(body(response)?)?))
}

/// Posts a text. Returns the status and the body.
#[surrealism]
fn post(authority: String, path: String, text: String) -> anyhow::Result<(u16, String)> {
    let request = request(Method::Post, &authority, &path, false)?;
    let outgoing = request.body().map_err(wasi_error)?;
    let handled = handle(request, None).map_err(wasi_error)?;
    let stream = outgoing.write().map_err(wasi_error)?;
    for chunk in text.as_bytes().chunks(4096) {
        stream.blocking_write_and_flush(chunk).map_err(wasi_error)?;
    }
    drop(stream);
    OutgoingBody::finish(outgoing, None).map_err(wasi_error)?;
    handled.subscribe().block();
    let response = handled
        .get()
        .expect("the response is ready")
        .expect("the response is taken once")
        .map_err(wasi_error)?;
    let status = response.status();
    Ok((status, String::from_utf8(body(response)?)?))
}

/// Returns the length of the body of `http://authority/path` in bytes.
#[surrealism]
fn measure(authority: String, path: String) -> anyhow::Result<u64> {
    let response = send(request(Method::Get, &authority, &path, false)?)?;
    let mut size = 0;
    read(response, |bytes| size += bytes.len() as u64)?;
    Ok(size)
}

/// Begins `count` requests at once, without waiting for their responses.
#[surrealism]
fn flood(authority: String, count: usize) -> anyhow::Result<usize> {
    let one = |_| handle(request(Method::Get, &authority, "/", false)?, None).map_err(wasi_error);
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
    let invalid = |()| anyhow::anyhow!("invalid request to {authority} {path}");
    request.set_method(&method).map_err(invalid)?;
    request.set_scheme(Some(&scheme)).map_err(invalid)?;
    request.set_authority(Some(authority)).map_err(invalid)?;
    request.set_path_with_query(Some(path)).map_err(invalid)?;
    Ok(request)
}

fn send(request: OutgoingRequest) -> anyhow::Result<IncomingResponse> {
    let handled = handle(request, None).map_err(wasi_error)?;
    handled.subscribe().block();
    handled
        .get()
        .expect("the response is ready")
        .expect("the response is taken once")
        .map_err(wasi_error)
}

fn body(response: IncomingResponse) -> anyhow::Result<Vec<u8>> {
    let mut all = Vec::new();
    read(response, |bytes| all.extend(bytes))?;
    Ok(all)
}

fn read(response: IncomingResponse, mut take: impl FnMut(Vec<u8>)) -> anyhow::Result<()> {
    let body: IncomingBody =
        response.consume().map_err(|()| anyhow::anyhow!("the response has no body"))?;
    let stream = body.stream().map_err(|()| anyhow::anyhow!("the body has no stream"))?;
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

fn wasi_error(error: impl Debug) -> anyhow::Error {
    anyhow::anyhow!("{error:?}")
}
