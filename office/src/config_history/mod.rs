//! Which configuration was in force, when, and by whom it came.
//!
//! A start tells the office the text that it goes by, and what it changed. The text may be longer than a record, so it
//! comes in pieces, and the word behind them makes it the one in force. A node that dies between two pieces leaves a
//! draft, which the next start begins anew. The same text again is nothing new, unless something was applied.
//!
//! State holds the text in force and one row for each of the last [`MOST_ROWS`] configurations. Older texts are what the
//! state at an earlier record holds: whoever asks for one replays the journal up to it.

mod state;
mod words;

pub use state::{ConfigHistory, InForce, MOST_CONFIG_BYTES, MOST_ROWS};
pub use words::{
    ConfigChange, ConfigChangeKind, ConfigWord, MOST_CHANGE_BYTES, MOST_CHANGES, PutPiece, RecordConfig,
};
