//! Components of one shape each: much of one thing that compilers could be slow at.

use wasm_encoder::*;

/// A shape: its name, and what makes a component of it. The first number is how much there is of the shape;
/// the others vary it.
pub struct Shape {
    /// What there is much of.
    pub name: &'static str,
    /// Makes a component.
    pub make: fn([u32; 3]) -> Vec<u8>,
}

const fn shape(name: &'static str, make: fn([u32; 3]) -> Vec<u8>) -> Shape {
    Shape { name, make }
}

/// All shapes.
pub const SHAPES: &[Shape] = &[
    shape("arithmetic", |[n, kind, _]| body(n, |f, i| arithmetic(f, kind + (i & 1)))),
    shape("loads", |[n, kind, _]| body(n, |f, i| load(f, kind, i))),
    shape("stores", |[n, kind, _]| body(n, |f, i| store(f, kind, i))),
    shape("loads64", |[n, _, _]| {
        one_function_of(Setting::Memory64, &[], |f| {
            for i in 0..n {
                f.instructions()
                    .local_get(X)
                    .i64_extend_i32_u()
                    .i32_load(at(u64::from(i)))
                    .local_set(X);
            }
            f.instructions().local_get(X);
        })
    }),
    shape("floats", |[n, kind, _]| body(n, |f, _| float(f, kind))),
    shape("vectors", |[n, kind, _]| {
        one_function(&[(1, ValType::V128)], |f| {
            f.instructions().local_get(1);
            for i in 0..n {
                vector(f, kind, i);
            }
            f.instructions().i32x4_extract_lane(0);
        })
    }),
    shape("globals", |[n, _, _]| {
        body(n, |f, _| {
            f.instructions().global_get(0).i32_popcnt().global_set(0);
        })
    }),
    shape("global-refs", |[n, _, _]| {
        body(n, |f, _| {
            f.instructions().global_get(1).global_set(1);
        })
    }),
    shape("runtime", |[n, kind, _]| body(n, |f, _| runtime_call(f, kind))),
    shape("gc", |[n, kind, fields]| structures(n, kind, fields % 1_000)),
    shape("casts", |[n, kind, _]| casts(n, kind)),
    shape("indirect", |[n, _, _]| {
        body(n, |f, _| {
            f.instructions().local_get(X).local_get(X).call_indirect(0, 0).local_set(X);
        })
    }),
    shape("calls", |[n, _, _]| {
        body(n, |f, _| {
            f.instructions().local_get(X).call(0).local_set(X);
        })
    }),
    shape("wide-calls", |[n, width, _]| wide(n, width % 1_000, Wide::Call)),
    shape("wide-blocks", |[n, width, _]| wide(n, width % 1_000, Wide::Block)),
    shape("wide-loops", |[n, width, _]| wide(n, width % 1_000, Wide::Loop)),
    shape("wide-branches", |[n, width, _]| wide(n, width % 1_000, Wide::Branch)),
    shape("live-over-calls", |[n, live, _]| {
        while_live(n, live, |f, i, live| {
            f.instructions().local_get(1 + i % live).call(0).local_set(X);
        })
    }),
    shape("live-over-ifs", |[n, live, sets]| {
        while_live(n, live, |f, i, live| {
            f.instructions().local_get(X).if_(BlockType::Empty);
            for set in 0..1 + sets % 50 {
                f.instructions().local_get(X).local_set(1 + (i * 7 + set * 131) % live);
            }
            f.instructions().end();
        })
    }),
    shape("live-over-branches", |[n, live, _]| {
        while_live(n, live, |f, i, live| {
            f.instructions().block(BlockType::Empty).local_get(1 + i % live).br_if(0);
            f.instructions().local_get(X).local_set(1 + (i + 1) % live).end();
        })
    }),
    shape("live-over-loops", |[n, live, _]| {
        while_live(n, live, |f, i, live| {
            let local = 1 + i * 7 % live;
            f.instructions().loop_(BlockType::Empty).local_get(local).local_get(X).i32_add();
            f.instructions().local_tee(local).br_if(0).end();
        })
    }),
    shape("operands-over-ifs", |[n, operands, _]| {
        one_function(&[], |f| {
            for _ in 0..=operands {
                f.instructions().local_get(X).i32_popcnt().local_get(X).i32_mul().local_tee(X);
            }
            for _ in 0..n {
                f.instructions().local_get(X).if_(BlockType::Empty).end();
            }
            for _ in 0..operands {
                f.instructions().i32_add();
            }
        })
    }),
    shape("nested-blocks", |[n, live, _]| {
        nested(n, live, |f| {
            f.instructions().block(BlockType::Empty);
        })
    }),
    shape("nested-ifs", |[n, live, _]| {
        nested(n, live, |f| {
            f.instructions().local_get(X).if_(BlockType::Empty);
        })
    }),
    shape("nested-loops", |[n, live, _]| {
        nested(n.min(100), live + n / 100, |f| {
            f.instructions().loop_(BlockType::Empty);
        })
    }),
    shape("groups-of-nested-ifs", |[n, live, depth]| groups(n, 1 + live % 100, 1 + depth % 1_000)),
    shape("loops", |[n, _, _]| {
        body(n, |f, _| {
            f.instructions().loop_(BlockType::Empty).end();
        })
    }),
    shape("diamonds", |[n, _, _]| {
        body(n, |f, i| {
            f.instructions()
                .local_get(X)
                .if_(BlockType::Empty)
                .i32_const(i as i32)
                .local_set(X)
                .else_();
            f.instructions().local_get(X).i32_popcnt().local_set(X).end();
        })
    }),
    shape("switch", |[n, live, sets]| switch(n, 1 + live % 500, sets % 20)),
    shape("switches", |[n, targets, live]| switches(n, 1 + targets % 1_000, 1 + live % 50)),
    shape("handlers", |[n, handlers, nesting]| handlers_around(n, handlers % 1_000, nesting % 50)),
    shape("refs-over-calls", |[n, live, _]| references(n, 1 + live % 5_000)),
    shape("locals", |[n, _, _]| {
        one_function(&[(n, ValType::I32)], |f| {
            f.instructions().local_get(X);
            for local in 0..n {
                f.instructions().local_get(1 + local).i32_add();
            }
        })
    }),
    shape("functions", |[n, params, exported]| functions(n, params % 1_000, exported & 1 == 1)),
    shape("types", |[n, params, _]| types(n, params % 950)),
    shape("global-initializers", |[n, operators, _]| global_initializers(n, 1 + operators % 100)),
    shape("data", |[n, stride, relative]| data(n, stride % 100_000, relative & 1 == 1)),
    shape("elements", |[n, kind, _]| elements(n, kind)),
    shape("images", |[n, _, _]| images(n)),
    shape("instances", |[n, _, _]| instances(n)),
    shape("lowered", |[n, _, _]| lowered(n)),
    shape("adapters", |[n, width, depth]| adapters(n, 1 + width % 100, depth % 20)),
];

