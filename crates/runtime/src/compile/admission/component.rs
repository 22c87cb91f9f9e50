//! Reads the component around the core modules: its parts, and the instances that it consists of.
//!
//! wasmtime expands nested components when it compiles. A component that instantiates another one twice,
//! which instantiates a third one twice, and so on, doubles with each level, of a few bytes each.

use wasmparser::{
    CanonicalFunction, ComponentAlias, ComponentDefinedType, ComponentExternalKind,
    ComponentInstance, ComponentOuterAliasKind, ComponentType, ComponentTypeDeclaration,
    ComponentTypeRef, CoreType, Encoding, Instance, InstanceTypeDeclaration, Payload,
};

use super::weights::{self as w, Cost};
use super::{Budget, Refusal};
use crate::limits::CompileLimits;

/// What one instance of a component consists of, with all that is nested in it.
#[derive(Clone, Copy)]
pub(super) struct Expansion {
    instances: u64,
    pub(super) adapters: Cost,
}

impl Expansion {
    const EMPTY: Self = Self { instances: 0, adapters: Cost::NONE };

    fn plus(self, other: Self) -> Self {
        Self {
            instances: self.instances.saturating_add(other.instances),
            adapters: self.adapters.plus(other.adapters),
        }
    }
}

/// The components that are being read: each is nested in the one before it.
pub(super) struct Components<'a> {
    limits: &'a CompileLimits,
    open: Vec<OpenComponent>,
    pub(super) root: Expansion,
    parts: u64,
    have_adapters: bool,
}

struct OpenComponent {
    is_core_module: bool,
    expansion: Expansion,
    /// The components that it can instantiate, by index.
    components: Vec<Expansion>,
}

impl<'a> Components<'a> {
    pub(super) fn new(limits: &'a CompileLimits) -> Self {
        Self { limits, open: Vec::new(), root: Expansion::EMPTY, parts: 0, have_adapters: false }
    }

    /// Returns whether one component may call another, through an adapter that is compiled for the two.
    pub(super) fn have_adapters(&self) -> bool {
        self.have_adapters
    }

    /// Adds an adapter to the component that is being read.
    pub(super) fn add_adapter(&mut self, cost: Cost) {
        if let Some(component) = self.open.last_mut() {
            component.expansion.adapters = component.expansion.adapters.plus(cost);
        }
    }

    pub(super) fn read(
        &mut self,
        payload: &Payload<'_>,
        budget: &mut Budget<'_>,
    ) -> Result<(), Refusal> {
        let parts = parts(payload)?;
        self.parts = self.parts.saturating_add(parts);
        let limit = self.limits.max_parts;
        if self.parts > limit.into() {
            return Err(Refusal::too_many(
                &"the component",
                "parts",
                self.parts,
                limit,
                "max_parts",
            ));
        }
        budget.charge(&"the component's own parts", w::COMPONENT_PART.times(parts))?;
        self.expand(payload)
    }

