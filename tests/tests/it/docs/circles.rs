//! Arrows between the files of a crate point one way.
//!
//! A file *uses* another where it names something that the other defines: in a `use`, or by a path that begins with
//! `crate`, `self`, `super` or a module it has imported. What a module only passes on (`pub use`) counts as the file's that
//! defines it, and to pass on is no use. Tests do not count. A module and what stands in its folder are one thing told in
//! several files, so a file may name the modules it stands in. With that left out, no way along the arrows may lead back to
//! where it began.

#![expect(clippy::indexing_slicing, reason = "test code: clippy exempts only the test functions themselves")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::{members, root, words};

type Module = Vec<String>;

/// The files of a crate by module: where each stands, and its code without comments, texts and tests.
type Files = BTreeMap<Module, (String, String)>;

/// A path that a file names, and whether it only passes it on.
struct Named {
    path: Vec<String>,
    is_passed_on: bool,
}

/// Code without comments and texts; what they say is no use of anything.
fn code(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if c == '"' {
            end_of_text(rest)
        } else {
            code.push(c);
            c.len_utf8()
        };
        rest = &rest[skipped..];
    }
    code
}

fn end_of_text(rest: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            '"' if !is_escaped => return at + 1,
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    rest.len()
}

/// Tests stand at the end of a file, or in one of their own.
fn product(text: &str) -> String {
    let text = text.replace("'\"'", "' '");
    code(text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default())
}

fn files_of(src: &Path) -> Files {
    let mut found = Vec::new();
    words::sources(src, &mut found);
    let is_library = src.join("lib.rs").exists();
    let of_library =
        |path: &PathBuf| !(path.starts_with(src.join("bin")) || is_library && path.ends_with("main.rs"));
    let files = found.into_iter().filter(of_library).map(|path| {
        let shown = path.strip_prefix(src).unwrap().display().to_string();
        let mut module: Module = shown.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
            module.pop();
        }
        (module, (shown, product(&fs::read_to_string(&path).unwrap())))
    });
    files.collect()
}

