//! The two halves of `wit/plugin.wit`: the host's functions as generated traits, and the guest's
//! exports as typed functions.

use std::marker::PhantomData;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{
    ComponentExportIndex, ComponentNamedList, Instance, InstancePre, Lift, Lower, Resource,
    TypedFunc, WasmList, WasmStr,
};
use wasmtime::error::Context;
use wasmtime::{AsContextMut, bail};
use wasmtime_wasi::filesystem::Descriptor;

wasmtime::component::bindgen!({
    path: "wit",
    world: "extended-plugin",
    imports: { default: async },
    exports: { default: async },
});

pub(crate) use self::surrealism::plugin::{host, kv_atomic, kv_ttl};
pub(crate) use self::wasi::config::store as config;

/// The result of every guest function but `invoke-inline` and `list-functions`.
pub(crate) type GuestResult<T> = (Result<T, String>,);

pub(crate) type Invoke = TypedFunc<(Option<&'static str>, &'static [u8]), GuestResult<Vec<u8>>>;
/// The result is read in the guest's memory, without a copy.
pub(crate) type InvokeInline =
    TypedFunc<(InlineHalf, InlineHalf), (Result<WasmList<u8>, WasmStr>,)>;
pub(crate) type FindColumns = TypedFunc<(Option<&'static str>, &'static [u8]), (Option<u32>,)>;
pub(crate) type InvokeColumns = TypedFunc<(u32, u32, &'static [u8]), GuestResult<Vec<u8>>>;
/// The result is read in the guest's memory, without a copy.
pub(crate) type InvokeRow = TypedFunc<(u32, InlineHalf), (Result<WasmList<u8>, WasmStr>,)>;
pub(crate) type Init = TypedFunc<(), GuestResult<()>>;
pub(crate) type ListFunctions = TypedFunc<(), (Vec<Option<String>>,)>;
pub(crate) type AcceptRoot = TypedFunc<(Resource<Descriptor>,), ()>;
pub(crate) type Metadata<T> = TypedFunc<(Option<&'static str>,), GuestResult<T>>;

/// The export of a pre-initialized component that takes the handle of the root directory.
pub(crate) const ACCEPT_ROOT: &str = "surrealism-accept-root";

/// Declares the optional exports of a guest once: their indices in a component, and the functions of
/// an instance.
macro_rules! guest_exports {
    ($($field:ident: $function:ty = $name:expr,)*) => {
        /// The indices of a component's exports, resolved once for all of its instances.
        pub(crate) struct GuestIndices {
            invoke: Index<Invoke>,
            $($field: Option<Index<$function>>,)*
        }

        /// The exports of one instance. Only `invoke` is mandatory.
        pub(crate) struct Guest {
            pub(crate) invoke: Invoke,
            $(pub(crate) $field: Option<$function>,)*
        }

        impl GuestIndices {
            /// Resolves the exports of a component.
            ///
            /// # Errors
            ///
            /// When the component has no `invoke`, or an export's type differs from `wit/plugin.wit`.
            pub(crate) fn new<T: 'static>(pre: &InstancePre<T>) -> wasmtime::Result<Self> {
                let Some(invoke) = Index::find(pre, "invoke")? else {
                    bail!("the component exports no `invoke`: it is not a Surrealism plugin");
                };
                Ok(Self { invoke, $($field: Index::find(pre, $name)?,)* })
            }
        }

        impl Guest {
            /// Resolves the exports of an instance, whose types [`GuestIndices`] has checked.
            pub(crate) fn new(
                mut store: impl AsContextMut,
                instance: &Instance,
                indices: &GuestIndices,
            ) -> wasmtime::Result<Self> {
                Ok(Self {
                    invoke: indices.invoke.get(&mut store, instance)?,
                    $($field: match &indices.$field {
                        Some(index) => Some(index.get(&mut store, instance)?),
                        None => None,
                    },)*
                })
            }
        }
    };
}

guest_exports! {
    invoke_rows: Invoke = "invoke-rows",
    invoke_inline: InvokeInline = "invoke-inline",
    find_columns: FindColumns = "find-columns",
    invoke_columns: InvokeColumns = "invoke-columns",
    invoke_row: InvokeRow = "invoke-row",
    init: Init = "init",
    accept_root: AcceptRoot = ACCEPT_ROOT,
    list_functions: ListFunctions = "list-functions",
    function_args: Metadata<Vec<u8>> = "function-args",
    function_returns: Metadata<Vec<u8>> = "function-returns",
    function_writeable: Metadata<bool> = "function-writeable",
    function_comment: Metadata<Option<String>> = "function-comment",
}

impl GuestIndices {
    /// Drops `init`, for a pre-initialized component that must not run it again.
    pub(crate) fn without_init(self) -> Self {
        Self { init: None, ..self }
    }

    /// Drops what only a pre-initialized component has, for one as its archive has it.
    pub(crate) fn without_accept_root(self) -> Self {
        Self { accept_root: None, ..self }
    }
}

/// The index of an export whose type was checked to be `F`.
struct Index<F>(ComponentExportIndex, PhantomData<fn() -> F>);

impl<P, R> Index<TypedFunc<P, R>>
where
    P: ComponentNamedList + Lower,
    R: ComponentNamedList + Lift,
{
    fn find<T: 'static>(pre: &InstancePre<T>, name: &str) -> wasmtime::Result<Option<Self>> {
        let Some((item, index)) = pre.component().get_export(None, name) else { return Ok(None) };
        let ComponentItem::ComponentFunc(function) = item else {
            bail!("the component exports `{name}`, which is not a function");
        };
        function.typecheck::<P, R>(&pre.instance_type()).with_context(|| {
            format!("the component's `{name}` has another type than the interface gives it")
        })?;
        Ok(Some(Self(index, PhantomData)))
    }

    fn get(
        &self,
        store: impl AsContextMut,
        instance: &Instance,
    ) -> wasmtime::Result<TypedFunc<P, R>> {
        instance.get_typed_func(store, self.0)
    }
}
