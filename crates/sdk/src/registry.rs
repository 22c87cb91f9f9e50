//! The functions of a plugin, collected from all of its modules, and how they are called.

use std::sync::OnceLock;

use surrealism_types::codec;

/// An encoded result, or the text of an error.
pub(crate) type Encoded = Result<Vec<u8>, String>;

/// Calls a function for each row of a message, and appends the message of the results.
pub(crate) type InvokeColumns = fn(usize, &[u8], &mut Vec<u8>) -> Result<(), String>;

/// A function as `#[surrealism]` describes it.
pub trait Function {
    /// The name that callers use, without the file's namespaces; `None` for the default export.
    const NAME: Option<&'static str>;
    /// The path of the Rust module.
    const MODULE: &'static str;
    /// Whether the name begins with that of a marked module.
    const IS_IN_NAMESPACE: bool;
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

    /// Returns the types of arguments and result, if all of them cross as columns; else nothing.
    fn column_types() -> Vec<u8>;

    /// Calls the function once for each row of a message, and appends the message of the results.
    fn invoke_columns(rows: usize, columns: &[u8], results: &mut Vec<u8>) -> Result<(), String>;
}

/// A [`Function`] in the registry.
pub struct Export {
    /// [`Function::NAME`]
    pub name: Option<&'static str>,
    /// [`Function::MODULE`]
    pub module: &'static str,
    /// [`Function::IS_IN_NAMESPACE`]
    pub is_in_namespace: bool,
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
    /// [`Function::column_types`]
    pub column_types: fn() -> Vec<u8>,
    /// [`Function::invoke_columns`]
    pub invoke_columns: InvokeColumns,
}

impl Export {
    /// Returns the registry entry of a function.
    pub const fn new<F: Function>() -> Self {
        Self {
            name: F::NAME,
            module: F::MODULE,
            is_in_namespace: F::IS_IN_NAMESPACE,
            writeable: F::WRITEABLE,
            comment: F::COMMENT,
            args: F::args,
            returns: F::returns,
            invoke: F::invoke,
            column_types: F::column_types,
            invoke_columns: F::invoke_columns,
        }
    }
}

/// A namespace of the functions in a Rust module.
pub struct Namespace {
    /// The path of the Rust module.
    pub module: &'static str,
    /// What the names of its functions begin with.
    pub name: &'static str,
    /// Whether it is that of a marked module, which has named all functions but those that macros make in it.
    pub is_of_macros: bool,
}

impl Namespace {
    fn has(&self, export: &Export) -> bool {
        match self.is_of_macros {
            true => !export.is_in_namespace && self.module == export.module,
            false => contains(self.module, export.module),
        }
    }
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
        if namespace.has(export) {
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

/// Returns the number of a function whose arguments and result are of exactly these types.
pub fn find_columns(name: Option<&str>, types: &[u8]) -> Option<u32> {
    let function = find(name).ok()?;
    if (function.column_types)() != types {
        return None;
    }
    let index = numbered().iter().position(|export| std::ptr::eq(*export, function))?;
    u32::try_from(index).ok()
}

/// Returns all functions, each at its number.
fn numbered() -> &'static [&'static Export] {
    // `inventory` is a linked list.
    static NUMBERED: OnceLock<Vec<&'static Export>> = OnceLock::new();
    NUMBERED.get_or_init(|| inventory::iter::<Export>().collect())
}

/// Calls the function with this number once for each row of a message, and appends the message of the
/// results, which include the function's errors.
///
/// # Errors
///
/// When no function has this number, and when the message is malformed.
pub fn invoke_columns(
    function: u32,
    rows: usize,
    columns: &[u8],
    results: &mut Vec<u8>,
) -> Result<(), String> {
    match numbered().get(function as usize) {
        Some(function) => (function.invoke_columns)(rows, columns, results),
        None => Err("no function has this number".to_string()),
    }
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
