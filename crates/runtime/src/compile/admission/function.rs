//! Reads the shape of one function, of which its cost is estimated.

use std::fmt;

use wasmparser::{
    BlockType, CompositeInnerType, ContType, FrameKind, FuncType, FunctionBody, ModuleArity,
    Operator, RefType, SubType,
};

use super::Refusal;
use super::declarations::{Declarations, is_collected};
use super::liveness::{Event, Events, Liveness};
use super::weights::{self as w, Cost, Weight};
use crate::limits::CompileLimits;

/// The quantities of which a function's cost is made.
#[derive(Debug, Default)]
pub(super) struct FunctionShape {
    /// The cost of its operators by themselves.
    operators: Cost,
    locals: u64,
    /// Variables of SSA construction: locals, and parameters and results of blocks.
    variables: u64,
    /// Edges between blocks of the compiled function, and calls.
    steps: u64,
    /// Values that are live, summed over all steps.
    carried: u64,
    /// Parameters of blocks of the compiled function, summed over all edges to these blocks.
    merged: u64,
    /// Of loops, until the whole loop was seen.
    provisional: u64,
    nesting: u64,
    /// What estimating took.
    analysis: u64,
}

impl FunctionShape {
    /// Reads the function `at`, which has the type `ty`.
    ///
    /// # Errors
    ///
    /// When the function is malformed, or over a limit.
    pub(super) fn read(
        module: &Declarations,
        ty: u32,
        body: &FunctionBody<'_>,
        limits: &CompileLimits,
        at: &dyn fmt::Display,
    ) -> Result<Self, Refusal> {
        let bytes = body.range().len() as u64;
        let limit = limits.max_function_bytes;
        if bytes > limit.into() {
            return Err(Refusal::too_many(at, "bytes", bytes, limit, "max_function_bytes"));
        }
        let mut reader = Reader::new(module, ty, limits, at);
        reader.read_locals(body)?;
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            reader.read(&operators.read()?)?;
        }
        Ok(reader.finish())
    }

    /// Returns what compiling it takes; the memory is freed afterwards.
    pub(super) fn cost(&self) -> Cost {
        let scans = self.carried.saturating_mul(self.merged).saturating_mul(w::SCAN_NANOSECONDS);
        let pairs = self.steps.saturating_mul(self.steps).saturating_mul(w::STEP_PAIR_NANOSECONDS);
        let scans = scans.saturating_add(pairs);
        let bundles = self.merged.saturating_mul(self.nesting).saturating_mul(w::BUNDLE_BYTES);
        let table = self.variables.saturating_mul(self.steps).saturating_mul(w::VARIABLE_BYTES);
        let memory = bundles.saturating_add(table);
        Cost { time: scans.saturating_add(self.analysis), memory }
            .plus(w::FUNCTION)
            .plus(w::LOCAL.times(self.locals))
            .plus(w::CARRIED.times(self.carried))
            .plus(w::MERGED.times(self.merged.saturating_add(self.provisional)))
            .plus(self.operators)
    }

    /// Returns the memory of its code, which stays until all functions are compiled.
    pub(super) fn code(&self) -> Cost {
        let moves = self.carried.saturating_mul(w::CARRIED_CODE_BYTES);
        Cost { time: 0, memory: (self.operators.memory / w::MEMORY_PER_CODE).saturating_add(moves) }
    }
}

/// A block, loop or condition that is open.
struct Frame {
    ty: BlockType,
    kind: FrameKind,
    /// The number of operands below its own.
    floor: u64,
}

struct Reader<'a> {
    module: &'a Declarations,
    limits: &'a CompileLimits,
    at: &'a dyn fmt::Display,
    shape: FunctionShape,
    frames: Vec<Frame>,
    loops: u32,
    operands: u64,
    events: Events,
    /// Branches to blocks, and ends of blocks.
    edges: u64,
    /// Whether a value may be garbage-collected.
    has_references: bool,
    /// The handlers of exceptions of all `try_table`s.
    handlers: u64,
    calls: u64,
}

impl<'a> Reader<'a> {
    fn new(
        module: &'a Declarations,
        ty: u32,
        limits: &'a CompileLimits,
        at: &'a dyn fmt::Display,
    ) -> Self {
        let mut reader = Self {
            module,
            limits,
            at,
            shape: FunctionShape::default(),
            frames: Vec::new(),
            loops: 0,
            operands: 0,
            events: Events::default(),
            edges: 0,
            has_references: module.has_references,
            handlers: 0,
            calls: 0,
        };
        reader.open(BlockType::FuncType(ty), FrameKind::Block, Event::Block);
        reader.operands = 0;
        reader.step(w::ENTRY_STEPS);
        reader
    }