    /// Counts what a section instantiates and defines.
    fn expand(&mut self, payload: &Payload<'_>) -> Result<(), Refusal> {
        match payload {
            Payload::Version { encoding, .. } => self.open.push(OpenComponent {
                is_core_module: matches!(encoding, Encoding::Module),
                expansion: Expansion::EMPTY,
                components: Vec::new(),
            }),
            Payload::End(_) => self.close(),
            Payload::InstanceSection(section) => {
                let instances = section.count().into();
                self.instantiate(Expansion { instances, ..Expansion::EMPTY })?;
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section.clone() {
                    self.instantiate(Expansion { instances: 1, ..Expansion::EMPTY })?;
                    if let ComponentInstance::Instantiate { component_index, .. } = instance? {
                        self.instantiate(self.component(0, component_index)?)?;
                    }
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section.clone() {
                    self.alias(&alias?)?;
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section.clone() {
                    if matches!(import?.ty, ComponentTypeRef::Component(_)) {
                        return Err(uncountable());
                    }
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section.clone() {
                    let export = export?;
                    // An export gives the component another index.
                    if export.kind == ComponentExternalKind::Component {
                        let component = self.component(0, export.index)?;
                        self.define(component);
                    }
                }
            }
            Payload::ComponentCanonicalSection(section) if self.open.len() > 1 => {
                for function in section.clone() {
                    self.have_adapters |= matches!(function?, CanonicalFunction::Lift { .. });
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self) {
        let Some(component) = self.open.pop() else { return };
        if self.open.is_empty() {
            self.root = component.expansion;
        } else if !component.is_core_module {
            self.define(component.expansion);
        }
    }

    fn define(&mut self, component: Expansion) {
        if let Some(open) = self.open.last_mut() {
            open.components.push(component);
        }
    }

    fn alias(&mut self, alias: &ComponentAlias<'_>) -> Result<(), Refusal> {
        match *alias {
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
                let component = self.component(count, index)?;
                self.define(component);
                Ok(())
            }
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, .. } => {
                Err(uncountable())
            }
            _ => Ok(()),
        }
    }

    /// Returns the component with this index, of the component that is so many levels outside.
    fn component(&self, levels: u32, index: u32) -> Result<Expansion, Refusal> {
        let open = self.open.len().checked_sub(1 + levels as usize);
        let component = open.and_then(|open| self.open[open].components.get(index as usize));
        component.copied().ok_or_else(|| {
            Refusal::invalid(format!("it refers to component {index}, which does not exist"))
        })
    }

    fn instantiate(&mut self, expansion: Expansion) -> Result<(), Refusal> {
        let Some(open) = self.open.last_mut() else { return Ok(()) };
        open.expansion = open.expansion.plus(expansion);
        let (instances, limit) = (open.expansion.instances, self.limits.max_instances);
        if instances > limit.into() {
            let of = "the component with all that is nested in it";
            return Err(Refusal::too_many(&of, "instances", instances, limit, "max_instances"));
        }
        Ok(())
    }
}

/// A component that is passed as a value could be any.
fn uncountable() -> Refusal {
    Refusal::TooCostly(
        "it imports a component, or uses one that an instance exports, so its instances \
         cannot be counted; nest that component instead"
            .to_owned(),
    )
}

/// Returns how many parts a section of a component has: whatever validation looks up or compares.
fn parts(payload: &Payload<'_>) -> Result<u64, Refusal> {
    let mut parts = 0;
    match payload {
        Payload::ComponentTypeSection(types) => {
            for ty in types.clone() {
                parts += type_parts(&ty?);
            }
        }
        Payload::CoreTypeSection(types) => {
            for ty in types.clone() {
                parts += core_type_parts(&ty?);
            }
        }
        Payload::ComponentInstanceSection(instances) => {
            for instance in instances.clone() {
                parts += match instance? {
                    ComponentInstance::Instantiate { args, .. } => 1 + args.len() as u64,
                    ComponentInstance::FromExports(exports) => 1 + exports.len() as u64,
                };
            }
        }
        Payload::InstanceSection(instances) => {
            for instance in instances.clone() {
                parts += match instance? {
                    Instance::Instantiate { args, .. } => 1 + args.len() as u64,
                    Instance::FromExports(exports) => 1 + exports.len() as u64,
                };
            }
        }
        Payload::ComponentAliasSection(section) => parts = section.count().into(),
        Payload::ComponentCanonicalSection(section) => parts = section.count().into(),
        Payload::ComponentImportSection(section) => parts = section.count().into(),
        Payload::ComponentExportSection(section) => parts = section.count().into(),
        Payload::ComponentSection { .. } | Payload::ModuleSection { .. } => parts = 1,
        _ => {}
    }
    Ok(parts)
}

fn type_parts(ty: &ComponentType<'_>) -> u64 {
    use ComponentDefinedType::{Enum, Flags, Record, Tuple, Variant};

    1 + match ty {
        ComponentType::Defined(Record(fields)) => fields.len() as u64,
        ComponentType::Defined(Variant(cases)) => cases.len() as u64,
        ComponentType::Defined(Tuple(types)) => types.len() as u64,
        ComponentType::Defined(Flags(names) | Enum(names)) => names.len() as u64,
        ComponentType::Func(function) => function.params.len() as u64,
        ComponentType::Component(declarations) => {
            let parts = declarations.iter().map(|declaration| match declaration {
                ComponentTypeDeclaration::Type(ty) => type_parts(ty),
                ComponentTypeDeclaration::CoreType(ty) => core_type_parts(ty),
                _ => 1,
            });
            parts.sum()
        }
        ComponentType::Instance(declarations) => {
            let parts = declarations.iter().map(|declaration| match declaration {
                InstanceTypeDeclaration::Type(ty) => type_parts(ty),
                InstanceTypeDeclaration::CoreType(ty) => core_type_parts(ty),
                _ => 1,
            });
            parts.sum()
        }
        ComponentType::Defined(_) | ComponentType::Resource { .. } => 0,
    }
}

fn core_type_parts(ty: &CoreType<'_>) -> u64 {
    1 + match ty {
        CoreType::Rec(group) => group.types().len() as u64,
        CoreType::Module(declarations) => declarations.len() as u64,
    }
}
