//! What stopped a guest.

use wasmtime::Trap;

/// What stopped a guest. A trap never stops the host, and the instance is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TrapKind {
    /// It panicked. The text of the error has the guest's message, if it printed one.
    Panic,
    /// It ran out of memory: `max_memory_bytes` denied what it asked for.
    OutOfMemory,
    /// It ran out of the elements that its tables may have.
    OutOfTableElements,
    /// It ran out of stack.
    StackOverflow,
    /// It holds as many handles or resources of the host as an instance may.
    OutOfResources,
    /// It reached code that its compiler marks as unreachable, as an abort does.
    Unreachable,
    /// It ended itself with an exit code.
    Exit,
    /// It read or wrote outside of its memory.
    MemoryOutOfBounds,
    /// It used an element of a table that does not exist.
    TableOutOfBounds,
    /// It called a function by an index that has no function, or one of another type.
    InvalidIndirectCall,
    /// It divided by zero, or the result of integer arithmetic does not fit.
    Arithmetic,
    /// It broke a rule of the component model, or another rule.
    Other,
}

impl From<Trap> for TrapKind {
    fn from(trap: Trap) -> Self {
        match trap {
            Trap::StackOverflow => Self::StackOverflow,
            Trap::UnreachableCodeReached => Self::Unreachable,
            Trap::MemoryOutOfBounds | Trap::HeapMisaligned => Self::MemoryOutOfBounds,
            Trap::TableOutOfBounds => Self::TableOutOfBounds,
            Trap::IndirectCallToNull | Trap::BadSignature => Self::InvalidIndirectCall,
            Trap::IntegerOverflow | Trap::IntegerDivisionByZero | Trap::BadConversionToInteger => {
                Self::Arithmetic
            }
            _ => Self::Other,
        }
    }
}
