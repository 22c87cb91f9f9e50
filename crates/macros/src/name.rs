//! The names of exports.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::{Ident, LitStr};

use crate::errors::Mistakes;

/// The name of an export or of a namespace, by segment; without any it is the default export.
#[derive(Clone, Default)]
pub(crate) struct Name(Vec<String>);

impl Name {
    /// The name that an item has by itself.
    pub(crate) fn within(&self, item: &Ident) -> Self {
        self.with([item.unraw().to_string()])
    }

    /// The name that an item is given; its own where what is given is no name.
    pub(crate) fn within_as(&self, given: &LitStr, item: &Ident, mistakes: &mut Mistakes) -> Self {
        let text = given.value();
        let Some(wrong) = text.split("::").find(|segment| !is_identifier(segment)) else {
            return self.with(text.split("::").map(str::to_string));
        };
        let problem = match (text.is_empty(), wrong.is_empty()) {
            (true, _) => "is empty".to_string(),
            (_, true) => "has an empty part".to_string(),
            _ => format!("has the part `{wrong}`, which is no identifier"),
        };
        mistakes.note(
            given,
            format!("the name {problem}: write identifiers joined by `::`, as in `math::add`"),
        );
        self.within(item)
    }

    fn with(&self, segments: impl IntoIterator<Item = String>) -> Self {
        Self(self.0.iter().cloned().chain(segments).collect())
    }

    /// The name that a host calls; `None` for the default export.
    pub(crate) fn wire(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.0.join("::"))
    }

    /// An identifier that only this name has: each segment comes after its length.
    pub(crate) fn unique(&self, span: Span) -> Ident {
        let segments = self.0.iter().map(|segment| format!("_{}{segment}", segment.len()));
        let segments: String =
            if self.0.is_empty() { "_default".into() } else { segments.collect() };
        Ident::new(&format!("surrealism_export{segments}"), span)
    }
}

/// Whether a text can name an argument or a part of an export's name.
pub(crate) fn is_identifier(text: &str) -> bool {
    Ident::parse_any.parse_str(text).is_ok_and(|identifier| identifier.unraw() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(segments: &[&str]) -> Name {
        Name::default().with(segments.iter().map(ToString::to_string))
    }

    #[test]
    fn different_names_have_different_identifiers() {
        let names: [&[&str]; 7] =
            [&[], &["default"], &["a", "b"], &["a_1b"], &["a_b"], &["a", "1b"], &["ab"]];
        let identifiers: std::collections::HashSet<_> =
            names.iter().map(|segments| name(segments).unique(Span::call_site())).collect();
        assert_eq!(identifiers.len(), names.len());
        assert_eq!(
            name(&["math", "add"]).unique(Span::call_site()).to_string(),
            "surrealism_export_4math_3add"
        );
    }

    #[test]
    fn a_part_is_an_identifier() {
        for good in ["a", "_", "a1", "type", "größe"] {
            assert!(is_identifier(good), "{good}");
        }
        for bad in ["", "1", "a-b", "a b", "a:b", "`a`", "r#a", "a ", "²"] {
            assert!(!is_identifier(bad), "{bad}");
        }
    }
}
