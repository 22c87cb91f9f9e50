//! The functions that a program exports.

use oxc_ast::ast::{
    ArrowFunctionExpression, BindingPattern, Declaration, ExportDefaultDeclarationKind, Expression,
    FormalParameter, FormalParameters, Function, ImportDeclarationSpecifier, Statement,
    TSNamespaceDeclaration, TSNamespaceDeclarationBody, TSTypeAnnotation,
};
use oxc_span::{GetSpan, Span};
use surrealism::surrealdb_types::Kind;

use crate::comment::{Documentation, is_optional};
use crate::kinds::Kinds;
use crate::modules::{Modules, SDK};
use crate::report::{Report, Reports};

/// How deep namespaces and exports of exports may be nested.
const MAX_DEPTH: usize = 32;

/// A function of the plugin.
pub(crate) struct Exported {
    pub(crate) name: Option<String>,
    /// The exports that lead to it, from the entry.
    pub(crate) path: Vec<String>,
    pub(crate) writeable: bool,
    pub(crate) comment: Option<String>,
    pub(crate) args: Vec<Argument>,
    pub(crate) returns: Kind,
    place: Place,
}

pub(crate) struct Argument {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) is_bigint: bool,
}

/// The functions of a program, and the paths of those that run before the first call.
#[derive(Default)]
pub(crate) struct Exports {
    pub(crate) functions: Vec<Exported>,
    pub(crate) init: Vec<Vec<String>>,
}

/// What an export is.
#[derive(Clone, Copy)]
enum Target<'m, 'a> {
    /// A function in a file, and where the statement starts that has its comment.
    Callable(usize, Callable<'m, 'a>, u32),
    Namespace(usize, &'m TSNamespaceDeclaration<'a>),
    Module(usize),
    /// Anything else.
    Other,
}

#[derive(Clone, Copy)]
enum Callable<'m, 'a> {
    Function(&'m Function<'a>),
    Arrow(&'m ArrowFunctionExpression<'a>),
}

struct Named<'m, 'a> {
    name: String,
    span: Span,
    target: Target<'m, 'a>,
}

/// Lists the functions that a file exports.
pub(crate) fn exports(modules: &Modules<'_>, entry: usize) -> Result<Exports, Reports> {
    let mut collector =
        Collector { modules, exports: Exports::default(), errors: missing_exports(modules) };
    let exported = module_exports(modules, entry, 0);
    collector.collect(entry, exported, &[], &[], 0);
    collector.refuse_duplicates();
    if collector.errors.is_empty() { Ok(collector.exports) } else { Err(collector.errors) }
}

struct Collector<'m, 'a> {
    modules: &'m Modules<'a>,
    exports: Exports,
    errors: Reports,
}

impl<'m, 'a> Collector<'m, 'a> {
    fn collect(
        &mut self,
        file: usize,
        exported: Vec<Named<'m, 'a>>,
        path: &[String],
        names: &[String],
        depth: usize,
    ) {
        for Named { name, span, target } in exported {
            let path = [path, &[name.clone()]].concat();
            let inner = |names: &[String]| match name.as_str() {
                "default" => names.to_vec(),
                name => [names, &[name.to_string()]].concat(),
            };
            match target {
                Target::Callable(declared, callable, start) => {
                    let place = Place { file, span, declared, start };
                    if let Err(error) = self.function(place, callable, path, names, &name) {
                        self.errors.push(error);
                    }
                }
                Target::Namespace(file, namespace) if depth < MAX_DEPTH => {
                    let exported = namespace_exports(self.modules, file, namespace, depth);
                    self.collect(file, exported, &path, &inner(names), depth + 1);
                }
                Target::Module(file) if depth < MAX_DEPTH => {
                    let exported = module_exports(self.modules, file, depth);
                    self.collect(file, exported, &path, &inner(names), depth + 1);
                }
                _ => {}
            }
        }
    }

