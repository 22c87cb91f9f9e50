//! Evaluates lines with the modules and, if there is one, the database.

use anyhow::anyhow;
use surrealdb_types::{Object, ToSql, Value};
use surrealism_surrealdb::{CallContext, Database, Module, ModuleRegistry};

use crate::args::limits::LimitArgs;
use crate::commands::repl::line::{Call, Line};
use crate::error::CliResult;
use crate::literal;
use crate::ui::table::Table;
use crate::ui::terminal;

const HELP: &str = "\
mod::text::slug('Hi')   Call a function of the module `text`; with `--db`, arguments may be queries
:functions              List the functions of all modules
:quit                   Quit, as Ctrl-D does
All other lines are SurrealQL for the database of `--db`.";

/// The state of a REPL.
pub(super) struct Session {
    pub(super) modules: ModuleRegistry,
    pub(super) database: Option<Database>,
    pub(super) limits: LimitArgs,
}

impl Session {
    /// Evaluates a line. Returns `None` without a value to print.
    pub(super) async fn evaluate(&self, line: &str) -> CliResult<Option<Value>> {
        match Line::parse(line) {
            Line::Empty | Line::Quit => Ok(None),
            Line::Help => Ok(terminal::print(HELP).map(|()| None)?),
            Line::Functions => Ok(terminal::print(self.functions().text()).map(|()| None)?),
            Line::Call(call) => Ok(Some(self.call(call).await?)),
            Line::Query(query) => Ok(Some(self.query(query, Object::new()).await?)),
        }
    }

    async fn call(&self, call: Call<'_>) -> CliResult<Value> {
        let Call { module: name, function, args } = call;
        let module = self.modules.get(name).ok_or_else(|| {
            anyhow!("no module {name:?}; available: {}", self.modules.names().join(", "))
        })?;
        let args = self.arguments(args).await?;
        let call = module.runtime().call(function, args, self.context(&module));
        call.timeout(self.limits.timeout).await.map_err(|error| self.limits.call_error(error))
    }

    /// Creates the context of a call.
    fn context(&self, module: &Module) -> CallContext {
        let context =
            CallContext::new(module).modules(&self.modules).output(terminal::print_guest_line);
        match &self.database {
            Some(database) => context.database(database),
            None => context,
        }
    }

    /// Parses literals here, and lets the database evaluate everything else.
    async fn arguments(&self, args: &str) -> CliResult<Vec<Value>> {
        let list = format!("[{args}]");
        let value = match (literal::surrealql(&list), &self.database) {
            (Ok(value), _) => value,
            (Err(_), Some(_)) => self.query(&format!("RETURN {list}"), Object::new()).await?,
            (Err(error), None) => return Err(error.into()),
        };
        match value {
            Value::Array(args) => Ok(args.into_iter().collect()),
            other => Err(anyhow!("invalid arguments {}: not a list", other.to_sql()).into()),
        }
    }

    async fn query(&self, query: &str, variables: Object) -> CliResult<Value> {
        let database = self.database.as_ref().ok_or_else(|| {
            anyhow!(
                "cannot run {query:?}: it does not call a module's function, and no database is connected \
                 for queries; set one with `--db`, or see `:help`"
            )
        })?;
        Ok(database.query(query, variables).await?)
    }

    fn functions(&self) -> Table {
        let mut table = Table::new().header(["Function", "Arguments", "Returns"]);
        for name in self.modules.names() {
            let Some(module) = self.modules.get(&name) else { continue };
            for function in &module.runtime().exports().functions {
                let path = path(&name, function.name.as_deref());
                table.row([path, function.args_display(), function.returns_display()]);
            }
        }
        table
    }

    /// Returns the functions of all modules and those that the database defines.
    pub(super) async fn function_names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for name in self.modules.names() {
            let Some(module) = self.modules.get(&name) else { continue };
            let functions = module.runtime().exports().functions.iter();
            names.extend(functions.map(|function| path(&name, function.name.as_deref())));
        }
        names.extend(self.defined_functions().await);
        names
    }

    /// Returns the `fn::…` that the database defines, or nothing if it does not list them.
    async fn defined_functions(&self) -> Vec<String> {
        let info = match &self.database {
            Some(_) => self.query("RETURN (INFO FOR DB).functions", Object::new()).await,
            None => return Vec::new(),
        };
        match info {
            Ok(Value::Object(functions)) => {
                functions.into_iter().map(|(name, _)| format!("fn::{name}")).collect()
            }
            _ => Vec::new(),
        }
    }
}

fn path(module: &str, function: Option<&str>) -> String {
    match function {
        Some(function) => format!("mod::{module}::{function}"),
        None => format!("mod::{module}"),
    }
}
