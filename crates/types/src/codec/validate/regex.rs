//! What a regular expression costs to compile, estimated from its syntax tree.
//!
//! `surrealdb_types` compiles a pattern when it decodes one. A short pattern can take seconds: `(?i)` folds
//! each character of a class, `\w` has hundreds of ranges, and repetitions multiply. A syntax tree takes
//! time proportional to the pattern.

use anyhow::{Result, anyhow, ensure};
use regex_syntax::ast::parse::ParserBuilder;
use regex_syntax::ast::{
    Ast, ClassBracketed, ClassPerlKind, ClassSet, ClassSetBinaryOpKind, ClassSetItem, Flag,
    FlagsItemKind, RepetitionKind, RepetitionRange,
};

use crate::codec::limits::{MAX_REGEX_DEPTH, MAX_REGEX_FOLDED_CHARS, MAX_REGEX_WEIGHT};

/// Characters of Unicode.
const ALL_CHARS: usize = 0x11_0000;

/// Characters of a named class, of which the largest usual ones have 140,000.
const NAMED_CLASS_CHARS: usize = ALL_CHARS / 4;

/// Weight of a named class: `\w` has 770 ranges.
const NAMED_CLASS_WEIGHT: usize = 800;

/// Weight of `.`, whose automaton has a state for each length of a character.
const DOT_WEIGHT: usize = 8;

/// Weight of a literal that is matched in either case.
const FOLDED_LITERAL_WEIGHT: usize = 4;

/// Items of one class for whose pairs one is added to the weight: each item sorts the class again.
const PAIRS_PER_WEIGHT: usize = 1_000;

/// Checks that patterns are cheap to compile, and returns their weight. Takes time proportional to their
/// length.
///
/// # Errors
///
/// When a pattern cannot be parsed, and when all of them weigh more than `left`.
pub(super) fn weigh(patterns: &[&str], left: usize) -> Result<usize> {
    let mut total = Weight::default();
    for pattern in patterns {
        // As `surrealdb_types` does before it compiles a pattern.
        total.add(&pattern.replace("\\/", "/"))?;
        ensure!(
            total.states <= left,
            "the regular expressions are too large: their classes and repetitions weigh {}, and {left} of \
             {MAX_REGEX_WEIGHT} are left: pass them as strings",
            total.states
        );
        ensure!(
            total.folded_chars <= MAX_REGEX_FOLDED_CHARS,
            "the regular expressions are too large: `(?i)` folds {} characters of their classes, and \
             {MAX_REGEX_FOLDED_CHARS} are allowed: pass them as strings",
            total.folded_chars
        );
    }
    Ok(total.states)
}

#[derive(Debug, Default)]
struct Weight {
    /// States and ranges of the automaton, about.
    states: usize,
    /// Characters of classes that are looked up for their other case.
    folded_chars: usize,
}

impl Weight {
    fn add(&mut self, pattern: &str) -> Result<()> {
        let ast = ParserBuilder::new().nest_limit(MAX_REGEX_DEPTH).build().parse(pattern);
        // The parser's error repeats the pattern.
        let ast =
            ast.map_err(|error| anyhow!("a regular expression is invalid: {}", error.kind()))?;
        // Where `i` applies is not looked at: a pattern that sets it anywhere is folded as a whole.
        let folds = sets_ignore_case(&ast);
        self.states = self.states.saturating_add(self.states_of(&ast, folds));
        Ok(())
    }

    /// Returns the states of a syntax tree, and counts the characters that are folded.
    fn states_of(&mut self, ast: &Ast, folds: bool) -> usize {
        match ast {
            Ast::Empty(_) | Ast::Flags(_) | Ast::Assertion(_) => 1,
            Ast::Literal(_) if folds => FOLDED_LITERAL_WEIGHT,
            Ast::Literal(_) => 1,
            Ast::Dot(_) => DOT_WEIGHT,
            Ast::ClassPerl(_) => NAMED_CLASS_WEIGHT,
            Ast::ClassUnicode(_) => {
                self.fold(NAMED_CLASS_CHARS, folds);
                NAMED_CLASS_WEIGHT
            }
            Ast::ClassBracketed(class) => {
                let mut states = 1;
                self.chars_of_bracketed(class, folds, &mut states);
                states
            }
            Ast::Repetition(repetition) => {
                let states = self.states_of(&repetition.ast, folds).saturating_add(1);
                states.saturating_mul(copies(&repetition.op.kind))
            }
            Ast::Group(group) => self.states_of(&group.ast, folds).saturating_add(2),
            Ast::Alternation(alternation) => self.states_of_all(&alternation.asts, folds),
            Ast::Concat(concat) => self.states_of_all(&concat.asts, folds),
        }
    }

