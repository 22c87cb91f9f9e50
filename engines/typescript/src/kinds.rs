//! From types to kinds.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use oxc_allocator::Allocator;
use oxc_ast::ast::{
    Declaration, Expression, ImportDeclarationSpecifier, PropertyKey, Statement, TSEnumDeclaration,
    TSInterfaceDeclaration, TSLiteral, TSSignature, TSTupleElement, TSType, TSTypeAliasDeclaration,
    TSTypeName, TSTypeOperatorOperator, TSTypeParameterDeclaration, TSTypeReference, UnaryOperator,
};
use oxc_parser::Parser;
use oxc_span::{GetSpan, SourceType, Span};
use surrealism::surrealdb_types::{GeometryKind, Kind, KindLiteral, Table};

use crate::modules::{Modules, SDK};
use crate::report::Report;

/// How deep types may be nested.
const MAX_DEPTH: usize = 64;

/// Kinds of the types in one signature.
pub(crate) struct Kinds<'m, 'a> {
    modules: &'m Modules<'a>,
    /// The declarations that are being read, which may contain themselves.
    in_progress: RefCell<Vec<(usize, String)>>,
    has_bigint: Cell<bool>,
    has_number: Cell<bool>,
}

/// Where a type stands.
#[derive(Clone, Copy)]
struct Scope<'s> {
    file: usize,
    /// The kinds of type parameters.
    parameters: &'s [(String, Kind)],
    depth: usize,
}

/// What a name of a type refers to.
enum Named<'m, 'a> {
    Alias(&'m TSTypeAliasDeclaration<'a>),
    Interface(&'m TSInterfaceDeclaration<'a>),
    Enum(&'m TSEnumDeclaration<'a>),
    Class,
    /// An export of the engine's module.
    Sdk(String),
}

impl<'m, 'a> Kinds<'m, 'a> {
    pub(crate) fn new(modules: &'m Modules<'a>) -> Self {
        Self {
            modules,
            in_progress: RefCell::default(),
            has_bigint: Cell::new(false),
            has_number: Cell::new(false),
        }
    }

    /// Returns whether integers of the types that were read are `bigint`.
    pub(crate) fn is_bigint(&self) -> bool {
        self.has_bigint.get() && !self.has_number.get()
    }

    /// Returns the kind of a type in a file.
    pub(crate) fn of(&self, file: usize, ty: &TSType<'_>) -> Result<Kind, Report> {
        self.kind(Scope { file, parameters: &[], depth: 0 }, ty)
    }

    /// Returns the kind of a function's result, which may be in a promise.
    pub(crate) fn of_result(&self, file: usize, ty: &TSType<'_>) -> Result<Kind, Report> {
        match ty {
            TSType::TSTypeReference(reference) if is_named(reference, "Promise") => match reference
                .type_arguments
                .as_ref()
                .and_then(|arguments| arguments.params.first())
            {
                Some(ty) => self.of(file, ty),
                None => Ok(Kind::Any),
            },
            // The function throws whenever it is called.
            TSType::TSNeverKeyword(_) => Ok(Kind::None),
            ty => self.of(file, ty),
        }
    }

    /// Returns the kind of a type that a comment has, and whether it ends with `=`, which is optional.
    pub(crate) fn of_comment(
        &self,
        file: usize,
        span: Span,
        is_result: bool,
    ) -> Result<(Kind, bool), Report> {
        const DECLARATION: &str = "type T=";

        let source = self.modules.list[file].source;
        let text = span.source_text(source).trim_end();
        let (text, is_optional) = match text.strip_suffix('=') {
            Some(text) => (text, true),
            None => (text, false),
        };
        if matches!(text.trim(), "*" | "?") {
            return Ok((Kind::Any, is_optional));
        }
        // The type stands where it stands in the file, so that errors do.
        let padding = " ".repeat((span.start as usize).saturating_sub(DECLARATION.len()));
        let padded = format!("{padding}{DECLARATION}{text}");
        let allocator = Allocator::default();
        let parsed = Parser::new(&allocator, &padded, SourceType::ts()).parse();
        let Some(Statement::TSTypeAliasDeclaration(alias)) =
            parsed.program.body.first().filter(|_| parsed.diagnostics.is_empty())
        else {
            return Err(Report::at(
                file,
                span,
                "cannot read the type in the comment",
                "write a type of TypeScript: string, number[], { a: string }",
            ));
        };
        let ty = &alias.type_annotation;
        let kind = if is_result { self.of_result(file, ty)? } else { self.of(file, ty)? };
        Ok((kind, is_optional))
    }