    fn function(
        &mut self,
        place: Place,
        callable: Callable<'m, 'a>,
        path: Vec<String>,
        names: &[String],
        name: &str,
    ) -> Result<(), Report> {
        let documentation = Documentation::before(&self.modules.list[place.declared], place.start);
        if documentation.has("init") {
            if let Some(parameter) = callable.params().items.first() {
                return Err(Report::at(
                    place.declared,
                    parameter.span,
                    "a function marked @init takes no parameters",
                    "remove them",
                ));
            }
            self.exports.init.push(path);
            return Ok(());
        }
        if let Callable::Function(function) = callable
            && function.generator
        {
            return Err(Report::at(
                place.declared,
                place.span,
                "a generator cannot be exported",
                "return an array",
            ));
        }
        let name = export_name(place, &documentation, names, name)?;
        let args = self.args(place.declared, callable.params(), &documentation)?;
        let returns = self.returns(place.declared, callable, &documentation)?;
        self.exports.functions.push(Exported {
            name,
            path,
            writeable: documentation.has("writeable"),
            comment: Some(documentation.description).filter(|text| !text.is_empty()),
            args,
            returns,
            place,
        });
        Ok(())
    }

    fn args(
        &self,
        file: usize,
        params: &FormalParameters<'a>,
        documentation: &Documentation<'a>,
    ) -> Result<Vec<Argument>, Report> {
        if let Some(rest) = &params.rest {
            return Err(Report::at(
                file,
                rest.span,
                "a function of the database takes a fixed number of arguments",
                "take an array: `items: string[]`",
            ));
        }
        let mut args: Vec<Argument> = Vec::new();
        for param in &params.items {
            let arg = self.arg(file, param, documentation)?;
            if args.iter().any(|other| other.name == arg.name) {
                return Err(Report::at(
                    file,
                    param.span,
                    format!("two arguments are named `{}`", arg.name),
                    "rename one",
                ));
            }
            args.push(arg);
        }
        Ok(args)
    }

    fn arg(
        &self,
        file: usize,
        param: &FormalParameter<'a>,
        documentation: &Documentation<'a>,
    ) -> Result<Argument, Report> {
        let own = Documentation::before(&self.modules.list[file], param.span.start);
        let BindingPattern::BindingIdentifier(identifier) = &param.pattern else {
            return Err(Report::at(
                file,
                param.pattern.span(),
                "this parameter has no name, and a caller sees names",
                "name it, and take it apart in the body: `const { a, b } = options`",
            ));
        };
        let written = identifier.name.as_str();
        let name = own.wire_name().unwrap_or(written);
        if !is_name(name) {
            return Err(Report::at(
                file,
                param.span,
                format!("`{name}` cannot be the name of an argument"),
                "use letters, digits and `_`, or set the name that callers see: `/** @name other */`",
            ));
        }
        let kinds = Kinds::new(self.modules);
        let mut is_left_out = param.optional || param.initializer.is_some();
        let kind = match (&param.type_annotation, documentation.param(written)) {
            (Some(annotation), _) => kinds.of(file, &annotation.type_annotation)?,
            (None, Some(typed)) => {
                is_left_out |= is_optional(typed.rest);
                match typed.span {
                    Some(span) => {
                        let (kind, is_optional) = kinds.of_comment(file, span, false)?;
                        is_left_out |= is_optional;
                        kind
                    }
                    None => Kind::Any,
                }
            }
            (None, None) => param.initializer.as_deref().map_or(Kind::Any, literal_kind),
        };
        let kind = if is_left_out && kind != Kind::Any { Kind::option(kind) } else { kind };
        Ok(Argument { name: name.to_string(), kind, is_bigint: kinds.is_bigint() })
    }

    fn returns(
        &self,
        file: usize,
        callable: Callable<'m, 'a>,
        documentation: &Documentation<'a>,
    ) -> Result<Kind, Report> {
        let kinds = Kinds::new(self.modules);
        match (callable.return_type(), documentation.returns()) {
            (Some(annotation), _) => kinds.of_result(file, &annotation.type_annotation),
            (None, Some(span)) => Ok(kinds.of_comment(file, span, true)?.0),
            (None, None) => Ok(Kind::Any),
        }
    }

