//! `wasi:sockets/ip-name-lookup`, held to what the module may reach.
//!
//! wasmtime's own interface answers either every name or none. This one stands in its place: it asks for the
//! names that `allow_net` has, in turns, and tells the addresses that [`Reach`] admits.

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
use wasmtime_wasi::p2::bindings::sockets::network::{self, ErrorCode, HostNetwork};
use wasmtime_wasi::p2::{DynPollable, Pollable, SocketError, subscribe};
use wasmtime_wasi::sockets::WasiSocketsCtxView;

use crate::limits::MAX_HOST_NAME_BYTES;
use crate::egress::Reach;
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

pub(crate) struct LookupView<'a> {
    pub(crate) sockets: WasiSocketsCtxView<'a>,
    pub(crate) reach: &'a Reach,
}

/// What a guest's stream of addresses is: it has the number of one of these in the table.
struct Stream {
    name: String,
    /// Whose it is: what one caller's guest has asked is not told to that of the next.
    caller: u64,
    answer: Answer,
}

enum Answer {
    Awaited(Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>),
    Come(vec::IntoIter<IpAddr>),
    Failed,
}

impl Stream {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Answer::Awaited(asked) = &mut self.answer {
            let addresses = ready!(asked.as_mut().poll(cx));
            self.answer = addresses.map_or(Answer::Failed, |found| Answer::Come(found.into_iter()));
        }
        Poll::Ready(())
    }
}

#[async_trait]
impl Pollable for Stream {
    async fn ready(&mut self) {
        poll_fn(|cx| self.poll(cx)).await;
    }
}

/// The same, by the name that the interface has for it.
fn stream(stream: &Resource<ResolveAddressStream>) -> Resource<Stream> {
    Resource::new_borrow(stream.rep())
}

impl ip_name_lookup::Host for LookupView<'_> {
    fn resolve_addresses(
        &mut self,
        network: Resource<Network>,
        name: String,
    ) -> Result<Resource<ResolveAddressStream>, SocketError> {
        self.sockets.table.get(&network)?;
        if name.len() > MAX_HOST_NAME_BYTES {
            return Err(ErrorCode::InvalidArgument.into());
        }
        let Some(asked) = self.reach.look_up(&name) else {
            return Err(ErrorCode::AccessDenied.into());
        };
        let (caller, answer) = (self.reach.caller(), Answer::Awaited(Box::pin(asked)));
        let stream = self.sockets.table.push(Stream { name, caller, answer })?;
        Ok(Resource::new_own(stream.rep()))
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
        resource: Resource<ResolveAddressStream>,
    ) -> Result<Option<IpAddress>, SocketError> {
        let stream = self.sockets.table.get_mut(&stream(&resource))?;
        if stream.caller != self.reach.caller() {
            return Err(ErrorCode::AccessDenied.into());
        }
        if stream.poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            return Err(ErrorCode::WouldBlock.into());
        }
        let Answer::Come(addresses) = &mut stream.answer else {
            return Err(ErrorCode::NameUnresolvable.into());
        };
        let admitted = addresses.find(|address| self.reach.learn(&stream.name, *address));
        Ok(admitted.map(IpAddress::from))
    }

    fn subscribe(
        &mut self,
        resource: Resource<ResolveAddressStream>,
    ) -> Result<Resource<DynPollable>> {
        subscribe(self.sockets.table, stream(&resource))
    }

    fn drop(&mut self, resource: Resource<ResolveAddressStream>) -> Result<()> {
        self.sockets.table.delete(Resource::<Stream>::new_own(resource.rep()))?;
        Ok(())
    }
}
