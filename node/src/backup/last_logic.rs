//! Which version of the logic decided what is copied.

use machine::{Journalled, Payload};
use model::{Input, RecordKind};

/// The kinds of records that an opening is.
const OPENINGS: [u8; 2] = [RecordKind::Opened.code(), RecordKind::OpenedOnBoot.code()];

/// The version of the last opening among the records that were looked at.
#[derive(Debug, Default)]
pub(super) struct LastLogic {
    pub(super) version: Option<u32>,
}

impl LastLogic {
    /// Looks at one record. One that cannot be read is copied as it is: whoever reads the copy is told.
    pub(super) fn look(&mut self, kind: u8, payload: &[u8]) {
        let mut input = Input::default();
        if OPENINGS.contains(&kind) && input.decode(kind, payload).is_ok() {
            self.version = input.logic_version();
        }
    }
}
