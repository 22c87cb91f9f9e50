//! The guest's view of a system: its own files, read-only; clocks and randomness; the network that
//! it was granted. No environment, no arguments, no input.

use std::net::SocketAddr;
use std::path::Path;

use wasmtime_wasi::sockets::SocketAddrUse;
use wasmtime_wasi::{FsPerms, WasiCtx};

use crate::limits::MAX_RANDOM_BYTES;
use crate::egress::{Network, Reach};
use crate::wasi::stdio::Output;

/// A fresh system for one instance.
///
/// # Errors
///
/// When the attached files cannot be opened.
pub(crate) fn context(
    files: Option<&Path>,
    network: &Network,
    reach: Reach,
    stdout: Output,
    stderr: Output,
) -> wasmtime::Result<WasiCtx> {
    let mut builder = WasiCtx::builder();
    builder.stdout(stdout).stderr(stderr).max_random_size(MAX_RANDOM_BYTES);
    if let Some(root) = files {
        builder.preopened_dir(root, "/", FsPerms::ReadOnly)?;
    }
    builder.allow_udp(false).allow_tcp(!network.is_closed()).socket_addr_check(
        move |address, purpose| {
            let admitted = admits(&reach, address, purpose);
            Box::pin(async move { admitted })
        },
    );
    Ok(builder.build())
}

/// Only connections out are ever admitted; nothing listens.
fn admits(reach: &Reach, address: SocketAddr, purpose: SocketAddrUse) -> bool {
    match purpose {
        SocketAddrUse::TcpConnect => reach.admits(&address),
        // Every connection out begins so: from any address and a port of the system's choice.
        SocketAddrUse::TcpBind => address.ip().is_unspecified() && address.port() == 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn only_granted_connections_out_are_admitted() {
        let reach = |entries: &[String]| Reach::new(Arc::new(Network::resolve(entries).unwrap()));
        let rules = reach(&["10.0.0.0/8".to_string()]);
        let (inside, outside) = ("10.1.2.3:80".parse().unwrap(), "11.1.2.3:80".parse().unwrap());
        assert!(admits(&rules, inside, SocketAddrUse::TcpConnect));
        assert!(!admits(&rules, outside, SocketAddrUse::TcpConnect));
        assert!(!admits(&reach(&[]), inside, SocketAddrUse::TcpConnect));
        for purpose in [
            SocketAddrUse::TcpBind,
            SocketAddrUse::TcpListen,
            SocketAddrUse::TcpAccept,
            SocketAddrUse::UdpBind,
            SocketAddrUse::UdpSend,
            SocketAddrUse::UdpReceive,
        ] {
            assert!(!admits(&rules, inside, purpose), "{purpose:?}");
        }
        for (address, bound) in [("0.0.0.0:0", true), ("[::]:0", true), ("0.0.0.0:80", false)] {
            let address = address.parse().unwrap();
            assert_eq!(admits(&rules, address, SocketAddrUse::TcpBind), bound, "{address}");
            assert!(!admits(&rules, address, SocketAddrUse::TcpListen), "{address}");
        }
    }
}
