//! The two halves of `wit/plugin.wit`: what the host gives, as generated traits, and what a guest
//! gives, as typed functions.

use std::marker::PhantomData;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{
    ComponentExportIndex, ComponentNamedList, Instance, InstancePre, Lift, Lower, TypedFunc,
    WasmList, WasmStr,
};
use wasmtime::error::Context;
use wasmtime::{Store, bail};

use crate::store::StoreData;

wasmtime::component::bindgen!({
    path: "wit",
    world: "extended-plugin",
    imports: { default: async },
    exports: { default: async },
});

pub(crate) use self::surrealism::plugin::{host, kv_atomic, kv_ttl};

type Invoke = TypedFunc<(Option<&'static str>, &'static [u8]), (Result<Vec<u8>, String>,)>;
/// What is returned stays in the guest.
type InvokeShort = TypedFunc<(InlineHalf, InlineHalf), (Result<WasmList<u8>, WasmStr>,)>;
type Init = TypedFunc<(), (Result<(), String>,)>;
type List = TypedFunc<(), (Vec<Option<String>>,)>;
type Describe<T> = TypedFunc<(Option<&'static str>,), (Result<T, String>,)>;

/// Where a component keeps its functions; looked up once.
pub(crate) struct GuestIndices {
    invoke: Index<Invoke>,
    invoke_rows: Option<Index<Invoke>>,
    invoke_inline: Option<Index<InvokeShort>>,
    init: Option<Index<Init>>,
    list_functions: Option<Index<List>>,
    function_args: Option<Index<Describe<Vec<u8>>>>,
    function_returns: Option<Index<Describe<Vec<u8>>>>,
    function_writeable: Option<Index<Describe<bool>>>,
    function_comment: Option<Index<Describe<Option<String>>>>,
}

impl GuestIndices {
    /// Finds the functions of a component.
    ///
    /// # Errors
    ///
    /// When it has no `invoke`, or a function has another type than `wit/plugin.wit` gives it.
    pub(crate) fn of(pre: &InstancePre<StoreData>) -> wasmtime::Result<Self> {
        let Some(invoke) = Index::find(pre, "invoke")? else {
            bail!("the component exports no `invoke`, so it is no Surrealism plugin");
        };
        Ok(Self {
            invoke,
            invoke_rows: Index::find(pre, "invoke-rows")?,
            invoke_inline: Index::find(pre, "invoke-inline")?,
            init: Index::find(pre, "init")?,
            list_functions: Index::find(pre, "list-functions")?,
            function_args: Index::find(pre, "function-args")?,
            function_returns: Index::find(pre, "function-returns")?,
            function_writeable: Index::find(pre, "function-writeable")?,
            function_comment: Index::find(pre, "function-comment")?,
        })
    }

    /// Where the component begins with the outcome of its `init`, which is not to run again.
    pub(crate) fn without_init(self) -> Self {
        Self { init: None, ..self }
    }
}

/// Where a component keeps a function, whose type was checked to be `F`.
struct Index<F>(ComponentExportIndex, PhantomData<fn() -> F>);

impl<P, R> Index<TypedFunc<P, R>>
where
    P: ComponentNamedList + Lower,
    R: ComponentNamedList + Lift,
{
    fn find(pre: &InstancePre<StoreData>, name: &str) -> wasmtime::Result<Option<Self>> {
        let Some((item, index)) = pre.component().get_export(None, name) else { return Ok(None) };
        let ComponentItem::ComponentFunc(function) = item else {
            bail!("the component exports `{name}`, and it is no function");
        };
        function.typecheck::<P, R>(&pre.instance_type()).with_context(|| {
            format!("the component's `{name}` has another type than the interface gives it")
        })?;
        Ok(Some(Self(index, PhantomData)))
    }

    fn of(
        &self,
        store: &mut Store<StoreData>,
        instance: &Instance,
    ) -> wasmtime::Result<TypedFunc<P, R>> {
        instance.get_typed_func(store, self.0)
    }
}

/// The functions of one instance. All but `invoke` may be missing.
pub(crate) struct Guest {
    pub(crate) invoke: Invoke,
    pub(crate) invoke_rows: Option<Invoke>,
    pub(crate) invoke_inline: Option<InvokeShort>,
    pub(crate) init: Option<Init>,
    pub(crate) list_functions: Option<List>,
    pub(crate) function_args: Option<Describe<Vec<u8>>>,
    pub(crate) function_returns: Option<Describe<Vec<u8>>>,
    pub(crate) function_writeable: Option<Describe<bool>>,
    pub(crate) function_comment: Option<Describe<Option<String>>>,
}

impl Guest {
    /// The functions of an instance.
    ///
    /// # Errors
    ///
    /// None, since [`GuestIndices`] has checked their types.
    pub(crate) fn new(
        store: &mut Store<StoreData>,
        instance: &Instance,
        indices: &GuestIndices,
    ) -> wasmtime::Result<Self> {
        macro_rules! function {
            ($index:ident) => {
                indices.$index.as_ref().map(|index| index.of(store, instance)).transpose()?
            };
        }
        Ok(Self {
            invoke: indices.invoke.of(store, instance)?,
            invoke_rows: function!(invoke_rows),
            invoke_inline: function!(invoke_inline),
            init: function!(init),
            list_functions: function!(list_functions),
            function_args: function!(function_args),
            function_returns: function!(function_returns),
            function_writeable: function!(function_writeable),
            function_comment: function!(function_comment),
        })
    }
}
