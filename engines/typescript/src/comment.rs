//! Documentation comments: the description, and the tags that the build understands.

use oxc_ast::ast::Comment;
use oxc_span::Span;

use crate::modules::Module;

/// A documentation comment.
#[derive(Default)]
pub(crate) struct Documentation<'a> {
    pub(crate) description: String,
    tags: Vec<Tag<'a>>,
}

/// `@name text`.
struct Tag<'a> {
    name: &'a str,
    text: &'a str,
    /// Where the text starts in the file.
    start: u32,
}

/// A type in braces, and what follows it.
pub(crate) struct Typed<'a> {
    /// Where the type is in the file, without the braces.
    pub(crate) span: Option<Span>,
    pub(crate) rest: &'a str,
}

impl<'a> Documentation<'a> {
    /// Returns the comment before what starts at a position.
    pub(crate) fn before(module: &Module<'a>, start: u32) -> Self {
        let is_it = |comment: &&Comment| comment.is_jsdoc() && comment.attached_to == start;
        let comment = module.program.comments.iter().rfind(is_it);
        comment.map_or_else(Self::default, |comment| {
            Self::parse(module.source, comment.content_span())
        })
    }

    fn parse(source: &'a str, span: Span) -> Self {
        let mut documentation = Self::default();
        let mut description: Vec<&str> = Vec::new();
        let mut start = span.start as usize;
        for line in span.source_text(source).split('\n') {
            let begin = line.len() - line.trim_start().trim_start_matches('*').trim_start().len();
            let content = &line[begin..];
            let mut offset = start + begin;
            start += line.len() + 1;
            let (text, mut tags) = split_at_tag(content);
            if documentation.tags.is_empty() {
                description.push(text.trim());
            }
            offset += text.len();
            while let Some(tag) = tags.strip_prefix('@') {
                let (tag, next) = split_at_tag(tag);
                let name = tag.split(|c: char| c.is_whitespace() || c == '{').next().unwrap_or(tag);
                let text = &tag[name.len()..];
                let skipped = text.len() - text.trim_start().len();
                documentation.tags.push(Tag {
                    name,
                    text: text.trim(),
                    start: (offset + 1 + name.len() + skipped) as u32,
                });
                offset += 1 + tag.len();
                tags = next;
            }
        }
        documentation.description = description.join("\n").trim().to_string();
        documentation
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.tags.iter().any(|tag| tag.name == name)
    }

    /// Returns the first word of a tag.
    pub(crate) fn word(&self, name: &str) -> Option<(&'a str, Span)> {
        let tag = self.tags.iter().find(|tag| tag.name == name)?;
        let word = tag.text.split_whitespace().next().unwrap_or_default();
        Some((word, Span::new(tag.start, tag.start + word.len() as u32)))
    }

    /// Returns the type of a parameter, by `@param {type} name`.
    pub(crate) fn param(&self, name: &str) -> Option<Typed<'a>> {
        let tags = self.tags.iter().filter(|tag| tag.name == "param" || tag.name == "arg");
        let mut typed = tags.map(Tag::typed);
        typed.find(|typed| param_name(typed.rest) == name)
    }

    /// Returns the type of the result, by `@returns {type}`.
    pub(crate) fn returns(&self) -> Option<Span> {
        let tag = self.tags.iter().find(|tag| tag.name == "returns" || tag.name == "return")?;
        tag.typed().span
    }

    /// Returns the name of an argument: `@name wire`, or a comment that is one word.
    pub(crate) fn wire_name(&self) -> Option<&str> {
        if let Some((name, _)) = self.word("name") {
            return Some(name);
        }
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let word = self.description.as_str();
        (!word.is_empty() && word.chars().all(is_word)).then_some(word)
    }
}

impl<'a> Tag<'a> {
    fn typed(&self) -> Typed<'a> {
        let Some(inside) = self.text.strip_prefix('{') else {
            return Typed { span: None, rest: self.text };
        };
        let mut depth = 1;
        let end = inside.char_indices().find_map(|(index, c)| {
            depth += match c {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
            (depth == 0).then_some(index)
        });
        let Some(end) = end else { return Typed { span: None, rest: self.text } };
        let start = self.start + 1;
        Typed { span: Some(Span::new(start, start + end as u32)), rest: inside[end + 1..].trim() }
    }
}

/// Returns the name in `name`, `[name]` and `[name=1]`.
fn param_name(rest: &str) -> &str {
    let rest = rest.strip_prefix('[').unwrap_or(rest);
    rest.split(|c: char| c.is_whitespace() || matches!(c, ']' | '=' | '-'))
        .next()
        .unwrap_or_default()
}

/// Returns whether a parameter is written `[name]`.
pub(crate) fn is_optional(rest: &str) -> bool {
    rest.starts_with('[')
}

/// Splits a text before the first `@` that begins a word outside of braces.
fn split_at_tag(text: &str) -> (&str, &str) {
    let mut before = ' ';
    let mut depth = 0;
    for (index, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            '@' if depth <= 0 && before.is_whitespace() => return text.split_at(index),
            _ => {}
        }
        before = c;
    }
    (text, "")
}
