//! Shortens the function names in `name` sections, which would be a fifth of a small plugin.
//!
//! Backtraces need the names of the module and of its functions; those stay. Rust's names are demangled,
//! without hashes and generic arguments: `<Vec<u8> as Extend<&u8>>::extend` becomes
//! `<Vec as Extend>::extend`. A component's names of its parts appear in no backtrace and are removed.
//! All other sections are copied unchanged.

use anyhow::{Context, Result, ensure};
use rustc_demangle::try_demangle;
use wasm_encoder::{NameMap, NameSection, RawSection, Section};
use wasmparser::{BinaryReader, CustomSectionReader, Name, NameSectionReader, Parser};

/// Length of the magic number and the version.
const HEADER_LEN: usize = 8;

/// Greatest depth of nested components whose names are shortened. Linkers create one level.
const MAX_DEPTH: usize = 8;

/// Section ids of the core and component specifications.
const CUSTOM: u8 = 0;
const NESTED_MODULE: u8 = 1;
const NESTED_COMPONENT: u8 = 4;

/// Shortens the function names in a module, or in all modules of a component.
///
/// Copies an invalid `name` section unchanged, since hosts ignore it.
///
/// # Errors
///
/// Fails if the bytes are not a sequence of sections.
pub(crate) fn shorten_names(wasm: &[u8]) -> Result<Vec<u8>> {
    rewrite(wasm, MAX_DEPTH).context("invalid WebAssembly")
}

fn rewrite(wasm: &[u8], depth: usize) -> Result<Vec<u8>> {
    ensure!(wasm.len() >= HEADER_LEN, "it ends within its header");
    let (header, sections) = wasm.split_at(HEADER_LEN);
    let is_component = Parser::is_component(wasm);
    let mut output = header.to_vec();
    let mut reader = BinaryReader::new(sections, HEADER_LEN);
    while !reader.eof() {
        let id = reader.read_u8()?;
        let length = reader.read_var_u32()?;
        let data = reader.read_bytes(length as usize)?;
        match id {
            NESTED_MODULE | NESTED_COMPONENT if is_component && depth > 0 => {
                RawSection { id, data: &rewrite(data, depth - 1)? }.append_to(&mut output);
            }
            CUSTOM if is_component && custom_section(data, "component-name").is_some() => {}
            CUSTOM if !is_component && let Some(names) = short_name_section(data) => {
                names.append_to(&mut output);
            }
            _ => RawSection { id, data }.append_to(&mut output),
        }
    }
    Ok(output)
}

/// Returns the replacement of a custom section, if it is a valid `name` section.
fn short_name_section(data: &[u8]) -> Option<NameSection> {
    custom_section(data, "name").and_then(|names| shorten_section(names).ok())
}

/// Returns the content of a custom section, if it has the given name.
fn custom_section<'a>(data: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let section = CustomSectionReader::new(BinaryReader::new(data, 0)).ok()?;
    (section.name() == name).then(|| section.data())
}

/// Keeps the names that backtraces show, and shortens them.
fn shorten_section(data: &[u8]) -> Result<NameSection> {
    let mut names = NameSection::new();
    for name in NameSectionReader::new(BinaryReader::new(data, 0)) {
        match name? {
            Name::Module { name, .. } => names.module(name),
            Name::Function(functions) => {
                let mut short = NameMap::new();
                for function in functions {
                    let function = function?;
                    short.append(function.index, &short_name(function.name));
                }
                names.functions(&short);
            }
            _ => {}
        }
    }
    Ok(names)
}

/// Demangles and shortens a function's name. Returns other names than Rust's unchanged.
fn short_name(name: &str) -> String {
    let Ok(demangled) = try_demangle(name) else { return name.to_string() };
    let demangled = format!("{demangled:#}");
    let short = without_generics(&demangled).unwrap_or(demangled);
    // Back-references can expand a mangled name exponentially.
    if short.len() < name.len() { short } else { name.to_string() }
}

