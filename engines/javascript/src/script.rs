//! The running program: a context of QuickJS with the program's modules, one for each instance.

use std::cell::RefCell;

use rquickjs::function::Args;
use rquickjs::loader::{ImportAttributes, Loader, Resolver};
use rquickjs::module::Declared;
use rquickjs::{
    Context, Ctx, Error, Function as JsFunction, Module, Object, Persistent, Promise, Runtime,
    Value as Js,
};
use surrealism::surrealdb_types::Value;

use crate::program::{Function, Program};
use crate::{error, host, prelude, value};

/// What the stack of QuickJS may take. A host gives a component 512 KiB for the frames of its code, and a
/// call in JavaScript takes about twice as much of them as of this stack. So a recursion without an end is
/// an error of the function, and not a trap.
const MAX_STACK_BYTES: usize = 144 * 1024;

thread_local! {
    static SCRIPT: RefCell<Option<Script>> = const { RefCell::new(None) };
}

/// Runs a function with the program of this instance, which it starts before the first use.
///
/// # Errors
///
/// When the program cannot be started, and those of the function.
pub(crate) fn with<T>(
    program: &'static Program,
    use_script: impl FnOnce(&Script) -> Result<T, String>,
) -> Result<T, String> {
    SCRIPT.with_borrow_mut(|script| match script {
        Some(script) => use_script(script),
        None => use_script(script.insert(Script::start(program)?)),
    })
}

/// A started program.
pub(crate) struct Script {
    program: &'static Program,
    /// The exports of the entry module.
    exports: Persistent<Object<'static>>,
    /// The functions of the program, by index.
    functions: Vec<Persistent<JsFunction<'static>>>,
    context: Context,
}

impl Script {
    fn start(program: &'static Program) -> Result<Self, String> {
        let broken = |error: Error| format!("cannot start QuickJS: {error}");
        let runtime = Runtime::new().map_err(broken)?;
        runtime.set_max_stack_size(MAX_STACK_BYTES);
        runtime.set_loader(Imports { program }, Imports { program });
        let context = Context::full(&runtime).map_err(broken)?;
        let (exports, functions) = context.with(|ctx| {
            evaluate(&ctx, program).map_err(|error| error::text(&ctx, program, error))
        })?;
        Ok(Self { program, exports, functions, context })
    }

    /// Calls a function by its index.
    pub(crate) fn call(
        &self,
        index: usize,
        function: &Function,
        values: Vec<Value>,
    ) -> Result<Value, String> {
        self.context.with(|ctx| {
            let called = || {
                let callee = self.functions[index].clone().restore(&ctx)?;
                let mut args = Args::new(ctx.clone(), values.len());
                for (value, arg) in values.into_iter().zip(&function.args) {
                    args.push_arg(value::to_js(&ctx, value, arg.is_bigint)?)?;
                }
                value::from_js(&ctx, &settle(&ctx, callee.call_arg(args)?)?)
            };
            called().map_err(|error| error::text(&ctx, self.program, error))
        })
    }

    /// Calls an export of the entry module without arguments.
    pub(crate) fn call_path(&self, path: &[String]) -> Result<(), String> {
        self.context.with(|ctx| {
            let called = || {
                let exports = self.exports.clone().restore(&ctx)?;
                settle(&ctx, find(&ctx, &exports, path)?.call(())?).map(drop)
            };
            called().map_err(|error| error::text(&ctx, self.program, error))
        })
    }
}

type Started = (Persistent<Object<'static>>, Vec<Persistent<JsFunction<'static>>>);

fn evaluate<'js>(ctx: &Ctx<'js>, program: &'static Program) -> Result<Started, Error> {
    prelude::evaluate(ctx, &host::install(ctx)?)?;

    let code = program.modules.get(&program.entry).map(|module| module.code.as_str());
    let (module, promise) =
        Module::declare(ctx.clone(), program.entry.as_str(), code.unwrap_or_default())?.eval()?;
    settle(ctx, promise.into_value())?;
    let exports = module.namespace()?;
    let functions = program
        .functions
        .iter()
        .map(|function| Ok(Persistent::save(ctx, find(ctx, &exports, &function.path)?)));
    Ok((Persistent::save(ctx, exports.clone()), functions.collect::<Result<_, Error>>()?))
}

/// Finds a function by the names that lead to it.
fn find<'js>(
    ctx: &Ctx<'js>,
    exports: &Object<'js>,
    path: &[String],
) -> Result<JsFunction<'js>, Error> {
    let mut found: Js = exports.clone().into_value();
    for name in path {
        found = match found.as_object() {
            Some(object) => object.get(name.as_str())?,
            None => Js::new_undefined(ctx.clone()),
        };
    }
    found.as_function().cloned().ok_or_else(|| {
        error::throw_type(ctx, &format!("the export `{}` is not a function", path.join(".")))
    })
}

/// Waits for a promise, and runs whatever else is due. Returns any other value unchanged.
fn settle<'js>(ctx: &Ctx<'js>, value: Js<'js>) -> Result<Js<'js>, Error> {
    let settled = match value.as_promise().cloned() {
        Some(promise) => finish(ctx, promise)?,
        None => value,
    };
    while ctx.execute_pending_job() {}
    Ok(settled)
}

fn finish<'js>(ctx: &Ctx<'js>, promise: Promise<'js>) -> Result<Js<'js>, Error> {
    promise.finish::<Js>().map_err(|error| match error {
        Error::WouldBlock => error::throw(
            ctx,
            "the promise that the function returned never settles: nothing is left to run; resolve or \
             reject it",
        ),
        error => error,
    })
}

/// Finds modules in the program.
struct Imports {
    program: &'static Program,
}

impl Resolver for Imports {
    fn resolve<'js>(
        &mut self,
        _: &Ctx<'js>,
        base: &str,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> Result<String, Error> {
        let found = self.program.modules.get(base).and_then(|module| module.imports.get(name));
        match found {
            Some(found) => Ok(found.clone()),
            None if name == prelude::NAME => Ok(name.to_string()),
            None => Err(Error::new_resolving_message(
                base,
                name,
                "a plugin imports what it is built with",
            )),
        }
    }
}

impl Loader for Imports {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> Result<Module<'js, Declared>, Error> {
        match self.program.modules.get(name) {
            Some(module) => Module::declare(ctx.clone(), name, module.code.as_str()),
            None => Err(Error::new_loading(name)),
        }
    }
}