    fn states_of_all(&mut self, asts: &[Ast], folds: bool) -> usize {
        asts.iter().fold(1, |sum: usize, ast| sum.saturating_add(self.states_of(ast, folds)))
    }

    fn fold(&mut self, chars: usize, folds: bool) {
        if folds {
            self.folded_chars = self.folded_chars.saturating_add(chars);
        }
    }

    /// Returns how many characters a class has at most. A class is folded before it is negated.
    fn chars_of_bracketed(
        &mut self,
        class: &ClassBracketed,
        folds: bool,
        states: &mut usize,
    ) -> usize {
        let chars = self.chars_of_set(&class.kind, folds, states);
        self.fold(chars, folds);
        if class.negated { ALL_CHARS } else { chars }
    }

    fn chars_of_set(&mut self, set: &ClassSet, folds: bool, states: &mut usize) -> usize {
        let operation = match set {
            ClassSet::Item(item) => return self.chars_of_item(item, folds, states),
            ClassSet::BinaryOp(operation) => operation,
        };
        let left = self.chars_of_set(&operation.lhs, folds, states);
        let right = self.chars_of_set(&operation.rhs, folds, states);
        self.fold(left.saturating_add(right), folds);
        *states = states.saturating_mul(2);
        match operation.kind {
            ClassSetBinaryOpKind::Intersection => left.min(right),
            ClassSetBinaryOpKind::Difference => left,
            ClassSetBinaryOpKind::SymmetricDifference => left.saturating_add(right).min(ALL_CHARS),
        }
    }

    fn chars_of_item(&mut self, item: &ClassSetItem, folds: bool, states: &mut usize) -> usize {
        let (weight, chars) = match item {
            ClassSetItem::Empty(_) => (0, 0),
            ClassSetItem::Literal(_) => (1, 1),
            ClassSetItem::Range(range) => {
                (2, (range.end.c as usize).saturating_sub(range.start.c as usize) + 1)
            }
            ClassSetItem::Ascii(class) => (8, if class.negated { ALL_CHARS } else { 128 }),
            ClassSetItem::Unicode(class) => {
                self.fold(NAMED_CLASS_CHARS, folds);
                (NAMED_CLASS_WEIGHT, if class.negated { ALL_CHARS } else { NAMED_CLASS_CHARS })
            }
            ClassSetItem::Perl(class) => {
                let chars = match (class.negated, &class.kind) {
                    (true, _) => ALL_CHARS,
                    (false, ClassPerlKind::Word) => NAMED_CLASS_CHARS,
                    (false, ClassPerlKind::Digit | ClassPerlKind::Space) => 1_000,
                };
                (NAMED_CLASS_WEIGHT, chars)
            }
            ClassSetItem::Bracketed(class) => (1, self.chars_of_bracketed(class, folds, states)),
            ClassSetItem::Union(union) => {
                let pairs = union.items.len().saturating_mul(union.items.len());
                let chars =
                    |sum: usize, item| sum.saturating_add(self.chars_of_item(item, folds, states));
                let chars = union.items.iter().fold(0, chars);
                (pairs / PAIRS_PER_WEIGHT, chars.min(ALL_CHARS))
            }
        };
        *states = states.saturating_add(weight);
        chars
    }
}

/// How often the automaton of a repetition holds what is repeated.
fn copies(kind: &RepetitionKind) -> usize {
    let copies = match kind {
        RepetitionKind::ZeroOrOne | RepetitionKind::ZeroOrMore | RepetitionKind::OneOrMore => 1,
        RepetitionKind::Range(RepetitionRange::Exactly(times)) => *times,
        RepetitionKind::Range(RepetitionRange::AtLeast(times)) => times.saturating_add(1),
        RepetitionKind::Range(RepetitionRange::Bounded(_, times)) => *times,
    };
    (copies as usize).max(1)
}

fn sets_ignore_case(ast: &Ast) -> bool {
    let sets = |flags: &regex_syntax::ast::Flags| {
        let is_set = |kind: &FlagsItemKind| *kind == FlagsItemKind::Flag(Flag::CaseInsensitive);
        flags.items.iter().any(|item| is_set(&item.kind))
    };
    match ast {
        Ast::Flags(set) => sets(&set.flags),
        Ast::Group(group) => group.flags().is_some_and(sets) || sets_ignore_case(&group.ast),
        Ast::Repetition(repetition) => sets_ignore_case(&repetition.ast),
        Ast::Alternation(alternation) => alternation.asts.iter().any(sets_ignore_case),
        Ast::Concat(concat) => concat.asts.iter().any(sets_ignore_case),
        _ => false,
    }
}
