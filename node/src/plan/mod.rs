//! From the configuration to commands: only the difference to what exists, to be shown before it is done.
//!
//! Names that exist keep their ids whatever the order of the file; new names get the next free id, in the order of
//! the file. What exists but is not in the file is reported and left alone: an account does not vanish because a
//! line was lost. What could not be without changing the past (the currency of an instrument, the portfolio of an
//! account) is an error with its place in the file.

mod ids;
mod steps;

use std::collections::BTreeMap;
use std::fmt;

use model::{Command, Name, SessionId, ShardId};

use crate::config::{Config, ConfigError, Problem};
use front::definitions::Definitions;

/// What to do so that the node is what the configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// In the order in which they must be done.
    pub steps: Vec<Step>,
    /// What exists and is not in the configuration, in words. Nothing is done about it.
    pub unlisted: Vec<String>,
    /// The configured sessions and their ids, new ones included.
    pub sessions: BTreeMap<Name, SessionId>,
}

/// One command of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// For which shard.
    pub shard: ShardId,
    /// Does it add, or change what exists?
    pub kind: StepKind,
    /// The command.
    pub command: Command,
    /// What it does, for people: `account GROWTH-1: price_band_bps 500 → 300`.
    pub text: String,
}

/// Whether a step adds or changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// It defines something that did not exist: safe to do at any start.
    New,
    /// It changes something that exists, perhaps what an operator has set since: to be confirmed.
    Changed,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.kind {
            StepKind::New => '+',
            StepKind::Changed => '~',
        };
        write!(f, "{sign} {}", self.text)
    }
}

impl Plan {
    /// The difference from what exists to what the configuration says.
    pub fn new(config: &Config, existing: &Definitions) -> Result<Self, ConfigError> {
        let mut problems: Vec<Problem> = Vec::new();
        let ids = ids::Ids::assign(config, existing, &mut problems);
        let mut plan = steps::plan(config, existing, &ids, &mut problems);
        plan.sessions = ids.sessions;
        if problems.is_empty() { Ok(plan) } else { Err(ConfigError::Wrong(problems)) }
    }

    /// The commands, in order.
    pub fn commands(&self) -> impl Iterator<Item = (ShardId, Command)> {
        self.steps.iter().map(|step| (step.shard, step.command))
    }

    /// True where there is nothing to do and nothing to report.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.unlisted.is_empty()
    }

    /// The steps of one kind.
    pub fn of_kind(&self, kind: StepKind) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(move |step| step.kind == kind)
    }
}
