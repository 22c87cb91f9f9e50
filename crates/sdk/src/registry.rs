//! The functions of a plugin, collected from all of its modules, and how they are called.

use surrealism_types::codec;

/// An encoded result, or the text of an error.
pub(crate) type Encoded = Result<Vec<u8>, String>;

/// A function as `#[surrealism]` describes it.
pub trait Function {
    /// The name that callers use, without the file's namespaces; `None` for the default export.
    const NAME: Option<&'static str>;
    /// The path of the Rust module.
    const MODULE: &'static str;
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
    /// [`Function::MODULE`]
    pub module: &'static str,
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
            module: F::MODULE,
            writeable: F::WRITEABLE,
            comment: F::COMMENT,
            args: F::args,
            returns: F::returns,
            invoke: F::invoke,
        }
    }
}

/// A namespace of all functions in a Rust module.
pub struct Namespace {
    /// The path of the Rust module.
    pub module: &'static str,
    /// What the names of its functions begin with.
    pub name: &'static str,
}

/// A function that runs before the first call of an instance.
pub struct Init(pub fn() -> Result<(), String>);

/// Returns from the function what a registered engine returns, if there is one.
macro_rules! ask_engine {
    (|$engine:ident| $answer:expr) => {
        #[cfg(feature = "dynamic")]
        if let Some($engine) = crate::dynamic::registered() {
            return $answer;
        }
    };
}

inventory::collect!(Export);
inventory::collect!(Init);
inventory::collect!(Namespace);

/// Returns the names of all functions in order, the default export first.
pub fn names() -> Vec<Option<String>> {
    ask_engine!(|engine| engine.names());
    let mut names = Vec::new();
    // `sort` would be 5 KiB of every plugin, for a short list that is read once.
    for export in inventory::iter::<Export>() {
        let name = full_name(export);
        names.insert(names.partition_point(|other| *other < name), name);
    }
    names
}

/// Returns the name that callers use.
fn full_name(export: &Export) -> Option<String> {
    let mut name = export.name.map(str::to_string);
    for namespace in namespaces(export) {
        name = Some(match name {
            Some(name) => [namespace.name, "::", &name].concat(),
            None => namespace.name.to_string(),
        });
    }
    name
}

/// Returns the namespaces of a function, the innermost first.
fn namespaces(export: &Export) -> Vec<&'static Namespace> {
    let mut found: Vec<&Namespace> = Vec::new();
    for namespace in inventory::iter::<Namespace>() {
        if contains(namespace.module, export.module) {
            let outer = |other: &&Namespace| other.module.len() > namespace.module.len();
            found.insert(found.partition_point(outer), namespace);
        }
    }
    found
}

/// Returns whether a Rust module is another or has it inside.
fn contains(module: &str, other: &str) -> bool {
    other.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Finds a function by its name.
///
/// # Errors
///
/// When no function has this name.
pub fn find(name: Option<&str>) -> Result<&'static Export, String> {
    let found = match inventory::iter::<Namespace>().next() {
        None => inventory::iter::<Export>().find(|export| export.name == name),
        // Compared in whole only where the end is right, since that allocates.
        Some(_) => inventory::iter::<Export>().find(|export| {
            let end = export.name.unwrap_or_default();
            name.unwrap_or_default().ends_with(end) && full_name(export).as_deref() == name
        }),
    };
    found.ok_or_else(|| match name {
        Some(name) => format!("unknown function: {name}"),
        None => "unknown function: the plugin has no default function".to_string(),
    })
}

/// Refuses a name that several functions have. The compiler sees those in one file only.
fn ensure_unique(function: &Export) -> Result<(), String> {
    let name = full_name(function);
    let twins = inventory::iter::<Export>().filter(|export| full_name(export) == name);
    let modules: Vec<&str> = twins.map(|export| export.module).collect();
    if modules.len() < 2 {
        return Ok(());
    }
    let export = match name {
        Some(name) => ["`", &name, "` is exported"].concat(),
        None => "a default function is exported".to_string(),
    };
    Err([
        &export,
        " more than once, in the modules ",
        &modules.join(", "),
        ": rename one with `#[surrealism(name = \"…\")]`, or put `surrealism::namespace!(…);` at the top of \
         its file",
    ]
    .concat())
}

/// Calls a function with encoded arguments.
///
/// # Errors
///
/// When no function has this name, when the arguments do not match its signature, and when it fails.
pub fn invoke(name: Option<&str>, args: &[u8]) -> Encoded {
    ask_engine!(|engine| engine.invoke(name, args));
    (find(name)?.invoke)(args)
}

/// Calls a function once for each of many encoded argument lists. The results include the function's errors.
///
/// # Errors
///
/// When no function has this name, and when the rows are malformed.
pub fn invoke_rows(name: Option<&str>, rows: &[u8]) -> Encoded {
    ask_engine!(|engine| each_row(rows, |args| engine.invoke(name, args)));
    each_row(rows, find(name)?.invoke)
}

fn each_row(rows: &[u8], invoke: impl Fn(&[u8]) -> Encoded) -> Encoded {
    let mut results = Vec::new();
    for args in codec::row_args(rows) {
        args.and_then(|args| codec::push_result(&mut results, invoke(args)))
            .map_err(|error| error.to_string())?;
    }
    Ok(results)
}

/// Encodes the names and kinds of a function's arguments.
///
/// # Errors
///
/// When no function has this name, and when several have it.
pub fn args(name: Option<&str>) -> Encoded {
    ask_engine!(|engine| Ok(engine.signature(name)?.args));
    let function = find(name)?;
    ensure_unique(function)?;
    (function.args)()
}

/// Encodes the kind that a function returns.
///
/// # Errors
///
/// When no function has this name.
pub fn returns(name: Option<&str>) -> Encoded {
    ask_engine!(|engine| Ok(engine.signature(name)?.returns));
    (find(name)?.returns)()
}

/// Returns whether a function may write to the database.
///
/// # Errors
///
/// When no function has this name.
pub fn writeable(name: Option<&str>) -> Result<bool, String> {
    ask_engine!(|engine| Ok(engine.signature(name)?.writeable));
    Ok(find(name)?.writeable)
}

/// Returns a function's description.
///
/// # Errors
///
/// When no function has this name.
pub fn comment(name: Option<&str>) -> Result<Option<String>, String> {
    ask_engine!(|engine| Ok(engine.signature(name)?.comment));
    Ok(find(name)?.comment.map(str::to_string))
}

/// Runs the plugin's `init` function, if it has one.
///
/// # Errors
///
/// When the function fails.
pub fn init() -> Result<(), String> {
    ask_engine!(|engine| engine.init());
    inventory::iter::<Init>().try_for_each(|init| (init.0)())
}
