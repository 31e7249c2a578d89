//! The local protocol from outside.

mod page;
mod protocol;