/// The paths of a `use` with its braces written out.
fn written_out(tree: &str) -> Vec<String> {
    let tree = tree.split(" as ").next().unwrap_or_default().trim();
    let Some((head, rest)) = tree.split_once('{') else { return vec![tree.to_owned()] };
    let inside = rest.strip_suffix('}').unwrap_or(rest);
    let (mut depth, mut start, mut branches) = (0, 0, Vec::new());
    for (at, c) in inside.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                branches.push(&inside[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    branches.push(&inside[start..]);
    let branches = branches.into_iter().map(str::trim).filter(|branch| !branch.is_empty());
    branches.flat_map(written_out).map(|branch| format!("{head}{branch}")).collect()
}

fn segments(path: &str) -> Vec<String> {
    path.split("::").map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Every path that the code names: those of its `use` items first, then those in its body.
fn named(code: &str) -> Vec<Named> {
    let (mut names, mut body) = (Vec::new(), String::new());
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let item = line.trim_start();
        let visible = item.starts_with("pub");
        let tree =
            if visible { item.split_once(" use ").map(|(_, tree)| tree) } else { item.strip_prefix("use ") };
        let Some(tree) = tree.filter(|_| !visible || item.starts_with("pub use") || item.contains(") use "))
        else {
            body.push_str(line);
            body.push('\n');
            continue;
        };
        let mut tree = tree.to_owned();
        while !tree.contains(';') {
            let Some(more) = lines.next() else { break };
            tree.push_str(more.trim());
        }
        let tree = tree.split(';').next().unwrap_or_default();
        names.extend(
            written_out(tree).iter().map(|path| Named { path: segments(path), is_passed_on: visible }),
        );
    }
    let is_of_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let paths = body.split(|c| !is_of_path(c)).filter(|word| word.contains("::"));
    names.extend(paths.map(|path| Named { path: segments(path), is_passed_on: false }));
    names
}

struct Crate {
    files: Files,
    named: BTreeMap<Module, Vec<Named>>,
}

impl Crate {
    fn of(files: Files) -> Self {
        let named = files.iter().map(|(module, (_, code))| (module.clone(), named(code))).collect();
        Self { files, named }
    }

    /// A path from the root of the crate; `None` where it leads into another crate.
    fn rooted(&self, module: &Module, path: &[String]) -> Option<Module> {
        let first = path.first()?;
        let mut base = module.clone();
        match first.as_str() {
            "crate" => Some(path[1..].to_vec()),
            "self" => Some([base.as_slice(), &path[1..]].concat()),
            "super" => {
                let ups = path.iter().take_while(|name| *name == "super").count();
                base.truncate(base.len().saturating_sub(ups));
                Some([base.as_slice(), &path[ups..]].concat())
            }
            _ => {
                base.push(first.clone());
                if self.files.contains_key(&base) {
                    return Some([base.as_slice(), &path[1..]].concat());
                }
                let imported = self.imported(module, first)?;
                Some([imported.as_slice(), &path[1..]].concat())
            }
        }
    }

    /// The module that a file imported under this name.
    fn imported(&self, module: &Module, name: &String) -> Option<Module> {
        let uses = self.named.get(module)?.iter().filter(|named| named.path.last() == Some(name));
        let anchored = uses.filter(|named| matches!(named.path[0].as_str(), "crate" | "super" | "self"));
        let mut paths = anchored.filter_map(|named| self.rooted(module, &named.path));
        paths.find(|path| self.files.contains_key(path))
    }

    /// The file that defines what a path leads to.
    fn defines(&self, path: &Module, depth: usize) -> Option<Module> {
        let len = (0..=path.len()).rev().find(|len| self.files.contains_key(&path[..*len]))?;
        let (module, rest) = (path[..len].to_vec(), &path[len..]);
        let passed_on = rest.first().filter(|_| depth < 8).and_then(|name| {
            let mut passed = self.named[&module].iter().filter(|named| named.is_passed_on);
            let passed = passed.find(|named| named.path.last() == Some(name))?;
            let target = self.rooted(&module, &passed.path)?;
            (target != *path).then(|| self.defines(&target, depth + 1)).flatten()
        });
        Some(passed_on.unwrap_or(module))
    }

    /// Who uses whom.
    fn arrows(&self) -> BTreeMap<&Module, BTreeSet<&Module>> {
        let arrows = self.named.iter().map(|(module, names)| {
            let uses = names.iter().filter(|named| !named.is_passed_on);
            let paths = uses.filter_map(|named| self.rooted(module, &named.path));
            let targets = paths.filter_map(|path| self.defines(&path, 0));
            let others = targets.filter(|target| !module.starts_with(target));
            (module, others.filter_map(|target| Some(self.files.get_key_value(&target)?.0)).collect())
        });
        // The root passes everything on and defines what belongs to nobody.
        arrows.filter(|(module, _): &(&Module, _)| !module.is_empty()).collect()
    }

    /// The first way along the arrows that leads back to where it began, in words.
    fn circle(&self) -> Option<String> {
        let arrows = self.arrows();
        let (mut done, mut way) = (BTreeSet::new(), Vec::new());
        let circle = arrows.keys().find_map(|start| walk(start, &arrows, &mut done, &mut way))?;
        let mut shown = String::new();
        for module in &circle {
            let _ = write!(shown, "{} -> ", self.files[*module].0);
        }
        Some(format!("{shown}{}", self.files[circle[0]].0))
    }
}

fn walk<'a>(
    at: &'a Module,
    arrows: &BTreeMap<&'a Module, BTreeSet<&'a Module>>,
    done: &mut BTreeSet<&'a Module>,
    way: &mut Vec<&'a Module>,
) -> Option<Vec<&'a Module>> {
    if let Some(first) = way.iter().position(|passed| *passed == at) {
        return Some(way[first..].to_vec());
    }
    if !done.insert(at) {
        return None;
    }
    way.push(at);
    let found = arrows.get(at)?.iter().find_map(|next| walk(next, arrows, done, way));
    way.pop();
    found
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let (mut circles, mut looked_at) = (String::new(), 0);
    for member in members() {
        let src = root().join(&member).join("src");
        if !src.is_dir() {
            continue;
        }
        let found = Crate::of(files_of(&src));
        looked_at += found.arrows().values().map(BTreeSet::len).sum::<usize>();
        if let Some(circle) = found.circle() {
            let _ = writeln!(circles, "{member}: {circle}");
        }
    }
    assert!(looked_at > 800, "arrows are not seen any more: {looked_at}");
    assert!(circles.is_empty(), "move what both need into a file below both:\n{circles}");
}