    fn refuse_duplicates(&mut self) {
        self.exports.functions.sort_by(|a, b| a.name.cmp(&b.name));
        for pair in self.exports.functions.windows(2) {
            if pair[0].name == pair[1].name {
                let shown = match &pair[0].name {
                    Some(name) => format!("`{name}` is exported"),
                    None => "a default function is exported".to_string(),
                };
                self.errors.push(Report::at(
                    pair[1].place.file,
                    pair[1].place.span,
                    format!(
                        "{shown} more than once, as {} and {}",
                        pair[0].path.join("."),
                        pair[1].path.join(".")
                    ),
                    "rename one, or give it another name for callers: `/** @name other */`",
                ));
            }
        }
    }
}

/// Where a function is exported and declared.
#[derive(Clone, Copy)]
struct Place {
    /// The file that exports it, and the name there.
    file: usize,
    span: Span,
    /// The file that declares it, and where its statement starts.
    declared: usize,
    start: u32,
}

/// Returns the name that callers use.
fn export_name(
    place: Place,
    documentation: &Documentation<'_>,
    names: &[String],
    name: &str,
) -> Result<Option<String>, Report> {
    let wrong = |file, span, name: &str| {
        Report::at(
            file,
            span,
            format!("`{name}` cannot be the name of a function"),
            "use letters, digits and `_`, or set the name that callers see: `/** @name text::parse */`",
        )
    };
    let own = match documentation.word("name") {
        Some((word, span)) if !word.split("::").all(is_name) => {
            return Err(wrong(place.declared, span, word));
        }
        Some((word, _)) => Some(word),
        None if name == "default" => None,
        None if !is_name(name) => return Err(wrong(place.file, place.span, name)),
        None => Some(name),
    };
    let parts: Vec<&str> = names.iter().map(String::as_str).chain(own).collect();
    Ok((!parts.is_empty()).then(|| parts.join("::")))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

fn literal_kind(expression: &Expression<'_>) -> Kind {
    match expression {
        Expression::StringLiteral(_) | Expression::TemplateLiteral(_) => Kind::String,
        Expression::BooleanLiteral(_) => Kind::Bool,
        Expression::NumericLiteral(_) => Kind::Number,
        _ => Kind::Any,
    }
}

impl<'m, 'a> Callable<'m, 'a> {
    fn params(self) -> &'m FormalParameters<'a> {
        match self {
            Self::Function(function) => &function.params,
            Self::Arrow(arrow) => &arrow.params,
        }
    }

    fn return_type(self) -> Option<&'m TSTypeAnnotation<'a>> {
        match self {
            Self::Function(function) => function.return_type.as_deref(),
            Self::Arrow(arrow) => arrow.return_type.as_deref(),
        }
    }

    fn of(expression: &'m Expression<'a>) -> Option<Self> {
        match expression {
            Expression::FunctionExpression(function) => Some(Self::Function(function)),
            Expression::ArrowFunctionExpression(arrow) => Some(Self::Arrow(arrow)),
            Expression::ParenthesizedExpression(inner) => Self::of(&inner.expression),
            Expression::TSAsExpression(inner) => Self::of(&inner.expression),
            Expression::TSSatisfiesExpression(inner) => Self::of(&inner.expression),
            _ => None,
        }
    }
}

/// Lists what a file exports.
fn module_exports<'m, 'a>(
    modules: &'m Modules<'a>,
    file: usize,
    depth: usize,
) -> Vec<Named<'m, 'a>> {
    if depth > MAX_DEPTH {
        return Vec::new();
    }
    body_exports(modules, file, &modules.list[file].program.body, depth)
}

fn namespace_exports<'m, 'a>(
    modules: &'m Modules<'a>,
    file: usize,
    namespace: &'m TSNamespaceDeclaration<'a>,
    depth: usize,
) -> Vec<Named<'m, 'a>> {
    match &namespace.body {
        TSNamespaceDeclarationBody::TSModuleBlock(block) => {
            body_exports(modules, file, &block.body, depth)
        }
        TSNamespaceDeclarationBody::TSNamespaceDeclaration(inner) => vec![Named {
            name: inner.id.name.to_string(),
            span: inner.id.span,
            target: Target::Namespace(file, inner),
        }],
    }
}

fn body_exports<'m, 'a>(
    modules: &'m Modules<'a>,
    file: usize,
    body: &'m [Statement<'a>],
    depth: usize,
) -> Vec<Named<'m, 'a>> {
    let mut exports = Vec::new();
    let mut stars = Vec::new();
    for statement in body {
        match statement {
            Statement::ExportDeclaration(export) => {
                exports.extend(declared(file, &export.declaration, export.span.start));
            }
            Statement::ExportDefaultDeclaration(export) => {
                let start = export.span.start;
                let target = match &export.declaration {
                    ExportDefaultDeclarationKind::FunctionDeclaration(function) => {
                        Target::Callable(file, Callable::Function(function), start)
                    }
                    declaration => match declaration.as_expression() {
                        Some(Expression::Identifier(name)) => {
                            local(modules, file, body, name.name.as_str(), depth)
                        }
                        Some(expression) => match Callable::of(expression) {
                            Some(callable) => Target::Callable(file, callable, start),
                            None => Target::Other,
                        },
                        None => Target::Other,
                    },
                };
                exports.push(Named { name: "default".to_string(), span: export.span, target });
            }
            Statement::ExportNamedDeclaration(export) => {
                for specifier in &export.specifiers {
                    let name = specifier.local.name();
                    exports.push(Named {
                        name: specifier.exported.name().to_string(),
                        span: specifier.span,
                        target: local(modules, file, body, name.as_str(), depth),
                    });
                }
            }
            Statement::ExportFromDeclaration(export) => {
                let Ok(Some(from)) = modules.resolve(file, export.source.value.as_str()) else {
                    continue;
                };
                for specifier in &export.specifiers {
                    exports.push(Named {
                        name: specifier.exported.name().to_string(),
                        span: specifier.span,
                        target: exported(modules, from, specifier.local.name().as_str(), depth),
                    });
                }
            }
            Statement::ExportAllDeclaration(export) => {
                let Ok(Some(from)) = modules.resolve(file, export.source.value.as_str()) else {
                    continue;
                };
                match &export.exported {
                    Some(name) => exports.push(Named {
                        name: name.name().to_string(),
                        span: export.span,
                        target: Target::Module(from),
                    }),
                    None => stars.push(from),
                }
            }
            _ => {}
        }
    }
    for from in stars {
        for named in module_exports(modules, from, depth + 1) {
            let is_known = exports.iter().any(|other: &Named<'_, '_>| other.name == named.name);
            if named.name != "default" && !is_known {
                exports.push(named);
            }
        }
    }
    exports
}

