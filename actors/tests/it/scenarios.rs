//! What the core does, told so that a trader can read it: the text files in `actors/tests/scenarios`.
//!
//! A file is a list of statements, one a line. `given` prepares the firm, `when` says what happens, `then` says what
//! must be so. `CONTRIBUTING.md` lists the words. Nothing is guessed: a word that is not known is an error, and so is
//! a refusal or an alert that no `then` speaks of.

mod stage;

use std::fmt::Write as _;
use std::path::Path;

use self::stage::Stage;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios");

/// Why a statement does not hold.
#[derive(Debug, PartialEq, Eq)]
enum Fault {
    /// It is not a statement.
    Unreadable(String),
    /// Something else is so.
    Differs { expected: String, actual: String },
}

/// What goes wrong is told with the line it stands on.
fn play(text: &str) -> Result<usize, String> {
    let mut stage = Stage::new();
    let (mut stated, mut happened) = (0, false);
    for (index, line) in text.lines().enumerate() {
        let said = line.split('#').next().unwrap_or_default();
        let words: Vec<&str> = said.split_whitespace().collect();
        let told = match words.as_slice() {
            [] => continue,
            ["given", ..] if happened => unreadable("`given` stands before the first `when`"),
            ["given", words @ ..] => stage.given(words),
            ["when", words @ ..] => {
                happened = true;
                stage.nothing_unspoken().and_then(|()| stage.when(words))
            }
            ["then", words @ ..] if happened => stage.then(words),
            _ => unreadable("a line begins with `given`, `when` or, after a `when`, with `then`"),
        };
        told.map_err(|fault| described(index + 1, line, &fault))?;
        stated += usize::from(words.first() == Some(&"then"));
    }
    let last = text.lines().count();
    stage.nothing_unspoken().map_err(|fault| described(last, "the end", &fault))?;
    if stated == 0 { Err("nothing is stated: there is no `then`".to_owned()) } else { Ok(stated) }
}

fn unreadable(why: impl Into<String>) -> Result<(), Fault> {
    Err(Fault::Unreadable(why.into()))
}

/// Equal as text, or told both.
fn same(expected: &str, actual: &str) -> Result<(), Fault> {
    if expected == actual {
        return Ok(());
    }
    Err(Fault::Differs { expected: expected.to_owned(), actual: actual.to_owned() })
}

fn described(number: usize, line: &str, fault: &Fault) -> String {
    let mut text = format!("line {number}: {}\n", line.trim());
    let _ = match fault {
        Fault::Unreadable(why) => writeln!(text, "  {why}"),
        Fault::Differs { expected, actual } => writeln!(text, "  expected: {expected}\n  actual:   {actual}"),
    };
    text
}

#[test]
fn every_scenario_holds() {
    let entries = std::fs::read_dir(Path::new(FOLDER)).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 10, "scenarios have gone: {}", paths.len());
    let mut wrong = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        if let Err(why) = play(&text) {
            wrong.push(format!("{}, {why}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const BEGIN: &str = "given account ALPHA\ngiven cash ALPHA 1000 USD\ngiven quote ACME 10 10\n";

fn wrong(rest: &str) -> String {
    play(&format!("{BEGIN}{rest}")).unwrap_err()
}

#[test]
fn what_is_not_so_is_told_with_its_line_and_both_values() {
    let told = wrong("when ALPHA buys 40 ACME at 10 as A\n\nthen cash ALPHA USD available 700\n");
    assert_eq!(told, "line 6: then cash ALPHA USD available 700\n  expected: 700\n  actual:   600\n");
    let told = wrong("when ALPHA buys 40 ACME at 10 as A\nthen A is new 0 of 40");
    assert_eq!(
        told,
        "line 5: then A is new 0 of 40\n  expected: new 0 of 40\n  actual:   pending_new 0 of 40\n"
    );
}

#[test]
fn a_refusal_or_an_alert_must_be_spoken_of() {
    let order = "when ALPHA buys 101 ACME at 10 as A\n";
    assert!(wrong(order).contains("nobody speaks of: denied 407 limit 1000 actual 1010"));
    assert!(wrong(&format!("{order}then denied 407 limit 1000 actual 1011")).contains("actual 1010"));
    let filled =
        "when ALPHA buys 10 ACME at 10 as A\nwhen broker accepts A\nwhen broker fills 11 of A at 10\n";
    assert!(wrong(&format!("{filled}when broker expires A")).contains("nobody speaks of: alert Overfill"));
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let unknown =
        ["if it rains", "given moon", "when ALPHA buys many ACME at 10 as A", "when B is cancelled", "when"];
    for line in unknown {
        assert!(wrong(line).starts_with("line 4: "), "{line}");
    }
    let after = ["then nothing", "then A is", "then cash GAMMA USD available 1", "given quote ACME 1 1"];
    for line in after {
        let told = wrong(&format!("when ALPHA buys 1 ACME at 10 as A\n{line}"));
        assert!(told.starts_with("line 5: "), "{told}");
    }
    assert!(play(BEGIN).is_err(), "nothing is stated");
    assert!(wrong("then sent nothing").starts_with("line 4: "), "nothing has happened");
}
