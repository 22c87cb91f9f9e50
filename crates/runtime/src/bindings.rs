//! The two halves of `wit/plugin.wit`: what the host gives, as generated traits, and what a guest
//! gives, as typed functions.

use wasmtime::component::{Component, ComponentExportIndex, Instance, TypedFunc};
use wasmtime::{Store, bail};

use crate::store::StoreData;

wasmtime::component::bindgen!({
    path: "wit",
    world: "plugin",
    imports: { default: async },
    exports: { default: async },
});

pub(crate) use self::surrealism::plugin::host;

type Invoke<'a> = TypedFunc<(Option<&'a str>, &'a [u8]), (Result<Vec<u8>, String>,)>;
type Describe<'a, T> = TypedFunc<(Option<&'a str>,), (Result<T, String>,)>;

/// Where a component keeps its functions; looked up once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GuestIndices {
    invoke: ComponentExportIndex,
    init: Option<ComponentExportIndex>,
    list_functions: Option<ComponentExportIndex>,
    function_args: Option<ComponentExportIndex>,
    function_returns: Option<ComponentExportIndex>,
    function_writeable: Option<ComponentExportIndex>,
    function_comment: Option<ComponentExportIndex>,
}

impl GuestIndices {
    /// Finds the functions of a component.
    ///
    /// # Errors
    ///
    /// When it has no `invoke`.
    pub(crate) fn of(component: &Component) -> wasmtime::Result<Self> {
        let find = |name: &str| component.get_export_index(None, name);
        let Some(invoke) = find("invoke") else {
            bail!("the component exports no `invoke`, so it is no Surrealism plugin");
        };
        Ok(Self {
            invoke,
            init: find("init"),
            list_functions: find("list-functions"),
            function_args: find("function-args"),
            function_returns: find("function-returns"),
            function_writeable: find("function-writeable"),
            function_comment: find("function-comment"),
        })
    }
}

/// The functions of one instance. All but `invoke` may be missing.
pub(crate) struct Guest {
    pub(crate) invoke: Invoke<'static>,
    pub(crate) init: Option<TypedFunc<(), (Result<(), String>,)>>,
    pub(crate) list_functions: Option<TypedFunc<(), (Vec<Option<String>>,)>>,
    pub(crate) function_args: Option<Describe<'static, Vec<u8>>>,
    pub(crate) function_returns: Option<Describe<'static, Vec<u8>>>,
    pub(crate) function_writeable: Option<Describe<'static, bool>>,
    pub(crate) function_comment: Option<Describe<'static, Option<String>>>,
}

impl Guest {
    /// Types the functions of an instance.
    ///
    /// # Errors
    ///
    /// When a function has another type than `wit/plugin.wit` gives it.
    pub(crate) fn new(
        store: &mut Store<StoreData>,
        instance: &Instance,
        indices: &GuestIndices,
    ) -> wasmtime::Result<Self> {
        macro_rules! typed {
            ($index:ident) => {
                indices
                    .$index
                    .map(|index| instance.get_typed_func(&mut *store, index))
                    .transpose()?
            };
        }
        Ok(Self {
            invoke: instance.get_typed_func(&mut *store, indices.invoke)?,
            init: typed!(init),
            list_functions: typed!(list_functions),
            function_args: typed!(function_args),
            function_returns: typed!(function_returns),
            function_writeable: typed!(function_writeable),
            function_comment: typed!(function_comment),
        })
    }
}