/// Removes generic arguments: text in angle brackets directly after a name or `::`. Keeps
/// `<T as Trait>` and `<impl Trait for T>`. Returns `None` if the brackets are unbalanced.
fn without_generics(name: &str) -> Option<String> {
    let mut kept = String::with_capacity(name.len());
    // Whether the content of each open bracket is skipped.
    let mut open: Vec<bool> = Vec::new();
    let mut last = ' ';
    for (index, character) in name.char_indices() {
        let skipping = open.last().is_some_and(|skipped| *skipped);
        match character {
            '<' => {
                let after_name = last.is_alphanumeric() || matches!(last, '_' | ':' | '}');
                let generic = after_name && !name[index..].starts_with("<impl ");
                if generic && !skipping && kept.ends_with("::") {
                    kept.truncate(kept.len() - 2);
                }
                if !generic && !skipping {
                    kept.push(character);
                }
                open.push(generic || skipping);
            }
            // Skips the arrow of `fn() -> T`.
            '>' if last != '-' => {
                if !open.pop()? {
                    kept.push(character);
                }
            }
            _ if skipping => {}
            _ => kept.push(character),
        }
        last = character;
    }
    open.is_empty().then_some(kept)
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{Component, CustomSection, IndirectNameMap, Module, ModuleSection};
    use wasmparser::Payload;

    use super::*;

    const MANGLED: &str = "_RNvNtCs1_5guest4math3add";

    fn map(names: &[&str]) -> NameMap {
        let mut map = NameMap::new();
        for (index, name) in (0..).zip(names) {
            map.append(index, name);
        }
        map
    }

    fn names(functions: &[&str]) -> NameSection {
        let mut names = NameSection::new();
        names.module("guest.wasm");
        names.functions(&map(functions));
        names
    }

    /// Returns the function names of each `name` section, in all modules.
    fn functions(wasm: &[u8]) -> Vec<Vec<String>> {
        let sections =
            Parser::new(0).parse_all(wasm).filter_map(|payload| match payload.unwrap() {
                Payload::CustomSection(section) if section.name() == "name" => Some(section.data()),
                _ => None,
            });
        let of = |data| {
            let names = NameSectionReader::new(BinaryReader::new(data, 0)).map(Result::unwrap);
            let functions = names.filter_map(|name| match name {
                Name::Function(functions) => Some(functions),
                _ => None,
            });
            functions.flatten().map(|naming| naming.unwrap().name.to_string()).collect()
        };
        sections.map(of).collect()
    }

    #[test]
    fn names_are_demangled_without_generic_arguments() {
        let cases = [
            ("_RNvNtCs1_5guest4math3add", "guest::math::add"),
            ("_RINvNtC4core3ptr13drop_in_placeSejE", "core::ptr::drop_in_place"),
            ("_RNvXC5guestINtB2_3BoxjENtB2_4Drop4drop", "<guest::Box as guest::Drop>::drop"),
            ("_ZN5guest4math3add17h0123456789abcdefE", "guest::math::add"),
            (
                "_ZN4core3ptr31drop_in_place$LT$alloc..Vec$GT$17h0123456789abcdefE",
                "core::ptr::drop_in_place",
            ),
            ("dlmalloc", "dlmalloc"),
            ("a name with <brackets> of its own", "a name with <brackets> of its own"),
            ("", ""),
            ("_R", "_R"),
        ];
        for (name, expected) in cases {
            assert_eq!(short_name(name), expected, "{name}");
        }
    }

    #[test]
    fn brackets_other_than_generic_arguments_stay() {
        let cases = [
            ("f::<a::B<C>, D>::g", "f::g"),
            ("<a::Vec<B<C>> as d::E<F>>::g::<H>", "<a::Vec as d::E>::g"),
            ("<a::B<fn(C) -> D> as e::F>::g", "<a::B as e::F>::g"),
            ("<&mut fn(C<D>) -> E as e::F>::g", "<&mut fn(C) -> E as e::F>::g"),
            ("<<a::B<C> as d::E>::F as g::H>::i", "<<a::B as d::E>::F as g::H>::i"),
            ("a::<impl b::C for d::E<F>>::g", "a::<impl b::C for d::E>::g"),
            ("a::b::{closure#0}::<C>", "a::b::{closure#0}"),
        ];
        for (name, expected) in cases {
            assert_eq!(without_generics(name).as_deref(), Some(expected), "{name}");
        }
        for unbalanced in ["a<b", "a>b", "<a as b", "a<<b>"] {
            assert_eq!(without_generics(unbalanced), None);
        }
    }

    #[test]
    fn a_name_that_expands_stays_mangled() {
        // Nested tuples: each is twice as long as the one before.
        let name = "_RNvYTTmmETB3_B3_ETB7_B7_ETBf_Bf_ETBn_Bn_ETBv_Bv_ETBD_BD_EEC1a1b";
        assert!(try_demangle(name).unwrap().to_string().len() > 4 * name.len());
        assert_eq!(short_name(name), name);
    }

    #[test]
    fn only_names_that_backtraces_show_stay() {
        let mut section = names(&[MANGLED, "malloc"]);
        let mut locals = IndirectNameMap::new();
        locals.append(0, &map(&["local"]));
        section.locals(&locals);
        section.globals(&map(&["__stack_pointer"]));
        let mut module = Module::new();
        module.section(&section);
        let short = shorten_names(&module.finish()).unwrap();

        let mut expected = Module::new();
        expected.section(&names(&["guest::math::add", "malloc"]));
        assert_eq!(short, expected.finish());
        assert_eq!(shorten_names(&short).unwrap(), short, "idempotent");
    }

    #[test]
    fn only_the_modules_of_a_component_change() {
        let mut module = Module::new();
        let other = CustomSection { name: "other".into(), data: (&[1, 2, 3]).into() };
        module.section(&names(&[MANGLED])).section(&other).section(&names(&["b", MANGLED]));
        let mut inner = Component::new();
        inner.section(&ModuleSection(&module));
        let mut outer = Component::new();
        outer.section(&ModuleSection(&module));
        outer.section(&wasm_encoder::NestedComponentSection(&inner));
        outer.section(&other);

        let short = shorten_names(&outer.finish()).unwrap();
        let expected = [vec!["guest::math::add"], vec!["b", "guest::math::add"]];
        assert_eq!(functions(&short), [&expected[..], &expected[..]].concat());
        let others = short.windows(8).filter(|bytes| bytes == b"other\x01\x02\x03").count();
        assert_eq!(others, 3);
    }

    #[test]
    fn components_below_the_depth_limit_stay() {
        let nested = |inner: &[u8]| {
            let mut outer = Component::new();
            outer.section(&RawSection { id: NESTED_COMPONENT, data: inner });
            outer.finish()
        };
        let deep = (0..2000).fold(Component::new().finish(), |inner, _| nested(&inner));
        assert_eq!(shorten_names(&deep).unwrap(), deep);
    }

    #[test]
    fn names_of_component_parts_are_removed() {
        let mut component = Component::new();
        let names = CustomSection { name: "component-name".into(), data: (&[0xff]).into() };
        component.section(&names);
        assert_eq!(shorten_names(&component.finish()).unwrap(), Component::new().finish());
    }

    #[test]
    fn an_invalid_name_section_stays() {
        let mut good = Vec::new();
        wasm_encoder::Encode::encode(&names(&[MANGLED]), &mut good);
        // Skips the section's length and name.
        let good = &good[6..];
        let mut not_utf8 = good.to_vec();
        *not_utf8.last_mut().unwrap() = 0xff;
        let cases: [&[u8]; 5] = [
            &good[..good.len() - 1],
            &good[..3],
            &not_utf8,
            &[1, 0xff],
            &[1, 5, 0xff, 0xff, 0xff, 0xff, 0xf],
        ];
        for data in cases {
            let mut module = Module::new();
            module.section(&CustomSection { name: "name".into(), data: data.into() });
            let module = module.finish();
            assert_eq!(shorten_names(&module).unwrap(), module, "{data:02x?}");
        }
    }

    #[test]
    fn a_module_without_function_names_stays() {
        let empty = Module::new().finish();
        assert_eq!(shorten_names(&empty).unwrap(), empty);
        let mut module = Module::new();
        module.section(&NameSection::new());
        let module = module.finish();
        assert_eq!(shorten_names(&module).unwrap(), module);
    }

    #[test]
    fn truncated_sections_are_an_error() {
        let mut module = Module::new();
        module.section(&names(&[MANGLED]));
        let module = module.finish();
        let mut component = Component::new();
        component.section(&RawSection { id: NESTED_MODULE, data: b"\0asm" });
        for damaged in
            [&module[..module.len() - 1], &module[..9], &module[..4], b"", &component.finish()]
        {
            let error = shorten_names(damaged).unwrap_err();
            assert_eq!(error.to_string(), "invalid WebAssembly");
        }
    }
}
