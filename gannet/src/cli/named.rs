//! How journals, records of them and people are called.

use journal::Folder;
use model::{Position, ShardId};
use node::journals::{OFFICE, shard_folder};
use readable::table::Cell;
use serde::Serializer;
use wire::WhoRow;

/// True where there is a journal of the office among those in this folder.
pub(super) fn has_office(folder: &Folder) -> bool {
    shard_folder(folder, OFFICE).path.is_dir()
}

/// A shard's number, or `office`.
pub(super) fn journal_name(shard: ShardId) -> String {
    if shard == OFFICE { "office".to_owned() } else { shard.to_string() }
}

/// At the head of a sentence.
pub(super) fn title(shard: ShardId) -> String {
    if shard == OFFICE { "The office".to_owned() } else { format!("Shard {shard}") }
}

/// The same for programs.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
pub(super) fn by_name<S: Serializer>(shard: &ShardId, to: S) -> Result<S::Ok, S::Error> {
    if *shard == OFFICE { to.serialize_str("office") } else { to.serialize_u16(shard.index) }
}

/// The same in a table.
pub(super) fn journal_cell(shard: ShardId) -> Cell {
    if shard == OFFICE { Cell::text("office") } else { Cell::count(shard.index) }
}

/// `office:12`, or a shard's `0:12`.
pub(super) fn place(position: Position) -> String {
    format!("{}:{}", journal_name(position.shard), position.seq)
}

/// `user 1000, the local socket`.
pub(super) fn who(row: &WhoRow) -> String {
    let person = if row.principal == 0 { String::new() } else { format!("person {}, ", row.principal) };
    format!("{person}user {}, {}", row.uid, row.door)
}
