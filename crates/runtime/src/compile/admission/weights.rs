//! What one of each quantity costs at most, as measured.
//!
//! Time is CPU time in nanoseconds, on one core of an Intel Xeon of a cloud's standard machine that has its
//! other core busy, in the development profile, which optimizes the compiler; memory is in bytes. Each is
//! what the shape costs that makes most of it, found by generating components of one shape at a time.

use wasmparser::Operator;

/// CPU time in nanoseconds, and memory in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cost {
    pub(super) time: u64,
    pub(super) memory: u64,
}

impl Cost {
    pub(super) const NONE: Self = cost(0, 0);

    pub(super) fn plus(self, other: Self) -> Self {
        cost(self.time.saturating_add(other.time), self.memory.saturating_add(other.memory))
    }

    pub(super) fn times(self, count: u64) -> Self {
        cost(self.time.saturating_mul(count), self.memory.saturating_mul(count))
    }
}

const fn cost(time: u64, memory: u64) -> Cost {
    Cost { time, memory }
}

/// A function of its own.
pub(super) const FUNCTION: Cost = cost(120_000, 12_000);

/// A function that only passes its arguments on, as there is one for each type of a function.
pub(super) const FUNCTION_TYPE: Cost = cost(250_000, 10_000);

/// An argument or result of a call, or a field of a structure that is made.
pub(super) const PASSED_VALUE: Cost = cost(10_000, 700);

/// Returns the cost of a signature of so many values: most are passed in memory, whose slots are searched.
pub(super) fn signature(values: u64) -> Cost {
    const SEARCHED: u64 = 128;

    PASSED_VALUE.times(values.saturating_add(values.saturating_mul(values) / SEARCHED))
}

/// An operand of a branch.
pub(super) const BRANCHED_VALUE: Cost = cost(200, 50);

/// A parameter or local variable.
pub(super) const LOCAL: Cost = cost(1_000, 200);

/// A value that is live where control flow branches, or across a call.
pub(super) const CARRIED: Cost = cost(200, 32);

/// A value that paths merge, for each path.
pub(super) const MERGED: Cost = cost(1_000, 150);

/// Code in bytes that moves a carried value to where it has to be.
pub(super) const CARRIED_CODE_BYTES: u64 = 8;

/// Time for each product of a carried and a merged value, which the register allocator looks at, in
/// nanoseconds.
pub(super) const SCAN_NANOSECONDS: u64 = 2;

/// Time for each pair of steps: a compiler asks of blocks which other blocks come before them on every path,
/// in nanoseconds.
pub(super) const STEP_PAIR_NANOSECONDS: u64 = 1;

/// Memory for a merged value, at each depth of nesting.
pub(super) const BUNDLE_BYTES: u64 = 4;

/// Memory for a variable at each edge.
pub(super) const VARIABLE_BYTES: u64 = 4;

/// How much memory an operator takes while it is compiled, to what its code takes.
pub(super) const MEMORY_PER_CODE: u64 = 12;

/// Values that every function has, beside its own: its instance, and what tells that its time is up.
pub(super) const IMPLICIT_VALUES: u64 = 4;

/// Edges at the beginning of every function.
pub(super) const ENTRY_STEPS: u64 = 4;

/// An edge from a call to a handler of exceptions.
pub(super) const HANDLER: Cost = cost(40_000, 1_500);

/// A handler of exceptions, which takes apart what was thrown.
pub(super) const CATCH: Cost = cost(200_000, 80_000);

/// An operator of what initializes a module when it is instantiated: a global, an element, a piece of data.
pub(super) const INITIALIZER: Cost = cost(300_000, 25_000);

/// An element that may be garbage-collected.
pub(super) const COLLECTED_ELEMENT: Cost = cost(1_000_000, 40_000);

/// A declaration without code.
pub(super) const DECLARATION: Cost = cost(1_000, 300);

/// A core module.
pub(super) const MODULE: Cost = cost(1_000_000, 100_000);

/// A byte of data in a memory's image.
pub(super) const DATA_BYTE: Cost = cost(2, 3);

/// A byte of names and other sections for tools.
pub(super) const CUSTOM_BYTE: Cost = cost(20, 8);

/// An element of a table whose content is known.
pub(super) const ELEMENT: Cost = cost(20, 16);

