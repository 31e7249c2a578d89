//! The books: what is counted, in double entry, and what an account holds.

pub(crate) mod asset;
pub(crate) mod holding;
pub(crate) mod ledger;