    fn read_locals(&mut self, body: &FunctionBody<'_>) -> Result<(), Refusal> {
        let (params, results) = self.arity(self.frames[0].ty);
        let mut locals = params;
        for declared in body.get_locals_reader()? {
            let (count, ty) = declared?;
            locals = locals.saturating_add(count.into());
            self.has_references |= is_collected(ty);
        }
        self.check(locals, self.limits.max_locals, "local variables", "max_locals")?;
        self.shape.locals = locals;
        self.shape.variables = self.shape.variables.saturating_add(locals);
        self.shape.operators = w::signature(params + results);
        Ok(())
    }

    fn read(&mut self, operator: &Operator<'_>) -> Result<(), Refusal> {
        let arity = operator.operator_arity(self);
        let (params, results) = arity.ok_or_else(|| {
            Refusal::invalid(format!(
                "{} refers to what does not exist, or has an instruction that hosts do not support",
                self.at
            ))
        })?;
        let (params, results) = (u64::from(params), u64::from(results));
        self.has_references |= matches!(operator, Operator::RefI31 | Operator::RefNull { .. });
        let mut weight = Weight::of(operator);
        if weight.may_be_reference && self.has_references {
            weight = Weight { value: weight.value, ..w::REFERENCE };
        }
        let values = params + results + self.default_fields(operator);
        self.shape.operators =
            self.shape.operators.plus(weight.cost).plus(weight.value.times(values));
        self.shape.merged = self.shape.merged.saturating_add(weight.merged);

        let floor = self.frames.last().map_or(0, |frame| frame.floor);
        self.operands = self.operands.saturating_sub(params).max(floor);
        self.step(weight.steps);
        self.calls += u64::from(weight.is_call);
        self.apply(operator, results)?;
        self.check(
            self.frames.len() as u64,
            self.limits.max_nesting,
            "nested blocks",
            "max_nesting",
        )?;
        self.check(
            self.loops.into(),
            self.limits.max_loop_nesting,
            "nested loops",
            "max_loop_nesting",
        )
    }

    /// Applies an operator, whose operands were popped, to the frames and the locals.
    fn apply(&mut self, operator: &Operator<'_>, results: u64) -> Result<(), Refusal> {
        match operator {
            Operator::Block { blockty } => self.open(*blockty, FrameKind::Block, Event::Block),
            Operator::If { blockty } => self.open(*blockty, FrameKind::If, Event::If),
            Operator::Loop { blockty } => self.open(*blockty, FrameKind::Loop, Event::Loop),
            Operator::TryTable { try_table } => {
                let handlers = try_table.catches.len() as u64;
                self.handlers += handlers;
                self.shape.operators = self.shape.operators.plus(w::CATCH.times(handlers));
                self.open(try_table.ty, FrameKind::TryTable, Event::Block);
            }
            Operator::Else => {
                self.event(Event::Else);
                if let Some(frame) = self.frames.last_mut() {
                    frame.kind = FrameKind::Else;
                }
                self.leave();
                self.operands += results;
            }
            Operator::End => self.close(results),
            Operator::BrIf { relative_depth }
            | Operator::BrOnNull { relative_depth }
            | Operator::BrOnNonNull { relative_depth }
            | Operator::BrOnCast { relative_depth, .. }
            | Operator::BrOnCastFail { relative_depth, .. } => {
                self.branch(*relative_depth);
                self.event(Event::BranchIf(*relative_depth));
                self.operands += results;
            }
            Operator::Br { relative_depth } => {
                self.branch(*relative_depth);
                self.event(Event::Branch(*relative_depth));
                self.leave();
            }
            Operator::BrTable { targets } => {
                self.step(targets.len().into());
                let first = self.events.targets.len() as u32;
                for target in targets.targets() {
                    self.events.targets.push(target?);
                }
                self.events.targets.push(targets.default());
                for at in first as usize..self.events.targets.len() {
                    self.branch(self.events.targets[at]);
                }
                self.event(Event::Table { first, count: 1 + targets.len() });
                self.leave();
            }
            Operator::Return
            | Operator::Unreachable
            | Operator::Throw { .. }
            | Operator::ThrowRef
            | Operator::ReturnCall { .. }
            | Operator::ReturnCallIndirect { .. }
            | Operator::ReturnCallRef { .. } => {
                self.event(Event::Leave);
                self.leave();
            }
            Operator::LocalGet { local_index } => {
                self.event(Event::Read(*local_index));
                self.operands += results;
            }
            Operator::LocalSet { local_index } | Operator::LocalTee { local_index } => {
                self.event(Event::Assign(*local_index));
                self.operands += results;
            }
            _ => self.operands += results,
        }
        Ok(())
    }

    fn event(&mut self, event: Event) {
        self.events.events.push(event);
    }

