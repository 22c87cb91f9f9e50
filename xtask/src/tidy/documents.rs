//! Checks of whole files: copies, links, documents and the paths in them.

use super::Finding;
use super::repository::Repository;

/// The interface between host and guest, and the name of its copies.
const WIT: &str = "wit/plugin.wit";

const ARCHITECTURE: &str = "ARCHITECTURE.md";

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

/// The number of the first line that differs.
fn first_difference(a: &str, b: &str) -> Option<usize> {
    if a == b {
        return None;
    }
    let equal = a.lines().zip(b.lines()).take_while(|(a, b)| a == b).count();
    Some(equal + 1)
}

/// Paths in ARCHITECTURE.md that do not exist. A path stands in backquotes and counts from the root, or
/// from the directory that the heading above it names.
pub(super) fn architecture_paths(repository: &Repository) -> Vec<Finding> {
    let Some(document) = repository.file(ARCHITECTURE) else {
        let message = "the document is missing".to_string();
        return vec![Finding { path: ARCHITECTURE.to_string(), line: 1, message }];
    };
    let mut findings = Vec::new();
    let mut base = String::new();
    let mut is_code = false;
    for (line, number) in document.text.lines().zip(1..) {
        is_code ^= line.starts_with("```");
        if is_code {
            continue;
        }
        if line.starts_with('#') {
            let named = code_spans(line).find(|span| looks_like_path(span));
            base = named.map(|path| format!("{}/", path.trim_end_matches('/'))).unwrap_or_default();
        }
        for path in code_spans(line).filter(|span| looks_like_path(span)) {
            if !repository.exists(path) && !repository.exists(&format!("{base}{path}")) {
                let message = format!("`{path}` does not exist");
                findings.push(Finding { path: ARCHITECTURE.to_string(), line: number, message });
            }
        }
    }
    findings
}

/// What stands in backquotes.
fn code_spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

fn looks_like_path(span: &str) -> bool {
    let plain = span.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
    let is_file = FILE_EXTENSIONS.iter().any(|extension| span.ends_with(extension));
    plain && (span.contains('/') || is_file) && span.starts_with(|c: char| c != '/')
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

    #[test]
    fn paths_count_from_the_root_or_from_the_heading() {
        let document = "# Map\n`crates/a` and `gone.rs`\n## Inside `crates/a/src`\n`lib.rs`\n\
                        `kv/none.rs` `kv/`\n```text\n`ignored/here`\n```\n\
                        `wasi:http` `Runtime::call` `a b/c` `/etc/passwd`\n";
        let repository = Repository::of(&[
            (ARCHITECTURE, document),
            ("crates/a/src/lib.rs", ""),
            ("crates/a/src/kv/map.rs", ""),
        ]);
        let findings = architecture_paths(&repository);
        let found: Vec<_> = findings.iter().map(|f| (f.line, f.message.as_str())).collect();
        assert_eq!(found, [(2, "`gone.rs` does not exist"), (5, "`kv/none.rs` does not exist")]);
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
