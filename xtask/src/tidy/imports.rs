//! The direction of imports inside a crate.
//!
//! Modules of one parent must not import each other in a circle, whatever is below them: `a/x.rs` that
//! imports `b.rs` and `b/y.rs` that imports `a.rs` are a cycle of `a` and `b`. A module and what is below
//! it may import each other. Tests (`#[cfg(test)]`) may import anything.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree};

use super::Finding;
use super::repository::{Repository, SourceFile};

/// A path from the root of the crate: `["kv", "bounds"]`.
type Path = Vec<String>;

/// Imports of one module that lead to another, and the first place of such an import.
type Edges = BTreeMap<(String, String), Place>;

/// Where something is imported.
#[derive(Clone)]
struct Place {
    file: String,
    line: usize,
}

/// How many names may stand for one another before the search gives up.
const MAX_REEXPORTS: usize = 16;

/// Every import that is part of a cycle.
pub(super) fn cycles(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in repository.files.iter().filter(|file| file.path.ends_with("Cargo.toml")) {
        let directory = manifest.path.trim_end_matches("Cargo.toml");
        let sources = format!("{directory}src/");
        let files = repository.with_extension("rs").filter_map(|file| {
            let module = module_path(file.path.strip_prefix(&sources)?)?;
            Some((module, file))
        });
        let modules = Modules::parse(files.collect());
        findings.extend(modules.edges().values().flat_map(in_cycles));
    }
    findings
}

/// The module that a file of `src/` holds; `None` for a program of its own.
fn module_path(file: &str) -> Option<Path> {
    let mut path: Path = file.strip_suffix(".rs")?.split('/').map(str::to_string).collect();
    if path[0] == "bin" {
        return None;
    }
    if matches!(&path[..], [root] if root == "lib" || root == "main") {
        return Some(Vec::new());
    }
    path.pop_if(|last| last == "mod");
    Some(path)
}

/// The modules of a crate, those inside a file too.
#[derive(Default)]
struct Modules {
    modules: BTreeMap<Path, Module>,
    imports: Vec<Import>,
}

#[derive(Default)]
struct Module {
    /// The module whose file it is in.
    file: Path,
    /// The names that `use` brings in, and what they stand for.
    names: BTreeMap<String, Path>,
}

struct Import {
    /// The module whose file it is in.
    from: Path,
    to: Path,
    place: Place,
}

impl Modules {
    fn parse(files: Vec<(Path, &SourceFile)>) -> Self {
        let mut modules = Self::default();
        for (path, _) in &files {
            modules.modules.entry(path.clone()).or_default().file = path.clone();
        }
        for (path, source) in files {
            // What does not parse does not compile either, and the compiler says more about it.
            let Ok(parsed) = syn::parse_file(&source.text) else { continue };
            let module = path.clone();
            let file = &source.path;
            Collector { modules: &mut modules, path: file, file: path, module }.visit_file(&parsed);
        }
        modules
    }

    /// The file that defines what a path names, through re-exports.
    fn resolve(&self, path: &[String], reexports: usize) -> Option<&Path> {
        let prefixes = (0..=path.len()).rev();
        let length = prefixes.into_iter().find(|&n| self.modules.contains_key(&path[..n]))?;
        let module = &self.modules[&path[..length]];
        let target = path.get(length).and_then(|name| module.names.get(name));
        match target {
            Some(target) if reexports < MAX_REEXPORTS => {
                let target = [target, &path[length + 1..]].concat();
                self.resolve(&target, reexports + 1)
            }
            _ => Some(&module.file),
        }
    }

    /// The imports between modules of one parent, for each parent.
    fn edges(&self) -> BTreeMap<Path, Edges> {
        let mut parents: BTreeMap<Path, Edges> = BTreeMap::new();
        for Import { from, to, place } in &self.imports {
            let Some(to) = self.resolve(to, 0) else { continue };
            let common = from.iter().zip(to).take_while(|(a, b)| a == b).count();
            // Otherwise one is above the other.
            if let (Some(a), Some(b)) = (from.get(common), to.get(common)) {
                let edges = parents.entry(from[..common].to_vec()).or_default();
                edges.entry((a.clone(), b.clone())).or_insert_with(|| place.clone());
            }
        }
        parents
    }
}

/// The edges from whose end a way leads back to their beginning.
fn in_cycles(edges: &Edges) -> Vec<Finding> {
    let mut findings = Vec::new();
    for ((from, to), place) in edges {
        if let Some(way) = shortest_way(edges, to, from) {
            findings.push(Finding {
                path: place.file.clone(),
                line: place.line,
                message: format!("import cycle: {from} → {}", way.join(" → ")),
            });
        }
    }
    findings
}

