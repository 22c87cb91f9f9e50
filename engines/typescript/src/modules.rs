//! The author's files: parsed, and resolved against each other.

use std::collections::BTreeMap;

use oxc_allocator::Allocator;
use oxc_ast::ast::{IdentifierName, Program, StringLiteral};
use oxc_ast_visit::{Visit, walk};
use oxc_parser::{Parser, ParserReturn};
use oxc_semantic::SemanticBuilder;
use oxc_span::{SourceType, Span};

use crate::report::{Report, Reports};

/// The module of the engine.
pub(crate) const SDK: &str = "surrealism";

/// The functions of the store that third-party hosts do not have.
const EXTENSIONS: [&str; 6] =
    ["compareAndSet", "increment", "setWithTtl", "incrementWithTtl", "ttl", "setTtl"];

/// What a file without an extension may be, in the order of preference.
const EXTENSIONS_OF_FILES: [&str; 5] = [".ts", ".mts", ".js", ".mjs", ".d.ts"];

/// All files of a program, in the order of their paths.
pub(crate) struct Modules<'a> {
    pub(crate) list: Vec<Module<'a>>,
}

/// One file.
pub(crate) struct Module<'a> {
    pub(crate) path: &'a str,
    pub(crate) source: &'a str,
    pub(crate) program: Program<'a>,
    /// What it imports, and where that is said.
    pub(crate) imports: Vec<Import<'a>>,
    errors: Reports,
}

pub(crate) struct Import<'a> {
    pub(crate) specifier: &'a str,
    pub(crate) span: Span,
    /// Whether types alone are imported, so that nothing is loaded.
    pub(crate) is_type: bool,
}

impl<'a> Modules<'a> {
    pub(crate) fn parse(allocators: &'a [Allocator], files: &'a BTreeMap<String, String>) -> Self {
        let files = files.iter().zip(allocators).enumerate();
        let list = files.map(|(index, ((path, source), allocator))| {
            Module::parse(index, path, source, allocator)
        });
        Self { list: list.collect() }
    }

