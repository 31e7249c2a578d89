//! The tables of `docs/local-protocol.md` are the table of words. `GANNET_WRITE_PAGE=1 cargo test -p wire page` writes them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use wire::vocabulary::{Holds, Member, Worded};
use wire::{Answer, requests};

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/local-protocol.md")
}

fn answers() -> Vec<Member> {
    match Answer::holds() {
        Holds::Either(answers) => answers,
        other => panic!("{other:?}"),
    }
}

fn list(words: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{}`", word.as_ref())).collect();
    words.join(", ")
}

/// Which members have a question mark.
type Optional = fn(&Member) -> bool;

/// In a request: what may be left out, too.
fn asked(member: &Member) -> bool {
    member.may_be_null || member.has_default
}

/// In an answer.
fn answered(member: &Member) -> bool {
    member.may_be_null
}

/// The members by name alone.
fn names(holds: &Holds, optional: Optional) -> String {
    let name = |member: &Member| format!("`{}`{}", member.name, if optional(member) { "?" } else { "" });
    let names = |members: &[Member], between| members.iter().map(name).collect::<Vec<_>>().join(between);
    match holds {
        Holds::Members(members) if members.is_empty() => "none: `{}`".to_owned(),
        Holds::Members(members) => names(members, ", "),
        Holds::Either(members) => names(members, " or "),
        other => kind(other),
    }
}

fn kind(holds: &Holds) -> String {
    match holds {
        Holds::Text => "text".to_owned(),
        Holds::Decimal => "decimal".to_owned(),
        Holds::Whole => "number".to_owned(),
        Holds::Truth => list(["true", "false"]),
        Holds::OneOf(words) => list(words),
        Holds::Members(members) if members.is_empty() => "`{}`".to_owned(),
        Holds::Members(_) => "object".to_owned(),
        Holds::Either(_) => "object with one of".to_owned(),
        Holds::List(of) => format!("list: {}", kind(of)),
        Holds::Any => "any JSON".to_owned(),
    }
}

/// A row for each member, and for what is inside of it.
fn rows(within: &str, holds: &Holds, optional: Optional, text: &mut String) {
    match holds {
        Holds::Members(members) | Holds::Either(members) => {
            for member in members {
                let (name, mark) =
                    (format!("{within}{}", member.name), if optional(member) { "?" } else { "" });
                let (kind, says) = (kind(&member.holds), &member.says);
                writeln!(text, "| `{name}`{mark} | {kind} | {says} |").unwrap();
                let dot = if matches!(member.holds, Holds::List(_)) { "[]." } else { "." };
                rows(&format!("{name}{dot}"), &member.holds, optional, text);
            }
        }
        Holds::List(of) => rows(within, of, optional, text),
        _ => {}
    }
}

/// The members of each of these words; words with the same members share their table.
fn members<'a>(words: impl Iterator<Item = &'a Member>, optional: Optional) -> String {
    let mut shared: Vec<(Vec<&str>, &Holds)> = Vec::new();
    for word in words {
        match shared.iter_mut().find(|(_, holds)| **holds == word.holds) {
            Some((names, _)) => names.push(&word.name),
            None => shared.push((vec![&word.name], &word.holds)),
        }
    }
    let mut text = String::new();
    for (names, holds) in shared {
        let mut inside = String::new();
        rows("", holds, optional, &mut inside);
        if !inside.is_empty() {
            let names = list(names);
            write!(text, "\n{names}:\n\n| member | what | meaning |\n| --- | --- | --- |\n{inside}").unwrap();
        }
    }
    text
}

fn of_requests() -> String {
    let mut text =
        "| word | meaning | members | answered by | command |\n| --- | --- | --- | --- | --- |\n".to_owned();
    for request in requests() {
        let (word, answers) = (&request.word, list(request.answers));
        let commands = list(request.commands.iter().map(|command| format!("gannet {command}")));
        let (name, says, members) = (&word.name, &word.says, names(&word.holds, asked));
        writeln!(text, "| `{name}` | {says} | {members} | {answers} | {commands} |").unwrap();
    }
    text + &members(requests().iter().map(|request| &request.word), asked)
}

fn of_answers() -> String {
    let mut text = "| word | meaning | members |\n| --- | --- | --- |\n".to_owned();
    for answer in answers() {
        writeln!(text, "| `{}` | {} | {} |", answer.name, answer.says, names(&answer.holds, answered))
            .unwrap();
    }
    text + &members(answers().iter(), answered)
}

/// The page with the tables between their marks as they are now.
fn page(before: &str) -> String {
    let mut page = before.to_owned();
    for (name, tables) in [("requests", of_requests()), ("answers", of_answers())] {
        let (begin, end) =
            (format!("<!-- {name}: made of wire/src -->\n"), format!("<!-- end of {name} -->"));
        let (head, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("no mark for the {name}"));
        let (_, tail) = rest.split_once(&end).unwrap_or_else(|| panic!("no end of the {name}"));
        page = format!("{head}{begin}\n{tables}\n{end}{tail}");
    }
    page
}

#[test]
fn the_page_has_every_word_with_its_members_and_no_other() {
    let before = std::fs::read_to_string(path()).unwrap();
    let now = page(&before);
    if std::env::var_os("GANNET_WRITE_PAGE").is_some() {
        std::fs::write(path(), now).unwrap();
        return;
    }
    let differs = before.lines().zip(now.lines()).find(|(before, now)| before != now);
    assert!(
        before == now,
        "docs/local-protocol.md is not what wire/src says; GANNET_WRITE_PAGE=1 cargo test -p wire page writes it: {differs:?}"
    );
}

#[test]
fn every_answer_is_to_a_request() {
    let known: BTreeSet<String> = answers().into_iter().map(|answer| answer.name).collect();
    let mut given: BTreeSet<String> = BTreeSet::from(["refused".to_owned()]);
    for request in requests() {
        for answer in request.answers {
            assert!(known.contains(*answer), "{}: there is no answer {answer}", request.word.name);
            given.insert((*answer).to_owned());
        }
    }
    assert_eq!(given, known, "an answer to nothing");
}

#[test]
fn every_word_says_what_it_means() {
    fn inside(holds: &Holds) {
        match holds {
            Holds::Members(members) | Holds::Either(members) => members.iter().for_each(check),
            Holds::List(of) => inside(of),
            _ => {}
        }
    }
    fn check(member: &Member) {
        let (name, says) = (&member.name, &member.says);
        assert!(says.ends_with(['.', '?']), "{name}: {says:?}");
        assert!(!says.contains("[`"), "{name}: a link that only rustdoc follows: {says}");
        inside(&member.holds);
    }
    for request in requests() {
        check(&request.word);
    }
    answers().iter().for_each(check);
}
