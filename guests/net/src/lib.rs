//! Every operation of `wasi:sockets`. Errors have WASI's name.

use std::cell::RefCell;
use std::fmt::Debug;
use std::net::SocketAddr;

use surrealism::{anyhow, surrealism};
use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::ip_name_lookup::{ResolveAddressStream, resolve_addresses};
use wasip2::sockets::network::{
    ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress,
};
use wasip2::sockets::tcp_create_socket::create_tcp_socket;
use wasip2::sockets::udp_create_socket::create_udp_socket;

/// Connects, sends a text, and returns what the peer sends until it closes the connection.
#[surrealism]
fn talk(address: String, text: String) -> anyhow::Result<String> {
    let address: SocketAddr = address.parse()?;
    let socket = create_tcp_socket(family(&address)).map_err(wasi_error)?;
    socket.start_connect(&instance_network(), wasi(address)).map_err(wasi_error)?;
    let wait = || socket.subscribe().block();
    let (input, output) = finish(|| socket.finish_connect(), wait)?;
    output.blocking_write_and_flush(text.as_bytes()).map_err(wasi_error)?;
    let mut received = Vec::new();
    while let Ok(bytes) = input.blocking_read(4096) {
        received.extend(bytes);
    }
    Ok(String::from_utf8(received)?)
}

/// Connects, and fails with `text` whether it could or not.
#[surrealism]
fn give_up(address: String, text: String) -> Result<(), String> {
    let _ = talk(address, String::new());
    Err(text)
}

/// Binds a TCP socket.
#[surrealism]
fn bind(address: String) -> anyhow::Result<()> {
    let address: SocketAddr = address.parse()?;
    let socket = create_tcp_socket(family(&address)).map_err(wasi_error)?;
    socket.start_bind(&instance_network(), wasi(address)).map_err(wasi_error)?;
    finish(|| socket.finish_bind(), || socket.subscribe().block())
}

/// Listens on a port that the system picks.
#[surrealism]
fn listen() -> anyhow::Result<()> {
    let socket = create_tcp_socket(IpAddressFamily::Ipv4).map_err(wasi_error)?;
    let unspecified = SocketAddr::new([0, 0, 0, 0].into(), 0);
    socket.start_bind(&instance_network(), wasi(unspecified)).map_err(wasi_error)?;
    finish(|| socket.finish_bind(), || socket.subscribe().block())?;
    socket.start_listen().map_err(wasi_error)?;
    finish(|| socket.finish_listen(), || socket.subscribe().block())
}

/// Sends a datagram.
#[surrealism]
fn send_datagram(address: String) -> anyhow::Result<u64> {
    let address: SocketAddr = address.parse()?;
    let socket = create_udp_socket(family(&address)).map_err(wasi_error)?;
    let unspecified = SocketAddr::new([0, 0, 0, 0].into(), 0);
    socket.start_bind(&instance_network(), wasi(unspecified)).map_err(wasi_error)?;
    finish(|| socket.finish_bind(), || socket.subscribe().block())?;
    let (_, outgoing) = socket.stream(None).map_err(wasi_error)?;
    outgoing.check_send().map_err(wasi_error)?;
    let datagram = wasip2::sockets::udp::OutgoingDatagram {
        data: b"hello".to_vec(),
        remote_address: Some(wasi(address)),
    };
    outgoing.send(&[datagram]).map_err(wasi_error)
}

/// Resolves a name, and returns its addresses.
#[surrealism]
fn look_up(name: String) -> anyhow::Result<Vec<String>> {
    let stream = resolve_addresses(&instance_network(), &name).map_err(wasi_error)?;
    let mut addresses = Vec::new();
    let next = || finish(|| stream.resolve_next_address(), || stream.subscribe().block());
    while let Some(address) = next()? {
        addresses.push(ip(address));
    }
    Ok(addresses)
}

thread_local! {
    static STREAM: RefCell<Option<ResolveAddressStream>> = const { RefCell::new(None) };
}

/// Resolves a name, and keeps the stream of addresses for `end_look_up`.
#[surrealism]
fn begin_look_up(name: String) -> anyhow::Result<()> {
    let stream = resolve_addresses(&instance_network(), &name).map_err(wasi_error)?;
    stream.subscribe().block();
    STREAM.set(Some(stream));
    Ok(())
}

/// Returns the next address of the stream that was kept.
#[surrealism]
fn end_look_up() -> anyhow::Result<Option<String>> {
    STREAM.with_borrow(|stream| {
        let stream = stream.as_ref().ok_or_else(|| anyhow::anyhow!("no stream was kept"))?;
        Ok(stream.resolve_next_address().map_err(wasi_error)?.map(ip))
    })
}

/// Creates `count` TCP sockets, and keeps all of them until it returns.
#[surrealism]
fn hoard_sockets(count: usize) -> anyhow::Result<usize> {
    let one = |_| create_tcp_socket(IpAddressFamily::Ipv4).map_err(wasi_error);
    Ok((0..count).map(one).collect::<anyhow::Result<Vec<_>>>()?.len())
}

/// Requests `bytes` random bytes in one call, and returns how many there were.
#[surrealism]
fn random(bytes: u64) -> usize {
    wasip2::random::random::get_random_bytes(bytes).len()
}

/// Repeats an operation until it does not have to wait.
fn finish<T>(operation: impl Fn() -> Result<T, ErrorCode>, wait: impl Fn()) -> anyhow::Result<T> {
    loop {
        match operation() {
            Err(ErrorCode::WouldBlock) => wait(),
            done => return done.map_err(wasi_error),
        }
    }
}

fn wasi_error(error: impl Debug) -> anyhow::Error {
    anyhow::anyhow!("{error:?}")
}

fn family(address: &SocketAddr) -> IpAddressFamily {
    if address.is_ipv4() { IpAddressFamily::Ipv4 } else { IpAddressFamily::Ipv6 }
}

fn wasi(address: SocketAddr) -> IpSocketAddress {
    match address {
        SocketAddr::V4(v4) => {
            let address = v4.ip().octets().into();
            IpSocketAddress::Ipv4(Ipv4SocketAddress { port: v4.port(), address })
        }
        SocketAddr::V6(v6) => IpSocketAddress::Ipv6(Ipv6SocketAddress {
            port: v6.port(),
            flow_info: 0,
            address: v6.ip().segments().into(),
            scope_id: 0,
        }),
    }
}

fn ip(address: IpAddress) -> String {
    match address {
        IpAddress::Ipv4(octets) => std::net::Ipv4Addr::from(<[u8; 4]>::from(octets)).to_string(),
        IpAddress::Ipv6(segments) => {
            std::net::Ipv6Addr::from(<[u16; 8]>::from(segments)).to_string()
        }
    }
}