    fn kind(&self, scope: Scope<'_>, ty: &TSType<'_>) -> Result<Kind, Report> {
        let unclear = |what: &str, help: &str| {
            Err(Report::at(scope.file, ty.span(), format!("cannot tell the kind of {what}"), help))
        };
        if scope.depth > MAX_DEPTH {
            return unclear("a type that is nested so deep", "write `any`");
        }
        let scope = Scope { depth: scope.depth + 1, ..scope };
        Ok(match ty {
            TSType::TSAnyKeyword(_) | TSType::TSUnknownKeyword(_) | TSType::JSDocUnknownType(_) => {
                Kind::Any
            }
            TSType::TSStringKeyword(_) | TSType::TSTemplateLiteralType(_) => Kind::String,
            TSType::TSBooleanKeyword(_) => Kind::Bool,
            TSType::TSNumberKeyword(_) => {
                self.has_number.set(true);
                Kind::Number
            }
            TSType::TSBigIntKeyword(_) => {
                self.has_bigint.set(true);
                Kind::Int
            }
            TSType::TSNullKeyword(_) => Kind::Null,
            TSType::TSUndefinedKeyword(_) | TSType::TSVoidKeyword(_) => Kind::None,
            TSType::TSObjectKeyword(_) => Kind::Object,
            TSType::TSArrayType(array) => {
                Kind::Array(Box::new(self.kind(scope, &array.element_type)?), None)
            }
            TSType::TSTupleType(tuple) => {
                let element = |element: &TSTupleElement<'_>| self.element(scope, element);
                Kind::Literal(KindLiteral::Array(
                    tuple.element_types.iter().map(element).collect::<Result<_, _>>()?,
                ))
            }
            TSType::TSUnionType(union) => {
                let kinds = union.types.iter().map(|ty| self.kind(scope, ty));
                Kind::either(kinds.collect::<Result<_, _>>()?)
            }
            TSType::TSParenthesizedType(inner) => self.kind(scope, &inner.type_annotation)?,
            TSType::JSDocNonNullableType(inner) => self.kind(scope, &inner.type_annotation)?,
            TSType::JSDocNullableType(inner) => {
                Kind::either(vec![Kind::Null, self.kind(scope, &inner.type_annotation)?])
            }
            TSType::TSTypeLiteral(literal) => self.object(scope, &literal.members)?,
            TSType::TSIntersectionType(intersection) => {
                let mut fields = BTreeMap::new();
                for ty in &intersection.types {
                    match self.kind(scope, ty)? {
                        Kind::Literal(KindLiteral::Object(more)) => fields.extend(more),
                        _ => {
                            return unclear(
                                "an intersection of other types than objects",
                                "write out the type, or `any`",
                            );
                        }
                    }
                }
                Kind::Literal(KindLiteral::Object(fields))
            }
            TSType::TSLiteralType(literal) => match literal_kind(&literal.literal) {
                Some(kind) => Kind::Literal(kind),
                None => return unclear("this literal", "write `string` or `number`"),
            },
            TSType::TSTypeOperatorType(operator)
                if operator.operator == TSTypeOperatorOperator::Readonly =>
            {
                self.kind(scope, &operator.type_annotation)?
            }
            TSType::TSTypeReference(reference) => self.reference(scope, reference)?,
            TSType::TSFunctionType(_) | TSType::TSConstructorType(_) => {
                return unclear(
                    "a function",
                    "a function is not a value of SurrealDB: leave it out",
                );
            }
            TSType::TSSymbolKeyword(_) => {
                return unclear("a symbol", "a symbol is not a value of SurrealDB: use a string");
            }
            _ => {
                return unclear("this type", "write out the type that it stands for, or `any`");
            }
        })
    }

