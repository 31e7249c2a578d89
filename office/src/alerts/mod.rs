//! Alerts that somebody has to see: each gets a number, is acknowledged once, and is forgotten long after.
//!
//! An alert stands for one cause: its kind and its subject. While it is open the same cause counts up and raises no
//! other. Shards raise most of them, as events of their records: the office remembers for each shard the last alert that
//! it heard, and drops what it has heard before. So an alert is neither lost nor counted twice by a kill.
//!
//! Memory is bounded: an acknowledged alert is retired [`KEPT_NS`] after it was acknowledged, or earlier where more than
//! [`MOST_ACKNOWLEDGED`] are kept. Open ones are never dropped. Beyond [`MOST_OPEN`] a cause that is new is counted by one
//! alert for its kind, under the subject [`OTHERS`].

mod state;
mod words;

pub use state::{
    Acknowledgement, Alerts, HeardAlerts, KEPT_NS, MOST_ACKNOWLEDGED, MOST_OPEN, OTHERS, RaisedAlert,
};
pub use words::{
    AcknowledgeAlert, AlertSource, AlertWord, HearFrom, MOST_ALERT_TEXT_BYTES, MOST_SUBJECT_BYTES,
    MOST_WORD_BYTES, RaiseAlert,
};