/// Returns the largest component of a shape that `admits`, of a size up to `most`.
pub fn largest(
    shape: &Shape,
    numbers: [u32; 2],
    most: u32,
    mut admits: impl FnMut(&[u8]) -> bool,
) -> Option<Vec<u8>> {
    let mut best = None;
    let (mut low, mut high) = (0, most + 1);
    let mut next = 64.min(most);
    while low + 1 + low / 8 < high {
        let component = (shape.make)([next, numbers[0], numbers[1]]);
        if admits(&component) {
            best = Some(component);
            low = next;
        } else {
            high = next;
        }
        next = if high > most { (next * 4).min(most) } else { low + (high - low) / 2 };
        if low == most {
            break;
        }
    }
    best
}

/// The parameter of all functions.
const X: u32 = 0;

const ANY: ValType = ValType::Ref(RefType { nullable: true, heap_type: HeapType::ANY });

/// What a module has beside its function.
#[derive(Clone, Copy, PartialEq)]
enum Setting {
    Memory,
    Memory64,
}

fn at(offset: u64) -> MemArg {
    MemArg { offset, align: 0, memory_index: 0 }
}

/// A function of an `i32` to an `i32`, in a module with a memory, a table and globals.
pub(super) fn one_function(locals: &[(u32, ValType)], code: impl FnOnce(&mut Function)) -> Vec<u8> {
    one_function_of(Setting::Memory, locals, code)
}

fn one_function_of(
    setting: Setting,
    locals: &[(u32, ValType)],
    code: impl FnOnce(&mut Function),
) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32], [ValType::I32]);
    module_of(setting, types, locals, code)
}