/// Elements of a table beyond which its content is not laid out in advance.
pub(super) const STATIC_TABLE_ELEMENTS: u64 = 1 << 20;

/// Size in bytes up to which a memory's image is made whatever is in it.
pub(super) const SPARSE_IMAGE_BYTES: u64 = 16 << 20;

/// A part of a component: a type, a field, an import, an alias, a function that is lifted or lowered.
pub(super) const COMPONENT_PART: Cost = cost(300_000, 20_000);

/// An adapter between two components.
pub(super) const ADAPTER: Cost = cost(1_000_000, 0);

/// A part of a type that an adapter copies.
pub(super) const ADAPTED_PART: Cost = cost(100_000, 0);

/// What an operator adds to its function.
#[derive(Clone, Copy)]
pub(super) struct Weight {
    pub(super) cost: Cost,
    /// For each operand and result.
    pub(super) value: Cost,
    /// Edges between blocks that it makes, and calls.
    pub(super) steps: u64,
    /// Parameters of blocks that it makes, over all edges to them.
    pub(super) merged: u64,
    /// Whether it can throw an exception.
    pub(super) is_call: bool,
    /// Whether it may pass a reference that is garbage-collected, if the module has any.
    pub(super) may_be_reference: bool,
}

/// Leaves no code, or is a part of another operator's.
const NONE: Weight = Weight {
    cost: cost(1_500, 150),
    value: cost(0, 0),
    steps: 0,
    merged: 0,
    is_call: false,
    may_be_reference: false,
};

/// One instruction or a few.
const PLAIN: Weight = Weight { cost: cost(15_000, 1_800), ..NONE };

/// An access to memory, which compares its address with the memory's size.
const ACCESS: Weight = Weight { cost: cost(40_000, 4_000), ..NONE };

/// A dozen instructions, some of which branch.
const HEAVY: Weight = Weight { cost: cost(50_000, 8_000), ..NONE };

/// A call of a builtin of the runtime, on one of several paths.
const RUNTIME: Weight = Weight {
    cost: cost(250_000, 25_000),
    value: PASSED_VALUE,
    steps: 4,
    merged: 4,
    is_call: true,
    may_be_reference: true,
};

/// An instruction on structures and arrays.
const COLLECTED: Weight = Weight { value: cost(150_000, 15_000), ..RUNTIME };

/// An access to a reference that is garbage-collected: counts it, and may free what was there before.
pub(super) const REFERENCE: Weight =
    Weight { cost: cost(300_000, 50_000), steps: 10, merged: 10, ..RUNTIME };

/// A block's beginning.
const BLOCK: Weight = Weight { value: BRANCHED_VALUE, ..NONE };

