//! Text for people: [`table`], grouped numbers, durations, and the name that was probably meant ([`suggest`]).

mod duration;
pub mod suggest;
pub mod table;

pub use duration::short_duration;