    fn element(&self, scope: Scope<'_>, element: &TSTupleElement<'_>) -> Result<Kind, Report> {
        match element {
            TSTupleElement::TSOptionalType(optional) => {
                Ok(Kind::option(self.kind(scope, &optional.type_annotation)?))
            }
            TSTupleElement::TSRestType(rest) => Err(Report::at(
                scope.file,
                rest.span,
                "cannot tell the kind of a tuple without an end",
                "write an array: (A | B)[]",
            )),
            TSTupleElement::TSNamedTupleMember(member) => {
                let kind = self.element(scope, &member.element_type)?;
                Ok(if member.optional { Kind::option(kind) } else { kind })
            }
            element => match element.as_ts_type() {
                Some(ty) => self.kind(scope, ty),
                None => Ok(Kind::Any),
            },
        }
    }

    /// Returns the kind of an object with members, or of any object if its keys are not named.
    fn object(&self, scope: Scope<'_>, members: &[TSSignature<'_>]) -> Result<Kind, Report> {
        let mut fields = BTreeMap::new();
        for member in members {
            match member {
                TSSignature::TSIndexSignature(_) => return Ok(Kind::Object),
                TSSignature::TSPropertySignature(property) => {
                    let Some(name) = key_name(&property.key).filter(|_| !property.computed) else {
                        return Err(Report::at(
                            scope.file,
                            property.key.span(),
                            "cannot tell the name of this field",
                            "write the name: { name: string }",
                        ));
                    };
                    let kind = match &property.type_annotation {
                        Some(annotation) => self.kind(scope, &annotation.type_annotation)?,
                        None => Kind::Any,
                    };
                    fields.insert(name, if property.optional { Kind::option(kind) } else { kind });
                }
                TSSignature::TSMethodSignature(_)
                | TSSignature::TSCallSignatureDeclaration(_)
                | TSSignature::TSConstructSignatureDeclaration(_) => {
                    return Err(Report::at(
                        scope.file,
                        member.span(),
                        "cannot tell the kind of a method",
                        "a function is not a value of SurrealDB: leave it out",
                    ));
                }
            }
        }
        Ok(Kind::Literal(KindLiteral::Object(fields)))
    }

    fn reference(&self, scope: Scope<'_>, reference: &TSTypeReference<'_>) -> Result<Kind, Report> {
        let TSTypeName::IdentifierReference(name) = &reference.type_name else {
            return Err(Report::at(
                scope.file,
                reference.span,
                "cannot tell the kind of a type in a namespace",
                "import the type itself, or write `any`",
            ));
        };
        let name = name.name.as_str();
        if let Some((_, kind)) = scope.parameters.iter().find(|(parameter, _)| parameter == name) {
            return Ok(kind.clone());
        }
        match self.find(scope.file, name, 0) {
            Some((file, named)) => self.named(scope, reference, name, file, named),
            None => self.global(scope, reference, name),
        }
    }

    fn named(
        &self,
        scope: Scope<'_>,
        reference: &TSTypeReference<'_>,
        name: &str,
        file: usize,
        named: Named<'m, 'a>,
    ) -> Result<Kind, Report> {
        let declared = match &named {
            Named::Sdk(name) => return self.sdk(scope, reference, name),
            Named::Class => {
                return Err(Report::at(
                    scope.file,
                    reference.span,
                    format!("cannot tell the kind of the class `{name}`"),
                    "values cross without their class: declare an interface with the fields",
                ));
            }
            Named::Alias(alias) => alias.id.name.to_string(),
            Named::Interface(interface) => interface.id.name.to_string(),
            Named::Enum(declaration) => declaration.id.name.to_string(),
        };
        let key = (file, declared);
        if self.in_progress.borrow().contains(&key) {
            // Kinds are trees.
            return Ok(Kind::Any);
        }
        self.in_progress.borrow_mut().push(key);
        let kind = self.declared(scope, reference, file, named);
        self.in_progress.borrow_mut().pop();
        kind
    }

    fn declared(
        &self,
        scope: Scope<'_>,
        reference: &TSTypeReference<'_>,
        file: usize,
        named: Named<'m, 'a>,
    ) -> Result<Kind, Report> {
        let parameters = |declaration: Option<&TSTypeParameterDeclaration<'_>>| {
            self.parameters(scope, reference, file, declaration)
        };
        match named {
            Named::Alias(alias) => {
                let parameters = parameters(alias.type_parameters.as_deref())?;
                self.kind(
                    Scope { file, parameters: &parameters, depth: scope.depth },
                    &alias.type_annotation,
                )
            }
            Named::Interface(interface) => {
                let parameters = parameters(interface.type_parameters.as_deref())?;
                let inner = Scope { file, parameters: &parameters, depth: scope.depth };
                self.interface(inner, interface)
            }
            Named::Enum(declaration) => enumeration(file, declaration),
            Named::Class | Named::Sdk(_) => Ok(Kind::Any),
        }
    }

    fn interface(
        &self,
        scope: Scope<'_>,
        interface: &TSInterfaceDeclaration<'_>,
    ) -> Result<Kind, Report> {
        let mut fields = BTreeMap::new();
        for parent in &interface.extends {
            let TSTypeName::IdentifierReference(name) = &parent.type_name else {
                return Ok(Kind::Object);
            };
            let found = self.find(scope.file, name.name.as_str(), 0);
            let Some((file, Named::Interface(parent))) = found else { return Ok(Kind::Object) };
            let inner = Scope { file, parameters: &[], depth: scope.depth + 1 };
            if inner.depth > MAX_DEPTH {
                return Ok(Kind::Any);
            }
            match self.interface(inner, parent)? {
                Kind::Literal(KindLiteral::Object(more)) => fields.extend(more),
                other => return Ok(other),
            }
        }
        match self.object(scope, &interface.body.body)? {
            Kind::Literal(KindLiteral::Object(own)) => {
                fields.extend(own);
                Ok(Kind::Literal(KindLiteral::Object(fields)))
            }
            other => Ok(other),
        }
    }

    /// Returns the kinds of a declaration's type parameters.
    fn parameters(
        &self,
        scope: Scope<'_>,
        reference: &TSTypeReference<'_>,
        file: usize,
        declaration: Option<&TSTypeParameterDeclaration<'_>>,
    ) -> Result<Vec<(String, Kind)>, Report> {
        let Some(declaration) = declaration else { return Ok(Vec::new()) };
        let mut kinds = Vec::new();
        for (index, parameter) in declaration.params.iter().enumerate() {
            let argument =
                reference.type_arguments.as_ref().and_then(|list| list.params.get(index));
            let kind = match (argument, &parameter.default) {
                (Some(ty), _) => self.kind(scope, ty)?,
                (None, Some(ty)) => {
                    self.kind(Scope { file, parameters: &kinds, depth: scope.depth }, ty)?
                }
                (None, None) => Kind::Any,
            };
            kinds.push((parameter.name.name.to_string(), kind));
        }
        Ok(kinds)
    }

    /// Returns the kind of a type argument, or any.
    fn argument(
        &self,
        scope: Scope<'_>,
        reference: &TSTypeReference<'_>,
        index: usize,
    ) -> Result<Kind, Report> {
        match reference.type_arguments.as_ref().and_then(|list| list.params.get(index)) {
            Some(ty) => self.kind(scope, ty),
            None => Ok(Kind::Any),
        }
    }

    /// Returns the kind of a type of JavaScript's.
    fn global(
        &self,
        scope: Scope<'_>,
        reference: &TSTypeReference<'_>,
        name: &str,
    ) -> Result<Kind, Report> {
        Ok(match name {
            "Array" | "ReadonlyArray" => {
                Kind::Array(Box::new(self.argument(scope, reference, 0)?), None)
            }
            "Set" | "ReadonlySet" => Kind::Set(Box::new(self.argument(scope, reference, 0)?), None),
            "Map" | "ReadonlyMap" | "Record" | "Object" => Kind::Object,
            "Date" => Kind::Datetime,
            "Uint8Array" | "ArrayBuffer" => Kind::Bytes,
            "RegExp" => Kind::Regex,
            "String" => Kind::String,
            "Boolean" => Kind::Bool,
            "Number" => Kind::Number,
            "Readonly" | "Required" | "NonNullable" => self.argument(scope, reference, 0)?,
            "Partial" => match self.argument(scope, reference, 0)? {
                Kind::Literal(KindLiteral::Object(fields)) => {
                    let optional =
                        fields.into_iter().map(|(name, kind)| (name, Kind::option(kind)));
                    Kind::Literal(KindLiteral::Object(optional.collect()))
                }
                other => other,
            },
            "Promise" => {
                return Err(Report::at(
                    scope.file,
                    reference.span,
                    "cannot tell the kind of a promise inside of a value",
                    "a promise is not a value of SurrealDB: await it, and declare what it resolves to",
                ));
            }
            name if is_sdk_type(name) => {
                return Err(Report::at(
                    scope.file,
                    reference.span,
                    format!("cannot tell the kind of `{name}`: it is not imported"),
                    format!("add `import {{ type {name} }} from \"{SDK}\"`"),
                ));
            }
            name => {
                return Err(Report::at(
                    scope.file,
                    reference.span,
                    format!(
                        "cannot tell the kind of `{name}`: it is declared in none of the plugin's files"
                    ),
                    "declare it in the plugin, or write `any`",
                ));
            }
        })
    }

    /// Returns the kind of a type that the module `surrealism` exports.
    fn sdk(
        &self,
        scope: Scope<'_>,
        reference: &TSTypeReference<'_>,
        name: &str,
    ) -> Result<Kind, Report> {
        Ok(match name {
            "Int" => {
                self.has_number.set(true);
                Kind::Int
            }
            "Float" => Kind::Float,
            "Decimal" => Kind::Decimal,
            "DateTime" => Kind::Datetime,
            "Duration" => Kind::Duration,
            "Uuid" => Kind::Uuid,
            "Regex" => Kind::Regex,
            "FileRef" => Kind::File(Vec::new()),
            "Range" => Kind::Range,
            "Value" => Kind::Any,
            "Table" => Kind::Table(self.tables(scope, reference)?),
            "RecordId" => Kind::Record(self.tables(scope, reference)?),
            "Geometry" => Kind::Geometry(Vec::new()),
            "GeometryPoint" => Kind::Geometry(vec![GeometryKind::Point]),
            "GeometryLine" => Kind::Geometry(vec![GeometryKind::Line]),
            "GeometryPolygon" => Kind::Geometry(vec![GeometryKind::Polygon]),
            "GeometryMultiPoint" => Kind::Geometry(vec![GeometryKind::MultiPoint]),
            "GeometryMultiLine" => Kind::Geometry(vec![GeometryKind::MultiLine]),
            "GeometryMultiPolygon" => Kind::Geometry(vec![GeometryKind::MultiPolygon]),
            "GeometryCollection" => Kind::Geometry(vec![GeometryKind::Collection]),
            name => {
                return Err(Report::at(
                    scope.file,
                    reference.span,
                    format!("cannot tell the kind of `{name}`: the module {SDK} has no such type"),
                    "write `any`",
                ));
            }
        })
    }

    /// Returns the tables in `RecordId<"person" | "company">`.
    fn tables(
        &self,
        scope: Scope<'_>,
        reference: &TSTypeReference<'_>,
    ) -> Result<Vec<Table>, Report> {
        if reference.type_arguments.is_none() {
            return Ok(Vec::new());
        }
        let tables = match self.argument(scope, reference, 0)? {
            Kind::String => return Ok(Vec::new()),
            Kind::Either(kinds) => kinds,
            kind => vec![kind],
        };
        let table = |kind| match kind {
            Kind::Literal(KindLiteral::String(name)) => Ok(Table::new(name)),
            _ => Err(Report::at(
                scope.file,
                reference.span,
                "cannot tell the table of this type",
                "write the table's name: RecordId<\"person\">",
            )),
        };
        tables.into_iter().map(table).collect()
    }

    /// Finds the declaration of a type in a file, or where the file imports it from.
    fn find(&self, file: usize, name: &str, depth: usize) -> Option<(usize, Named<'m, 'a>)> {
        if depth > MAX_DEPTH {
            return None;
        }
        for statement in &self.modules.list[file].program.body {
            let found = match statement {
                Statement::ExportDeclaration(export) => declared_type(&export.declaration, name),
                Statement::ImportDeclaration(import) => {
                    let imported =
                        import.specifiers.iter().flatten().find_map(|specifier| match specifier {
                            ImportDeclarationSpecifier::ImportSpecifier(specifier)
                                if specifier.local.name.as_str() == name =>
                            {
                                Some(specifier.imported.name().to_string())
                            }
                            _ => None,
                        });
                    let Some(imported) = imported else { continue };
                    return match self.modules.resolve(file, import.source.value.as_str()).ok()? {
                        Some(file) => self.find(file, &imported, depth + 1),
                        None => Some((file, Named::Sdk(imported))),
                    };
                }
                Statement::ExportFromDeclaration(export) => {
                    let exported = export
                        .specifiers
                        .iter()
                        .find(|specifier| specifier.exported.name() == name);
                    let Some(exported) = exported else { continue };
                    let local = exported.local.name().to_string();
                    return match self.modules.resolve(file, export.source.value.as_str()).ok()? {
                        Some(file) => self.find(file, &local, depth + 1),
                        None => Some((file, Named::Sdk(local))),
                    };
                }
                statement => statement.as_declaration().and_then(|it| declared_type(it, name)),
            };
            if let Some(found) = found {
                return Some((file, found));
            }
        }
        None
    }
}