/// The modules on the way from one to another, both included.
fn shortest_way<'a>(edges: &'a Edges, from: &'a str, to: &str) -> Option<Vec<&'a str>> {
    let mut seen = BTreeSet::from([from]);
    let mut ways = vec![vec![from]];
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            let last = way[way.len() - 1];
            if last == to {
                return Some(way);
            }
            let next = edges.keys().filter(|(a, _)| a == last).map(|(_, b)| b.as_str());
            longer.extend(next.filter(|next| seen.insert(next)).map(|next| {
                let mut way = way.clone();
                way.push(next);
                way
            }));
        }
        ways = longer;
    }
    None
}

/// Collects modules, names and imports of one file.
struct Collector<'a> {
    modules: &'a mut Modules,
    path: &'a str,
    /// The module of the file.
    file: Path,
    /// The module of the current item, which may be inside the file.
    module: Path,
}

impl Collector<'_> {
    /// The path from the root of the crate; `None` for what is of another crate.
    fn absolute(&self, path: &[String]) -> Option<Path> {
        let (first, rest) = path.split_first()?;
        let mut base = match first.as_str() {
            "crate" => Vec::new(),
            "self" | "super" => self.module.clone(),
            child => {
                let child = [self.module.as_slice(), &[child.to_string()]].concat();
                return self
                    .modules
                    .modules
                    .contains_key(&child)
                    .then(|| [child, rest.to_vec()].concat());
            }
        };
        if first == "super" {
            base.pop();
        }
        let ups = rest.iter().take_while(|segment| *segment == "super").count();
        base.truncate(base.len().saturating_sub(ups));
        base.extend_from_slice(&rest[ups..]);
        Some(base)
    }

    fn import(&mut self, to: Path, line: usize) {
        let place = Place { file: self.path.to_string(), line };
        self.modules.imports.push(Import { from: self.file.clone(), to, place });
    }

    fn use_tree(&mut self, tree: &UseTree, prefix: &mut Path, line: usize) {
        let (leaf, name) = match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.use_tree(&path.tree, prefix, line);
                prefix.pop();
                return;
            }
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.use_tree(tree, prefix, line));
                return;
            }
            UseTree::Glob(_) => (None, None),
            UseTree::Name(leaf) if leaf.ident == "self" => (None, prefix.last().cloned()),
            UseTree::Name(leaf) => (Some(leaf.ident.to_string()), Some(leaf.ident.to_string())),
            UseTree::Rename(leaf) => (Some(leaf.ident.to_string()), Some(leaf.rename.to_string())),
        };
        let path: Path = prefix.iter().cloned().chain(leaf).collect();
        let Some(to) = self.absolute(&path) else { return };
        if let Some(name) = name {
            let module = self.modules.modules.entry(self.module.clone()).or_default();
            module.names.insert(name, to.clone());
        }
        self.import(to, line);
    }

    /// Paths from the root in the arguments of a macro.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (index, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Ident(ident) if ident == "crate" => {
                    // `$crate` of a macro's definition may be of any crate.
                    let is_macros = index > 0 && is_punct(&tokens[index - 1], '$');
                    let path: Path = path_after(&tokens[index + 1..]);
                    if !is_macros && !path.is_empty() {
                        self.import(path, ident.span().start().line);
                    }
                }
                _ => {}
            }
        }
    }
}

/// The segments of `::a::b` at the beginning of these tokens.
fn path_after(tokens: &[TokenTree]) -> Path {
    let segments = tokens.chunks_exact(3).map_while(|chunk| match chunk {
        [a, b, TokenTree::Ident(name)] if is_punct(a, ':') && is_punct(b, ':') => {
            Some(name.to_string())
        }
        _ => None,
    });
    segments.collect()
}

fn is_punct(token: &TokenTree, expected: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == expected)
}

impl<'ast> Visit<'ast> for Collector<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if attributes(item).iter().any(is_for_tests) {
            return;
        }
        match item {
            Item::Mod(module) if module.content.is_some() => {
                self.module.push(module.ident.to_string());
                let known = self.modules.modules.entry(self.module.clone()).or_default();
                known.file.clone_from(&self.file);
                visit::visit_item(self, item);
                self.module.pop();
            }
            Item::Use(item) => {
                let line = item.use_token.span.start().line;
                self.use_tree(&item.tree, &mut Vec::new(), line);
            }
            _ => visit::visit_item(self, item),
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter().map(|segment| segment.ident.to_string());
        let segments: Path = segments.collect();
        let is_local = matches!(segments[0].as_str(), "crate" | "self" | "super");
        if is_local
            && segments.len() > 1
            && let Some(to) = self.absolute(&segments)
        {
            self.import(to, path.segments[0].ident.span().start().line);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, node: &'ast syn::Macro) {
        self.tokens(node.tokens.clone());
        visit::visit_macro(self, node);
    }

    // `pub(in crate::a)` imports nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}
}