/// As [`one_function`], with more types after the function's.
fn module_of(
    setting: Setting,
    types: TypeSection,
    locals: &[(u32, ValType)],
    code: impl FnOnce(&mut Function),
) -> Vec<u8> {
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut tables = TableSection::new();
    tables.table(table(RefType::FUNCREF, 10));
    let mut memories = MemorySection::new();
    memories.memory(memory(setting == Setting::Memory64));
    let mut globals = GlobalSection::new();
    globals.global(global(ValType::I32), &ConstExpr::i32_const(1));
    globals.global(global(ValType::EXTERNREF), &ConstExpr::ref_null(HeapType::EXTERN));
    let mut elements = ElementSection::new();
    elements.declared(Elements::Functions(vec![0].into()));
    let mut function = Function::new(locals.iter().copied());
    code(&mut function);
    function.instructions().end();
    let mut bodies = CodeSection::new();
    bodies.function(&function);

    let mut module = Module::new();
    module.section(&types).section(&functions).section(&tables).section(&memories);
    module.section(&globals).section(&elements).section(&DataCountSection { count: 1 });
    module.section(&bodies);
    let mut data = DataSection::new();
    data.passive([1, 2, 3]);
    module.section(&data);
    component_of(&module)
}

fn table(element_type: RefType, minimum: u64) -> TableType {
    TableType { element_type, minimum, maximum: None, table64: false, shared: false }
}

fn memory(memory64: bool) -> MemoryType {
    MemoryType { minimum: 1, maximum: None, memory64, shared: false, page_size_log2: None }
}

fn global(val_type: ValType) -> GlobalType {
    GlobalType { val_type, mutable: true, shared: false }
}

/// A component that instantiates a module.
fn component_of(module: &Module) -> Vec<u8> {
    let mut component = Component::new();
    component.section(&ModuleSection(module));
    let mut instances = InstanceSection::new();
    instances.instantiate::<[(&str, ModuleArg); 0], &str>(0, []);
    component.section(&instances);
    component.finish()
}

/// A function that does the same over and over.
fn body(n: u32, mut code: impl FnMut(&mut Function, u32)) -> Vec<u8> {
    one_function(&[], |f| {
        for i in 0..n {
            code(f, i);
        }
        f.instructions().local_get(X);
    })
}

/// A function that does the same over and over, while variables are live.
fn while_live(n: u32, live: u32, mut code: impl FnMut(&mut Function, u32, u32)) -> Vec<u8> {
    let live = 1 + live % 9_000;
    one_function(&[(live, ValType::I32)], |f| {
        for local in 0..live {
            f.instructions().local_get(X).i32_load(at(u64::from(local) * 4)).local_set(1 + local);
        }
        for i in 0..n {
            code(f, i, live);
        }
        f.instructions().local_get(X);
        for local in 0..live {
            f.instructions().local_get(1 + local).i32_add();
        }
    })
}

fn arithmetic(f: &mut Function, kind: u32) {
    let mut f = f.instructions();
    f.local_get(X).local_get(X);
    match kind % 12 {
        0 => f.i32_add(),
        1 => f.i32_mul(),
        2 => f.i32_div_s(),
        3 => f.i32_rem_u(),
        4 => f.i32_rotl(),
        5 => f.i32_shr_s(),
        6 => f.i32_lt_s(),
        7 => f.i32_eq().i32_eqz(),
        8 => f.i64_extend_i32_s().drop().i32_popcnt(),
        9 => f.local_get(X).select(),
        10 => f.i32_xor().i32_ctz(),
        _ => f.i32_sub().i32_extend8_s(),
    };
    f.local_set(X);
}

fn load(f: &mut Function, kind: u32, i: u32) {
    let mut f = f.instructions();
    let offset = u64::from(i);
    f.local_get(X);
    match kind % 5 {
        0 => f.i32_load(at(offset)),
        1 => f.i32_load8_s(at(offset << 12)),
        2 => f.i64_load(at(offset)).i32_wrap_i64(),
        3 => f.f64_load(at(offset)).i32_trunc_sat_f64_s(),
        _ => f.v128_load(at(offset)).i32x4_extract_lane(1),
    };
    f.local_set(X);
}

