//! Which locals of a function are live where, and which of them merge where paths meet.

/// What liveness depends on, in the order of the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Read(u32),
    Assign(u32),
    /// This many edges between blocks of the compiled function.
    Steps(u32),
    Block,
    Loop,
    If,
    Else,
    End,
    Branch(u32),
    BranchIf(u32),
    /// A part of [`Events::targets`].
    Table {
        first: u32,
        count: u32,
    },
    /// Does not go on to what follows.
    Leave,
}

#[derive(Debug, Default)]
pub(super) struct Events {
    pub(super) events: Vec<Event>,
    pub(super) targets: Vec<u32>,
}

/// What liveness costs a compiler.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Liveness {
    /// Live locals, summed over all steps.
    pub(super) carried: u64,
    /// Locals that paths merge, summed over these paths.
    pub(super) merged: u64,
    /// Locals that may merge at the heads of loops, until a compiler has seen the whole loop.
    pub(super) provisional: u64,
    /// Words of 64 locals that this analysis read or wrote.
    pub(super) work: u64,
}

/// Passes over a function before the analysis gives up: loops that are nested deeper than this are rare.
const MAX_PASSES: usize = 12;

impl Liveness {
    /// Computes the liveness of a function with so many locals. `None` if it does not settle.
    pub(super) fn compute(events: &Events, locals: u32) -> Option<Self> {
        let mut heads = Vec::new();
        let mut work = 0;
        for _ in 0..MAX_PASSES {
            let mut pass = Pass::new(events, locals, std::mem::take(&mut heads));
            pass.run();
            work += pass.found.work;
            if !pass.has_changed {
                return Some(Self { work, ..pass.found });
            }
            heads = pass.heads;
        }
        None
    }
}

/// One reading of a function, from its end to its beginning.
struct Pass<'a> {
    events: &'a Events,
    live: Locals,
    frames: Vec<Frame>,
    /// What is live at the head of each loop, as far as earlier passes know.
    heads: Vec<Locals>,
    loops: usize,
    has_changed: bool,
    found: Liveness,
}

struct Frame {
    /// What is live where its label leads.
    at_label: Locals,
    /// What is live where the alternative begins.
    at_else: Option<Locals>,
    assigned: Locals,
    /// Branches to its label.
    branches: u64,
    /// Its number, if it is a loop.
    head: Option<usize>,
}

impl<'a> Pass<'a> {
    fn new(events: &'a Events, locals: u32, heads: Vec<Locals>) -> Self {
        Self {
            events,
            live: Locals::none(locals),
            frames: Vec::new(),
            heads,
            loops: 0,
            has_changed: false,
            found: Liveness::default(),
        }
    }

    fn run(&mut self) {
        // The openings of frames, which a reader from the end meets last, by the ends that it meets first.
        let loops = loops_by_end(&self.events.events);
        let mut is_loop = loops.iter().rev();
        let events = self.events;
        for event in events.events.iter().rev() {
            match *event {
                Event::Read(local) => self.live.insert(local),
                Event::Assign(local) => {
                    self.live.remove(local);
                    if let Some(frame) = self.frames.last_mut() {
                        frame.assigned.insert(local);
                    }
                }
                Event::Steps(steps) => {
                    self.found.carried += u64::from(steps) * u64::from(self.live.count);
                }
                Event::End => self.enter(is_loop.next().copied().unwrap_or_default()),
                Event::Else => self.leave_else(),
                Event::Block | Event::Loop | Event::If => self.leave(*event),
                Event::Leave => self.live.clear(),
                Event::Branch(depth) => {
                    self.live.clear();
                    self.branch(depth);
                }
                Event::BranchIf(depth) => self.branch(depth),
                Event::Table { first, count } => {
                    self.live.clear();
                    for depth in &events.targets[first as usize..][..count as usize] {
                        self.branch(*depth);
                    }
                }
            }
        }
    }

    /// Enters a frame at its end.
    fn enter(&mut self, is_loop: bool) {
        let head = is_loop.then_some(self.loops);
        if let Some(head) = head {
            self.loops += 1;
            if head == self.heads.len() {
                self.heads.push(self.live.emptied());
            }
        }
        let at_label = head.map_or_else(|| self.live.clone(), |head| self.heads[head].clone());
        let assigned = self.live.emptied();
        self.work(2);
        self.frames.push(Frame { at_label, at_else: None, assigned, branches: 0, head });
    }

    fn leave_else(&mut self) {
        let Some(frame) = self.frames.last_mut() else { return };
        let after = frame.at_label.clone();
        frame.at_else = Some(std::mem::replace(&mut self.live, after));
        self.work(1);
    }

    /// Leaves a frame at its beginning.
    fn leave(&mut self, opening: Event) {
        let Some(mut frame) = self.frames.pop() else { return };
        let mut paths = 1 + frame.branches;
        if opening == Event::If {
            paths += 1;
            let other = frame.at_else.as_ref().unwrap_or(&frame.at_label);
            self.live.insert_all(other);
        }
        if let Some(head) = frame.head {
            if self.heads[head].insert_all(&self.live) {
                self.has_changed = true;
            }
            frame.at_label = self.live.clone();
            self.found.provisional += paths * u64::from(self.live.count);
        }
        if paths > 1 {
            self.found.merged += paths * frame.assigned.count_common(&frame.at_label);
        }
        if let Some(outer) = self.frames.last_mut() {
            outer.assigned.insert_all(&frame.assigned);
        }
        self.work(4);
    }

