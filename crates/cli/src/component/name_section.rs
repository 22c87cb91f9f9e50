//! The names of functions in a plugin, which make its backtraces readable: as short as they can be
//! read. A fifth of a small plugin would be names otherwise.
//!
//! Of each `name` section, the module's and the functions' names stay. Those of Rust's functions are
//! demangled, without hashes and without generic arguments: `<Vec<u8> as Extend<&u8>>::extend` becomes
//! `<Vec as Extend>::extend`. What a component calls its parts is in no backtrace, and goes. Everything
//! else stays byte for byte.

use anyhow::{Context, Result, ensure};
use rustc_demangle::try_demangle;
use wasm_encoder::{NameMap, NameSection, RawSection, Section};
use wasmparser::{BinaryReader, CustomSectionReader, Name, NameSectionReader, Parser};

/// The magic number and the version.
const HEADER: usize = 8;

/// Levels of components in components that are looked into. Linkers make one.
const MAX_DEPTH: usize = 8;

/// Sections that matter here, by the ids that the specifications of modules and components give them.
const CUSTOM: u8 = 0;
const NESTED_MODULE: u8 = 1;
const NESTED_COMPONENT: u8 = 4;

/// Shortens the names of functions in a module, or in all modules of a component.
///
/// A `name` section that cannot be read stays as it is: no host minds it.
///
/// # Errors
///
/// When it is no sequence of sections.
pub(crate) fn shortened(wasm: &[u8]) -> Result<Vec<u8>> {
    rewritten(wasm, MAX_DEPTH).context("the WebAssembly is damaged")
}

fn rewritten(wasm: &[u8], levels: usize) -> Result<Vec<u8>> {
    ensure!(wasm.len() >= HEADER, "it ends in its header");
    let (header, sections) = wasm.split_at(HEADER);
    let in_component = Parser::is_component(wasm);
    let mut output = header.to_vec();
    let mut reader = BinaryReader::new(sections, HEADER);
    while !reader.eof() {
        let id = reader.read_u8()?;
        let length = reader.read_var_u32()?;
        let data = reader.read_bytes(length as usize)?;
        match id {
            NESTED_MODULE | NESTED_COMPONENT if in_component && levels > 0 => {
                RawSection { id, data: &rewritten(data, levels - 1)? }.append_to(&mut output);
            }
            CUSTOM if in_component && custom(data, "component-name").is_some() => {}
            CUSTOM if !in_component && let Some(names) = short_names(data) => {
                names.append_to(&mut output);
            }
            _ => RawSection { id, data }.append_to(&mut output),
        }
    }
    Ok(output)
}

/// What to write in place of a custom section, if it has names.
fn short_names(data: &[u8]) -> Option<NameSection> {
    custom(data, "name").and_then(|names| read(names).ok())
}

/// What is in a custom section, if it has that name.
fn custom<'a>(data: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let section = CustomSectionReader::new(BinaryReader::new(data, 0)).ok()?;
    (section.name() == name).then(|| section.data())
}

/// The names that backtraces show, shortened.
fn read(data: &[u8]) -> Result<NameSection> {
    let mut names = NameSection::new();
    for name in NameSectionReader::new(BinaryReader::new(data, 0)) {
        match name? {
            Name::Module { name, .. } => names.module(name),
            Name::Function(functions) => {
                let mut short = NameMap::new();
                for function in functions {
                    let function = function?;
                    short.append(function.index, &readable(function.name));
                }
                names.functions(&short);
            }
            _ => {}
        }
    }
    Ok(names)
}

/// A function's name as a reader wants it. What is no name of Rust's stays as it is.
fn readable(name: &str) -> String {
    let Ok(demangled) = try_demangle(name) else { return name.to_string() };
    let demangled = format!("{demangled:#}");
    let readable = without_generics(&demangled).unwrap_or(demangled);
    // A few bytes of a name may stand for very many.
    if readable.len() < name.len() { readable } else { name.to_string() }
}