fn store(f: &mut Function, kind: u32, i: u32) {
    let mut f = f.instructions();
    let offset = u64::from(i);
    f.local_get(X).local_get(X);
    match kind % 3 {
        0 => f.i32_store(at(offset)),
        1 => f.i32_store8(at(offset << 12)),
        _ => f.i64_extend_i32_s().i64_store(at(offset)),
    };
}

fn float(f: &mut Function, kind: u32) {
    let mut f = f.instructions();
    f.local_get(X).f32_convert_i32_s();
    match kind % 10 {
        0 => f.i64_trunc_f32_u().i32_wrap_i64(),
        1 => f.i32_trunc_f32_s(),
        2 => f.i64_trunc_sat_f32_u().i32_wrap_i64(),
        3 => f.f32_nearest().i32_reinterpret_f32(),
        4 => f.local_get(X).f32_convert_i32_u().f32_min().i32_reinterpret_f32(),
        5 => f.local_get(X).f32_reinterpret_i32().f32_copysign().i32_reinterpret_f32(),
        6 => f.f32_sqrt().f32_ceil().i32_reinterpret_f32(),
        7 => f.f64_promote_f32().f64_floor().i32_trunc_f64_u(),
        8 => f.f64_promote_f32().f32_demote_f64().i32_reinterpret_f32(),
        _ => f.i32_reinterpret_f32().i64_extend_i32_u().f64_convert_i64_u().i32_trunc_sat_f64_u(),
    };
    f.local_set(X);
}

fn vector(f: &mut Function, kind: u32, i: u32) {
    let mut f = f.instructions();
    match kind % 20 {
        0 => f.i8x16_popcnt(),
        1 => f.i32_const(i as i32).i8x16_shr_s(),
        2 => f.local_get(1).i8x16_shuffle([3, 18, 5, 22, 7, 1, 0, 31, 2, 9, 13, 17, 4, 6, 8, 12]),
        3 => f.local_get(1).i64x2_mul(),
        4 => f.f64x2_nearest(),
        5 => f.i32x4_trunc_sat_f32x4_u(),
        6 => f.local_get(1).i64x2_gt_s(),
        7 => f.local_get(1).f32x4_max(),
        8 => f.f32x4_convert_i32x4_u(),
        9 => f.v128_const(i128::from(i) * 0x9E37_79B9_7F4A_7C15).i8x16_swizzle(),
        10 => f.i32x4_trunc_sat_f64x2_u_zero(),
        11 => f.local_get(1).i16x8_q15mulr_sat_s(),
        12 => f.local_get(1).i32x4_dot_i16x8_s(),
        13 => f.local_get(X).i8x16_replace_lane(3),
        14 => f.i8x16_bitmask().i8x16_splat(),
        15 => f.i16x8_all_true().i32x4_splat(),
        16 => f.f64x2_convert_low_i32x4_u(),
        17 => f.local_get(1).local_get(1).v128_bitselect(),
        18 => f.local_get(1).local_get(1).f32x4_relaxed_madd(),
        _ => f.local_get(1).i8x16_add_sat_s().v128_not(),
    };
}

fn runtime_call(f: &mut Function, kind: u32) {
    let mut f = f.instructions();
    match kind % 12 {
        0 => f.local_get(X).memory_grow(0).local_set(X),
        1 => f.memory_size(0).local_set(X),
        2 => f.local_get(X).local_get(X).local_get(X).memory_copy(0, 0),
        3 => f.local_get(X).local_get(X).local_get(X).memory_fill(0),
        4 => f.local_get(X).local_get(X).local_get(X).memory_init(0, 0),
        5 => f.data_drop(0),
        6 => f.local_get(X).table_get(0).drop(),
        7 => f.local_get(X).local_get(X).table_get(0).table_set(0),
        8 => f.ref_null(HeapType::FUNC).local_get(X).table_grow(0).local_set(X),
        9 => f.ref_func(0).ref_is_null().local_set(X),
        10 => f.local_get(X).local_get(X).local_get(X).table_copy(0, 0),
        _ => f.local_get(X).ref_func(0).local_get(X).table_fill(0),
    };
}

fn gc_types(fields: u32) -> TypeSection {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32], [ValType::I32]);
    let field = FieldType { element_type: StorageType::Val(ValType::I32), mutable: true };
    types.ty().struct_((0..fields).map(|_| field));
    types.ty().array(&StorageType::Val(ValType::I32), true);
    types.ty().array(&StorageType::Val(ANY), true);
    types
}