/// Lists what a declaration declares.
fn declared<'m, 'a>(
    file: usize,
    declaration: &'m Declaration<'a>,
    start: u32,
) -> Vec<Named<'m, 'a>> {
    match declaration {
        Declaration::FunctionDeclaration(function) if !function.is_typescript_syntax() => {
            let named = function.id.as_ref().map(|id| Named {
                name: id.name.to_string(),
                span: id.span,
                target: Target::Callable(file, Callable::Function(function), start),
            });
            named.into_iter().collect()
        }
        Declaration::VariableDeclaration(variables) => {
            let named = variables.declarations.iter().filter_map(|variable| {
                let BindingPattern::BindingIdentifier(id) = &variable.id else { return None };
                let callable = variable.init.as_ref().and_then(Callable::of);
                let target = callable.map_or(Target::Other, |it| Target::Callable(file, it, start));
                Some(Named { name: id.name.to_string(), span: id.span, target })
            });
            named.collect()
        }
        Declaration::TSNamespaceDeclaration(namespace) if !namespace.declare => vec![Named {
            name: namespace.id.name.to_string(),
            span: namespace.id.span,
            target: Target::Namespace(file, namespace),
        }],
        declaration => {
            let id = declaration.id();
            let named = id.map(|id| Named {
                name: id.name.to_string(),
                span: id.span,
                target: Target::Other,
            });
            named.into_iter().collect()
        }
    }
}

