//! From one file to the code that QuickJS runs, with the positions of the author's.

use std::path::Path;

use oxc_allocator::Allocator;
use oxc_codegen::{Codegen, CodegenOptions};
use oxc_parser::Parser;
use oxc_semantic::SemanticBuilder;
use oxc_transformer::{TransformOptions, Transformer};

use crate::modules::source_type;
use crate::report::{Report, Reports};

/// The code of a file.
pub(crate) struct Emitted {
    pub(crate) code: String,
    /// Line and column of the code, line and column of the file, each as four bytes, little-endian.
    pub(crate) positions: Vec<u8>,
}

/// Removes the types. The file has no errors of syntax.
pub(crate) fn emit(file: usize, path: &str, source: &str) -> Result<Emitted, Reports> {
    let allocator = Allocator::default();
    let mut program = Parser::new(&allocator, source, source_type(path)).parse().program;
    let semantic =
        SemanticBuilder::new().with_excess_capacity(2.0).with_enum_eval(true).build(&program);
    let scoping = semantic.semantic.into_scoping();
    let transformed = Transformer::new(&allocator, Path::new(path), &TransformOptions::default())
        .build_with_scoping(scoping, &mut program);
    let errors = transformed.diagnostics.into_vec();
    if !errors.is_empty() {
        return Err(errors.into_iter().map(|error| Report::new(file, error)).collect());
    }
    let options = CodegenOptions {
        source_map_path: Some(Path::new(path).to_path_buf()),
        ..Default::default()
    };
    let generated = Codegen::new().with_options(options).build(&program);
    let tokens = generated.map.iter().flat_map(|map| map.get_tokens());
    let positions = tokens.flat_map(|token| {
        [token.get_dst_line(), token.get_dst_col(), token.get_src_line(), token.get_src_col()]
    });
    let positions = positions.flat_map(u32::to_le_bytes).collect();
    Ok(Emitted { code: generated.code, positions })
}
