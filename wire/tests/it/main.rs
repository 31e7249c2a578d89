//! The local protocol from outside.

mod protocol;