fn structures(n: u32, kind: u32, fields: u32) -> Vec<u8> {
    module_of(Setting::Memory, gc_types(1 + fields), &[], |f| {
        for _ in 0..n {
            let mut f = f.instructions();
            match kind % 8 {
                0 => f.struct_new_default(1).drop(),
                1 => f.struct_new_default(1).struct_get(1, fields).local_set(X),
                2 => f.struct_new_default(1).local_get(X).struct_set(1, fields),
                3 => f.local_get(X).array_new_default(2).array_len().local_set(X),
                4 => f.local_get(X).array_new_default(3).local_get(X).array_get(3).drop(),
                5 => {
                    for _ in 0..=fields {
                        f.local_get(X);
                    }
                    f.array_new_fixed(2, 1 + fields).drop()
                }
                6 => f.local_get(X).ref_i31().i31_get_s().local_set(X),
                _ => {
                    for _ in 0..=fields {
                        f.local_get(X);
                    }
                    f.struct_new(1).drop()
                }
            };
        }
        f.instructions().local_get(X);
    })
}

fn casts(n: u32, kind: u32) -> Vec<u8> {
    module_of(Setting::Memory, gc_types(1), &[(1, ANY)], |f| {
        let concrete = HeapType::Concrete(1);
        let eq = HeapType::Abstract { shared: false, ty: AbstractHeapType::Eq };
        for _ in 0..n {
            let mut f = f.instructions();
            match kind % 4 {
                0 => f.local_get(1).ref_cast_nullable(concrete).local_set(1),
                1 => f.local_get(1).ref_test_non_null(concrete).local_set(X),
                2 => f.local_get(1).ref_cast_non_null(eq).local_set(1),
                _ => {
                    let any = RefType { nullable: true, heap_type: HeapType::ANY };
                    let target = RefType { nullable: true, heap_type: concrete };
                    let result = BlockType::Result(ANY);
                    f.block(result).local_get(1).br_on_cast(0, any, target).end().local_set(1)
                }
            };
        }
        f.instructions().local_get(X);
    })
}

#[derive(Clone, Copy)]
enum Wide {
    Call,
    Block,
    Loop,
    Branch,
}

/// Passes many values at once.
fn wide(n: u32, width: u32, kind: Wide) -> Vec<u8> {
    let values = vec![ValType::I32; width as usize];
    let mut types = TypeSection::new();
    types.ty().function(values.clone(), values);
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut f = Function::new([]);
    let outer = BlockType::FunctionType(0);
    for value in 0..width {
        f.instructions().local_get(value);
    }
    for _ in 0..n {
        let mut f = f.instructions();
        match kind {
            Wide::Call => f.call(0),
            Wide::Block => f.block(outer).i32_const(1).br_if(0).end(),
            Wide::Loop => f.loop_(outer).i32_const(0).br_if(0).end(),
            Wide::Branch => f.memory_size(0).br_if(0),
        };
    }
    f.instructions().end();
    let mut bodies = CodeSection::new();
    bodies.function(&f);
    let mut memories = MemorySection::new();
    memories.memory(memory(false));
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&memories).section(&bodies);
    component_of(&module)
}

/// Blocks inside of each other; each sets variables at its end.
fn nested(n: u32, live: u32, mut open: impl FnMut(&mut Function)) -> Vec<u8> {
    let live = 1 + live % 1_000;
    one_function(&[(live, ValType::I32)], |f| {
        for _ in 0..n {
            open(f);
        }
        for i in 0..n {
            let local = 1 + i % live;
            f.instructions().local_get(local).i32_popcnt().local_set(local);
            f.instructions().local_get(X).br_if(i % (n - i)).end();
        }
        f.instructions().local_get(X);
        for local in 0..live {
            f.instructions().local_get(1 + local).i32_add();
        }
    })
}

fn groups(n: u32, live: u32, depth: u32) -> Vec<u8> {
    one_function(&[(live, ValType::I32)], |f| {
        for _ in 0..n.div_ceil(depth) {
            for _ in 0..depth.min(n) {
                f.instructions().local_get(X).if_(BlockType::Empty);
            }
            for _ in 0..depth.min(n) {
                for local in 1..=live {
                    f.instructions().local_get(local).i32_popcnt().local_set(local);
                }
                f.instructions().end();
            }
        }
        f.instructions().local_get(X);
        for local in 1..=live {
            f.instructions().local_get(local).i32_add();
        }
    })
}

