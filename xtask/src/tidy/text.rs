//! Checks of lines of text.

use super::Finding;
use super::repository::{Repository, SourceFile};
use crate::bindings::BINDINGS;
use crate::docs_table;

/// The most columns of a line.
const MAX_COLUMNS: usize = 110;

/// What prose does not say. Split, so that this file does not say it.
const UNWANTED: &str = concat!("is", " no ");

/// Lines with more than [`MAX_COLUMNS`] characters.
pub(super) fn long_lines(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in prose(repository) {
        let is_markdown = file.path.ends_with(".md");
        // Tables that a benchmark writes, and what a command prints.
        let mut is_output = false;
        for (index, line) in file.text.lines().enumerate() {
            match line {
                docs_table::BEGIN | "```console" => is_output = true,
                docs_table::END | "```" => is_output = false,
                _ => {}
            }
            let columns = line.chars().count();
            let cannot_break =
                is_markdown && (line.trim_start().starts_with('|') || line.contains("://"));
            if columns > MAX_COLUMNS && !cannot_break && !(is_markdown && is_output) {
                let message = format!("{columns} columns; at most {MAX_COLUMNS} are allowed");
                findings.push(Finding { path: file.path.clone(), line: index + 1, message });
            }
        }
    }
    findings
}

/// Sentences with the construct that the style rules exclude.
pub(super) fn wording(repository: &Repository) -> Vec<Finding> {
    let lines = prose(repository).flat_map(|file| lines(file, |line| line.contains(UNWANTED)));
    lines.map(|(path, line)| finding(path, line, format!("\"{}\"", UNWANTED.trim()))).collect()
}

/// Modules whose file is named by an attribute.
pub(super) fn path_attributes(repository: &Repository) -> Vec<Finding> {
    let names_a_file = |line: &str| {
        let line = line.trim_start();
        line.starts_with("#[path") || (line.starts_with("#[cfg_attr(") && line.contains("path ="))
    };
    let rust = repository.with_extension("rs");
    let found = rust.flat_map(|file| lines(file, names_a_file));
    found.map(|(path, line)| finding(path, line, "a `path` attribute".to_string())).collect()
}

/// Output of the command that bypasses its printer, and so may send untrusted text to a terminal.
pub(super) fn terminal_output(repository: &Repository) -> Vec<Finding> {
    const SOURCES: &str = "crates/cli/src/";
    const PRINTER: &str = "crates/cli/src/ui/terminal.rs";
    const OUTPUT: [&str; 6] =
        ["print!(", "println!(", "dbg!(", "stdout()", "stderr()", "anstream::"];
    // Asking whether a stream is a terminal prints nothing.
    let is_query = |line: &str| line.contains("is_terminal()");
    let prints = |line: &str| !is_query(line) && OUTPUT.iter().any(|output| line.contains(output));

    let rust = repository.with_extension("rs");
    let files = rust.filter(|file| file.path.starts_with(SOURCES) && file.path != PRINTER);
    let found = files.flat_map(|file| lines(file, prints));
    found.map(|(path, line)| finding(path, line, "output past the printer".to_string())).collect()
}

/// Files that people write.
fn prose(repository: &Repository) -> impl Iterator<Item = &SourceFile> {
    let texts = ["rs", "md", "toml"].into_iter().flat_map(|end| repository.with_extension(end));
    texts.filter(|file| file.path != BINDINGS)
}

/// The path and the number of each line that is to be found.
fn lines(file: &SourceFile, is_found: impl Fn(&str) -> bool) -> Vec<(&str, usize)> {
    let numbered = file.text.lines().zip(1..);
    numbered.filter(|(line, _)| is_found(line)).map(|(_, n)| (file.path.as_str(), n)).collect()
}

fn finding(path: &str, line: usize, message: String) -> Finding {
    Finding { path: path.to_string(), line, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(findings: &[Finding]) -> Vec<(&str, usize)> {
        findings.iter().map(|finding| (finding.path.as_str(), finding.line)).collect()
    }

    #[test]
    fn long_lines_are_counted_in_characters_and_not_in_bytes() {
        let fits = "ö".repeat(MAX_COLUMNS);
        let long = format!("first\n{fits}x\n");
        let repository = Repository::of(&[("a.rs", &fits), ("b.toml", &long), ("c.svg", &long)]);
        let findings = long_lines(&repository);
        assert_eq!(places(&findings), [("b.toml", 2)]);
        assert_eq!(findings[0].message, "111 columns; at most 110 are allowed");
    }

    #[test]
    fn tables_addresses_and_output_in_markdown_may_be_long() {
        let long = "x".repeat(200);
        let text = format!(
            "| {long} |\nsee https://{long}\n{}\n{long}\n{}\n{long}\n```console\n{long}\n```\n{long}\n",
            docs_table::BEGIN,
            docs_table::END
        );
        let repository = Repository::of(&[("a.md", &text)]);
        assert_eq!(places(&long_lines(&repository)), [("a.md", 6), ("a.md", 10)]);
    }

    #[test]
    fn wording_is_checked_in_comments_and_documents() {
        let bad = format!("this\n// {UNWANTED}error\nis not an error\n");
        let repository = Repository::of(&[("a.rs", &bad), ("b.md", &bad), ("c.svg", &bad)]);
        assert_eq!(places(&wording(&repository)), [("a.rs", 2), ("b.md", 2)]);
    }

    #[test]
    fn output_past_the_printer_of_the_command_is_found() {
        let text =
            "println!(x)\nanstream::eprintln!(x)\nio::stdout().write(x)\nstderr().is_terminal()\n";
        let files =
            ["crates/cli/src/a.rs", "crates/cli/src/ui/terminal.rs", "crates/cli/tests/it/a.rs"];
        let repository = Repository::of(&files.map(|path| (path, text)));
        let expected = [1, 2, 3].map(|line| (files[0], line));
        assert_eq!(places(&terminal_output(&repository)), expected);
    }

    #[test]
    fn path_attributes_are_found_behind_a_condition_as_well() {
        let text = "#[path = \"a.rs\"]\n#[cfg_attr(unix, path = \"b.rs\")]\n// #[path\nmod c;\n";
        let repository = Repository::of(&[("a.rs", text)]);
        assert_eq!(places(&path_attributes(&repository)), [("a.rs", 1), ("a.rs", 2)]);
    }
}
