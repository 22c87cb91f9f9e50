//! Reads the core modules of a component, and charges what compiling them costs.

use std::fmt;

use wasmparser::{
    CompositeInnerType, ConstExpr, Data, DataKind, Element, ElementItems, ElementKind,
    FunctionBody, Operator, Payload, SubType, TableInit, TypeRef, ValType,
};

use super::declarations::{Declarations, is_collected};
use super::function::FunctionShape;
use super::weights::{self as w, Cost};
use super::{Budget, Refusal};
use crate::limits::COMPILE_MEMORY_PER_THREAD_BYTES;

/// A core module, as far as it was read.
#[derive(Default)]
pub(super) struct CoreModule {
    /// Modules are numbered in the order in which they are in the component.
    number: u32,
    declarations: Declarations,
    imported_functions: usize,
    bodies: usize,
    imported_memories: usize,
    /// The static data of all memories by index.
    memories: Vec<Extent>,
    active_segments: u64,
    has_dynamic_data: bool,
}

/// The addresses of a memory between which its data is.
#[derive(Clone, Copy)]
struct Extent {
    begin: u64,
    end: u64,
    data_bytes: u64,
}

impl Extent {
    const EMPTY: Self = Self { begin: u64::MAX, end: 0, data_bytes: 0 };

    fn add(&mut self, offset: u64, bytes: u64) {
        self.begin = self.begin.min(offset);
        self.end = self.end.max(offset.saturating_add(bytes));
        self.data_bytes += bytes;
    }

    /// Returns the size of the memory's image in bytes; `None` if most of it would be empty, so that wasmtime
    /// makes none.
    fn image(self) -> Option<u64> {
        let size = self.end.saturating_sub(self.begin);
        (size <= w::SPARSE_IMAGE_BYTES || size <= self.data_bytes.saturating_mul(2)).then_some(size)
    }
}

impl CoreModule {
    pub(super) fn new(number: u32) -> Self {
        Self { number, ..Self::default() }
    }