/// An interpreter: a loop around a `br_table`, each case of which sets variables.
fn switch(n: u32, live: u32, sets: u32) -> Vec<u8> {
    let n = n.max(1);
    one_function(&[(live, ValType::I32)], |f| {
        f.instructions().loop_(BlockType::Empty);
        for _ in 0..n {
            f.instructions().block(BlockType::Empty);
        }
        f.instructions().local_get(X).i32_load(at(0));
        f.instructions().br_table((0..n).collect::<Vec<_>>(), n);
        for case in 0..n {
            f.instructions().end();
            for set in 0..sets {
                let to = 1 + (case * 31 + set * 17) % live;
                let from = 1 + (case * 7 + set * 13) % live;
                f.instructions().local_get(to).local_get(from).i32_add().local_set(to);
            }
            f.instructions().br(n - 1 - case);
        }
        f.instructions().end().local_get(X);
    })
}

/// Many `br_table`s of many targets.
fn switches(n: u32, targets: u32, live: u32) -> Vec<u8> {
    one_function(&[(live, ValType::I32)], |f| {
        f.instructions().block(BlockType::Empty).block(BlockType::Empty);
        for i in 0..n {
            let local = 1 + i % live;
            f.instructions().local_get(X).if_(BlockType::Empty);
            f.instructions().local_get(local).i32_popcnt().local_set(local).local_get(X);
            f.instructions()
                .br_table((0..targets).map(|target| 1 + target % 2).collect::<Vec<_>>(), 1);
            f.instructions().end();
        }
        f.instructions().end().end().local_get(X);
        for local in 1..=live {
            f.instructions().local_get(local).i32_add();
        }
    })
}

fn handlers_around(n: u32, handlers: u32, nesting: u32) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut tags = TagSection::new();
    tags.tag(TagType { kind: TagKind::Exception, func_type_idx: 0 });
    let mut f = Function::new([]);
    f.instructions().block(BlockType::Empty);
    for _ in 0..=nesting {
        let catches = vec![Catch::One { tag: 0, label: 0 }; 1 + handlers as usize];
        f.instructions().try_table(BlockType::Empty, catches);
    }
    for _ in 0..n {
        f.instructions().call(0);
    }
    for _ in 0..=nesting {
        f.instructions().end();
    }
    f.instructions().end().end();
    let mut bodies = CodeSection::new();
    bodies.function(&f);
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&tags).section(&bodies);
    component_of(&module)
}

/// References that are live over calls, each of which tells the garbage collector where they are.
fn references(n: u32, live: u32) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], [ValType::EXTERNREF]);
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut f = Function::new([(live, ValType::EXTERNREF)]);
    for local in 0..live {
        f.instructions().call(0).local_set(local);
    }
    for _ in 0..n {
        f.instructions().call(0).drop();
    }
    for local in 0..live {
        f.instructions().local_get(local).ref_is_null().drop();
    }
    f.instructions().local_get(0).end();
    let mut bodies = CodeSection::new();
    bodies.function(&f);
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&bodies);
    component_of(&module)
}

fn functions(n: u32, params: u32, exported: bool) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function(vec![ValType::I32; params as usize], []);
    let (mut functions, mut bodies, mut exports) =
        (FunctionSection::new(), CodeSection::new(), ExportSection::new());
    for i in 0..n {
        functions.function(0);
        let mut f = Function::new([]);
        f.instructions().end();
        bodies.function(&f);
        if exported {
            exports.export(&format!("f{i}"), ExportKind::Func, i);
        }
    }
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&exports).section(&bodies);
    component_of(&module)
}

fn types(n: u32, params: u32) -> Vec<u8> {
    let mut types = TypeSection::new();
    for i in 0..n {
        let bits = (0..20).map(|bit| if i >> bit & 1 == 1 { ValType::I64 } else { ValType::I32 });
        let all: Vec<_> = (0..params).map(|_| ValType::F32).chain(bits).collect();
        types.ty().function(all, []);
    }
    let mut module = Module::new();
    module.section(&types);
    component_of(&module)
}

