//! The functions of a plugin, gathered from all of its modules, and how they are called.

use surrealism_types::codec;

/// What is encoded, or the text of an error.
pub(crate) type Encoded = Result<Vec<u8>, String>;

/// A function as the attribute describes it.
pub trait Function {
    /// Under what name it is called; `None` is the default export.
    const NAME: Option<&'static str>;
    /// Whether it may write to the database.
    const WRITEABLE: bool;
    /// What it says of itself.
    const COMMENT: Option<&'static str>;

    /// What its arguments are called.
    const ARGS: &'static [&'static str];

    /// Its arguments, by name and kind, encoded.
    fn args() -> Encoded;

    /// The kind that it returns, encoded.
    fn returns() -> Encoded;

    /// Calls it with encoded arguments; answers its encoded result, or its error as text.
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
    /// The entry for a function.
    pub const fn of<F: Function>() -> Self {
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

/// What a plugin runs before its first call.
pub struct Init(pub fn() -> Result<(), String>);

inventory::collect!(Export);
inventory::collect!(Init);

/// The names of all functions, sorted, the default export first.
pub fn names() -> Vec<Option<&'static str>> {
    let mut names = Vec::new();
    // A sort would be 5 KiB of every plugin, for a list that is short and asked for once.
    for Export { name, .. } in inventory::iter::<Export>() {
        names.insert(names.partition_point(|other| other < name), *name);
    }
    names
}

/// # Errors
///
/// When there is no function of this name.
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
/// When there is no such function, when the arguments do not fit it, and when it fails.
pub fn invoke(name: Option<&str>, args: &[u8]) -> Encoded {
    (find(name)?.invoke)(args)
}

/// Calls a function for each of many encoded lists of arguments; its errors are among the answers.
///
/// # Errors
///
/// When there is no such function, and when the lists cannot be told apart.
pub fn invoke_rows(name: Option<&str>, rows: &[u8]) -> Encoded {
    let (function, mut answers) = (find(name)?, Vec::new());
    for row in codec::rows(rows) {
        row.and_then(|args| codec::push_result(&mut answers, (function.invoke)(args)))
            .map_err(|error| error.to_string())?;
    }
    Ok(answers)
}

/// The arguments of a function, encoded.
///
/// # Errors
///
/// When there is no such function.
pub fn args(name: Option<&str>) -> Encoded {
    (find(name)?.args)()
}

/// The kind that a function returns, encoded.
///
/// # Errors
///
/// When there is no such function.
pub fn returns(name: Option<&str>) -> Encoded {
    (find(name)?.returns)()
}

/// Runs what the plugin wants to have run first, if anything.
///
/// # Errors
///
/// Where it fails.
pub fn init() -> Result<(), String> {
    inventory::iter::<Init>().try_for_each(|init| (init.0)())
}
