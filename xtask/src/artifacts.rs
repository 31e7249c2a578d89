//! A build with one line of progress, which reports the programs it made.
//!
//! Cargo is asked for JSON messages, one a line. Two facts of each are used (is it a program of this kind, and
//! where is it), so they are picked out by hand instead of bringing a JSON library into a crate without any
//! dependency. That the program is where cargo says, and not where we suppose, is what makes every way of moving
//! the target directory work.

use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Instant;

use crate::workspace;

/// Builds with `cargo build {arguments}`; returns the programs of `kind` (`bin`, `example`) in cargo's order.
pub(crate) fn build(kind: &str, arguments: &[&str]) -> Result<Vec<PathBuf>, String> {
    let started = Instant::now();
    let mut child = workspace::cargo()
        .args(["build", "--quiet", "--message-format=json-render-diagnostics"])
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    let mut programs = Vec::new();
    if let Some(output) = child.stdout.take() {
        let mut built = 0;
        for line in BufReader::new(output).lines() {
            let line = line.map_err(|error| format!("cannot read what cargo prints: {error}"))?;
            built += u32::from(line.starts_with(ARTIFACT));
            show_progress(built, started, field(&line, "\"name\":\"").unwrap_or_default().as_str());
            programs.extend(program(&line, kind));
        }
    }
    let status = child.wait().map_err(|error| format!("cannot wait for cargo: {error}"))?;
    clear_progress();
    if status.success() {
        eprintln!("built in {:.1} s", started.elapsed().as_secs_f64());
        Ok(programs)
    } else {
        Err(format!("`cargo build {}` failed: {status}", arguments.join(" ")))
    }
}

const ARTIFACT: &str = "{\"reason\":\"compiler-artifact\"";

/// The program a message is about, where it is one of `kind`.
fn program(line: &str, kind: &str) -> Option<PathBuf> {
    let is_kind = line.starts_with(ARTIFACT) && line.contains(&format!("\"kind\":[\"{kind}\"]"));
    if is_kind { field(line, "\"executable\":\"").map(PathBuf::from) } else { None }
}

/// The JSON string behind `key`, with its escapes of `"` and `\` undone.
fn field(line: &str, key: &str) -> Option<String> {
    let (_, rest) = line.split_once(key)?;
    let mut value = String::new();
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '"' => return Some(value),
            '\\' => value.push(chars.next()?),
            other => value.push(other),
        }
    }
}

fn show_progress(built: u32, started: Instant, name: &str) {
    if io::stderr().is_terminal() {
        // Cut to a narrow terminal's width: a line that wraps cannot be overwritten.
        let line = format!("building: {built} done, {} s, last: {name}", started.elapsed().as_secs());
        eprint!("\r\x1b[K{}", line.chars().take(76).collect::<String>());
        // A progress display that cannot be shown is no reason to stop.
        let _ = io::stderr().flush();
    }
}

fn clear_progress() {
    if io::stderr().is_terminal() {
        eprint!("\r\x1b[K");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = concat!(
        r#"{"reason":"compiler-artifact","package_id":"path+file:///x#gannet@0.1.0","#,
        r#""target":{"kind":["bin"],"crate_types":["bin"],"name":"gannet","src_path":"/x/main.rs"},"#,
        r#""filenames":["/t/a\"b/release/gannet"],"executable":"/t/a\"b/release/gannet","fresh":true}"#
    );

    #[test]
    fn finds_the_program_with_its_escapes_undone() {
        assert_eq!(program(LINE, "bin"), Some(PathBuf::from("/t/a\"b/release/gannet")));
    }

    #[test]
    fn other_messages_name_no_program() {
        assert_eq!(program(LINE, "example"), None);
        assert_eq!(program(&LINE.replace("compiler-artifact", "build-script-executed"), "bin"), None);
        let library = r#"{"reason":"compiler-artifact","target":{"kind":["bin"]},"executable":null}"#;
        assert_eq!(program(library, "bin"), None);
        assert_eq!(program(r#"{"reason":"compiler-artifact","kind":["bin"],"executable":"cut"#, "bin"), None);
    }
}
