//! What every door needs between people and the core: names.
//!
//! Names and ids belong to the machine: they are definitions in the journal, and a state has them all. A [`directory`] is
//! made from the states of all shards ([`definitions`]). [`live`] keeps one that follows them, so that who is defined
//! while a node runs has a name at every door.

pub mod definitions;
pub mod directory;
pub mod live;
