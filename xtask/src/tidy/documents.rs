//! Checks of whole files: copies, links, documents and the paths in them.

use super::Finding;
use super::repository::{Repository, SourceFile};
use crate::bindings::{self, BINDINGS, WIT};

/// The documents whose paths are checked.
const DOCUMENTS: [&str; 3] = ["ARCHITECTURE.md", "CONTRIBUTING.md", SECURITY];

const SECURITY: &str = "SECURITY.md";

/// What a path without a `/` ends with.
const FILE_EXTENSIONS: [&str; 8] = [".rs", ".md", ".toml", ".wit", ".lua", ".txt", ".svg", ".yml"];

/// Copies of the interface that differ from it. A published crate has to bring its own.
pub(super) fn wit_copies(repository: &Repository) -> Vec<Finding> {
    let original = repository.file(WIT).map(|file| file.text.as_str());
    let copies = repository.files.iter().filter(|file| file.path.ends_with(&format!("/{WIT}")));
    let differing = copies.filter_map(|copy| {
        let line = first_difference(original.unwrap_or_default(), &copy.text)?;
        Some(Finding { path: copy.path.clone(), line, message: format!("differs from {WIT}") })
    });
    differing.collect()
}

/// The SDK's bindings, if they are not what the generator makes of the interface.
pub(super) fn sdk_bindings(repository: &Repository) -> Vec<Finding> {
    let text = |path| repository.file(path).map_or("", |file| file.text.as_str());
    let (line, message) = match bindings::generate(text(WIT)) {
        Ok(generated) => match first_difference(&generated, text(BINDINGS)) {
            Some(line) => (line, format!("differs from what {WIT} generates")),
            None => return Vec::new(),
        },
        Err(error) => (1, format!("cannot be generated: {error:#}")),
    };
    vec![Finding { path: BINDINGS.to_string(), line, message }]
}

/// The number of the first line that differs.
fn first_difference(a: &str, b: &str) -> Option<usize> {
    if a == b {
        return None;
    }
    let equal = a.lines().zip(b.lines()).take_while(|(a, b)| a == b).count();
    Some(equal + 1)
}

/// Paths that do not exist, in the documents that lead through the code. A path stands in backquotes. It
/// counts from the root, or from the directory that the heading above it names. A name without a directory,
/// below another heading, may be that of any file.
pub(super) fn paths(repository: &Repository) -> Vec<Finding> {
    let documents = DOCUMENTS.into_iter().filter_map(|path| repository.file(path));
    documents.flat_map(|document| missing_paths(repository, document)).collect()
}

fn missing_paths(repository: &Repository, document: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut base: Option<String> = None;
    let mut base_level = 0;
    let mut is_code = false;
    for (line, number) in document.text.lines().zip(1..) {
        is_code ^= line.starts_with("```");
        if is_code {
            continue;
        }
        let level = line.chars().take_while(|c| *c == '#').count();
        let named = code_spans(line).find(|span| is_path(span)).filter(|_| level > 0);
        // The heading of a subsection keeps the directory of its section.
        if level > 0 && (named.is_some() || level <= base_level) {
            base = named.map(str::to_string);
            base_level = level;
        }
        for path in code_spans(line).filter(|span| is_path(span)) {
            let exists = repository.exists(path)
                || match &base {
                    Some(base) => repository.exists(&format!("{base}/{path}")),
                    None => !path.contains('/') && repository.has_file_named(path),
                };
            if !exists {
                let message = format!("`{path}` does not exist");
                findings.push(Finding { path: document.path.clone(), line: number, message });
            }
        }
    }
    findings
}

/// Tests that SECURITY.md names and that do not exist: ``Test: `FILE`: `NAME`, `NAME` ``, and so in the last
/// cell of each row of a table.
pub(super) fn named_tests(repository: &Repository) -> Vec<Finding> {
    let Some(document) = repository.file(SECURITY) else { return Vec::new() };
    let mut findings = Vec::new();
    let mut file: Option<&SourceFile> = None;
    for (line, number) in document.text.lines().zip(1..) {
        let row = line.strip_prefix("| ").and_then(|row| row.strip_suffix(" |"));
        if line.is_empty() || row.is_some() {
            file = None;
        }
        // A continued line names tests of the file above it.
        if file.is_none() && row.is_none() && !line.starts_with("Test: ") {
            continue;
        }
        let tests = row.and_then(|row| row.rsplit(" | ").next()).unwrap_or(line);
        for span in code_spans(tests) {
            match file {
                _ if is_path(span) => file = repository.file(span),
                Some(file) if !file.text.contains(&format!("fn {span}(")) => {
                    let message = format!("`{}` has no test `{span}`", file.path);
                    findings.push(Finding { path: SECURITY.to_string(), line: number, message });
                }
                _ => {}
            }
        }
    }
    findings
}

/// What stands in backquotes.
fn code_spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

