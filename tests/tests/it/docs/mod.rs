//! The documents name files, types and rules: this checks that they exist, and in the order that is claimed.
#![expect(clippy::unwrap_used, reason = "test code: clippy exempts only the test functions themselves")]

mod circles;
mod programs;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

/// Those at the root, every guide and every decision.
fn documents() -> Vec<String> {
    let mut documents: Vec<String> =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(String::from).into();
    documents.extend(pages("docs"));
    documents.extend(pages(DECISIONS));
    documents
}

const DECISIONS: &str = "docs/decisions";

/// The pages in a folder, by name.
fn pages(folder: &str) -> Vec<String> {
    let names = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().file_name());
    let mut pages: Vec<String> = names
        .map(|name| format!("{folder}/{}", name.to_str().unwrap()))
        .filter(|path| Path::new(path).extension().is_some_and(|ending| ending == "md"))
        .collect();
    pages.sort_unstable();
    pages
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The folders of the workspace's crates.
fn members() -> Vec<String> {
    let manifest = read("Cargo.toml");
    let members = manifest.split_once("members = [").unwrap().1.split_once(']').unwrap().0;
    members.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The text without its fenced blocks, which show commands and pictures.
fn prose(text: &str) -> String {
    let mut fenced = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    prose
}

/// What stands between backticks.
fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// True for what can only be meant as a path in the repository: in this house a code span holds no other slash.
fn looks_like_path(span: &str) -> bool {
    let plain = span.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte));
    let file =
        [".rs", ".toml", ".md"].iter().any(|ending| span.len() > ending.len() && span.ends_with(ending));
    plain && !span.starts_with('/') && !span.starts_with("target/") && (span.contains('/') || file)
}

/// Where links lead, but for those out of the repository.
fn link_targets(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|target| !target.contains("://"))
}

/// A heading's anchor as the usual renderers make it.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    text.chars().filter(|c| c.is_alphanumeric() || *c == '-' || *c == '_').collect()
}

/// The cells of the rows of the table under `heading`, without its head.
fn table(document: &str, heading: &str) -> Vec<Vec<String>> {
    let text = read(document);
    let section = text.split_once(&format!("\n## {heading}\n")).unwrap().1;
    let rows =
        section.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    rows.skip(2)
        .map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

/// The sentences of the running text: headings, tables, pictures and items of lists end one.
fn sentences(text: &str) -> Vec<String> {
    let mut joined = String::new();
    for line in prose(text).lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', '|']) {
            joined.push_str(". ");
            continue;
        }
        if line.starts_with("* ") || line.starts_with(|c: char| c.is_ascii_digit()) {
            joined.push_str(". ");
        }
        joined.push_str(line);
        joined.push(' ');
    }
    joined.split(". ").filter(|sentence| !sentence.trim().is_empty()).map(str::to_owned).collect()
}

/// All Rust source of a file, or of every file under a folder.
fn source(path: &Path) -> String {
    if path.is_file() {
        return fs::read_to_string(path).unwrap();
    }
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let rust = entries.filter(|path| path.is_dir() || path.extension().is_some_and(|end| end == "rs"));
    rust.map(|path| source(&path)).collect()
}

#[test]
fn every_path_in_the_documents_exists() {
    let mut missing = Vec::new();
    for document in documents() {
        let text = prose(&read(&document));
        // Links lead from the document's folder, paths in code spans from the root.
        let folder = Path::new(&document).parent().unwrap();
        let links =
            link_targets(&text).map(|target| folder.join(target.split('#').next().unwrap_or_default()));
        let spans = code_spans(&text).filter(|span| looks_like_path(span)).map(PathBuf::from);
        for path in spans.chain(links).filter(|path| !root().join(path).exists()) {
            missing.push(format!("{document}: {}", path.display()));
        }
    }
    assert!(missing.is_empty(), "named but not there:\n{}", missing.join("\n"));
}

