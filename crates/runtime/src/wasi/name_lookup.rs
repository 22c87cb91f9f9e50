//! `wasi:sockets/ip-name-lookup` and `tcp-create-socket`, restricted by [`EgressFilter`].
//!
//! wasmtime's own implementation resolves either every name or none. This one replaces it: it resolves
//! the names that `allow_net` allows, and returns the addresses that the filter allows. A socket that is
//! refused is recorded, as WASI does not say why.

use std::future::poll_fn;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::vec;

use async_trait::async_trait;
use wasmtime::Result;
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::{
    self, HostResolveAddressStream, IpAddress, Network, ResolveAddressStream,
};
use wasmtime_wasi::p2::bindings::sockets::network::{
    self, ErrorCode, HostNetwork, IpAddressFamily,
};
use wasmtime_wasi::p2::bindings::sockets::tcp_create_socket;
use wasmtime_wasi::p2::{DynPollable, Pollable, SocketError, TcpSocket, subscribe};
use wasmtime_wasi::sockets::WasiSocketsCtxView;

use crate::egress::{Caller, EgressFilter};
use crate::limits::MAX_HOST_NAME_BYTES;

/// Replaces wasmtime's implementation of the interfaces.
///
/// # Errors
///
/// When the linker refuses it.
pub(crate) fn add_to_linker<T: NameLookup + 'static>(linker: &mut Linker<T>) -> Result<()> {
    linker.allow_shadowing(true);
    add_to_linker_by(linker, T::name_lookup)?;
    add_sockets_to_linker_by(linker, T::name_lookup)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Replaces `ip-name-lookup` by what `get` returns. The linker has to allow it.
///
/// # Errors
///
/// When the linker refuses it.
pub(crate) fn add_to_linker_by<T: 'static>(
    linker: &mut Linker<T>,
    get: fn(&mut T) -> NameLookupView<'_>,
) -> Result<()> {
    ip_name_lookup::add_to_linker::<T, HasNameLookup>(linker, get)
}

/// Replaces `tcp-create-socket` by what `get` returns. The linker has to allow it.
///
/// # Errors
///
/// When the linker refuses it.
pub(crate) fn add_sockets_to_linker_by<T: 'static>(
    linker: &mut Linker<T>,
    get: fn(&mut T) -> NameLookupView<'_>,
) -> Result<()> {
    tcp_create_socket::add_to_linker::<T, HasNameLookup>(linker, get)
}

/// Store data that serves name lookups.
pub(crate) trait NameLookup {
    fn name_lookup(&mut self) -> NameLookupView<'_>;
}

struct HasNameLookup;

impl HasData for HasNameLookup {
    type Data<'a> = NameLookupView<'a>;
}

pub(crate) struct NameLookupView<'a> {
    pub(crate) sockets: WasiSocketsCtxView<'a>,
    pub(crate) egress: &'a EgressFilter,
}

/// The table's entry behind a guest's `resolve-address-stream`.
struct AddressStream {
    name: String,
    /// The caller that it belongs to: the next caller's guest must not read it.
    caller: Caller,
    resolution: Resolution,
}

enum Resolution {
    Pending(Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>),
    Ready(vec::IntoIter<IpAddr>),
    Failed(io::Error),
}

impl AddressStream {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Resolution::Pending(lookup) = &mut self.resolution {
            self.resolution = match ready!(lookup.as_mut().poll(cx)) {
                Ok(addresses) => Resolution::Ready(addresses.into_iter()),
                Err(error) => Resolution::Failed(error),
            };
        }
        Poll::Ready(())
    }
}

#[async_trait]
impl Pollable for AddressStream {
    async fn ready(&mut self) {
        poll_fn(|cx| self.poll(cx)).await;
    }
}

/// Casts the interface's handle to that of the table's entry.
fn entry(stream: &Resource<ResolveAddressStream>) -> Resource<AddressStream> {
    Resource::new_borrow(stream.rep())
}

impl ip_name_lookup::Host for NameLookupView<'_> {
    fn resolve_addresses(
        &mut self,
        network: Resource<Network>,
        name: String,
    ) -> Result<Resource<ResolveAddressStream>, SocketError> {
        self.sockets.table.get(&network)?;
        if name.len() > MAX_HOST_NAME_BYTES {
            return Err(ErrorCode::InvalidArgument.into());
        }
        let caller = self.egress.caller();
        let Some(lookup) = self.egress.resolve(caller, &name) else {
            return Err(ErrorCode::AccessDenied.into());
        };
        let resolution = Resolution::Pending(Box::pin(lookup));
        let stream = self.sockets.table.push(AddressStream { name, caller, resolution })?;
        Ok(Resource::new_own(stream.rep()))
    }
}

impl tcp_create_socket::Host for NameLookupView<'_> {
    fn create_tcp_socket(
        &mut self,
        family: IpAddressFamily,
    ) -> Result<Resource<TcpSocket>, SocketError> {
        if !self.egress.is_requested() {
            self.egress.refuse_socket();
        }
        self.sockets.create_tcp_socket(family)
    }
}

impl network::Host for NameLookupView<'_> {
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

impl HostNetwork for NameLookupView<'_> {
    fn drop(&mut self, network: Resource<Network>) -> Result<()> {
        HostNetwork::drop(&mut self.sockets, network)
    }
}

impl HostResolveAddressStream for NameLookupView<'_> {
    fn resolve_next_address(
        &mut self,
        resource: Resource<ResolveAddressStream>,
    ) -> Result<Option<IpAddress>, SocketError> {
        let stream = self.sockets.table.get_mut(&entry(&resource))?;
        if stream.caller != self.egress.caller() {
            return Err(ErrorCode::AccessDenied.into());
        }
        let _ = stream.poll(&mut Context::from_waker(Waker::noop()));
        let addresses = match &mut stream.resolution {
            Resolution::Ready(addresses) => addresses,
            Resolution::Failed(error) => {
                self.egress.record_failure(stream.caller, &stream.name, error);
                return Err(ErrorCode::NameUnresolvable.into());
            }
            Resolution::Pending(_) => return Err(ErrorCode::WouldBlock.into()),
        };
        let allowed = addresses
            .find(|address| self.egress.record_resolved(stream.caller, &stream.name, *address));
        Ok(allowed.map(IpAddress::from))
    }

    fn subscribe(
        &mut self,
        resource: Resource<ResolveAddressStream>,
    ) -> Result<Resource<DynPollable>> {
        subscribe(self.sockets.table, entry(&resource))
    }

    fn drop(&mut self, resource: Resource<ResolveAddressStream>) -> Result<()> {
        self.sockets.table.delete(Resource::<AddressStream>::new_own(resource.rep()))?;
        Ok(())
    }
}