/// Leaves out generic arguments: what is in angle brackets right behind a name or `::`. Those of
/// `<T as Trait>` and `<impl Trait for T>` have another place, or another meaning.
fn without_generics(name: &str) -> Option<String> {
    let mut kept = String::with_capacity(name.len());
    // For each bracket that is open, whether its content is left out.
    let mut open: Vec<bool> = Vec::new();
    let mut last = ' ';
    for (index, character) in name.char_indices() {
        let left_out = open.last().is_some_and(|left_out| *left_out);
        match character {
            '<' => {
                let behind_name = last.is_alphanumeric() || matches!(last, '_' | ':' | '}');
                let generic = behind_name && !name[index..].starts_with("<impl ");
                if generic && !left_out && kept.ends_with("::") {
                    kept.truncate(kept.len() - 2);
                }
                if !generic && !left_out {
                    kept.push(character);
                }
                open.push(generic || left_out);
            }
            // But not the arrow of `fn() -> T`.
            '>' if last != '-' => {
                if !open.pop()? {
                    kept.push(character);
                }
            }
            _ if left_out => {}
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

    /// The names of each section that has any, in all modules.
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
    fn names_are_demangled_and_rid_of_generic_arguments() {
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
            assert_eq!(readable(name), expected, "{name}");
        }
    }

    #[test]
    fn generic_arguments_are_told_from_other_brackets() {
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
    fn a_name_that_unfolds_to_very_many_bytes_stays_as_it_is() {
        // Tuples, each of twice the one before.
        let name = "_RNvYTTmmETB3_B3_ETB7_B7_ETBf_Bf_ETBn_Bn_ETBv_Bv_ETBD_BD_EEC1a1b";
        assert!(try_demangle(name).unwrap().to_string().len() > 4 * name.len());
        assert_eq!(readable(name), name);
    }

    #[test]
    fn only_what_backtraces_show_stays() {
        let mut section = names(&[MANGLED, "malloc"]);
        let mut locals = IndirectNameMap::new();
        locals.append(0, &map(&["local"]));
        section.locals(&locals);
        section.globals(&map(&["__stack_pointer"]));
        let mut module = Module::new();
        module.section(&section);
        let short = shortened(&module.finish()).unwrap();

        let mut expected = Module::new();
        expected.section(&names(&["guest::math::add", "malloc"]));
        assert_eq!(short, expected.finish());
        assert_eq!(shortened(&short).unwrap(), short, "once is enough");
    }

    #[test]
    fn every_module_of_a_component_is_rewritten_and_nothing_else() {
        let mut module = Module::new();
        let other = CustomSection { name: "other".into(), data: (&[1, 2, 3]).into() };
        module.section(&names(&[MANGLED])).section(&other).section(&names(&["b", MANGLED]));
        let mut inner = Component::new();
        inner.section(&ModuleSection(&module));
        let mut outer = Component::new();
        outer.section(&ModuleSection(&module));
        outer.section(&wasm_encoder::NestedComponentSection(&inner));
        outer.section(&other);

        let short = shortened(&outer.finish()).unwrap();
        let expected = [vec!["guest::math::add"], vec!["b", "guest::math::add"]];
        assert_eq!(functions(&short), [&expected[..], &expected[..]].concat());
        let others = short.windows(8).filter(|bytes| bytes == b"other\x01\x02\x03").count();
        assert_eq!(others, 3);
    }

    #[test]
    fn what_is_nested_very_deeply_stays() {
        let nested = |inner: &[u8]| {
            let mut outer = Component::new();
            outer.section(&RawSection { id: NESTED_COMPONENT, data: inner });
            outer.finish()
        };
        let deep = (0..2000).fold(Component::new().finish(), |inner, _| nested(&inner));
        assert_eq!(shortened(&deep).unwrap(), deep);
    }

    #[test]
    fn a_component_needs_no_names_for_its_parts() {
        let mut component = Component::new();
        let names = CustomSection { name: "component-name".into(), data: (&[0xff]).into() };
        component.section(&names);
        assert_eq!(shortened(&component.finish()).unwrap(), Component::new().finish());
    }

    #[test]
    fn a_name_section_that_cannot_be_read_stays() {
        let mut good = Vec::new();
        wasm_encoder::Encode::encode(&names(&[MANGLED]), &mut good);
        // Without the section's own length and name.
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
            assert_eq!(shortened(&module).unwrap(), module, "{data:02x?}");
        }
    }

    #[test]
    fn a_module_without_names_or_with_none_of_functions_stays() {
        let empty = Module::new().finish();
        assert_eq!(shortened(&empty).unwrap(), empty);
        let mut module = Module::new();
        module.section(&NameSection::new());
        let module = module.finish();
        assert_eq!(shortened(&module).unwrap(), module);
    }

    #[test]
    fn what_is_no_sequence_of_sections_is_an_error() {
        let mut module = Module::new();
        module.section(&names(&[MANGLED]));
        let module = module.finish();
        let mut component = Component::new();
        component.section(&RawSection { id: NESTED_MODULE, data: b"\0asm" });
        for damaged in
            [&module[..module.len() - 1], &module[..9], &module[..4], b"", &component.finish()]
        {
            let error = shortened(damaged).unwrap_err();
            assert_eq!(error.to_string(), "the WebAssembly is damaged");
        }
    }
}
