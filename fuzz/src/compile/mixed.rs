//! A function of fragments that an input chooses: blocks in blocks, branches, calls and assignments.

use wasm_encoder::{BlockType, Function};

use super::shapes::one_function;

/// What to do, with which local, how often.
pub(super) type Fragment = (u8, u8, u8);

const LOCALS: u32 = 256;

/// Returns a component with a function of these fragments.
pub(super) fn mixed(fragments: &[Fragment]) -> Vec<u8> {
    one_function(&[(LOCALS, wasm_encoder::ValType::I32)], |f| {
        let mut depth = 0;
        for fragment in fragments {
            depth = add(f, *fragment, depth);
        }
        for _ in 0..depth {
            f.instructions().end();
        }
        for local in 0..LOCALS {
            f.instructions().local_get(local).drop();
        }
        f.instructions().local_get(0);
    })
}

/// Adds a fragment at this depth of blocks, and returns the depth after it.
fn add(f: &mut Function, (kind, local, count): Fragment, depth: u32) -> u32 {
    const MAX_DEPTH: u32 = 50;

    let (local, count) = (1 + u32::from(local), u32::from(count));
    let mut f = f.instructions();
    match kind % 10 {
        0..=2 if depth < MAX_DEPTH => {
            match kind % 10 {
                0 => f.block(BlockType::Empty),
                1 => f.loop_(BlockType::Empty),
                _ => f.local_get(local).if_(BlockType::Empty),
            };
            return depth + 1;
        }
        3 if depth > 0 => {
            f.end();
            return depth - 1;
        }
        4 if depth > 0 => {
            f.local_get(local).br_if(count % depth);
        }
        5 if depth > 0 => {
            let targets: Vec<u32> = (0..count).map(|target| target % depth).collect();
            f.block(BlockType::Empty).local_get(local);
            f.br_table(targets.iter().map(|target| target + 1).collect::<Vec<_>>(), 0).end();
        }
        6 => {
            f.local_get(local).call(0).local_set(local);
        }
        7 => {
            for set in 0..count {
                f.local_get(local).local_set(1 + (local + set) % LOCALS);
            }
        }
        8 => {
            for _ in 0..count {
                f.local_get(local).local_get(0).i32_add().local_set(local);
            }
        }
        _ => {
            f.local_get(local).global_set(0);
        }
    }
    depth
}