fn declared_type<'m, 'a>(declaration: &'m Declaration<'a>, name: &str) -> Option<Named<'m, 'a>> {
    match declaration {
        Declaration::TSTypeAliasDeclaration(alias) if alias.id.name == name => {
            Some(Named::Alias(alias))
        }
        Declaration::TSInterfaceDeclaration(it) if it.id.name == name => Some(Named::Interface(it)),
        Declaration::TSEnumDeclaration(it) if it.id.name == name => Some(Named::Enum(it)),
        Declaration::ClassDeclaration(class)
            if class.id.as_ref().is_some_and(|id| id.name == name) =>
        {
            Some(Named::Class)
        }
        _ => None,
    }
}

fn is_named(reference: &TSTypeReference<'_>, name: &str) -> bool {
    matches!(&reference.type_name, TSTypeName::IdentifierReference(found) if found.name == name)
}

fn is_sdk_type(name: &str) -> bool {
    const NAMES: [&str; 9] =
        ["Int", "Float", "Decimal", "DateTime", "Duration", "Uuid", "RecordId", "Table", "Range"];
    NAMES.contains(&name) || name.starts_with("Geometry")
}

fn key_name(key: &PropertyKey<'_>) -> Option<String> {
    key.static_name().map(|name| name.to_string())
}

