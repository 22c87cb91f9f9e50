//! The module `surrealism`: what `prelude.js` exports to authors, and what it gives to the engine.

use std::cell::RefCell;

use rquickjs::{Ctx, Error, Function, Module, Object, Persistent, Value};

/// The name that authors import.
pub(crate) const NAME: &str = "surrealism";

const SOURCE: &str = include_str!("prelude.js");

/// What the module gives to the engine.
struct Captured {
    make: Persistent<Function<'static>>,
    parts: Persistent<Function<'static>>,
    define: Persistent<Function<'static>>,
}

thread_local! {
    static CAPTURED: RefCell<Option<Captured>> = const { RefCell::new(None) };
}

/// Evaluates the module, which finds the functions of `host` and puts its own beside them.
pub(crate) fn evaluate<'js>(ctx: &Ctx<'js>, host: &Object<'js>) -> Result<(), Error> {
    let (_, promise) = Module::declare(ctx.clone(), NAME, SOURCE)?.eval()?;
    promise.finish::<()>()?;
    let function =
        |name: &str| Ok::<_, Error>(Persistent::save(ctx, host.get::<_, Function>(name)?));
    CAPTURED.set(Some(Captured {
        make: function("make")?,
        parts: function("parts")?,
        define: function("define")?,
    }));
    Ok(())
}

/// Returns the function that makes an object of a kind that JavaScript does not have.
pub(crate) fn make<'js>(ctx: &Ctx<'js>) -> Result<Function<'js>, Error> {
    captured(ctx, |captured| captured.make.clone())
}

/// Returns the function that takes such an object apart.
pub(crate) fn parts<'js>(ctx: &Ctx<'js>) -> Result<Function<'js>, Error> {
    captured(ctx, |captured| captured.parts.clone())
}

/// Defines a property, whatever its name means.
pub(crate) fn define<'js>(
    ctx: &Ctx<'js>,
    object: &Object<'js>,
    name: &str,
    value: Value<'js>,
) -> Result<(), Error> {
    captured(ctx, |captured| captured.define.clone())?.call((object.clone(), name, value))
}

fn captured<'js>(
    ctx: &Ctx<'js>,
    select: impl FnOnce(&Captured) -> Persistent<Function<'static>>,
) -> Result<Function<'js>, Error> {
    let function = CAPTURED.with_borrow(|captured| captured.as_ref().map(select));
    function.ok_or(Error::Unknown)?.restore(ctx)
}
