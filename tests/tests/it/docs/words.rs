//! One word for one idea: no two types share a name, but for those on a list that only gets shorter.
//!
//! `words.txt` holds the list: a name, how many types bear it, and why it may. Who renames one takes it from the list,
//! since the test refuses more than there are; who adds one has to think of a better name.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::root;

const LIST: &str = include_str!("words.txt");

/// How many types on the list share their name with another. Only ever lowered.
const AT_MOST: usize = 243;

/// The name of the type that a line defines: none for a type inside a trait or an `impl`, which is a name for another.
fn defined(line: &str) -> Option<&str> {
    let is_inside = line.starts_with(' ');
    let words: Vec<&str> = line.split_whitespace().skip_while(|word| word.starts_with("pub")).collect();
    let name = match words.as_slice() {
        ["struct" | "enum" | "trait" | "union", name, ..] => name,
        ["type", name, ..] if !is_inside => name,
        _ => return None,
    };
    let name = name.split(|c: char| !c.is_alphanumeric()).next()?;
    name.starts_with(|c: char| c.is_uppercase()).then_some(name)
}

/// The names that a file defines outside its tests.
fn names(text: &str) -> Vec<&str> {
    let product = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    product.lines().filter_map(defined).collect()
}

fn is_test(path: &Path) -> bool {
    path.file_stem().and_then(|stem| stem.to_str()).is_some_and(|stem| stem.ends_with("tests"))
}

/// Every Rust file of the product below a folder.
pub(crate) fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && !is_test(&path) {
            found.push(path);
        }
    }
}

/// Each name with the files that define a type of it.
fn types() -> BTreeMap<String, Vec<String>> {
    let mut types: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for member in super::members() {
        let mut files = Vec::new();
        let src = root().join(&member).join("src");
        if src.is_dir() {
            sources(&src, &mut files);
        }
        files.sort();
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            let shown = file.strip_prefix(root()).unwrap().display().to_string();
            for name in names(&text) {
                types.entry(name.to_owned()).or_default().push(shown.clone());
            }
        }
    }
    types
}

/// What the list allows, with its reason.
fn allowed() -> BTreeMap<&'static str, (usize, &'static str)> {
    let lines = LIST.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, rest) = line.split_once(' ').unwrap();
            let (count, reason) = rest.trim_start().split_once(' ').unwrap();
            (name, (count.parse().unwrap(), reason.trim()))
        })
        .collect()
}

#[test]
fn one_word_names_one_type() {
    let allowed = allowed();
    let mut wrong = Vec::new();
    let types = types();
    assert!(types.len() > 300, "types have gone: {}", types.len());
    for (name, files) in &types {
        let most = allowed.get(name.as_str()).map_or(1, |(count, _)| *count);
        if files.len() > most {
            wrong.push(format!("{name}: {} types, {most} allowed: {}", files.len(), files.join(", ")));
        }
    }
    assert!(wrong.is_empty(), "give the new one a name of its own:\n{}", wrong.join("\n"));
}

#[test]
fn the_list_only_gets_shorter() {
    let (allowed, types) = (allowed(), types());
    for (name, (count, reason)) in &allowed {
        let there = types.get(*name).map_or(0, Vec::len);
        assert!(
            *count > 1 && there >= *count,
            "words.txt allows {count} of {name}, there are {there}: lower it"
        );
        assert!(reason.split(' ').count() > 2, "words.txt gives no reason for {name}");
    }
    let total: usize = allowed.values().map(|(count, _)| count).sum();
    assert_eq!(
        total, AT_MOST,
        "words.txt allows {total} types; the number beside the test is lowered with it"
    );
}

#[test]
fn what_defines_a_type() {
    for (line, name) in [
        ("pub struct Line {", "Line"),
        ("pub(crate) enum Row<T> {", "Row"),
        ("    pub trait Clock: Send {", "Clock"),
        ("struct There([u64; 16]);", "There"),
        ("pub type OrderId = WireId;", "OrderId"),
    ] {
        assert_eq!(defined(line), Some(name));
    }
    for line in ["    type Item = u8;", "// struct Line", "let structure = 1;", "pub enum $name { }", ""] {
        assert_eq!(defined(line), None, "{line}");
    }
    let text = "struct One;\n#[cfg(test)]\nmod tests {\n    struct Two;\n}\n";
    assert_eq!(names(text), ["One"]);
}
