//! The budget file: for each target the compiler it was counted with, and the instructions of each stage.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

/// Where it is, from the root of the workspace.
pub(crate) const PATH: &str = "perf/budgets.toml";
/// Which compiler built this program.
pub(crate) const COMPILER: &str = env!("COMPILER");

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BudgetError {
    /// The file cannot be read or written.
    #[error("{PATH}: {0}")]
    File(#[from] std::io::Error),
    /// The file is not what this program writes.
    #[error("{PATH}: {0}")]
    Content(String),
    /// The counting failed.
    #[error("{0}")]
    Counting(String),
}

/// Of every target.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Budget {
    targets: BTreeMap<String, TargetBudget>,
}

/// Of one target.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TargetBudget {
    pub(crate) compiler: String,
    stages: BTreeMap<String, u64>,
}

impl TargetBudget {
    pub(crate) fn of(&self, stage: &str) -> Option<u64> {
        self.stages.get(stage).copied()
    }
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../budgets.toml")
}

impl Budget {
    /// Empty where there is no file yet.
    pub(crate) fn read() -> Result<Self, BudgetError> {
        match std::fs::read_to_string(path()) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error.into()),
        }
    }

    fn parse(text: &str) -> Result<Self, BudgetError> {
        let wrong = |what: &str| BudgetError::Content(what.to_owned());
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| wrong(error.message()))?;
        let mut budget = Self::default();
        for (target, stages) in table {
            let stages = stages.as_table().ok_or_else(|| wrong("every section must be a target"))?;
            let mut of_target = TargetBudget::default();
            for (name, value) in stages {
                match (name.as_str(), value.as_str(), value.as_integer()) {
                    ("compiler", Some(compiler), _) => compiler.clone_into(&mut of_target.compiler),
                    (_, _, Some(count)) => {
                        let count = u64::try_from(count).map_err(|_| wrong("a count is below zero"))?;
                        of_target.stages.insert(name.clone(), count);
                    }
                    _ => return Err(wrong(&format!("{target}.{name} is neither a count nor the compiler"))),
                }
            }
            budget.targets.insert(target, of_target);
        }
        Ok(budget)
    }

    pub(crate) fn for_this_machine(&self) -> Option<&TargetBudget> {
        self.targets.get(std::env::consts::ARCH)
    }

    /// With these counts for this target.
    pub(crate) fn with(mut self, counted: &[(&'static str, u64)]) -> Self {
        let stages = counted.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        let of_target = TargetBudget { compiler: COMPILER.to_owned(), stages };
        self.targets.insert(std::env::consts::ARCH.to_owned(), of_target);
        self
    }

    pub(crate) fn write(&self) -> Result<(), BudgetError> {
        Ok(std::fs::write(path(), self.text())?)
    }

    fn text(&self) -> String {
        let mut text = String::from(
            "# Instructions for one input, by stage: see perf/budgets/src/stages.rs. `cargo xtask test` fails where a stage takes\n\
             # over 10 % more. Written by `cargo xtask budgets --reset` and by nothing else.\n",
        );
        for (target, of_target) in &self.targets {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n[{target}]\ncompiler = \"{}\"\n", of_target.compiler);
            for (name, count) in &of_target.stages {
                let _ = writeln!(text, "\"{name}\" = {count}");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let budget = Budget::default().with(&[("risk.approve", 1_234), ("fix.encode", 5)]);
        assert_eq!(Budget::parse(&budget.text()).unwrap(), budget);
        assert_eq!(budget.for_this_machine().unwrap().of("risk.approve"), Some(1_234));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["x = 1", "[x86_64]\na = \"b\"", "[x86_64]\na = -1", "["] {
            assert!(Budget::parse(text).is_err(), "{text}");
        }
    }
}