fn global_initializers(n: u32, operators: u32) -> Vec<u8> {
    let mut globals = GlobalSection::new();
    globals.global(global(ValType::I32), &ConstExpr::i32_const(1));
    let constant = GlobalType { val_type: ValType::I32, mutable: false, shared: false };
    globals.global(constant, &ConstExpr::i32_const(1));
    for _ in 0..n {
        let mut value = ConstExpr::global_get(1);
        for _ in 0..operators {
            value = value.with_global_get(1).with_i32_mul();
        }
        globals.global(constant, &value);
    }
    let mut module = Module::new();
    module.section(&globals);
    component_of(&module)
}

fn data(n: u32, stride: u32, relative: bool) -> Vec<u8> {
    let mut memories = MemorySection::new();
    memories.memory(MemoryType { minimum: 65_536, ..memory(false) });
    let mut globals = GlobalSection::new();
    let constant = GlobalType { val_type: ValType::I32, mutable: false, shared: false };
    globals.global(constant, &ConstExpr::i32_const(1));
    let mut data = DataSection::new();
    for i in 0..n {
        let offset = ConstExpr::i32_const((i.wrapping_mul(stride) >> 1) as i32);
        let offset = if relative { offset.with_global_get(0).with_i32_add() } else { offset };
        data.active(0, &offset, [7]);
    }
    let mut module = Module::new();
    module.section(&memories).section(&globals).section(&data);
    component_of(&module)
}

fn elements(n: u32, kind: u32) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let mut functions = FunctionSection::new();
    functions.function(0);
    let is_extern = kind % 4 == 1;
    let ty = if is_extern { RefType::EXTERNREF } else { RefType::FUNCREF };
    let mut tables = TableSection::new();
    tables.table(table(ty, 1_000_000));
    let mut segments = ElementSection::new();
    let zero = ConstExpr::i32_const(0);
    match kind % 4 {
        0 => segments.active(None, &zero, Elements::Functions(vec![0; n as usize].into())),
        1 => {
            let null = vec![ConstExpr::ref_null(HeapType::EXTERN); n as usize];
            segments.active(Some(0), &zero, Elements::Expressions(ty, null.into()))
        }
        2 => {
            let function = vec![ConstExpr::ref_func(0); n as usize];
            segments.active(Some(0), &zero, Elements::Expressions(ty, function.into()))
        }
        _ => {
            for i in 0..n {
                let offset = ConstExpr::i32_const((i * 7 % 1_000_000) as i32);
                segments.active(None, &offset, Elements::Functions(vec![0].into()));
            }
            &mut segments
        }
    };
    let mut bodies = CodeSection::new();
    let mut f = Function::new([]);
    f.instructions().end();
    bodies.function(&f);
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&tables).section(&segments);
    module.section(&bodies);
    component_of(&module)
}

/// Modules with a byte at each end of 16 MiB of memory.
fn images(n: u32) -> Vec<u8> {
    let mut component = Component::new();
    for _ in 0..n.min(1_000) {
        let mut memories = MemorySection::new();
        memories.memory(MemoryType { minimum: 256, ..memory(false) });
        let mut data = DataSection::new();
        data.active(0, &ConstExpr::i32_const(0), [1]);
        data.active(0, &ConstExpr::i32_const((16 << 20) - 1), [1]);
        let mut module = Module::new();
        module.section(&memories).section(&data);
        component.section(&ModuleSection(&module));
    }
    component.finish()
}

/// Components that instantiate the one inside of them twice.
fn instances(n: u32) -> Vec<u8> {
    let mut component = Component::new();
    let mut instances = InstanceSection::new();
    component.section(&ModuleSection(&Module::new()));
    instances.instantiate::<[(&str, ModuleArg); 0], &str>(0, []);
    component.section(&instances);
    for _ in 0..n.min(60) {
        let mut outer = Component::new();
        outer.section(&NestedComponentSection(&component));
        let mut instances = ComponentInstanceSection::new();
        for _ in 0..2 {
            let args: [(&str, ComponentExportKind, u32); 0] = [];
            instances.instantiate(0, args);
        }
        outer.section(&instances);
        component = outer;
    }
    component.finish()
}

/// A component with many imports that it lowers.
fn lowered(n: u32) -> Vec<u8> {
    let mut component = Component::new();
    let mut types = ComponentTypeSection::new();
    types.function().params([("a", PrimitiveValType::U32)]).result(None);
    component.section(&types);
    let mut imports = ComponentImportSection::new();
    for i in 0..n {
        imports.import(format!("f{i}"), ComponentTypeRef::Func(0));
    }
    component.section(&imports);
    let mut functions = CanonicalFunctionSection::new();
    for i in 0..n {
        functions.lower(i, []);
    }
    component.section(&functions);
    component.finish()
}

