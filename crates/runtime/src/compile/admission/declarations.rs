//! What the functions of a core module refer to.

use wasmparser::{AbstractHeapType, CompositeInnerType, HeapType, SubType, ValType};

#[derive(Default)]
pub(super) struct Declarations {
    pub(super) types: Vec<SubType>,
    /// The types of all functions by index, imported functions first.
    pub(super) functions: Vec<u32>,
    /// The types of all tags by index.
    pub(super) tags: Vec<u32>,
    /// Whether a reference in the module may be garbage-collected.
    pub(super) has_references: bool,
}

impl Declarations {
    pub(super) fn add_type(&mut self, ty: SubType) {
        self.has_references |= has_references(&ty);
        self.types.push(ty);
    }
}

/// Whether values of this type may be garbage-collected.
pub(super) fn is_collected(ty: ValType) -> bool {
    let ValType::Ref(ty) = ty else { return false };
    !matches!(
        ty.heap_type(),
        HeapType::Abstract { ty: AbstractHeapType::Func | AbstractHeapType::NoFunc, .. }
    )
}

fn has_references(ty: &SubType) -> bool {
    match &ty.composite_type.inner {
        CompositeInnerType::Func(ty) => {
            ty.params().iter().chain(ty.results()).any(|ty| is_collected(*ty))
        }
        _ => true,
    }
}