fn is_for_tests(attribute: &Attribute) -> bool {
    let is_test =
        |list: &syn::MetaList| matches!(list.tokens.to_string().as_str(), "test" | "doctest");
    attribute.path().is_ident("cfg") && attribute.meta.require_list().is_ok_and(is_test)
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The places and texts of what is found in a crate of these files.
    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let files = files.iter().map(|(path, text)| (format!("c/src/{path}"), *text));
        let mut files: Vec<(String, &str)> = files.collect();
        files.push(("c/Cargo.toml".to_string(), ""));
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (&**path, *text)).collect();
        let findings = cycles(&Repository::of(&files)).into_iter();
        findings.map(|f| format!("{}:{} {}", f.path, f.line, f.message)).collect()
    }

    #[test]
    fn one_direction_is_not_a_cycle() {
        let files = [
            ("lib.rs", "mod a; mod b; mod c; pub use a::A;"),
            ("a.rs", "use crate::b::B;\nuse crate::c;"),
            ("b.rs", "use crate::c::C;"),
            ("c.rs", "use std::fmt; use serde::de;"),
        ];
        assert_eq!(found(&files), Vec::<String>::new());
    }

    #[test]
    fn a_cycle_is_found_with_every_import_in_it() {
        let files = [
            ("lib.rs", "mod a; mod b; mod c; mod d;"),
            ("a.rs", "\nuse crate::{d, b::B};"),
            ("b.rs", "fn f() { crate::c::g() }"),
            ("c.rs", "use super::a::A;"),
            ("d.rs", ""),
        ];
        assert_eq!(
            found(&files),
            [
                "c/src/a.rs:2 import cycle: a → b → c → a",
                "c/src/b.rs:1 import cycle: b → c → a → b",
                "c/src/c.rs:1 import cycle: c → a → b → c",
            ]
        );
    }

    #[test]
    fn parent_and_child_may_import_each_other() {
        let files = [
            ("lib.rs", "mod a; use a::x::X;"),
            ("a.rs", "mod x; mod y; use x::X; use self::y::Y;"),
            ("a/x.rs", "use super::A; use crate::L; use super::y::Y;"),
            ("a/y.rs", "use super::super::L; use super::*;"),
        ];
        assert_eq!(found(&files), Vec::<String>::new());
    }

    #[test]
    fn directories_are_one_module_to_those_beside_them() {
        let files = [
            ("main.rs", "mod a; mod b;"),
            ("a/mod.rs", "mod x;"),
            ("a/x.rs", "use crate::b::B;"),
            ("b.rs", "mod y;"),
            ("b/y.rs", "use crate::a;"),
        ];
        assert_eq!(
            found(&files),
            ["c/src/a/x.rs:1 import cycle: a → b → a", "c/src/b/y.rs:1 import cycle: b → a → b"]
        );
    }

    #[test]
    fn a_reexport_stands_for_what_it_names() {
        let files = [
            ("lib.rs", "mod a; mod b; pub use a::A; pub mod facade { pub use crate::b::B as C; }"),
            ("a.rs", "use crate::facade::C;"),
            ("b.rs", "use crate::A;"),
        ];
        assert_eq!(
            found(&files),
            ["c/src/a.rs:1 import cycle: a → b → a", "c/src/b.rs:1 import cycle: b → a → b"]
        );
    }

    #[test]
    fn macros_are_looked_into_and_tests_and_visibilities_are_not() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "#[cfg(test)] mod tests { use crate::b::B; } pub(in crate::b) struct A;"),
            ("b.rs", "fn f() { println!(\"{}\", g(crate::a::A)) }"),
        ];
        assert_eq!(found(&files), Vec::<String>::new());
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B;"),
            ("b.rs", "fn f() {\nprintln!(\"{}\", g(crate::a::A)) }"),
        ];
        assert_eq!(
            found(&files),
            ["c/src/a.rs:1 import cycle: a → b → a", "c/src/b.rs:2 import cycle: b → a → b"]
        );
    }
}
