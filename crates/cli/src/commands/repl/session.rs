//! What answers the lines: the modules, and the database if there is one.

use anyhow::anyhow;
use surrealdb_types::{Object, ToSql, Value};
use surrealism_surrealdb::{CallContext, Database, Module, ModuleRegistry};

use crate::exit::Outcome;
use crate::guest::Bounds;
use crate::literal;
use crate::repl::line::{Call, Line};
use crate::table::Columns;
use crate::terminal;

const HELP: &str = "\
mod::text::slug('Hi')   calls a function of the module `text`; with a database, arguments may be queries
:functions              lists what can be called
:quit                   ends it, as Ctrl-D does
Every other line is SurrealQL, for the database that `--db` names.";

pub(super) struct Session {
    pub(super) modules: ModuleRegistry,
    pub(super) database: Option<Database>,
    pub(super) bounds: Bounds,
}

impl Session {
    /// Does what a line asks for. `None` where there is no value to show.
    pub(super) async fn answer(&self, line: &str) -> Outcome<Option<Value>> {
        match Line::parse(line) {
            Line::Nothing | Line::Quit => Ok(None),
            Line::Help => Ok(terminal::print(HELP).map(|()| None)?),
            Line::Functions => Ok(terminal::print(self.functions()).map(|()| None)?),
            Line::Call(call) => Ok(Some(self.call(call).await?)),
            Line::Query(query) => Ok(Some(self.query(query, Object::new()).await?)),
        }
    }

    async fn call(&self, call: Call<'_>) -> Outcome<Value> {
        let Call { module: name, function, args } = call;
        let module = self.modules.get(name).ok_or_else(|| {
            anyhow!("there is no module {name:?}; there is {}", self.modules.names().join(", "))
        })?;
        let args = self.arguments(args).await?;
        let answer = module.runtime().call(function, args, self.context(&module));
        answer.timeout(self.bounds.timeout).await.map_err(|error| self.bounds.failure(error))
    }

    /// What a call is lent.
    fn context(&self, module: &Module) -> CallContext {
        let context = CallContext::new(module).modules(&self.modules).output(terminal::print_line);
        match &self.database {
            Some(database) => context.database(database),
            None => context,
        }
    }

    /// Literals are read here; all else is for the database to compute.
    async fn arguments(&self, args: &str) -> Outcome<Vec<Value>> {
        let list = format!("[{args}]");
        let value = match (literal::surrealql(&list), &self.database) {
            (Ok(value), _) => value,
            (Err(_), Some(_)) => self.query(&format!("RETURN {list}"), Object::new()).await?,
            (Err(error), None) => return Err(error.into()),
        };
        match value {
            Value::Array(args) => Ok(args.into_iter().collect()),
            other => Err(anyhow!("arguments are a list, and these are {}", other.to_sql()).into()),
        }
    }

    async fn query(&self, query: &str, variables: Object) -> Outcome<Value> {
        let database = self.database.as_ref().ok_or_else(|| {
            anyhow!(
                "{query:?} calls no function of a module, so it is for a database, and there is none: \
                 name one with `--db`, or see `:help`"
            )
        })?;
        Ok(database.query(query, variables).await?)
    }

    fn functions(&self) -> Columns {
        let mut table = Columns::new().header(["Function", "Arguments", "Returns"]);
        for name in self.modules.names() {
            let Some(module) = self.modules.get(&name) else { continue };
            for function in &module.runtime().exports().functions {
                let path = path(&name, function.name.as_deref());
                table.row([path, function.args_display(), function.returns_display()]);
            }
        }
        table
    }

    /// All that can be called: functions of modules, and those that the database defines.
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

    /// `fn::…`, as far as the database tells.
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
