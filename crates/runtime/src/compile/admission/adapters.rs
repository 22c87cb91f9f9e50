//! Estimates the adapters that wasmtime compiles for calls from one component to another.
//!
//! An adapter copies arguments and results from one memory to another: its size depends on the types of the
//! function. wasmtime splits an adapter into functions that copy [`PARTS_PER_FUNCTION`] parts at most, and
//! writes one more function for each type that is left.

use std::collections::HashMap;

use wasmparser::component_types::{
    ComponentDefinedType, ComponentDefinedTypeId, ComponentFuncTypeId, ComponentValType,
};
use wasmparser::types::TypesRef;
use wasmparser::{CanonicalFunction, Parser, Payload, Validator, WasmFeatures};

use super::component::Components;
use super::weights::{self as w, Cost};
use super::{Budget, Refusal};
use crate::limits::CompileLimits;

/// Parts of types that one function of an adapter copies.
const PARTS_PER_FUNCTION: u64 = 1_000;

/// Returns the cost of all adapters, as if there were one for each lowered function of each instance.
///
/// # Errors
///
/// When the component is not valid.
pub(super) fn cost(wasm: &[u8], limits: &CompileLimits) -> Result<Cost, Refusal> {
    let mut budget = Budget { limits, spent: Cost::NONE };
    let mut components = Components::new(limits);
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    let mut sizes = TypeSizes::default();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        components.read(&payload, &mut budget)?;
        validator.payload(&payload)?;
        let Payload::ComponentCanonicalSection(functions) = payload else { continue };
        let types = validator.types(0);
        let types = types.ok_or_else(|| Refusal::invalid("its types cannot be read".to_owned()))?;
        for function in functions {
            if let CanonicalFunction::Lower { func_index, .. } = function? {
                let ty = types.component_function_at(func_index);
                components.add_adapter(sizes.adapter(types, ty));
            }
        }
    }
    Ok(components.root.adapters)
}

/// The number of parts of each type that was met: those of its fields and cases, and of theirs.
#[derive(Default)]
struct TypeSizes(HashMap<ComponentDefinedTypeId, u64>);

impl TypeSizes {
    fn adapter(&mut self, types: TypesRef<'_>, function: ComponentFuncTypeId) -> Cost {
        let function = &types[function];
        let values = function.params.iter().map(|(_, ty)| ty).chain(&function.result);
        let parts = self.sum(types, values);
        let more_functions = if parts > PARTS_PER_FUNCTION { self.0.len() as u64 } else { 0 };
        let copied = parts.min(PARTS_PER_FUNCTION).saturating_mul(1 + more_functions);
        w::ADAPTER.times(1 + more_functions).plus(w::ADAPTED_PART.times(copied))
    }

    fn sum<'t>(
        &mut self,
        types: TypesRef<'_>,
        all: impl IntoIterator<Item = &'t ComponentValType>,
    ) -> u64 {
        all.into_iter().fold(0, |sum: u64, ty| sum.saturating_add(self.size(types, ty)))
    }

    fn size(&mut self, types: TypesRef<'_>, ty: &ComponentValType) -> u64 {
        let ComponentValType::Type(id) = *ty else { return 1 };
        if let Some(&size) = self.0.get(&id) {
            return size;
        }
        let parts = match &types[id] {
            ComponentDefinedType::Record(record) => self.sum(types, record.fields.values()),
            ComponentDefinedType::Variant(variant) => {
                let payloads = variant.cases.values().filter_map(|case| case.ty.as_ref());
                self.sum(types, payloads).saturating_add(variant.cases.len() as u64)
            }
            ComponentDefinedType::Tuple(tuple) => self.sum(types, &tuple.types),
            ComponentDefinedType::Flags(names) | ComponentDefinedType::Enum(names) => {
                names.len() as u64
            }
            ComponentDefinedType::List { element, .. } => self.size(types, element),
            ComponentDefinedType::Map { key, value, .. } => self.sum(types, [key, value]),
            ComponentDefinedType::FixedLengthList { element, length, .. } => {
                self.size(types, element).saturating_mul((*length).into())
            }
            ComponentDefinedType::Option { ty, .. } => self.size(types, ty),
            ComponentDefinedType::Result { ok, err, .. } => self.sum(types, ok.iter().chain(err)),
            ComponentDefinedType::Primitive(_)
            | ComponentDefinedType::Own(_)
            | ComponentDefinedType::Borrow(_)
            | ComponentDefinedType::Future { .. }
            | ComponentDefinedType::Stream { .. } => 0,
        };
        let size = parts.saturating_add(1);
        self.0.insert(id, size);
        size
    }
}
