//! Errors of the author's, with the lines that they are about.

use oxc_diagnostics::{NamedSource, OxcDiagnostic};
use oxc_span::Span;

/// An error in a file.
pub(crate) struct Report {
    /// The index of the file.
    pub(crate) file: usize,
    diagnostic: OxcDiagnostic,
}

/// All errors that were found together.
pub(crate) type Reports = Vec<Report>;

impl Report {
    pub(crate) fn new(file: usize, diagnostic: OxcDiagnostic) -> Self {
        Self { file, diagnostic }
    }

    /// Returns the error at a place, with what to do.
    pub(crate) fn at(
        file: usize,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        let diagnostic =
            OxcDiagnostic::error(message.into()).with_label(span).with_help(help.into());
        Self { file, diagnostic }
    }

    /// Returns a copy.
    pub(crate) fn again(&self) -> Self {
        Self { file: self.file, diagnostic: self.diagnostic.clone() }
    }

    /// Returns the text, with its lines.
    pub(crate) fn render(self, path: &str, source: &str) -> String {
        let source = NamedSource::new(path, source.to_string());
        self.diagnostic.render_with_source_code(source).trim_end().to_string()
    }
}
