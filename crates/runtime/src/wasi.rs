//! WASI for guests: the attached files, read-only; clocks and randomness; the network that
//! `allow_net` grants. No environment, arguments or input.

pub(crate) mod clock;
pub(crate) mod files;
#[cfg(feature = "http")]
pub(crate) mod http;
pub(crate) mod name_lookup;
pub(crate) mod stdio;

use std::net::SocketAddr;

use wasmtime::component::Linker;
use wasmtime_wasi::sockets::SocketAddrUse;
use wasmtime_wasi::{WasiCtx, WasiView};
#[cfg(feature = "http")]
use wasmtime_wasi_http::WasiHttpView;

use self::clock::Clock;
use self::files::Files;
use self::name_lookup::NameLookup;
use self::stdio::Stdio;
use crate::egress::EgressFilter;
use crate::limits::MAX_RANDOM_BYTES;

/// What store data needs for WASI.
#[cfg(feature = "http")]
pub(crate) trait WasiHost: WasiView + Clock + Files + NameLookup + WasiHttpView {}
#[cfg(feature = "http")]
impl<T: WasiView + Clock + Files + NameLookup + WasiHttpView> WasiHost for T {}

/// What store data needs for WASI.
#[cfg(not(feature = "http"))]
pub(crate) trait WasiHost: WasiView + Clock + Files + NameLookup {}
#[cfg(not(feature = "http"))]
impl<T: WasiView + Clock + Files + NameLookup> WasiHost for T {}

/// Adds the WASI interfaces that guests may import.
///
/// # Errors
///
/// When the linker refuses one.
pub(crate) fn add_to_linker<T: WasiHost + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    clock::add_to_linker(linker)?;
    files::add_to_linker(linker)?;
    name_lookup::add_to_linker(linker)?;
    #[cfg(feature = "http")]
    http::add_to_linker(linker)?;
    Ok(())
}

/// Creates the WASI context of one instance.
pub(crate) fn wasi_context(egress: EgressFilter, stdout: Stdio, stderr: Stdio) -> WasiCtx {
    let mut builder = WasiCtx::builder();
    builder.stdout(stdout).stderr(stderr).max_random_size(MAX_RANDOM_BYTES);
    builder.allow_udp(false).allow_tcp(egress.is_requested()).socket_addr_check(
        move |address, purpose| {
            let allowed = allows(&egress, address, purpose);
            Box::pin(async move { allowed })
        },
    );
    builder.build()
}

/// Allows outbound connections only; a guest cannot listen.
fn allows(egress: &EgressFilter, address: SocketAddr, purpose: SocketAddrUse) -> bool {
    match purpose {
        SocketAddrUse::TcpConnect => egress.allows(&address),
        // Every outbound connection first binds to any address and a port of the system's choice.
        SocketAddrUse::TcpBind => address.ip().is_unspecified() && address.port() == 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::egress::allow_net::parse;
    use crate::egress::{EgressPolicy, EgressRules, NameResolution};
    use crate::observer::InstanceObservers;

    #[test]
    fn only_granted_outbound_connections_are_allowed() {
        let filter = |entries: &[String]| {
            let rules = EgressRules::new(parse(entries).unwrap(), &[], true);
            let policy = EgressPolicy::new(rules, NameResolution::AtUse).unwrap();
            EgressFilter::new(Arc::new(policy), InstanceObservers::default())
        };
        let rules = filter(&["10.0.0.0/8".to_string()]);
        let (inside, outside) = ("10.1.2.3:80".parse().unwrap(), "11.1.2.3:80".parse().unwrap());
        assert!(allows(&rules, inside, SocketAddrUse::TcpConnect));
        assert!(!allows(&rules, outside, SocketAddrUse::TcpConnect));
        assert!(!allows(&filter(&[]), inside, SocketAddrUse::TcpConnect));
        for purpose in [
            SocketAddrUse::TcpBind,
            SocketAddrUse::TcpListen,
            SocketAddrUse::TcpAccept,
            SocketAddrUse::UdpBind,
            SocketAddrUse::UdpSend,
            SocketAddrUse::UdpReceive,
        ] {
            assert!(!allows(&rules, inside, purpose), "{purpose:?}");
        }
        for (address, bound) in [("0.0.0.0:0", true), ("[::]:0", true), ("0.0.0.0:80", false)] {
            let address = address.parse().unwrap();
            assert_eq!(allows(&rules, address, SocketAddrUse::TcpBind), bound, "{address}");
            assert!(!allows(&rules, address, SocketAddrUse::TcpListen), "{address}");
        }
    }
}