/// Finds what a name refers to in the statements of a file or a namespace.
fn local<'m, 'a>(
    modules: &'m Modules<'a>,
    file: usize,
    body: &'m [Statement<'a>],
    name: &str,
    depth: usize,
) -> Target<'m, 'a> {
    for statement in body {
        let (declaration, start) = match statement {
            Statement::ExportDeclaration(export) => (Some(&export.declaration), export.span.start),
            Statement::ImportDeclaration(import) => {
                let imported =
                    import.specifiers.iter().flatten().find_map(|specifier| match specifier {
                        ImportDeclarationSpecifier::ImportSpecifier(it)
                            if it.local.name == name =>
                        {
                            Some(Some(it.imported.name().to_string()))
                        }
                        ImportDeclarationSpecifier::ImportDefaultSpecifier(it)
                            if it.local.name == name =>
                        {
                            Some(Some("default".to_string()))
                        }
                        ImportDeclarationSpecifier::ImportNamespaceSpecifier(it)
                            if it.local.name == name =>
                        {
                            Some(None)
                        }
                        _ => None,
                    });
                let Some(imported) = imported else { continue };
                return match (modules.resolve(file, import.source.value.as_str()), imported) {
                    (Ok(Some(from)), Some(imported)) => exported(modules, from, &imported, depth),
                    (Ok(Some(from)), None) => Target::Module(from),
                    _ => Target::Other,
                };
            }
            statement => (statement.as_declaration(), statement.span().start),
        };
        let found = declaration.map(|it| declared(file, it, start)).unwrap_or_default();
        if let Some(found) = found.into_iter().find(|named| named.name == name) {
            return found.target;
        }
    }
    Target::Other
}

/// Finds what another file exports under a name.
fn exported<'m, 'a>(
    modules: &'m Modules<'a>,
    file: usize,
    name: &str,
    depth: usize,
) -> Target<'m, 'a> {
    let found =
        module_exports(modules, file, depth + 1).into_iter().find(|named| named.name == name);
    found.map_or(Target::Other, |named| named.target)
}

/// Returns an error for each import of a name that the other file does not export. The engine would find it,
/// but when the plugin is loaded.
fn missing_exports(modules: &Modules<'_>) -> Reports {
    let mut errors = Vec::new();
    for (index, module) in modules.list.iter().enumerate() {
        for statement in &module.program.body {
            let Statement::ImportDeclaration(import) = statement else { continue };
            if import.import_kind.is_type() {
                continue;
            }
            let source = import.source.value.as_str();
            let Ok(from) = modules.resolve(index, source) else { continue };
            let exported: Vec<String> = match from {
                Some(from) => {
                    module_exports(modules, from, 0).into_iter().map(|named| named.name).collect()
                }
                None => SDK_NAMES.iter().map(ToString::to_string).collect(),
            };
            for specifier in import.specifiers.iter().flatten() {
                let (name, span) = match specifier {
                    ImportDeclarationSpecifier::ImportSpecifier(it) if it.import_kind.is_type() => {
                        continue;
                    }
                    ImportDeclarationSpecifier::ImportSpecifier(it) => {
                        (it.imported.name().to_string(), it.span)
                    }
                    ImportDeclarationSpecifier::ImportDefaultSpecifier(it) => {
                        ("default".to_string(), it.span)
                    }
                    ImportDeclarationSpecifier::ImportNamespaceSpecifier(_) => continue,
                };
                if !exported.contains(&name) {
                    let module = from.map_or(SDK, |from| modules.list[from].path);
                    errors.push(Report::at(
                        index,
                        span,
                        format!("`{module}` does not export `{name}`"),
                        format!("it exports {}", exported.join(", ")),
                    ));
                }
            }
        }
    }
    errors
}

/// What the module `surrealism` exports: values, and the types of the author's interface.
const SDK_NAMES: [&str; 25] = [
    "sql",
    "run",
    "kv",
    "Int",
    "Float",
    "Value",
    "Decimal",
    "DateTime",
    "Duration",
    "Uuid",
    "Table",
    "RecordId",
    "FileRef",
    "Regex",
    "Range",
    "BoundIncluded",
    "BoundExcluded",
    "Geometry",
    "GeometryPoint",
    "GeometryLine",
    "GeometryPolygon",
    "GeometryMultiPoint",
    "GeometryMultiLine",
    "GeometryMultiPolygon",
    "GeometryCollection",
];
