//! The names of exports and namespaces.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::{Ident, LitStr};

use crate::errors::Errors;

/// The name of an export or of a namespace, in segments. The default export has none.
#[derive(Clone, Default)]
pub(crate) struct Name(Vec<String>);

impl Name {
    /// Appends the identifier of an item.
    pub(crate) fn join(&self, item: &Ident) -> Self {
        self.extend([item.unraw().to_string()])
    }

    /// Appends the name that an option gives to an item, or the item's identifier if the name is invalid.
    pub(crate) fn join_str(&self, name: &LitStr, item: &Ident, errors: &mut Errors) -> Self {
        let text = name.value();
        let Some(invalid) = text.split("::").find(|segment| !is_identifier(segment)) else {
            return self.extend(text.split("::").map(str::to_string));
        };
        let problem = match (text.is_empty(), invalid.is_empty()) {
            (true, _) => "is empty".to_string(),
            (_, true) => "has an empty segment".to_string(),
            _ => format!("has the segment `{invalid}`, which is not an identifier"),
        };
        errors.push(
            name,
            format!("the name {problem}: write identifiers joined by `::`, as in `math::add`"),
        );
        self.join(item)
    }

    fn extend(&self, segments: impl IntoIterator<Item = String>) -> Self {
        Self(self.0.iter().cloned().chain(segments).collect())
    }

    /// Returns the name that hosts call, or `None` for the default export.
    pub(crate) fn export_name(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.0.join("::"))
    }

    /// Returns an identifier that no other name in the file has: each segment follows its length.
    pub(crate) fn marker_ident(&self, span: Span, file: &str) -> Ident {
        let segments = self.0.iter().map(|segment| format!("_{}{segment}", segment.len()));
        let segments: String =
            if self.0.is_empty() { "_default".into() } else { segments.collect() };
        Ident::new(&format!("surrealism_export{segments}{file}"), span)
    }
}

/// Returns whether a string can name an argument or a segment of an export's name.
pub(crate) fn is_identifier(text: &str) -> bool {
    Ident::parse_any.parse_str(text).is_ok_and(|identifier| identifier.unraw() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(segments: &[&str]) -> Name {
        Name::default().extend(segments.iter().map(ToString::to_string))
    }

    #[test]
    fn different_names_have_different_markers() {
        let names: [&[&str]; 7] =
            [&[], &["default"], &["a", "b"], &["a_1b"], &["a_b"], &["a", "1b"], &["ab"]];
        let identifiers: std::collections::HashSet<_> = names
            .iter()
            .map(|segments| name(segments).marker_ident(Span::call_site(), ""))
            .collect();
        assert_eq!(identifiers.len(), names.len());
        assert_eq!(
            name(&["math", "add"]).marker_ident(Span::call_site(), "_src_lib_rs").to_string(),
            "surrealism_export_4math_3add_src_lib_rs"
        );
    }

    #[test]
    fn a_segment_is_an_identifier() {
        for good in ["a", "_", "a1", "type", "größe"] {
            assert!(is_identifier(good), "{good}");
        }
        for bad in ["", "1", "a-b", "a b", "a:b", "`a`", "r#a", "a ", "²"] {
            assert!(!is_identifier(bad), "{bad}");
        }
    }
}
