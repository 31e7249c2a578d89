//! What a start tells the office: which configuration came into force, what it changed, and what needs a second person.

use std::collections::BTreeSet;

use model::{Amount, Currency};
use office::OfficeWord;
use office::approvals::{ApprovalPolicy, ApprovalWord};
use office::config_history::{
    ConfigChange, ConfigChangeKind, ConfigHistory, ConfigWord, MOST_CHANGE_BYTES, MOST_CHANGES, PutPiece,
    RecordConfig,
};

use crate::config::{ApprovalsEntry, Config, differences};

/// A record holds 64 KiB.
const PIECE_BYTES: usize = 32 * 1024;

/// The words by which a configuration comes into force: its text in pieces where it is another than before, then the word
/// that makes it count. `applied` and `left` are what the shards carried out, and what was left as it is.
pub(crate) fn config(
    config: &Config,
    history: &ConfigHistory,
    applied: Vec<String>,
    left: Vec<String>,
) -> Vec<OfficeWord> {
    let text = config.text.as_str();
    let digest = *blake3::hash(text.as_bytes()).as_bytes();
    let is_new = history.in_force().is_none_or(|last| last.digest != digest);
    // At the first start everything is new: the shards say so by what they carry out.
    let written = if history.in_force().is_some() { differences(history.text(), text) } else { Vec::new() };
    let mut words: Vec<OfficeWord> = if is_new { pieces(text) } else { Vec::new() };
    let kinds = [ConfigChangeKind::Applied, ConfigChangeKind::Left, ConfigChangeKind::Written];
    let mut changes: Vec<ConfigChange> = kinds
        .into_iter()
        .zip([applied, left, written])
        .flat_map(|(kind, texts)| texts.into_iter().map(move |text| ConfigChange { kind, text: cut(&text) }))
        .collect();
    let more_changes = u32::try_from(changes.len().saturating_sub(MOST_CHANGES)).unwrap_or(u32::MAX);
    changes.truncate(MOST_CHANGES);
    words.push(OfficeWord::Config(ConfigWord::Record(RecordConfig { digest, changes, more_changes })));
    words
}

fn pieces(text: &str) -> Vec<OfficeWord> {
    let piece = |(index, bytes): (usize, &[u8])| {
        let offset = u64::try_from(index * PIECE_BYTES).unwrap_or(u64::MAX);
        OfficeWord::Config(ConfigWord::Piece(PutPiece { offset, bytes: bytes.to_vec() }))
    };
    text.as_bytes().chunks(PIECE_BYTES).enumerate().map(piece).collect()
}

/// One line of at most so many bytes as are kept.
fn cut(text: &str) -> String {
    let line: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let end = line.floor_char_boundary(MOST_CHANGE_BYTES);
    line.get(..end).unwrap_or_default().to_owned()
}

/// What needs a second person, as the configuration has it.
pub(crate) fn policy(approvals: &ApprovalsEntry) -> ApprovalPolicy {
    ApprovalPolicy {
        cash_above: approvals.cash_above.iter().map(|entry| entry.value).collect(),
        waits_ns: i64::from(approvals.expires_s) * 1_000_000_000,
    }
}

/// The word that sets it.
pub(crate) const fn policy_word(policy: ApprovalPolicy) -> OfficeWord {
    OfficeWord::Approval(ApprovalWord::Policy(policy))
}

/// What is otherwise in `wanted`, in words; empty where nothing is.
pub(crate) fn policy_changes(before: &ApprovalPolicy, wanted: &ApprovalPolicy) -> Vec<String> {
    let said = |above: Option<&Amount>| above.map_or("none".to_owned(), ToString::to_string);
    let currencies: BTreeSet<&Currency> = before.cash_above.keys().chain(wanted.cash_above.keys()).collect();
    let pairs =
        currencies.into_iter().map(|code| (code, before.cash_above.get(code), wanted.cash_above.get(code)));
    let mut changes: Vec<String> = pairs
        .filter(|(_, old, new)| old != new)
        .map(|(code, old, new)| format!("approvals: cash_above {code} {} → {}", said(old), said(new)))
        .collect();
    if before.waits_ns != wanted.waits_ns {
        let seconds = |policy: &ApprovalPolicy| policy.waits_ns / 1_000_000_000;
        changes.push(format!("approvals: expires_s {} → {}", seconds(before), seconds(wanted)));
    }
    changes
}
