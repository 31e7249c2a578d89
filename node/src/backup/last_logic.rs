//! Which version of the logic decided what is copied.

use std::marker::PhantomData;

use machine::Journalled;

/// The version of the last opening among the records that were looked at, of a machine with these inputs.
#[derive(Debug)]
pub(super) struct LastLogic<I> {
    pub(super) version: Option<u32>,
    inputs: PhantomData<I>,
}

impl<I> Default for LastLogic<I> {
    fn default() -> Self {
        Self { version: None, inputs: PhantomData }
    }
}

impl<I: Journalled> LastLogic<I> {
    /// Looks at one record. One that cannot be read is copied as it is: whoever reads the copy is told.
    pub(super) fn look(&mut self, kind: u8, payload: &[u8]) {
        let mut input = I::default();
        if I::kind_name(kind).is_some_and(|name| name.starts_with("opened"))
            && input.decode(kind, payload).is_ok()
        {
            self.version = input.logic_version();
        }
    }
}
