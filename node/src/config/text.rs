//! The text of a configuration as it is kept: its files one behind the other, secrets left out. And what is otherwise in
//! another text, key by key.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::source::Source;

/// Stands where a secret was.
const REDACTED: &str = "\"(left out)\"";
/// A line that begins a file in the text. It is a comment, so the whole remains readable as TOML.
const FILE_MARK: &str = "# ---- file: ";
/// A key that ends like this holds a secret.
const SECRETS: &[&str] =
    &["password", "passphrase", "secret", "token", "credential", "private_key", "api_key"];
/// What tells the entries of a list apart.
const NAMES: &[&str] = &["name", "symbol"];

/// The text of a whole configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigText {
    text: String,
}

impl ConfigText {
    /// Of its files.
    pub(super) fn of<'a>(files: impl IntoIterator<Item = &'a Source>) -> Self {
        let mut text = String::new();
        for Source { file, text: content } in files {
            text.push_str(FILE_MARK);
            // Where the folder is, changes nothing.
            text.push_str(&file.file_name().unwrap_or_default().to_string_lossy());
            text.push('\n');
            text.push_str(&without_secrets(content));
            if !text.ends_with('\n') {
                text.push('\n');
            }
        }
        Self { text }
    }

    /// As it is kept.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// A file that is no TOML (instruments may be CSV) has no keys, and holds no secret.
fn without_secrets(content: &str) -> String {
    let Ok(document) = DeTable::parse(content) else { return content.to_owned() };
    let mut secrets = Vec::new();
    find_secrets(document.get_ref(), &mut secrets);
    secrets.sort_unstable_by_key(|span| span.start);
    let mut kept = String::with_capacity(content.len());
    let mut from = 0;
    for span in secrets {
        kept.push_str(content.get(from..span.start).unwrap_or_default());
        kept.push_str(REDACTED);
        from = span.end;
    }
    kept.push_str(content.get(from..).unwrap_or_default());
    kept
}

fn find_secrets(table: &DeTable<'_>, found: &mut Vec<Range<usize>>) {
    for (key, value) in table {
        let key = key.get_ref().to_ascii_lowercase();
        if SECRETS.iter().any(|secret| key.ends_with(secret)) {
            found.push(value.span());
        } else {
            look_inside(value.get_ref(), found);
        }
    }
}

fn look_inside(value: &DeValue<'_>, found: &mut Vec<Range<usize>>) {
    match value {
        DeValue::Table(table) => find_secrets(table, found),
        DeValue::Array(items) => items.iter().for_each(|item| look_inside(item.get_ref(), found)),
        _ => {}
    }
}

/// What `after` says otherwise than `before`, one key a line: `node.durability: process → disk`.
pub fn differences(before: &str, after: &str) -> Vec<String> {
    let (before, after) = (keys(before), keys(after));
    let mut differences = Vec::new();
    for (key, value) in &after {
        match before.get(key) {
            None => differences.push(format!("{key}: {value}, new")),
            Some(old) if old != value => differences.push(format!("{key}: {old} → {value}")),
            Some(_) => {}
        }
    }
    for (key, value) in before.iter().filter(|(key, _)| !after.contains_key(*key)) {
        differences.push(format!("{key}: {value}, gone"));
    }
    differences
}

/// Every value by its path, as it is written. A list of named things is gone through by name, so that their order says
/// nothing.
fn keys(text: &str) -> BTreeMap<String, String> {
    let mut keys = BTreeMap::new();
    for file in text.split(FILE_MARK).filter(|file| !file.is_empty()) {
        let content = file.split_once('\n').map_or("", |(_, content)| content);
        match DeTable::parse(content) {
            Ok(document) => spread_table("", document.get_ref(), content, &mut keys),
            Err(_) => keys.extend(lines(content)),
        }
    }
    keys
}

/// A line of a CSV file by its first field.
fn lines(content: &str) -> impl Iterator<Item = (String, String)> {
    let named = |line: &str| {
        let (name, rest) = line.split_once(',')?;
        Some((format!("instrument[{}]", name.trim()), rest.trim().to_owned()))
    };
    content.lines().filter_map(named)
}

fn spread_table(path: &str, table: &DeTable<'_>, content: &str, keys: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let key = key.get_ref();
        let path = if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
        spread(path, value, content, keys);
    }
}

fn spread(path: String, value: &Spanned<DeValue<'_>>, content: &str, keys: &mut BTreeMap<String, String>) {
    match value.get_ref() {
        DeValue::Table(table) => spread_table(&path, table, content, keys),
        DeValue::Array(items) if !items.is_empty() && items.iter().all(|item| name_of(item).is_some()) => {
            for item in items {
                spread(format!("{path}[{}]", name_of(item).unwrap_or_default()), item, content, keys);
            }
        }
        DeValue::String(text) => drop(keys.insert(path, text.to_string())),
        // Its digits, not what a floating point number makes of them.
        _ => drop(keys.insert(path, content.get(value.span()).unwrap_or_default().to_owned())),
    }
}

fn name_of<'a>(item: &'a Spanned<DeValue<'_>>) -> Option<&'a str> {
    let table = item.get_ref().as_table()?;
    NAMES.iter().find_map(|name| table.get(*name)?.get_ref().as_str())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn of(files: &[(&str, &str)]) -> ConfigText {
        let sources: Vec<Source> =
            files.iter().map(|(name, text)| Source::new(Path::new(name), text)).collect();
        ConfigText::of(&sources)
    }

    #[test]
    fn the_files_stand_one_behind_the_other_and_secrets_are_left_out() {
        let node = "[api]\ntoken = 'abc' # of the console\n[[session]]\nname = \"A\"\nlogon = { Password = \"p\\\"w\", user = 7 }\n";
        let text = of(&[("a/node.toml", node), ("instruments.csv", "IBM,equity")]);
        assert_eq!(
            text.as_str(),
            "# ---- file: node.toml\n[api]\ntoken = \"(left out)\" # of the console\n[[session]]\nname = \"A\"\n\
             logon = { Password = \"(left out)\", user = 7 }\n# ---- file: instruments.csv\nIBM,equity\n"
        );
    }

    #[test]
    fn differences_go_by_key_and_by_name() {
        let before = of(&[
            (
                "node.toml",
                "x = 1\n[node]\ndurability = \"process\"\n[[account]]\nname = \"A\"\nlimits = { a = 1_000.10 }\n[[account]]\nname = \"B\"\n",
            ),
            ("i.csv", "IBM, equity\nMSFT, equity\n"),
        ]);
        let after = of(&[
            (
                "node.toml",
                "[node]\ndurability = \"disk\" # said otherwise\n[[account]]\nname = \"C\"\n[[account]]\nname = \"A\"\nlimits = { a = 2 }\n",
            ),
            ("i.csv", "IBM, fund\nMSFT, equity\n"),
        ]);
        assert_eq!(
            differences(before.as_str(), after.as_str()),
            [
                "account[A].limits.a: 1_000.10 → 2",
                "account[C].name: C, new",
                "instrument[IBM]: equity → fund",
                "node.durability: process → disk",
                "account[B].name: B, gone",
                "x: 1, gone",
            ]
        );
        assert_eq!(differences(after.as_str(), after.as_str()), [] as [&str; 0]);
        assert_eq!(differences("", "").len(), 0);
    }
}