#[test]
fn every_link_inside_a_document_has_its_heading() {
    for document in documents() {
        let text = prose(&read(&document));
        let headings: Vec<String> = text.lines().filter(|line| line.starts_with('#')).map(anchor).collect();
        for anchor in link_targets(&text).filter_map(|target| target.strip_prefix('#')) {
            assert!(headings.iter().any(|heading| heading == anchor), "{document}: #{anchor} leads nowhere");
        }
    }
}

#[test]
fn every_type_in_the_life_of_one_order_is_in_its_file() {
    let rows = table("ARCHITECTURE.md", "The life of one order");
    assert!(rows.len() >= 8, "the table has shrunk or moved");
    for row in rows {
        let files: String = code_spans(&row[2]).map(|path| source(&root().join(path))).collect();
        for name in code_spans(&row[3]) {
            let word = name.trim_end_matches("()").rsplit("::").next().unwrap_or_default();
            assert!(files.contains(word), "step {}: {} has no {name}", row[0], row[2]);
        }
    }
}

#[test]
fn the_rules_stand_in_the_order_they_run() {
    let gate = read("risk-gate/src/rules.rs");
    let list = gate.split_once("\nrules! {\n").unwrap().1.split_once("\n}").unwrap().0;
    let run: Vec<&str> = list.lines().map(|line| line.split_once(':').unwrap().0.trim()).collect();
    let rows = table("ARCHITECTURE.md", "The rules, in order");
    let told: Vec<&str> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    assert_eq!(told, run);
}

#[test]
fn every_crate_has_its_place_in_the_code_map() {
    let map = read("ARCHITECTURE.md");
    let headings: String = map.lines().filter(|line| line.starts_with("### ")).collect();
    for member in members() {
        assert!(
            headings.contains(&format!("`{member}/`")),
            "{member} is not in the walk through the folders"
        );
    }
}

#[test]
fn a_stranger_can_read_the_architecture_in_one_sitting() {
    let text = read("ARCHITECTURE.md");
    let lines = text.lines().count();
    assert!(lines <= 250, "ARCHITECTURE.md has {lines} lines: decisions, words and figures stand in docs/");
    for sentence in sentences(&text) {
        let words = sentence.split_whitespace().count();
        assert!(words <= 35, "{words} words in one sentence: {sentence}");
    }
}

#[test]
fn every_decision_is_in_the_index_and_says_why() {
    let index = read(&format!("{DECISIONS}/README.md"));
    let pages: Vec<String> =
        pages(DECISIONS).into_iter().filter(|page| !page.ends_with("README.md")).collect();
    assert!(pages.len() >= 22, "decisions have gone");
    for (page, expected) in pages.iter().zip(1..) {
        let name = page.rsplit('/').next().unwrap();
        let text = read(page);
        let title = text.lines().next().unwrap().trim_start_matches("# ");
        let (number, title) = title.split_once(' ').unwrap();
        assert_eq!(number, format!("{expected:04}"), "{page}: numbers follow each other");
        assert!(name.starts_with(number), "{page} begins with another number than its title");
        assert!(index.contains(&format!("* [{number}]({name}) {title}\n")), "{page} is not in the index");
        for part in ["Context", "Decision", "Evidence", "Rejected"] {
            let body = text.split_once(&format!("\n## {part}\n")).map(|(_, rest)| rest.split("\n## ").next());
            let said = body.flatten().is_some_and(|body| !body.trim().is_empty());
            assert!(said, "{page} says nothing under {part}");
        }
    }
}

#[test]
fn what_looks_like_a_path() {
    for path in ["model/src/input.rs", "docs/", "Cargo.toml", ".ci/run"] {
        assert!(looks_like_path(path), "{path}");
    }
    for other in
        ["NewOrder", "model::Input", "target/debug/x", "/tmp", "cargo xtask", "a/{b}", "0.1.0", ".rs"]
    {
        assert!(!looks_like_path(other), "{other}");
    }
}