    fn branch(&mut self, depth: u32) {
        let target = self.frames.len().checked_sub(1 + depth as usize);
        if let Some(frame) = target.and_then(|target| self.frames.get_mut(target)) {
            frame.branches += 1;
            self.live.insert_all(&frame.at_label);
        }
        self.work(1);
    }

    fn work(&mut self, sets: u64) {
        self.found.work += sets * self.live.words.len() as u64 + 1;
    }
}

/// Returns whether each frame is a loop, in the order of their ends.
fn loops_by_end(events: &[Event]) -> Vec<bool> {
    let mut open = Vec::new();
    let mut ended = Vec::new();
    for event in events {
        match event {
            Event::Block | Event::If => open.push(false),
            Event::Loop => open.push(true),
            Event::End => ended.push(open.pop().unwrap_or_default()),
            _ => {}
        }
    }
    ended
}

/// A set of locals.
#[derive(Clone)]
struct Locals {
    words: Box<[u64]>,
    count: u32,
}

impl Locals {
    fn none(locals: u32) -> Self {
        Self { words: vec![0; locals.div_ceil(64) as usize].into(), count: 0 }
    }

    fn emptied(&self) -> Self {
        Self { words: vec![0; self.words.len()].into(), count: 0 }
    }

    fn insert(&mut self, local: u32) {
        let Some(word) = self.words.get_mut(local as usize / 64) else { return };
        let bit = 1 << (local % 64);
        self.count += u32::from(*word & bit == 0);
        *word |= bit;
    }

    fn remove(&mut self, local: u32) {
        let Some(word) = self.words.get_mut(local as usize / 64) else { return };
        let bit = 1 << (local % 64);
        self.count -= u32::from(*word & bit != 0);
        *word &= !bit;
    }

    fn clear(&mut self) {
        if self.count > 0 {
            self.words.fill(0);
            self.count = 0;
        }
    }

    /// Returns whether any of them is new.
    fn insert_all(&mut self, others: &Self) -> bool {
        let before = self.count;
        if others.count > 0 {
            let mut count = 0;
            for (word, other) in self.words.iter_mut().zip(&others.words) {
                *word |= other;
                count += word.count_ones();
            }
            self.count = count;
        }
        self.count > before
    }

    fn count_common(&self, others: &Self) -> u64 {
        let common =
            self.words.iter().zip(&others.words).map(|(one, other)| (one & other).count_ones());
        common.map(u64::from).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::Event::*;
    use super::*;

    fn liveness(events: &[Event]) -> Liveness {
        let events = Events { events: events.to_vec(), targets: vec![0, 1] };
        Liveness { work: 0, ..Liveness::compute(&events, 100).unwrap() }
    }

    #[test]
    fn locals_are_live_from_an_assignment_to_the_last_read() {
        for (events, carried, merged) in [
            (&[Block, Assign(1), Steps(1), Read(1), Steps(1), End][..], 1, 0),
            // Without an assignment, from the beginning.
            (&[Block, Steps(3), Read(1), Steps(1), End], 3, 0),
            // Assigned again before it is read.
            (&[Block, Assign(1), Steps(1), Assign(1), Steps(1), Read(1), End], 1, 0),
            // Merged after a condition if it is read later, by two paths.
            (&[Block, If, Assign(1), End, Read(1), End], 0, 2),
            (&[Block, If, Assign(1), End, End], 0, 0),
            (&[Block, If, Assign(1), Else, Assign(1), Steps(1), End, Read(1), End], 1, 2),
            // Live around a loop in which it is read, and before it.
            (&[Block, Steps(1), Loop, Read(1), Steps(1), BranchIf(0), Steps(1), End, End], 2, 0),
            (&[Block, Loop, Read(1), Assign(1), BranchIf(0), End, End], 0, 2),
            // Inner loops settle as well.
            (
                &[Block, Loop, Loop, Steps(1), Read(1), BranchIf(0), End, BranchIf(0), End, End],
                1,
                0,
            ),
            (
                &[
                    Block,
                    Loop,
                    Loop,
                    Steps(1),
                    Assign(2),
                    BranchIf(0),
                    End,
                    Read(1),
                    BranchIf(0),
                    End,
                    End,
                ],
                1,
                0,
            ),
            // What leaves does not go on.
            (&[Block, Steps(1), Leave, Steps(1), Read(1), End], 1, 0),
            (&[Block, Block, Steps(1), Branch(0), End, Read(1), End], 1, 0),
            (&[Block, Block, Assign(1), Table { first: 0, count: 2 }, End, Read(1), End], 0, 2),
        ] {
            let found = liveness(events);
            assert_eq!((found.carried, found.merged), (carried, merged), "{events:?}");
        }
    }

    #[test]
    fn loops_that_do_not_settle_soon_are_given_up() {
        let nested = |depth: usize| {
            let mut events = vec![Loop; depth];
            // Each pass carries a local one loop outwards.
            for local in 0..depth as u32 {
                events.extend([Read(local), BranchIf(depth as u32 - 1 - local), End]);
            }
            Events { events, targets: vec![] }
        };
        assert!(Liveness::compute(&nested(3), 100).is_some());
    }
}