/// Returns the kind of an enum: one of its values.
fn enumeration(file: usize, declaration: &TSEnumDeclaration<'_>) -> Result<Kind, Report> {
    let mut next = Some(0);
    let mut kinds = Vec::new();
    for member in &declaration.body.members {
        let literal = match &member.initializer {
            None => next.map(KindLiteral::Integer),
            Some(initializer) => expression_literal(initializer),
        };
        let Some(literal) = literal else {
            return Err(Report::at(
                file,
                member.span,
                "cannot tell the value of this member",
                "write a number or a string: Small = \"small\"",
            ));
        };
        next = match literal {
            KindLiteral::Integer(value) => value.checked_add(1),
            _ => None,
        };
        kinds.push(Kind::Literal(literal));
    }
    Ok(Kind::either(kinds))
}

fn expression_literal(expression: &Expression<'_>) -> Option<KindLiteral> {
    match expression {
        Expression::StringLiteral(literal) => Some(KindLiteral::String(literal.value.to_string())),
        Expression::NumericLiteral(literal) => Some(number(literal.value)),
        Expression::UnaryExpression(unary) if unary.operator == UnaryOperator::UnaryNegation => {
            match &unary.argument {
                Expression::NumericLiteral(literal) => Some(number(-literal.value)),
                _ => None,
            }
        }
        _ => None,
    }
}

fn literal_kind(literal: &TSLiteral<'_>) -> Option<KindLiteral> {
    match literal {
        TSLiteral::BooleanLiteral(literal) => Some(KindLiteral::Bool(literal.value)),
        TSLiteral::NumericLiteral(literal) => Some(number(literal.value)),
        TSLiteral::StringLiteral(literal) => Some(KindLiteral::String(literal.value.to_string())),
        TSLiteral::BigIntLiteral(literal) => literal.value.parse().ok().map(KindLiteral::Integer),
        TSLiteral::TemplateLiteral(_) => None,
        TSLiteral::UnaryExpression(unary) => match (unary.operator, &unary.argument) {
            (UnaryOperator::UnaryNegation, Expression::NumericLiteral(literal)) => {
                Some(number(-literal.value))
            }
            _ => None,
        },
    }
}

fn number(value: f64) -> KindLiteral {
    const LIMIT: f64 = 9_007_199_254_740_992.0;

    match value.fract() == 0.0 && value.abs() < LIMIT {
        true => KindLiteral::Integer(value as i64),
        false => KindLiteral::Float(value),
    }
}
