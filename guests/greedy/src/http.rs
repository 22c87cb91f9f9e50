//! Attacks through `wasi:http`.

use surrealism::anyhow;
use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{
    Fields, FutureIncomingResponse, Method, OutgoingRequest, RequestOptions, Scheme,
};

use crate::{hoard, repeat, unknown, wasi_error};

pub(crate) fn attack(name: &str, size: usize, text: &str) -> anyhow::Result<u64> {
    let long = "x".repeat(size);
    match name {
        "hold methods" => Ok(hoard_requests(|r| r.set_method(&Method::Other(long.clone())))),
        "hold authorities" => Ok(hoard_requests(|r| r.set_authority(Some(&long)))),
        "hold paths" => Ok(hoard_requests(|r| r.set_path_with_query(Some(&format!("/{long}"))))),
        "hold schemes" => Ok(hoard_requests(|r| r.set_scheme(Some(&Scheme::Other(long.clone()))))),
        "hold headers" => Ok(hoard(|| {
            let fields = Fields::new();
            fill(&fields, &long);
            Some(fields)
        })),
        "headers without an end" => {
            let fields = Fields::new();
            let mut number = 0;
            repeat(|| {
                number += 1;
                fields.append(&format!("h{number}"), long.as_bytes()).map_err(wasi_error)
            })
        }
        "hold copies of headers" => {
            let fields = Fields::new();
            fill(&fields, &long);
            Ok(hoard(|| {
                let copy = fields.clone();
                copy.append("one-more", b"").is_ok().then_some(copy).or(Some(Fields::new()))
            }))
        }
        "hold bodies" => Ok(hoard(|| {
            let request = OutgoingRequest::new(Fields::new());
            let body = request.body().ok()?;
            let stream = body.write().ok()?;
            let permitted = stream.check_write().ok()?;
            stream.write(&vec![0; permitted as usize]).ok()?;
            Some((request, body, stream))
        })),
        "hold options" => Ok(hoard(|| Some(RequestOptions::new()))),
        "hold requests" => Ok(hoard(|| begin(text).ok())),
        "request for ever" => repeat(|| begin(text)),
        "read the answer" => {
            let response = begin(text)?;
            response.subscribe().block();
            let response = response.get().unwrap().unwrap().map_err(wasi_error)?;
            let body = response.consume().map_err(wasi_error)?;
            let stream = body.stream().map_err(wasi_error)?;
            repeat(|| stream.blocking_read(u64::MAX).map_err(wasi_error))
        }
        _ => unknown(name),
    }
}

fn hoard_requests(change: impl Fn(&OutgoingRequest) -> Result<(), ()>) -> u64 {
    hoard(|| {
        let request = OutgoingRequest::new(Fields::new());
        change(&request).ok().map(|()| request)
    })
}

/// Adds as many headers as fit 60 KB, which is less than the host allows.
fn fill(fields: &Fields, value: &str) {
    for number in 0..60_000 / (value.len() + 100) {
        let _ = fields.append(&format!("h{number}"), value.as_bytes());
    }
}

fn begin(authority: &str) -> anyhow::Result<FutureIncomingResponse> {
    let request = OutgoingRequest::new(Fields::new());
    request.set_scheme(Some(&Scheme::Http)).map_err(wasi_error)?;
    request.set_authority(Some(authority)).map_err(wasi_error)?;
    request.set_path_with_query(Some("/")).map_err(wasi_error)?;
    handle(request, None).map_err(wasi_error)
}
