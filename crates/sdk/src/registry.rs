//! The functions of a plugin, collected from all of its modules, and how they are called.

use surrealism_types::codec;

/// An encoded result, or the text of an error.
pub(crate) type Encoded = Result<Vec<u8>, String>;

/// A function as `#[surrealism]` describes it.
pub trait Function {
    /// The name that callers use; `None` for the default export.
    const NAME: Option<&'static str>;
    /// Whether the function may write to the database.
    const WRITEABLE: bool;
    /// The function's description.
    const COMMENT: Option<&'static str>;
    /// The names of the arguments.
    const ARGS: &'static [&'static str];

    /// Encodes the names and kinds of the arguments.
    fn args() -> Encoded;

    /// Encodes the kind that the function returns.
    fn returns() -> Encoded;

    /// Calls the function with encoded arguments, and encodes its result.
    fn invoke(args: &[u8]) -> Encoded;
}

/// A [`Function`] in the registry.
pub struct Export {
    /// [`Function::NAME`]
    pub name: Option<&'static str>,
    /// [`Function::WRITEABLE`]
    pub writeable: bool,
    /// [`Function::COMMENT`]
    pub comment: Option<&'static str>,
    /// [`Function::args`]
    pub args: fn() -> Encoded,
    /// [`Function::returns`]
    pub returns: fn() -> Encoded,
    /// [`Function::invoke`]
    pub invoke: fn(&[u8]) -> Encoded,
}

impl Export {
    /// Returns the registry entry of a function.
    pub const fn new<F: Function>() -> Self {
        Self {
            name: F::NAME,
            writeable: F::WRITEABLE,
            comment: F::COMMENT,
            args: F::args,
            returns: F::returns,
            invoke: F::invoke,
        }
    }
}

/// A function that runs before the first call of an instance.
pub struct Init(pub fn() -> Result<(), String>);

inventory::collect!(Export);
inventory::collect!(Init);

/// Returns the names of all functions in order, the default export first.
pub fn names() -> Vec<Option<&'static str>> {
    let mut names = Vec::new();
    // `sort` would be 5 KiB of every plugin, for a short list that is read once.
    for Export { name, .. } in inventory::iter::<Export>() {
        names.insert(names.partition_point(|other| other < name), *name);
    }
    names
}

/// Finds a function by its name.
///
/// # Errors
///
/// When no function has this name.
pub fn find(name: Option<&str>) -> Result<&'static Export, String> {
    inventory::iter::<Export>().find(|export| export.name == name).ok_or_else(|| match name {
        Some(name) => format!("unknown function: {name}"),
        None => "unknown function: the plugin has no default function".to_string(),
    })
}

/// Calls a function with encoded arguments.
///
/// # Errors
///
/// When no function has this name, when the arguments do not match its signature, and when it fails.
pub fn invoke(name: Option<&str>, args: &[u8]) -> Encoded {
    (find(name)?.invoke)(args)
}

/// Calls a function once for each of many encoded argument lists. The results include the function's errors.
///
/// # Errors
///
/// When no function has this name, and when the rows are malformed.
pub fn invoke_rows(name: Option<&str>, rows: &[u8]) -> Encoded {
    let (function, mut results) = (find(name)?, Vec::new());
    for args in codec::row_args(rows) {
        args.and_then(|args| codec::push_result(&mut results, (function.invoke)(args)))
            .map_err(|error| error.to_string())?;
    }
    Ok(results)
}

/// Encodes the names and kinds of a function's arguments.
///
/// # Errors
///
/// When no function has this name.
pub fn args(name: Option<&str>) -> Encoded {
    (find(name)?.args)()
}

/// Encodes the kind that a function returns.
///
/// # Errors
///
/// When no function has this name.
pub fn returns(name: Option<&str>) -> Encoded {
    (find(name)?.returns)()
}

/// Runs the plugin's `init` function, if it has one.
///
/// # Errors
///
/// When the function fails.
pub fn init() -> Result<(), String> {
    inventory::iter::<Init>().try_for_each(|init| (init.0)())
}
