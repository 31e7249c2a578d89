//! The gate from outside.

mod table;
mod twin;
