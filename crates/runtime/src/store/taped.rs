//! The host functions, clocks and randomness of a call with a tape.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime::{Result, format_err};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};
#[cfg(feature = "http")]
use wasmtime_wasi_http::WasiHttpView;

use super::StoreData;
use crate::bindings::{host, kv_atomic, kv_ttl};
use crate::tape::{
    Asked, Count, Entries, Flag, Hex, Int, Number, OptionalMillis, OptionalText, OptionalValue,
    OptionalValues, Range, Seed, Tape, Text, Texts, Time, Unit, Value, Values, Variables, Wire,
};
use crate::wasi::clock::Clock;
use crate::wasi::name_lookup::{self, NameLookup};

type Bytes = Vec<u8>;

/// Replaces the functions whose answers a tape records or gives.
///
/// # Errors
///
/// When the linker refuses one.
pub(crate) fn add_to_linker(linker: &mut Linker<StoreData>) -> Result<()> {
    linker.allow_shadowing(true);
    host::add_to_linker::<_, HasTape>(linker, taped)?;
    kv_atomic::add_to_linker::<_, HasTape>(linker, taped)?;
    kv_ttl::add_to_linker::<_, HasTape>(linker, taped)?;
    wall_clock::add_to_linker::<_, HasTape>(linker, taped)?;
    monotonic_clock::add_to_linker::<_, HasTape>(linker, taped)?;
    random::add_to_linker::<_, HasTape>(linker, taped)?;
    insecure::add_to_linker::<_, HasTape>(linker, taped)?;
    insecure_seed::add_to_linker::<_, HasTape>(linker, taped)?;
    name_lookup::add_sockets_to_linker_by(linker, |data: &mut StoreData| {
        data.note_network("socket");
        data.name_lookup()
    })?;
    name_lookup::add_to_linker_by(linker, |data: &mut StoreData| {
        data.note_network("name");
        data.name_lookup()
    })?;
    #[cfg(feature = "http")]
    wasmtime_wasi_http::p2::bindings::http::outgoing_handler::add_to_linker::<
        _,
        wasmtime_wasi_http::WasiHttp,
    >(linker, |data: &mut StoreData| {
        data.note_network("http");
        data.http()
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

/// The host's side of an instance whose calls have a tape.
struct Taped<'a>(&'a mut StoreData);

struct HasTape;

impl HasData for HasTape {
    type Data<'a> = Taped<'a>;
}

fn taped(data: &mut StoreData) -> Taped<'_> {
    Taped(data)
}

impl StoreData {
    fn note_network(&self, what: &str) {
        if let Some(tape) = &self.tape {
            tape.network(what);
        }
    }
}

impl Taped<'_> {
    /// Returns the tape of the call. An instance is linked with these functions because it has one.
    fn tape(&self) -> Arc<Tape> {
        self.0.tape.clone().unwrap_or_else(|| Arc::new(Tape::record(0, Arc::default())))
    }

    /// Asks for what the system provides.
    fn observe<W: Wire>(
        &mut self,
        name: &str,
        args: Vec<Json>,
        ask: impl FnOnce(&mut StoreData) -> Result<W::Raw>,
    ) -> Result<W::Raw> {
        let tape = self.tape();
        match tape.ask::<W>(name, size_of::<u64>(), || args) {
            Asked::Recorded(answer) => answer.map_err(wasmtime::Error::msg),
            Asked::Stopped => Err(format_err!("the replay has stopped")),
            Asked::Host(ticket) => {
                let answer = Ok(ask(self.0)?);
                tape.answered::<W>(ticket, &answer);
                answer.map_err(wasmtime::Error::msg)
            }
        }
    }
}

/// Implements host functions by those of [`StoreData`], with the tape in between.
macro_rules! taped {
    ($($interface:ident {$(
        $name:literal $function:ident($($parameter:ident: $type:ty as $wire:ty),*) -> $result:ty;
    )*})*) => {$(
        impl $interface::Host for Taped<'_> {$(
            async fn $function(
                &mut self,
                $($parameter: $type),*
            ) -> Result<<$result as Wire>::Raw, String> {
                let tape = self.tape();
                let size = 0 $(+ <$wire as Wire>::size(&$parameter))*;
                let args = || vec![$(<$wire as Wire>::to_json(&$parameter)),*];
                match tape.ask::<$result>($name, size, args) {
                    Asked::Recorded(answer) => answer,
                    // The replay looks at the tape after each poll, and drops the call.
                    Asked::Stopped => std::future::pending().await,
                    Asked::Host(ticket) => {
                        let answer = $interface::Host::$function(&mut *self.0, $($parameter),*).await;
                        tape.answered::<$result>(ticket, &answer);
                        answer
                    }
                }
            }
        )*}
    )*};
}