fn is_path(span: &str) -> bool {
    let plain = span.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
    let is_file = FILE_EXTENSIONS.iter().any(|extension| span.ends_with(extension));
    // `crates/NAME` stands for every crate.
    let is_pattern = span
        .split('/')
        .any(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_uppercase()));
    plain && (span.contains('/') || is_file) && !span.starts_with('/') && !is_pattern
}

/// Published crates without a README, which their page in a registry would show.
pub(super) fn readmes(repository: &Repository) -> Vec<Finding> {
    let without = repository.published.iter().filter(|published| {
        repository.file(&format!("{}/README.md", published.directory)).is_none()
    });
    let findings = without.map(|published| Finding {
        path: format!("{}/Cargo.toml", published.directory),
        line: 1,
        message: format!("the crate `{}` is published without a README", published.name),
    });
    findings.collect()
}

/// Symbolic links in the tree.
pub(super) fn symbolic_links(repository: &Repository) -> Vec<Finding> {
    let links = repository.files.iter().filter(|file| file.is_symlink);
    let message = || "a symbolic link".to_string();
    links.map(|link| Finding { path: link.path.clone(), line: 1, message: message() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::repository::PublishedCrate;

    #[test]
    fn a_copy_of_the_interface_must_be_equal() {
        let repository = Repository::of(&[
            (WIT, "package a;\nworld b {}\n"),
            ("crates/same/wit/plugin.wit", "package a;\nworld b {}\n"),
            ("crates/other/wit/plugin.wit", "package a;\nworld c {}\n"),
            ("crates/short/wit/plugin.wit", "package a;\n"),
        ]);
        let found: Vec<_> = wit_copies(&repository).into_iter().map(|f| (f.path, f.line)).collect();
        assert_eq!(
            found,
            [
                ("crates/other/wit/plugin.wit".to_string(), 2),
                ("crates/short/wit/plugin.wit".to_string(), 2)
            ]
        );
    }

    /// The lines and texts of findings.
    fn found(findings: &[Finding]) -> Vec<(usize, &str)> {
        findings.iter().map(|finding| (finding.line, finding.message.as_str())).collect()
    }

    #[test]
    fn paths_count_from_the_root_or_from_the_heading() {
        let document = "# Map\n`crates/a` and `gone.rs` and `map.rs`\n## Inside `crates/a/src`\n`lib.rs`\n\
                        `kv/none.rs` `kv` `map.rs`\n```text\n`ignored/here`\n```\n\
                        `wasi:http` `Runtime::call` `a b/c` `/etc/passwd` `guests/NAME`\n\
                        ### Part\n`kv/map.rs`\n## Next\n`kv/map.rs`\n";
        let repository = Repository::of(&[
            ("ARCHITECTURE.md", document),
            ("crates/a/src/lib.rs", ""),
            ("crates/a/src/kv/map.rs", ""),
        ]);
        assert_eq!(
            found(&paths(&repository)),
            [
                (2, "`gone.rs` does not exist"),
                (5, "`kv/none.rs` does not exist"),
                (5, "`map.rs` does not exist"),
                (13, "`kv/map.rs` does not exist"),
            ]
        );
    }

    #[test]
    fn a_named_test_is_in_its_file() {
        let document = "`kv`\nTest: `a/b.rs`: `one`,\n`two`, `three`.\n\n`two`\nTest: `a/b.rs`.\n";
        let repository =
            Repository::of(&[(SECURITY, document), ("a/b.rs", "fn one() {}\nasync fn three() {}")]);
        assert_eq!(found(&named_tests(&repository)), [(3, "`a/b.rs` has no test `two`")]);
    }

    #[test]
    fn a_test_that_a_table_names_is_in_its_file() {
        let document =
            "| what | test |\n|---|---|\n| `kv` | `a/b.rs`: `one`, `two` |\n| `x` | `one` |\n";
        let repository = Repository::of(&[(SECURITY, document), ("a/b.rs", "fn one() {}")]);
        assert_eq!(found(&named_tests(&repository)), [(3, "`a/b.rs` has no test `two`")]);
    }

    #[test]
    fn a_published_crate_has_a_readme() {
        let mut repository = Repository::of(&[("crates/a/README.md", "")]);
        for directory in ["crates/a", "crates/b"] {
            let (name, directory) = (directory.to_string(), directory.to_string());
            repository.published.push(PublishedCrate { name, directory });
        }
        let findings = readmes(&repository);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].path, "crates/b/Cargo.toml");
    }

    #[test]
    fn a_symbolic_link_is_found() {
        let mut repository = Repository::of(&[("crates/a/wit", ""), ("b", "")]);
        repository.files[0].is_symlink = true;
        let found: Vec<_> = symbolic_links(&repository).into_iter().map(|f| f.path).collect();
        assert_eq!(found, ["crates/a/wit"]);
    }
}
