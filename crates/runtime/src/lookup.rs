//! `wasi:sockets/ip-name-lookup`, held to what the module may reach.
//!
//! wasmtime's own interface answers either every name or none. This one stands before it, and lets
//! through the names that `allow_net` has and the addresses that [`Reach`] admits.

use std::collections::HashMap;

use wasmtime::Result;
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::{
    self, Host, HostResolveAddressStream, IpAddress, Network, ResolveAddressStream,
};
use wasmtime_wasi::p2::bindings::sockets::network::{self, ErrorCode, HostNetwork};
use wasmtime_wasi::p2::{DynPollable, SocketError};
use wasmtime_wasi::sockets::WasiSocketsCtxView;

use crate::limits::MAX_HOST_NAME_BYTES;
use crate::network::Reach;
use crate::store::StoreData;

/// Puts this interface in the place of wasmtime's.
///
/// # Errors
///
/// When the linker refuses it.
pub(crate) fn add_to_linker(linker: &mut Linker<StoreData>) -> Result<()> {
    linker.allow_shadowing(true);
    ip_name_lookup::add_to_linker::<StoreData, Lookup>(linker, StoreData::lookup)?;
    linker.allow_shadowing(false);
    Ok(())
}

struct Lookup;

impl HasData for Lookup {
    type Data<'a> = LookupView<'a>;
}

/// The names whose addresses a guest is reading, by their streams.
pub(crate) type NamesByStream = HashMap<u32, String>;

pub(crate) struct LookupView<'a> {
    pub(crate) sockets: WasiSocketsCtxView<'a>,
    pub(crate) reach: &'a Reach,
    pub(crate) names: &'a mut NamesByStream,
}

impl ip_name_lookup::Host for LookupView<'_> {
    fn resolve_addresses(
        &mut self,
        network: Resource<Network>,
        name: String,
    ) -> Result<Resource<ResolveAddressStream>, SocketError> {
        if name.len() > MAX_HOST_NAME_BYTES {
            return Err(ErrorCode::InvalidArgument.into());
        }
        if !self.reach.admits_name(&name) {
            return Err(ErrorCode::AccessDenied.into());
        }
        let stream = Host::resolve_addresses(&mut self.sockets, network, name.clone())?;
        self.names.insert(stream.rep(), name);
        Ok(stream)
    }
}

impl network::Host for LookupView<'_> {
    fn convert_error_code(&mut self, error: SocketError) -> Result<ErrorCode> {
        self.sockets.convert_error_code(error)
    }

    fn network_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> Result<Option<ErrorCode>> {
        self.sockets.network_error_code(error)
    }
}

impl HostNetwork for LookupView<'_> {
    fn drop(&mut self, network: Resource<Network>) -> Result<()> {
        HostNetwork::drop(&mut self.sockets, network)
    }
}

impl HostResolveAddressStream for LookupView<'_> {
    fn resolve_next_address(
        &mut self,
        stream: Resource<ResolveAddressStream>,
    ) -> Result<Option<IpAddress>, SocketError> {
        let name = self.names.get(&stream.rep()).cloned().unwrap_or_default();
        loop {
            let borrowed = Resource::new_borrow(stream.rep());
            let Some(address) = self.sockets.resolve_next_address(borrowed)? else {
                return Ok(None);
            };
            if self.reach.learn(&name, ip(&address)) {
                return Ok(Some(address));
            }
        }
    }

    fn subscribe(
        &mut self,
        stream: Resource<ResolveAddressStream>,
    ) -> Result<Resource<DynPollable>> {
        self.sockets.subscribe(stream)
    }

    fn drop(&mut self, stream: Resource<ResolveAddressStream>) -> Result<()> {
        self.names.remove(&stream.rep());
        HostResolveAddressStream::drop(&mut self.sockets, stream)
    }
}

fn ip(address: &IpAddress) -> std::net::IpAddr {
    match *address {
        IpAddress::Ipv4((a, b, c, d)) => [a, b, c, d].into(),
        IpAddress::Ipv6((a, b, c, d, e, f, g, h)) => [a, b, c, d, e, f, g, h].into(),
    }
}