fn planted(files: &[(&str, &str)]) -> Option<String> {
    let files = files.iter().map(|(module, text)| {
        let shown = format!("{}.rs", module.replace("::", "/"));
        (segments(module), (shown, product(text)))
    });
    Crate::of(files.collect()).circle()
}

#[test]
fn a_planted_circle_is_named() {
    let closed = planted(&[
        ("", "mod a;\nmod b;\nmod c;\npub use a::A;\n"),
        ("a", "use crate::{b::{B, Other}};\npub struct A;\n"),
        ("b", "use crate::c;\nfn f() { c::g() }\n"),
        ("c", "//! Not `crate::a::A`.\nuse crate::A;\n"),
    ]);
    assert_eq!(closed.as_deref(), Some("a.rs -> b.rs -> c.rs -> a.rs"));
    let by_path = planted(&[("a", "fn f() { super::b::g() }\n"), ("b", "fn g() { crate::a::f() }\n")]);
    assert_eq!(by_path.as_deref(), Some("a.rs -> b.rs -> a.rs"));
}

#[test]
fn a_folder_is_one_thing_and_tests_and_what_is_passed_on_do_not_count() {
    let open = planted(&[
        ("", "mod a;\nmod b;\npub use a::A;\n"),
        ("a", "mod c;\npub(crate) use c::C;\nuse c::inner;\npub struct A;\n"),
        ("a::c", "use super::A;\npub(crate) struct C;\n"),
        ("b", "use crate::A;\n#[cfg(test)]\nmod tests {\n    use crate::d;\n}\n"),
        ("d", "use crate::b::f;\nconst TEXT: &str = \"crate::a\";\n"),
    ]);
    assert_eq!(open, None);
}

/// What a part may name of its crate, beside its own folder: what it sees, its hands, what it hears, and the ground.
const SEEN_BY_PARTS: [&str; 10] =
    ["account", "books", "core", "fact", "fingerprint", "hands", "must", "outcome", "part", "store"];

/// Who may name a part: the state that holds it, the table of contents, and what reads old snapshots.
const KNOWS_PARTS: [&str; 3] = ["core", "sections", "trading"];

/// What is wrong with an arrow of the crate that has parts.
fn misplaced(from: &Module, to: &Module) -> Option<String> {
    let shown = format!("{} names {}", from.join("/"), to.join("/"));
    match (from.as_slice(), to.as_slice()) {
        ([parts, part, ..], [others, other, ..]) if parts == "parts" && others == "parts" => {
            (part != other).then(|| format!("{shown}: parts hear facts, and never name each other"))
        }
        ([parts, ..], [seen, ..]) if parts == "parts" => (!SEEN_BY_PARTS.contains(&seen.as_str()))
            .then(|| format!("{shown}: that is not a part's business")),
        ([who, ..], [parts, ..]) if parts == "parts" => (!KNOWS_PARTS.contains(&who.as_str()))
            .then(|| format!("{shown}: what is told to parts goes through the table of contents")),
        _ => None,
    }
}

#[test]
fn parts_never_name_each_other_and_nobody_names_them_but_the_contents() {
    let actors = Crate::of(files_of(&root().join("actors/src")));
    let arrows = actors.arrows();
    let wrong: Vec<String> = arrows
        .iter()
        .flat_map(|(from, targets)| targets.iter().filter_map(|to| misplaced(from, to)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let contents = &actors.files[&vec!["trading".to_owned()]].1;
    let parts: BTreeSet<&str> = actors
        .files
        .keys()
        .filter(|module| module.len() > 1 && module[0] == "parts")
        .map(|module| module[1].as_str())
        .collect();
    assert!(parts.len() >= 2);
    for part in parts {
        assert!(
            contents.contains(&format!("crate::parts::{part}::")),
            "{part} is not in the table of contents"
        );
    }
}

#[test]
fn what_is_misplaced() {
    let arrow = |from: &str, to: &str| misplaced(&segments(from), &segments(to)).is_some();
    assert!(arrow("parts::movements", "parts::settlement::state"));
    assert!(arrow("parts::movements::state", "orders"));
    assert!(arrow("staging", "parts::settlement"));
    assert!(!arrow("parts::movements", "parts::movements::state"));
    assert!(!arrow("trading", "parts::movements"));
    assert!(!arrow("parts::movements", "books::ledger"));
}