/// A component that calls another one, with types of many fields.
fn adapters(n: u32, width: u32, depth: u32) -> Vec<u8> {
    let types = || {
        let mut types = ComponentTypeSection::new();
        let strings = vec![ComponentValType::Primitive(PrimitiveValType::String); width as usize];
        types.defined_type().tuple(strings);
        for level in 0..depth {
            types
                .defined_type()
                .tuple([ComponentValType::Type(level), ComponentValType::Type(level)]);
        }
        types.function().params([("a", ComponentValType::Type(depth))]).result(None);
        types
    };
    let module = allocating_module();
    let instantiate = |component: &mut Component| {
        component.section(&ModuleSection(&module));
        let mut instances = InstanceSection::new();
        instances.instantiate::<[(&str, ModuleArg); 0], &str>(0, []);
        component.section(&instances);
        let mut aliases = ComponentAliasSection::new();
        let export = |kind, name| Alias::CoreInstanceExport { instance: 0, kind, name };
        aliases.alias(export(ExportKind::Memory, "m"));
        aliases.alias(export(ExportKind::Func, "r"));
        aliases.alias(export(ExportKind::Func, "f"));
        component.section(&aliases);
    };
    let options = [CanonicalOption::Memory(0), CanonicalOption::Realloc(0), CanonicalOption::UTF8];

    let mut callee = Component::new();
    instantiate(&mut callee);
    callee.section(&types());
    let mut lifted = CanonicalFunctionSection::new();
    lifted.lift(1, depth + 1, options);
    callee.section(&lifted);
    let mut exports = ComponentExportSection::new();
    exports.export("f", ComponentExportKind::Func, 0, None);
    callee.section(&exports);

    let mut component = Component::new();
    component.section(&NestedComponentSection(&callee));
    let mut instances = ComponentInstanceSection::new();
    for _ in 0..n {
        let args: [(&str, ComponentExportKind, u32); 0] = [];
        instances.instantiate(0, args);
    }
    component.section(&instances);
    instantiate(&mut component);
    let mut aliases = ComponentAliasSection::new();
    for instance in 0..n {
        aliases.alias(Alias::InstanceExport {
            instance,
            kind: ComponentExportKind::Func,
            name: "f",
        });
    }
    component.section(&aliases);
    let mut lowered = CanonicalFunctionSection::new();
    for function in 0..n {
        lowered.lower(function, options);
    }
    component.section(&lowered);
    // Without a user, an adapter is not compiled.
    let mut user = Module::new();
    let mut user_types = TypeSection::new();
    user_types.ty().function([ValType::I32], []);
    user.section(&user_types);
    let mut imports = ImportSection::new();
    for i in 0..n {
        imports.import("", &format!("f{i}"), EntityType::Function(0));
    }
    user.section(&imports);
    component.section(&ModuleSection(&user));
    let mut instances = InstanceSection::new();
    let names: Vec<String> = (0..n).map(|i| format!("f{i}")).collect();
    let functions =
        names.iter().enumerate().map(|(i, name)| (name.as_str(), ExportKind::Func, 2 + i as u32));
    instances.export_items(functions.collect::<Vec<_>>());
    instances.instantiate(1, [("", ModuleArg::Instance(1))]);
    component.section(&instances);
    component.finish()
}

fn allocating_module() -> Module {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32; 4], [ValType::I32]);
    types.ty().function([ValType::I32], []);
    let mut functions = FunctionSection::new();
    functions.function(0).function(1);
    let mut memories = MemorySection::new();
    memories.memory(memory(false));
    let mut exports = ExportSection::new();
    exports.export("m", ExportKind::Memory, 0).export("r", ExportKind::Func, 0);
    exports.export("f", ExportKind::Func, 1);
    let mut bodies = CodeSection::new();
    let mut realloc = Function::new([]);
    realloc.instructions().i32_const(0).end();
    let mut f = Function::new([]);
    f.instructions().end();
    bodies.function(&realloc).function(&f);
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&memories).section(&exports);
    module.section(&bodies);
    module
}