impl Weight {
    #[rustfmt::skip]
    pub(super) fn of(operator: &Operator<'_>) -> Self {
        use Operator::*;

        match operator {
            Nop | Drop | Unreachable | LocalGet { .. } | LocalSet { .. } | LocalTee { .. } | I32Const { .. }
            | I64Const { .. } | F32Const { .. } | F64Const { .. } | RefNull { .. } => NONE,

            Block { .. } => BLOCK,
            Else | End | Br { .. } | TryTable { .. } => Self { steps: 1, ..BLOCK },
            If { .. } | BrIf { .. } => Self { steps: 2, value: BRANCHED_VALUE, ..PLAIN },
            BrTable { .. } => Self { steps: 2, value: BRANCHED_VALUE, ..HEAVY },
            // Each asks whether the guest's time is up.
            Loop { .. } => Self { steps: 7, merged: 6, value: BRANCHED_VALUE, ..HEAVY },
            Return => Self { steps: 1, value: BRANCHED_VALUE, ..PLAIN },

            Call { .. } | ReturnCall { .. } => Self { value: PASSED_VALUE, steps: 1, is_call: true, ..PLAIN },

            I32DivS | I32DivU | I32RemS | I32RemU | I64DivS | I64DivU | I64RemS | I64RemU
            | F32Min | F32Max | F64Min | F64Max | F32Ceil | F32Floor | F32Trunc | F32Nearest | F64Ceil
            | F64Floor
            | F64Trunc | F64Nearest | F32ConvertI64U | F64ConvertI64U
            | I32TruncF32S | I32TruncF32U | I32TruncF64S | I32TruncF64U
            | I64TruncF32S | I64TruncF32U | I64TruncF64S | I64TruncF64U
            | I32TruncSatF32S | I32TruncSatF32U | I32TruncSatF64S | I32TruncSatF64U
            | I64TruncSatF32S | I64TruncSatF32U | I64TruncSatF64S | I64TruncSatF64U
            | V128Const { .. } | I8x16Shuffle { .. } | I8x16Swizzle | I8x16RelaxedSwizzle | I8x16Popcnt
            | I8x16Shl | I8x16ShrS | I8x16ShrU | I64x2ShrS | I64x2Mul | I64x2Abs | I64x2GtS | I64x2GeS
            | I64x2LtS | I64x2LeS
            | F32x4Ceil | F32x4Floor | F32x4Trunc | F32x4Nearest | F64x2Ceil | F64x2Floor | F64x2Trunc
            | F64x2Nearest
            | F32x4Min | F32x4Max | F64x2Min | F64x2Max | F32x4RelaxedMin | F32x4RelaxedMax
            | F64x2RelaxedMin | F64x2RelaxedMax
            | I32x4TruncSatF32x4S | I32x4TruncSatF32x4U | I32x4TruncSatF64x2SZero | I32x4TruncSatF64x2UZero
            | I32x4RelaxedTruncF32x4S | I32x4RelaxedTruncF32x4U | I32x4RelaxedTruncF64x2SZero
            | I32x4RelaxedTruncF64x2UZero
            | I32x4DotI16x8S | I16x8Q15MulrSatS | I16x8AllTrue | F32x4ConvertI32x4U | F64x2ConvertLowI32x4U
            | F32x4RelaxedMadd | F32x4RelaxedNmadd | F64x2RelaxedMadd | F64x2RelaxedNmadd
            | RefI31 | I31GetS | I31GetU | I64Add128 | I64Sub128 | I64MulWideS | I64MulWideU => HEAVY,

            CallIndirect { .. } | ReturnCallIndirect { .. } | CallRef { .. } | ReturnCallRef { .. }
            | MemoryGrow { .. } | MemoryInit { .. } | DataDrop { .. } | MemoryCopy { .. } | MemoryFill { .. }
            | TableInit { .. } | ElemDrop { .. } | TableCopy { .. } | TableFill { .. } | TableGet { .. }
            | TableSet { .. } | TableGrow { .. } | RefFunc { .. }
            | MemoryAtomicNotify { .. } | MemoryAtomicWait32 { .. } | MemoryAtomicWait64 { .. }
            | Throw { .. } | ThrowRef
            | RefTestNonNull { .. } | RefTestNullable { .. } | RefCastNonNull { .. } | RefCastNullable { .. }
            | BrOnCast { .. } | BrOnCastFail { .. } | BrOnNull { .. } | BrOnNonNull { .. } => RUNTIME,

            StructNew { .. } | StructNewDefault { .. } | StructGet { .. } | StructGetS { .. }
            | StructGetU { .. }
            | StructSet { .. } | ArrayNew { .. } | ArrayNewDefault { .. } | ArrayNewFixed { .. }
            | ArrayNewData { .. }
            | ArrayNewElem { .. } | ArrayGet { .. } | ArrayGetS { .. } | ArrayGetU { .. } | ArraySet { .. }
            | ArrayLen
            | ArrayFill { .. } | ArrayCopy { .. } | ArrayInitData { .. } | ArrayInitElem { .. } => COLLECTED,

            GlobalGet { .. } | GlobalSet { .. } => Self { may_be_reference: true, ..PLAIN },

            I32Load { .. } | I64Load { .. } | F32Load { .. } | F64Load { .. } | V128Load { .. }
            | I32Load8S { .. } | I32Load8U { .. } | I32Load16S { .. } | I32Load16U { .. }
            | I64Load8S { .. } | I64Load8U { .. } | I64Load16S { .. } | I64Load16U { .. }
            | I64Load32S { .. } | I64Load32U { .. }
            | I32Store { .. } | I64Store { .. } | F32Store { .. } | F64Store { .. } | V128Store { .. }
            | I32Store8 { .. } | I32Store16 { .. } | I64Store8 { .. } | I64Store16 { .. }
            | I64Store32 { .. } => {
                ACCESS
            }

            _ => PLAIN,
        }
    }
}

/// Time to read or write 64 locals of a set while the cost is estimated, in nanoseconds.
pub(super) const ANALYSIS_NANOSECONDS: u64 = 2;