    /// Returns how many fields an operator fills that are not its operands.
    fn default_fields(&self, operator: &Operator<'_>) -> u64 {
        let Operator::StructNewDefault { struct_type_index } = operator else { return 0 };
        let ty = self.sub_type_at(*struct_type_index).map(|ty| &ty.composite_type.inner);
        let Some(CompositeInnerType::Struct(structure)) = ty else { return 0 };
        structure.fields.len() as u64
    }

    fn arity(&self, ty: BlockType) -> (u64, u64) {
        let (params, results) = self.block_type_arity(ty).unwrap_or_default();
        (params.into(), results.into())
    }

    /// Passes edges of the compiled function, or calls.
    fn step(&mut self, steps: u64) {
        if steps == 0 {
            return;
        }
        let live = self.operands.saturating_add(w::IMPLICIT_VALUES);
        self.shape.carried = self.shape.carried.saturating_add(live.saturating_mul(steps));
        self.shape.steps = self.shape.steps.saturating_add(steps);
        self.event(Event::Steps(steps as u32));
    }

    /// Ends the reachable part of the innermost frame.
    fn leave(&mut self) {
        self.operands = self.frames.last().map_or(0, |frame| frame.floor);
    }

    /// Passes the values of a frame's label.
    fn branch(&mut self, depth: u32) {
        self.edges += 1;
        let target = self.frames.len().checked_sub(1 + depth as usize);
        let Some(frame) = target.and_then(|target| self.frames.get(target)) else { return };
        let (params, results) = self.arity(frame.ty);
        let passed = if frame.kind == FrameKind::Loop { params } else { results };
        self.shape.merged = self.shape.merged.saturating_add(passed);
    }

    fn open(&mut self, ty: BlockType, kind: FrameKind, event: Event) {
        let (params, results) = self.arity(ty);
        self.shape.variables = self.shape.variables.saturating_add(params + results);
        self.loops += u32::from(kind == FrameKind::Loop);
        self.frames.push(Frame { ty, kind, floor: self.operands });
        self.operands += params;
        self.shape.nesting = self.shape.nesting.max(self.frames.len() as u64);
        self.event(event);
    }

    fn close(&mut self, results: u64) {
        let Some(frame) = self.frames.pop() else { return };
        self.loops -= u32::from(frame.kind == FrameKind::Loop);
        let (params, _) = self.arity(frame.ty);
        self.shape.merged = self.shape.merged.saturating_add(results.max(params).saturating_mul(2));
        self.edges += 2;
        self.operands = frame.floor.saturating_add(results);
        self.event(Event::End);
    }

    fn check(&self, measured: u64, limit: u32, what: &str, name: &str) -> Result<(), Refusal> {
        if measured > limit.into() {
            return Err(Refusal::too_many(self.at, what, measured, limit, name));
        }
        Ok(())
    }

    fn finish(mut self) -> FunctionShape {
        let locals = self.shape.locals;
        let liveness = match self.handlers {
            0 => Liveness::compute(&self.events, locals as u32),
            // Each call may go on at any handler.
            handlers => {
                let edges = handlers.saturating_mul(self.calls);
                self.edges = self.edges.saturating_add(edges);
                self.shape.steps = self.shape.steps.saturating_add(edges);
                self.shape.operators = self.shape.operators.plus(w::HANDLER.times(edges));
                None
            }
        };
        // Otherwise as if all locals were live everywhere, and merged by all paths.
        let liveness = liveness.unwrap_or_else(|| Liveness {
            carried: locals.saturating_mul(self.shape.steps),
            merged: locals.saturating_mul(self.edges),
            provisional: 0,
            work: 0,
        });
        self.shape.carried = self.shape.carried.saturating_add(liveness.carried);
        self.shape.merged = self.shape.merged.saturating_add(liveness.merged);
        self.shape.provisional = liveness.provisional;
        self.shape.analysis = liveness.work.saturating_mul(w::ANALYSIS_NANOSECONDS);
        self.shape
    }
}

impl ModuleArity for Reader<'_> {
    fn sub_type_at(&self, index: u32) -> Option<&SubType> {
        self.module.types.get(index as usize)
    }

    fn tag_type_arity(&self, tag: u32) -> Option<(u32, u32)> {
        self.sub_type_arity(self.sub_type_at(*self.module.tags.get(tag as usize)?)?)
    }

    fn type_index_of_function(&self, function: u32) -> Option<u32> {
        self.module.functions.get(function as usize).copied()
    }

    // The engines do not have continuations.
    fn func_type_of_cont_type(&self, _: &ContType) -> Option<&FuncType> {
        None
    }

    fn sub_type_of_ref_type(&self, _: &RefType) -> Option<&SubType> {
        None
    }

    fn control_stack_height(&self) -> u32 {
        self.frames.len() as u32
    }

    fn label_block(&self, depth: u32) -> Option<(BlockType, FrameKind)> {
        let frame = self.frames.get(self.frames.len().checked_sub(1 + depth as usize)?)?;
        Some((frame.ty, frame.kind))
    }
}