    pub(super) fn read(
        &mut self,
        payload: Payload<'_>,
        budget: &mut Budget<'_>,
    ) -> Result<(), Refusal> {
        match payload {
            Payload::TypeSection(groups) => {
                for group in groups {
                    for ty in group?.into_types() {
                        budget.charge(&self.part("the types"), type_cost(&ty))?;
                        self.declarations.add_type(ty);
                    }
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    self.import(import?.ty);
                    budget.charge(&self.part("the imports"), w::DECLARATION)?;
                }
            }
            Payload::FunctionSection(functions) => {
                self.declarations
                    .functions
                    .extend(functions.into_iter().collect::<Result<Vec<_>, _>>()?);
            }
            Payload::TagSection(tags) => {
                for tag in tags {
                    self.declarations.tags.push(tag?.func_type_idx);
                    budget.charge(&self.part("the tags"), w::DECLARATION)?;
                }
            }
            Payload::TableSection(tables) => {
                for table in tables {
                    let table = table?;
                    self.declarations.has_references |=
                        is_collected(ValType::Ref(table.ty.element_type));
                    let dynamic = matches!(table.init, TableInit::Expr(_));
                    let cost = if dynamic { w::INITIALIZER } else { w::DECLARATION };
                    budget.charge(&self.part("the tables"), cost)?;
                }
            }
            Payload::MemorySection(memories) => {
                let defined = memories.count() as usize;
                budget.charge(&self.part("the memories"), w::DECLARATION.times(defined as u64))?;
                self.memories = vec![Extent::EMPTY; self.imported_memories + defined];
            }
            Payload::GlobalSection(globals) => {
                for global in globals {
                    let global = global?;
                    self.declarations.has_references |= is_collected(global.ty.content_type);
                    let cost = match operators(&global.init_expr)? {
                        0..=1 => w::DECLARATION,
                        operators => w::INITIALIZER.times(operators),
                    };
                    budget.charge(&self.part("the globals"), cost)?;
                }
            }
            Payload::ExportSection(exports) => {
                let cost = w::DECLARATION.times(exports.count().into());
                budget.charge(&self.part("the exports"), cost)?;
            }
            Payload::ElementSection(segments) => {
                for segment in segments {
                    let cost = element_cost(segment?)?;
                    budget.charge(&self.part("the element segments"), cost)?;
                }
            }
            Payload::DataSection(segments) => {
                for segment in segments {
                    let cost = self.data_cost(&segment?)?;
                    budget.charge(&self.part("the data segments"), cost)?;
                }
                budget.charge(&self.part("the data segments"), self.image_cost())?;
            }
            Payload::CodeSectionStart { .. } => budget.charge(&self.part("the code"), w::MODULE)?,
            Payload::CodeSectionEntry(body) => self.read_function(&body, budget)?,
            Payload::CustomSection(section) => {
                let cost = w::CUSTOM_BYTE.times(section.data().len() as u64);
                budget.charge(&self.part("the custom sections"), cost)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn part(&self, part: &'static str) -> impl fmt::Display + use<> {
        let number = self.number;
        fmt::from_fn(move |f| write!(f, "{part} of core module {number}"))
    }

    fn import(&mut self, ty: TypeRef) {
        match ty {
            TypeRef::Func(ty) | TypeRef::FuncExact(ty) => {
                self.declarations.functions.push(ty);
                self.imported_functions += 1;
            }
            TypeRef::Tag(tag) => self.declarations.tags.push(tag.func_type_idx),
            TypeRef::Memory(_) => {
                self.imported_memories += 1;
                self.memories.push(Extent::EMPTY);
            }
            TypeRef::Table(table) => {
                self.declarations.has_references |= is_collected(ValType::Ref(table.element_type));
            }
            TypeRef::Global(global) => {
                self.declarations.has_references |= is_collected(global.content_type)
            }
        }
    }

    fn read_function(
        &mut self,
        body: &FunctionBody<'_>,
        budget: &mut Budget<'_>,
    ) -> Result<(), Refusal> {
        let (number, index) = (self.number, self.imported_functions + self.bodies);
        self.bodies += 1;
        let at = fmt::from_fn(move |f| write!(f, "function {index} of core module {number}"));
        let ty = self.declarations.functions.get(index).copied();
        let ty = ty.ok_or_else(|| Refusal::invalid(format!("{at} has no type")))?;
        let shape = FunctionShape::read(&self.declarations, ty, body, budget.limits, &at)?;
        let Cost { time, memory } = shape.cost();
        let memory = memory.saturating_sub(COMPILE_MEMORY_PER_THREAD_BYTES);
        budget.charge(&at, Cost { time, memory }.plus(shape.code()))
    }

    fn data_cost(&mut self, segment: &Data<'_>) -> Result<Cost, Refusal> {
        let bytes = segment.data.len() as u64;
        let cost = w::DECLARATION.plus(w::DATA_BYTE.times(bytes));
        let DataKind::Active { memory_index, offset_expr } = &segment.kind else { return Ok(cost) };
        let memory_index = *memory_index as usize;
        self.active_segments += 1;
        self.has_dynamic_data |= memory_index < self.imported_memories;
        let Some(offset) = constant(offset_expr)? else {
            self.has_dynamic_data = true;
            return Ok(cost.plus(w::INITIALIZER.times(operators(offset_expr)?)));
        };
        if let Some(memory) = self.memories.get_mut(memory_index) {
            memory.add(offset, bytes);
        }
        Ok(cost)
    }

    /// Returns the cost of the memories' images, or of copying each segment by itself where there is none.
    fn image_cost(&self) -> Cost {
        let images: Option<u64> = self.memories.iter().map(|memory| memory.image()).sum();
        match images {
            Some(bytes) if !self.has_dynamic_data => w::DATA_BYTE.times(bytes),
            _ => w::INITIALIZER.times(self.active_segments),
        }
    }
}

/// Returns the cost of a type. A function's has a trampoline, which passes all of its values.
fn type_cost(ty: &SubType) -> Cost {
    match &ty.composite_type.inner {
        CompositeInnerType::Func(function) => {
            let values = function.params().len() + function.results().len();
            w::FUNCTION_TYPE.plus(w::signature(values as u64))
        }
        CompositeInnerType::Struct(structure) => {
            w::DECLARATION.times(1 + structure.fields.len() as u64)
        }
        CompositeInnerType::Array(_) | CompositeInnerType::Cont(_) => w::DECLARATION,
    }
}

fn element_cost(segment: Element<'_>) -> Result<Cost, Refusal> {
    let (mut cost, elements) = match segment.items {
        ElementItems::Functions(functions) => (w::INITIALIZER, functions.count()),
        ElementItems::Expressions(ty, expressions) => {
            let elements = expressions.count();
            let mut cost = w::INITIALIZER;
            let weight =
                if is_collected(ValType::Ref(ty)) { w::COLLECTED_ELEMENT } else { w::INITIALIZER };
            for expression in expressions {
                cost = cost.plus(weight.times(operators(&expression?)?));
            }
            (cost, elements)
        }
    };
    let mut end = u64::from(elements);
    if let ElementKind::Active { offset_expr, .. } = segment.kind {
        match constant(&offset_expr)? {
            Some(offset) => end = end.saturating_add(offset).min(w::STATIC_TABLE_ELEMENTS.max(end)),
            None => cost = cost.plus(w::INITIALIZER.times(operators(&offset_expr)?)),
        }
    }
    Ok(cost.plus(w::ELEMENT.times(end)))
}

/// Returns the number of operators of a constant expression, without its end.
fn operators(expression: &ConstExpr<'_>) -> Result<u64, Refusal> {
    let mut count = 0_u64;
    for operator in expression.get_operators_reader() {
        operator?;
        count += 1;
    }
    Ok(count.saturating_sub(1))
}

/// Returns the value of an expression that is a constant and nothing else.
fn constant(expression: &ConstExpr<'_>) -> Result<Option<u64>, Refusal> {
    let mut operators = expression.get_operators_reader();
    let value = match operators.read()? {
        Operator::I32Const { value } => u64::from(value.cast_unsigned()),
        Operator::I64Const { value } => value.cast_unsigned(),
        _ => return Ok(None),
    };
    Ok(matches!(operators.read()?, Operator::End).then_some(value))
}
