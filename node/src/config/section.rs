//! Reads one TOML table key by key, keeps the places, and collects everything that is wrong with it.
//!
//! Serde would give values without places and stop at the first error; an operator wants all of them at once.

use std::cell::RefCell;
use std::ops::Range;

use readable::suggest::{did_you_mean, listed};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::source::{At, ConfigError, Located, Problem, Source};

/// Why a value is not what its key takes: what is allowed, in words.
pub(crate) type Allowed = String;

/// What is wrong so far.
#[derive(Debug, Default)]
pub(crate) struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    pub(crate) fn add(&self, at: At, key: &str, text: impl Into<String>) {
        self.0.borrow_mut().push(Problem { at, key: key.to_owned(), text: text.into() });
    }

    pub(crate) fn are_none(&self) -> bool {
        self.0.borrow().is_empty()
    }

    pub(crate) fn push(&self, problem: Problem) {
        self.0.borrow_mut().push(problem);
    }

    pub(crate) fn into_result(self) -> Result<(), ConfigError> {
        let mut problems = self.0.into_inner();
        if problems.is_empty() {
            return Ok(());
        }
        problems
            .sort_by(|a, b| (&a.at.file, a.at.line, a.at.column).cmp(&(&b.at.file, b.at.line, b.at.column)));
        Err(ConfigError::Wrong(problems))
    }
}

/// Parses a document.
pub(crate) fn parse_document(source: &Source) -> Result<Spanned<DeTable<'_>>, Problem> {
    DeTable::parse(&source.text).map_err(|error| Problem {
        at: source.at(&error.span().unwrap_or(0..0)),
        key: "syntax".to_owned(),
        text: error.message().to_owned(),
    })
}

/// One table being read.
pub(crate) struct Section<'a> {
    source: &'a Source,
    problems: &'a Problems,
    name: String,
    span: Range<usize>,
    table: &'a DeTable<'a>,
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    pub(crate) fn new(
        source: &'a Source,
        problems: &'a Problems,
        name: &str,
        span: Range<usize>,
        table: &'a DeTable<'a>,
    ) -> Self {
        Self { source, problems, name: name.to_owned(), span, table, asked: RefCell::default() }
    }

    /// Where the table starts.
    pub(crate) fn at(&self) -> At {
        self.source.at(&self.span)
    }

    /// The key with the section's name before it.
    pub(crate) fn path(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    fn get(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.borrow_mut().push(key);
        self.table.get(key)
    }

    /// The value of a key that may be absent; `None` also where it is wrong (and the problem is recorded).
    pub(crate) fn optional<T>(
        &self,
        key: &'static str,
        convert: impl FnOnce(&DeValue<'a>) -> Result<T, Allowed>,
    ) -> Option<Located<T>> {
        let value = self.get(key)?;
        let at = self.source.at(&value.span());
        match convert(value.get_ref()) {
            Ok(value) => Some(Located { value, at }),
            Err(allowed) => {
                self.problems.add(at, &self.path(key), allowed);
                None
            }
        }
    }

    /// The value of a key that must be there.
    pub(crate) fn required<T>(
        &self,
        key: &'static str,
        convert: impl FnOnce(&DeValue<'a>) -> Result<T, Allowed>,
    ) -> Option<Located<T>> {
        if !self.table.contains_key(key) {
            self.asked.borrow_mut().push(key);
            self.problems.add(self.at(), &self.path(key), "is missing");
            return None;
        }
        self.optional(key, convert)
    }

    /// The tables of `[[key]]`; none where the key is absent.
    pub(crate) fn tables(&self, key: &'static str) -> Vec<Self> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            let at = self.source.at(&value.span());
            self.problems.add(
                at,
                &self.path(key),
                format!("must be a list of tables, each headed [[{key}]]"),
            );
            return Vec::new();
        };
        array.iter().filter_map(|item| self.child(&self.path(key), item)).collect()
    }

    /// The table `[key]`, if there is one.
    pub(crate) fn table(&self, key: &'static str) -> Option<Self> {
        let value = self.get(key)?;
        self.child(&self.path(key), value)
    }

    fn child(&self, name: &str, value: &'a Spanned<DeValue<'a>>) -> Option<Self> {
        let Some(table) = value.get_ref().as_table() else {
            let got = value.get_ref().type_str();
            self.problems.add(self.source.at(&value.span()), name, format!("must be a table, not {got}"));
            return None;
        };
        Some(Self::new(self.source, self.problems, name, value.span(), table))
    }

    /// Every key and value of a table whose keys are names, in the order of the file.
    pub(crate) fn entries<T>(
        &self,
        mut convert: impl FnMut(&str, &DeValue<'a>) -> Result<T, Allowed>,
    ) -> Vec<Located<T>> {
        let mut entries: Vec<_> = self.table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let mut converted = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let at = self.source.at(&key.span());
            match convert(key.get_ref(), value.get_ref()) {
                Ok(value) => converted.push(Located { value, at }),
                Err(allowed) => self.problems.add(at, &self.path(key.get_ref()), allowed),
            }
        }
        converted
    }

    /// Ends the reading: keys that nobody asked for are problems.
    pub(crate) fn finish(self) {
        let asked = self.asked.borrow();
        for (key, _) in self.table {
            let word: &str = key.get_ref();
            if asked.contains(&word) {
                continue;
            }
            let known = || asked.iter().copied();
            let text =
                format!("is not a key here{}; allowed are {}", did_you_mean(word, known()), listed(known()));
            self.problems.add(self.source.at(&key.span()), &self.path(word), text);
        }
    }
}
