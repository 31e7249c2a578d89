//! Where the state is kept: containers that know no word of trading, and what they grow by.

pub(crate) mod growth;
pub(crate) mod key;
pub(crate) mod names;
pub(crate) mod shelves;
pub(crate) mod sorted;
pub(crate) mod table;
