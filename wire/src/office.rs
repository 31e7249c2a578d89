//! What the office is asked and answers: configurations, alerts, approvals.

use model::{Amount, Currency, Name, Position, Reference};
use serde::{Deserialize, Serialize};

use super::text::{by_text, by_text_option, parsed};
use super::vocabulary::worded;

worded! {
/// Which rows of the office, by number. They come in the order of their numbers, a page at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfficeFilter {
    /// Only what is open: alerts that nobody acknowledged, requests that nobody decided.
    #[serde(default)]
    pub open: bool,
    /// Only those behind this number: `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// At most this many, from 1 to 200, and 200 where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}
}

impl OfficeFilter {
    /// The longest page: it must fit a frame.
    pub const MOST: u32 = 200;

    /// The page's length.
    pub fn page_len(&self) -> usize {
        usize::try_from(self.limit.unwrap_or(Self::MOST).clamp(1, Self::MOST)).unwrap_or(1)
    }
}

worded! {
/// A word about one row of the office.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfficeNote {
    /// Which.
    pub number: u64,
    /// Why: one line of at most 200 bytes.
    pub word: String,
}
}

worded! {
/// A page of rows of the office.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfficePage<R> {
    /// In the order of their numbers.
    pub rows: Vec<R>,
    /// What to ask for `after` to get the next page; absent on the last.
    pub next: Option<u64>,
    /// Where the office stood when the rows were made.
    #[serde(with = "by_text")]
    pub at: Position,
}
}

worded! {
/// Who said something to the office.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhoRow {
    /// By the node's list of people; 0 where it has no name for them.
    pub principal: u32,
    /// The operating system's user.
    pub uid: u32,
    /// How the word came in.
    pub door: String,
    /// When: RFC 3339, UTC.
    pub time: String,
}
}

worded! {
/// A configuration that came into force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigRow {
    /// Which, from 1.
    pub number: u64,
    /// The record by which it came into force.
    #[serde(with = "by_text")]
    pub position: Position,
    /// By whom, and when.
    pub by: WhoRow,
    /// BLAKE3 of its text, in hexadecimal digits.
    pub digest: String,
    /// The length of its text.
    pub len_bytes: u64,
    /// What is otherwise than before.
    pub changes: Vec<ConfigChangeRow>,
    /// How many changes are not told.
    pub more_changes: u32,
}
}

worded! {
/// One thing that is otherwise than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigChangeRow {
    /// `written`, `applied` or `left`.
    pub kind: String,
    /// In words.
    pub text: String,
}
}

worded! {
/// An alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertRow {
    /// Which, from 1.
    pub number: u64,
    /// What kind of thing.
    pub kind: String,
    /// Who or what it is about.
    pub subject: String,
    /// What happened, the last time.
    pub text: String,
    /// How often it was raised.
    pub times: u64,
    /// When it was raised first: RFC 3339, UTC.
    pub first: String,
    /// When it was raised last.
    pub last: String,
    /// The shard's record of the last time; null where the node itself raised it.
    #[serde(with = "by_text_option")]
    pub position: Option<Position>,
    /// Who acknowledged it; null while it is open.
    pub acknowledged: Option<WhoRow>,
    /// What they said.
    pub word: Option<String>,
}
}

worded! {
/// A request that waits for a second person, or waited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApprovalRow {
    /// Which, from 1.
    pub number: u64,
    /// `deposit` or `withdraw`.
    pub what: String,
    /// The account's name.
    #[serde(deserialize_with = "parsed")]
    pub account: Name,
    /// How much.
    #[serde(deserialize_with = "parsed")]
    pub amount: Amount,
    /// Of what.
    #[serde(with = "by_text")]
    pub currency: Currency,
    /// The mover's own identifier.
    #[serde(deserialize_with = "parsed")]
    pub reference: Reference,
    /// Who asked, and when.
    pub asked: WhoRow,
    /// Until when it waits: RFC 3339, UTC.
    pub expires: String,
    /// `waiting`, `approved`, `booked`, `denied`, `refused` or `expired`.
    pub standing: String,
    /// Who approved or refused it; null where nobody did.
    pub decided: Option<WhoRow>,
    /// Why it was refused, or the number of the shard's reason to deny it.
    pub word: Option<String>,
    /// The shard's record, where it was carried out.
    #[serde(with = "by_text_option")]
    pub position: Option<Position>,
}
}

worded! {
/// A request waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingApproval {
    /// The office's record.
    #[serde(with = "by_text")]
    pub position: Position,
    /// Its number.
    pub number: u64,
    /// Where it stands: `waiting`, or what became of it where the same was asked for before.
    pub standing: String,
    /// True where the same was asked for before, and nothing was done again.
    pub repeated: bool,
}
}
