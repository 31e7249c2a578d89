//! Where the instructions of one stage go: the same run under callgrind, its profile read and added up, by function and
//! by source file. A function's figure is its own, without what it calls; what the compiler put into it counts as its
//! own there, and for the file it was written in here.

use std::collections::HashMap;
use std::fmt::Write as _;

/// Instructions by name, the largest first.
pub(crate) type Ranking = Vec<(String, u64)>;

/// What a profile adds up to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Breakdown {
    /// By function.
    pub(crate) functions: Ranking,
    /// By source file; what no file is known of stands under its library.
    pub(crate) files: Ranking,
    /// All together.
    pub(crate) total: u64,
}

/// A profile that callgrind would not have written.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line} of callgrind's profile is not understood: {text}")]
pub(crate) struct NotAProfile {
    line: usize,
    text: String,
}

/// Reads a profile with one event and positions by line: "Callgrind Format Specification" in the manual of valgrind.
pub(crate) fn read(profile: &str) -> Result<Breakdown, NotAProfile> {
    let mut reading = ProfileReader::default();
    for (number, text) in (1..).zip(profile.lines()) {
        reading.line(text).ok_or_else(|| NotAProfile { line: number, text: text.to_owned() })?;
    }
    let functions = ranked(reading.functions);
    let total = functions.iter().map(|(_, count)| count).sum();
    Ok(Breakdown { functions, files: ranked(reading.files), total })
}

fn ranked(counts: HashMap<String, u64>) -> Ranking {
    let mut ranking: Ranking = counts.into_iter().collect();
    ranking.sort_by(|(a, more), (b, less)| less.cmp(more).then_with(|| a.cmp(b)));
    ranking
}

#[derive(Default)]
struct ProfileReader {
    /// Names are written out once and numbered from then on; files, functions and objects each have numbers of their own.
    names: HashMap<(NameKind, String), String>,
    function: String,
    file: String,
    object: String,
    /// The next line is the cost of a call, which the called function has accounted for.
    called: bool,
    functions: HashMap<String, u64>,
    files: HashMap<String, u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum NameKind {
    File,
    Function,
    Object,
}

impl ProfileReader {
    fn line(&mut self, text: &str) -> Option<()> {
        if let Some((key, value)) = text.split_once('=') {
            match key {
                "fn" => self.function = self.name(NameKind::Function, value)?,
                "fl" | "fi" | "fe" => self.file = self.name(NameKind::File, value)?,
                "ob" => self.object = self.name(NameKind::Object, value)?,
                // The called side: only its names matter, they may stand here for the first time.
                "cfn" => drop(self.name(NameKind::Function, value)?),
                "cfi" | "cfl" => drop(self.name(NameKind::File, value)?),
                "cob" => drop(self.name(NameKind::Object, value)?),
                "calls" => self.called = true,
                _ => {}
            }
            return Some(());
        }
        // Costs begin with a line number: absolute, or relative to the one before.
        if !text.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            return Some(());
        }
        if std::mem::take(&mut self.called) {
            return Some(());
        }
        let count: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
        *self.functions.entry(self.function.clone()).or_default() += count;
        *self.files.entry(short(&self.file, &self.object)).or_default() += count;
        Some(())
    }

    /// `(12) name`, or `(12)` for a name that was given before.
    fn name(&mut self, kind: NameKind, value: &str) -> Option<String> {
        let (number, name) = value.strip_prefix('(')?.split_once(')')?;
        let key = (kind, number.to_owned());
        let name = name.trim();
        if !name.is_empty() {
            self.names.insert(key, name.to_owned());
            return Some(name.to_owned());
        }
        self.names.get(&key).cloned()
    }
}

/// A file as one looks for it: from the root of this workspace, a library by its name.
fn short(file: &str, object: &str) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../");
    let root = std::path::Path::new(root).canonicalize().unwrap_or_default();
    let path = std::path::Path::new(file);
    if let Ok(ours) = path.strip_prefix(&root) {
        return ours.display().to_string();
    }
    let parts: Vec<&str> = file.split('/').collect();
    let behind = |mark: &str| parts.iter().position(|part| *part == mark).map(|at| at + 2);
    if let Some(library) = behind("registry").and_then(|at| parts.get(at + 1)) {
        return format!("library {library}");
    }
    if parts.contains(&"rustc") {
        return "Rust's standard library".to_owned();
    }
    let object = object.rsplit('/').next().unwrap_or(object);
    if path.is_relative() && path.exists() { file.to_owned() } else { format!("object {object}") }
}

impl Breakdown {
    /// As a table for so many rounds; what is under half a per cent is one line.
    pub(crate) fn table(&self, stage: &str, rounds: u64) -> String {
        let mut table = format!("{stage}: {} instructions\n", self.total / rounds);
        for (title, ranking) in [("function", &self.functions), ("source", &self.files)] {
            let _ = writeln!(table, "\n{:>14}{:>8}  {title}", "instructions", "share");
            let _ = writeln!(table, "{}", "─".repeat(90));
            let shown = ranking.iter().take_while(|(_, count)| count * 200 >= self.total);
            let mut rest = self.total;
            for (name, count) in shown {
                rest -= count;
                let _ = writeln!(table, "{}", self.row(*count, rounds, name));
            }
            let _ = writeln!(table, "{}", self.row(rest, rounds, "all others"));
        }
        table
    }

    fn row(&self, count: u64, rounds: u64, name: &str) -> String {
        let tenths = count * 1000 / self.total.max(1);
        let share = format!("{}.{} %", tenths / 10, tenths % 10);
        format!("{:>14}{share:>8}  {name}", count / rounds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = "\
# callgrind format
positions: line
events: Ir
summary: 180

ob=(1) /usr/lib/libc.so.6
fl=(1) ???
fn=(1) memcpy
10 30

ob=(2) /target/budgets
fl=(2) /registry/src/index/crc32c-0.6.9/src/lib.rs
fn=(2) crc32c::crc32c
7 50
cob=(1)
cfn=(1)
calls=2 0
+1 30
fi=(3) /rustc/0/library/core/src/slice/mod.rs
+1 40
fe=(2)
* 5

fn=(3) core::apply
5 55
cfn=(2)
calls=1 7
* 125
";

    #[test]
    fn a_call_is_counted_where_it_went_and_inlined_code_where_it_was_written() {
        let account = read(PROFILE).unwrap();
        let row = |name: &str, count| (name.to_owned(), count);
        assert_eq!(account.total, 180);
        let functions = [row("crc32c::crc32c", 95), row("core::apply", 55), row("memcpy", 30)];
        assert_eq!(account.functions, functions);
        let files = [
            row("library crc32c-0.6.9", 110),
            row("Rust's standard library", 40),
            row("object libc.so.6", 30),
        ];
        assert_eq!(account.files, files);
    }

    #[test]
    fn a_name_that_was_never_given_and_a_cost_that_is_no_number_are_named() {
        assert_eq!(read("fn=(7)").unwrap_err(), NotAProfile { line: 1, text: "fn=(7)".to_owned() });
        assert_eq!(read("fn=(1) a\n3 x").unwrap_err().line, 2);
        assert_eq!(read("").unwrap(), Breakdown::default());
    }

    #[test]
    fn the_table_adds_up() {
        let table = read(PROFILE).unwrap().table("apply", 10);
        assert!(table.starts_with("apply: 18 instructions"), "{table}");
        assert!(table.contains("             9  52.7 %  crc32c::crc32c"), "{table}");
        assert!(table.contains("             0   0.0 %  all others"), "{table}");
    }
}