    /// Returns the errors of syntax, and the imports that no file is for.
    pub(crate) fn errors(&self) -> Result<(), Reports> {
        let mut errors = Vec::new();
        for (index, module) in self.list.iter().enumerate() {
            errors.extend(module.errors.iter().map(Report::again));
            for import in &module.imports {
                let Err(unresolved) = self.resolve(index, import.specifier) else { continue };
                match unresolved {
                    Unresolved::Package if import.is_type => {}
                    unresolved => errors.push(unresolved.report(index, import)),
                }
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// Returns the paths that the imports without a file may have.
    pub(crate) fn wanted(&self) -> Vec<Vec<String>> {
        let mut wanted = Vec::new();
        for (index, module) in self.list.iter().enumerate() {
            for import in &module.imports {
                if let Err(Unresolved::File(candidates)) = self.resolve(index, import.specifier) {
                    wanted.push(candidates);
                }
            }
        }
        wanted
    }

    /// Finds the file that an import is for; `None` is the module of the engine.
    pub(crate) fn resolve(
        &self,
        from: usize,
        specifier: &str,
    ) -> Result<Option<usize>, Unresolved> {
        if specifier == SDK {
            return Ok(None);
        }
        if specifier.starts_with('/') {
            return Err(Unresolved::Outside);
        }
        if !specifier.starts_with("./") && !specifier.starts_with("../") {
            return Err(Unresolved::Package);
        }
        let path = join(self.list[from].path, specifier).ok_or(Unresolved::Outside)?;
        let candidates = candidates(&path);
        let found = candidates.iter().find_map(|candidate| self.find(candidate));
        found.map(Some).ok_or(Unresolved::File(candidates))
    }

    /// Finds a file by its path.
    pub(crate) fn find(&self, path: &str) -> Option<usize> {
        self.list.binary_search_by(|module| module.path.cmp(path)).ok()
    }

    /// Returns whether the program calls what third-party hosts do not have.
    pub(crate) fn needs_extensions(&self) -> bool {
        self.list.iter().any(|module| {
            let imports_sdk = module.imports.iter().any(|import| import.specifier == SDK);
            let mut names = Names::default();
            names.visit_program(&module.program);
            imports_sdk && names.has_extension
        })
    }
}

impl<'a> Module<'a> {
    fn parse(index: usize, path: &'a str, source: &'a str, allocator: &'a Allocator) -> Self {
        let ParserReturn { program, module_record, diagnostics, .. } =
            Parser::new(allocator, source, source_type(path)).parse();
        let mut errors: Reports =
            diagnostics.into_vec().into_iter().map(|error| Report::new(index, error)).collect();
        if errors.is_empty() {
            let semantic = SemanticBuilder::new().with_check_syntax_error(true).build(&program);
            let found = semantic.diagnostics.into_vec();
            errors.extend(found.into_iter().map(|error| Report::new(index, error)));
        }
        let mut imports = Vec::new();
        for (specifier, requests) in &module_record.requested_modules {
            let is_type = requests.iter().all(|request| request.is_type);
            let span = requests.first().map(|request| request.span).unwrap_or_default();
            imports.push(Import { specifier: specifier.as_str(), span, is_type });
        }
        // A dynamic import of a text that is written there. Any other fails when it is reached.
        for dynamic in &module_record.dynamic_imports {
            let text = dynamic.module_request.source_text(source);
            let quoted =
                text.len() >= 2 && text.starts_with(['"', '\'']) && text.ends_with(['"', '\'']);
            if quoted {
                let specifier = &text[1..text.len() - 1];
                imports.push(Import { specifier, span: dynamic.module_request, is_type: false });
            }
        }
        imports.sort_by_key(|import| import.span.start);
        Self { path, source, program, imports, errors }
    }
}

/// Returns how a file is parsed. Whatever is not TypeScript is JavaScript.
pub(crate) fn source_type(path: &str) -> SourceType {
    match path {
        path if path.ends_with(".d.ts") => SourceType::d_ts(),
        path if path.ends_with(".ts") || path.ends_with(".mts") => SourceType::ts(),
        _ => SourceType::mjs(),
    }
}

/// Why an import has no file.
pub(crate) enum Unresolved {
    /// None of these is among the files.
    File(Vec<String>),
    Package,
    Outside,
}

impl Unresolved {
    fn report(self, file: usize, import: &Import<'_>) -> Report {
        let specifier = import.specifier;
        let (message, help) = match self {
            Self::File(candidates) => (
                format!("cannot find the module '{specifier}'"),
                format!("create one of {}", candidates.join(", ")),
            ),
            Self::Package => (
                format!("cannot import the package '{specifier}': packages are not supported yet"),
                format!(
                    "copy what you need into the plugin, and import it by a path such as './{specifier}.js'"
                ),
            ),
            Self::Outside => (
                format!("cannot import '{specifier}': it is outside of the plugin's directory"),
                "move the file into the directory of surrealism.toml".to_string(),
            ),
        };
        Report::at(file, import.span, message, help)
    }
}

/// Returns the path that an import in a file refers to, or `None` outside of the plugin's directory.
fn join(from: &str, specifier: &str) -> Option<String> {
    let dir = from.rsplit_once('/').map_or("", |(dir, _)| dir);
    let mut parts: Vec<&str> = dir.split('/').filter(|part| !part.is_empty()).collect();
    for part in specifier.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Returns the files that a path may mean. In TypeScript, `./a.js` is `a.ts`, as its compiler wants it.
fn candidates(path: &str) -> Vec<String> {
    let mut candidates = Vec::new();
    let file = path.rsplit('/').next().unwrap_or(path);
    let swaps = [(".js", ".ts"), (".mjs", ".mts")];
    for (javascript, typescript) in swaps {
        if let Some(stem) = path.strip_suffix(javascript) {
            candidates.extend([
                format!("{stem}{typescript}"),
                path.to_string(),
                format!("{stem}.d.ts"),
            ]);
            return candidates;
        }
    }
    if EXTENSIONS_OF_FILES.iter().any(|extension| file.ends_with(extension)) {
        return vec![path.to_string()];
    }
    candidates.extend(EXTENSIONS_OF_FILES.map(|extension| format!("{path}{extension}")));
    let slash = if path.is_empty() { "" } else { "/" };
    candidates.extend([".ts", ".js"].map(|extension| format!("{path}{slash}index{extension}")));
    candidates
}

/// Finds the names of the store's extensions.
#[derive(Default)]
struct Names {
    has_extension: bool,
}

impl<'a> Visit<'a> for Names {
    fn visit_identifier_name(&mut self, name: &IdentifierName<'a>) {
        self.has_extension |= EXTENSIONS.contains(&name.name.as_str());
    }

    fn visit_string_literal(&mut self, literal: &StringLiteral<'a>) {
        self.has_extension |= EXTENSIONS.contains(&literal.value.as_str());
        walk::walk_string_literal(self, literal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_relative_to_the_file() {
        assert_eq!(join("src/index.ts", "./math.js").as_deref(), Some("src/math.js"));
        assert_eq!(join("src/a/b.ts", "../c").as_deref(), Some("src/c"));
        assert_eq!(join("index.ts", "../c"), None);
    }

    #[test]
    fn javascript_is_typescript_if_that_exists() {
        assert_eq!(candidates("src/a.js"), ["src/a.ts", "src/a.js", "src/a.d.ts"]);
        assert_eq!(candidates("src/a.ts"), ["src/a.ts"]);
        assert!(candidates("src/a").contains(&"src/a/index.js".to_string()));
    }
}
