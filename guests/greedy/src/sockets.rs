//! Attacks through `wasi:sockets`.

use surrealism::anyhow;
use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::ip_name_lookup::resolve_addresses;
use wasip2::sockets::network::{IpAddressFamily, IpSocketAddress, Ipv4SocketAddress};
use wasip2::sockets::tcp::TcpSocket;
use wasip2::sockets::tcp_create_socket::create_tcp_socket;
use wasip2::sockets::udp_create_socket::create_udp_socket;

use crate::{hoard, repeat, unknown, wasi_error};

/// `size` is a port of loopback.
pub(crate) fn attack(name: &str, size: usize, text: &str) -> anyhow::Result<u64> {
    match name {
        "hold" => Ok(hoard(|| socket().ok())),
        "create for ever" => repeat(socket),
        "hold datagram sockets" => Ok(hoard(|| create_udp_socket(IpAddressFamily::Ipv4).ok())),
        "connect for ever" => repeat(|| connect(size as u16)),
        "hold connections" => Ok(hoard(|| {
            let socket = connect(size as u16).ok()?;
            socket.subscribe().block();
            let streams = socket.finish_connect().ok()?;
            Some((socket, streams))
        })),
        "fill connections" => Ok(hoard(|| {
            let socket = connect(size as u16).ok()?;
            socket.subscribe().block();
            let (input, output) = socket.finish_connect().ok()?;
            let _ = (socket.set_send_buffer_size(1 << 40), socket.set_receive_buffer_size(1 << 40));
            while let Ok(permitted @ 1..) = output.check_write() {
                output.write(&vec![0; permitted as usize]).ok()?;
            }
            Some((socket, input, output))
        })),
        "resolve for ever" => repeat(|| {
            let stream = resolve_addresses(&instance_network(), text).map_err(wasi_error)?;
            // Begins the lookup, and gives it up.
            let _ = stream.resolve_next_address();
            Ok(())
        }),
        "hold lookups" => Ok(hoard(|| {
            let stream = resolve_addresses(&instance_network(), text).ok()?;
            let _ = stream.resolve_next_address();
            Some(stream)
        })),
        "a long name" => {
            let name = "x".repeat(size);
            resolve_addresses(&instance_network(), &name).map(|_| 1).map_err(wasi_error)
        }
        _ => unknown(name),
    }
}

fn socket() -> anyhow::Result<TcpSocket> {
    create_tcp_socket(IpAddressFamily::Ipv4).map_err(wasi_error)
}

fn connect(port: u16) -> anyhow::Result<TcpSocket> {
    let socket = socket()?;
    let address = IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address: (127, 0, 0, 1) });
    socket.start_connect(&instance_network(), address).map_err(wasi_error)?;
    Ok(socket)
}
