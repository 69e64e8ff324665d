//! What a Markdown file shows: its fenced blocks, and the code in its running text.

use std::path::{Path, PathBuf};
use std::{fs, str};

/// A file that people read.
pub struct Document {
    /// Where it is, from the top of the tree.
    pub path: String,
    /// Its fenced blocks, in order.
    pub blocks: Vec<Block>,
    /// What stands between backticks in its text, in order; a line break is a blank there.
    pub spans: Vec<Span>,
}

/// A fenced block.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    /// The line of its first line of text, from 1.
    pub line: usize,
    /// What stands behind the opening fence.
    pub language: String,
    /// Its lines, without the indentation of the fence.
    pub text: String,
}

/// Code in running text.
#[derive(Debug, PartialEq, Eq)]
pub struct Span {
    /// The line on which it begins, from 1.
    pub line: usize,
    /// What stands between the backticks.
    pub text: String,
}

/// The top of the tree.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests is in it")
}

/// Every document of the tree, by path.
pub fn documents() -> Vec<Document> {
    let top = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "fuzz/README.md"];
    let mut paths: Vec<PathBuf> = top.map(|name| project().join(name)).into();
    paths.retain(|path| path.exists()); // a name that is gone is missed by whoever links to it
    for directory in ["docs", "packaging"] {
        below(&project().join(directory), &mut paths);
    }
    paths.sort();
    paths.iter().map(|path| Document::of_file(path)).collect()
}

fn below(directory: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory of ours") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            below(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            paths.push(path);
        }
    }
}

impl Document {
    fn of_file(path: &Path) -> Self {
        let name = path.strip_prefix(project()).expect("found in it").display().to_string();
        Self::read(&name, &fs::read_to_string(path).expect("UTF-8"))
    }

    /// Reads it.
    ///
    /// # Panics
    /// If a fence is never closed.
    pub fn read(path: &str, text: &str) -> Self {
        let (mut blocks, mut prose) = (vec![], String::new());
        let mut lines = text.lines().zip(1..);
        while let Some((line, number)) = lines.next() {
            let Some(language) = line.trim_start().strip_prefix("```") else {
                prose.push_str(line);
                prose.push('\n');
                continue;
            };
            prose.push('\n');
            let indent = line.len() - line.trim_start().len();
            let mut block = Block {
                line: number + 1,
                language: language.trim().to_owned(),
                text: String::new(),
            };
            loop {
                let (line, _) = lines
                    .next()
                    .unwrap_or_else(|| panic!("{path}:{number}: a fence that is never closed"));
                prose.push('\n');
                if line.trim() == "```" {
                    break;
                }
                let margin = line.len() - line.trim_start().len();
                block.text.push_str(&line[margin.min(indent)..]);
                block.text.push('\n');
            }
            blocks.push(block);
        }
        Self { path: path.to_owned(), blocks, spans: spans(&prose) }
    }
}

/// What stands between backticks. A span ends in its own paragraph, as in CommonMark.
fn spans(prose: &str) -> Vec<Span> {
    let mut found = vec![];
    let mut line = 1;
    for paragraph in prose.split_inclusive("\n\n") {
        let mut at = line;
        let mut pieces = paragraph.split('`');
        at += lines_in(pieces.next().unwrap_or_default());
        while let (Some(code), Some(after)) = (pieces.next(), pieces.next()) {
            let words: Vec<_> = code.split_whitespace().collect();
            found.push(Span { line: at, text: words.join(" ") });
            at += lines_in(code) + lines_in(after);
        }
        line += lines_in(paragraph);
    }
    found
}

fn lines_in(text: &str) -> usize {
    text.matches('\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_have_their_place_language_and_text() {
        let text = "# T\n```sh\na\n\n  b\n```\n1. One:\n\n   ```\n   c\n     d\n   ```\n";
        let blocks = Document::read("x", text).blocks;
        let block = |line, language: &str, text: &str| Block {
            line,
            language: language.to_owned(),
            text: text.to_owned(),
        };
        assert_eq!(blocks, [block(3, "sh", "a\n\n  b\n"), block(10, "", "c\n  d\n")]);
    }

    #[test]
    #[should_panic(expected = "x:2: a fence that is never closed")]
    fn an_open_fence() {
        Document::read("x", "a\n```sh\nb\n");
    }

    #[test]
    fn spans_break_over_lines_but_not_paragraphs() {
        let text = "One `a b` and `c\nd`.\n\nA ` alone.\n\n```sh\n`not this`\n```\n| `e` |\n";
        let spans = Document::read("x", text).spans;
        let span = |line, text: &str| Span { line, text: text.to_owned() };
        assert_eq!(spans, [span(1, "a b"), span(1, "c d"), span(9, "e")]);
    }
}