taped! {
    host {
        "sql" sql(query: String as Text, vars: Bytes as Variables) -> Value;
        "run" run(
            fnc: String as Text, version: Option<String> as OptionalText, args: Bytes as Values
        ) -> Value;
        "kv::get" kv_get(key: String as Text) -> OptionalValue;
        "kv::set" kv_set(key: String as Text, value: Bytes as Value) -> Unit;
        "kv::del" kv_del(key: String as Text) -> Unit;
        "kv::exists" kv_exists(key: String as Text) -> Flag;
        "kv::del_rng" kv_del_rng(range: Bytes as Range) -> Unit;
        "kv::get_batch" kv_get_batch(keys: Vec<String> as Texts) -> OptionalValues;
        "kv::set_batch" kv_set_batch(entries: Bytes as Entries) -> Unit;
        "kv::del_batch" kv_del_batch(keys: Vec<String> as Texts) -> Unit;
        "kv::keys" kv_keys(range: Bytes as Range) -> Texts;
        "kv::values" kv_values(range: Bytes as Range) -> Values;
        "kv::entries" kv_entries(range: Bytes as Range) -> Entries;
        "kv::count" kv_count(range: Bytes as Range) -> Count;
    }
    kv_atomic {
        "kv::compare_and_set" kv_compare_and_set(
            key: String as Text,
            expected: Option<Bytes> as OptionalValue,
            new: Option<Bytes> as OptionalValue
        ) -> Flag;
        "kv::increment" kv_increment(key: String as Text, delta: i64 as Int) -> Int;
    }
    kv_ttl {
        "kv::set_with_ttl" kv_set_with_ttl(
            key: String as Text, value: Bytes as Value, ttl_ms: u64 as Count
        ) -> Unit;
        "kv::increment_with_ttl" kv_increment_with_ttl(
            key: String as Text, delta: i64 as Int, ttl_ms: u64 as Count
        ) -> Int;
        "kv::ttl" kv_get_ttl(key: String as Text) -> OptionalMillis;
        "kv::set_ttl" kv_set_ttl(key: String as Text, ttl_ms: Option<u64> as OptionalMillis) -> Flag;
    }
}

impl wall_clock::Host for Taped<'_> {
    fn now(&mut self) -> Result<wall_clock::Datetime> {
        let now = |data: &mut StoreData| {
            let now = wall_clock::Host::now(&mut data.clock().clocks)?;
            Ok((now.seconds, now.nanoseconds))
        };
        let (seconds, nanoseconds) = self.observe::<Time>("clock::wall", Vec::new(), now)?;
        Ok(wall_clock::Datetime { seconds, nanoseconds })
    }

    fn resolution(&mut self) -> Result<wall_clock::Datetime> {
        wall_clock::Host::resolution(&mut self.0.clock().clocks)
    }
}

impl monotonic_clock::Host for Taped<'_> {
    fn now(&mut self) -> Result<monotonic_clock::Instant> {
        self.observe::<Number>("clock::monotonic", Vec::new(), |data| {
            monotonic_clock::Host::now(&mut data.clock())
        })
    }

    fn resolution(&mut self) -> Result<monotonic_clock::Duration> {
        monotonic_clock::Host::resolution(&mut self.0.clock())
    }

    fn subscribe_instant(
        &mut self,
        when: monotonic_clock::Instant,
    ) -> Result<Resource<DynPollable>> {
        self.sleep("clock::sleep_until", when, |data| {
            monotonic_clock::Host::subscribe_instant(&mut data.clock(), when)
        })
    }

    fn subscribe_duration(
        &mut self,
        duration: monotonic_clock::Duration,
    ) -> Result<Resource<DynPollable>> {
        self.sleep("clock::sleep", duration, |data| {
            monotonic_clock::Host::subscribe_duration(&mut data.clock(), duration)
        })
    }
}

impl Taped<'_> {
    /// A replay does not wait: the clock says that the time has passed.
    fn sleep(
        &mut self,
        name: &str,
        nanoseconds: u64,
        sleep: impl FnOnce(&mut StoreData) -> Result<Resource<DynPollable>>,
    ) -> Result<Resource<DynPollable>> {
        self.observe::<Unit>(name, vec![json!(nanoseconds.to_string())], |_| Ok(()))?;
        match self.tape().is_replay() {
            true => monotonic_clock::Host::subscribe_duration(&mut self.0.clock(), 0),
            false => sleep(self.0),
        }
    }
}

impl random::Host for Taped<'_> {
    fn get_random_bytes(&mut self, length: u64) -> Result<Vec<u8>> {
        self.observe::<Hex>("random::bytes", vec![json!(length)], |data| {
            random::Host::get_random_bytes(data.ctx().ctx.random(), length)
        })
    }

    fn get_random_u64(&mut self) -> Result<u64> {
        self.observe::<Number>("random::number", Vec::new(), |data| {
            random::Host::get_random_u64(data.ctx().ctx.random())
        })
    }
}

impl insecure::Host for Taped<'_> {
    fn get_insecure_random_bytes(&mut self, length: u64) -> Result<Vec<u8>> {
        self.observe::<Hex>("random::insecure_bytes", vec![json!(length)], |data| {
            insecure::Host::get_insecure_random_bytes(data.ctx().ctx.random(), length)
        })
    }

    fn get_insecure_random_u64(&mut self) -> Result<u64> {
        self.observe::<Number>("random::insecure_number", Vec::new(), |data| {
            insecure::Host::get_insecure_random_u64(data.ctx().ctx.random())
        })
    }
}

impl insecure_seed::Host for Taped<'_> {
    fn insecure_seed(&mut self) -> Result<(u64, u64)> {
        self.observe::<Seed>("random::seed", Vec::new(), |data| {
            insecure_seed::Host::insecure_seed(data.ctx().ctx.random())
        })
    }
}
